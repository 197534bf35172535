//! The machine goes down before what was written is on the disk: nothing of it is used unseen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::support::{Place, users};

/// The marks of a store.
fn marks(place: &Place) -> Vec<PathBuf> {
    let names = fs::read_dir(place.path("store/unsettled")).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.file_name().unwrap() != "lock").collect()
}

/// Makes another boot of the one that the marks are of.
fn boot(place: &Place) {
    for mark in marks(place) {
        let name = mark.file_name().unwrap().to_str().unwrap().to_owned();
        let (_, maker) = name.split_once('.').unwrap();
        fs::rename(&mark, mark.with_file_name(format!("an-earlier-one.{maker}"))).unwrap();
    }
}

/// Loses the content of a file as a file system does that never wrote it.
fn lose(path: &PathBuf) {
    let mode = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap();
    fs::set_permissions(path, mode).unwrap();
}

/// A file with content in each thing of a kind.
fn files(place: &Place, kind: &str, below: &str) -> Vec<PathBuf> {
    let things = fs::read_dir(place.path("store").join(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for thing in things {
        if thing.is_file() {
            found.push(thing);
            continue;
        }
        let Ok(inside) = fs::read_dir(thing.join(below)) else { continue };
        let mut inside: Vec<_> = inside.map(|entry| entry.unwrap().path()).collect();
        inside.sort();
        found.extend(
            inside
                .into_iter()
                .find(|path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)),
        );
    }
    found.sort();
    assert!(!found.is_empty(), "{kind}");
    found
}

#[test]
fn what_a_power_cut_took_is_missed_before_anything_is_used() {
    for user in users() {
        let place = Place::small(user);
        let id = place.run(&["init"]).stdout();
        assert_eq!(marks(&place).len(), 1);
        let rows =
            [("packages", "files", true), ("packages", "", false), ("layers", "", true), ("rpms", "", true)];
        // Each costs seconds, and the second user is there for the owners of files.
        let rows = if user == users()[0] { &rows[..] } else { &rows[..1] };
        for &(kind, below, names) in rows {
            let lost = files(&place, kind, below).remove(0);
            lose(&lost);
            boot(&place);
            if !names {
                // Killed before it could write down what it had made.
                marks(&place).iter().for_each(lose);
            }
            let ran = place.run(&["init"]);
            assert_eq!(ran.stdout(), id, "{}", lost.display());
            ran.says("had not reached the disk when the machine went down");
            assert_eq!(place.run(&["store", "verify", "--repair"]).stdout(), "", "{}", lost.display());
            assert!(marks(&place).iter().all(|mark| !mark.to_str().unwrap().contains("an-earlier-one")));
            // What was made again is marked; a boot later it is sound.
            place.run(&["clean", "--all"]).expect(0);
            place.run(&["init"]).expect(0);
        }
        boot(&place);
        let ran = place.run(&["init"]);
        assert_eq!((ran.stdout(), ran.stderr().contains("disk")), (id, false));
        assert_eq!(marks(&place), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_boot_that_goes_on_doubts_nothing() {
    let place = Place::small(users()[0]);
    place.run(&["init"]).expect(0);
    lose(&files(&place, "packages", "files").remove(0));
    assert!(!place.run(&["init"]).stderr().contains("disk"));
    assert!(place.run(&["store", "verify"]).text().contains("packages/"));
}
