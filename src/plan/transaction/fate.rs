//! What becomes of each file of a transaction: made, left out, given another name, or in conflict with another
//! package's.
//!
//! Files are the same file if their paths are, with the symbolic links among their directories resolved. Two packages
//! may have the same file if they agree about it (mode, owner, content); then the first one makes it.

use std::collections::BTreeMap;

use crate::package::{FileAlgorithm, FileDigest, FileEntry, FileFlags, FileKind};
use crate::plan::order::{Colors, Links};
use crate::plan::transaction::{FileState, Member, skip};

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Fate {
    /// It is made.
    #[serde(rename = "c")]
    Create,
    /// It is made as `name.rpmnew`: the one that is there is kept.
    #[serde(rename = "n")]
    NewName,
    /// It is made; the one that is there becomes `name.rpmorig`.
    #[serde(rename = "o")]
    KeepOriginal,
    /// It is made; the one that is there becomes `name.rpmsave`.
    #[serde(rename = "s")]
    KeepSaved,
    /// It was there with this content when the transaction began: it stays, and gets owner, mode and time.
    #[serde(rename = "t")]
    Touch,
    /// It is there already.
    #[serde(rename = "k")]
    Shared,
    /// It is not wanted.
    #[serde(rename = "x")]
    NotInstalled,
    /// It would lie on a file system that is not ours.
    #[serde(rename = "m")]
    NetShared,
    /// The other architecture's file is there.
    #[serde(rename = "w")]
    WrongColor,
}

impl Fate {
    /// Whether the package's own copy is not made.
    pub fn skips(self) -> bool {
        matches!(self, Self::Shared | Self::NotInstalled | Self::NetShared | Self::WrongColor)
    }

    fn state(self) -> FileState {
        match self {
            Self::NotInstalled => FileState::NotInstalled,
            Self::NetShared => FileState::NetShared,
            Self::WrongColor => FileState::WrongColor,
            _ => FileState::Normal,
        }
    }
}

/// The fates of a package's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Fates(pub Vec<Fate>);

impl Fates {
    /// Which files the package makes itself.
    pub fn written(&self) -> Vec<bool> {
        self.0.iter().map(|fate| !fate.skips()).collect()
    }

    /// The states for the database.
    pub fn states(&self) -> Vec<FileState> {
        self.0.iter().map(|fate| fate.state()).collect()
    }
}

/// Which files are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The root's colours.
    pub colors: Colors,
    /// Languages to keep; empty keeps all.
    pub languages: Vec<String>,
    /// Whether documentation is kept.
    pub docs: bool,
}

/// A file that is in the root already.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OnDisk {
    /// What it is.
    pub kind: FileKind,
    /// Bytes, of a regular file or a link's target.
    pub size: u64,
    /// Digests of its content.
    pub digests: Vec<FileDigest>,
    /// A link's target.
    pub target: String,
}

/// What is known of the root's files: only configuration files are asked for.
pub type Disk = BTreeMap<String, OnDisk>;

/// Two packages that disagree about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The file, as the second package calls it.
    pub path: String,
    /// The package that is first in order.
    pub first: String,
    /// The other one.
    pub second: String,
}

/// Decides the fates of all files of the added packages. `links` are the directory links of the root and of the packages
/// themselves, `disk` the configuration files that are there.
pub fn fates(
    installed: &[Member],
    added: &[Member],
    policy: &Policy,
    links: &Links,
    disk: &Disk,
) -> Result<Vec<Fates>, Vec<Clash>> {
    let mut decision = Decision {
        installed: installed.len(),
        packages: installed.iter().chain(added).collect(),
        fates: added.iter().map(|member| skip::skipped(&member.files, policy)).collect(),
        clashes: Vec::new(),
        colors: policy.colors,
        disk,
    };
    for same in decision.groups(links) {
        for (at, place) in same.iter().enumerate() {
            if place.package >= decision.installed {
                decision.decide(*place, &same[..at]);
            }
        }
    }
    if !decision.clashes.is_empty() {
        return Err(decision.clashes);
    }
    let decided = |fates: Vec<Option<Fate>>| {
        Fates(fates.into_iter().map(|fate| fate.unwrap_or(Fate::Create)).collect())
    };
    Ok(decision.fates.into_iter().map(decided).collect())
}

/// A file of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    package: usize,
    file: usize,
}

struct Decision<'a> {
    installed: usize,
    packages: Vec<&'a Member>,
    fates: Vec<Vec<Option<Fate>>>,
    clashes: Vec<Clash>,
    colors: Colors,
    disk: &'a Disk,
}

impl<'a> Decision<'a> {
    /// Files that are one in the root, in the order of their packages. Files left out are in no group.
    fn groups(&self, links: &Links) -> Vec<Vec<Place>> {
        let mut all: Vec<(String, Place)> = Vec::new();
        for (package, member) in self.packages.iter().enumerate() {
            let mut last = (String::new(), String::new());
            for (file, entry) in member.files.iter().enumerate() {
                let place = Place { package, file };
                let absent = match package.checked_sub(self.installed) {
                    Some(added) => self.fates[added][file].is_some(),
                    None => member.states.get(file) == Some(&FileState::NotInstalled),
                };
                if absent {
                    continue;
                }
                let (directory, name) = entry.path.as_str().rsplit_once('/').unwrap_or_default();
                if last.0 != directory || last.1.is_empty() {
                    last = (directory.to_owned(), links.directory(directory));
                }
                all.push((format!("{}/{name}", last.1), place));
            }
        }
        all.sort_unstable();
        all.chunk_by(|a, b| a.0 == b.0).map(|group| group.iter().map(|one| one.1).collect()).collect()
    }

    fn entry(&self, place: Place) -> &'a FileEntry {
        &self.packages[place.package].files[place.file]
    }

    fn fate(&self, place: Place) -> Option<Fate> {
        self.fates[place.package.checked_sub(self.installed)?][place.file]
    }

    fn set(&mut self, place: Place, fate: Fate) {
        if let Some(added) = place.package.checked_sub(self.installed) {
            self.fates[added][place.file] = Some(fate);
        }
    }

    fn decide(&mut self, place: Place, before: &[Place]) {
        let split = before.partition_point(|other| other.package < self.installed);
        for other in &before[..split] {
            self.meet_installed(place, *other);
        }
        match before[split..].last() {
            None if self.fate(place).is_none() => {
                let fate = match self.modified(place) {
                    true if self.entry(place).flags.any(FileFlags::NOREPLACE) => Fate::NewName,
                    true => Fate::KeepOriginal,
                    false => Fate::Create,
                };
                self.set(place, fate);
            }
            None => {}
            Some(other) => self.meet_added(place, *other),
        }
    }

    /// A file of a package that an earlier transaction installed.
    fn meet_installed(&mut self, place: Place, other: Place) {
        if self.fate(place).is_some_and(Fate::skips) {
            return;
        }
        let (this, old) = (self.entry(place), self.entry(other));
        if differ(old, this) && !self.settle_color(place, other) {
            self.clash(place, other);
        }
        if (this.flags.0 | old.flags.0) & FileFlags::CONFIG != 0 {
            let fate = config_fate(old, this, self.disk.get(this.path.as_str()));
            self.set(place, fate);
        }
    }

    /// A file of a package that this transaction adds before.
    fn meet_added(&mut self, place: Place, other: Place) {
        let (this, old) = (self.entry(place), self.entry(other));
        let others = self.fate(other);
        if differ(old, this) {
            if !self.settle_color(place, other) {
                self.clash(place, other);
            }
        } else if others.is_some_and(|fate| !fate.skips()) {
            if !old.flags.any(FileFlags::GHOST) {
                self.set(place, Fate::Shared);
            }
        } else if others == Some(Fate::WrongColor) {
            self.set(place, Fate::WrongColor);
        }
        if self.fate(place).is_some_and(Fate::skips) {
            return;
        }
        if self.modified(place) {
            let keep = this.flags.any(FileFlags::NOREPLACE);
            self.set(place, if keep { Fate::NewName } else { Fate::Shared });
        } else if self.fate(place).is_none() {
            self.set(place, Fate::Create);
        }
    }

    /// Lets the preferred ELF class win; whether that settles it.
    fn settle_color(&mut self, place: Place, other: Place) -> bool {
        let color = |entry: &FileEntry| entry.color & self.colors.transaction;
        let (this, old) = (color(self.entry(place)), color(self.entry(other)));
        if this == 0 || old == 0 || this == old {
            return false;
        }
        if this & self.colors.preferred != 0 {
            self.set(other, Fate::WrongColor);
            self.set(place, Fate::Create);
            true
        } else if old & self.colors.preferred != 0 {
            self.set(place, Fate::WrongColor);
            true
        } else {
            false
        }
    }

    fn clash(&mut self, place: Place, other: Place) {
        let nevra = |place: Place| self.packages[place.package].nevra.clone();
        let path = self.entry(place).path.to_string();
        let clash = Clash { path, first: nevra(other), second: nevra(place) };
        self.clashes.push(clash);
    }

    /// Whether a configuration file is in the root and is not this one.
    fn modified(&self, place: Place) -> bool {
        let entry = self.entry(place);
        let config =
            entry.flags.any(FileFlags::CONFIG) && matches!(entry.kind, FileKind::Regular | FileKind::Link);
        let Some(found) = self.disk.get(entry.path.as_str()).filter(|_| config) else { return false };
        entry.flags.any(FileFlags::GHOST) || !is_same(found, entry)
    }
}

/// Whether two packages disagree about a file. Ghosts never do, and times do not count.
fn differ(a: &FileEntry, b: &FileEntry) -> bool {
    if a.flags.any(FileFlags::GHOST) || b.flags.any(FileFlags::GHOST) {
        return false;
    }
    let links = a.kind == FileKind::Link && b.kind == FileKind::Link;
    if (!links && a.mode != b.mode) || a.user != b.user || a.group != b.group {
        return true;
    }
    match a.kind {
        FileKind::Regular => a.size != b.size || a.digest != b.digest,
        FileKind::Link => a.target != b.target,
        FileKind::CharDevice | FileKind::BlockDevice => a.rdev != b.rdev,
        FileKind::Directory | FileKind::Fifo | FileKind::Socket => false,
    }
}

fn is_same(found: &OnDisk, entry: &FileEntry) -> bool {
    found.kind == entry.kind
        && match entry.kind {
            FileKind::Regular => {
                found.size == entry.size
                    && entry.digest.as_ref().is_some_and(|digest| found.digests.contains(digest))
            }
            FileKind::Link => found.target == entry.target,
            _ => true,
        }
}

/// A configuration file that two packages of different transactions have: is the one that is there still the first
/// package's?
fn config_fate(old: &FileEntry, new: &FileEntry, found: Option<&OnDisk>) -> Fate {
    if new.flags.any(FileFlags::GHOST) {
        return Fate::Shared;
    }
    let Some(found) = found else {
        return if new.flags.any(FileFlags::MISSINGOK) { Fate::Shared } else { Fate::Create };
    };
    let comparable = matches!(old.kind, FileKind::Regular | FileKind::Link);
    if comparable && old.kind == new.kind && is_same(found, new) {
        return Fate::Touch;
    }
    if !comparable || is_same(found, old) {
        return Fate::Create;
    }
    if !new.flags.any(FileFlags::CONFIG) {
        return Fate::KeepSaved;
    }
    let unchanged = old.kind == new.kind
        && if old.kind == FileKind::Link { old.target == new.target } else { old.digest == new.digest };
    match unchanged {
        true => Fate::Shared,
        false if new.flags.any(FileFlags::NOREPLACE) => Fate::NewName,
        false => Fate::KeepSaved,
    }
}

/// The digest algorithms that a question about the root's files must be answered in.
pub fn algorithms(members: &[Member]) -> Vec<FileAlgorithm> {
    let digests = members.iter().flat_map(|member| &member.files).filter_map(|file| file.digest.as_ref());
    let mut found = Vec::new();
    for algorithm in digests.map(FileDigest::algorithm) {
        if !found.contains(&algorithm) {
            found.push(algorithm);
        }
    }
    found
}
