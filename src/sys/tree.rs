//! Whole directory trees that somebody else wrote: any depth, any mode, any name. No symbolic link in them is ever
//! followed, and no path longer than one name is ever given to the kernel.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How deep a walk goes before the rest is brought up: open descriptors are few, and nesting may not be.
const DEEP: usize = 100;

fn failed(call: &'static str, name: &CStr, source: rustix::io::Errno) -> SysError {
    SysError::new(call, format!("{:?}", name.to_string_lossy()), io::Error::from(source))
}

/// Opens the directory that holds `path`, and gives the last name of it.
fn parent(path: &Path) -> Result<(OwnedFd, CString)> {
    let wrong =
        |why| SysError::new("open", format!("{path:?}"), io::Error::new(io::ErrorKind::InvalidInput, why));
    let name = path.file_name().ok_or_else(|| wrong("the path has no last name"))?;
    let name = CString::new(name.as_encoded_bytes()).map_err(|_| wrong("the path has a NUL in it"))?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let above = fs::open(above, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())
        .map_err(|source| SysError::new("open", format!("{above:?}"), io::Error::from(source)))?;
    Ok((above, name))
}

fn names(directory: &OwnedFd) -> std::result::Result<Vec<CString>, rustix::io::Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if ![c".", c".."].contains(&name.as_c_str()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Opens a directory whatever its mode; its owner may always change that.
fn open(at: BorrowedFd<'_>, name: &CStr) -> std::result::Result<OwnedFd, rustix::io::Errno> {
    match fs::openat(at, name, DIRECTORY, Mode::empty()) {
        Err(rustix::io::Errno::ACCESS) => {
            let handle = fs::openat(at, name, DIRECTORY.union(OFlags::PATH), Mode::empty())?;
            let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&handle));
            fs::chmod(path, Mode::RWXU)?;
            fs::openat(at, name, DIRECTORY, Mode::empty())
        }
        other => other,
    }
}

/// Removes a file, a link or a directory with everything below it. Nothing there is success.
pub fn remove(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let (above, name) = match parent(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut removal = Removal { top: &above, moved: 0, pending: vec![name] };
    while let Some(name) = removal.pending.pop() {
        removal.entry(above.as_fd(), &name, 0)?;
    }
    Ok(())
}

struct Removal<'a> {
    top: &'a OwnedFd,
    moved: u64,
    pending: Vec<CString>,
}

impl Removal<'_> {
    fn entry(&mut self, at: BorrowedFd<'_>, name: &CStr, depth: usize) -> Result<()> {
        use rustix::io::Errno;
        match fs::unlinkat(at, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(source) => return Err(failed("unlinkat", name, source)),
        }
        let directory = match open(at, name) {
            Err(Errno::NOENT) => return Ok(()),
            other => other.map_err(|source| failed("openat", name, source))?,
        };
        // Its names can be removed, and itself moved, only where its owner may write to it.
        let mode = fs::fstat(&directory).map_err(|source| failed("fstat", name, source))?.st_mode;
        if mode & 0o300 != 0o300 {
            fs::fchmod(&directory, Mode::RWXU).map_err(|source| failed("fchmod", name, source))?;
        }
        if depth == DEEP {
            return self.bring_up(at, name);
        }
        for child in names(&directory).map_err(|source| failed("getdents64", name, source))? {
            self.entry(directory.as_fd(), &child, depth + 1)?;
        }
        match fs::unlinkat(at, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(source) => Err(failed("rmdir", name, source)),
        }
    }

    /// Moves a directory beside the tree's top, to be removed from there.
    fn bring_up(&mut self, at: BorrowedFd<'_>, name: &CStr) -> Result<()> {
        self.moved += 1;
        let new = format!(".kiln-removed-{}-{}", std::process::id(), self.moved);
        let new = CString::new(new).unwrap_or_default();
        fs::renameat(at, name, self.top, &new).map_err(|source| failed("renameat", name, source))?;
        self.pending.push(new);
        Ok(())
    }
}

/// One entry of a tree, as [`walk`] shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Device and inode: which names are one file.
    pub identity: (u64, u64),
    /// Whether it is a directory.
    pub directory: bool,
    /// Bytes that it takes on disk.
    pub allocated: u64,
}

/// Whether a walk saw everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// It did.
    Whole,
    /// Something lay deeper than it went.
    Cut,
}

/// Shows every entry of a tree, its top included, in no order, down to 500 levels. Nothing there shows nothing.
pub fn walk(path: impl AsRef<Path>, see: &mut dyn FnMut(Seen)) -> Result<()> {
    walk_to(path, DEEP * 5, see).map(drop)
}

/// The same down to `deepest` levels, with a descriptor open for each; what disappears meanwhile is left out. Where
/// there are no more descriptors it is cut as well.
pub fn walk_to(path: impl AsRef<Path>, deepest: usize, see: &mut dyn FnMut(Seen)) -> Result<Depth> {
    let (above, name) = match parent(path.as_ref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Depth::Whole),
        other => other?,
    };
    walk_entry(above.as_fd(), &name, deepest, see)
}

fn walk_entry(at: BorrowedFd<'_>, name: &CStr, levels: usize, see: &mut dyn FnMut(Seen)) -> Result<Depth> {
    let stat = match fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT) => return Ok(Depth::Whole),
        other => other.map_err(|source| failed("fstatat", name, source))?,
    };
    let directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    see(Seen { identity: (stat.st_dev, stat.st_ino), directory, allocated: (stat.st_blocks as u64) * 512 });
    if !directory {
        return Ok(Depth::Whole);
    }
    if levels == 0 {
        return Ok(Depth::Cut);
    }
    let handle = match fs::openat(at, name, DIRECTORY, Mode::empty()) {
        // Gone, or something else by now.
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            return Ok(Depth::Whole);
        }
        Err(rustix::io::Errno::MFILE) => return Ok(Depth::Cut),
        other => other.map_err(|source| failed("openat", name, source))?,
    };
    let mut depth = Depth::Whole;
    for child in names(&handle).map_err(|source| failed("getdents64", name, source))? {
        if walk_entry(handle.as_fd(), &child, levels - 1, see)? == Depth::Cut {
            depth = Depth::Cut;
        }
    }
    Ok(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_any_depth_and_mode_is_removed_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("kept");
        std::fs::write(&kept, "x").unwrap();
        let top = directory.path().join("tree");
        std::fs::create_dir(&top).unwrap();
        std::os::unix::fs::symlink(directory.path(), top.join("link")).unwrap();
        let mut at = fs::open(&top, DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..350 {
            fs::mkdirat(&at, c"a-name-of-some-length", Mode::RWXU).unwrap();
            let below = fs::openat(&at, c"a-name-of-some-length", DIRECTORY, Mode::empty()).unwrap();
            fs::fchmod(&at, Mode::empty()).unwrap();
            at = below;
        }
        drop(at);
        let mut seen = 0;
        walk(&kept, &mut |_| seen += 1).unwrap();
        assert_eq!(seen, 1);
        remove(&top).unwrap();
        remove(&top).unwrap();
        remove(directory.path().join("none/none")).unwrap();
        assert_eq!(crate::sys::fs::list(directory.path()).unwrap(), ["kept"]);
    }
}
