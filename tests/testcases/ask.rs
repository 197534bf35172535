//! Asks kiln what a case asks.

use std::fmt::Write as _;

use kiln::metadata::Metadata;
use kiln::package::{Dependency, Evr, Nevra};
use kiln::solve::{Best, Error, RepoMetadata, Request, Weak, solve};
use kiln::unit::Digest;

use super::dependency;
use super::reader::{Case, Package, Repo};

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer that is expected.
    Same,
    /// Another one.
    Different(String),
    /// Not a question to kiln, and why not.
    OtherKind(String),
}

/// Asks.
pub(crate) fn ask(case: &Case) -> Outcome {
    match question(case) {
        Err(reason) => Outcome::OtherKind(reason),
        Ok(question) => question.compare(case),
    }
}

struct Question {
    metadata: Vec<Metadata>,
    excludes: Vec<Vec<String>>,
    request: Request,
    /// What must be answered: NEVRA and repository, sorted; nothing if the request must be refused.
    expected: Option<Vec<String>>,
}

fn question(case: &Case) -> Result<Question, String> {
    let (arch, kind, system) = match case.system.as_slice() {
        [arch, kind, system @ ..] => (arch.as_str(), kind.as_str(), system.first()),
        _ => ("unset", "*", None),
    };
    if kind != "rpm" && kind != "*" {
        return Err(format!("system {kind}"));
    }
    if !case.results.iter().any(|result| result == "transaction") {
        let results = case.results.join(",");
        return Err(format!("result {}", if results.is_empty() { "none" } else { &results }));
    }
    let mut request = Request {
        arch: if arch == "unset" { "x86_64" } else { arch }.to_owned(),
        weak: Weak::Install,
        best: Best::Prefer,
        ..Request::default()
    };
    let there = case.repos.iter().filter(|repo| Some(&repo.id) == system);
    request.installed = there.flat_map(|repo| &repo.packages).map(nevra).collect();
    for other in &case.others {
        let words: Vec<&str> = other.split_whitespace().collect();
        match words.as_slice() {
            ["solverflags", "ignorerecommended"] => request.weak = Weak::Skip,
            ["poolflags", "implicitobsoleteusescolors" | "whatprovideswithdisabled"] => {}
            ["solverflags", flags @ ..] if flags.iter().all(is_of_installed) => {}
            _ => return Err(words.into_iter().take(2).collect::<Vec<_>>().join(" ")),
        }
    }
    for job in &case.jobs {
        add_job(job, case, &mut request)?;
    }
    let mut metadata = Vec::new();
    for repo in &case.repos {
        if !repo.readable {
            return Err("repository in another format".to_owned());
        }
        metadata.push(tables(repo)?);
    }
    let of_repo =
        |text: &String, repo: &Repo| text.strip_suffix(&repo.id)?.strip_suffix('@').map(str::to_owned);
    let excludes =
        case.repos.iter().map(|repo| case.disabled.iter().filter_map(|it| of_repo(it, repo)).collect());
    Ok(Question { metadata, excludes: excludes.collect(), request, expected: expected(case)? })
}

/// Whether an option only says what may happen to what is installed: a case in which something of that happens is of
/// another kind anyway.
fn is_of_installed(flag: &&str) -> bool {
    const FLAGS: &[&str] = &[
        "allowuninstall",
        "keeporphans",
        "allowvendorchange",
        "noautotarget",
        "keepexplicitobsoletes",
        "focusinstalled",
        "allowdowngrade",
        "allowarchchange",
        "allownamechange",
        "bestobeypolicy",
    ];
    let flag = flag.trim_start_matches('!');
    FLAGS.contains(&flag) || flag.starts_with("dup")
}

fn add_job(job: &str, case: &Case, request: &mut Request) -> Result<(), String> {
    let (job, flags) = match job.split_once(" [") {
        Some((job, flags)) => (job, flags.trim_end_matches(']')),
        None => (job, ""),
    };
    if !["install", "noop", "allowuninstall"].iter().any(|kind| job.starts_with(kind)) {
        return Err(format!("job {}", job.split(' ').next().unwrap_or_default()));
    }
    for flag in flags.split(',').filter(|flag| !flag.is_empty()) {
        match flag {
            "forcebest" if case.jobs.iter().all(|job| job.contains("forcebest")) => request.best = Best::Only,
            "setevr" | "setarch" => {}
            _ => return Err(format!("job flag {flag}")),
        }
    }
    let words: Vec<&str> = job.split(' ').collect();
    match words.as_slice() {
        ["install", "name", name] => request.install.push((*name).to_owned()),
        ["install", "name", _, _, ..] | ["install", "provides", ..] => {
            let text = words[2..].join(" ");
            request.requires.push(dependency::rpm(&text).ok_or("job install of a namespace")?);
        }
        ["install", "pkg", package] => {
            let (nevra, _) = package.split_once('@').ok_or("job install pkg")?;
            request.install.push(nevra.to_owned());
        }
        ["noop" | "allowuninstall", ..] => {}
        _ => return Err(format!("job {}", words[0])),
    }
    Ok(())
}

fn expected(case: &Case) -> Result<Option<Vec<String>>, String> {
    let mut packages = Vec::new();
    for line in &case.expected {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["problem", ..] => return Ok(None),
            ["install", package] => packages.push((*package).to_owned()),
            [change @ ("erase" | "upgrade" | "downgrade" | "reinstall" | "obsoletes"), ..] => {
                return Err(format!("what is installed changes: {change}"));
            }
            _ => {}
        }
    }
    packages.sort();
    Ok(Some(packages))
}

impl Question {
    fn compare(&self, case: &Case) -> Outcome {
        let repo = |(at, metadata): (usize, _)| RepoMetadata {
            priority: -case.repos[at].priority,
            cost: 1000_u32.saturating_add_signed(-case.repos[at].subpriority),
            excludes: &self.excludes[at],
            ..RepoMetadata::new(metadata)
        };
        let repos: Vec<RepoMetadata<'_>> = self.metadata.iter().enumerate().map(repo).collect();
        let mut request = self.request.clone();
        let found = loop {
            match solve(&repos, &request) {
                Ok(resolution) => {
                    let new =
                        resolution.packages.into_iter().filter(|it| !request.installed.contains(&it.nevra));
                    let mut found: Vec<String> = new.map(|it| format!("{}@{}", it.nevra, it.repo)).collect();
                    found.sort();
                    break Ok(found);
                }
                Err(Error::NeedsFilelists(paths)) => {
                    request.files.add("", &paths, &kiln::metadata::Owners::default());
                }
                Err(Error::Conflict(conflict)) => break Err(conflict.to_string()),
            }
        };
        match (&self.expected, found) {
            (None, Err(_)) => Outcome::Same,
            (Some(expected), Ok(found)) if *expected == found => Outcome::Same,
            (expected, found) => Outcome::Different(format!("expected {expected:?}, found {found:?}")),
        }
    }
}

fn nevra(package: &Package) -> Nevra {
    Nevra { name: package.name.clone(), evr: Evr::parse(&package.evr), arch: package.arch.clone() }
}

/// A repository as a primary document, read.
fn tables(repo: &Repo) -> Result<Metadata, String> {
    let mut xml = String::from("<metadata>");
    for (number, package) in repo.packages.iter().enumerate() {
        let Nevra { name, evr, arch } = nevra(package);
        let digest = Digest::sha256(format!("{number}{package:?}").as_bytes()).hex();
        write!(
            xml,
            "<package type=\"rpm\"><name>{}</name><arch>{arch}</arch><version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>\
             <checksum type=\"sha256\">{digest}</checksum><location href=\"{number}.rpm\"/><format>",
            escaped(&name),
            evr.epoch,
            evr.version,
            evr.release
        )
        .unwrap();
        for (tag, element) in LISTS {
            write!(xml, "<rpm:{element}>").unwrap();
            for (_, value) in package.tags.iter().filter(|(own, _)| own == tag) {
                entry(&mut xml, &dependency::rpm(value).ok_or("dependency of a namespace")?);
            }
            write!(xml, "</rpm:{element}>").unwrap();
        }
        let files = package.tags.iter().filter(|(tag, _)| tag == "Fls");
        files.for_each(|(_, path)| write!(xml, "<file>{path}</file>").unwrap());
        xml.push_str("</format></package>");
    }
    xml.push_str("</metadata>");
    Metadata::parse(&repo.id, xml.as_bytes()).map_err(|error| error.to_string())
}

const LISTS: &[(&str, &str)] = &[
    ("Prv", "provides"),
    ("Req", "requires"),
    ("Con", "conflicts"),
    ("Obs", "obsoletes"),
    ("Rec", "recommends"),
    ("Sug", "suggests"),
    ("Sup", "supplements"),
    ("Enh", "enhances"),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn entry(xml: &mut String, text: &str) {
    let plain = if text.starts_with('(') { None } else { Dependency::parse(text).ok() };
    let Some(dep) = plain.filter(|dep| !dep.evr.is_empty()) else {
        return write!(xml, "<rpm:entry name=\"{}\"/>", escaped(text)).unwrap();
    };
    let flags = match dep.sense.symbol() {
        "=" => "EQ",
        "<" => "LT",
        "<=" => "LE",
        ">" => "GT",
        _ => "GE",
    };
    let evr = Evr::parse(dep.evr);
    let release = if evr.release.is_empty() { String::new() } else { format!(" rel=\"{}\"", evr.release) };
    write!(
        xml,
        "<rpm:entry name=\"{}\" flags=\"{flags}\" epoch=\"{}\" ver=\"{}\"{release}/>",
        escaped(dep.name),
        evr.epoch,
        evr.version
    )
    .unwrap();
}
