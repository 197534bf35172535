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

/// How often a place that is taken by something without a manifest is tried before that makes room.
const PUBLISH: u32 = 10;

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
                Some(lock) if lock.is_current()? => lock,
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
        for attempt in 0..=PUBLISH {
            match fs::rename(staging, place) {
                Ok(()) => return Ok(Published::Ours),
                Err(error) if fs::exists(&manifest) => {
                    tracing::debug!(%error, %place, "somebody else made it first");
                    return Ok(Published::Theirs);
                }
                Err(error) if !is_taken(&error) => return Err(error.into()),
                // Somebody may be removing it just now.
                Err(_) if attempt < PUBLISH => std::thread::sleep(std::time::Duration::from_millis(10)),
                Err(_) => {
                    let name = staging.as_path().file_name().unwrap_or_default().to_string_lossy();
                    fs::rename(place, self.path().join(format!("tmp/{GONE}{name}")))?;
                    fs::rename(staging, place)?;
                    return Ok(Published::Ours);
                }
            }
        }
        Ok(Published::Theirs)
    }

    /// Sets aside what is in `tmp/` and has no maker any more; paths relative to the store. Each may hold files of any of the
    /// sandbox's ids, so [`super::remove`] must remove it inside the user namespace.
    ///
    /// A lock is let go of only when what it protects has another name: whoever made the lock's file just now, and was
    /// too late to lock it, sees that and begins anew.
    pub fn garbage(&self, which: Leftovers) -> Result<Vec<String>, Error> {
        let tmp = self.path().join("tmp");
        let mut garbage = Vec::new();
        for name in fs::list(&tmp)? {
            let name = name.to_string_lossy();
            let later = which == Leftovers::Useless && name.ends_with(".part");
            if later || fs::is_there(tmp.join(format!("{name}.lock")))? {
                continue;
            }
            // A part of a download is its own lock, and so is what lost its own.
            let free = name.starts_with(GONE) || set_aside(&tmp, &name)?;
            if free {
                let base = name.strip_suffix(".lock").unwrap_or(&name);
                let gone = if name.starts_with(GONE) { name.to_string() } else { format!("{GONE}{base}") };
                garbage.push(format!("tmp/{gone}"));
            }
        }
        Ok(garbage)
    }
}

/// Gives a thing without a maker the name of garbage; whether it had none.
fn set_aside(tmp: &HostPath, name: &str) -> Result<bool, Error> {
    let lock = match Lock::attempt(tmp.join(name), Share::Exclusive) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        // Garbage of another of the sandbox's ids; nothing that is being made has a lock like that.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Ok(None) => return Ok(false),
        other => other?,
    };
    let base = name.strip_suffix(".lock");
    let gone = format!("{GONE}{}", base.unwrap_or(name));
    match fs::rename(tmp.join(base.unwrap_or(name)), tmp.join(gone)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // The name of garbage that is being removed; the next clean-up finds this.
        Err(error) if is_taken(&error) => return Ok(false),
        other => other?,
    }
    if base.is_some() {
        fs::remove_if_there(tmp.join(name))?;
    }
    drop(lock);
    Ok(true)
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
