//! Times that do not depend on when the layer was made: the same packages give the same bytes.
//!
//! Whatever a transaction wrote has a time within it. Package files have their package's; what is left are directories,
//! which change as files are put into them, and what scriptlets wrote.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::rc::Rc;

use crate::install::view::{Found, View, ViewError};
use crate::store::listing::{self, Seen};
use crate::sys::SysError;
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

    /// The same with paths as they are in a listing.
    pub(super) fn listed(&self) -> Self {
        let path = |(path, time): (&String, &u32)| (listing::listed_path(path), *time);
        Self { directories: self.directories.iter().map(path).collect(), ..*self }
    }

    /// Sets the time of the root's directory itself.
    pub(super) fn settle_root(&self, view: &View) -> Result<(), ViewError> {
        let root = view.root();
        let first = root.first()?;
        if self.is_touched(&entry::stat_open(first)?) {
            let below = root.below()?.top()?;
            entry::set_open_time(first, self.time_of("/", below))?;
        }
        Ok(())
    }

    /// The time of something in the uppermost of these layers, where the transaction touched it.
    pub(super) fn time(
        &self,
        layers: &[String],
        seen: &Seen<'_>,
        stat: &Stat,
    ) -> Result<Option<(i64, u32)>, SysError> {
        if !self.is_touched(stat) {
            return Ok(None);
        }
        if !stat.is_directory() {
            return Ok(Some((self.epoch, 0)));
        }
        let below = if layers.len() > 1 && !self.directories.contains_key(seen.path) {
            below(layers, seen)?
        } else {
            None
        };
        Ok(Some(self.time_of(seen.path, below)))
    }

    /// A directory's time: its package's, else that of the layer below, else the epoch.
    fn time_of(&self, path: &str, below: Option<Stat>) -> (i64, u32) {
        match self.directories.get(path) {
            Some(time) => (i64::from(*time), 0),
            None => below.map_or((self.epoch, 0), |stat| stat.mtime),
        }
    }

    fn is_touched(&self, stat: &Stat) -> bool {
        stat.mtime.0 >= self.since
    }
}

/// What a directory is in the layers below the uppermost.
fn below(layers: &[String], seen: &Seen<'_>) -> Result<Option<Stat>, SysError> {
    let look = || -> Result<Option<Stat>, ViewError> {
        let mut here = View::open(layers)?.root();
        for name in seen.names.iter().map(OsString::as_os_str).chain([seen.name]) {
            match here.lookup(name)? {
                Found::Directory(found) => here = Rc::new(found),
                _ => return Ok(None),
            }
        }
        here.below()?.top()
    };
    match look() {
        Err(ViewError::System(error)) => Err(error),
        // It is a directory, and was walked without links.
        Err(_) => Ok(None),
        Ok(stat) => Ok(stat),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    struct Settling<'a>(&'a Times, &'a [String]);

    impl listing::Judge for Settling<'_> {
        fn content(&self, _: &str, _: &Stat) -> listing::Content {
            listing::Content::Read(crate::package::FileAlgorithm::Md5)
        }

        fn time(&self, seen: &Seen<'_>, stat: &Stat) -> Result<Option<(i64, u32)>, SysError> {
            self.0.time(self.1, seen, stat)
        }
    }

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
        times.settle_root(&View::open(&layers).unwrap()).unwrap();
        listing::read(&layers[0], &Settling(&times, &layers)).unwrap();
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
