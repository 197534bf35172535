//! Where files are looked for, and what is over what.

use crate::config::tests::{Memory, SMALL, directories, loaded};
use crate::config::{Check, KeyLocation, Network, Origin, Overrides, Release, bare, list, load};
use crate::unit::{Bytes, HostPath};

fn from(release: &Release) -> Vec<String> {
    release.files.iter().map(ToString::to_string).collect()
}

#[test]
fn a_name_is_found_in_the_first_directory_that_has_it_and_else_among_the_shipped() {
    let files = [
        ("/etc/kiln/fedora-43-x86_64.toml", SMALL),
        ("/etc/kiln/own.toml", SMALL),
        ("/home/me/.config/kiln/own.toml", SMALL),
    ];
    let table = [
        ("own", "/home/me/.config/kiln/own.toml"),
        ("fedora-43-x86_64", "/etc/kiln/fedora-43-x86_64.toml"),
        ("/etc/kiln/own.toml", "/etc/kiln/own.toml"),
        ("fedora-44-x86_64", "<shipped>/fedora-44-x86_64.toml"),
    ];
    for (name, file) in table {
        let release = loaded(name, &files).unwrap();
        assert_eq!(from(&release).last().map(String::as_str), Some(file), "{name}");
    }
    assert_eq!(loaded("/etc/kiln/own.toml", &files).unwrap().name, "own");
}

#[test]
fn an_extended_file_is_looked_for_beside_the_file_and_then_in_the_search_order() {
    let files = [
        (
            "/home/me/x.toml",
            "extends = [\"near\", \"far.toml\", \"family/fedora-44.toml\"]\n[release]\narch = \"i686\"",
        ),
        ("/home/me/near.toml", ""),
        ("/etc/kiln/near.toml", "wrong"),
        ("/etc/kiln/far.toml", ""),
    ];
    let release = loaded("/home/me/x.toml", &files).unwrap();
    assert_eq!(
        from(&release),
        [
            "/home/me/near.toml",
            "/etc/kiln/far.toml",
            "<shipped>/family/fedora.toml",
            "<shipped>/family/fedora-44.toml",
            "/home/me/x.toml",
        ]
    );
    assert_eq!(release.vars["basearch"], "i386");
}

#[test]
fn a_release_can_be_changed_under_its_own_name() {
    let own = "extends = \"fedora-43-x86_64.toml\"\n[root]\npackages_add = [\"git\"]\n";
    let system = "extends = \"fedora-43-x86_64.toml\"\n[root]\npackages_add = [\"company-release\"]\n";
    let files =
        [("/home/me/.config/kiln/fedora-43-x86_64.toml", own), ("/etc/kiln/fedora-43-x86_64.toml", system)];
    let release = loaded("fedora-43-x86_64", &files).unwrap();
    assert_eq!(release.root.packages, ["@buildsys-build", "company-release", "git"]);
}

#[test]
fn a_repository_changes_by_its_id_and_moves_as_a_whole() {
    let files = [(
        "/mine/fedora.toml",
        "extends = \"fedora-43-x86_64\"\n\
         [[repo]]\nid = \"new\"\nbaseurl = \"repo dir\"\ngpgcheck = false\n\
         [[repo]]\nid = \"updates\"\nbaseurl = [\"https://mirror.example/$releasever\", \"/srv/100%\"]\npriority = 5\n\
         keys_add = [{ path = \"keys/{basearch}\" }]\n\
         [[repo]]\nid = \"fedora\"\nenabled = false\n",
    )];
    let release = loaded("/mine/fedora.toml", &files).unwrap();
    let ids: Vec<_> = release.repos.iter().map(|repo| repo.id.as_str()).collect();
    assert_eq!(ids, ["updates", "new"]);
    let updates = &release.repos[0];
    let urls = ["https://mirror.example/43", "file:///srv/100%25"].map(str::to_owned).to_vec();
    assert_eq!(updates.origin, Origin::Baseurl(urls));
    assert_eq!((updates.gpgcheck, updates.priority, updates.keys.len()), (Check::On, 5, 2));
    assert_eq!(updates.keys[1].location, KeyLocation::Path(HostPath::new("/mine/keys/x86_64")));
    assert_eq!(release.repos[1].origin, Origin::Baseurl(vec!["file:///mine/repo%20dir".to_owned()]));
    assert!(release.disabled.iter().any(|repo| repo.id == "fedora"));
}

#[test]
fn the_command_line_is_over_every_file() {
    let mut overrides = Overrides::default();
    overrides.repo("main=https://near.example/").unwrap();
    overrides.repo("extra=/srv/repo").unwrap();
    overrides.define("dist .mine{1}%{?x}{arch}").unwrap();
    overrides.limit("memory=4G,cpus=1.5").unwrap();
    overrides.limit("time=2h").unwrap();
    overrides.network(Network::Host);
    let files = [("/r.toml", &*format!("{SMALL}[limits]\nmemory = 17\npids = 5\n"))];
    let release = load("/r.toml", &Memory::new(&files), &directories(), &overrides).unwrap();
    let at = |url: &str| Origin::Baseurl(vec![url.to_owned()]);
    let repos: Vec<_> =
        release.repos.iter().map(|repo| (repo.id.as_str(), &repo.origin, repo.gpgcheck)).collect();
    assert_eq!(
        repos,
        [("main", &at("https://near.example/"), Check::On), ("extra", &at("file:///srv/repo"), Check::Off),]
    );
    assert_eq!(release.build.macros["dist"], ".mine{1}%{?x}{arch}");
    assert_eq!(release.limits.memory, Some(Bytes(4 << 30)));
    assert_eq!(
        (release.limits.cpus, release.limits.pids, release.limits.time),
        (Some(1.5), Some(5), Some(7200))
    );
    assert_eq!(release.sandbox.network, Network::Host);
    let extra: Vec<_> = release.tables["repo extra"].iter().map(ToString::to_string).collect();
    assert_eq!(extra, ["command line"]);
}

#[test]
fn a_repository_is_switched_by_the_command_line() {
    let mut overrides = Overrides::default();
    overrides.enable("updates-testing");
    overrides.disable("updates");
    let release = load("fedora-43-x86_64", &Memory::default(), &[], &overrides).unwrap();
    let ids: Vec<_> = release.repos.iter().map(|repo| repo.id.as_str()).collect();
    assert_eq!(ids, ["fedora", "updates-testing"]);
}

#[test]
fn a_bad_file_is_listed_and_spoils_nothing_else() {
    let files = [
        ("/etc/kiln/bad.toml", "nonsense"),
        ("/etc/kiln/closed.toml", "unreadable"),
        ("/etc/kiln/README.md", "nonsense"),
        ("/etc/kiln/family/x.toml", "nonsense"),
        ("/home/me/.config/kiln/own.toml", SMALL),
    ];
    let listed = list(&Memory::new(&files), &directories()).unwrap();
    let bad: Vec<_> = listed.iter().filter(|row| row.release.is_err()).map(|row| row.name.as_str()).collect();
    assert_eq!(bad, ["bad", "closed"]);
    let names: Vec<_> = listed.iter().map(|row| row.name.as_str()).collect();
    assert!(names.is_sorted() && names.contains(&"own") && names.contains(&"opensuse-tumbleweed-aarch64"));
    assert!(!names.iter().any(|name| name.contains("README") || *name == "x"), "{names:?}");
}

#[test]
fn a_release_may_be_nothing_but_an_architecture_and_the_command_lines_repositories() {
    let mut overrides = Overrides::default();
    overrides.repo("base=https://example.org/{basearch}/").unwrap();
    overrides.repo("more=/srv/more").unwrap();
    let release = bare("i686", &overrides).unwrap();
    let urls: Vec<_> = release.repos.iter().map(|repo| (repo.origin.clone(), repo.gpgcheck)).collect();
    let base = |url: &str| (Origin::Baseurl(vec![url.to_owned()]), Check::Off);
    assert_eq!(urls, [base("https://example.org/i386/"), base("file:///srv/more")]);
    assert!(release.root.packages.is_empty());
    let error = bare("x86_46", &overrides).unwrap_err();
    assert!(error.to_string().contains("did you mean x86_64?"), "{error}");
}

#[test]
fn credentials_stay_with_the_address_they_were_written_for() {
    let secret = "username = \"me\"\npassword = \"secret\"\nproxy = \"http://proxy:3128\"\n";
    let files = [("/r.toml", &*SMALL.replace("[[repo]]\n", &format!("[[repo]]\n{secret}")))];
    let load =
        |overrides: &Overrides| load("/r.toml", &Memory::new(&files), &directories(), overrides).unwrap();
    let own = load(&Overrides::default());
    assert!(format!("{:?}", own.repos[0].origin).contains("me:secret@"), "{:?}", own.repos[0].origin);
    let mut overrides = Overrides::default();
    overrides.repo("main=https://near.example/").unwrap();
    let other = load(&overrides);
    assert_eq!(other.repos[0].origin, Origin::Baseurl(vec!["https://near.example/".to_owned()]));
    assert_eq!(other.repos[0].connection, own.repos[0].connection);
}
