//! A directory in which something is being made.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::store::{Error, Store};
use crate::sys::lock::{Lock, Share};
use crate::sys::{fs, tree};
use crate::unit::HostPath;

/// Which leftovers are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// All of them.
    All,
    /// All but parts of downloads, which the next run goes on with.
    Useless,
}

/// Whose copy of a thing is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    /// The one that was to be published.
    Ours,
    /// One that somebody else made of the same.
    Theirs,
}

fn is_taken(error: &crate::sys::SysError) -> bool {
    use std::io::ErrorKind::{AlreadyExists, DirectoryNotEmpty};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty)
}

/// A directory of its own in `tmp/`, which only this process uses. Dropping it removes it.
///
/// Its lock file is made before it and removed after it, and is locked all the time between. So a directory without
/// a locked lock file has no maker any more, whatever happened to that.
#[derive(Debug)]
pub struct Staging {
    path: HostPath,
    lock_path: HostPath,
    _lock: Lock,
}

/// What is on its way out of the store begins with this.
pub(super) const GONE: &str = "gone-";

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Store {
    /// Makes a directory to make something in; `purpose` is the beginning of its name.
    pub fn stage(&self, purpose: &str) -> Result<Staging, Error> {
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{purpose}-{}-{number}", std::process::id());
            let lock_path = self.path().join("tmp").join(format!("{name}.lock"));
            // Somebody who cleans up may meet the file before it is locked, and remove it.
            let lock = match Lock::create(&lock_path)? {
                Some(lock) if lock.is_current() => lock,
                _ => continue,
            };
            let path = self.path().join("tmp").join(name);
            match fs::create_dir(&path, 0o755) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                other => other?,
            }
            let staging = Staging { path, lock_path, _lock: lock };
            self.own(&staging.path)?;
            return Ok(staging);
        }
    }

    /// Makes what lies in `staging` appear at `place`, by renaming. Where somebody else was faster, theirs stays; what
    /// lost its manifest can be nobody's, and makes room.
    pub(super) fn publish(&self, staging: &HostPath, place: &HostPath) -> Result<Published, Error> {
        self.own(staging)?;
        let manifest = place.join("manifest.json");
        for _ in 0..2 {
            match fs::rename(staging, place) {
                Ok(()) => return Ok(Published::Ours),
                Err(error) if fs::exists(&manifest) => {
                    tracing::debug!(%error, %place, "somebody else made it first");
                    return Ok(Published::Theirs);
                }
                Err(error) if is_taken(&error) => {
                    let name = staging.as_path().file_name().unwrap_or_default().to_string_lossy();
                    fs::rename(place, self.path().join(format!("tmp/{GONE}{name}")))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Published::Theirs)
    }

    /// What is in `tmp/` and has no maker any more, relative to the store. Each may hold files of any of the sandbox's
    /// ids, so [`super::remove`] must remove it inside the user namespace.
    pub fn garbage(&self, which: Leftovers) -> Result<Vec<String>, Error> {
        let tmp = self.path().join("tmp");
        let mut names = fs::list(&tmp)?;
        names.retain(|name| which == Leftovers::All || !name.as_encoded_bytes().ends_with(b".part"));
        let mut garbage = Vec::new();
        for name in &names {
            let name = name.to_string_lossy();
            let base = name.strip_suffix(".lock");
            let of_maker = tmp.join(format!("{}.lock", base.unwrap_or(&name)));
            // A part of a download is its own lock; under a new name nobody goes on with it.
            let alone = !fs::exists(&of_maker);
            let lock = if alone { tmp.join(name.as_ref()) } else { of_maker };
            let free = match Lock::attempt(&lock, Share::Exclusive) {
                Ok(held) => held,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                // Garbage of another of the sandbox's ids; nothing that is being made has locks like that.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    garbage.push((format!("tmp/{name}"), false));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match free {
                None => {}
                Some(_) if alone && !name.starts_with(GONE) => {
                    match fs::rename(tmp.join(name.as_ref()), tmp.join(format!("{GONE}{name}"))) {
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        other => {
                            other?;
                            garbage.push((format!("tmp/{GONE}{name}"), false));
                        }
                    }
                }
                Some(_) => garbage.push((format!("tmp/{name}"), base.is_some())),
            }
        }
        // Directories first: a directory must never be without its lock file.
        garbage.sort_by_key(|(_, is_lock)| *is_lock);
        Ok(garbage.into_iter().map(|(path, _)| path).collect())
    }
}

/// A directory in `tmp/` whose maker lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What follows the purpose in its name: who makes it, and which of his it is.
    pub name: String,
    /// The directory.
    pub path: HostPath,
}

impl Store {
    /// What is being made for `purpose`.
    pub fn work(&self, purpose: &str) -> Result<Vec<Work>, Error> {
        let tmp = self.path().join("tmp");
        let mut work = Vec::new();
        for file in fs::list(&tmp)? {
            let file = file.to_string_lossy();
            let Some(base) = file.strip_suffix(".lock") else { continue };
            let Some(name) = base.strip_prefix(purpose).and_then(|rest| rest.strip_prefix('-')) else {
                continue;
            };
            match Lock::attempt(tmp.join(&*file), Share::Shared) {
                Ok(None) => work.push(Work { name: name.to_owned(), path: tmp.join(base) }),
                Ok(Some(_)) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(work)
    }
}

impl Staging {
    /// The directory.
    pub fn path(&self) -> &HostPath {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What sandboxes wrote into it may not be ours to remove; then it waits in tmp/ for `garbage`.
        match tree::remove(&self.path) {
            Ok(()) => drop(fs::remove_file(&self.lock_path)),
            Err(error) => tracing::debug!(%error, path = %self.path, "left for the next clean-up"),
        }
    }
}
