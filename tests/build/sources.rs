//! Upstream sources from the Debian archive with spec files of our own.

use std::path::{Path, PathBuf};

use crate::support::{Place, User, clay, spec_arguments, users};

/// The name of a package in Debian's archive, where it is another one.
const ARCHIVES: &[(&str, &str)] = &[("lua", "lua5.4"), ("sqlite", "sqlite3")];

/// The spec file for the version that the archive has, and the directory of its source.
fn inputs(place: &Place, name: &str) -> (PathBuf, PathBuf) {
    let archive = ARCHIVES.iter().find(|row| row.0 == name).map_or(name, |row| row.1);
    let found = clay::sources::fetch(&clay().directory, &[archive]).expect("the upstream source");
    let file = found[0].file_name().unwrap().to_str().unwrap();
    let version = file.strip_prefix(archive).unwrap()[1..].split(".tar").next().unwrap();
    let sources = place.path(&format!("{name}-sources"));
    std::fs::create_dir(&sources).unwrap();
    std::fs::copy(&found[0], sources.join(file)).unwrap();
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/build/specs").join(format!("{name}.spec"));
    let spec = std::fs::read_to_string(spec).unwrap();
    let with_version = |line: &str| match line.strip_prefix("Version:") {
        Some(_) => format!("Version: {version}\n"),
        None => format!("{line}\n"),
    };
    let spec: String = spec.lines().map(with_version).collect();
    (place.write(&format!("{name}.spec"), &spec), sources)
}

/// Makes the source package and builds it; the result directory.
fn build(place: &Place, name: &str) -> PathBuf {
    let (spec, sources) = inputs(place, name);
    let arguments = spec_arguments("srpm", &spec, &sources);
    let made = place.run(&[&arguments[..], &["--result", &format!("{name}-source")]].concat());
    let source = made.stdout().trim().to_owned();
    assert!(source.ends_with(".src.rpm"), "{source}");
    let built = place.run(&["build", &source, "--result", &format!("{name}-result")]).stdout();
    assert!(built.lines().count() >= 2, "{built}");
    assert!(built.lines().all(|line| Path::new(line).is_file()), "{built}");
    place.path(&format!("{name}-result"))
}

/// Everything but hello, which has a test of its own.
const NAMES: &[&str] = &["tree", "lua", "zlib", "jq", "htop", "sqlite", "git"];

/// Builds each as `user`, but for the one that takes minutes and that the other user builds; `KILN_SOURCES=all` leaves none
/// out.
fn each_builds(user: User, tier: &str, without: &str) {
    let place = Place::new(user);
    let all = std::env::var("KILN_SOURCES").is_ok_and(|wanted| wanted == "all");
    for name in NAMES.iter().filter(|name| all || **name != without) {
        let result = build(&place, name);
        let report = std::fs::read_to_string(result.join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["outcome"], "success", "{name} as {user:?}");
        assert_eq!(report["sandbox"]["tier"], tier, "{name} as {user:?}");
    }
}

#[test]
fn upstream_sources_build_in_their_own_roots() {
    each_builds(users()[0], if users().len() > 1 { "root" } else { "subordinate-ids" }, "sqlite");
}

#[test]
fn upstream_sources_build_as_an_ordinary_user() {
    match users().as_slice() {
        [_, ordinary] => each_builds(*ordinary, "subordinate-ids", "git"),
        _ => println!("skipped: the tests do not run as root, so the other test is this one"),
    }
}

#[test]
fn hello_builds_and_greets() {
    let place = Place::new(users()[0]);
    let result = build(&place, "hello");
    let is_hello = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("hello-2") && name.ends_with(".cl1.x86_64.rpm")
    };
    let mut files = std::fs::read_dir(&result).unwrap().map(|entry| entry.unwrap().path());
    let package = files.find(is_hello).expect("the package");
    let requires =
        std::process::Command::new("rpm").args(["-qp", "--requires"]).arg(&package).output().unwrap();
    let requires = String::from_utf8_lossy(&requires.stdout).into_owned();
    assert!(requires.contains("libc.so.6(GLIBC_"), "{requires}");
    let greeting = place.run(&["run", "--install", package.to_str().unwrap(), "--", "hello"]).stdout();
    assert_eq!(greeting, "Hello, world!\n");
    let verified = place.run(&["run", "--", "rpm", "-Va"]);
    let odd = |line: &&str| !line.ends_with(" /proc") && !line.ends_with(" /sys");
    let lines = verified.text();
    assert_eq!(lines.lines().filter(odd).collect::<Vec<_>>(), Vec::<&str>::new());
    let solved = place.run(&["solve"]).stdout();
    let installed = place.run(&["run", "--", "rpm", "-qa"]).stdout();
    assert_eq!(installed.lines().count(), solved.lines().count());
}
