//! The solver over test cases in libsolv's format.
//!
//! The cases are read from the directory that `KILN_LIBSOLV_TESTCASES` names, `test/testcases` of libsolv's sources; one
//! of our own shows that the reader and the comparison work. A case is asked if it is of kiln's kind: packages to install,
//! RPM's semantics, a set that is to be chosen. Where kiln differs on purpose, the table says why.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must say where")]

mod ask;
mod dependency;
mod reader;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use ask::Outcome;

/// Files of which kiln answers a part in another way, and why.
const DIFFERENT: &[(&str, &str)] = &[];

#[test]
fn a_case_is_read_and_asked() {
    let text = "
        # two providers, one of which cannot be
        repo system 0 empty
        repo available 0 testtags <inline>
        #>=Ver: 3.0
        #>=Pkg: app 1 1 noarch
        #>=Req: tool >= 2
        #>=Con: (bad & worse)
        #>=Pkg: one 1 1 noarch
        #>=Prv: tool = 2
        #>=Req: missing
        #>=Pkg: two 2 1 noarch
        #>=Prv: tool = 2
        system x86_64 rpm system
        job install name app
        result transaction,problems <inline>
        #>install app-1-1.noarch@available
        #>install two-2-1.noarch@available
        nextjob
        job install name one
        result transaction,problems <inline>
        #>problem 1 info nothing provides missing
        nextjob
        job install name two
        result transaction,problems <inline>
        #>install app-1-1.noarch@available
        nextjob
        job erase name two
        result transaction,problems <inline>";
    let cases = reader::read(text, Path::new("."));
    let outcomes: Vec<Outcome> = cases.iter().map(ask::ask).collect();
    assert_eq!(outcomes[0], Outcome::Same);
    assert_eq!(outcomes[1], Outcome::Same);
    assert!(
        matches!(&outcomes[2], Outcome::Different(text) if text.contains("two-2-1.noarch")),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[3], Outcome::OtherKind("job erase".to_owned()));
}

/// Where files that are not ours lie; says what is skipped where they do not.
fn given(name: &str) -> Option<std::ffi::OsString> {
    let value = std::env::var_os(name);
    if value.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: {name} is not set");
    }
    value
}

#[test]
fn libsolvs_cases_have_libsolvs_answers() {
    let Some(directory) = given("KILN_LIBSOLV_TESTCASES") else { return };
    let mut files = files_below(Path::new(&directory));
    files.sort();
    assert!(!files.is_empty(), "no test cases in {}", directory.display());
    let (mut asked, mut same, mut wrong) = (0, 0, Vec::new());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        let name = file.strip_prefix(&directory).unwrap().display().to_string();
        let text = std::fs::read_to_string(file).unwrap();
        for (number, case) in reader::read(&text, file.parent().unwrap()).iter().enumerate() {
            match ask::ask(case) {
                Outcome::OtherKind(reason) => *reasons.entry(reason).or_default() += 1,
                Outcome::Same => (asked, same) = (asked + 1, same + 1),
                Outcome::Different(text) => {
                    asked += 1;
                    match DIFFERENT.iter().find(|row| row.0 == name) {
                        Some((_, why)) => *reasons.entry(format!("differs: {why}")).or_default() += 1,
                        None => wrong.push(format!("{name}, part {}: {text}", number + 1)),
                    }
                }
            }
        }
    }
    let mut out = std::io::stderr();
    writeln!(
        out,
        "{} files: {asked} parts of kiln's kind, {same} with libsolv's answer; the others:",
        files.len()
    )
    .unwrap();
    for (reason, count) in reasons {
        writeln!(out, "{count:5} {reason}").unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// rpm's own table of versions, `tests/rpmvercmp.at` of its sources, which `KILN_RPMVERCMP` names.
#[test]
fn versions_are_ordered_as_rpms_table_says() {
    let Some(file) = given("KILN_RPMVERCMP") else { return };
    let text = std::fs::read_to_string(file).unwrap();
    let (mut read, mut wrong) = (0, Vec::new());
    for row in text.lines().filter_map(|line| line.strip_prefix("RPMVERCMP(")?.strip_suffix(')')) {
        let parts: Vec<&str> = row.split(',').map(str::trim).collect();
        let [a, b, expected] = parts.as_slice() else { continue };
        read += 1;
        let found = kiln::package::vercmp(a.as_bytes(), b.as_bytes()) as i8;
        if found.to_string() != *expected {
            wrong.push(row);
        }
    }
    assert!(read > 50 && wrong.is_empty(), "{read} rows, wrong: {wrong:?}");
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "t") {
            files.push(path);
        }
    }
    files
}
