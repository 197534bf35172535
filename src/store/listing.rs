//! What a layer's tree holds, file by file: whoever doubts the store reads the tree again and compares.
//!
//! The listing is text beside the tree, one JSON object a line, sorted by path, and the layer's manifest has its digest.
//! Ids are those of the user namespace, so reading and checking happen inside it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use crate::package::{FileAlgorithm, FileDigest, FileHasher};
use crate::sys::SysError;
use crate::sys::entry::{self, Stat};

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

/// Says of a regular file, by its path in the listing, how its digest is found.
pub type Judge<'a> = &'a dyn Fn(&str, &Stat) -> Content;

/// Reads a tree; its root directory is listed as `/`.
pub fn read(tree: &str, judge: Judge<'_>) -> Result<Vec<Listed>, SysError> {
    let root = entry::open_root(tree)?;
    let mut reading = Reading { judge, first: BTreeMap::new(), found: Vec::new() };
    let stat = entry::stat_open(&root)?;
    reading.found.push(Listed { attributes: attributes(&root)?, ..listed("/", &stat) });
    reading.directory(&root, "")?;
    let mut found = reading.found;
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    name_links(&mut found, &reading.first);
    Ok(found)
}

/// The listing as text.
pub fn text(listing: &[Listed]) -> String {
    let lines = listing.iter().filter_map(|listed| serde_json::to_string(listed).ok());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// The listing of a text; the number of the line that is none.
pub fn parse(text: &str) -> Result<Vec<Listed>, usize> {
    let line = |(number, line)| serde_json::from_str(line).map_err(|_| number);
    (1..).zip(text.lines()).map(line).collect()
}

struct Reading<'a> {
    judge: Judge<'a>,
    /// The paths of files that have several names.
    first: BTreeMap<(u64, u64), Vec<String>>,
    found: Vec<Listed>,
}

impl Reading<'_> {
    fn directory(&mut self, directory: &OwnedFd, path: &str) -> Result<(), SysError> {
        for name in entry::names(directory)? {
            let Some(stat) = entry::stat(directory, &name)? else { continue };
            let path = format!("{path}/{}", escaped(&name));
            let mut found = listed(&path, &stat);
            if stat.is_directory() {
                let below = entry::open_directory(directory, &name)?;
                found.attributes = attributes(&below)?;
                self.found.push(found);
                self.directory(&below, &path)?;
                continue;
            }
            if stat.is_link() {
                found.target = escaped(&entry::read_link(directory, &name)?);
            } else if stat.is_file() {
                self.file(&mut found, &stat, || entry::open_file(directory, &name))?;
            }
            self.found.push(found);
        }
        Ok(())
    }

    fn file(
        &mut self,
        found: &mut Listed,
        stat: &Stat,
        open: impl FnOnce() -> Result<File, SysError>,
    ) -> Result<(), SysError> {
        found.size = stat.size;
        if stat.links > 1 {
            self.first.entry(stat.identity).or_default().push(found.path.clone());
        }
        found.digest = Some(match (self.judge)(&found.path, stat) {
            Content::Known(digest) => digest,
            Content::Read(algorithm) => {
                let file = open()?;
                found.attributes = attributes(&file)?;
                digest(file, algorithm)?
            }
        });
        Ok(())
    }
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
        let judge = |path: &str, _: &Stat| match path {
            "/z" => Content::Known(known.clone()),
            _ => Content::Read(FileAlgorithm::Md5),
        };
        let listing = read(directory.path().to_str().unwrap(), &judge).unwrap();
        let paths = listing.iter().map(|listed| listed.path.as_str()).collect::<Vec<_>>();
        assert_eq!(paths, ["/", "/\\xff", "/d", "/d/a", "/l", "/new\\x0aline", "/z"]);
        let file = &listing[3];
        assert_eq!((file.size, file.link.as_str(), listing[6].link.as_str()), (3, "", "/d/a"));
        assert_eq!(file.digest.as_ref().unwrap().hex(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(listing[6].digest.as_ref(), Some(&known));
        assert_eq!(listing[4].target, "d\\x5ca");
        let text = text(&listing);
        assert_eq!(parse(&text).as_ref(), Ok(&listing));
        assert_eq!(parse(&text.replace("\"mode\"", "\"m\"")), Err(1));
    }
}
