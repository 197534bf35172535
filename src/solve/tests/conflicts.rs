//! Every kind of refusal, as it is read.

use insta::assert_snapshot;

use super::super::{Best, Error, RepoMetadata, Request, solve};
use super::{repo, request};

/// What is said, and the hint.
fn refusal(repos: &[RepoMetadata<'_>], request: &Request) -> String {
    match solve(repos, request) {
        Ok(resolution) => format!("solved with {} packages", resolution.packages.len()),
        Err(error @ Error::NeedsFilelists(_)) => error.to_string(),
        Err(error @ Error::Conflict(_)) => match error.hint() {
            Some(hint) => format!("{error}\nhint: {hint}"),
            None => error.to_string(),
        },
    }
}

fn refused(lines: &str, install: &str) -> String {
    let metadata = repo("base", lines);
    refusal(&[RepoMetadata::new(&metadata)], &request(install))
}

#[test]
fn a_name_that_nothing_has() {
    assert_snapshot!(refused("openssl-3-1.x86_64\nopenldap-2-1.x86_64", "opensll"), @r"
    nothing provides `opensll`
    hint: searched base; similar: openssl
    ");
    assert_snapshot!(refused("bash-5-1.x86_64", "zzz"), @r"
    nothing provides `zzz`
    hint: searched base; add a repository that has it
    ");
    assert_snapshot!(refusal(&[], &request("bash")), @r"
    nothing provides `bash`
    hint: there are no repositories; add a repository that has it
    ");
    assert_snapshot!(refused("bash-5-1.x86_64", "qt*"), @r"
    nothing provides `qt*`
    hint: searched base; add a repository that has it
    ");
}

#[test]
fn a_version_that_nothing_has() {
    assert_snapshot!(refused("bash-5-1.x86_64", "bash-6"), @r"
    nothing provides `bash-6`
    hint: there is bash-5-1.x86_64 in `base`
    ");
    assert_snapshot!(refused("bash-5-1.x86_64", "bash >= 6"), @r"
    nothing provides `bash >= 6`
    hint: there is bash-5-1.x86_64 in `base`
    ");
    assert_snapshot!(refused("bash-5-1.x86_64", "bash.i686"), @r"
    nothing provides `bash.i686`
    hint: there is bash-5-1.x86_64 in `base`
    ");
}

#[test]
fn a_requirement_that_nothing_answers() {
    let lines = "
        app-1-1.x86_64 | requires tool
        tool-1-1.x86_64 | requires libz >= 2
        libz-1-1.x86_64";
    assert_snapshot!(refused(lines, "app"), @r"
    app-1-1.x86_64 (for `app`) needs tool, provided by tool-1-1.x86_64, which needs libz >= 2, which nothing provides
    hint: there is libz-1-1.x86_64 in `base`
    ");
    assert_snapshot!(refused("app-1-1.x86_64 | requires libzz\nlibz-1-1.x86_64", "app"), @r"
    app-1-1.x86_64 (for `app`) needs libzz, which nothing provides
    hint: searched base; similar: libz
    ");
}

#[test]
fn every_way_that_fails_is_told() {
    let lines = "
        app-1-1.x86_64 | requires tool
        one-1-1.x86_64 | provides tool | requires nowhere
        two-1-1.x86_64 | provides tool | requires neither";
    assert_snapshot!(refused(lines, "app"), @r"
    app-1-1.x86_64 (for `app`) needs tool, provided by one-1-1.x86_64, which needs nowhere, which nothing provides
    app-1-1.x86_64 (for `app`) needs tool, provided by two-1-1.x86_64, which needs neither, which nothing provides
    hint: searched base; add a repository that has it
    ");
}

#[test]
fn two_things_asked_for_that_both_fail() {
    let lines = "
        a-1-1.x86_64 | requires nowhere
        b-1-1.x86_64 | requires neither
        c-1-1.x86_64";
    assert_snapshot!(refused(lines, "a, b, c"), @r"
    a-1-1.x86_64 (for `a`) needs nowhere, which nothing provides
    b-1-1.x86_64 (for `b`) needs neither, which nothing provides
    hint: searched base; add a repository that has it
    ");
    assert_snapshot!(refused(lines, "x, y, c"), @r"
    nothing provides `x`
    nothing provides `y`
    hint: searched base; similar: a, b, c
    ");
}

#[test]
fn a_conflict() {
    let lines = "
        a-1-1.x86_64 | conflicts c
        b-1-1.x86_64 | requires c
        c-1-1.x86_64";
    assert_snapshot!(refused(lines, "a, c"), @"a-1-1.x86_64 (for `a`) conflicts with c: c-1-1.x86_64 (for `c`)");
    assert_snapshot!(refused(lines, "a, b"), @"a-1-1.x86_64 (for `a`) conflicts with c: c-1-1.x86_64, needed by b-1-1.x86_64 (for `b`)");
}

#[test]
fn a_rich_conflict() {
    let lines = "
        a-1-1.x86_64 | conflicts (b and c)
        b-1-1.x86_64
        c-1-1.x86_64";
    assert_snapshot!(refused(lines, "a, b, c"), @"a-1-1.x86_64 (for `a`) conflicts with (b and c): c-1-1.x86_64 (for `c`)");
}

#[test]
fn an_obsoleted_package() {
    let lines = "
        new-2-1.x86_64 | obsoletes old < 2
        old-1-1.x86_64
        app-1-1.x86_64 | requires old";
    assert_snapshot!(refused(lines, "new, app"), @"new-2-1.x86_64 (for `new`) obsoletes old < 2: old-1-1.x86_64, needed by app-1-1.x86_64 (for `app`)");
}

#[test]
fn two_versions_of_one_package() {
    let lines = "
        lib-1-1.x86_64
        lib-2-1.x86_64
        old-1-1.x86_64 | requires lib = 1
        new-1-1.x86_64 | requires lib = 2";
    assert_snapshot!(refused(lines, "lib-1, lib-2"), @"lib-2-1.x86_64 (for `lib-2`) is another version of lib-1-1.x86_64 (for `lib-1`)");
    assert_snapshot!(refused(lines, "old, new"), @"new-1-1.x86_64 (for `new`) needs lib = 2, provided by lib-2-1.x86_64, which is another version of lib-1-1.x86_64, needed by old-1-1.x86_64 (for `old`)");
}

#[test]
fn an_excluded_package() {
    let metadata = repo("base", "app-1-1.x86_64 | requires lib\nlib-1-1.x86_64");
    let excludes = ["lib*".to_owned()];
    let repos = [RepoMetadata { excludes: &excludes, ..RepoMetadata::new(&metadata) }];
    assert_snapshot!(refusal(&repos, &request("lib")), @r"
    lib-1-1.x86_64 (for `lib`) is kept out by excludepkgs of `base`
    hint: take it out of excludepkgs of `base`
    ");
    assert_snapshot!(refusal(&repos, &request("app")), @r"
    app-1-1.x86_64 (for `app`) needs lib, provided by lib-1-1.x86_64, which is kept out by excludepkgs of `base`
    hint: take it out of excludepkgs of `base`
    ");
    let includes = ["app".to_owned()];
    let repos = [RepoMetadata { includes: &includes, ..RepoMetadata::new(&metadata) }];
    assert_snapshot!(refusal(&repos, &request("app")), @r"
    app-1-1.x86_64 (for `app`) needs lib, provided by lib-1-1.x86_64, which is not named by includepkgs of `base`
    hint: add it to includepkgs of `base`
    ");
}

#[test]
fn a_package_of_a_module_stream_that_is_off() {
    let metadata = repo("appstream", "app-1-1.x86_64 | requires perl\nperl-1-1.x86_64");
    let inactive = [metadata.packages().nth(1).unwrap().id()];
    let repos = [RepoMetadata { inactive: &inactive, ..RepoMetadata::new(&metadata) }];
    assert_snapshot!(refusal(&repos, &request("app")), @r"
    app-1-1.x86_64 (for `app`) needs perl, provided by perl-1-1.x86_64, which is of a module stream that is not enabled
    hint: enable its module stream, or set module_hotfixes for `appstream`
    ");
    assert_snapshot!(refusal(&repos, &request("perl")), @r"
    perl-1-1.x86_64 (for `perl`) is of a module stream that is not enabled
    hint: enable its module stream, or set module_hotfixes for `appstream`
    ");
}

#[test]
fn a_package_of_another_architecture() {
    let lines = "app-1-1.x86_64 | requires lib\nlib-1-1.aarch64\nlib-1-1.src";
    assert_snapshot!(refused(lines, "lib"), @r"
    nothing provides `lib`
    hint: lib-1-1.aarch64 provides it, but is for another architecture
    ");
    assert_snapshot!(refused(lines, "app"), @r"
    app-1-1.x86_64 (for `app`) needs lib, which nothing provides
    hint: lib-1-1.aarch64 provides it, but is for another architecture
    ");
}

#[test]
fn an_inferior_architecture() {
    let lines = "
        app-1-1.x86_64 | requires lib(x86-32)
        lib-1-1.i686 | provides lib(x86-32)
        lib-1-1.x86_64 | requires nowhere";
    assert_snapshot!(refused(lines, "app"), @r"
    app-1-1.x86_64 (for `app`) needs lib(x86-32), provided by lib-1-1.i686, which is i686, and may come only beside the same version of a better architecture
    hint: ask for it with its architecture to have it alone
    ");
}

#[test]
fn a_dependency_that_cannot_be_read() {
    assert_snapshot!(refused("a-1-1.x86_64 | requires (b xor c)", "a"), @"a-1-1.x86_64 (for `a`) needs `(b xor c)`, which cannot be read as a dependency");
    assert_snapshot!(refused("a-1-1.x86_64", "(a or"), @"`(a or` is not a dependency that can be read");
}

#[test]
fn a_feature_of_rpm_that_is_missing() {
    assert_snapshot!(refused("a-1-1.x86_64 | requires rpmlib(Teleport) <= 9-1", "a"), @"a-1-1.x86_64 (for `a`) needs rpmlib(Teleport) <= 9-1, a feature of rpm that kiln does not have");
}

#[test]
fn the_best_version_cannot_be_installed() {
    let lines = "a-1-1.x86_64\na-2-1.x86_64 | requires nowhere";
    assert_snapshot!(refused(lines, "a"), @r"
    a-2-1.x86_64 (the best for `a`) needs nowhere, which nothing provides
    hint: searched base; add a repository that has it; another version for `a` is taken with `best = false`
    ");
    let metadata = repo("base", lines);
    let prefer = Request { best: Best::Prefer, ..request("a, nowhere") };
    assert_snapshot!(refusal(&[RepoMetadata::new(&metadata)], &prefer), @r"
    nothing provides `nowhere`
    hint: searched base; add a repository that has it
    ");
}

#[test]
fn what_is_in_the_root_stays() {
    let lines = "
        lib-1-1.x86_64
        lib-2-1.x86_64
        app-1-1.x86_64 | requires lib >= 2
        foe-1-1.x86_64 | conflicts lib";
    let metadata = repo("base", lines);
    let over = |install: &str, installed: &str| {
        let installed = vec![installed.parse().unwrap()];
        refusal(&[RepoMetadata::new(&metadata)], &Request { installed, ..request(install) })
    };
    assert_snapshot!(over("app", "lib-1-1.x86_64"), @"app-1-1.x86_64 (for `app`) needs lib >= 2, provided by lib-2-1.x86_64, which is another version of lib-1-1.x86_64 (in the root already)");
    assert_snapshot!(over("lib", "lib-1-1.x86_64"), @r"
    lib-2-1.x86_64 (the best for `lib`) is another version of lib-1-1.x86_64 (in the root already)
    hint: another version for `lib` is taken with `best = false`
    ");
    assert_snapshot!(over("foe", "lib-1-1.x86_64"), @"foe-1-1.x86_64 (for `foe`) conflicts with lib: lib-1-1.x86_64 (in the root already)");
    assert_snapshot!(over("app", "gone-1-1.x86_64"), @r"
    gone-1-1.x86_64 is in the root, but no repository has it
    hint: start from an empty root
    ");
}

#[test]
fn a_condition_that_comes_true() {
    let lines = "
        app-1-1.x86_64 | requires (extra if base)
        base-1-1.x86_64
        extra-1-1.x86_64 | requires nowhere";
    assert_snapshot!(refused(lines, "app, base"), @r"
    app-1-1.x86_64 (for `app`) needs (extra if base), provided by extra-1-1.x86_64, which needs nowhere, which nothing provides
    hint: searched base; add a repository that has it
    ");
}

#[test]
fn a_condition_that_cannot_be_met() {
    let lines = "
        app-1-1.x86_64 | requires lib
        lib-1-1.x86_64 | requires (extra if app)";
    assert_snapshot!(refused(lines, "app"), @"app-1-1.x86_64 (for `app`) needs lib, provided by lib-1-1.x86_64, which needs (extra if app), which cannot hold beside app-1-1.x86_64 (for `app`)");
}

#[test]
fn a_path_that_nobody_owns() {
    let metadata = repo("base", "app-1-1.x86_64 | requires /opt/tool");
    let asked = ["/opt/tool".to_owned()];
    let mut request = request("app");
    request.files.add("base", &asked, &crate::metadata::Owners::default());
    assert_snapshot!(refusal(&[RepoMetadata::new(&metadata)], &request), @r"
    app-1-1.x86_64 (for `app`) needs /opt/tool, which nothing provides
    hint: searched base; add a repository that has it
    ");
    request.requires = vec!["/opt/tool".to_owned()];
    assert_snapshot!(refusal(&[RepoMetadata::new(&metadata)], &request), @r"
    nothing provides `/opt/tool`
    hint: searched base; add a repository that has it
    ");
}

#[test]
fn a_long_way_down() {
    let lines = "
        a-1-1.x86_64 | requires b
        b-1-1.x86_64 | requires c
        c-1-1.x86_64 | requires d
        d-1-1.x86_64 | conflicts z
        z-1-1.x86_64
        y-1-1.x86_64 | requires z";
    assert_snapshot!(refused(lines, "a, y"), @"a-1-1.x86_64 (for `a`) needs b, provided by b-1-1.x86_64, which needs c, provided by c-1-1.x86_64, which needs d, provided by d-1-1.x86_64, which conflicts with z: z-1-1.x86_64, needed by y-1-1.x86_64 (for `y`)");
}

#[test]
fn a_better_repository_that_hides_what_is_needed() {
    let (near, far) =
        (repo("near", "lib-1-1.x86_64"), repo("far", "lib-2-1.x86_64\napp-1-1.x86_64 | requires lib >= 2"));
    let repos = [RepoMetadata { priority: 10, ..RepoMetadata::new(&near) }, RepoMetadata::new(&far)];
    assert_snapshot!(refusal(&repos, &request("lib, app")), @r"
    app-1-1.x86_64 (for `app`) needs lib >= 2, provided by lib-2-1.x86_64, which is another version of lib-1-1.x86_64 (for `lib`)
    hint: `near` hides the versions of `far`: its priority is higher (a lower number); another version for `lib` is taken with `best = false`
    ");
    assert_snapshot!(refusal(&repos, &request("lib-2")), @"solved with 1 packages");
}

#[test]
fn a_rich_requirement_that_nothing_answers() {
    let lines = "
        a-1-1.x86_64 | requires (b or c >= 2)
        c-1-1.x86_64
        d-1-1.x86_64 | requires (c with c = 2)
        e-1-1.x86_64 | requires ((x and y) or z)
        f-1-1.x86_64 | requires (c unless c)";
    assert_snapshot!(refused(lines, "a"), @r"
    a-1-1.x86_64 (for `a`) needs (b or c >= 2), which nothing provides
    hint: searched base; add a repository that has it
    ");
    assert_snapshot!(refused(lines, "d"), @r"
    d-1-1.x86_64 (for `d`) needs (c with c = 2), which nothing provides
    hint: searched base; add a repository that has it
    ");
    assert_snapshot!(refused(lines, "e"), @r"
    e-1-1.x86_64 (for `e`) needs ((x and y) or z), which nothing provides
    hint: searched base; add a repository that has it
    ");
    assert_snapshot!(refused(lines, "f"), @"f-1-1.x86_64 (for `f`) needs (c unless c), which cannot hold beside c-1-1.x86_64, needed by f-1-1.x86_64 (for `f`)");
    assert_snapshot!(refused(lines, "(b or z)"), @r"
    nothing provides `(b or z)`
    hint: searched base; add a repository that has it
    ");
}

#[test]
fn a_package_may_conflict_with_what_it_provides_itself() {
    let lines = "a-1-1.x86_64 | provides x | conflicts x, a < 1 | obsoletes a < 1\nb-1-1.x86_64 | provides x";
    assert_snapshot!(refused(lines, "a"), @"solved with 1 packages");
    assert_snapshot!(refused(lines, "a, b"), @"a-1-1.x86_64 (for `a`) conflicts with x: b-1-1.x86_64 (for `b`)");
}

#[test]
fn two_architectures_that_share_a_colour() {
    let lines = "lib-1-1.x86_64\nlib-1-1.noarch\nlib-2-1.i686\nlib-1-1.i586";
    assert_snapshot!(refused(lines, "lib.noarch, lib.x86_64"), @"lib-1-1.x86_64 (for `lib.x86_64`) is another architecture's build of lib-1-1.noarch (for `lib.noarch`)");
    assert_snapshot!(refused(lines, "lib.i686, lib.i586"), @"lib-2-1.i686 (for `lib.i686`) is another version of lib-1-1.i586 (for `lib.i586`)");
}

#[test]
fn a_package_that_is_kept_out_everywhere_but_older() {
    let metadata = repo("base", "app-1-1.x86_64 | requires lib >= 2\nlib-1-1.x86_64\nlib-2-1.x86_64");
    let excludes = ["lib-2-*".to_owned()];
    let repos = [RepoMetadata { excludes: &excludes, ..RepoMetadata::new(&metadata) }];
    assert_snapshot!(refusal(&repos, &request("app")), @r"
    app-1-1.x86_64 (for `app`) needs lib >= 2, provided by lib-2-1.x86_64, which is kept out by excludepkgs of `base`
    hint: take it out of excludepkgs of `base`
    ");
    assert_snapshot!(refusal(&repos, &request("lib-2")), @r"
    lib-2-1.x86_64 (for `lib-2`) is kept out by excludepkgs of `base`
    hint: take it out of excludepkgs of `base`
    ");
    assert_snapshot!(refusal(&repos, &request("lib")), @"solved with 1 packages");
}
