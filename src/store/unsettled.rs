//! What may not have reached the disk yet.
//!
//! Making a root writes ten thousand files, and to wait for the disk after each package would cost more than the rest. So
//! nothing waits. Before a process publishes its first package or layer it leaves a mark in `unsettled/` that does
//! reach the disk, named after the boot. A kill takes nothing away, since the kernel still has what was written. A power
//! cut may, and after it the boot has another name: then, before anything of the store is used, what the marks name is
//! read again and what is not as it was made is removed ([`Store::doubtful`]). The names are written when the process
//! ends; a mark without them stands for everything.
//!
//! A mark goes when one `syncfs(2)` has brought everything to the disk, which happens beside a build when the mark is
//! old enough for that to cost nothing ([`Store::settle`]), or when what it names was looked at after a boot. Records that carry their own digest (locks, what
//! is remembered of repositories, parsed metadata) are checked whenever they are read, and need no mark.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::store::{Error, Kind, Object, Store};
use crate::sys::fs;
use crate::sys::lock::{Lock, Share};
use crate::unit::{HostPath, seal, unseal};

/// Where the marks are.
pub(super) const UNSETTLED: &str = "unsettled";

/// Held by whoever looks at what is in doubt; others wait. No boot is called that.
const LOOKING: &str = "lock";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// What this process has published and not settled.
#[derive(Debug, Default)]
pub(super) struct Unsettled(Mutex<Option<Mark>>);

/// A mark of this process's.
#[derive(Debug)]
struct Mark {
    path: HostPath,
    objects: BTreeSet<Object>,
    /// Says that its maker lives.
    _lock: Lock,
}

impl Mark {
    /// Writes down what it stands for. Where that fails, it stands for everything.
    fn finish(self) {
        let text = serde_json::to_vec(&self.objects).unwrap_or_default();
        if let Err(error) = fs::write(&self.path, &seal(&text)) {
            tracing::debug!(%error, path = %self.path, "left without names");
        }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(mark) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            mark.finish();
        }
    }
}

/// What the machine may have lost when it went down.
#[derive(Debug)]
pub struct Doubt {
    marks: Vec<HostPath>,
    /// The things; nothing where it may be everything.
    pub objects: Option<Vec<Object>>,
    _looking: Lock,
}

/// Which things of a store may not be what they were made as.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// All.
    Everything,
    /// These.
    Only(BTreeSet<Object>),
}

impl Store {
    /// Notes that a thing is published, or about to be, whose bytes need not be on the disk.
    pub fn note_unsettled(&self, kind: Kind, name: String) -> Result<(), Error> {
        let mut mark = self.unsettled().0.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = match &mut *mark {
            Some(mark) => mark,
            none => none.insert(self.mark()?),
        };
        mark.objects.insert(Object { kind, name });
        Ok(())
    }

    fn mark(&self) -> Result<Mark, Error> {
        let directory = self.path().join(UNSETTLED);
        if !fs::is_there(&directory)? {
            match fs::create_dir(&directory, 0o755) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => other?,
            }
            self.own(&directory)?;
            fs::sync(self.path())?;
        }
        let boot = boot()?;
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{boot}.{}-{number}", std::process::id()));
            // Somebody who settles may meet the file before it is locked, and remove it.
            let lock = match Lock::create(&path)? {
                Some(lock) if lock.is_current()? => lock,
                _ => continue,
            };
            self.own(&path)?;
            fs::sync(&path)?;
            fs::sync(&directory)?;
            return Ok(Mark { path, objects: BTreeSet::new(), _lock: lock });
        }
    }

    /// Where marks of processes that have ended are at least so old, brings everything to the disk, waits for it, and
    /// removes them.
    pub fn settle(&self, age: Duration) -> Result<(), Error> {
        let boot = boot()?;
        let mut settled = Vec::new();
        for (path, _) in self.marks()?.into_iter().filter(|(_, name)| is_of(name, &boot)) {
            // Who lives goes on publishing.
            match Lock::attempt(&path, Share::Exclusive) {
                Ok(Some(lock)) if is_as_old(&path, age) => settled.push((path, lock)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        if settled.is_empty() {
            return Ok(());
        }
        fs::sync_file_system(self.path())?;
        for (path, lock) in settled {
            fs::remove_if_there(&path)?;
            drop(lock);
        }
        Ok(())
    }

    /// What an earlier boot left unsettled; whoever gets it looks at it and then says [`Store::trust`]. Others wait
    /// meanwhile.
    pub fn doubtful(&self) -> Result<Option<Doubt>, Error> {
        if self.marks_of_others()?.is_empty() {
            return Ok(None);
        }
        let looking = Lock::make(self.path().join(UNSETTLED).join(LOOKING), Share::Exclusive)?;
        let marks = self.marks_of_others()?;
        if marks.is_empty() {
            return Ok(None);
        }
        let objects = all_names(&marks).map(|objects| objects.into_iter().collect());
        Ok(Some(Doubt { marks, objects, _looking: looking }))
    }

    /// The same of a store that is only read, so that nobody looks at it: what is not known to have reached the disk.
    pub(super) fn unknown(&self) -> Result<Unknown, Error> {
        Ok(all_names(&self.marks_of_others()?).map_or(Unknown::Everything, Unknown::Only))
    }

    /// What was in doubt is as it was made, or gone.
    pub fn trust(&self, doubt: &Doubt) -> Result<(), Error> {
        doubt.marks.iter().try_for_each(|mark| Ok(fs::remove_if_there(mark)?))
    }

    fn marks_of_others(&self) -> Result<Vec<HostPath>, Error> {
        let marks = self.marks()?;
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        let boot = boot()?;
        Ok(marks.into_iter().filter(|(_, name)| !is_of(name, &boot)).map(|(path, _)| path).collect())
    }

    fn marks(&self) -> Result<Vec<(HostPath, String)>, Error> {
        let directory = self.path().join(UNSETTLED);
        let names = fs::list_if_there(&directory)?;
        let names = names.iter().map(|name| name.to_string_lossy().into_owned());
        Ok(names.filter(|name| name != LOOKING).map(|name| (directory.join(&name), name)).collect())
    }
}

/// What this boot is called.
fn boot() -> Result<String, Error> {
    Ok(fs::read_text("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn is_as_old(path: &HostPath, age: Duration) -> bool {
    let written = fs::stat(path).ok().and_then(|stat| stat.modified().ok());
    written.and_then(|time| time.elapsed().ok()).is_some_and(|passed| passed >= age)
}

fn is_of(mark: &str, boot: &str) -> bool {
    mark.strip_prefix(boot).is_some_and(|rest| rest.starts_with('.'))
}

/// What marks stand for; nothing where that may be everything.
fn all_names(marks: &[HostPath]) -> Option<BTreeSet<Object>> {
    let named: Option<Vec<Vec<Object>>> = marks.iter().map(names).collect();
    Some(named?.into_iter().flatten().filter(Object::is_named_well).collect())
}

/// What a mark stands for; nothing where it does not say.
fn names(mark: &HostPath) -> Option<Vec<Object>> {
    serde_json::from_slice(unseal(&fs::read(mark).ok()?)?).ok()
}
