//! What a store holds: things of a few kinds, each with a name that says what made it.

use crate::store::{Error, Store};
use crate::sys::fs;

/// What lies in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Repository metadata.
    Repos,
    /// Package files.
    Rpms,
    /// Unpacked packages.
    Packages,
    /// Layers: what they do not share with packages.
    Layers,
    /// Which packages were chosen, by request and metadata.
    Locks,
    /// What scriptlets said while layers were made.
    Logs,
    /// What is being made, and garbage.
    Tmp,
}

/// How the things of a kind are named.
struct Row {
    kind: Kind,
    directory: &'static str,
    /// What follows the digest in a name.
    ending: &'static str,
    /// The file whose time says when the thing was last used; the thing itself where it is a file.
    stamp: &'static str,
}

const ROWS: &[Row] = &[
    Row { kind: Kind::Repos, directory: "repos", ending: "", stamp: "repomd.xml" },
    Row { kind: Kind::Rpms, directory: "rpms", ending: ".rpm", stamp: "" },
    Row { kind: Kind::Packages, directory: "packages", ending: "", stamp: "manifest.json" },
    Row { kind: Kind::Layers, directory: "layers", ending: "", stamp: "manifest.json" },
    Row { kind: Kind::Locks, directory: "locks", ending: ".json", stamp: "" },
    Row { kind: Kind::Logs, directory: "logs", ending: ".log", stamp: "" },
    Row { kind: Kind::Tmp, directory: "tmp", ending: "", stamp: "" },
];

/// What fetching remembers of repositories lies among their snapshots, and is none.
pub(super) const BESIDE_SNAPSHOTS: [&str; 2] = ["origins", "keys"];

/// Files that are written whole under such a name first; one that stays is left from an end in between.
pub(super) const UNFINISHED: &str = ".kiln-";

impl Kind {
    /// All kinds, in the order in which they are told of.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.kind)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The directory that it is in.
    pub fn directory(self) -> &'static str {
        self.row().directory
    }

    /// Whether a thing of this kind can have this name.
    pub(super) fn names(self, name: &str) -> bool {
        let digest = name.strip_suffix(self.row().ending).unwrap_or_default();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        [40, 56, 64, 96, 128].contains(&digest.len()) && digest.bytes().all(hex)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.directory())
    }
}

/// One thing in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Object {
    /// Which kind.
    pub kind: Kind,
    /// Its name in the kind's directory.
    pub name: String,
}

impl Object {
    /// Its path, relative to the store.
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind.directory(), self.name)
    }

    /// The thing at a path that [`Object::path`] gave.
    pub fn at(path: &str) -> Option<Self> {
        let (directory, name) = path.split_once('/')?;
        let kind = Kind::all().find(|kind| kind.directory() == directory)?;
        Some(Self { kind, name: name.to_owned() })
    }

    /// The file whose time of change is when it was last used.
    pub(super) fn stamp(&self) -> String {
        match self.kind.row().stamp {
            "" => self.path(),
            stamp => format!("{}/{stamp}", self.path()),
        }
    }

    /// Whether a thing of its kind can have its name.
    pub(super) fn is_named_well(&self) -> bool {
        self.kind.names(&self.name)
    }

    /// The digest that names it, in hexadecimal.
    pub fn hex(&self) -> &str {
        self.name.strip_suffix(self.kind.row().ending).unwrap_or(&self.name)
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path())
    }
}

/// What a directory of a kind has in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// Things of this kind.
    pub(super) objects: Vec<Object>,
    /// Names that nothing of this kind has.
    pub(super) foreign: Vec<String>,
}

/// Looks through the directory of a kind in the store at `store`.
pub(super) fn listed(store: &std::path::Path, kind: Kind) -> Result<Listed, crate::sys::SysError> {
    let mut listed = Listed::default();
    for name in fs::list(store.join(kind.directory()))? {
        let name = name.to_string_lossy().into_owned();
        let beside = kind == Kind::Repos && BESIDE_SNAPSHOTS.contains(&name.as_str());
        if kind.names(&name) {
            listed.objects.push(Object { kind, name });
        } else if !beside && !name.starts_with(UNFINISHED) && kind != Kind::Tmp {
            listed.foreign.push(format!("{}/{name}", kind.directory()));
        }
    }
    Ok(listed)
}

impl Store {
    /// Notes that a thing was used just now, which keeps it from being pruned for longest. A store that may not be
    /// written to is not pruned either, and what is gone by now needs no note. Nothing is noted in a store below.
    pub fn used(&self, kind: Kind, name: &str) -> Result<(), Error> {
        use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
        if self.is_below {
            return Ok(());
        }
        let stamp = Object { kind, name: name.to_owned() }.stamp();
        match fs::touch(self.path().join(&stamp)) {
            Err(error) if [NotFound, PermissionDenied, ReadOnlyFilesystem].contains(&error.kind()) => {
                tracing::debug!(%error, stamp, "its use is not noted");
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// Waits a while for others to stop reading repos, rpms and packages; nothing where they do not.
    pub fn inputs_alone(
        &self,
        patience: std::time::Duration,
    ) -> Result<Option<crate::sys::lock::Lock>, Error> {
        use crate::sys::lock::{Lock, Share};
        let began = std::time::Instant::now();
        loop {
            let lock = Lock::attempt(self.path().join("inputs.lock"), Share::Exclusive)?;
            if lock.is_some() || began.elapsed() >= patience || crate::sys::signal::interrupted() {
                return Ok(lock);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row_and_names_are_digests() {
        for (at, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, at);
        }
        let hex = "ab".repeat(32);
        assert!(Kind::Rpms.names(&format!("{hex}.rpm")) && Kind::Layers.names(&hex));
        for name in [hex.as_str(), "x.rpm", ".rpm", "origins", "AB.rpm"] {
            assert!(!Kind::Rpms.names(name), "{name}");
        }
        let object = Object { kind: Kind::Rpms, name: format!("{hex}.rpm") };
        assert_eq!((object.hex(), object.stamp()), (hex.as_str(), object.path()));
    }
}
