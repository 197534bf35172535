//! One name in an open directory: every call that makes, changes, looks at or removes it. No symbolic link is ever
//! followed and no name with a `/` is ever given to the kernel, so a tree that somebody else wrote cannot lead out.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::{self, AtFlags, Dir, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What an inode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Last change of content: seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Last change of anything; nobody can set it.
    pub changed: (i64, u32),
    /// Device and inode.
    pub identity: (u64, u64),
    /// How many names it has.
    pub links: u64,
    /// A device's number.
    pub rdev: u64,
}

impl Stat {
    fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == FileType::Directory
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind() == FileType::Symlink
    }

    /// Whether it is a named pipe.
    pub fn is_fifo(&self) -> bool {
        self.kind() == FileType::Fifo
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind() == FileType::RegularFile
    }

    /// Whether it is an overlay's mark that the name is not there.
    pub fn is_whiteout(&self) -> bool {
        self.kind() == FileType::CharacterDevice && self.rdev == 0
    }
}

fn quoted<T>(result: rustix::io::Result<T>, call: &'static str, args: impl FnOnce() -> String) -> Result<T> {
    result.map_err(|source| SysError::new(call, args(), io::Error::from(source)))
}

/// The name as one component; anything else is refused before the kernel sees it.
fn one<N: AsRef<OsStr> + ?Sized>(name: &N) -> Result<&OsStr> {
    let name = name.as_ref();
    let bytes = name.as_bytes();
    if bytes.is_empty() || name == "." || name == ".." || bytes.contains(&b'/') || bytes.contains(&0) {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "not the name of a directory entry");
        return Err(SysError::new("openat", format!("{name:?}"), source));
    }
    Ok(name)
}

fn from_raw(stat: &fs::Stat) -> Stat {
    Stat {
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u64,
        mtime: (stat.st_mtime, stat.st_mtime_nsec as u32),
        changed: (stat.st_ctime, stat.st_ctime_nsec as u32),
        identity: (stat.st_dev, stat.st_ino),
        links: stat.st_nlink,
        rdev: stat.st_rdev,
    }
}

/// Opens a directory by its path on the host.
pub fn open_root(path: &str) -> Result<OwnedFd> {
    quoted(fs::open(path, DIRECTORY, Mode::empty()), "open", || format!("{path:?}, O_DIRECTORY|O_NOFOLLOW"))
}

/// Opens the directory `name`.
pub fn open_directory(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<OwnedFd> {
    let name = one(&name)?;
    quoted(fs::openat(at, name, DIRECTORY, Mode::empty()), "openat", || format!("{name:?}, O_DIRECTORY"))
}

/// Opens the same directory again.
pub fn reopen(directory: impl AsFd) -> Result<OwnedFd> {
    quoted(fs::openat(directory, ".", DIRECTORY, Mode::empty()), "openat", || "\".\", O_DIRECTORY".to_owned())
}

/// Opens the file `name` for reading.
pub fn open_file(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<File> {
    let name = one(&name)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file =
        quoted(fs::openat(at, name, flags, Mode::empty()), "openat", || format!("{name:?}, O_RDONLY"))?;
    Ok(File::from(file))
}

/// Makes the file `name`, which must not exist, and opens it for writing; only its owner may open it.
pub fn create_file(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<File> {
    let name = one(&name)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(at, name, flags, Mode::RUSR | Mode::WUSR);
    Ok(File::from(quoted(file, "openat", || format!("{name:?}, O_CREAT|O_EXCL, 0600"))?))
}

/// What `name` is; nothing where it is not there.
pub fn stat(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<Option<Stat>> {
    let name = one(&name)?;
    match fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(from_raw(&stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => quoted(Err(error), "fstatat", || format!("{name:?}, AT_SYMLINK_NOFOLLOW")),
    }
}

/// What an open file or directory is.
pub fn stat_open(file: impl AsFd) -> Result<Stat> {
    Ok(from_raw(&quoted(fs::fstat(file), "fstat", String::new)?))
}

/// The target of the symbolic link `name`.
pub fn read_link(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<OsString> {
    let name = one(&name)?;
    let target = quoted(fs::readlinkat(at, name, Vec::new()), "readlinkat", || format!("{name:?}"))?;
    Ok(OsString::from_vec(target.into_bytes()))
}

/// The names in a directory, sorted.
pub fn names(directory: impl AsFd) -> Result<Vec<OsString>> {
    let entries = quoted(Dir::read_from(directory), "getdents64", String::new)?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = quoted(entry, "getdents64", String::new)?;
        let name = entry.file_name().to_bytes();
        if ![&b"."[..], b".."].contains(&name) {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The names in a directory with their inodes' numbers as the directory has them: not always what [`stat`] says.
pub fn inodes(directory: impl AsFd) -> Result<Vec<(OsString, u64)>> {
    let entries = quoted(Dir::read_from(directory), "getdents64", String::new)?;
    let entry = |entry: rustix::io::Result<fs::DirEntry>| {
        let entry = quoted(entry, "getdents64", String::new)?;
        Ok((OsString::from_vec(entry.file_name().to_bytes().to_vec()), entry.ino()))
    };
    entries.map(entry).collect()
}

/// Makes the directory `name`.
pub fn make_directory(at: impl AsFd, name: impl AsRef<OsStr>, mode: u32) -> Result<()> {
    let name = one(&name)?;
    quoted(fs::mkdirat(at, name, Mode::from_raw_mode(mode)), "mkdirat", || format!("{name:?}, {mode:04o}"))
}

/// Makes a symbolic link.
pub fn make_link(target: impl AsRef<OsStr>, at: impl AsFd, name: impl AsRef<OsStr>) -> Result<()> {
    let name = one(&name)?;
    let target = target.as_ref();
    quoted(fs::symlinkat(target, at, name), "symlinkat", || format!("{target:?}, {name:?}"))
}

/// What [`make_special`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A socket that nobody listens on.
    Socket,
    /// An overlay's mark that the name is not there.
    Whiteout,
}

/// Makes a special file that needs no privilege.
pub fn make_special(at: impl AsFd, name: impl AsRef<OsStr>, what: Special) -> Result<()> {
    let name = one(&name)?;
    let kind = match what {
        Special::Fifo => FileType::Fifo,
        Special::Socket => FileType::Socket,
        Special::Whiteout => FileType::CharacterDevice,
    };
    let made = fs::mknodat(at, name, kind, Mode::RUSR | Mode::WUSR, 0);
    quoted(made, "mknodat", || format!("{name:?}, {what:?}"))
}

/// Gives an existing file a second name. Says no where the file system allows no more names of it, and across mounts.
pub fn hard_link(
    from: impl AsFd,
    old: impl AsRef<OsStr>,
    at: impl AsFd,
    name: impl AsRef<OsStr>,
) -> Result<bool> {
    link((from, old), (at, name), &[Errno::MLINK, Errno::XDEV])
}

/// Gives an existing file a name that is free. Says no where it is not, and where [`hard_link`] does.
pub fn link_new(
    from: impl AsFd,
    old: impl AsRef<OsStr>,
    at: impl AsFd,
    name: impl AsRef<OsStr>,
) -> Result<bool> {
    link((from, old), (at, name), &[Errno::MLINK, Errno::XDEV, Errno::EXIST])
}

/// Whether the link could be made; the errors of `refusals` say that it could not.
fn link(
    (from, old): (impl AsFd, impl AsRef<OsStr>),
    (at, name): (impl AsFd, impl AsRef<OsStr>),
    refusals: &[Errno],
) -> Result<bool> {
    let (old, name) = (one(&old)?, one(&name)?);
    match fs::linkat(from, old, at, name, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(error) if refusals.contains(&error) => Ok(false),
        Err(error) => quoted(Err(error), "linkat", || format!("{old:?}, {name:?}")),
    }
}

/// Moves a name, over whatever file has it there.
pub fn rename(from: impl AsFd, old: impl AsRef<OsStr>, at: impl AsFd, name: impl AsRef<OsStr>) -> Result<()> {
    let (old, name) = (one(&old)?, one(&name)?);
    quoted(fs::renameat(from, old, at, name), "renameat", || format!("{old:?}, {name:?}"))
}

/// Removes a file; nothing there is success.
pub fn remove_file(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<()> {
    let name = one(&name)?;
    match fs::unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => quoted(Err(error), "unlinkat", || format!("{name:?}")),
    }
}

/// Removes an empty directory.
pub fn remove_directory(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<()> {
    let name = one(&name)?;
    quoted(fs::unlinkat(at, name, AtFlags::REMOVEDIR), "unlinkat", || format!("{name:?}, AT_REMOVEDIR"))
}

/// Removes whatever `name` is, with all below it. The directory must not be one that others write in.
pub fn remove(at: impl AsFd, name: impl AsRef<OsStr>) -> Result<()> {
    let name = one(&name)?;
    let at = at.as_fd();
    match stat(at, name)? {
        None => Ok(()),
        Some(found) if found.is_directory() => {
            let directory = open_directory(at, name)?;
            for child in names(&directory)? {
                remove(&directory, &child)?;
            }
            drop(directory);
            remove_directory(at, name)
        }
        Some(_) => remove_file(at, name),
    }
}

/// Gives `name` an owner.
pub fn chown(at: impl AsFd, name: impl AsRef<OsStr>, uid: u32, gid: u32) -> Result<()> {
    let name = one(&name)?;
    let (user, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    let changed = fs::chownat(at, name, user, group, AtFlags::SYMLINK_NOFOLLOW);
    quoted(changed, "fchownat", || format!("{name:?}, {uid}, {gid}"))
}

/// Sets the permission bits of `name`, which must not be a symbolic link.
pub fn chmod(at: impl AsFd, name: impl AsRef<OsStr>, mode: u32) -> Result<()> {
    let name = one(&name)?;
    let changed = fs::chmodat(at, name, Mode::from_raw_mode(mode & 0o7777), AtFlags::empty());
    quoted(changed, "fchmodat", || format!("{name:?}, {:04o}", mode & 0o7777))
}

fn times(mtime: (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: mtime.0, tv_nsec: i64::from(mtime.1) };
    Timestamps { last_access: time, last_modification: time }
}

/// Sets the time of `name`: seconds and nanoseconds.
pub fn set_time(at: impl AsFd, name: impl AsRef<OsStr>, mtime: (i64, u32)) -> Result<()> {
    let name = one(&name)?;
    let changed = fs::utimensat(at, name, &times(mtime), AtFlags::SYMLINK_NOFOLLOW);
    quoted(changed, "utimensat", || format!("{name:?}, {}", mtime.0))
}

/// Sets owner and mode of an open file or directory; in this order, because a change of owner clears setuid.
pub fn set_owner_and_mode(file: impl AsFd, owner: (u32, u32), mode: u32) -> Result<()> {
    let (uid, gid) = (Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)));
    quoted(fs::fchown(file.as_fd(), uid, gid), "fchown", || format!("{}, {}", owner.0, owner.1))?;
    let mode = mode & 0o7777;
    quoted(fs::fchmod(file, Mode::from_raw_mode(mode)), "fchmod", || format!("{mode:04o}"))
}

/// Sets the time of an open file or directory.
pub fn set_open_time(file: impl AsFd, mtime: (i64, u32)) -> Result<()> {
    quoted(fs::futimens(file, &times(mtime)), "futimens", || mtime.0.to_string())
}

/// Sets an extended attribute of an open file or directory.
pub fn set_attribute(file: impl AsFd, name: &str, value: &[u8]) -> Result<()> {
    let set = fs::fsetxattr(file, name, value, fs::XattrFlags::empty());
    quoted(set, "fsetxattr", || format!("{name:?}, {} bytes", value.len()))
}

/// More than any attribute or list of attributes needs: the kernel's own limit.
const LARGEST: usize = 64 << 10;

/// Asks with a buffer that is nearly always enough, then with one that must be.
fn sized(ask: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut small = [0; 256];
    match ask(&mut small) {
        Ok(length) => Ok(small[..length].to_vec()),
        Err(Errno::RANGE) => {
            let mut large = vec![0; LARGEST];
            let length = ask(&mut large)?;
            large.truncate(length);
            Ok(large)
        }
        Err(error) => Err(error),
    }
}

/// An extended attribute of an open file or directory.
pub fn attribute(file: impl AsFd, name: &str) -> Result<Option<Vec<u8>>> {
    match sized(|buffer| fs::fgetxattr(file.as_fd(), name, buffer)) {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => quoted(Err(error), "fgetxattr", || format!("{name:?}")),
    }
}

/// The names of the extended attributes of an open file or directory.
pub fn attributes(file: impl AsFd) -> Result<Vec<String>> {
    match sized(|buffer| fs::flistxattr(file.as_fd(), buffer)) {
        Ok(list) => {
            let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
        }
        Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
        Err(error) => quoted(Err(error), "flistxattr", String::new),
    }
}

/// Removes an extended attribute of an open file or directory; none there is success.
pub fn remove_attribute(file: impl AsFd, name: &str) -> Result<()> {
    match fs::fremovexattr(file, name) {
        Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => quoted(Err(error), "fremovexattr", || format!("{name:?}")),
    }
}

/// Copies a whole file's content into an empty one: shared blocks where the file system can, else in the kernel.
pub fn copy_content(from: &File, to: &File) -> Result<()> {
    if fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let (mut from, mut to) = (from, to);
    let copied = io::copy(&mut from, &mut to);
    copied.map(drop).map_err(|source| SysError::new("copy_file_range", String::new(), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component() {
        let directory = tempfile::tempdir().unwrap();
        let at = open_root(directory.path().to_str().unwrap()).unwrap();
        for name in ["", ".", "..", "a/b", "/etc", "a\0b"] {
            assert!(stat(&at, name).is_err() && make_directory(&at, name, 0o755).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_is_made_is_seen_and_removed_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let at = open_root(directory.path().to_str().unwrap()).unwrap();
        make_directory(&at, "d", 0o700).unwrap();
        make_link("/etc", &at, "d-link").unwrap();
        make_special(&at, "fifo", Special::Fifo).unwrap();
        let inner = open_directory(&at, "d").unwrap();
        let file = create_file(&inner, "f").unwrap();
        std::io::Write::write_all(&mut &file, b"content").unwrap();
        set_open_time(&file, (1_700_000_000, 5)).unwrap();
        let copy = create_file(&inner, "copy").unwrap();
        copy_content(&open_file(&inner, "f").unwrap(), &copy).unwrap();
        assert!(hard_link(&inner, "f", &at, "second").unwrap());
        let found = stat(&at, "second").unwrap().unwrap();
        assert_eq!((found.mtime, found.links, found.size), ((1_700_000_000, 5), 2, 7));
        assert_eq!(stat(&inner, "copy").unwrap().unwrap().size, 7);
        assert_eq!(names(&at).unwrap(), ["d", "d-link", "fifo", "second"]);
        assert!(open_directory(&at, "d-link").is_err() && open_file(&at, "d-link").is_err());
        assert_eq!(read_link(&at, "d-link").unwrap(), "/etc");
        for name in names(&at).unwrap() {
            remove(&at, &name).unwrap();
        }
        assert!(names(&at).unwrap().is_empty());
    }
}
