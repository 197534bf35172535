//! What fetching left in the store, looked at again: snapshots of repositories, what is remembered of them, their keys.

use std::collections::BTreeMap;

use crate::fetch::Error;
use crate::fetch::dirs::Dirs;
use crate::fetch::memory::Memory;
use crate::fetch::repository::{ALWAYS, REPOMD_FILE, SIGNATURE_FILE, file_name};
use crate::metadata::{Repomd, RepomdData};
use crate::sys::part::Regular;
use crate::sys::{SysError, fs};
use crate::unit::{Digest, Hasher, HostPath, unseal};

/// A file in the store that is not what was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoilt {
    /// Its name in what was looked at; empty where it is that itself.
    pub file: String,
    /// In which way.
    pub problem: String,
}

impl Spoilt {
    fn new(file: &str, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problem: problem.into() }
    }
}

/// Says of a file that is none of a snapshot's documents whether it is somebody else's.
pub type Others<'a> = &'a dyn Fn(&str, &HostPath) -> Opinion;

/// What somebody else says of a file among a snapshot's documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// It is not his.
    Foreign,
    /// It is as it should be.
    Sound,
    /// It is not.
    Spoilt(String),
}

/// The documents that a snapshot is held to have, once they were all fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complete {
    /// Something remembers that they were.
    Yes,
    /// Whoever fetched them may have been stopped.
    Unknown,
}

/// Looks at one state of a repository, in its directory.
pub fn snapshot(dir: &HostPath, complete: Complete, others: Others<'_>) -> Result<Vec<Spoilt>, SysError> {
    let name = dir.as_path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = match fs::read(dir.join(REPOMD_FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let begun = complete == Complete::Unknown && is_begun(&fs::list(dir)?);
            let spoilt = Spoilt::new(REPOMD_FILE, "it is missing");
            return Ok(if begun { Vec::new() } else { vec![spoilt] });
        }
        Err(error) => return Ok(vec![Spoilt::new(REPOMD_FILE, error.to_string())]),
    };
    if Digest::sha256(&bytes).hex() != name {
        return Ok(vec![Spoilt::new(REPOMD_FILE, "its content does not have the digest that names it")]);
    }
    let repomd = match Repomd::parse(&name, &bytes) {
        Ok(repomd) => repomd,
        Err(error) => return Ok(vec![Spoilt::new(REPOMD_FILE, error.to_string())]),
    };
    let documents: Vec<(String, &RepomdData)> = repomd
        .all()
        .flat_map(|(kind, _)| {
            let kind = kind.split_once('_').map_or(kind, |(kind, _)| kind);
            repomd.forms(kind).into_iter().map(move |data| (file_name(kind, data), data))
        })
        .collect();
    let mut spoilt = Vec::new();
    let there = fs::list(dir)?;
    for file in &there {
        let file = file.to_string_lossy();
        let path = dir.join(file.as_ref());
        let problem = match documents.iter().find(|row| row.0 == file) {
            _ if file == REPOMD_FILE || file.starts_with(".kiln-") => None,
            _ if file == SIGNATURE_FILE => broken_seal(&path),
            Some((_, data)) => document(&path, data),
            None => match others(&file, &path) {
                Opinion::Sound => None,
                Opinion::Spoilt(problem) => Some(problem),
                Opinion::Foreign => Some("it is foreign: the repository names no such document".to_owned()),
            },
        };
        spoilt.extend(problem.map(|problem| Spoilt::new(&file, problem)));
    }
    if complete == Complete::Yes {
        for kind in ALWAYS {
            // Any of its forms will do.
            let names: Vec<String> =
                repomd.forms(kind).into_iter().map(|data| file_name(kind, data)).collect();
            let is_missing = !names.iter().any(|name| there.iter().any(|file| file == name.as_str()));
            spoilt
                .extend(names.first().filter(|_| is_missing).map(|name| Spoilt::new(name, "it is missing")));
        }
    }
    Ok(spoilt)
}

/// Whether a snapshot has only what comes before `repomd.xml`: whoever fetched it was stopped, and the next one goes on.
fn is_begun(there: &[std::ffi::OsString]) -> bool {
    let mut names = there.iter().map(|name| name.to_string_lossy());
    names.all(|name| name == SIGNATURE_FILE || name.starts_with(".kiln-"))
}

fn broken_seal(path: &HostPath) -> Option<String> {
    match fs::read(path) {
        Ok(bytes) if unseal(&bytes).is_some() => None,
        Ok(_) => Some("its content does not have the digest that it begins with".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

fn document(path: &HostPath, data: &RepomdData) -> Option<String> {
    let digest = || -> Result<Digest, SysError> {
        let mut file = Regular::open(path.as_path())?;
        let mut hasher = Hasher::new(data.checksum.algorithm());
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&buffer[..count]),
            }
        }
    };
    match digest() {
        Ok(digest) if digest == data.checksum => None,
        Ok(_) => Some("its content does not have the digest in repomd.xml".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// What is remembered of repositories, and which snapshots that is about.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Snapshots that were fetched to the end.
    pub snapshots: Vec<Digest>,
    /// The mirrors of each repository, by its id.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// Files, as paths in `repos/`, that are damaged.
    pub spoilt: Vec<Spoilt>,
}

/// Looks at what is remembered of repositories, and at their keys.
pub fn remembered(store: &HostPath) -> Result<Remembered, Error> {
    let dirs = Dirs::of(store)?;
    let mut found = Remembered::default();
    for (directory, path) in dirs.beside_snapshots() {
        let names = fs::list_if_there(&path).map_err(Error::Store)?;
        for name in names.iter().map(|name| name.to_string_lossy()).filter(|name| !name.starts_with(".kiln-"))
        {
            let bytes = match fs::read(path.join(name.as_ref())) {
                Ok(bytes) => bytes,
                Err(error) => {
                    found.spoilt.push(Spoilt::new(&format!("{directory}/{name}"), error.to_string()));
                    continue;
                }
            };
            let memory = Memory::parse(&bytes);
            let sound = if directory == "origins" { memory.is_some() } else { unseal(&bytes).is_some() };
            if !sound {
                let problem = "its content does not have the digest that it begins with";
                found.spoilt.push(Spoilt::new(&format!("{directory}/{name}"), problem));
            }
            if let Some(memory) = memory {
                // What lies in a store below is not missing here.
                found.snapshots.extend((!memory.borrowed).then_some(memory.snapshot));
                found.mirrors.insert(memory.repo, memory.mirrors);
            }
        }
    }
    Ok(found)
}
