//! What Clay writes is what rpm reads: its own packages, made here without any archive, and the host's rpm as the judge.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use clay::build::build;
use clay::key::Key;
use clay::metadata::describe;
use clay::{features, own, repo};

/// Clay's own packages, written to a directory.
struct Written {
    directory: tempfile::TempDir,
}

impl Written {
    fn new(key: &Key) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("Packages");
        std::fs::create_dir(&files).unwrap();
        let mut described = Vec::new();
        for recipe in own::packages().into_iter().chain(features::packages()) {
            let name = recipe.file_name();
            let bytes = build(recipe, key).unwrap();
            described.push(describe(&format!("Packages/{name}"), &bytes).unwrap());
            std::fs::write(files.join(name), bytes).unwrap();
        }
        repo::write(directory.path(), &described.iter().collect::<Vec<_>>(), key).unwrap();
        Self { directory }
    }

    fn package(&self, name: &str) -> PathBuf {
        let start = format!("{name}-1-1.cl1.");
        let mut paths = self.packages().into_iter();
        paths.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&start)).unwrap()
    }

    fn packages(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path().join("Packages")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn key(directory: &Path) -> Key {
    Key::load_or_make(&directory.join("key")).unwrap()
}

fn run(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {shown}{}", String::from_utf8_lossy(&output.stderr));
    shown
}

fn query(package: &Path, what: &[&str]) -> String {
    run(Command::new("rpm").args(["-q", "--nosignature", "-p"]).args(what).arg(package))
}

#[test]
fn rpm_accepts_every_digest_and_signature() {
    let work = tempfile::tempdir().unwrap();
    let key = key(work.path());
    let written = Written::new(&key);
    let public = work.path().join("public");
    std::fs::write(&public, key.public().unwrap()).unwrap();
    let rpmkeys = || {
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(work.path().join("db"));
        command
    };
    run(rpmkeys().arg("--import").arg(&public));
    let checked = run(rpmkeys().arg("--checksig").args(written.packages()));
    assert_eq!(
        checked.lines().filter(|line| line.ends_with("digests signatures OK")).count(),
        written.packages().len()
    );
}

#[test]
fn rpm_sees_the_features_as_they_are_meant() {
    let work = tempfile::tempdir().unwrap();
    let written = Written::new(&key(work.path()));
    for (package, what, expected) in [
        ("clay-triggers", vec!["--qf", "[%{transfiletriggerpriorities} ]"], "500 3000000 "),
        ("clay-triggers", vec!["--qf", "[%{transfiletriggername} ]"], "/usr/share/clay/ /usr/share/clay/t "),
        ("clay-triggers", vec!["--qf", "[%{triggername} ]"], "clay-files "),
        (
            "clay-scripts",
            vec!["--qf", "%{preinprog} %{postinprog} %{posttransprog}"],
            "(none) <lua> /bin/bash",
        ),
        (
            "clay-scripts",
            vec!["--qf", "[%{filenames}:%{fileusername} ]"],
            "/var/lib/clay:root /var/lib/clay/log:root /var/lib/clay/state:clay ",
        ),
        ("clay-expansion", vec!["--qf", "%{postinflags} %{posttransflags}"], "1 2"),
        (
            "clay-rich",
            vec!["--qf", "[%{requirename}|]"],
            "(clay-choice if setup else clay-missing)|(clay-missing or (clay-renamed and setup))|",
        ),
        (
            "filesystem",
            vec!["--qf", "%{payloadcompressor} %{buildhost} %{buildtime}"],
            "zstd clay.invalid 1700000000",
        ),
    ] {
        let shown = query(&written.package(package), &what);
        assert!(shown.starts_with(expected), "{package} {what:?}: {shown}");
    }
    let requires = query(&written.package("clay-scripts"), &["--requires"]);
    assert!(
        requires.contains("rpmlib(BuiltinLuaScripts) <= 4.2.2-1\n") && !requires.contains("<lua>"),
        "{requires}"
    );
}

#[test]
fn the_same_key_and_recipes_make_the_same_repository() {
    let work = tempfile::tempdir().unwrap();
    let key = key(work.path());
    let repomd =
        |written: &Written| std::fs::read(written.directory.path().join("repodata/repomd.xml")).unwrap();
    let signature =
        |written: &Written| std::fs::read(written.directory.path().join("repodata/repomd.xml.asc")).unwrap();
    let (first, second) = (Written::new(&key), Written::new(&key));
    assert_eq!(repomd(&first), repomd(&second));
    assert_eq!(signature(&first), signature(&second));
}
