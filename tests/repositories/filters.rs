//! What a release says of its repositories, and what follows from it.

use std::fs;

use clay::serve::Server;

use crate::support::{Bench, package};

fn bench() -> Bench {
    let bench = Bench::new();
    let of = |version: &str| {
        [
            package(&format!("tool-{version}-1.x86_64"), ""),
            package(&format!("tool-libs-{version}-1.x86_64"), ""),
        ]
    };
    bench.repository("old", &of("1"));
    bench.repository("new", &of("2"));
    bench
}

#[test]
fn packages_are_hidden_by_the_release_and_by_the_repository() {
    let bench = bench();
    let table = [
        ("", "", "tool-2-1.x86_64"),
        ("excludepkgs = [\"tool-2-1*\"]", "", "tool-1-1.x86_64"),
        ("", "excludepkgs = [\"tool\"]", "tool-1-1.x86_64"),
        ("", "includepkgs = [\"tool-l*\"]", "tool-1-1.x86_64"),
        ("", "includepkgs = [\"tool*\"]\nexcludepkgs = [\"tool\"]", "tool-1-1.x86_64"),
        ("excludepkgs = [\"tool-1*\"]", "includepkgs = [\"tool\"]", "tool-2-1.x86_64"),
    ];
    for (solve, new, tool) in table {
        bench.release(solve, &[("old", ""), ("new", new)]);
        assert_eq!(bench.solve_release(&["tool"]).lines(), [tool], "{solve} {new}");
    }
    bench.release("excludepkgs = [\"tool\"]", &[("old", ""), ("new", "")]);
    bench.solve_release(&["tool"]).expect(30).says("exclude");
}

#[test]
fn priority_comes_before_version_and_cost_after_it() {
    let bench = bench();
    bench.repository("copy", &[package("tool-2-1.x86_64", "")]);
    let from = |repositories: &[(&str, &str)]| {
        bench.release("", repositories);
        let lines = bench.solve_release(&["tool", "--json"]).lines();
        let line = lines.iter().find(|line| line.contains("\"event\":\"package\"")).unwrap();
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("{} from {}", value["nevra"].as_str().unwrap(), value["repo"].as_str().unwrap())
    };
    assert_eq!(from(&[("old", "priority = 10"), ("new", "")]), "tool-1-1.x86_64 from old");
    assert_eq!(from(&[("old", "cost = 10"), ("new", "")]), "tool-2-1.x86_64 from new");
    for (ids, cheap) in [(["new", "copy"], "new"), (["copy", "new"], "new"), (["new", "copy"], "copy")] {
        let line = |id| if id == cheap { "cost = 10" } else { "cost = 20" };
        let found = from(&[(ids[0], line(ids[0])), (ids[1], line(ids[1]))]);
        assert_eq!(found, format!("tool-2-1.x86_64 from {cheap}"), "{ids:?}");
    }
}

#[test]
fn a_repository_that_may_be_missing_is_left_out_with_a_warning() {
    let bench = bench();
    bench.release("", &[("old", ""), ("gone", "")]);
    bench.solve_release(&["tool"]).expect(30).says("cannot get the metadata of repository `gone`");
    bench.release("", &[("old", ""), ("gone", "skip_if_unavailable = true")]);
    let ran = bench.solve_release(&["tool"]);
    assert_eq!(ran.lines(), ["tool-1-1.x86_64"]);
    ran.says("repository `gone` is left out");
    // What is there and wrong is not what may be missing.
    fs::write(bench.path("old/repodata/primary.xml.gz"), "else").unwrap();
    let other = Bench::new();
    fs::rename(bench.path("old"), other.path("old")).unwrap();
    other.release("", &[("old", "")]);
    other.solve_release(&["tool"]).expect(30);
}

#[test]
fn metadata_is_asked_for_again_when_it_has_expired() {
    let bench = bench();
    let server = Server::start(&bench.path("")).unwrap();
    let asked = |lines: &str| {
        let lines = format!("baseurl = \"{}/new\"\n{lines}", server.url());
        bench.release("", &[("new", &lines)]);
        server.forget();
        assert_eq!(bench.solve_release(&["tool"]).lines(), ["tool-2-1.x86_64"]);
        server.answered().iter().map(|answer| (answer.path.clone(), answer.status)).collect::<Vec<_>>()
    };
    let repomd = |status| ("/new/repodata/repomd.xml".to_owned(), status);
    assert_eq!(asked(""), [repomd(200), ("/new/repodata/primary.xml.gz".to_owned(), 200)]);
    assert_eq!(asked(""), []);
    assert_eq!(asked("metadata_expire = \"never\""), []);
    assert_eq!(asked("metadata_expire = 0"), [repomd(304)], "asked for on condition");
    bench.repository("new", &[package("tool-3-1.x86_64", "")]);
    let lines = format!("baseurl = \"{}/new\"\nmetadata_expire = 0", server.url());
    bench.release("", &[("new", &lines)]);
    assert_eq!(bench.solve_release(&["tool"]).lines(), ["tool-3-1.x86_64"]);
}
