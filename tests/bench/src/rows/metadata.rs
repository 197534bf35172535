//! From repositories' documents to a solved root.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use kiln::metadata::Metadata;
use kiln::solve::{self, RepoMetadata, Request};

use crate::contest::Contestant;
use crate::dnf;
use crate::error::Error;
use crate::lab::{GROUP, Lab, Mirror};
use crate::result::{Goal, Measured, Outcome, Unit, median};
use crate::rows::root::{against, duel};
use crate::sample::{Sample, finish, peak};
use crate::synthetic;

/// So many packages does a distribution have.
const DISTRIBUTION: usize = 65_000;

/// A repository for these rows: what to ask of it, and what it is.
struct Scale {
    mirror: Mirror,
    directory: PathBuf,
    ask: &'static [&'static str],
    words: String,
}

impl Scale {
    fn open(lab: &Lab) -> Result<Self, Error> {
        if let Some(directory) = &lab.scale {
            return Ok(Self {
                mirror: Mirror::start(directory)?,
                directory: directory.clone(),
                ask: &["build-essential"],
                words: "the repository of --scale".to_owned(),
            });
        }
        let directory = lab.path("multiplied");
        synthetic::multiply(&lab.clay.join("repo"), DISTRIBUTION, &directory)?;
        Ok(Self {
            mirror: Mirror::start(&directory)?,
            directory,
            ask: &["gcc", "g++", "make", "rpm", "bash", "perl", "git"],
            words: format!("{DISTRIBUTION} packages made from Clay's"),
        })
    }

    fn release(&self, lab: &Lab) -> Result<PathBuf, Error> {
        let file = lab.path("scale-1-x86_64.toml");
        let text = format!(
            "[release]\ndescription = \"a whole distribution\"\narch = \"x86_64\"\n[root]\npackages = []\n[[repo]]\n\
             id = \"scale\"\nbaseurl = [\"{}\"]\ngpgcheck = false\nrepo_gpgcheck = false\n",
            self.mirror.url
        );
        std::fs::write(&file, text).map_err(Error::io("write", &file))?;
        Ok(file)
    }
}

/// First load, load from the own cache, and memory.
pub(super) fn distribution(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let scale = Scale::open(lab)?;
    let release = scale.release(lab)?;
    let (store, cache, root) = (lab.path("scale-store"), lab.path("scale-cache"), lab.path("scale-root"));
    let ours = || {
        let mut command = lab.kiln_with(&store, &release);
        command.arg("solve").args(scale.ask);
        command
    };
    let theirs = || {
        let mut command = dnf::with(lab, &root, &cache, &scale.mirror.url);
        command.arg("--setopt=bench.gpgcheck=0").args(["--assumeno", "install"]).args(scale.ask);
        command
    };
    let peer = |name, prepare: fn(&Lab, &Path) -> Result<(), Error>| {
        let cache = &cache;
        lab.has("dnf").map(|()| Contestant::new(name, move || prepare(lab, cache), theirs))
    };
    let keep: fn(&Lab, &Path) -> Result<(), Error> = |_, _| Ok(());
    let first = Contestant::new("kiln solve, first", || lab.bury(&store), ours);
    let (first, first_peer) = duel(lab, first, peer("dnf --assumeno, first", Lab::bury), lab.runs)?;
    let again = Contestant::ready("kiln solve, again", ours);
    let (again, again_peer) = duel(lab, again, peer("dnf --assumeno, again", keep), lab.runs)?;
    let words = scale.words.as_str();
    let mut outcomes = vec![
        against(
            "metadata",
            &format!("metadata, {words}: first load, to a solved build root"),
            &first,
            &first_peer,
        )
        .bar(Goal::Less(3.0))
        .aim(Goal::Less(8.0)),
        against("metadata", "the same from the own cache", &again, &again_peer)
            .bar(Goal::Less(10.0))
            .aim(Goal::Less(30.0)),
    ];
    for (what, forget) in [("peak memory of the first load", true), ("peak memory from the own cache", false)]
    {
        outcomes.push(memory(lab, what, (&ours, &theirs), &|| {
            if forget { lab.bury(&store).and_then(|()| lab.bury(&cache)) } else { Ok(()) }
        })?);
    }
    let count = String::from_utf8_lossy(&finish(&mut ours())?).lines().count();
    outcomes[0].remarks.push(format!("{count} packages for `{}`", scale.ask.join(" ")));
    Ok(outcomes)
}

type Commands<'a> = (&'a dyn Fn() -> Command, &'a dyn Fn() -> Command);

fn memory(
    lab: &Lab,
    what: &str,
    (ours, theirs): Commands<'_>,
    prepare: &dyn Fn() -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let has = lab.has("dnf");
    let (mut kiln, mut dnf) = (Vec::new(), Vec::new());
    for _ in 0..lab.runs {
        prepare()?;
        kiln.push(peak(&ours())? as f64);
        if has.is_ok() {
            dnf.push(peak(&theirs())? as f64);
        }
    }
    let found = median(dnf.into_iter());
    Ok(Outcome {
        row: "metadata".to_owned(),
        what: what.to_owned(),
        unit: Unit::Bytes,
        ours: median(kiln.into_iter()),
        peer: has.is_ok().then(|| ("dnf".to_owned(), found)),
        remarks: has.err().into_iter().collect(),
        bar: Some(Goal::Less(2.0)),
        aim: Some(Goal::Less(5.0)),
        runs: Vec::new(),
    })
}

/// The solver alone, with libsolv's own time from dnf's log: what is there is in memory already.
pub(super) fn solve(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = vec![solved(lab, &lab.clay.join("repo"), &lab.mirror.url, &[GROUP], &members(lab)?)?];
    if lab.scale.is_some() {
        let scale = Scale::open(lab)?;
        let large: &[&str] = &["task-gnome-desktop"];
        let asked: Vec<String> = large.iter().map(|text| (*text).to_owned()).collect();
        outcomes.push(solved(lab, &scale.directory, &scale.mirror.url, large, &asked)?);
    }
    Ok(outcomes)
}

/// The members of the build root's group.
fn members(lab: &Lab) -> Result<Vec<String>, Error> {
    let path = document(&lab.clay.join("repo"), "comps.xml")?;
    let file = std::fs::File::open(&path).map_err(Error::io("read", &path))?;
    let comps = kiln::metadata::Comps::parse("clay", std::io::BufReader::new(file));
    let comps = comps.map_err(|error| Error::broken(path.display().to_string(), error))?;
    let group = GROUP.trim_start_matches('@');
    let members =
        comps.expand(group).ok_or_else(|| Error::broken("comps", "there is no build root in it"))?;
    Ok(members.iter().map(kiln::metadata::Member::request).collect())
}

fn document(repo: &Path, ending: &str) -> Result<PathBuf, Error> {
    let repodata = repo.join("repodata");
    let entries = std::fs::read_dir(&repodata).map_err(Error::io("list", &repodata))?;
    let found =
        entries.flatten().map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with(ending));
    found.ok_or_else(|| Error::broken(repodata.display().to_string(), format!("nothing ends in {ending}")))
}

fn solved(lab: &Lab, repo: &Path, url: &str, ask: &[&str], expanded: &[String]) -> Result<Outcome, Error> {
    let primary = document(repo, "primary.xml.gz")?;
    let file = std::fs::File::open(&primary).map_err(Error::io("read", &primary))?;
    let input = std::io::BufReader::new(flate2::read::MultiGzDecoder::new(file));
    let metadata = Metadata::parse("bench", input)
        .map_err(|error| Error::broken(primary.display().to_string(), error))?;
    let request = Request { arch: "x86_64".to_owned(), install: expanded.to_vec(), ..Request::default() };
    let mut measured = Measured::new("kiln, solving alone");
    let mut count = 0;
    for _ in 0..lab.runs {
        let repos = [RepoMetadata::new(&metadata)];
        let started = Instant::now();
        let answer = solve::solve(&repos, &request);
        let wall = started.elapsed().as_secs_f64();
        count = answer.map_err(|error| Error::broken("solving", format!("{error:?}")))?.packages.len();
        measured.samples.push(Sample { wall, cpu: wall });
    }
    let what = format!("solve alone, root of {count} packages of {}", metadata.packages().count());
    match lab.has("dnf").and_then(|()| libsolv(lab, url, ask)) {
        Ok(peer) => Ok(Outcome::times("solve", &what, &measured, Some(&peer)).bar(Goal::AtMostTimes(1.0))),
        Err(why) => Ok(Outcome::times("solve", &what, &measured, None).remark(why)),
    }
}

/// libsolv's time as dnf's own log has it.
fn libsolv(lab: &Lab, url: &str, ask: &[&str]) -> Result<Measured, String> {
    let mut measured = Measured::new("libsolv in dnf");
    let (root, cache) = (lab.path("solve-root"), lab.path("solve-cache"));
    let log = dnf::log(lab, &root);
    for _ in 0..lab.runs {
        let _ = std::fs::remove_file(&log);
        let mut command = dnf::with(lab, &root, &cache, url);
        command
            .args(["--setopt=bench.gpgcheck=0", "--setopt=logfilelevel=10", "--assumeno", "install"])
            .args(ask);
        finish(&mut command).map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(&log).map_err(|error| format!("dnf's log: {error}"))?;
        let line = text.lines().rev().find_map(|line| line.split_once("timer: depsolve: "));
        let milliseconds = line.and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
        let milliseconds = milliseconds.ok_or("dnf's log does not say how long solving took")?;
        measured.samples.push(Sample { wall: milliseconds / 1e3, cpu: milliseconds / 1e3 });
    }
    Ok(measured)
}
