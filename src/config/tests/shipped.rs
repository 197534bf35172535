//! The shipped files: all of them in the binary, all of them whole.

use std::fmt::Write as _;

use crate::config::shipped::SHIPPED;
use crate::config::tests::{Memory, loaded};
use crate::config::{Check, Origin, Release, Repo, list};
use crate::sys::fs;

#[test]
fn the_table_is_the_directory() {
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/configs");
    let mut on_disk = Vec::new();
    for directory in ["", "family/"] {
        for name in fs::list(format!("{top}/{directory}")).unwrap() {
            let path = format!("{directory}{}", name.to_str().unwrap());
            if path.strip_suffix(".toml").is_some() {
                let text = fs::read_text(format!("{top}/{path}")).unwrap();
                on_disk.push((path, text));
            }
        }
    }
    on_disk.sort();
    let shipped = SHIPPED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    assert!(shipped.eq(on_disk), "src/config/shipped.rs and configs/ differ");
}

fn releases() -> Vec<Release> {
    let listed = list(&Memory::default(), &[]).unwrap();
    listed.into_iter().map(|row| row.release.unwrap()).collect()
}

#[test]
fn every_shipped_release_is_what_it_should_be() {
    let mut table = String::new();
    for release in releases() {
        let Release { name, description, arch, family, .. } = &release;
        let _ = writeln!(table, "{name}: {description}, {arch}, {family}");
        let _ = writeln!(table, "    install {}", release.root.packages.join(" "));
        let dist = release.build.macros.get("dist").map_or("-", String::as_str);
        let module = release.solve.module_platform_id.as_deref().unwrap_or("-");
        let _ = writeln!(table, "    dist {dist}, module {module}, not {:?}", release.solve.excludepkgs);
        for repo in &release.repos {
            let _ = writeln!(table, "    {} {}", repo.id, address(repo));
        }
        let off: Vec<_> = release.disabled.iter().map(|repo| format!(" {}", repo.id)).collect();
        let _ = writeln!(table, "    off:{}", off.concat());
    }
    insta::assert_snapshot!(table);
}

fn address(repo: &Repo) -> String {
    match &repo.origin {
        Origin::Baseurl(urls) => urls.join(" "),
        Origin::Mirrorlist(url) | Origin::Metalink(url) => url.clone(),
    }
}

#[test]
fn what_is_on_by_default_is_signed_by_a_pinned_key_and_comes_over_https() {
    for release in releases() {
        for repo in release.repos.iter().chain(&release.disabled) {
            let name = format!("{} {}", release.name, repo.id);
            assert!(address(repo).starts_with("https://"), "{name}");
            assert!(repo.keys.iter().all(|key| key.fingerprint.is_some()), "{name}");
        }
        for repo in &release.repos {
            assert_eq!(repo.gpgcheck, Check::On, "{} {}", release.name, repo.id);
        }
    }
}

#[test]
fn the_example_in_the_readme_is_a_release() {
    let readme = fs::read_text(concat!(env!("CARGO_MANIFEST_DIR"), "/configs/README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let release =
        loaded("/etc/kiln/acme-43-x86_64.toml", &[("/etc/kiln/acme-43-x86_64.toml", example)]).unwrap();
    assert_eq!(release.description, "Fedora 43 with Acme's tools");
    assert_eq!(release.root.packages, ["@buildsys-build", "acme-release", "git"]);
}
