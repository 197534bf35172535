//! Looking at the store again: is everything still as it was made?
//!
//! [`verify`] is a job that looks at one thing: the files belong to the sandbox's ids, and some can be read by their
//! namespace's root only. Its directory is the store. It changes nothing.

mod layer;
mod package;

use std::io::Read as _;
use std::os::fd::OwnedFd;

use crate::package::{FileAlgorithm, FileDigest, FileHasher};
use crate::store::Store;
use crate::store::manifest::{self, MANIFEST, Sum};
use crate::store::object::{self, Kind, Object, UNFINISHED};
use crate::sys::entry::{self, Stat};
use crate::sys::{SysError, fs};
use crate::unit::{Algorithm, Digest, Hasher, unseal};

/// Something in the store that is not as it was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fault {
    /// The thing, as a path in the store.
    pub object: String,
    /// What it is for people: a package's name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file in it; empty where it is about the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// In which way.
    pub problem: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.object)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        if !self.file.is_empty() {
            write!(f, ": {}", self.file)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Check {
    /// Which thing.
    pub object: Object,
    /// For a layer: those of its packages that were found to be whole, so that files shared with them need not be
    /// read again.
    pub whole: Vec<String>,
}

/// Job: performs a [`Check`], answers with the [`Fault`]s.
pub fn verify(input: &str) -> Result<String, String> {
    let check: Check = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let path = check.object.path();
    let mut found = Findings { object: &path, name: None, faults: Vec::new() };
    let looked = match check.object.kind {
        Kind::Rpms => rpm(&check.object, &mut found),
        Kind::Packages => package::check(&check.object, &mut found),
        Kind::Layers => layer::check(&check, &mut found),
        Kind::Locks => lock(&check.object, &mut found),
        Kind::Logs => plain(&path, &mut found).map(drop),
        Kind::Repos | Kind::Tmp => Ok(()),
    };
    match looked {
        Ok(()) => {}
        // Removed since it was listed, or a name in it is missing where one must be.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !fs::exists(&path) => {
            found.faults.clear();
        }
        Err(error) => found.add("", error.to_string()),
    }
    serde_json::to_string(&found.faults).map_err(|error| error.to_string())
}

type Looked = Result<(), SysError>;

/// The faults of one thing.
struct Findings<'a> {
    object: &'a str,
    name: Option<String>,
    faults: Vec<Fault>,
}

impl Findings<'_> {
    fn add(&mut self, file: &str, problem: impl Into<String>) {
        let (object, name) = (self.object.to_owned(), self.name.clone());
        self.faults.push(Fault { object, name, file: file.to_owned(), problem: problem.into() });
    }

    /// Owner and mode of what kiln itself writes: root's, and nobody else writes.
    fn own(&mut self, file: &str, stat: &Stat) {
        if (stat.uid, stat.gid) != (0, 0) {
            self.add(file, format!("it is owned by {}:{} and not by 0:0", stat.uid, stat.gid));
        }
        if stat.mode & 0o7022 != 0 {
            self.add(file, format!("its mode is {:04o}: others may write to it", stat.mode & 0o7777));
        }
    }

    /// What a directory has that it should not have, and the other way round. Both lists are sorted.
    fn names(&mut self, found: &[String], expected: &[String]) {
        for name in found.iter().filter(|name| expected.binary_search(name).is_err()) {
            self.add(name, "it is foreign: nothing of kiln's has this name");
        }
        for name in expected.iter().filter(|name| found.binary_search(name).is_err()) {
            self.add(name, "it is missing");
        }
    }
}

/// The names in a directory, without those of files that were never finished.
fn names(directory: &OwnedFd) -> Result<Vec<String>, SysError> {
    let names = entry::names(directory)?;
    let names = names.iter().map(|name| name.to_string_lossy().into_owned());
    Ok(names.filter(|name| !name.starts_with(UNFINISHED)).collect())
}

/// One file of kiln's own in the store: opened, where it is a file and as it should be.
fn plain(path: &str, found: &mut Findings<'_>) -> Result<Option<std::fs::File>, SysError> {
    let (directory, name) = path.rsplit_once('/').unwrap_or((".", path));
    plain_in(&entry::open_root(directory)?, name, ("", found))
}

fn plain_in(
    directory: &OwnedFd,
    name: &str,
    (shown, found): (&str, &mut Findings<'_>),
) -> Result<Option<std::fs::File>, SysError> {
    let Some(stat) = entry::stat(directory, name)? else {
        found.add(shown, "it is missing");
        return Ok(None);
    };
    if !stat.is_file() {
        found.add(shown, "it is not a file");
        return Ok(None);
    }
    found.own(shown, &stat);
    entry::open_file(directory, name).map(Some)
}

fn rpm(object: &Object, found: &mut Findings<'_>) -> Looked {
    let Some(file) = plain(&object.path(), found)? else { return Ok(()) };
    let hex = object.hex();
    let algorithm = match hex.len() {
        40 => Algorithm::Sha1,
        56 => Algorithm::Sha224,
        64 => Algorithm::Sha256,
        96 => Algorithm::Sha384,
        _ => Algorithm::Sha512,
    };
    let mut hasher = Hasher::new(algorithm);
    pieces(file, &mut |piece| hasher.update(piece))?;
    if hasher.finish().hex() != hex {
        found.add("", "its content does not have the digest that names it");
    }
    Ok(())
}

fn lock(object: &Object, found: &mut Findings<'_>) -> Looked {
    let Some(file) = plain(&object.path(), found)? else { return Ok(()) };
    let mut bytes = Vec::new();
    pieces(file, &mut |piece| bytes.extend_from_slice(piece))?;
    if unseal(&bytes).is_none() {
        found.add("", "its content does not have the digest that it begins with");
    }
    Ok(())
}

fn pieces(mut file: std::fs::File, take: &mut dyn FnMut(&[u8])) -> Looked {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).map_err(|source| SysError::new("read", String::new(), source))? {
            0 => return Ok(()),
            count => take(&buffer[..count]),
        }
    }
}

fn digest(file: std::fs::File, algorithm: FileAlgorithm) -> Result<FileDigest, SysError> {
    let mut hasher = FileHasher::new(algorithm);
    pieces(file, &mut |piece| hasher.update(piece))?;
    Ok(hasher.finish())
}

/// Checks a file of kiln's own in a thing's directory against a digest.
fn sealed_in(
    directory: &OwnedFd,
    name: &str,
    (expected, found): (&Digest, &mut Findings<'_>),
) -> Result<bool, SysError> {
    let Some(file) = plain_in(directory, name, (name, found))? else { return Ok(false) };
    let mut hasher = Hasher::new(expected.algorithm());
    pieces(file, &mut |piece| hasher.update(piece))?;
    let same = hasher.finish() == *expected;
    if !same {
        found.add(name, "its content does not have the digest in the manifest");
    }
    Ok(same)
}

/// A manifest, where it can be read.
fn read_manifest<T: serde::de::DeserializeOwned>(
    directory: &OwnedFd,
    found: &mut Findings<'_>,
) -> Result<Option<T>, SysError> {
    let Some(file) = plain_in(directory, MANIFEST, (MANIFEST, found))? else { return Ok(None) };
    let mut bytes = Vec::new();
    pieces(file, &mut |piece| bytes.extend_from_slice(piece))?;
    let text = String::from_utf8_lossy(&bytes);
    match manifest::sum(&text) {
        Sum::Right => {}
        Sum::Wrong => found.add(MANIFEST, "its content does not have the digest that it ends with"),
        Sum::Missing => found.add(MANIFEST, "an earlier kiln wrote it, without its own digest"),
    }
    match serde_json::from_str(&text) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) => {
            found.add(MANIFEST, format!("it cannot be read: {error}"));
            Ok(None)
        }
    }
}

impl Store {
    /// Everything in the store that can be looked at, and the names that are nobody's.
    pub fn objects(&self) -> Result<(Vec<Object>, Vec<Fault>), SysError> {
        let (mut objects, mut foreign) = (Vec::new(), self.foreign()?);
        for kind in Kind::all() {
            let listed = object::listed(self.path().as_path(), kind)?;
            foreign.extend(listed.foreign);
            if kind != Kind::Tmp {
                objects.extend(listed.objects);
            }
        }
        let problem = "it is foreign: nothing of kiln's has this name";
        let fault = |object| Fault { object, name: None, file: String::new(), problem: problem.to_owned() };
        let mut faults: Vec<_> = foreign.into_iter().map(fault).collect();
        if self.is_skeleton_filled()? {
            let problem = "a mount point in it is not empty".to_owned();
            faults.push(Fault { problem, ..fault("skeleton".to_owned()) });
        }
        Ok((objects, faults))
    }
}
