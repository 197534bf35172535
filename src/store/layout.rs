//! Opening a store: its directories, its owner, its version.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use crate::plan::{IdMap, LayerId};
use crate::store::Error;
use crate::store::object::UNFINISHED;
use crate::store::shared::{Below, SHARED};
use crate::store::unsettled::{UNSETTLED, Unsettled};
use crate::sys::lock::{Lock, Share};
use crate::sys::owner::{Owner, chmod, chown};
use crate::sys::{self, fs, tree};
use crate::unit::{Digest, HostPath};

const FORMAT: u32 = 1;
pub(super) const DIRECTORIES: &[&str] = &["repos", "rpms", "packages", "layers", "locks", "logs", "tmp"];
const FILES: &[&str] = &["format", "ids.json", "inputs.lock", SKELETON, UNSETTLED, SHARED];
/// Where sandboxes make empty mount points, for roots that lack some.
const SKELETON: &str = "skeleton";

/// An open store.
#[derive(Debug, Clone)]
pub struct Store {
    path: HostPath,
    owner: Owner,
    unsettled: Arc<Unsettled>,
    pub(super) below: Option<Arc<Below>>,
    /// Whether it is itself one below another, and never written to.
    pub(super) is_below: bool,
}

impl Store {
    /// Opens the store in a directory, and makes it where it is missing. Files in it are owned by the ids that `ids`
    /// maps, so a store that was made with another map is refused.
    pub fn open(path: &HostPath, ids: &IdMap) -> Result<Self, Error> {
        let root = |ranges: &[crate::plan::IdRange]| {
            ranges.iter().find(|range| range.inside == 0).map(|range| range.outside).ok_or(Error::NoRoot)
        };
        let owner = Owner { uid: root(&ids.uids)?, gid: root(&ids.gids)? };
        if !fs::is_there(path)? {
            make(path, owner)?;
        }
        let path = HostPath::new(fs::canonical(path)?);
        let store = Self { path, owner, unsettled: Arc::default(), below: None, is_below: false };
        store.check_other()?;
        let new = !fs::is_there(store.path.join("format"))?;
        if new {
            store.check_foreign()?;
        }
        store.check_owner()?;
        if new {
            store.initialise(ids)?;
        }
        store.check_format()?;
        store.check_ids(ids)?;
        Ok(store)
    }

    /// The store's directory, absolute and without symbolic links.
    pub fn path(&self) -> &HostPath {
        &self.path
    }

    pub(super) fn unsettled(&self) -> &Unsettled {
        &self.unsettled
    }

    /// Root's ids inside, as the host sees them: they own the store.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The owner that new files must be given, or nothing where they are made with it.
    pub fn other_owner(&self) -> Option<Owner> {
        (self.owner != Owner::current()).then_some(self.owner)
    }

    /// Gives a file or directory that this process made to the store's owner.
    pub fn own(&self, path: &HostPath) -> Result<(), Error> {
        match self.other_owner() {
            Some(owner) => Ok(chown(path, owner)?),
            None => Ok(()),
        }
    }

    /// The store in another directory, as one below this: with the same owner, and never written to.
    pub(super) fn at(&self, path: HostPath) -> Self {
        Self { path, owner: self.owner, unsettled: Arc::default(), below: None, is_below: true }
    }

    /// Where repository metadata lies.
    pub fn repos(&self) -> HostPath {
        self.path.join("repos")
    }

    /// Where package files lie.
    pub fn rpms(&self) -> HostPath {
        self.path.join("rpms")
    }

    /// Where the package file of a digest lies, if it is there.
    pub fn rpm(&self, digest: &Digest) -> HostPath {
        self.rpms().join(format!("{}.rpm", digest.hex()))
    }

    /// Where the log of a layer's making lies.
    pub fn layer_log(&self, id: &LayerId) -> HostPath {
        self.path.join("logs").join(format!("{}.log", id.hex()))
    }

    /// Where the answer to a question lies: which packages a request chose from metadata of known digests. `question`
    /// is the digest of all of that.
    pub fn lock(&self, question: &Digest) -> HostPath {
        self.path.join("locks").join(format!("{}.json", question.hex()))
    }

    /// Takes a copy of a package file whose digest is known.
    pub fn receive_rpm(&self, from: &HostPath, digest: &Digest) -> Result<(), Error> {
        let place = self.rpm(digest);
        if fs::is_there(&place)? {
            return Ok(());
        }
        let staging = self.stage("rpm")?;
        let copy = staging.path().join("rpm");
        fs::copy(from, &copy, 0o644)?;
        self.own(&copy)?;
        Ok(fs::rename(&copy, &place)?)
    }

    fn check_owner(&self) -> Result<(), Error> {
        let stat = fs::stat(&self.path)?;
        let mode = stat.mode() & 0o7777;
        if stat.uid() == self.owner.uid && mode == 0o700 {
            return Ok(());
        }
        // An empty directory that somebody made for us is taken; one with files in it is not touched.
        let ours = stat.uid() == Owner::current().uid || stat.uid() == self.owner.uid;
        if ours && fs::list(&self.path)?.is_empty() {
            self.own(&self.path)?;
            return Ok(chmod(&self.path, 0o700)?);
        }
        let (path, expected) = (self.path.clone(), self.owner.uid);
        Err(Error::Owner { path, uid: stat.uid(), mode, expected })
    }

    /// Somebody else's directory is not even looked into.
    fn check_other(&self) -> Result<(), Error> {
        let stat = fs::stat(&self.path)?;
        if [self.owner.uid, Owner::current().uid].contains(&stat.uid()) {
            return Ok(());
        }
        let (path, expected) = (self.path.clone(), self.owner.uid);
        Err(Error::Owner { path, uid: stat.uid(), mode: stat.mode() & 0o7777, expected })
    }

    /// Takes a directory only when it is empty, or a store that was never finished.
    fn check_foreign(&self) -> Result<(), Error> {
        match self.foreign()?.into_iter().next() {
            Some(found) => Err(Error::NotAStore { path: self.path.clone(), found }),
            None => Ok(()),
        }
    }

    /// Whether somebody put something into what must be empty mount points: every root would have it.
    pub(super) fn is_skeleton_filled(&self) -> Result<bool, sys::SysError> {
        let mut filled = false;
        tree::walk(self.path.join(SKELETON), &mut |seen| filled |= !seen.directory && seen.allocated > 0)?;
        Ok(filled)
    }

    /// Names in the store's directory that nothing of kiln's has.
    pub(super) fn foreign(&self) -> Result<Vec<String>, sys::SysError> {
        let names = fs::list(&self.path)?;
        let names = names.iter().map(|name| name.to_string_lossy().into_owned());
        let ours = |name: &String| {
            DIRECTORIES.iter().chain(FILES).any(|known| name == known) || name.starts_with(UNFINISHED)
        };
        Ok(names.filter(|name| !ours(name)).collect())
    }

    fn initialise(&self, ids: &IdMap) -> Result<(), Error> {
        let lock = self.path.join("inputs.lock");
        let _lock = Lock::make(&lock, Share::Exclusive)?;
        self.own(&lock)?;
        for name in DIRECTORIES {
            let directory = self.path.join(name);
            match fs::create_dir(&directory, 0o755) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                other => other?,
            }
            self.own(&directory)?;
        }
        spread(&self.path.join("tmp"))?;
        if !fs::is_there(self.path.join("ids.json"))? {
            self.write("ids.json", &serde_json::to_vec_pretty(ids).unwrap_or_default())?;
        }
        self.write("format", format!("{FORMAT}\n").as_bytes())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        fs::publish(&path, content)?;
        self.own(&path)
    }

    pub(super) fn check_format(&self) -> Result<(), Error> {
        let found = fs::read_text(self.path.join("format"))?.trim().to_owned();
        if found.parse() == Ok(FORMAT) {
            return Ok(());
        }
        Err(Error::Format { path: self.path.clone(), found, known: FORMAT })
    }

    pub(super) fn check_ids(&self, ids: &IdMap) -> Result<(), Error> {
        let path = self.path.join("ids.json");
        let text = fs::read_text(&path)?;
        let recorded: IdMap =
            serde_json::from_str(&text).map_err(|error| Error::Damaged { path, why: error.to_string() })?;
        if recorded == *ids {
            return Ok(());
        }
        let (recorded, now) = (words(&recorded), words(ids));
        Err(Error::OtherIds { path: self.path.clone(), recorded, now })
    }
}

/// Everything is made in `tmp/`, and what is made there has nothing to do with one another: the file system need not put
/// it side by side. To ext4 it matters, which else looks for a free inode among those that were just given back.
fn spread(directory: &HostPath) -> Result<(), sys::SysError> {
    match fs::spread(directory) {
        Err(error) if !error.is_storages() => {
            tracing::debug!(%error, "this file system takes no such hint");
            Ok(())
        }
        other => other,
    }
}

fn words(ids: &IdMap) -> String {
    let range = |range: &crate::plan::IdRange| format!("{} from {}", range.count, range.outside);
    let uids: Vec<_> = ids.uids.iter().map(range).collect();
    format!("uids {}", uids.join(", "))
}

/// Makes the store's directory and those above it; only the last is private.
fn make(path: &HostPath, owner: Owner) -> Result<(), sys::SysError> {
    if let Some(above) = path.as_path().parent().filter(|above| !above.as_os_str().is_empty()) {
        fs::create_dir_all(above)?;
    }
    match fs::create_dir(path, 0o700) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        other => other?,
    }
    if owner == Owner::current() { Ok(()) } else { chown(path, owner) }
}
