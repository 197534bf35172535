//! Why each package is there, as it is read.

use std::fmt::Write as _;

use insta::assert_snapshot;

use super::super::{RepoMetadata, Request, Weak, explain, solve};
use super::{repo, request};

/// A package a line, with its reason; then who needs it, and what was passed over.
fn told(repos: &[RepoMetadata<'_>], request: &Request) -> String {
    let explanation = explain(repos, request).unwrap();
    let chosen: Vec<_> = explanation.packages.iter().map(|package| package.chosen.clone()).collect();
    assert_eq!(chosen, solve(repos, request).unwrap().packages);
    let mut text = String::new();
    for package in &explanation.packages {
        writeln!(text, "{} from {}: {}", package.chosen.nevra, package.chosen.repo, package.why).unwrap();
        for need in &package.needed_by {
            writeln!(text, "    needed by {}: {}", need.by, need.requirement).unwrap();
        }
        for other in &package.passed_over {
            writeln!(text, "    not {} from {}: {}", other.nevra, other.repo, other.because).unwrap();
        }
    }
    text
}

fn one(lines: &str, install: &str) -> String {
    let metadata = repo("base", lines);
    told(&[RepoMetadata::new(&metadata)], &request(install))
}

#[test]
fn a_chain_of_requirements() {
    let lines = "
        app-1-1.x86_64 | requires tool, libz >= 1
        tool-1-1.x86_64 | requires libz, tool
        libz-1-1.x86_64
        libz-2-1.x86_64";
    assert_snapshot!(one(lines, "app, tool"), @r"
    app-1-1.x86_64 from base: asked for: app
    libz-2-1.x86_64 from base: required by tool-1-1.x86_64: libz
        needed by app-1-1.x86_64: libz >= 1
        needed by tool-1-1.x86_64: libz
        not libz-1-1.x86_64 from base: libz-2-1.x86_64 is newer
    tool-1-1.x86_64 from base: asked for: tool
        needed by app-1-1.x86_64: tool
    ");
    let metadata = repo("base", lines);
    let explanation = explain(&[RepoMetadata::new(&metadata)], &request("app")).unwrap();
    let chain = explanation.chain(&"libz-2-1.x86_64".parse().unwrap());
    let chain: Vec<String> = chain.into_iter().map(|it| it.chosen.nevra.to_string()).collect();
    assert_snapshot!(chain.join(" < "), @"libz-2-1.x86_64 < tool-1-1.x86_64 < app-1-1.x86_64");
    assert!(explanation.chain(&"libz-1-1.x86_64".parse().unwrap()).is_empty());
}

#[test]
fn every_reason_to_pass_a_package_over() {
    let lines = "
        app-1-1.x86_64 | requires mta, other | recommends postfix
        exim-1-1.x86_64 | provides mta
        postfix-1-1.x86_64 | provides mta
        sendmail-1-1.x86_64 | provides mta | requires nowhere
        old-1-1.x86_64 | provides other
        new-1-1.x86_64 | provides other | obsoletes old
        newer-1-1.x86_64 | provides other
        newer-2-1.i686 | provides other
        newer-1-2.x86_64 | provides other";
    assert_snapshot!(one(lines, "app"), @r"
    app-1-1.x86_64 from base: asked for: app
    new-1-1.x86_64 from base: required by app-1-1.x86_64: other
        needed by app-1-1.x86_64: other
        not newer-1-1.x86_64 from base: newer-1-2.x86_64 is newer
        not newer-1-2.x86_64 from base: nothing told them apart but their order
        not newer-2-1.i686 from base: its architecture is worse
        not old-1-1.x86_64 from base: new-1-1.x86_64 obsoletes it
    postfix-1-1.x86_64 from base: required by app-1-1.x86_64: mta
        needed by app-1-1.x86_64: mta
        not exim-1-1.x86_64 from base: another one is recommended
        not sendmail-1-1.x86_64 from base: needs nowhere, which nothing provides
    ");
    let lines = "
        app-1-1.x86_64 | requires x, y, z | suggests a2
        a1-1-1.x86_64 | provides x
        a2-1-1.x86_64 | provides x
        b1-1-1.x86_64 | provides y, common = 1
        b2-1-1.x86_64 | provides y, common = 2
        c1-1-1.x86_64 | provides z
        c1-2-1.x86_64
        c2-1-1.x86_64 | provides z";
    assert_snapshot!(one(lines, "app"), @r"
    a2-1-1.x86_64 from base: required by app-1-1.x86_64: x
        needed by app-1-1.x86_64: x
        not a1-1-1.x86_64 from base: another one is suggested
    app-1-1.x86_64 from base: asked for: app
    b2-1-1.x86_64 from base: required by app-1-1.x86_64: y
        needed by app-1-1.x86_64: y
        not b1-1-1.x86_64 from base: it provides older versions
    c2-1-1.x86_64 from base: required by app-1-1.x86_64: z
        needed by app-1-1.x86_64: z
        not c1-1-1.x86_64 from base: there is a newer or better one of its name
    ");
}

#[test]
fn repositories_that_are_better_or_cheaper() {
    let (far, near) = (repo("far", "a-2-1.noarch\nb-1-1.noarch"), repo("near", "a-1-1.noarch"));
    let dear = repo("dear", "b-1-1.noarch\nc-1-1.noarch | provides b");
    let excludes = ["c".to_owned()];
    let repos = [
        RepoMetadata::new(&far),
        RepoMetadata { priority: 10, ..RepoMetadata::new(&near) },
        RepoMetadata { cost: 2000, excludes: &excludes, ..RepoMetadata::new(&dear) },
    ];
    let request = Request { requires: vec!["b".to_owned()], ..request("a") };
    assert_snapshot!(told(&repos, &request), @r"
    a-1-1.noarch from near: asked for: a
        not a-2-1.noarch from far: its repository has a lower priority
    b-1-1.noarch from far: asked for: b
        not b-1-1.noarch from dear: the same package, in another repository
        not c-1-1.noarch from dear: is kept out by excludepkgs of `dear`
    ");
}

#[test]
fn weak_and_conditional_reasons() {
    let lines = "
        app-1-1.x86_64 | requires (lang if base) | recommends extra, (more if base) | conflicts (base unless lang)
        base-1-1.x86_64
        lang-1-1.x86_64
        extra-1-1.x86_64
        more-1-1.x86_64
        add-1-1.x86_64 | supplements (app and base)
        lib-1-1.x86_64
        lib-1-1.i686 | provides lib32
        app32-1-1.i686 | requires lib32";
    let metadata = repo("base", lines);
    let installed = vec!["base-1-1.x86_64".parse().unwrap()];
    let request = Request { weak: Weak::Install, installed, ..request("app, app32") };
    assert_snapshot!(told(&[RepoMetadata::new(&metadata)], &request), @r"
    app-1-1.x86_64 from base: asked for: app
    app32-1-1.i686 from base: asked for: app32
    base-1-1.x86_64 from base: installed before
    extra-1-1.x86_64 from base: recommended by app-1-1.x86_64: extra
    lang-1-1.x86_64 from base: required by app-1-1.x86_64: (lang if base)
        needed by app-1-1.x86_64: (lang if base)
    lib-1-1.i686 from base: required by app32-1-1.i686: lib32
        needed by app32-1-1.i686: lib32
    lib-1-1.x86_64 from base: beside lib-1-1.i686
    more-1-1.x86_64 from base: recommended by app-1-1.x86_64: (more if base)
    ");
}
