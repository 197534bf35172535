//! Removing a tree that somebody hostile made: any depth, any mode, any number of entries, with one open directory at
//! a time and without following anything. Done as the root of the user namespace that the tree's owners are mapped in.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

/// Removes `name`, one component, from `parent`, with all below it. What is not there is no failure.
///
/// A directory that is not empty is moved up to just below the top before it is emptied, so that depth costs nothing.
pub fn remove_tree(parent: impl AsFd, name: impl AsRef<Path>) -> Result<()> {
    let (parent, name) = (parent.as_fd(), name.as_ref());
    let failed = |error| SysError::new("unlinkat", format!("{name:?}"), error);
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(failed(error)),
    }
    let mut flat = Flattened { top: open(parent, name)?, waiting: Vec::new(), moved: 0 };
    flat.empty_top()?;
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(failed)
}

fn open(parent: impl AsFd, name: impl AsRef<Path>) -> Result<OwnedFd> {
    let name = name.as_ref();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
        .map_err(|error| SysError::new("openat", format!("{name:?}, O_DIRECTORY|O_NOFOLLOW"), error))
}

struct Flattened {
    top: OwnedFd,
    /// Directories just below the top that still have to be emptied.
    waiting: Vec<CString>,
    moved: u64,
}

impl Flattened {
    fn empty_top(&mut self) -> Result<()> {
        let top = open(&self.top, ".")?;
        self.empty(&top, Move::Stay)?;
        while let Some(name) = self.waiting.pop() {
            let failed = |error| SysError::new("unlinkat", format!("{name:?}, AT_REMOVEDIR"), error);
            let directory = rustix::fs::openat(
                &self.top,
                name.as_c_str(),
                OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            )
            .map_err(failed)?;
            self.empty(&directory, Move::Up)?;
            rustix::fs::unlinkat(&self.top, name.as_c_str(), AtFlags::REMOVEDIR).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes what can be removed at once from `directory`; directories with content wait at the top.
    fn empty(&mut self, directory: &OwnedFd, way: Move) -> Result<()> {
        let quote = |error| SysError::new("getdents64", "", error);
        for entry in Dir::read_from(directory).map_err(quote)? {
            let entry = entry.map_err(quote)?;
            let name = entry.file_name();
            if name == c"." || name == c".." || remove_at_once(directory, name)? {
                continue;
            }
            match way {
                Move::Stay => self.waiting.push(name.to_owned()),
                Move::Up => self.move_up(directory, name)?,
            }
        }
        Ok(())
    }

    fn move_up(&mut self, directory: &OwnedFd, name: &std::ffi::CStr) -> Result<()> {
        loop {
            self.moved += 1;
            let fresh = CString::new(format!(".kiln-{}", self.moved)).unwrap_or_default();
            let flags = rustix::fs::RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(directory, name, &self.top, fresh.as_c_str(), flags) {
                Ok(()) => {
                    self.waiting.push(fresh);
                    return Ok(());
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(SysError::new("renameat2", format!("{name:?}, {fresh:?}"), error)),
            }
        }
    }
}

/// What becomes of a directory with content.
#[derive(Debug, Clone, Copy)]
enum Move {
    Stay,
    Up,
}

fn remove_at_once(directory: &OwnedFd, name: &std::ffi::CStr) -> Result<bool> {
    let file = rustix::fs::unlinkat(directory, name, AtFlags::empty());
    let result = match file {
        Err(Errno::ISDIR | Errno::PERM) => rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR),
        done => done,
    };
    match result {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(error) => Err(SysError::new("unlinkat", format!("{name:?}"), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{at, fs};

    #[test]
    fn a_tree_deeper_than_any_path_and_with_closed_directories_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let parent = at::open_directory(place.path()).unwrap();
        at::make_directory(&parent, "tree", 0o755).unwrap();
        let mut here = at::locate(&parent, "tree").unwrap();
        for depth in 0..3000 {
            let name = format!(".kiln-{depth}{}", "d".repeat(40));
            at::make_directory(&here, &name, 0o700).unwrap();
            drop(at::create(&here, format!("f{depth}"), 0o000).unwrap());
            here = at::locate(&here, &name).unwrap();
        }
        at::make_directory(&here, "closed", 0o000).unwrap();
        at::symlink("/", &here, "link").unwrap();
        drop(here);
        remove_tree(&parent, "tree").unwrap();
        assert!(!fs::exists(place.path().join("tree")));
        remove_tree(&parent, "tree").unwrap();
    }
}
