//! Times that do not depend on when the layer was made: the same packages give the same bytes.
//!
//! Whatever a transaction wrote has a time within it. Package files have their package's; what is left are directories,
//! which change as files are put into them, and what scriptlets wrote.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use crate::install::view::{Found, Merged, View, ViewError};
use crate::sys::entry::{self, Stat};

/// What times are set to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Times {
    /// When the transaction began: older times are somebody's own.
    pub(super) since: i64,
    /// The time of what only scriptlets know.
    pub(super) epoch: i64,
    /// The times of directories that packages have, by their path in the root.
    pub(super) directories: BTreeMap<String, u32>,
}

/// Touched files that have several names, by device and inode: how many names were met, and how many there are.
type Several = BTreeMap<(u64, u64), (u64, u64)>;

/// What can never be the same twice: ldconfig's memory of inodes, which it makes again.
const NEVER_THE_SAME: &[&str] = &["/var/cache/ldconfig/aux-cache"];

impl Times {
    /// Removes what differs from run to run by its nature.
    pub(super) fn forget(view: &View) -> Result<(), ViewError> {
        for path in NEVER_THE_SAME {
            let (directory, name) = path.rsplit_once('/').unwrap_or_default();
            let Some(directory) = view.directory(directory, &mut |_, _| {})? else { continue };
            if let Found::Other { layer: 0, .. } = directory.lookup(name)? {
                directory.remove(name)?;
            }
        }
        Ok(())
    }

    /// Sets the times of everything that the transaction touched in the view's first layer.
    pub(super) fn settle(&self, view: &View) -> Result<(), ViewError> {
        let root = view.root();
        let mut several = Several::new();
        self.directory(&root, "", &mut several)?;
        several.retain(|_, (names, links)| names == links);
        if !several.is_empty() {
            self.settle_several(&root, &several)?;
        }
        let first = root.first()?;
        if self.is_touched(&entry::stat_open(first)?) {
            let below = root.below()?;
            entry::set_open_time(first, self.time_of("/", &below)?)?;
        }
        Ok(())
    }

    fn directory(&self, merged: &Merged, path: &str, several: &mut Several) -> Result<(), ViewError> {
        let first = merged.first()?;
        for name in entry::names(first)? {
            let Some(stat) = entry::stat(first, &name)? else { continue };
            if stat.is_directory() {
                self.child(merged, &name, (path, &mut *several))?;
            } else if self.is_touched(&stat) && stat.links == 1 {
                entry::set_time(first, &name, (self.epoch, 0))?;
            } else if self.is_touched(&stat) {
                several.entry(stat.identity).or_insert((0, stat.links)).0 += 1;
            }
        }
        Ok(())
    }

    /// Sets the times of these files, which have all their names in the layer. Any other may be the store's.
    fn settle_several(&self, merged: &Merged, several: &Several) -> Result<(), ViewError> {
        let first = merged.first()?;
        for name in entry::names(first)? {
            let Some(stat) = entry::stat(first, &name)? else { continue };
            if several.contains_key(&stat.identity) {
                entry::set_time(first, &name, (self.epoch, 0))?;
            } else if stat.is_directory()
                && let Found::Directory(found) = merged.lookup(&name)?
            {
                self.settle_several(&found, several)?;
            }
        }
        Ok(())
    }

    fn child(
        &self,
        merged: &Merged,
        name: &OsStr,
        (path, several): (&str, &mut Several),
    ) -> Result<(), ViewError> {
        let Found::Directory(found) = merged.lookup(name)? else { return Ok(()) };
        let full = format!("{path}/{}", name.to_string_lossy());
        self.directory(&found, &full, several)?;
        if self.is_touched(&entry::stat_open(found.first()?)?) {
            let time = self.time_of(&full, &found.below()?)?;
            entry::set_open_time(found.first()?, time)?;
        }
        Ok(())
    }

    /// A directory's time: its package's, else that of the layer below, else the epoch.
    fn time_of(&self, path: &str, below: &Merged) -> Result<(i64, u32), ViewError> {
        if let Some(time) = self.directories.get(path) {
            return Ok((i64::from(*time), 0));
        }
        Ok(below.top()?.map_or((self.epoch, 0), |stat| stat.mtime))
    }

    fn is_touched(&self, stat: &Stat) -> bool {
        stat.mtime.0 >= self.since
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_the_transaction_touched_gets_a_time_that_can_be_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["new/etc", "new/usr/own", "new/old", "lower/usr"] {
            std::fs::create_dir_all(path(name)).unwrap();
        }
        std::fs::write(path("new/old/file"), "x").unwrap();
        for (old, new) in [("new/etc/made", "new/usr/second"), ("new/etc/shared", "store")] {
            std::fs::write(path(old), "x").unwrap();
            std::fs::hard_link(path(old), path(new)).unwrap();
        }
        std::os::unix::fs::symlink("x", path("new/usr/link")).unwrap();
        let layers = ["new", "lower"].map(|name| path(name).to_str().unwrap().to_owned());
        for (name, time) in [("lower/usr", 300), ("lower/", 600), ("new/old/file", 200), ("new/old", 100)] {
            let file = std::fs::File::open(path(name)).unwrap();
            entry::set_open_time(&file, (time, 0)).unwrap();
        }
        let directories = BTreeMap::from([("/etc".to_owned(), 400)]);
        let times = Times { since: 1000, epoch: 500, directories };
        times.settle(&View::open(&layers).unwrap()).unwrap();
        let table = [
            ("new", 600),
            ("new/etc", 400),
            ("new/usr", 300),
            ("new/usr/own", 500),
            ("new/usr/link", 500),
            ("new/usr/second", 500),
            ("new/etc/made", 500),
            ("new/old", 100),
            ("new/old/file", 200),
        ];
        for (name, time) in table {
            assert_eq!(std::fs::symlink_metadata(path(name)).unwrap().mtime(), time, "{name}");
        }
        assert!(std::fs::metadata(path("store")).unwrap().mtime() > 1000, "what has a name elsewhere stays");
    }
}
