//! Where trees go that a run must not find again.
//!
//! They are renamed and not removed: a file system that has just lost thousands of files makes new ones more slowly for
//! minutes (ext4 walks past every inode that was free a moment ago), and the runs that follow would pay for it.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::error::Error;
use crate::note;

/// With less room than this what is buried is removed between two rows.
const ROOM: u64 = 12 << 30;

/// A directory on the file system of everything that is put there.
#[derive(Debug)]
pub(crate) struct Graveyard {
    directory: PathBuf,
    count: Cell<u64>,
}

impl Graveyard {
    /// An empty one.
    pub(crate) fn open(directory: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&directory).map_err(Error::io("make", &directory))?;
        Ok(Self { directory, count: Cell::new(0) })
    }

    /// Puts a tree or a file there; nothing there is success.
    pub(crate) fn bury(&self, path: &Path) -> Result<(), Error> {
        self.count.set(self.count.get() + 1);
        match fs::rename(path, self.directory.join(self.count.get().to_string())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("bury", path)(error)),
            _ => Ok(()),
        }
    }

    /// Puts there what is in a directory, but for some names.
    pub(crate) fn bury_in(&self, directory: &Path, but: &[String]) -> Result<(), Error> {
        for entry in fs::read_dir(directory).map_err(Error::io("list", directory))?.flatten() {
            if !but.contains(&entry.file_name().to_string_lossy().into_owned()) {
                self.bury(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Between two rows: makes room where the disk is small.
    pub(crate) fn make_room(&self) -> Result<(), Error> {
        let failed = |error: nix::Error| Error::broken(self.directory.display().to_string(), error);
        let room = statvfs(&self.directory).map_err(failed)?;
        if room.blocks_available() * room.fragment_size() >= ROOM {
            return Ok(());
        }
        note("bench: there is little room, so old trees are removed; the next row may be slower for it");
        fs::remove_dir_all(&self.directory).map_err(Error::io("remove", &self.directory))?;
        fs::create_dir_all(&self.directory).map_err(Error::io("make", &self.directory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_buried_is_out_of_the_way_and_nothing_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let graveyard = Graveyard::open(directory.path().join("graveyard")).unwrap();
        let store = directory.path().join("store");
        for name in ["kept", "layer/below", "other"] {
            fs::create_dir_all(store.join(name)).unwrap();
        }
        graveyard.bury_in(&store, &["kept".to_owned()]).unwrap();
        let names: Vec<_> = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["kept"]);
        graveyard.bury(&store).unwrap();
        graveyard.bury(&store).unwrap();
        assert!(!store.exists());
        let buried = fs::read_dir(directory.path().join("graveyard")).unwrap().count();
        assert_eq!(buried, 3);
    }
}
