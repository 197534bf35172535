//! Module streams, from modules.yaml to the packages that are taken.

use crate::support::{Bench, package, primary, requires};

/// `perl` 5.30 is the default stream, 5.32 another, whose build requires stream 1 of `dbi`; both need the platform.
const MODULES: &str = r"---
document: modulemd
version: 2
data:
  name: perl
  stream: 5.30
  version: 1
  context: a
  dependencies:
  - requires: {platform: [el9]}
  artifacts:
    rpms: [perl-0:5.30-1.mod.x86_64]
---
document: modulemd
version: 2
data:
  name: perl
  stream: 5.32
  version: 1
  context: b
  dependencies:
  - requires: {platform: [el9], dbi: [1]}
  artifacts:
    rpms: [perl-0:5.32-1.mod.x86_64]
---
document: modulemd
version: 2
data:
  name: dbi
  stream: 1
  version: 1
  context: c
  artifacts:
    rpms: [dbi-0:1-1.mod.x86_64]
---
document: modulemd-defaults
version: 1
data:
  module: perl
  modified: 1
  stream: 5.30
";

fn bench() -> Bench {
    let bench = Bench::new();
    let packages = [
        package("perl-5.30-1.mod.x86_64", ""),
        package("perl-5.32-1.mod.x86_64", ""),
        package("perl-5.40-1.x86_64", ""),
        package("dbi-1-1.mod.x86_64", ""),
        package("bash-5-1.x86_64", &requires(&["perl"])),
    ];
    bench.documents("base", &[("primary", &primary(&packages)), ("modules", MODULES)]);
    bench.repository("fixes", &[package("perl-5.50-1.x86_64", "")]);
    bench
}

const PLATFORM: &str = "module_platform_id = \"platform:el9\"";

#[test]
fn only_active_streams_are_candidates_and_they_hide_their_rivals() {
    let bench = bench();
    let table = [
        // The default stream hides the newer package that is in no stream.
        (String::new(), "perl-5.30-1.mod.x86_64"),
        ("enable_modules = [\"perl:5.32\"]".to_owned(), "perl-5.32-1.mod.x86_64"),
        ("disable_modules = [\"perl\"]".to_owned(), "perl-5.40-1.x86_64"),
        // What an active stream requires is active, too, so nothing but dbi's stream changes here.
        ("enable_modules = [\"dbi:1\"]".to_owned(), "perl-5.30-1.mod.x86_64"),
    ];
    for (lines, perl) in table {
        bench.release(&format!("{PLATFORM}\n{lines}"), &[("base", "")]);
        let solved = bench.solve_release(&["bash"]).lines();
        assert_eq!(solved, ["bash-5-1.x86_64", perl], "{lines}");
    }
}

#[test]
fn a_package_of_an_inactive_stream_is_told_as_such() {
    let bench = bench();
    bench.release(PLATFORM, &[("base", "")]);
    bench.solve_release(&["dbi"]).expect(30).says("dbi").says("module");
    bench.release(&format!("{PLATFORM}\nenable_modules = [\"perl:5.32\"]"), &[("base", "")]);
    assert_eq!(bench.solve_release(&["dbi"]).lines(), ["dbi-1-1.mod.x86_64"]);
}

#[test]
fn packages_of_a_hot_fix_repository_are_seen_whatever_streams_are_active() {
    let bench = bench();
    bench.release(PLATFORM, &[("base", ""), ("fixes", "")]);
    assert_eq!(bench.solve_release(&["perl"]).lines(), ["perl-5.30-1.mod.x86_64"]);
    bench.release(PLATFORM, &[("base", ""), ("fixes", "module_hotfixes = true")]);
    assert_eq!(bench.solve_release(&["perl"]).lines(), ["perl-5.50-1.x86_64"]);
}

#[test]
fn streams_that_cannot_be_active_are_told() {
    let bench = bench();
    bench.release("", &[("base", "")]);
    let ran = bench.solve_release(&["perl"]);
    assert_eq!(ran.lines(), ["perl-5.40-1.x86_64"]);
    ran.says("default module streams whose requirements cannot be met: perl:5.30");
    for (lines, text) in [
        ("enable_modules = [\"perl:5.34\"]", "no repository has module stream `perl:5.34`"),
        ("enable_modules = [\"python:3\"]", "no repository has a module `python`"),
        (
            "enable_modules = [\"perl:5.32\"]\ndisable_modules = [\"dbi\"]",
            "the enabled module streams cannot be active together: perl:5.32",
        ),
    ] {
        bench.release(&format!("{PLATFORM}\n{lines}"), &[("base", "")]);
        bench.solve_release(&["perl"]).expect(30).says(text);
    }
}
