//! Verifying: whatever is done to a store is found, named and repaired.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use crate::support::{Place, users};

/// Every file of the store that verifying vouches for, as paths in the store.
fn files(store: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending: Vec<_> =
        ["repos", "rpms", "packages", "layers", "locks"].iter().map(|name| store.join(name)).collect();
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let stat = fs::symlink_metadata(&path).unwrap();
            if stat.is_dir() {
                pending.push(path);
            } else if stat.is_file() && stat.len() > 0 {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The thing that a file is in: `kind/name`.
fn object(store: &Path, file: &Path) -> String {
    let below = file.strip_prefix(store).unwrap().to_str().unwrap();
    let deep = if below.starts_with("repos/origins") { 3 } else { 2 };
    below.split('/').take(deep).collect::<Vec<_>>().join("/")
}

/// Flips a bit and leaves no other trace.
fn flip(path: &Path, at: u64) {
    use std::os::unix::fs::FileExt as _;
    let stat = fs::metadata(path).unwrap();
    let (mode, time) = (stat.permissions(), stat.modified().unwrap());
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at % stat.len()).unwrap();
    byte[0] ^= 1 << (at % 8);
    file.write_all_at(&byte, at % stat.len()).unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    fs::set_permissions(path, mode).unwrap();
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let place = Place::small(users()[0]);
    place.run(&["init"]).expect(0);
    let store = place.path("store");
    assert_eq!(place.run(&["store", "verify"]).stdout(), "");
    // Three files of every kind, one of each thing at a time; the same bit once more repairs it.
    let mut kinds = BTreeMap::<String, usize>::new();
    let mut rounds = BTreeMap::<String, Vec<(PathBuf, u64)>>::new();
    for (number, path) in files(&store).into_iter().enumerate() {
        let below = path.strip_prefix(&store).unwrap().to_str().unwrap().to_owned();
        let mut parts = below.split('/');
        let kind = match (parts.next().unwrap(), parts.nth(1)) {
            (kind, Some(name)) if name.len() < 20 => format!("{kind}/{name}"),
            (kind, _) => kind.to_owned(),
        };
        let seen = kinds.entry(kind).or_default();
        *seen += 1;
        if *seen <= 3 {
            rounds.entry(object(&store, &path)).or_default().push((path, number as u64 * 7919 + 3));
        }
    }
    assert!(kinds.len() > 8, "{kinds:?}");
    let most = rounds.values().map(Vec::len).max().unwrap();
    for round in 0..most {
        let chosen: Vec<_> =
            rounds.iter().filter_map(|(object, files)| Some((object, files.get(round)?))).collect();
        for (_, (path, at)) in &chosen {
            flip(path, *at);
        }
        let ran = place.run(&["store", "verify", "-q"]);
        let text = ran.expect(1).text();
        for (object, (path, _)) in &chosen {
            assert!(text.contains(object.as_str()), "{} is not found in\n{text}", path.display());
        }
        for (_, (path, at)) in &chosen {
            flip(path, *at);
        }
    }
    assert_eq!(place.run(&["store", "verify"]).stdout(), "");
}

#[test]
fn what_is_damaged_is_made_again() {
    for user in users() {
        let place = Place::small(user);
        place.run(&["init"]).expect(0);
        let store = place.path("store");
        let first = |kind: &str| fs::read_dir(store.join(kind)).unwrap().next().unwrap().unwrap().path();
        let (rpm, layer) = (first("rpms"), first("layers"));
        // The order is the file system's, and some packages have no content.
        let mut packages = fs::read_dir(store.join("packages")).unwrap().map(|entry| entry.unwrap().path());
        let content = |package: &Path| fs::read_dir(package.join("files")).ok()?.next()?.ok();
        let (package, content) =
            packages.find_map(|package| Some((package.clone(), content(&package)?.path()))).unwrap();
        fs::set_permissions(&content, fs::Permissions::from_mode(0o666)).unwrap();
        flip(&rpm, 4000);
        fs::remove_file(layer.join("fs/etc/passwd")).unwrap();
        fs::write(layer.join("fs/usr/bin/evil"), "x").unwrap();
        fs::write(store.join("rpms/notes"), "mine").unwrap();
        let ran = place.run(&["store", "verify", "--json"]);
        let text = ran.expect(1).says("is damaged: ").says("--repair").text();
        for part in [
            "fs/etc/passwd\",\"problem\":\"it is missing",
            "fs/usr/bin/evil\",\"problem\":\"it is foreign",
            "its mode is 0666",
            "does not have the digest that names it",
            "rpms/notes",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let repaired = place.run(&["store", "verify", "--repair"]);
        let text = repaired.expect(1).says("rpms/notes").text();
        assert_eq!(text.matches("[made again]").count(), 2, "{text}");
        assert!(text.contains("[removed]"), "{text}");
        fs::remove_file(store.join("rpms/notes")).unwrap();
        place.run(&["store", "verify"]).expect(0);
        assert!(rpm.exists() && package.exists() && !layer.exists());
        place.run(&["run", "--offline", "--", "sed", "--version"]).expect(0);
        place.run(&["store", "verify"]).expect(0);
    }
}

#[test]
fn a_file_that_became_another_users_is_found() {
    let place = Place::small(users()[0]);
    place.run(&["init"]).expect(0);
    let rpm = fs::read_dir(place.path("store/rpms")).unwrap().next().unwrap().unwrap().path();
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    chown(&rpm, Some(12345), None).unwrap();
    let name = rpm.file_name().unwrap().to_str().unwrap().to_owned();
    let ran = place.run(&["store", "verify"]);
    ran.expect(1);
    assert!(ran.text().contains(&format!("rpms/{name}: it is owned by")), "{}", ran.text());
    place.run(&["store", "verify", "--repair"]).expect(0);
    assert!(place.run(&["store", "verify"]).stdout().is_empty());
}
