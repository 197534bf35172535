//! Builds that must fail: with which exit code, and what they say.

use crate::support::{Place, spec_arguments, users};

const GOOD: &str = "Name: bad\nVersion: 1\nRelease: 1\nSummary: Fails\nLicense: MIT\nBuildArch: noarch\n";

fn source(place: &Place, rest: &str) -> String {
    let spec = place.write("bad.spec", &format!("{GOOD}{rest}\n%description\nFails.\n%files\n"));
    std::fs::create_dir_all(place.path("sources")).unwrap();
    let sources = place.path("sources");
    let arguments = spec_arguments("srpm", &spec, &sources);
    place.run(&[&arguments[..], &["--result", "source"]].concat()).stdout().trim().to_owned()
}

#[test]
fn a_build_that_fails_says_where_and_shows_its_log() {
    for user in users() {
        let place = Place::new(user);
        let source = source(&place, "%build\necho the compiler is unhappy\nexit 3\n");
        let ran = place.run(&["build", &source, "--result", "result"]);
        ran.expect(10).says("%build of bad-1-1").says("the compiler is unhappy").says("build.log");
    }
}

#[test]
fn tests_that_fail_are_a_failed_check_with_a_hint() {
    let place = Place::new(users()[0]);
    let source = source(&place, "%check\necho 1 of 3 tests failed\nfalse\n");
    let ran = place.run(&["build", &source, "--result", "result"]);
    ran.expect(10).says("%check of bad-1-1").says("1 of 3 tests failed").says("--nocheck");
    place.run(&["build", &source, "--result", "result", "--nocheck"]).expect(0);
}

#[test]
fn a_missing_build_requirement_is_named() {
    for user in users() {
        let place = Place::new(user);
        let source = source(&place, "BuildRequires: no-such-thing-devel\n");
        let ran = place.run(&["build", &source, "--result", "result"]);
        ran.expect(30).says("no-such-thing-devel").says("hint:");
    }
}

#[test]
fn a_spec_file_that_does_not_parse_is_a_bad_source() {
    let place = Place::new(users()[0]);
    let spec = place.write("bad.spec", "Name: bad\n%if\n");
    std::fs::create_dir_all(place.path("sources")).unwrap();
    let sources = place.path("sources");
    let arguments = spec_arguments("srpm", &spec, &sources);
    place.run(&arguments).expect(40).says("bad.spec");
}

#[test]
fn a_file_that_is_no_source_package_is_refused() {
    let place = Place::new(users()[0]);
    let file =
        place.write("x.src.rpm", "not a package at all, but long enough to have a lead in it, perhaps");
    place.run(&["build", file.to_str().unwrap()]).expect(40).says("x.src.rpm");
}

/// The result directory may be one where somebody else can make links, and a build's words may be meant for a terminal.
#[test]
fn a_log_is_never_written_through_a_link_nor_a_terminal_driven_by_a_message() {
    let place = Place::new(users()[0]);
    let script = r"printf 'Bad exit status from x (\033]0;x\a\033[2J)\n'; kill -9 $PPID; sleep 10";
    let source = source(&place, &format!("%build\n{script}\n"));
    let canary = place.write("canary", "untouched");
    std::fs::create_dir(place.path("result")).unwrap();
    for name in ["build.log", "state.log", "report.json"] {
        std::os::unix::fs::symlink(&canary, place.path("result").join(name)).unwrap();
    }
    let ran = place.run(&["build", &source, "--result", "result"]);
    ran.expect(10).says("u{1b}");
    assert!(!ran.stderr().contains('\u{1b}'), "{:?}", ran.stderr());
    assert_eq!(std::fs::read_to_string(&canary).unwrap(), "untouched");
}
