//! Whole answers on small repositories.

use super::super::{Best, RepoMetadata, Request, Weak};
use super::{answer, one, repo, request};

#[test]
fn requirements_are_followed() {
    let lines = "
        a-1-1.noarch | requires b, c >= 2
        b-1-1.x86_64 | requires lib(x)
        c-1-1.x86_64
        c-2-1.x86_64
        d-1-1.x86_64 | provides lib(x)
        e-1-1.x86_64";
    assert_eq!(one(lines, "a"), "a-1-1.noarch b-1-1.x86_64 c-2-1.x86_64 d-1-1.x86_64");
}

#[test]
fn the_newest_version_is_taken_unless_something_stands_against_it() {
    let lines = "
        a-1-1.noarch
        a-2-1.noarch | requires missing
        b-1-1.noarch | conflicts a >= 2
        c-1-1.noarch
        c-3-1.noarch
        d-1-1.noarch | requires c";
    assert_eq!(one(lines, "d"), "c-3-1.noarch d-1-1.noarch");
    assert!(one(lines, "a").starts_with("error"));
    let metadata = repo("test", lines);
    let prefer = Request { best: Best::Prefer, ..request("a") };
    assert_eq!(answer(&[RepoMetadata::new(&metadata)], &prefer), "a-1-1.noarch");
}

#[test]
fn a_rich_or_is_satisfied_by_what_is_there() {
    let lines = "
        a-1-1.noarch | requires (b or c)
        b-1-1.noarch
        c-1-1.noarch
        d-1-1.noarch | requires c";
    assert_eq!(one(lines, "a"), "a-1-1.noarch b-1-1.noarch");
    assert_eq!(one(lines, "a, d"), "a-1-1.noarch c-1-1.noarch d-1-1.noarch");
}

#[test]
fn conditions_hold() {
    let lines = "
        a-1-1.noarch | requires (b if c), (d if z else f)
        b-1-1.noarch
        c-1-1.noarch
        d-1-1.noarch
        e-1-1.noarch
        z-1-1.noarch
        f-1-1.noarch
        g-1-1.noarch | requires (h unless c)
        h-1-1.noarch
        i-1-1.noarch | requires (p with q), (p without q)
        j-1-1.noarch | provides p, q
        k-1-1.noarch | provides p";
    assert_eq!(one(lines, "a"), "a-1-1.noarch f-1-1.noarch");
    assert_eq!(one(lines, "a, c"), "a-1-1.noarch b-1-1.noarch c-1-1.noarch f-1-1.noarch");
    assert_eq!(one(lines, "a, z"), "a-1-1.noarch d-1-1.noarch z-1-1.noarch");
    assert_eq!(one(lines, "g"), "g-1-1.noarch h-1-1.noarch");
    assert!(one(lines, "g, c").starts_with("error"));
    assert_eq!(one(lines, "i"), "i-1-1.noarch j-1-1.noarch k-1-1.noarch");
}

#[test]
fn architectures_live_side_by_side_in_lock_step() {
    let lines = "
        lib-1-1.x86_64
        lib-1-1.i686 | provides lib(x86-32)
        old-1-1.i686
        app-1-1.noarch | requires lib
        app32-1-1.i686 | requires lib(x86-32)";
    assert_eq!(one(lines, "app"), "app-1-1.noarch lib-1-1.x86_64");
    assert_eq!(one(lines, "lib.i686"), "lib-1-1.i686");
    assert_eq!(one(lines, "app32"), "app32-1-1.i686 lib-1-1.i686 lib-1-1.x86_64");
    assert_eq!(one(lines, "old"), "old-1-1.i686");
}

#[test]
fn what_obsoletes_a_package_is_taken_for_its_name() {
    let lines = "
        old-1-1.noarch
        new-1-1.noarch | obsoletes old < 2
        user-1-1.noarch | requires old";
    assert_eq!(one(lines, "old"), "new-1-1.noarch");
    assert_eq!(one(lines, "user"), "old-1-1.noarch user-1-1.noarch");
}

#[test]
fn recommendations_decide_and_are_installed_on_request() {
    let lines = "
        a-1-1.noarch | requires x | recommends c, d
        b-1-1.noarch | provides x
        c-1-1.noarch | provides x
        d-1-1.noarch
        s-1-1.noarch | supplements a";
    assert_eq!(one(lines, "a"), "a-1-1.noarch c-1-1.noarch");
    let metadata = repo("test", lines);
    let weak = Request { weak: Weak::Install, ..request("a") };
    let all = "a-1-1.noarch c-1-1.noarch d-1-1.noarch s-1-1.noarch";
    assert_eq!(answer(&[RepoMetadata::new(&metadata)], &weak), all);
}

#[test]
fn a_better_repository_hides_the_versions_of_others() {
    let (near, far) = (repo("near", "a-1-1.noarch"), repo("far", "a-2-1.noarch"));
    let near = RepoMetadata { priority: 10, ..RepoMetadata::new(&near) };
    let repos = [RepoMetadata::new(&far), near];
    assert_eq!(answer(&repos, &request("a")), "a-1-1.noarch");
}

#[test]
fn paths_are_owned_or_looked_up() {
    let lines = "
        a-1-1.noarch | requires /usr/bin/sh
        b-1-1.noarch | files /usr/bin/sh, /etc/sh
        c-1-1.noarch | requires /usr/share/c
        d-1-1.noarch | requires (b or c)";
    assert_eq!(one(lines, "a"), "a-1-1.noarch b-1-1.noarch");
    assert_eq!(one(lines, "d"), "error: the full file lists are needed to find /usr/share/c");
    let metadata = repo("test", lines);
    let asked = ["/usr/share/c".to_owned()];
    let mut known = request("d");
    known.files.add("test", &asked, &crate::metadata::Owners::default());
    assert_eq!(answer(&[RepoMetadata::new(&metadata)], &known), "b-1-1.noarch d-1-1.noarch");
    let digest = metadata.packages().nth(1).unwrap().checksum().hex();
    let lists = format!(
        "<filelists xmlns=\"http://linux.duke.edu/metadata/filelists\" packages=\"1\"><package pkgid=\"{digest}\" \
         name=\"b\" arch=\"noarch\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/><file>/usr/share/c</file></package></filelists>"
    );
    let owners = crate::metadata::Owners::find(&metadata, lists.as_bytes(), ["/usr/share/c"]).unwrap();
    known.install = vec!["c".to_owned()];
    known.files.add("test", &asked, &owners);
    assert_eq!(answer(&[RepoMetadata::new(&metadata)], &known), "b-1-1.noarch c-1-1.noarch");
}

#[test]
fn a_root_grows_and_keeps_what_it_has() {
    let lines = "
        a-1-1.noarch
        a-2-1.noarch
        b-1-1.noarch | requires a
        c-1-1.noarch | requires a >= 2";
    let metadata = repo("test", lines);
    let installed = vec!["a-1-1.noarch".parse().unwrap()];
    let over = |install: &str| {
        let request = Request { installed: installed.clone(), ..request(install) };
        answer(&[RepoMetadata::new(&metadata)], &request)
    };
    assert_eq!(over("b"), "a-1-1.noarch b-1-1.noarch");
    assert!(over("c").starts_with("error"));
}
