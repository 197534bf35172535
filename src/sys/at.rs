//! Files relative to an open directory, for trees that somebody else wrote: no path is trusted, no symbolic link
//! leads out, nothing blocks.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;

use crate::sys::SysError;
use crate::sys::error::quoted;

type Result<T> = std::result::Result<T, SysError>;

/// The current directory, or another by its path, as a place to start from.
pub fn open_directory(path: impl AsRef<Path>) -> Result<OwnedFd> {
    let path = path.as_ref();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(quoted("open", format_args!("{path:?}, O_PATH")))
}

/// Whatever is at a path of the host, as a place only; relative paths start at the working directory.
pub fn open_place(path: impl AsRef<Path>) -> Result<OwnedFd> {
    let path = path.as_ref();
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(quoted("open", format_args!("{path:?}, O_PATH")))
}

/// Whether a descriptor is open on a directory.
pub fn is_directory(file: impl AsFd) -> Result<bool> {
    let stat = rustix::fs::fstat(file).map_err(quoted("fstat", ""))?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// What `path` is when `root` is taken for `/`: symbolic links stay inside. Opened as a place only (`O_PATH`).
pub fn locate(root: impl AsFd, path: impl AsRef<Path>) -> Result<OwnedFd> {
    locate_as(root, path.as_ref(), OFlags::empty())
}

fn locate_as(root: impl AsFd, path: &Path, more: OFlags) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | more;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
        .map_err(quoted("openat2", format_args!("{path:?}, O_PATH, RESOLVE_IN_ROOT")))
}

/// The directory `path` when `root` is taken for `/`; what is missing is made, mode 0755.
pub fn ensure_directory(root: impl AsFd, path: impl AsRef<Path>) -> Result<OwnedFd> {
    let (root, path) = (root.as_fd(), path.as_ref());
    match locate_as(root, path, OFlags::DIRECTORY) {
        Err(error) if error.errno() == Some(libc::ENOENT) => {}
        found => return found,
    }
    let mut walked = std::path::PathBuf::from("/");
    let mut here = locate_as(root, &walked, OFlags::DIRECTORY)?;
    for component in path.components() {
        let Component::Normal(name) = component else { continue };
        walked.push(name);
        here = match locate_as(root, &walked, OFlags::DIRECTORY) {
            Err(error) if error.errno() == Some(libc::ENOENT) => {
                make_directory(&here, name, 0o755)?;
                locate_as(root, &walked, OFlags::DIRECTORY)?
            }
            found => found?,
        };
    }
    Ok(here)
}

/// The file `path` when `root` is taken for `/`; made empty where it is missing, in a directory that must exist.
pub fn ensure_file(root: impl AsFd, path: impl AsRef<Path>) -> Result<OwnedFd> {
    let (root, path) = (root.as_fd(), path.as_ref());
    match locate(root, path) {
        Err(error) if error.errno() == Some(libc::ENOENT) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = locate(root, parent.unwrap_or(Path::new("/")))?;
            let name = path.file_name().unwrap_or_default();
            drop(create(&parent, name, 0o644)?);
            locate(root, path)
        }
        found => found,
    }
}

/// Makes the directory `name`, one component, in `directory`.
pub fn make_directory(directory: impl AsFd, name: impl AsRef<Path>, mode: u32) -> Result<()> {
    let name = name.as_ref();
    rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(mode))
        .map_err(quoted("mkdirat", format_args!("{name:?}, {mode:04o}")))
}

/// Makes the file `name`, one component, which must not exist, and opens it for writing.
pub fn create(directory: impl AsFd, name: impl AsRef<Path>, mode: u32) -> Result<std::fs::File> {
    let name = name.as_ref();
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(mode))
        .map(std::fs::File::from)
        .map_err(quoted("openat", format_args!("{name:?}, O_CREAT|O_EXCL")))
}

/// Makes a symbolic link.
pub fn symlink(target: &str, directory: impl AsFd, name: &str) -> Result<()> {
    rustix::fs::symlinkat(target, directory, name)
        .map_err(quoted("symlinkat", format_args!("{target:?}, {name:?}")))
}

/// Gives `name`, one component, an owner; a symbolic link is not followed.
pub fn chown(directory: impl AsFd, name: impl AsRef<Path>, uid: u32, gid: u32) -> Result<()> {
    let name = name.as_ref();
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    rustix::fs::chownat(directory, name, Some(user), Some(group), flags)
        .map_err(quoted("fchownat", format_args!("{name:?}, {uid}, {gid}")))
}

/// Whether two descriptors are open on the same kind of character device as `/dev/null`: 1:3.
pub fn is_null_device(file: impl AsFd) -> Result<bool> {
    let stat = rustix::fs::fstat(file).map_err(quoted("fstat", ""))?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    Ok(kind == FileType::CharacterDevice && stat.st_rdev == rustix::fs::makedev(1, 3))
}

/// Whether `path` is there when `root` is taken for `/`.
pub fn exists(root: impl AsFd, path: impl AsRef<Path>) -> bool {
    locate(root, path).is_ok()
}

/// Whether there is something of a name in `directory`, whose names nobody else decides.
pub fn has(directory: impl AsFd, name: &str) -> bool {
    rustix::fs::accessat(directory, name, rustix::fs::Access::EXISTS, AtFlags::EACCESS).is_ok()
}

/// Renames within one directory, atomically; an existing directory that is not empty stays and is no failure.
pub fn publish_directory(directory: impl AsFd, from: &OsStr, to: &OsStr) -> Result<bool> {
    let directory = directory.as_fd();
    match rustix::fs::renameat(directory, from.as_bytes(), directory, to.as_bytes()) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
        Err(error) => Err(SysError::new("renameat", format!("{from:?}, {to:?}"), error)),
    }
}
