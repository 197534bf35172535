//! Files that a build left behind, opened so that nothing in their names or places can lead elsewhere: no symbolic
//! link is followed, no mount is crossed, no FIFO is waited for, and only regular files are read.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};

use crate::sys::{SysError, fs};

const CLOSED: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

fn open(directory: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, SysError> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::RDONLY;
    rustix::fs::openat2(directory, path, flags, Mode::empty(), CLOSED)
        .map_err(|source| SysError::new("openat2", format!("{path:?}"), source))
}

/// Opens a directory that a build may have replaced by anything; `path` is relative to the current directory.
pub fn open_directory(path: impl AsRef<Path>) -> Result<OwnedFd, SysError> {
    open(rustix::fs::CWD, path.as_ref(), OFlags::DIRECTORY)
}

/// The names in a directory, sorted; more than `most` are refused.
pub fn list(directory: impl AsFd, most: usize) -> Result<Vec<OsString>, SysError> {
    let failed = |source| SysError::new("getdents", "a build's directory", source);
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(|error| failed(error.into()))? {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if names.len() >= most {
            return Err(failed(io::Error::other(format!("more than {most} files"))));
        }
        names.push(std::os::unix::ffi::OsStringExt::from_vec(name.to_vec()));
    }
    names.sort();
    Ok(names)
}

/// Copies a regular file of a directory into a new file of the caller's own; one larger than `most` is refused.
pub fn copy_regular(
    directory: impl AsFd,
    name: &str,
    to: impl AsRef<Path>,
    most: u64,
) -> Result<u64, SysError> {
    let file = open(directory, Path::new(name), OFlags::empty())?;
    let refused = |why: &str| SysError::new("openat2", format!("{name:?}"), io::Error::other(why.to_owned()));
    let stat =
        rustix::fs::fstat(&file).map_err(|source| SysError::new("fstat", format!("{name:?}"), source))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(refused("not a regular file"));
    }
    if stat.st_size as u64 > most {
        return Err(refused("too large"));
    }
    if stat.st_size as u64 > SMALL && (stat.st_blocks as u64) * 512 < stat.st_size as u64 / HOLLOW {
        return Err(refused("mostly holes"));
    }
    let to = to.as_ref();
    let mut target = fs::create_new(to, 0o644)?;
    let mut source = File::from(file).take(most);
    io::copy(&mut source, &mut target)
        .map_err(|error| SysError::new("copy", format!("{name:?}, {to:?}"), error))
}

/// Files up to this size are copied whatever they are.
const SMALL: u64 = 16 << 20;
/// A file that takes less of the disk than this part of its size would fill the disk when it is copied. Packages are
/// compressed, so also a file system that compresses makes none of them that small.
const HOLLOW: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_copied() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::write(path("plain"), "content").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path("link")).unwrap();
        std::fs::create_dir(path("directory")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .unwrap();
        File::create(path("hollow")).unwrap().set_len(SMALL + 1).unwrap();
        let directory = File::open(place.path()).unwrap();
        assert_eq!(list(&directory, 10).unwrap(), ["directory", "fifo", "hollow", "link", "plain"]);
        assert!(copy_regular(&directory, "hollow", path("other"), 1 << 40).is_err());
        assert!(list(&directory, 3).is_err());
        assert_eq!(copy_regular(&directory, "plain", path("copy"), 100).unwrap(), 7);
        for name in ["link", "directory", "fifo", "../x", "missing"] {
            assert!(copy_regular(&directory, name, path("other"), 100).is_err(), "{name}");
        }
        assert!(copy_regular(&directory, "plain", path("small"), 3).is_err());
    }
}
