//! A tree as a comparable value: what rpm made beside what kiln made.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use kiln::unit::Digest;

/// What is compared of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) size: u64,
    /// Short text as it is, the digest of more, a link's target, or nothing.
    pub(crate) content: String,
    /// Not of directories, which change as files come, and accounts.
    pub(crate) mtime: i64,
    /// The first of the names of the same file.
    pub(crate) link: String,
    pub(crate) attributes: BTreeMap<String, Vec<u8>>,
}

pub(crate) type Tree = BTreeMap<String, Entry>;

/// What every root of kiln's has, whatever is installed.
const OURS: &[&str] = &[
    "/builddir",
    "/dev",
    "/etc",
    "/etc/group",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/machine-id",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/var",
    "/var/lib",
    "/var/tmp",
];

/// Longer content is compared by its digest.
const SHORT: usize = 400;

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const OPAQUE: &str = "user.overlay.opaque";

/// The tree of layers, uppermost first, with an overlay's rules. `shift` is what the host adds to every owner. The
/// package database is left out.
pub(crate) fn read(layers: &[&Path], shift: u32) -> Tree {
    let mut tree = Tree::new();
    let mut hiding = BTreeSet::new();
    for layer in layers {
        let mut found = Tree::new();
        let mut names = BTreeMap::new();
        walk(layer, "", shift, &mut |path, entry, identity| {
            names.entry(identity).or_insert_with(Vec::new).push(path.clone());
            found.insert(path, entry);
        });
        let hidden = |path: &String| {
            let mut above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
            tree.contains_key(path) || above.any(|parent| hiding.contains(parent))
        };
        found.retain(|path, _| !hidden(path));
        for paths in names.values() {
            let seen = paths.iter().filter(|path| found.contains_key(*path)).min().cloned();
            for path in paths {
                if let (Some(entry), Some(first)) = (found.get_mut(path), &seen) {
                    entry.link.clone_from(first);
                }
            }
        }
        hiding.extend(found.iter().filter(|(_, entry)| hides(entry)).map(|(path, _)| path.clone()));
        tree.extend(found);
    }
    // A mark of absence is a character device 0:0, and nothing else makes devices.
    tree.retain(|path, entry| entry.mode & KIND != 0o020_000 && !path.starts_with("/var/lib/rpm"));
    for entry in tree.values_mut() {
        entry.attributes.retain(|name, _| !name.starts_with("user.overlay."));
    }
    tree
}

fn hides(entry: &Entry) -> bool {
    entry.mode & KIND != DIRECTORY || entry.attributes.contains_key(OPAQUE)
}

fn walk(directory: &Path, prefix: &str, shift: u32, see: &mut dyn FnMut(String, Entry, (u64, u64))) {
    for found in std::fs::read_dir(directory).unwrap() {
        let found = found.unwrap();
        let name = found.file_name();
        let path = format!("{prefix}/{}", name.as_bytes().escape_ascii());
        let stat = std::fs::symlink_metadata(found.path()).unwrap();
        let kind = stat.file_type();
        let content = if kind.is_file() {
            content(&std::fs::read(found.path()).unwrap(), &path)
        } else if kind.is_symlink() {
            std::fs::read_link(found.path()).unwrap().to_str().unwrap().to_owned()
        } else {
            String::new()
        };
        let entry = Entry {
            mode: stat.mode(),
            owner: (stat.uid().wrapping_sub(shift), stat.gid().wrapping_sub(shift)),
            size: if kind.is_dir() { 0 } else { content.len() as u64 },
            content,
            mtime: if kind.is_dir() || is_account(&path) { 0 } else { stat.mtime() },
            link: String::new(),
            attributes: attributes(&found.path()),
        };
        see(path.clone(), entry, (stat.dev(), stat.ino()));
        if kind.is_dir() {
            walk(&found.path(), &path, shift, see);
        }
    }
}

/// Files that kiln writes the builder's account into.
fn is_account(path: &str) -> bool {
    ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].contains(&path)
}

/// The builder's account is kiln's own.
pub(crate) fn content(bytes: &[u8], path: &str) -> String {
    if is_account(path) {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().filter(|line| !line.starts_with("mock"));
        return lines.fold(String::new(), |text, line| text + &without_day(line, path) + "\n");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= SHORT || path == "/log" => text.to_owned(),
        _ => format!("{} bytes, {}", bytes.len(), Digest::sha256(bytes)),
    }
}

/// A line without the day on which `useradd` wrote it.
fn without_day(line: &str, path: &str) -> String {
    let mut fields = line.split(':').collect::<Vec<_>>();
    if path == "/etc/shadow" && fields.len() > 2 {
        fields[2] = "day";
    }
    fields.join(":")
}

/// All extended attributes; of capabilities the sets and the effective bit, not who is root of which namespace.
fn attributes(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut list = vec![0_u8; 4096];
    let length = rustix::fs::llistxattr(path, &mut list[..]).unwrap_or(0);
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut found = BTreeMap::new();
    for name in names.map(|name| String::from_utf8_lossy(name).into_owned()) {
        let mut value = vec![0_u8; 4096];
        let length = rustix::fs::lgetxattr(path, name.as_str(), &mut value[..]).unwrap();
        value.truncate(length);
        if name == "security.capability" {
            value.truncate(20);
            value[3] = 0;
        }
        found.insert(name, value);
    }
    found
}

/// When an installation began, and the time that kiln gives to what scriptlets wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) began: i64,
    pub(crate) epoch: i64,
}

/// The paths that differ, with both sides. What scriptlets wrote has kiln's own time.
pub(crate) fn differences(ours: &Tree, theirs: &Tree, times: Times) -> Vec<String> {
    let mut lines = Vec::new();
    for path in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let (mine, mut other) = (ours.get(path), theirs.get(path).cloned());
        if let Some(entry) = other.as_mut().filter(|entry| entry.mtime >= times.began) {
            entry.mtime = times.epoch;
        }
        if mine != other.as_ref() && !(other.is_none() && OURS.contains(&path.as_str())) {
            lines.push(format!("{path}:\n  kiln {}\n  rpm  {}", shown(mine), shown(other.as_ref())));
        }
    }
    lines
}

fn shown(entry: Option<&Entry>) -> String {
    entry.map_or_else(|| "nothing".to_owned(), |entry| format!("{entry:?}"))
}
