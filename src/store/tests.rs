//! A store on a real file system.

use std::collections::BTreeMap;

use crate::plan::{IdMap, IdRange, LayerSpec, Setup, Tier};
use crate::store::{Error, Kind, LayerManifest, Leftovers, PackageManifest, Store};
use crate::sys::owner::Owner;
use crate::unit::{Digest, HostPath};

fn ids(outside: u32) -> IdMap {
    let range = |outside| vec![IdRange { inside: 0, outside, count: 1 }];
    let gid = if outside == Owner::current().uid { Owner::current().gid } else { outside };
    IdMap { tier: Tier::SingleId, uids: range(outside), gids: range(gid) }
}

fn mine() -> IdMap {
    ids(Owner::current().uid)
}

fn store(directory: &tempfile::TempDir) -> Store {
    Store::open(&HostPath::new(directory.path().join("store")), &mine()).unwrap()
}

fn spec() -> LayerSpec {
    let setup = Setup { arch: "x86_64".to_owned(), languages: Vec::new(), docs: true, epoch: 1 };
    LayerSpec::new(Vec::new(), Vec::new(), setup)
}

#[test]
fn a_store_is_private_and_opens_again_with_the_same_ids_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(&directory).path().clone();
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o7777, 0o700);
    Store::open(&path, &mine()).unwrap();
    let mut wider = mine();
    wider.uids.push(IdRange { inside: 1, outside: 100_000, count: 65535 });
    let error = Store::open(&path, &wider).unwrap_err();
    assert!(matches!(error, Error::OtherIds { .. }) && error.hint().unwrap().contains("--store"), "{error}");
    std::fs::write(path.join("format"), "99\n").unwrap();
    assert!(matches!(Store::open(&path, &mine()), Err(Error::Format { .. })));
}

#[test]
fn a_directory_with_something_else_in_it_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("precious"), "x").unwrap();
    let error = Store::open(&HostPath::new(directory.path()), &mine()).unwrap_err();
    assert!(matches!(error, Error::NotAStore { ref found, .. } if found == "precious"), "{error}");
}

#[test]
fn as_root_the_store_belongs_to_the_sandbox_and_not_to_the_host() {
    if Owner::current().uid != 0 {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&HostPath::new(directory.path().join("store")), &ids(0x7000_0000)).unwrap();
    let staging = store.stage("x").unwrap();
    for path in [store.path(), staging.path(), &store.rpms()] {
        let stat = std::fs::metadata(path).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&stat), 0x7000_0000, "{path}");
    }
}

#[test]
fn garbage_is_what_has_no_living_maker() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let live = store.stage("live").unwrap();
    let tmp = store.path().join("tmp");
    std::fs::create_dir(tmp.join("dead-1-1")).unwrap();
    std::fs::write(tmp.join("dead-1-1.lock"), "").unwrap();
    let downloading = crate::sys::part::Part::open(tmp.as_path(), "ab.part").unwrap();
    std::fs::write(tmp.join("cd.part"), "left").unwrap();
    let garbage = |which| store.garbage(which).unwrap();
    assert_eq!(garbage(Leftovers::Useless), ["tmp/gone-dead-1-1"]);
    assert_eq!(garbage(Leftovers::All), ["tmp/gone-cd.part", "tmp/gone-dead-1-1"]);
    downloading.discard();
    std::fs::remove_file(tmp.join("gone-cd.part")).unwrap();
    std::fs::remove_dir(tmp.join("gone-dead-1-1")).unwrap();
    drop(live);
    assert!(crate::sys::fs::list(&tmp).unwrap().is_empty());
}

#[test]
fn the_loser_of_a_race_takes_the_winners() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let digest = Digest::sha256(b"package");
    assert_eq!(store.package(&digest).unwrap(), None);
    let nevra = "a-1-1.noarch".parse().unwrap();
    let manifest = PackageManifest::new(nevra, digest.clone(), 7, Digest::sha256(b""));
    let [first, second] = [store.stage("p").unwrap(), store.stage("p").unwrap()];
    std::fs::write(first.path().join("mark"), "first").unwrap();
    let one = store.publish_package(&first, manifest.clone()).unwrap();
    let two = store.publish_package(&second, manifest).unwrap();
    assert_eq!(one, two);
    assert_eq!(std::fs::read_to_string(two.path.join("mark")).unwrap(), "first");
    assert_eq!(store.package(&digest).unwrap(), Some(one));
    drop((first, second));
    assert!(crate::sys::fs::list(store.path().join("tmp")).unwrap().is_empty());
}

#[test]
fn a_layer_is_found_by_its_name_and_leased() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let spec = spec();
    assert!(store.find_layer(&spec.id).unwrap().is_none());
    let staging = store.stage("layer").unwrap();
    std::fs::create_dir(staging.path().join("fs")).unwrap();
    let made = store.publish_layer(&staging, LayerManifest::new(&spec, BTreeMap::new())).unwrap();
    let found = store.find_layers(&spec.id).unwrap().unwrap();
    assert_eq!(found[0].manifest, made.manifest);
    assert!(store.path().join(found[0].lower()).as_path().is_dir());
    let manifest = made.path().join("manifest.json");
    let exclusive =
        || crate::sys::lock::Lock::attempt(&manifest, crate::sys::lock::Share::Exclusive).unwrap();
    assert!(exclusive().is_none());
    drop((made, found));
    let held = exclusive();
    assert!(held.is_some() && store.find_layer(&spec.id).unwrap().is_none());
}

#[test]
fn what_is_old_enough_and_has_no_maker_is_settled() {
    let directory = tempfile::tempdir().unwrap();
    let hour = std::time::Duration::from_hours(1);
    let marks = |store: &Store| {
        let names = crate::sys::fs::list(store.path().join("unsettled")).unwrap();
        names.into_iter().map(|name| store.path().join("unsettled").join(name)).collect::<Vec<_>>()
    };
    let object = || "ab".repeat(32);
    let first = store(&directory);
    first.note_unsettled(Kind::Packages, object()).unwrap();
    first.note_unsettled(Kind::Packages, object()).unwrap();
    let second = store(&directory);
    second.note_unsettled(Kind::Layers, object()).unwrap();
    assert_eq!(marks(&second).len(), 2);
    drop(first);
    second.settle(hour).unwrap();
    assert_eq!(marks(&second).len(), 2);
    for mark in marks(&second) {
        let file = std::fs::File::options().write(true).open(&mark).unwrap();
        file.set_modified(std::time::SystemTime::now() - 2 * hour).unwrap();
    }
    second.settle(hour).unwrap();
    assert_eq!(marks(&second).len(), 1);
    assert!(second.doubtful().unwrap().is_none());
    // Another boot's.
    for (name, text) in [("a.1-0", Vec::new()), ("b.1-0", crate::unit::seal(b"[]"))] {
        std::fs::write(second.path().join("unsettled").join(name), text).unwrap();
    }
    let doubt = second.doubtful().unwrap().unwrap();
    assert!(doubt.objects.is_none());
    second.trust(&doubt).unwrap();
    assert!(second.doubtful().unwrap().is_none());
}
