//! A store below a store: what it has is used where it lies, and nothing is ever written to it.

#![expect(clippy::print_stderr, reason = "tests say what they skip")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Place, Ran, User, spec_arguments, users, users_of_every_tier};

/// What an inode says that nobody has touched, but for the time when it was read.
type Inode = (u64, u32, u32, u64, u64, (i64, i64), (i64, i64));

/// Every name below a directory with its inode.
fn state(directory: &Path) -> BTreeMap<String, Inode> {
    let mut found = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(path) = pending.pop() {
        let stat = std::fs::symlink_metadata(&path).unwrap();
        if stat.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let times = ((stat.mtime(), stat.mtime_nsec()), (stat.ctime(), stat.ctime_nsec()));
        let row = (stat.ino(), stat.mode(), stat.uid(), stat.nlink(), stat.size(), times.0, times.1);
        found.insert(path.to_string_lossy().into_owned(), row);
    }
    found
}

/// Runs kiln with a store below.
fn over(place: &Place, shared: &Path, arguments: &[&str]) -> Ran {
    place.run(&[&["--shared-store", shared.to_str().unwrap()], arguments].concat())
}

/// How many packages, layers, package files and answers the place's own store has.
fn counts(place: &Place) -> [usize; 4] {
    let count = |kind| std::fs::read_dir(place.path("store").join(kind)).map_or(0, Iterator::count);
    ["packages", "layers", "rpms", "locks"].map(count)
}

/// A place whose store is filled, and another one of the same repositories.
fn above(user: User, filled: &[&str]) -> (Place, Place) {
    let (below, place) = (Place::small(user), Place::small(user));
    below.run(filled).expect(0);
    std::fs::copy(below.release(), place.release()).unwrap();
    (below, place)
}

/// What runs over a read-only bind mount of the shared store, as who may not even see that it could be written to.
fn read_only(place: &Place, shared: &Path, arguments: &[&str]) -> Option<String> {
    let at = place.path("mounted");
    std::fs::create_dir_all(&at).unwrap();
    let script = "mount --bind $FROM $KILN_SHARED_STORE && mount -o remount,ro,bind,nosuid $KILN_SHARED_STORE || exit 99
        exec \"$@\"";
    let kiln = place.kiln();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    command.arg(kiln.get_program()).args(kiln.get_args()).args(arguments).env_clear();
    command.envs(kiln.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("FROM", shared).env("KILN_SHARED_STORE", &at).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(99) || said.contains("unshare:") {
        eprintln!("skipped: a read-only mount: {said}");
        return None;
    }
    assert!(output.status.success(), "{arguments:?}: {said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn layers_packages_and_metadata_of_a_shared_store_are_used_in_place_and_only_read() {
    for user in users_of_every_tier() {
        let (below, place) = above(user, &["init"]);
        let id = below.run(&["init", "--offline"]).stdout();
        let shared = below.path("store");
        let before = state(&shared);
        // The whole root is there, and so is its metadata: nothing is fetched, nothing is made.
        assert_eq!(over(&place, &shared, &["init", "--offline"]).stdout(), id);
        assert_eq!(counts(&place), [0; 4]);
        over(&place, &shared, &["run", "--offline", "--", "sed", "--version"]).expect(0);
        if let Some(found) = read_only(&place, &shared, &["init", "--offline"]) {
            assert_eq!(found, id);
            read_only(&place, &shared, &["run", "--offline", "--", "sed", "--version"]);
        }
        // A layer more stands on it, with what is new in the store above alone.
        let command =
            ["run", "--install", "clay-files", "--", "sh", "-c", "ls /usr/share/clay/t/one && sed --version"];
        over(&place, &shared, &command).expect(0);
        assert_eq!(counts(&place), [1, 1, 1, 1]);
        over(&place, &shared, &["export", "-o", "root.tar", "--install", "clay-files"]).expect(0);
        assert_eq!(before, state(&shared), "something was written to the shared store");
        // Each is looked at and cleaned by itself, whatever is below.
        assert_eq!(over(&place, &shared, &["store", "verify", "-q"]).stdout(), "");
        over(&place, &shared, &["store", "prune", "--all"]).expect(0);
        over(&place, &shared, &["clean", "--all"]).expect(0);
        assert_eq!(counts(&place), [0; 4]);
        assert_eq!(before, state(&shared), "cleaning went too far");
        // The root is the same as where one store has all of it.
        below.run(&["export", "-o", "root.tar", "--install", "clay-files"]).expect(0);
        let tar = |place: &Place| std::fs::read(place.path("root.tar")).unwrap();
        assert!(tar(&place) == tar(&below), "the roots differ");
        assert_eq!(below.run(&["store", "verify", "-q"]).stdout(), "");
    }
}

#[test]
fn packages_of_a_shared_store_become_the_same_layer_by_copies() {
    for user in users() {
        let (below, place) = above(user, &["init", "--install", "clay-files"]);
        let id = below.run(&["init", "--install", "clay-files"]).stdout();
        let listing = |place: &Place| {
            std::fs::read_to_string(place.path("store/layers").join(id.trim()).join("listing")).unwrap()
        };
        let linked = listing(&below);
        below.run(&["clean", "--layers"]).expect(0);
        let shared = below.path("store");
        let before = state(&shared);
        assert_eq!(over(&place, &shared, &["init", "--offline", "--install", "clay-files"]).stdout(), id);
        assert_eq!(counts(&place), [0, 2, 0, 0]);
        assert_eq!(before, state(&shared));
        // No file can have a name in each of them, so these are copies; and the same in everything else.
        assert!(listing(&place) == linked, "the layers differ");
        assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "");
    }
}

#[test]
fn a_build_over_a_shared_store_needs_no_mirror_and_leaves_no_packages() {
    let below = Place::new(users()[0]);
    let place = Place::new(users()[0]);
    below.run(&["init"]).expect(0);
    std::fs::copy(below.release(), place.release()).unwrap();
    let shared = below.path("store");
    for entry in std::fs::read_dir(shared.join("logs")).unwrap() {
        std::fs::write(entry.unwrap().path(), "a scriptlet said this\n").unwrap();
    }
    let before = state(&shared);
    let spec = "Name: small\nVersion: 1\nRelease: 1\nSummary: Small\nLicense: MIT\nBuildArch: noarch\n%description\n\
                Small.\n%install\ninstall -d %{buildroot}/opt/small\n%files\n/opt/small\n";
    let spec = place.write("small.spec", spec);
    let sources = place.path("sources");
    std::fs::create_dir(&sources).unwrap();
    let arguments =
        [&spec_arguments("build", &spec, &sources)[..], &["--offline", "--result", "out"]].concat();
    over(&place, &shared, &arguments).expect(0);
    assert_eq!(counts(&place)[..3], [0; 3]);
    let log = std::fs::read_to_string(place.path("out/root.log")).unwrap();
    assert_eq!(log, "a scriptlet said this\n", "the logs of shared layers are logs of the root");
    assert_eq!(before, state(&shared));
}

#[test]
fn a_store_of_other_ids_gives_metadata_and_package_files_only() {
    if users().len() < 2 {
        return;
    }
    let (root, place) = (Place::small(User::Own), Place::small(User::Ordinary));
    root.run(&["init"]).expect(0);
    std::fs::copy(root.release(), place.release()).unwrap();
    let shared = root.path("store");
    // Nobody else may look into a store that kiln writes to.
    over(&place, &shared, &["init", "--offline"])
        .expect(50)
        .says("the shared store")
        .says("Permission denied");
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o755)).unwrap();
    let before = state(&shared);
    let ran = over(&place, &shared, &["init", "--offline", "-v"]);
    ran.expect(0).says("other user ids");
    let [packages, layers, rpms, _] = counts(&place);
    assert_eq!((packages > 3, layers, rpms), (true, 1, 0));
    assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "");
    let command = ["run", "--offline", "--", "stat", "-c", "%u", "/usr"];
    assert_eq!(over(&place, &shared, &command).stdout(), "0\n");
    assert_eq!(before, state(&shared));
    // A copy without owners has the same map written in it, and other owners.
    let copy = root.path("copy");
    let copied = Command::new("cp").arg("-r").args([&shared, &copy]).status().unwrap();
    assert!(copied.success());
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o700)).unwrap();
    let other = Place::small(User::Own);
    std::fs::copy(root.release(), other.release()).unwrap();
    over(&other, &copy, &["init", "--offline", "-v"]).expect(0).says("copied to user 0");
    let [packages, layers, rpms, _] = counts(&other);
    assert_eq!((packages > 3, layers, rpms), (true, 1, 0));
}

#[test]
fn what_may_not_have_reached_the_disk_is_not_used_until_its_owner_has_looked() {
    let (below, place) = above(users()[0], &["init"]);
    let shared = below.path("store");
    let mark = shared.join("unsettled/another-boot.1-0");
    std::fs::write(&mark, "").unwrap();
    let before = state(&shared);
    let ran = over(&place, &shared, &["init", "--offline"]);
    ran.expect(0).says("may not have reached the disk").says("kiln store verify");
    let [packages, layers, rpms, _] = counts(&place);
    assert_eq!((packages > 3, layers, rpms), (true, 1, 0), "only package files, whose digests are checked");
    assert_eq!(before, state(&shared));
    place.run(&["clean", "--all"]).expect(0);
    below.run(&["store", "verify"]).expect(0);
    assert!(
        std::fs::read_dir(shared.join("unsettled"))
            .unwrap()
            .all(|entry| entry.unwrap().file_name() == "lock")
    );
    let ran = over(&place, &shared, &["init", "--offline"]);
    assert_eq!((ran.expect(0).stderr().contains("reached"), counts(&place)), (false, [0; 4]));
}

#[test]
fn what_is_damaged_below_is_made_again_above() {
    let (below, place) = above(users()[0], &["init"]);
    let shared = below.path("store");
    for kind in ["layers", "packages"] {
        for entry in std::fs::read_dir(shared.join(kind)).unwrap() {
            std::fs::write(entry.unwrap().path().join("manifest.json"), "{").unwrap();
        }
    }
    for entry in std::fs::read_dir(shared.join("rpms")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    over(&place, &shared, &["init"]).expect(0);
    let [packages, layers, rpms, _] = counts(&place);
    assert_eq!((packages, layers), (rpms, 1));
    assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "");
}

#[test]
fn its_owner_does_not_prune_what_a_sandbox_above_uses() {
    for user in users() {
        let (below, place) = above(user, &["init"]);
        let mut running = place.kiln();
        running.env("KILN_SHARED_STORE", below.path("store"));
        running.args(["run", "--offline", "--", "sh", "-c"]);
        running.arg("echo ready; read -r line; sed --version >/dev/null && echo $line");
        let mut running = running.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(running.stdout.take().unwrap()).lines();
        assert_eq!(output.next().unwrap().unwrap(), "ready");
        below.run(&["store", "prune", "--all"]).says("another kiln uses them: 1 (layers/");
        writeln!(running.stdin.take().unwrap(), "still here").unwrap();
        assert_eq!(output.next().unwrap().unwrap(), "still here");
        assert!(running.wait().unwrap().success());
        assert_eq!(counts(&place), [0; 4]);
        below.run(&["store", "prune", "--all"]).expect(0);
        assert_eq!(counts(&below)[1], 0);
    }
}

#[test]
fn what_cannot_be_a_shared_store_is_told() {
    let place = Place::small(User::Own);
    place.run(&["init"]).expect(0);
    for name in ["empty", "open", "new", "shut"] {
        std::fs::create_dir(place.path(name)).unwrap();
    }
    std::fs::set_permissions(place.path("open"), std::fs::Permissions::from_mode(0o775)).unwrap();
    std::fs::write(place.path("new/format"), "99\n").unwrap();
    let store = place.path("store");
    let table = [
        (place.path("none"), "there is nothing of that name"),
        (place.path("empty"), "it is not a store"),
        (place.release(), "it is not a store"),
        (store.clone(), "it is the store itself"),
        (store.join("layers"), "lies in the other"),
        (place.path(""), "lies in the other"),
        (place.path("open"), "others than its owner may write to"),
        (place.path("new"), "format 99"),
    ];
    for (shared, words) in table {
        let ran = over(&place, &shared, &["init"]);
        ran.expect(50).says("the shared store").says(words).says(shared.to_str().unwrap());
    }
    if users().len() > 1 {
        // What another ordinary user has may be anything.
        let other = Place::small(User::Ordinary);
        other.run(&["init"]).expect(0);
        over(&place, &other.path("store"), &["init"]).expect(50).says("who is neither root nor you");
    }
}
