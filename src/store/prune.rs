//! Taking things out of the store: what was not used for long, or longest, until the rest is small enough.
//!
//! Two things keep something in: a layer's lease, held by whoever uses the layer, and the lock on the inputs, held by
//! whoever makes a root of them. Which things go is decided first, over what was found, without touching anything; so
//! `--dry-run` says what would happen.
//!
//! [`prune`] is a job: the files belong to the sandbox's ids. Its directory is the store.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::store::object::{self, Kind, Object};
use crate::store::staging::GONE;
use crate::sys::lock::{Lock, Share};
use crate::sys::{SysError, fs, tree};

/// What is taken out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Prune {
    /// Which things.
    pub which: Which,
    /// The time that it is, in seconds since 1970.
    pub now: u64,
    /// Whether nobody else reads repos, rpms and packages, so that they can go too.
    pub inputs: Inputs,
    /// Whether it happens.
    pub effect: Effect,
}

/// Which things are taken out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Which {
    /// Everything.
    Everything,
    /// Every layer.
    Layers,
    /// What was not used for so many seconds; then what was not used for longest, until the store has not more than
    /// so many bytes.
    Unused {
        /// Seconds.
        older_than: Option<u64>,
        /// Bytes.
        size: Option<u64>,
    },
}

/// Whether repos, rpms, packages and locks are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Inputs {
    /// Nobody reads them, and the caller's lock keeps it so.
    Free,
    /// Somebody makes a root of them.
    InUse,
}

/// Whether anything happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Effect {
    /// It does.
    Remove,
    /// It is only told what would.
    Tell,
}

/// What was taken out, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pruned {
    /// The things, in the order in which they went.
    pub removed: Vec<Removed>,
    /// Things that would have gone and are in use.
    pub in_use: Vec<Object>,
    /// What the store has left, in bytes.
    pub left: u64,
}

/// One thing that was taken out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Removed {
    /// Which.
    #[serde(flatten)]
    pub object: Object,
    /// How many bytes that gave; what it shared with others counts with the last of them.
    pub bytes: u64,
    /// When it was last used, in seconds since 1970.
    pub used: u64,
}

/// Job: performs a [`Prune`], answers with [`Pruned`].
pub fn prune(input: &str) -> Result<String, String> {
    let wish: Prune = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let pruned = perform(Path::new("."), &wish).map_err(|error| error.to_string())?;
    serde_json::to_string(&pruned).map_err(|error| error.to_string())
}

/// Job: takes the things of a list out, where nobody uses them; answers with those that it took. The input says whether
/// the inputs are free.
pub fn retire_all(input: &str) -> Result<String, String> {
    let (objects, inputs): (Vec<Object>, Inputs) =
        serde_json::from_str(input).map_err(|error| error.to_string())?;
    let mut gone = Vec::new();
    for object in objects {
        if take(Path::new("."), &object, inputs, Effect::Remove).map_err(|error| error.to_string())? {
            gone.push(object);
        }
    }
    serde_json::to_string(&gone).map_err(|error| error.to_string())
}

/// One thing with what is known of it.
struct Weighed {
    object: Object,
    used: u64,
    /// Its files: identity and bytes on disk.
    files: Vec<((u64, u64), u64)>,
}

fn perform(store: &Path, wish: &Prune) -> Result<Pruned, SysError> {
    let mut found = weigh(store)?;
    found.sort_by(|a, b| (a.used, &a.object).cmp(&(b.used, &b.object)));
    let mut shares = Shares::of(&found);
    let mut pruned = Pruned::default();
    for thing in &found {
        if !wish.which.takes(thing, wish.now, shares.total) {
            continue;
        }
        let object = &thing.object;
        if !take(store, object, wish.inputs, wish.effect)? {
            pruned.in_use.push(object.clone());
            continue;
        }
        let bytes = shares.without(thing);
        pruned.removed.push(Removed { object: object.clone(), bytes, used: thing.used });
    }
    pruned.left = shares.total;
    Ok(pruned)
}

impl Which {
    fn takes(&self, thing: &Weighed, now: u64, total: u64) -> bool {
        match self {
            Self::Everything => true,
            Self::Layers => thing.object.kind == Kind::Layers,
            Self::Unused { older_than, size } => {
                let old = older_than.is_some_and(|age| thing.used.saturating_add(age) <= now);
                old || size.is_some_and(|size| total > size)
            }
        }
    }
}

fn weigh(store: &Path) -> Result<Vec<Weighed>, SysError> {
    let mut found = Vec::new();
    for kind in Kind::all().filter(|kind| *kind != Kind::Tmp) {
        for object in object::listed(store, kind)?.objects {
            let mut files = Vec::new();
            tree::walk(store.join(object.path()), &mut |seen| files.push((seen.identity, seen.allocated)))?;
            // What lost the file that says when it was used, is of no use.
            let used = fs::stat(store.join(object.stamp())).map_or(0, |stat| stat.mtime() as u64);
            found.push(Weighed { object, used, files });
        }
    }
    Ok(found)
}

/// Which files are in how many things: a file of a package may also be in layers.
struct Shares {
    names: BTreeMap<(u64, u64), u32>,
    total: u64,
}

impl Shares {
    fn of(found: &[Weighed]) -> Self {
        let mut shares = Self { names: BTreeMap::new(), total: 0 };
        for (identity, bytes) in found.iter().flat_map(|thing| &thing.files) {
            let names = shares.names.entry(*identity).or_insert(0);
            if *names == 0 {
                shares.total += bytes;
            }
            *names += 1;
        }
        shares
    }

    /// Counts a thing as gone; the bytes that gives.
    fn without(&mut self, thing: &Weighed) -> u64 {
        let mut freed = 0;
        for (identity, bytes) in &thing.files {
            let Some(names) = self.names.get_mut(identity) else { continue };
            *names = names.saturating_sub(1);
            if *names == 0 {
                freed += bytes;
            }
        }
        self.total -= freed;
        freed
    }
}

/// Takes a thing out, unless it is in use.
fn take(store: &Path, object: &Object, inputs: Inputs, effect: Effect) -> Result<bool, SysError> {
    let use_of_it = match object.kind {
        Kind::Layers => layer_use(store, object)?,
        _ if inputs == Inputs::InUse => Use::Some,
        _ => Use::None(None),
    };
    match use_of_it {
        Use::Some => Ok(false),
        Use::None(_) if effect == Effect::Tell => Ok(true),
        Use::None(lock) => {
            retire(store, object)?;
            drop(lock);
            Ok(true)
        }
    }
}

/// Whether a thing is in use.
pub(super) enum Use {
    /// It is.
    Some,
    /// It is not, and as long as the lock is held it will not be. A layer without a manifest cannot be used, and has
    /// no lock.
    None(Option<Lock>),
}

/// Whether somebody uses a layer.
pub(super) fn layer_use(store: &Path, layer: &Object) -> Result<Use, SysError> {
    match Lock::attempt(store.join(layer.stamp()), Share::Exclusive) {
        Ok(Some(lock)) => Ok(Use::None(Some(lock))),
        Ok(None) => Ok(Use::Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Use::None(None)),
        Err(error) => Err(error),
    }
}

/// Removes a thing: it is gone at once, and its files soon after.
pub(super) fn retire(store: &Path, object: &Object) -> Result<(), SysError> {
    let gone = store.join(format!("tmp/{GONE}{}-{}", object.kind, object.name.replace('/', "-")));
    tree::remove(&gone)?;
    match fs::rename(store.join(object.path()), &gone) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    if object.kind == Kind::Layers {
        fs::remove_if_there(store.join(format!("logs/{}.log", object.name)))?;
    }
    tree::remove(&gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEEWAY: u64 = 64 << 10;

    fn hex(digit: char) -> String {
        std::iter::repeat_n(digit, 64).collect()
    }

    /// A store with a package that a layer shares a file with, and another package; used at 100, 200 and 300.
    fn store() -> tempfile::TempDir {
        let store = tempfile::tempdir().unwrap();
        for kind in Kind::all() {
            std::fs::create_dir(store.path().join(kind.directory())).unwrap();
        }
        for (path, used) in [("packages", 'a', 100), ("layers", 'b', 200), ("packages", 'c', 300)]
            .map(|(kind, digit, used)| (format!("{kind}/{}", hex(digit)), used))
        {
            let path = store.path().join(path);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("file"), vec![7; 1 << 20]).unwrap();
            let stamp = std::fs::File::create(path.join("manifest.json")).unwrap();
            stamp.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(used)).unwrap();
        }
        let (from, to) = (format!("packages/{}/file", hex('a')), format!("layers/{}/file", hex('b')));
        std::fs::remove_file(store.path().join(&to)).unwrap();
        std::fs::hard_link(store.path().join(from), store.path().join(to)).unwrap();
        std::fs::create_dir(store.path().join("repos/origins")).unwrap();
        std::fs::write(store.path().join("repos/origins/x.json"), "{}").unwrap();
        store
    }

    fn pruned(store: &tempfile::TempDir, which: Which, effect: Effect) -> Vec<(char, u64)> {
        let wish = Prune { which, now: 1000, inputs: Inputs::Free, effect };
        let pruned = perform(store.path(), &wish).unwrap();
        let rows = pruned.removed.iter();
        rows.map(|row| (row.object.name.chars().next().unwrap(), row.bytes >> 20)).collect()
    }

    fn unused(older_than: Option<u64>, size: Option<u64>) -> Which {
        Which::Unused { older_than, size }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_shared_files_count_with_the_last_name() {
        let megabyte = 1 << 20;
        let table = [
            (unused(Some(801), None), vec![('a', 0)]),
            (unused(Some(100), None), vec![('a', 0), ('b', 1), ('c', 1)]),
            (unused(None, Some(megabyte + LEEWAY)), vec![('a', 0), ('b', 1)]),
            (unused(None, Some(10 * megabyte)), vec![]),
            (unused(Some(801), Some(megabyte + LEEWAY)), vec![('a', 0), ('b', 1)]),
            (Which::Layers, vec![('b', 0)]),
            (Which::Everything, vec![('a', 0), ('b', 1), ('c', 1)]),
        ];
        for (which, expected) in table {
            let store = store();
            assert_eq!(pruned(&store, which.clone(), Effect::Tell), expected, "{which:?}");
            assert_eq!(pruned(&store, which.clone(), Effect::Remove), expected, "{which:?}");
            assert_eq!(pruned(&store, which.clone(), Effect::Remove), [], "{which:?}");
            assert!(store.path().join("repos/origins/x.json").exists());
            assert!(fs::list(store.path().join("tmp")).unwrap().is_empty());
        }
    }

    #[test]
    fn what_is_in_use_stays() {
        let store = store();
        let manifest = store.path().join(format!("layers/{}/manifest.json", hex('b')));
        let lease = Lock::attempt(&manifest, Share::Shared).unwrap().unwrap();
        assert_eq!(pruned(&store, Which::Everything, Effect::Remove), [('a', 0), ('c', 1)]);
        drop(lease);
        let wish = Prune { which: Which::Everything, now: 0, inputs: Inputs::InUse, effect: Effect::Remove };
        assert_eq!(perform(store.path(), &wish).unwrap().removed.len(), 1);
    }
}
