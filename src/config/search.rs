//! Finding files: by name in the search order, by path, and what a file extends.
//!
//! The search order is the given directories and then the shipped files. This module reads nothing itself: whoever
//! calls brings [`Files`], and the directories as values.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use crate::config::document::{Config, parse};
use crate::config::nearest::likeliest;
use crate::config::overrides::Overrides;
use crate::config::release::Release;
use crate::config::shipped::{self, SHIPPED};
use crate::config::written::Written;
use crate::config::{Error, FileError, ReleaseFile, freeze, overrides};
use crate::unit::HostPath;

/// Files that extend one another deeper than this do so for ever, by a path that is always written anew.
const DEEPEST: usize = 16;

/// Reads release files. The engine implements it over the disk, tests over a table.
pub trait Files {
    /// The file's text, or nothing where there is no such file.
    fn read(&self, path: &HostPath) -> Result<Option<String>, FileError>;

    /// The names in a directory, or none where there is no such directory.
    fn list(&self, directory: &HostPath) -> Result<Vec<String>, FileError>;
}

/// The release `name`: a name in the search order, or a path ending `.toml`, which should be absolute so that
/// relative paths in the file mean the same from everywhere.
pub fn load(
    name: &str,
    files: &dyn Files,
    directories: &[HostPath],
    overrides: &Overrides,
) -> Result<Release, Error> {
    let search = Search { files, directories };
    let candidates = search.candidates_of_release(name);
    let Some((file, text)) = search.first(&candidates)? else {
        let searched = candidates.iter().map(ToString::to_string).collect();
        return Err(Error::NotFound { name: name.to_owned(), near: search.near(name)?, searched });
    };
    let config = search.gather(&file, &text, &mut Vec::new())?;
    let name = stem(name);
    freeze::freeze(&name, overrides.over(config, &name)?)
}

/// A release that no file describes: an architecture and the repositories of the command line. Its root has no packages
/// of its own, and as nobody said by which keys, nothing is checked with OpenPGP.
pub fn bare(arch: &str, overrides: &Overrides) -> Result<Release, Error> {
    let mut config = Config::default();
    config.release.arch = Some(overrides::at_command_line(arch.to_owned()));
    config.root.packages.set = Some(Vec::new());
    freeze::freeze(BARE, overrides.over(config, BARE)?)
}

/// What [`bare`] releases are called.
const BARE: &str = "command line";

/// A release that can be named.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its file: the first of that name in the search order.
    pub file: ReleaseFile,
    /// What it is, or why it cannot be used.
    pub release: Result<Release, Error>,
}

/// Every release in the search order, sorted by name. One bad file spoils nothing but itself.
pub fn list(files: &dyn Files, directories: &[HostPath]) -> Result<Vec<Listed>, Error> {
    let search = Search { files, directories };
    let mut listed = Vec::new();
    for name in search.names()? {
        let (file, release) = match search.first(&search.candidates_of_release(&name)) {
            Ok(None) => continue,
            Ok(Some((file, text))) => {
                let config = search.gather(&file, &text, &mut Vec::new());
                (file, config.and_then(|config| freeze::freeze(&name, config)))
            }
            Err(Error::Unreadable { path, source }) => {
                (ReleaseFile::Disk(path.clone()), Err(Error::Unreadable { path, source }))
            }
            Err(error) => return Err(error),
        };
        listed.push(Listed { name, file, release });
    }
    Ok(listed)
}

struct Search<'a> {
    files: &'a dyn Files,
    directories: &'a [HostPath],
}

impl Search<'_> {
    /// Where a release may be, the best place first.
    fn candidates_of_release(&self, name: &str) -> Vec<ReleaseFile> {
        if is_file(name) {
            return vec![ReleaseFile::Disk(HostPath::new(name))];
        }
        self.in_order(&format!("{name}.toml"))
    }

    fn in_order(&self, path: &str) -> Vec<ReleaseFile> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let directories = self.directories.iter().filter(|_| plain);
        let mut candidates: Vec<_> =
            directories.map(|directory| ReleaseFile::Disk(directory.join(path))).collect();
        candidates.push(ReleaseFile::Shipped(path.to_owned()));
        candidates
    }

    /// Where the file that `from` extends may be. A file that extends its own name means the next one of that name,
    /// so a release can be changed under its name.
    fn candidates_of_extended(&self, path: &str, from: &ReleaseFile) -> Vec<ReleaseFile> {
        let path = if is_file(path) { path.to_owned() } else { format!("{path}.toml") };
        if Path::new(&path).is_absolute() {
            return vec![ReleaseFile::Disk(HostPath::new(path))];
        }
        let mut candidates = Vec::new();
        match from {
            ReleaseFile::Disk(file) => {
                candidates.push(ReleaseFile::Disk(HostPath::new(file.as_path().with_file_name(&path))));
            }
            ReleaseFile::Shipped(file) => {
                let beside = Path::new(file).with_file_name(&path);
                candidates.push(ReleaseFile::Shipped(beside.to_string_lossy().into_owned()));
            }
            ReleaseFile::CommandLine => {}
        }
        candidates.extend(self.in_order(&path));
        if let Some(own) = candidates.iter().rposition(|candidate| candidate == from) {
            candidates.drain(..=own);
        }
        candidates
    }

    fn first(&self, candidates: &[ReleaseFile]) -> Result<Option<(ReleaseFile, String)>, Error> {
        for file in candidates {
            let text = match file {
                ReleaseFile::Disk(path) => self
                    .files
                    .read(path)
                    .map_err(|source| Error::Unreadable { path: path.clone(), source })?,
                ReleaseFile::Shipped(path) => shipped::text(path).map(str::to_owned),
                ReleaseFile::CommandLine => None,
            };
            if let Some(text) = text {
                return Ok(Some((file.clone(), text)));
            }
        }
        Ok(None)
    }

    /// A file over everything that it extends. `chain` are the files that led here.
    fn gather(&self, file: &ReleaseFile, text: &str, chain: &mut Vec<ReleaseFile>) -> Result<Config, Error> {
        let (extends, own) = parse(file.clone(), text)?;
        chain.push(file.clone());
        let mut below = Config::default();
        for name in extends {
            let (extended, text) = self.extended(&name, file)?;
            let again = chain.iter().position(|known| *known == extended);
            if again.is_some() || chain.len() == DEEPEST {
                let circle = chain[again.unwrap_or(0)..].iter().chain([&extended]);
                let chain = circle.map(ToString::to_string).collect();
                return Err(Error::Cycle { place: name.place, chain });
            }
            below = below.merge(self.gather(&extended, &text, chain)?);
        }
        chain.pop();
        Ok(below.merge(own))
    }

    fn extended(&self, name: &Written<String>, from: &ReleaseFile) -> Result<(ReleaseFile, String), Error> {
        let candidates = self.candidates_of_extended(&name.value, from);
        self.first(&candidates)?.ok_or_else(|| Error::ExtendsNotFound {
            place: name.place.clone(),
            name: name.value.clone(),
            searched: candidates.iter().map(ToString::to_string).collect(),
        })
    }

    /// The names of all releases, sorted.
    fn names(&self) -> Result<BTreeSet<String>, Error> {
        let mut names = BTreeSet::new();
        for directory in self.directories {
            let listed = self.files.list(directory);
            let listed =
                listed.map_err(|source| Error::Unlistable { directory: directory.clone(), source })?;
            names.extend(listed.iter().filter_map(|name| name.strip_suffix(".toml").map(str::to_owned)));
        }
        let shipped = SHIPPED.iter().filter(|(path, _)| !path.contains('/'));
        names.extend(shipped.filter_map(|(path, _)| path.strip_suffix(".toml").map(str::to_owned)));
        Ok(names)
    }

    /// Names like `name`: those that begin with it, then those that are nearly it.
    fn near(&self, name: &str) -> Result<Vec<String>, Error> {
        let (name, names) = (stem(name), self.names()?);
        let longer = names.iter().filter(|known| !name.is_empty() && known.starts_with(&name));
        let alike = likeliest(&name, names.iter().map(String::as_str));
        let mut near: Vec<String> = longer.cloned().collect();
        near.extend(alike.into_iter().filter(|known| !known.starts_with(&name)).map(str::to_owned));
        near.truncate(4);
        Ok(near)
    }
}

/// Whether an argument is a path rather than a name.
fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// The name of a release by its name or path.
fn stem(name: &str) -> String {
    match name.strip_suffix(".toml") {
        None => name.to_owned(),
        Some(path) => path.rsplit('/').next().unwrap_or(path).to_owned(),
    }
}
