//! What a layer's tree holds, file by file: whoever doubts the store reads the tree again and compares.
//!
//! The listing is text beside the tree, one JSON object a line, sorted by path, and the layer's manifest has its digest.
//! Ids are those of the user namespace, so reading and checking happen inside it.

mod walk;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;

use crate::package::{FileAlgorithm, FileDigest, FileHasher};
use crate::sys::SysError;
use crate::sys::entry::{self, Stat};

pub use walk::read;

/// The listing's name beside the tree.
pub const LISTING: &str = "listing";

/// One name of a layer's tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Listed {
    /// Its path in the root; bytes that are not printable text, and backslashes, as `\xHH`.
    pub path: String,
    /// Type and permission bits. A character device is an overlay's mark of absence: nothing else makes devices.
    pub mode: u32,
    /// Its owner, as the sandbox sees it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uid: u32,
    /// Its group, as the sandbox sees it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gid: u32,
    /// Bytes of a regular file.
    #[serde(default, skip_serializing_if = "is_default")]
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// The first name in the listing of a file that has several ones there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub link: String,
    /// What a symbolic link says, written as `path` is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub target: String,
    /// The digest of a regular file's content, in its package's algorithm where it is the package's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<FileDigest>,
    /// Extended attributes of files and directories, in hexadecimal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: BTreeMap<String, String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether a file's content must be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It is known: the file is one of an unpacked package, with its owner and without attributes.
    Known(FileDigest),
    /// It is read, with this algorithm.
    Read(FileAlgorithm),
}

/// A name that reading a tree comes to.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The name.
    pub name: &'a OsStr,
    /// Its path in the listing.
    pub path: &'a str,
    /// The names that lead to that directory.
    pub names: &'a [OsString],
}

/// Asked about every name of a tree while it is read, by several threads.
pub trait Judge: Sync {
    /// How a regular file's digest is found, by its path in the listing.
    fn content(&self, path: &str, stat: &Stat) -> Content;

    /// The time that a name gets before it is listed. A file with several names gets it where all of them are in the tree.
    fn time(&self, _seen: &Seen<'_>, _stat: &Stat) -> Result<Option<(i64, u32)>, SysError> {
        Ok(None)
    }
}

/// The listing as text.
pub fn text(listing: &[Listed]) -> Vec<u8> {
    let mut text = Vec::new();
    for listed in listing {
        // Writing to a vector cannot fail, and neither can numbers and strings.
        let _ = serde_json::to_writer(&mut text, listed);
        text.push(b'\n');
    }
    text
}

/// A path as it is in a listing.
pub fn listed_path(path: &str) -> String {
    escaped(OsStr::new(path))
}

/// The listing of a text; the number of the line that is none.
pub fn parse(text: &str) -> Result<Vec<Listed>, usize> {
    let line = |(number, line)| serde_json::from_str(line).map_err(|_| number);
    (1..).zip(text.lines()).map(line).collect()
}

fn listed(path: &str, stat: &Stat) -> Listed {
    Listed {
        path: path.to_owned(),
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        size: 0,
        mtime: stat.mtime.0,
        link: String::new(),
        target: String::new(),
        digest: None,
        attributes: BTreeMap::new(),
    }
}

/// Gives every name of a file but the first the first one's path.
fn name_links(found: &mut [Listed], names: &BTreeMap<(u64, u64), Vec<String>>) {
    let mut firsts = BTreeMap::new();
    for paths in names.values().filter(|paths| paths.len() > 1) {
        if let Some(first) = paths.iter().min() {
            firsts.extend(paths.iter().filter(|path| *path != first).map(|path| (path.as_str(), first)));
        }
    }
    for listed in found {
        if let Some(first) = firsts.get(listed.path.as_str()) {
            listed.link.clone_from(first);
        }
    }
}

fn attributes(file: impl std::os::fd::AsFd) -> Result<BTreeMap<String, String>, SysError> {
    let file = file.as_fd();
    let mut found = BTreeMap::new();
    for name in entry::attributes(file)? {
        if let Some(value) = entry::attribute(file, &name)? {
            let hexadecimal = value.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            found.insert(name, hexadecimal);
        }
    }
    Ok(found)
}

fn digest(mut file: File, algorithm: FileAlgorithm) -> Result<FileDigest, SysError> {
    let mut hasher = FileHasher::new(algorithm);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).map_err(|source| SysError::new("read", String::new(), source))? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() || letter == '\\' {
                let mut buffer = [0; 4];
                text.extend(letter.encode_utf8(&mut buffer).bytes().map(hexadecimal));
            } else {
                text.push(letter);
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| hexadecimal(*byte)));
    }
    text
}

fn hexadecimal(byte: u8) -> String {
    format!("\\x{byte:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Knowing(FileDigest);

    impl Judge for Knowing {
        fn content(&self, path: &str, _: &Stat) -> Content {
            match path {
                "/z" => Content::Known(self.0.clone()),
                _ => Content::Read(FileAlgorithm::Md5),
            }
        }

        fn time(&self, seen: &Seen<'_>, _: &Stat) -> Result<Option<(i64, u32)>, SysError> {
            Ok((seen.name == "timed").then_some((7, 0)))
        }
    }

    #[test]
    fn what_lies_deep_is_listed_as_everything_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for deep in ["a/b/c/d/e", "a/b/x/y", "timed/b/c/timed"] {
            std::fs::create_dir_all(path(deep)).unwrap();
        }
        std::fs::write(path("a/b/c/d/e/f"), "abc").unwrap();
        std::fs::hard_link(path("a/b/c/d/e/f"), path("a/b/x/y/g")).unwrap();
        let known = FileDigest::from_hex(FileAlgorithm::Md5, &"0".repeat(32)).unwrap();
        let listing = read(directory.path().to_str().unwrap(), &Knowing(known)).unwrap();
        let lines: Vec<_> = listing.iter().map(|listed| format!("{} {}", listed.path, listed.link)).collect();
        let expected = [
            "/ ",
            "/a ",
            "/a/b ",
            "/a/b/c ",
            "/a/b/c/d ",
            "/a/b/c/d/e ",
            "/a/b/c/d/e/f ",
            "/a/b/x ",
            "/a/b/x/y ",
            "/a/b/x/y/g /a/b/c/d/e/f",
            "/timed ",
            "/timed/b ",
            "/timed/b/c ",
            "/timed/b/c/timed ",
        ];
        assert_eq!(lines, expected);
        for at in [10, 13] {
            let stat = std::fs::metadata(path(&listing[at].path[1..])).unwrap();
            assert_eq!((listing[at].mtime, std::os::unix::fs::MetadataExt::mtime(&stat)), (7, 7));
        }
    }

    #[test]
    fn a_tree_is_listed_and_the_list_can_be_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("d")).unwrap();
        std::fs::write(path("d/a"), "abc").unwrap();
        std::fs::hard_link(path("d/a"), path("z")).unwrap();
        std::fs::write(path("new\nline"), "").unwrap();
        std::fs::write(directory.path().join(OsStr::from_bytes(b"\xff")), "").unwrap();
        std::os::unix::fs::symlink("d\\a", path("l")).unwrap();
        let known = FileDigest::from_hex(FileAlgorithm::Md5, &"0".repeat(32)).unwrap();
        let listing = read(directory.path().to_str().unwrap(), &Knowing(known.clone())).unwrap();
        let paths = listing.iter().map(|listed| listed.path.as_str()).collect::<Vec<_>>();
        assert_eq!(paths, ["/", "/\\xff", "/d", "/d/a", "/l", "/new\\x0aline", "/z"]);
        let file = &listing[3];
        assert_eq!((file.size, file.link.as_str(), listing[6].link.as_str()), (3, "", "/d/a"));
        assert_eq!(file.digest.as_ref().unwrap().hex(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(listing[6].digest.as_ref(), Some(&known));
        assert_eq!(listing[4].target, "d\\x5ca");
        let text = String::from_utf8(text(&listing)).unwrap();
        assert_eq!(parse(&text).as_ref(), Ok(&listing));
        assert_eq!(parse(&text.replace("\"mode\"", "\"m\"")), Err(1));
    }
}
