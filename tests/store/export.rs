//! Exporting: a root as a tar file is the root.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Place, User, users};

/// What is compared of one name: type and mode, owner, size, time, target, content, number of names in the tree.
type Row = (u32, u32, u32, u64, i64, String, Vec<u8>, u64);

/// Every name of a tree; owners counted from `base`.
fn tree(root: &Path, base: u32) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let mut names = BTreeMap::<u64, u64>::new();
    let mut inodes = BTreeMap::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(path) = pending.pop() {
        let stat = fs::symlink_metadata(&path).unwrap();
        let below = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let target = fs::read_link(&path).map(|target| target.to_string_lossy().into_owned());
        let content = if stat.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        if stat.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            *names.entry(stat.ino()).or_default() += 1;
            inodes.insert(below.clone(), stat.ino());
        }
        let size = if stat.is_dir() { 0 } else { stat.size() };
        let owner = (stat.uid().wrapping_sub(base), stat.gid().wrapping_sub(base));
        rows.insert(
            below,
            (stat.mode(), owner.0, owner.1, size, stat.mtime(), target.unwrap_or_default(), content, 0),
        );
    }
    for (path, inode) in inodes {
        rows.get_mut(&path).unwrap().7 = names[&inode];
    }
    rows
}

fn unpacked(place: &Place, tar: &str) -> std::path::PathBuf {
    let to = place.path("unpacked");
    fs::create_dir(&to).unwrap();
    let mut command = Command::new("tar");
    command.args(["--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "-xpf"]);
    assert!(command.arg(place.path(tar)).arg("-C").arg(&to).status().unwrap().success());
    to
}

#[test]
fn unpacked_by_tar_it_is_the_root_path_by_path() {
    // Only root can unpack owners; the ids that root's sandboxes have begin at this one.
    let place = Place::small(users()[0]);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        place.run(&["export", "-o", "root.tar"]).expect(0);
        return;
    }
    let id = place.run(&["init"]).stdout();
    place.run(&["export", "-o", "root.tar"]).expect(0);
    let layer = place.path("store/layers").join(id.trim()).join("fs");
    let base = fs::metadata(&layer).unwrap().uid();
    let (expected, found) = (tree(&layer, base), tree(&unpacked(&place, "root.tar"), 0));
    assert!(expected.len() > 100, "{} names", expected.len());
    for (path, row) in &expected {
        assert_eq!(Some(row), found.get(path), "{path}");
    }
    assert_eq!(expected.len(), found.len());
}

#[test]
fn several_layers_are_one_tree_with_capabilities_and_hard_links() {
    for user in users() {
        let place = Place::small(user);
        let arguments = ["--install", "clay-files", "--install", "clay-scripts"];
        place.run(&[&["export", "-o", "root.tar"][..], &arguments].concat()).expect(0);
        let list = Command::new("tar").arg("-tvf").arg(place.path("root.tar")).output().unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        let run = [&["run"][..], &arguments, &["--", "sh", "-c", "ls -d /usr/share/clay/* | wc -l"]].concat();
        let inside: usize = place.run(&run).stdout().trim().parse().unwrap();
        let below = |line: &&str| {
            let path = line.split("./usr/share/clay/").nth(1).unwrap_or_default();
            let path =
                path.split(" link to").next().unwrap_or_default().split(" -> ").next().unwrap_or_default();
            !path.is_empty() && !path.trim_end_matches('/').contains('/')
        };
        assert_eq!(list.lines().filter(below).count(), inside, "{list}");
        assert!(list.contains(" link to ./"), "{list}");
        assert!(list.lines().any(|line| line.contains("/var/lib/clay/state") && !line.contains(" 0/0 ")));
        if user == User::Own && fs::metadata("/proc/self").unwrap().uid() == 0 {
            let to = unpacked(&place, "root.tar");
            let caps = Command::new("getcap").arg("-r").arg(&to).output();
            if let Ok(caps) = caps {
                let inside = String::from_utf8(caps.stdout).unwrap();
                assert!(inside.contains("cap_"), "{inside}");
            }
        }
    }
}

#[test]
fn the_same_root_is_the_same_bytes_in_another_store_and_in_a_pipe() {
    let place = Place::small(users()[0]);
    place.run(&["export", "-o", "one.tar"]).expect(0);
    let other = place.path("other").to_str().unwrap().to_owned();
    let mut running = place.kiln();
    running.args(["export", "-o", "-", "--store", &other]).stdout(Stdio::piped());
    let mut running = running.spawn().unwrap();
    let mut piped = Vec::new();
    running.stdout.take().unwrap().read_to_end(&mut piped).unwrap();
    assert!(running.wait().unwrap().success());
    assert!(fs::read(place.path("one.tar")).unwrap() == piped, "the archives differ");
    place.run(&["clean", "--all", "--store", &other]).expect(0);
    // Nobody listens any more, and nothing can be written there.
    let mut running = place.kiln();
    running.args(["export", "-o", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = running.spawn().unwrap();
    drop(running.stdout.take());
    assert!(!running.wait_with_output().unwrap().status.success());
    place.run(&["export", "-o", "none/root.tar"]).expect(70).says("none/root.tar");
    assert!(
        fs::read_dir(place.path(""))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with(".kiln-") })
    );
}
