//! Files of several names, while scriptlets run.
//!
//! In an ordinary root a scriptlet that appends to one name of a file changes what all its names have. An overlay copies
//! a file up under the one name that is written to, and the others keep what they had; its `index` would mend that, but
//! it needs file handles, which nobody in a user namespace may open. So before scriptlets run over the layer, the
//! transaction's files of several names are lifted: each is copied into the overlay's upper directory, as one inode of its
//! own with all its names, since links are links there. What no scriptlet touched stays lifted while more scriptlets
//! follow and is taken out again at the end, so that the layer keeps the store's inode; what one touched is folded into
//! the layer like everything else that scriptlets wrote, and lifted again from there; so are files to which scriptlets
//! gave several names.
//!
//! Files of the layers below are not lifted: what a scriptlet changes under one name, it changes there alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use crate::install::view::{Found, View, ViewError, copy_attributes};
use crate::sys::entry::{self, Stat};

type Result<T> = std::result::Result<T, ViewError>;

/// Device and inode.
type Identity = (u64, u64);

/// A lifted file, as it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Row", into = "Row")]
struct Lifted {
    identity: Identity,
    links: u64,
    changed: (i64, u32),
    /// The layer's own file, which it is a copy of.
    source: Identity,
}

/// The same, short: there may be thousands.
type Row = (Identity, u64, (i64, u32), Identity);

impl From<Row> for Lifted {
    fn from((identity, links, changed, source): Row) -> Self {
        Self { identity, links, changed, source }
    }
}

impl From<Lifted> for Row {
    fn from(Lifted { identity, links, changed, source }: Lifted) -> Self {
        (identity, links, changed, source)
    }
}

/// What becomes of lifted files that no scriptlet touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Afterwards {
    /// More scriptlets follow: they stay, and so do new ones.
    Lift,
    /// They are taken out.
    Lower,
}

/// The lifted files that a fold meets.
#[derive(Debug)]
pub(super) struct Meeting {
    files: BTreeMap<Identity, Lifted>,
    /// Those met, and whether they are as they were: it counts when the first of their names is met.
    met: BTreeMap<Identity, bool>,
    /// What moved into the layer and may have more names, by its paths there.
    moved: BTreeMap<Identity, Vec<String>>,
    pub(super) afterwards: Afterwards,
}

impl Meeting {
    /// `lifted` is what [`lift`] answered last, or empty.
    pub(super) fn new(lifted: &str, afterwards: Afterwards) -> serde_json::Result<Self> {
        let files = if lifted.is_empty() { Vec::new() } else { serde_json::from_str::<Vec<Lifted>>(lifted)? };
        let files = files.into_iter().map(|file| (file.identity, file)).collect();
        Ok(Self { files, met: BTreeMap::new(), moved: BTreeMap::new(), afterwards })
    }

    /// Whether a file in the upper directory is one that no scriptlet touched, under any of its names.
    pub(super) fn is_untouched(&mut self, stat: &Stat) -> bool {
        let Some(file) = self.files.get(&stat.identity) else { return false };
        let same = (file.links, file.changed) == (stat.links, stat.changed);
        *self.met.entry(stat.identity).or_insert(same)
    }

    /// A file moves into the layer, to this directory and name.
    pub(super) fn moves(&mut self, stat: &Stat, directory: &str, name: &OsStr) {
        if stat.is_file()
            && stat.links > 1
            && let Some(name) = name.to_str()
        {
            self.moved.entry(stat.identity).or_default().push(format!("{directory}/{name}"));
        }
    }
}

/// Lifts more files, each a list of paths in the layer, without symbolic links on the way; the answer says which are
/// lifted then.
pub(super) fn lift(upper: &OwnedFd, view: &View, sets: &[Vec<String>], meeting: Meeting) -> Result<String> {
    let Meeting { files: mut lifted, met, moved, afterwards } = meeting;
    if afterwards == Afterwards::Lower {
        return Ok(String::new());
    }
    lifted.retain(|identity, _| met.get(identity) == Some(&true));
    for set in sets.iter().chain(moved.values()) {
        lift_set(upper, view, set, &mut lifted)?;
    }
    if lifted.is_empty() {
        return Ok(String::new());
    }
    let mut directories = view.visited();
    directories.insert(String::new());
    for path in sets.iter().chain(moved.values()).flatten() {
        let above = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
        directories.extend(above);
    }
    for path in &directories {
        follow(upper, view, path, &lifted)?;
    }
    Ok(serde_json::to_string(&lifted.into_values().collect::<Vec<_>>()).unwrap_or_default())
}

fn lift_set(
    upper: &OwnedFd,
    view: &View,
    set: &[String],
    lifted: &mut BTreeMap<Identity, Lifted>,
) -> Result<()> {
    let mut copies: BTreeMap<Identity, (OwnedFd, String)> = BTreeMap::new();
    for path in set {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(directory) = view.directory(parent, &mut |_, _| {})? else { continue };
        // Another package may have taken the name meanwhile.
        let Found::Other { layer: 0, stat } = directory.lookup(name)? else { continue };
        let Some(place) = reach(upper, parent, Missing::Make)?.filter(|_| stat.is_file()) else { continue };
        if entry::stat(&place, name)?.is_some() {
            continue;
        }
        if let Some((other, its_name)) = copies.get(&stat.identity)
            && entry::hard_link(other, its_name, &place, name)?
        {
            continue;
        }
        let (from, to) = (entry::open_file(directory.first()?, name)?, entry::create_file(&place, name)?);
        entry::copy_content(&from, &to)?;
        copy_attributes(&OwnedFd::from(from), &OwnedFd::from(to))?;
        copies.insert(stat.identity, (place, name.to_owned()));
    }
    for (source, (place, name)) in copies {
        if let Some(Stat { identity, links, changed, .. }) = entry::stat(&place, &name)? {
            lifted.insert(identity, Lifted { identity, links, changed, source });
        }
    }
    Ok(())
}

/// What to do about a directory that the upper directory does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Stop,
}

/// A directory of the layer in the upper directory; nothing where it is not there, or something else is.
fn reach(upper: &OwnedFd, path: &str, missing: Missing) -> Result<Option<OwnedFd>> {
    let mut here = entry::reopen(upper)?;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        match entry::stat(&here, name)? {
            None if missing == Missing::Make => entry::make_directory(&here, name, 0o700)?,
            Some(stat) if stat.is_directory() => {}
            _ => return Ok(None),
        }
        here = entry::open_directory(&here, name)?;
    }
    Ok(Some(here))
}

/// Makes a directory in the upper directory follow the layer's: it looks like it, and what is another file in the layer
/// by now is not hidden. There is nothing in it but lifted files and directories of such.
fn follow(upper: &OwnedFd, view: &View, path: &str, lifted: &BTreeMap<Identity, Lifted>) -> Result<()> {
    let Some(directory) = reach(upper, path, Missing::Stop)? else { return Ok(()) };
    let Some(layer) = view.directory(path, &mut |_, _| {})? else { return Ok(()) };
    let layer = layer.first()?;
    for name in entry::names(&directory)? {
        let Some(stat) = entry::stat(&directory, &name)? else { continue };
        let there = entry::stat(layer, &name)?;
        let same = match lifted.get(&stat.identity) {
            Some(file) => there.is_some_and(|there| there.identity == file.source),
            None => there.is_some_and(|there| there.is_directory()) && stat.is_directory(),
        };
        if !same {
            entry::remove(&directory, &name)?;
        }
    }
    copy_attributes(layer, &directory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::*;
    use crate::install::fold::fold;

    /// A layer with two files of three and two names, of which the store has one more each; and an upper directory.
    fn made(directory: &Path) -> (OwnedFd, View, Vec<Vec<String>>) {
        for name in ["store", "layer/d/e", "upper"] {
            std::fs::create_dir_all(directory.join(name)).unwrap();
        }
        let sets = [vec!["/d/a", "/d/e/b", "/c"], vec!["/d/x", "/d/e/y"]];
        for (at, set) in sets.iter().enumerate() {
            let store = directory.join(format!("store/{at}"));
            std::fs::write(&store, format!("content {at}")).unwrap();
            for path in set {
                std::fs::hard_link(&store, directory.join(format!("layer{path}"))).unwrap();
            }
        }
        let open = |name: &str| directory.join(name).to_str().unwrap().to_owned();
        let view = View::open(&[open("layer")]).unwrap();
        let sets = sets.iter().map(|set| set.iter().map(|path| (*path).to_owned()).collect()).collect();
        (entry::open_root(&open("upper")).unwrap(), view, sets)
    }

    fn lift_again(upper: &OwnedFd, view: &View, sets: &[Vec<String>], lifted: &str) -> String {
        let mut meeting = Meeting::new(lifted, Afterwards::Lift).unwrap();
        fold(upper, view, &mut meeting).unwrap();
        lift(upper, view, sets, meeting).unwrap()
    }

    fn count(lifted: &str) -> usize {
        serde_json::from_str::<Vec<Lifted>>(lifted).unwrap().len()
    }

    #[test]
    fn files_of_several_names_are_one_inode_of_the_upper_directorys_and_are_gone_when_nobody_touched_them() {
        let directory = tempfile::tempdir().unwrap();
        let (upper, view, sets) = made(directory.path());
        let stat = |path: &str| std::fs::metadata(directory.path().join(path)).unwrap();
        let before = stat("store/0").ctime_nsec();
        let lifted = lift_again(&upper, &view, &sets, "");
        assert_eq!(count(&lifted), 2);
        assert_eq!((stat("upper/d/a").nlink(), stat("upper/d/a").ino()), (3, stat("upper/c").ino()));
        assert_ne!(stat("upper/c").ino(), stat("store/0").ino());
        assert_eq!(
            (stat("upper/d").mode(), stat("upper/d").mtime_nsec()),
            (stat("layer/d").mode(), stat("layer/d").mtime_nsec())
        );
        // More scriptlets follow: nothing moves.
        let again = lift_again(&upper, &view, &[], &lifted);
        assert_eq!(again, lifted);
        let mut meeting = Meeting::new(&again, Afterwards::Lower).unwrap();
        fold(&upper, &view, &mut meeting).unwrap();
        assert_eq!(lift(&upper, &view, &[], meeting).unwrap(), "");
        assert_eq!(std::fs::read_dir(directory.path().join("upper")).unwrap().count(), 0);
        assert_eq!((stat("layer/c").ino(), stat("store/0").nlink()), (stat("store/0").ino(), 4));
        assert_eq!(stat("store/0").ctime_nsec(), before);
    }

    #[test]
    fn what_was_changed_under_one_name_becomes_the_layers_under_all_and_the_store_keeps_what_it_had() {
        let directory = tempfile::tempdir().unwrap();
        let (upper, view, sets) = made(directory.path());
        let path = |path: &str| directory.path().join(path);
        let stat = |name: &str| std::fs::metadata(path(name)).unwrap();
        let lifted = lift_again(&upper, &view, &sets, "");
        std::fs::write(path("upper/d/e/b"), "changed").unwrap();
        // The layer gets another file at a name of the other one.
        std::fs::remove_file(path("layer/d/x")).unwrap();
        std::fs::write(path("layer/d/x"), "another").unwrap();
        view.ensure("/d").unwrap();
        let lifted = lift_again(&upper, &view, &[], &lifted);
        // The changed one is lifted again, from the layer.
        assert_eq!((count(&lifted), path("upper/d/x").exists()), (2, false));
        assert_eq!(std::fs::read_to_string(path("upper/c")).unwrap(), "changed");
        for name in ["layer/d/a", "layer/d/e/b", "layer/c"] {
            assert_eq!(std::fs::read_to_string(path(name)).unwrap(), "changed");
            assert_eq!((stat(name).nlink(), stat(name).ino()), (3, stat("layer/c").ino()));
        }
        let mut meeting = Meeting::new(&lifted, Afterwards::Lower).unwrap();
        fold(&upper, &view, &mut meeting).unwrap();
        assert_eq!(std::fs::read_to_string(path("store/0")).unwrap(), "content 0");
        assert_eq!(std::fs::read_to_string(path("layer/d/x")).unwrap(), "another");
        assert_eq!(std::fs::read_to_string(path("layer/d/e/y")).unwrap(), "content 1");
        assert_eq!(stat("store/1").nlink(), 1, "it was taken from the upper directory");
    }
}
