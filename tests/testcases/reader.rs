//! Reads a test case: a line is a command, lines that begin with `#>` are what the command before them is given.

use std::path::Path;

/// A package in test tags: its tags in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) evr: String,
    pub(crate) arch: String,
    /// Tag and value.
    pub(crate) tags: Vec<(String, String)>,
}

/// A repository.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repo {
    pub(crate) id: String,
    pub(crate) priority: i32,
    pub(crate) subpriority: i32,
    pub(crate) packages: Vec<Package>,
    /// Test tags, or nothing.
    pub(crate) readable: bool,
}

/// One question of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    pub(crate) repos: Vec<Repo>,
    /// Architecture, kind of distribution, repository of what is installed.
    pub(crate) system: Vec<String>,
    pub(crate) jobs: Vec<String>,
    /// Commands and options that are neither.
    pub(crate) others: Vec<String>,
    pub(crate) disabled: Vec<String>,
    /// What is compared.
    pub(crate) results: Vec<String>,
    pub(crate) expected: Vec<String>,
}

/// The questions of a file.
pub(crate) fn read(text: &str, directory: &Path) -> Vec<Case> {
    let mut lines = text.lines().map(str::trim).peekable();
    let (mut cases, mut case) = (Vec::new(), Case::default());
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut inline = Vec::new();
        while let Some(given) = lines.next_if(|next| next.starts_with('#')) {
            inline.extend(given.strip_prefix("#>").map(str::to_owned));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["nextjob", ..] => {
                let next =
                    Case { jobs: Vec::new(), results: Vec::new(), expected: Vec::new(), ..case.clone() };
                cases.push(std::mem::replace(&mut case, next));
                case.others.retain(|other| !other.starts_with("solverflags"));
            }
            ["repo", id, priority, kind, from @ ..] => {
                let text = match from {
                    [file, ..] if *file != "<inline>" => {
                        std::fs::read_to_string(directory.join(file)).unwrap_or_default()
                    }
                    _ => inline.join("\n"),
                };
                case.repos.push(repo(id, priority, kind, &text));
            }
            ["system", rest @ ..] => case.system = rest.iter().map(|word| (*word).to_owned()).collect(),
            ["job", rest @ ..] => case.jobs.push(rest.join(" ")),
            ["disable", "pkg", package] => case.disabled.push((*package).to_owned()),
            ["result", what, from @ ..] => {
                case.results.extend(what.split(',').map(str::to_owned));
                match from {
                    [file, ..] if *file != "<inline>" => {
                        let text = std::fs::read_to_string(directory.join(file)).unwrap_or_default();
                        case.expected.extend(text.lines().map(str::to_owned));
                    }
                    _ => case.expected.extend(inline),
                }
            }
            ["feature" | "genid" | "evrcmp", ..] => {}
            _ => case.others.push(line.to_owned()),
        }
    }
    cases.push(case);
    cases
}

fn repo(id: &str, priority: &str, kind: &str, text: &str) -> Repo {
    let (priority, subpriority) = priority.split_once('.').unwrap_or((priority, "0"));
    let mut packages: Vec<Package> = Vec::new();
    for line in text.lines() {
        let Some((tag, value)) = line.strip_prefix('=').and_then(|line| line.split_once(": ")) else {
            continue;
        };
        let value = value.trim();
        match (tag, packages.last_mut()) {
            ("Pkg", _) => {
                let words: Vec<&str> = value.split(' ').collect();
                if let [name, version, release, rest @ ..] = words.as_slice() {
                    packages.push(Package {
                        name: (*name).to_owned(),
                        evr: format!("{version}-{release}"),
                        arch: rest.first().map_or("noarch", |arch| *arch).to_owned(),
                        tags: Vec::new(),
                    });
                }
            }
            (_, Some(package)) => package.tags.push((tag.to_owned(), value.to_owned())),
            (_, None) => {}
        }
    }
    Repo {
        id: id.to_owned(),
        priority: priority.parse().unwrap_or(0),
        subpriority: subpriority.parse().unwrap_or(0),
        packages,
        readable: kind == "testtags" || kind == "empty",
    }
}
