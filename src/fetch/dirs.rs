//! Where in the store things are put.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::fetch::Error;
use crate::sys::fs;
use crate::sys::owner::{self, Owner};
use crate::sys::part::Part;
use crate::unit::{Digest, HostPath};

/// The directories of the store that fetching writes to.
#[derive(Debug, Clone)]
pub(super) struct Dirs {
    /// What is in the making.
    pub(super) tmp: PathBuf,
    repos: HostPath,
    rpms: HostPath,
    store: HostPath,
    /// A store below, which is only read.
    below: Option<HostPath>,
    /// Whose the store is, where it is not this process's own.
    owner: Option<Owner>,
}

impl Dirs {
    /// The directories below `store`, made where they are missing.
    pub(super) fn of(store: &HostPath) -> Result<Self, Error> {
        fs::create_dir_all(store).map_err(Error::Store)?;
        let stat = fs::stat(store).map_err(Error::Store)?;
        let owner = Owner { uid: stat.uid(), gid: stat.gid() };
        let dirs = Self {
            tmp: store.join("tmp").as_path().to_owned(),
            repos: store.join("repos"),
            rpms: store.join("rpms"),
            store: store.clone(),
            below: None,
            owner: (owner != Owner::current()).then_some(owner),
        };
        for dir in [&dirs.tmp, dirs.repos.as_path(), dirs.rpms.as_path()] {
            dirs.make(dir)?;
        }
        Ok(dirs)
    }

    /// The same over a store that is only read.
    pub(super) fn over(self, shared: Option<&HostPath>) -> Self {
        Self { below: shared.cloned(), ..self }
    }

    /// Where the store below has, or would have, what is at a path of this one.
    pub(super) fn below(&self, path: &HostPath) -> Option<HostPath> {
        let inside = path.as_path().strip_prefix(self.store.as_path()).ok()?;
        Some(HostPath::new(self.below.as_ref()?.as_path().join(inside)))
    }

    /// Where a thing is looked for: at its path, then in the store below.
    pub(super) fn places(&self, path: HostPath) -> impl Iterator<Item = HostPath> {
        let below = self.below(&path);
        std::iter::once(path).chain(below)
    }

    /// The package file with a digest.
    pub(super) fn package(&self, digest: &Digest) -> HostPath {
        self.rpms.join(format!("{}.rpm", digest.hex()))
    }

    /// The metadata of one state of a repository.
    pub(super) fn snapshot(&self, repomd: &Digest) -> HostPath {
        self.repos.join(repomd.hex())
    }

    /// What is remembered of a repository between runs. `key` is what tells one repository from another.
    pub(super) fn memory(&self, key: &Digest) -> HostPath {
        self.memories().join(format!("{}.json", key.hex()))
    }

    /// Where all that is remembered lies.
    pub(super) fn memories(&self) -> HostPath {
        self.repos.join("origins")
    }

    /// A certificate that came from a URL, by the fingerprint it is pinned to.
    pub(super) fn certificate(&self, fingerprint: &str) -> HostPath {
        self.repos.join("keys").join(format!("{fingerprint}.asc"))
    }

    /// What is in `repos/` besides snapshots, by name.
    pub(super) fn beside_snapshots(&self) -> [(&'static str, HostPath); 2] {
        ["origins", "keys"].map(|name| (name, self.repos.join(name)))
    }

    /// Writes a small file of the store that is checked whenever it is read, whole or not at all.
    pub(super) fn publish(&self, path: &HostPath, content: &[u8]) -> Result<(), Error> {
        self.make_parent(path)?;
        fs::replace(path, content).map_err(Error::Store)?;
        self.own(path.as_path())
    }

    /// Gives a verified file its place.
    pub(super) fn place(&self, part: Part, path: &HostPath) -> Result<(), Error> {
        self.make_parent(path)?;
        self.own(part.path())?;
        part.publish(path.as_path()).map_err(Error::Store)
    }

    fn make_parent(&self, path: &HostPath) -> Result<(), Error> {
        path.as_path().parent().map_or(Ok(()), |parent| self.make(parent))
    }

    fn make(&self, dir: &Path) -> Result<(), Error> {
        if fs::is_there(dir).map_err(Error::Store)? {
            return Ok(());
        }
        fs::create_dir_all(dir).map_err(Error::Store)?;
        self.own(dir)
    }

    /// The store's files are its owner's, so that they can be removed inside the user namespace.
    fn own(&self, path: &Path) -> Result<(), Error> {
        self.owner.map_or(Ok(()), |owner| owner::chown(path, owner).map_err(Error::Store))
    }
}

/// The name of a part of the file with a digest.
pub(super) fn part(digest: &Digest) -> String {
    format!("{}.part", digest.hex())
}
