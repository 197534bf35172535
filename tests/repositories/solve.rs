//! `kiln solve`, as a person and as a program use it.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use crate::support::{Bench, package, relations, requires};

fn bench() -> (Bench, String) {
    let bench = Bench::new();
    let repository = bench.repository(
        "base",
        &[
            package("app-1-1.x86_64", &(requires(&["libx", "shell"]) + &relations("recommends", &["docs"]))),
            package("libx-4:1-1.x86_64", ""),
            package("bash-5-1.x86_64", &relations("provides", &["shell"])),
            package("dash-1-1.x86_64", &relations("provides", &["shell"])),
            package("docs-1-1.noarch", ""),
        ],
    );
    (bench, repository)
}

#[test]
fn no_release_is_needed_where_repositories_and_an_architecture_are_given() {
    let (bench, repository) = bench();
    let ran = bench.solve(&[&repository], &["app"]);
    assert_eq!(ran.lines(), ["app-1-1.x86_64", "bash-5-1.x86_64", "libx-4:1-1.x86_64"]);
    ran.says("packages of repository base are not checked with OpenPGP");
    let weak = bench.solve(&[&repository], &["app", "--weak"]).lines();
    assert!(weak.contains(&"docs-1-1.noarch".to_owned()), "{weak:?}");
}

#[test]
fn each_package_says_why_it_is_there() {
    let (bench, repository) = bench();
    let lines = bench.solve(&[&repository], &["app", "--json"]).lines();
    let values = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let packages: Vec<_> = values.filter(|value| value["event"] == "package").collect();
    assert_eq!(packages.len(), 3, "{lines:?}");
    assert_eq!(packages[0]["why"], serde_json::json!({ "kind": "asked", "request": "app" }));
    let bash = serde_json::json!({ "kind": "required", "by": "app-1-1.x86_64", "requirement": "shell" });
    assert_eq!(packages[1]["why"], bash);
    assert_eq!(
        packages[1]["passed_over"],
        serde_json::json!([{
            "nevra": "dash-1-1.x86_64", "repo": "base", "because": { "kind": "order" },
        }])
    );
    assert_eq!(
        packages[1]["needed_by"],
        serde_json::json!([{ "by": "app-1-1.x86_64", "requirement": "shell" }])
    );
    for package in &packages {
        assert_eq!(package["repo"], "base");
        assert_eq!(package["size"], 9);
        let nevra = package["nevra"].as_str().unwrap();
        assert_eq!(package["location"], format!("Packages/{nevra}.rpm"));
        assert!(package["digest"].as_str().unwrap().starts_with("sha256:"), "{package}");
    }
}

#[test]
fn a_package_is_explained_step_by_step() {
    let (bench, repository) = bench();
    let ran = bench.solve(&[&repository], &["app", "--explain", "bash"]);
    insta::assert_snapshot!(ran.lines().join("\n"), @r"
    bash-5-1.x86_64
      required by app-1-1.x86_64: shell
      from base
      instead of dash-1-1.x86_64: nothing told them apart but their order
    app-1-1.x86_64
      asked for: app
      from base
    ");
    bench
        .solve(&[&repository], &["app", "--explain", "dash"])
        .expect(30)
        .says("dash is not among the packages");
    bench
        .solve(&[&repository], &["app", "--explain", "dash-1-1.x86_64"])
        .says("bash-5-1.x86_64 was taken instead of dash-1-1.x86_64: nothing told them apart");
}

#[test]
fn what_is_installed_stays_and_is_told_by_list_or_file() {
    let (bench, repository) = bench();
    let expected = ["app-1-1.x86_64", "dash-1-1.x86_64", "libx-4:1-1.x86_64"];
    // rpm's own list has no epochs, and keys in it.
    let list = "dash-1-1.x86_64\nlibx-1-1.x86_64\ngpg-pubkey-1-2.(none)\n";
    fs::write(bench.path("list"), list).unwrap();
    let lock = serde_json::json!({ "version": 1, "release": "x", "arch": "x86_64", "packages": [{
        "nevra": "dash-1-1.x86_64", "repo": "base", "location": "x", "size": 9,
        "digest": format!("sha256:{}", "0".repeat(64)),
    }]});
    fs::write(bench.path("lock.json"), lock.to_string()).unwrap();
    for installed in ["dash-1-1.x86_64,libx-4:1-1.x86_64", "list", "lock.json"] {
        let lines = bench.solve(&[&repository], &["app", "--installed", installed]).lines();
        assert_eq!(lines, expected, "{installed}");
    }
    let ran = bench.solve(&[&repository], &["app", "--installed", "dash-7-1.x86_64"]);
    ran.expect(30).says("no repository has the installed package dash-7-1.x86_64");
    ran.says("they have dash-1-1.x86_64");
}

#[test]
fn arguments_that_do_not_fit_are_told() {
    let (bench, repository) = bench();
    bench.run(&["solve", "app"]).expect(50).says("or --repo ID=URL and --arch ARCH");
    bench.run(&["solve", "--arch", "x86_64", "app"]).expect(5).says("--repo");
    bench.solve(&[&repository], &[]).expect(50).says("nothing to solve");
    bench.solve(&[&repository], &["-r", "fedora-43-x86_64", "app"]).expect(50).says("has its own");
    bench.run(&["solve", "--repo", &repository, "--arch", "x86-64", "app"]).expect(3).says("x86_64");
    bench.run(&["solve", "--repo", "x", "--arch", "x86_64", "app"]).expect(3).says("ID=URL");
    bench.solve(&[&repository], &["nothing-of-the-kind"]).expect(30).says("nothing-of-the-kind");
    bench
        .solve(&["base=/nonexistent"], &["app"])
        .expect(30)
        .says("cannot get the metadata of repository `base`");
}

#[test]
fn help_fits_a_narrow_terminal() {
    let bench = Bench::new();
    for arguments in [&["solve", "--help"][..], &["--help"], &["build", "--help"]] {
        let lines = bench.run(arguments).lines();
        let wide: Vec<_> = lines.iter().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{arguments:?}: {wide:?}");
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let bench = Bench::new();
    let packages: Vec<String> =
        (0..3000).map(|number| package(&format!("p{number}-1-1.x86_64"), "")).collect();
    let repository = bench.repository("base", &packages);
    for json in [&[][..], &["--json"]] {
        let mut child = bench
            .kiln()
            .args(["solve", "--quiet", "--arch", "x86_64", "--repo", &repository, "p*"])
            .args(json)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut first).unwrap();
        drop(output);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{json:?}: {said}");
        assert!(!said.contains("error") && !said.contains("panic"), "{json:?}: {said}");
    }
}
