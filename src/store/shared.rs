//! A store below a store: one that is only read, such as a volume that all workers mount or a layer of their image.
//!
//! What it has is used where it lies, and everything new goes into the store above. Nothing is written to it, not even
//! a time of use. Its metadata, package files and answers are for everybody who may read them: all of them carry
//! digests that are checked. Its unpacked packages and layers have owners, so they are only for who has its map of ids;
//! for others they are not there, and are made again above. Neither are things there of which a mark of another boot
//! says that they may not have reached the disk (`unsettled`): nobody who may not write can look at them for good.
//!
//! The keeper mounts it read-only below the store's directory, so sandboxes and jobs name its things relative to the
//! store like all others, and no path of the host shows in a sandbox. Layers above may stand on its layers. Its owner
//! may prune it meanwhile: what is in use has a lock, as in any store, where it can be locked.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plan::{IdMap, LayerId, ROOT_BASE};
use crate::store::layout::DIRECTORIES;
use crate::store::unsettled::Unknown;
use crate::store::{Error, Kind, Layer, Object, Store, StoredPackage};
use crate::sys::lock::{Lock, Share};
use crate::sys::owner::Owner;
use crate::sys::{SysError, fs};
use crate::unit::{Digest, HostPath};

/// Where the keeper mounts it, relative to the store.
pub const SHARED: &str = "shared";

/// A store below another one.
#[derive(Debug)]
pub(super) struct Below {
    store: Store,
    /// What it has with owners.
    trees: Trees,
}

/// The things of a store below that have owners: packages and layers.
#[derive(Debug)]
enum Trees {
    /// Their owners are the user's own; but for what is not known to have reached the disk.
    Own(Unknown),
    /// They are somebody else's, in this way.
    Foreign(String),
}

impl Store {
    /// Opens a store over another one.
    pub fn open_over(path: &HostPath, shared: Option<&HostPath>, ids: &IdMap) -> Result<Self, Error> {
        let mut store = Self::open(path, ids)?;
        let Some(shared) = shared else { return Ok(store) };
        let below = store.over(shared, ids).map_err(|error| error.of_shared(shared))?;
        if matches!(below.trees, Trees::Own(_)) {
            let mountpoint = store.path().join(SHARED);
            match fs::create_dir(&mountpoint, 0o755) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => other?,
            }
            store.own(&mountpoint)?;
        }
        store.below = Some(Arc::new(below));
        Ok(store)
    }

    fn over(&self, shared: &HostPath, ids: &IdMap) -> Result<Below, Error> {
        let refused = |why: &str| Err(Error::Shared { path: shared.clone(), why: why.to_owned() });
        let path = match fs::canonical(shared) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return refused("there is nothing of that name");
            }
            other => HostPath::new(other?),
        };
        let (inside, around) = (path.as_path(), self.path().as_path());
        if inside == around {
            return refused("it is the store itself");
        }
        if inside.starts_with(around) || around.starts_with(inside) {
            return refused("one of it and the store lies in the other");
        }
        self.check_trusted(shared, &path)?;
        let below = self.at(path);
        match fs::stat(below.path().join("format")) {
            Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
                return refused("it is not a store");
            }
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        for name in DIRECTORIES.iter().chain(&["format", "ids.json"]) {
            self.check_trusted(shared, &below.path().join(name))?;
        }
        below.check_format()?;
        let trees = below.trees(ids)?;
        Ok(Below { store: below, trees })
    }

    /// Whoever can write to it decides what is in the user's roots.
    fn check_trusted(&self, shared: &HostPath, path: &HostPath) -> Result<(), Error> {
        let stat = match fs::stat(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let (uid, mode) = (stat.uid(), stat.mode() & 0o7777);
        let why = if ![0, ROOT_BASE, Owner::current().uid, self.owner().uid].contains(&uid) {
            format!("{path} belongs to user {uid}, who is neither root nor you")
        } else if mode & 0o022 != 0 {
            format!("others than its owner may write to {path} (mode {mode:04o})")
        } else {
            return Ok(());
        };
        Err(Error::Shared { path: shared.clone(), why })
    }

    /// Whether its packages and layers can be used, as one below another.
    fn trees(&self, ids: &IdMap) -> Result<Trees, Error> {
        match self.check_ids(ids) {
            Err(Error::OtherIds { recorded, .. }) => return Ok(Trees::Foreign(recorded)),
            other => other?,
        }
        // The map is what its maker had. A copy that was made without owners has others.
        for kind in [Kind::Packages, Kind::Layers] {
            let stat = fs::stat(self.path().join(kind.directory()))?;
            if stat.uid() != self.owner().uid || stat.gid() != self.owner().gid {
                return Ok(Trees::Foreign(format!("copied to user {}", stat.uid())));
            }
        }
        Ok(Trees::Own(self.unknown()?))
    }

    /// The directory of the store below.
    pub fn shared(&self) -> Option<&HostPath> {
        self.below.as_ref().map(|below| below.store.path())
    }

    /// The same, where something of it is used inside the user namespace.
    pub fn mounted(&self) -> Option<&HostPath> {
        self.shared().filter(|_| self.below.as_ref().is_some_and(|below| below.has_trees()))
    }

    /// What of the store below is not used, and why; for people.
    pub fn not_shared(&self) -> Option<NotShared> {
        let below = self.below.as_ref()?;
        let path = below.store.path();
        match &below.trees {
            Trees::Foreign(ids) => Some(NotShared::Ids(format!(
                "the unpacked packages and layers of the shared store {path} are not used: it has other user ids ({ids})"
            ))),
            Trees::Own(Unknown::Only(objects)) if objects.is_empty() => None,
            Trees::Own(unknown) => {
                let what = match unknown {
                    Unknown::Everything => "what it has".to_owned(),
                    Unknown::Only(objects) => format!("{} things that it has", objects.len()),
                };
                Some(NotShared::Doubt(format!(
                    "packages and layers of the shared store {path} are not used, since {what} may not have reached the \
                     disk: its owner can look at them with `kiln store verify --store {path}`"
                )))
            }
        }
    }

    /// Where the store below has a package file, or would have it.
    pub fn rpm_below(&self, digest: &Digest) -> Option<HostPath> {
        self.below.as_ref().map(|below| below.store.rpm(digest))
    }

    /// Where the store below has an answer, or would have it.
    pub fn lock_below(&self, question: &Digest) -> Option<HostPath> {
        self.below.as_ref().map(|below| below.store.lock(question))
    }

    /// A path in the store or in the one below, relative to the store, as sandboxes and jobs name it.
    pub fn relative(&self, path: &HostPath) -> PathBuf {
        let path = path.as_path();
        match self.shared().and_then(|below| path.strip_prefix(below.as_path()).ok()) {
            Some(inside) => Path::new(SHARED).join(inside),
            None => path.strip_prefix(self.path().as_path()).unwrap_or(path).to_owned(),
        }
    }

    /// What [`Store::relative`] made of a path.
    pub fn on_host(&self, relative: &str) -> HostPath {
        let relative = Path::new(relative);
        match (self.shared(), relative.strip_prefix(SHARED)) {
            (Some(below), Ok(inside)) => HostPath::new(below.as_path().join(inside)),
            _ => HostPath::new(self.path().as_path().join(relative)),
        }
    }

    /// Says that repos, rpms or packages are being read: nothing in them is pruned meanwhile, nor in the store below
    /// where that can be locked.
    pub fn use_inputs(&self) -> Result<Vec<Lock>, Error> {
        const NAME: &str = "inputs.lock";
        let mut locks = vec![Lock::make(self.path().join(NAME), Share::Shared)?];
        if let Some(below) = &self.below {
            match Lock::wait(below.store.path().join(NAME), Share::Shared) {
                Ok(lock) => locks.push(lock),
                Err(error) if is_not_ours(&error) || error.is_without_locks() => {
                    tracing::debug!(%error, "the shared store is used without a lock");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(locks)
    }
}

/// Why not all of a store below is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotShared {
    /// Its files have other owners, as long as it is what it is.
    Ids(String),
    /// Something may be damaged, until its owner looks at it.
    Doubt(String),
}

impl Below {
    fn has_trees(&self) -> bool {
        matches!(self.trees, Trees::Own(_))
    }

    fn has(&self, kind: Kind, name: String) -> bool {
        match &self.trees {
            Trees::Own(Unknown::Only(objects)) => !objects.contains(&Object { kind, name }),
            Trees::Own(Unknown::Everything) | Trees::Foreign(_) => false,
        }
    }

    /// Its layer of this name, leased.
    pub(super) fn layer(&self, id: &LayerId) -> Result<Option<Layer>, Error> {
        let found = if self.has(Kind::Layers, id.hex()) { sound(self.store.own_layer(id))? } else { None };
        Ok(found.map(|layer| layer.mounted(SHARED)))
    }

    /// Its unpacked package of a digest.
    pub(super) fn package(&self, digest: &Digest) -> Result<Option<StoredPackage>, Error> {
        if self.has(Kind::Packages, digest.hex()) { sound(self.store.own_package(digest)) } else { Ok(None) }
    }
}

/// What is damaged in a store below is its owner's to repair; here it is made again.
fn sound<T>(found: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(error @ Error::Damaged { .. }) => {
            tracing::warn!(%error, "it is made again");
            Ok(None)
        }
        other => other,
    }
}

/// Whether a file may not be opened by this user, or is not there: a copy of a store need not have it.
fn is_not_ours(error: &SysError) -> bool {
    [ErrorKind::PermissionDenied, ErrorKind::NotFound].contains(&error.kind())
}
