//! How times grow with the number of packages: each line has the time per package, and the first is what the others are
//! compared with.

use std::path::Path;

use crate::contest::{Contestant, contest};
use crate::error::Error;
use crate::lab::{Lab, Mirror};
use crate::result::{Goal, Measured, Outcome, Unit};
use crate::sample::finish;
use crate::synthetic;

/// Installed and known packages.
pub(super) fn growth(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = installed(lab)?;
    outcomes.extend(known(lab)?);
    Ok(outcomes)
}

/// Roots of more and more packages, all of them unpacked before.
fn installed(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let sets: &[&[&str]] = &[
        &["bash", "coreutils", "sed", "grep", "perl"],
        &["@buildsys-build"],
        &["@buildsys-build", "cmake", "git", "meson", "swig", "gnupg"],
        &[
            "@buildsys-build",
            "cmake",
            "git",
            "meson",
            "swig",
            "gnupg",
            "xmlto",
            "texinfo",
            "libglib2.0-dev",
            "libxml2-dev",
            "ruby",
            "tcl-dev",
            "python3-pytest",
            "python3-dev",
            "intltool",
            "libevent-dev",
            "groff",
            "libcurl4-openssl-dev",
            "libarchive-dev",
            "libicu-dev",
            "libtirpc-dev",
            "vim-tiny",
            "psmisc",
            "strace",
        ],
    ];
    let store = lab.path("growth-store");
    let mut series = Vec::new();
    for (number, set) in sets.iter().enumerate() {
        let release = lab.path(&format!("growth-{number}.toml"));
        let clay = lab.release();
        let text = std::fs::read_to_string(&clay).map_err(Error::io("read", &clay))?;
        let words: Vec<String> = set.iter().map(|word| format!("{word:?}")).collect();
        let text = text.replace("[\"@buildsys-build\"]", &format!("[{}]", words.join(", ")));
        std::fs::write(&release, text).map_err(Error::io("write", &release))?;
        let command = || {
            let mut command = lab.kiln_with(&store, &release);
            command.arg("init");
            command
        };
        let count = lines(&finish(lab.kiln_with(&store, &release).arg("solve"))?);
        finish(&mut command())?;
        let forget = || lab.bury_in(&store.join("layers"), &[]);
        let measured = contest(&lab.clock, lab.runs, &[Contestant::new("kiln init", forget, command)])?;
        series.extend(measured.into_iter().map(|measured| (count, measured)));
    }
    Ok(per_package("init from the store", &series))
}

/// Repositories of more and more packages: read, and solved from the cache.
fn known(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for count in [1_000, 4_000, 16_000, 65_000] {
        let directory = lab.path(&format!("known-{count}"));
        synthetic::multiply(&lab.clay.join("repo"), count, &directory)?;
        let mirror = Mirror::start(&directory)?;
        let release = lab.path(&format!("known-{count}.toml"));
        let text = format!(
            "[release]\ndescription = \"known\"\narch = \"x86_64\"\n[root]\npackages = []\n[[repo]]\nid = \"known\"\n\
             baseurl = [\"{}\"]\ngpgcheck = false\nrepo_gpgcheck = false\n",
            mirror.url
        );
        std::fs::write(&release, text).map_err(Error::io("write", &release))?;
        let store = lab.path("known-store");
        for (series, forget) in [(&mut first, true), (&mut again, false)] {
            let prepare = || if forget { lab.bury(&store) } else { Ok(()) };
            let solve = || solve(lab, &store, &release);
            let measured = contest(&lab.clock, lab.runs, &[Contestant::new("kiln solve", prepare, solve)])?;
            series.extend(measured.into_iter().map(|measured| (count, measured)));
        }
        lab.bury(&store)?;
    }
    let mut outcomes = per_package("metadata, first load to a solved root", &first);
    outcomes.extend(per_package("metadata, from the cache to a solved root", &again));
    Ok(outcomes)
}

fn solve(lab: &Lab, store: &Path, release: &Path) -> std::process::Command {
    let mut command = lab.kiln_with(store, release);
    command.args(["solve", "gcc", "g++", "make", "rpm", "bash", "perl", "git"]);
    command
}

fn lines(said: &[u8]) -> usize {
    String::from_utf8_lossy(said).lines().count()
}

/// A line for each size. Linear or better means that no size needs more time per package than the smallest.
fn per_package(what: &str, series: &[(usize, Measured)]) -> Vec<Outcome> {
    let each = |(count, measured): &(usize, Measured)| measured.wall() / *count as f64;
    let smallest = series.first().map(each);
    let outcome = |entry: &(usize, Measured)| Outcome {
        row: "growth".to_owned(),
        what: format!("{what}: time for each of {} packages", entry.0),
        unit: Unit::Seconds,
        ours: each(entry),
        peer: smallest.map(|smallest| ("the smallest".to_owned(), smallest)),
        remarks: vec![format!("{:.1} ms for {} packages", entry.1.wall() * 1e3, entry.0)],
        bar: Some(Goal::AtMostTimes(1.1)),
        aim: None,
        runs: vec![entry.1.clone()],
    };
    series.iter().map(outcome).collect()
}
