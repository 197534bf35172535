//! Locks that a process holds on a file for as long as it lives (`flock(2)`). The kernel lets go of them however the
//! process ends, so a lock that can be taken means that its maker is gone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

/// Who else may hold the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Others who share it too.
    Shared,
    /// Nobody.
    Exclusive,
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

fn failed(path: &Path) -> impl Fn(&'static str, io::Error) -> SysError {
    let args = format!("{path:?}");
    move |call, source| SysError::new(call, args.clone(), source)
}

impl Lock {
    /// Locks a file, which is made where it is missing; waits for others.
    pub fn make(path: impl AsRef<Path>, share: Share) -> Result<Self> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let file = options.open(path).map_err(|source| failed(path)("open", source))?;
        Self::wait_on(file, path, share)
    }

    /// Locks a file that is there and need not be writable; waits for others.
    pub fn wait(path: impl AsRef<Path>, share: Share) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| failed(path)("open", source))?;
        Self::wait_on(file, path, share)
    }

    fn wait_on(file: File, path: &Path, share: Share) -> Result<Self> {
        match share {
            Share::Shared => file.lock_shared(),
            Share::Exclusive => file.lock(),
        }
        .map_err(|source| failed(path)("flock", source))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Makes a file that must not be there yet, and locks it against everybody: `None` where it is there, or where
    /// somebody was faster to lock it.
    pub fn create(path: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = match options.open(path) {
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            other => other.map_err(|source| failed(path)("open", source))?,
        };
        Self::try_on(file, path, Share::Exclusive)
    }

    /// Locks a file that is there, without waiting: `None` where somebody else holds it.
    pub fn attempt(path: impl AsRef<Path>, share: Share) -> Result<Option<Self>> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| failed(path)("open", source))?;
        Self::try_on(file, path, share)
    }

    fn try_on(file: File, path: &Path, share: Share) -> Result<Option<Self>> {
        let answer = match share {
            Share::Shared => file.try_lock_shared(),
            Share::Exclusive => file.try_lock(),
        };
        match answer {
            Ok(()) => Ok(Some(Self { file, path: path.to_owned() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(path)("flock", source)),
        }
    }

    /// Whether the path still leads to the locked file. Somebody may have removed or replaced it between its opening
    /// and its locking; then the lock protects nothing.
    pub fn is_current(&self) -> Result<bool> {
        let held = self.file.metadata().map_err(|source| failed(&self.path)("fstat", source))?;
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino())),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed(&self.path)("stat", source)),
        }
    }
}
