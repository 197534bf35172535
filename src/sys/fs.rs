//! Files and directories by path. For trees that somebody else wrote, use the `*at` calls instead.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::sys::{SysError, signal};

pub use std::fs::File;

type Result<T> = std::result::Result<T, SysError>;

fn quoted(call: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SysError {
    let args = format!("{path:?}");
    move |source| SysError::new(call, args, source)
}

/// The whole content of a file.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    fs::read(path).map_err(quoted("read", path))
}

/// The same; nothing where there is no such file.
pub fn read_if_there(path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
    if_there(read(path))
}

/// What was asked of a file; nothing where there is none.
fn if_there<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// The whole content of a file, which must be UTF-8.
pub fn read_text(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(quoted("read", path))
}

/// The last `length` bytes of a file, or all of it.
pub fn read_end(path: impl AsRef<Path>, length: u64) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let mut file = File::open(path).map_err(quoted("open", path))?;
    let size = file.metadata().map_err(quoted("fstat", path))?.len();
    file.seek(io::SeekFrom::Start(size.saturating_sub(length))).map_err(quoted("lseek", path))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(quoted("read", path))?;
    Ok(bytes)
}

/// Copies a file's content to a new file with `mode`; the kernel shares or copies the blocks.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>, mode: u32) -> Result<u64> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let mut source = File::open(from).map_err(quoted("open", from))?;
    let mut target = create_new(to, mode)?;
    target.set_permissions(fs::Permissions::from_mode(mode)).map_err(quoted("fchmod", to))?;
    io::copy(&mut source, &mut target)
        .map_err(|error| SysError::new("copy", format!("{from:?}, {to:?}"), error))
}

/// Opens a file for reading.
pub fn open(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    File::open(path).map_err(quoted("open", path))
}

/// Makes or truncates a file, mode 0644, and opens it for writing.
pub fn create(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    File::create(path).map_err(quoted("open", path))
}

/// Makes a file that must not exist yet, with `mode`.
pub fn create_new(path: impl AsRef<Path>, mode: u32) -> Result<File> {
    let path = path.as_ref();
    let mut options = OpenOptions::new();
    options.write(true).read(true).create_new(true).mode(mode);
    options.open(path).map_err(quoted("open", path))
}

/// Opens a file for appending; makes it where it is missing.
pub fn append(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    OpenOptions::new().append(true).create(true).open(path).map_err(quoted("open", path))
}

/// Writes a whole file in place.
pub fn write(path: impl AsRef<Path>, content: &[u8]) -> Result<()> {
    let path = path.as_ref();
    fs::write(path, content).map_err(quoted("write", path))
}

/// Writes all bytes to an open file or pipe.
pub fn write_all_to(file: impl Into<File>, content: &[u8]) -> Result<()> {
    file.into()
        .write_all(content)
        .map_err(|error| SysError::new("write", format!("{} bytes", content.len()), error))
}

/// Writes a whole file so that a reader sees the old content or the new, never a part: a temporary file beside it,
/// `fsync`, `rename`.
pub fn publish(path: impl AsRef<Path>, content: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let file = beside(path, content)?;
    file.as_file().sync_all().map_err(quoted("fsync", path))?;
    file.persist(path).map_err(|error| quoted("rename", path)(error.error))?;
    Ok(())
}

/// The same for what is checked whenever it is read: it need not be on the disk before it has its name.
pub fn replace(path: impl AsRef<Path>, content: &[u8]) -> Result<()> {
    let path = path.as_ref();
    beside(path, content)?.persist(path).map_err(|error| quoted("rename", path)(error.error))?;
    Ok(())
}

/// A file beside a path, with what the path is to have.
fn beside(path: &Path, content: &[u8]) -> Result<tempfile::NamedTempFile> {
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".kiln-")
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(parent)
        .map_err(quoted("open", parent))?;
    file.write_all(content).map_err(quoted("write", path))?;
    Ok(file)
}

/// Tells the file system that what is made in a directory does not belong together (`chattr +T`).
pub fn spread(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let directory = open(path)?;
    let failed = |source: rustix::io::Errno| quoted("ioctl", path)(source.into());
    let flags = rustix::fs::ioctl_getflags(&directory).map_err(failed)?;
    let failed = |source: rustix::io::Errno| quoted("ioctl", path)(source.into());
    rustix::fs::ioctl_setflags(&directory, flags | rustix::fs::IFlags::TOPDIR).map_err(failed)
}

/// Waits until a file or a directory is on the disk as it is now.
pub fn sync(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    open(path)?.sync_all().map_err(quoted("fsync", path))
}

/// Waits until everything is on the disk that was written to the file system of a path.
pub fn sync_file_system(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    rustix::fs::syncfs(open(path)?).map_err(|source| quoted("syncfs", path)(source.into()))
}

/// Sets a file's times of use and of change to now.
pub fn touch(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let now = std::time::SystemTime::now();
    let times = fs::FileTimes::new().set_accessed(now).set_modified(now);
    let file = File::open(path).map_err(quoted("open", path))?;
    file.set_times(times).map_err(quoted("futimens", path))
}

/// A file that is being written beside its place, and appears there when it is whole. Dropped before, it is gone.
#[derive(Debug)]
pub struct Draft {
    file: tempfile::NamedTempFile,
    place: PathBuf,
}

impl Draft {
    /// Begins a file for `place`; its mode is what the process's mask makes of 0666.
    pub fn beside(place: &Path) -> Result<Self> {
        let parent = place.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".kiln-")
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(parent)
            .map_err(quoted("open", parent))?;
        Ok(Self { file, place: place.to_owned() })
    }

    /// The file.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name, over what is there.
    pub fn publish(self) -> Result<()> {
        let place = self.place;
        self.file.as_file().sync_all().map_err(quoted("fsync", &place))?;
        self.file.persist(&place).map(drop).map_err(|error| quoted("rename", &place)(error.error))
    }
}

/// Makes a directory and its missing parents, mode 0755.
pub fn create_dir_all(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::create_dir_all(path).map_err(quoted("mkdir", path))
}

/// Makes one directory with `mode`; it must not exist yet.
pub fn create_dir(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    fs::DirBuilder::new().mode(mode).create(path).map_err(quoted("mkdir", path))
}

/// Gives a file or directory another name, atomically.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    fs::rename(from, to).map_err(|source| SysError::new("rename", format!("{from:?}, {to:?}"), source))
}

/// Removes a file or symbolic link.
pub fn remove_file(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::remove_file(path).map_err(quoted("unlink", path))
}

/// Removes a file or symbolic link, if there is one.
pub fn remove_if_there(path: impl AsRef<Path>) -> Result<()> {
    if_there(remove_file(path)).map(drop)
}

/// Removes a directory with all below it. Only for trees that kiln itself wrote and owns; what a build wrote is
/// removed inside its user namespace.
pub fn remove_dir_all(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::remove_dir_all(path).map_err(quoted("unlink", path))
}

/// A file's metadata, through symbolic links.
pub fn stat(path: impl AsRef<Path>) -> Result<fs::Metadata> {
    let path = path.as_ref();
    fs::metadata(path).map_err(quoted("stat", path))
}

/// The size of a file; nothing where there is none.
pub fn size_if_there(path: impl AsRef<Path>) -> Result<Option<u64>> {
    Ok(if_there(stat(path))?.map(|found| found.len()))
}

/// Whether this process may write to a file or directory.
pub fn is_writable(path: impl AsRef<Path>) -> bool {
    rustix::fs::access(path.as_ref(), rustix::fs::Access::WRITE_OK).is_ok()
}

/// The numbers of the disk that a path is on: of the whole disk, where it is on a part of one. None where the file
/// system is on no disk of its own.
pub fn disk_of(path: impl AsRef<Path>) -> Option<(u32, u32)> {
    let device = rustix::fs::stat(path.as_ref()).ok()?.st_dev;
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let entry = format!("/sys/dev/block/{major}:{minor}");
    if !exists(&entry) {
        return None;
    }
    if !exists(format!("{entry}/partition")) {
        return Some((major, minor));
    }
    let text = read_text(canonical(entry).ok()?.parent()?.join("dev")).ok()?;
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Bytes and files that still fit into the file system of a path.
pub fn free(path: impl AsRef<Path>) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(path.as_ref()).ok()?;
    Some((found.f_bfree * found.f_frsize, found.f_ffree))
}

/// Bytes that a memory file system holds; none where the path is on no memory file system.
pub fn held_in_memory(path: impl AsRef<Path>) -> Option<u64> {
    const TMPFS: u64 = 0x0102_1994;
    let path = path.as_ref();
    // The field's type differs by machine.
    let kind = u64::try_from(rustix::fs::statfs(path).ok()?.f_type).ok()?;
    let found = rustix::fs::statvfs(path).ok()?;
    (kind == TMPFS).then(|| (found.f_blocks - found.f_bfree) * found.f_frsize)
}

/// The device that files of `memfd_create` are on.
pub fn device_of_memory_files() -> Option<u64> {
    let file = rustix::fs::memfd_create("probe", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
    Some(rustix::fs::fstat(&file).ok()?.st_dev)
}

/// Where a symbolic link leads.
pub fn read_link(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    fs::read_link(path).map_err(quoted("readlink", path))
}

/// Removes an empty directory.
pub fn remove_dir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::remove_dir(path).map_err(quoted("rmdir", path))
}

/// Whether something is there, symbolic links followed.
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}

/// The same, where not to know is no answer.
pub fn is_there(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    path.try_exists().map_err(quoted("stat", path))
}

/// The path without symbolic links and `..`.
pub fn canonical(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    fs::canonicalize(path).map_err(quoted("realpath", path))
}

/// The names in a directory, sorted.
pub fn list(path: impl AsRef<Path>) -> Result<Vec<std::ffi::OsString>> {
    let path = path.as_ref();
    let entries = fs::read_dir(path).map_err(quoted("opendir", path))?;
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(quoted("readdir", path))?;
    names.sort();
    Ok(names)
}

/// The same; none where there is no directory.
pub fn list_if_there(path: impl AsRef<Path>) -> Result<Vec<std::ffi::OsString>> {
    Ok(if_there(list(path))?.unwrap_or_default())
}

/// A file mapped into memory for reading.
#[derive(Debug)]
pub struct Mapped(Option<memmap2::Mmap>);

impl std::ops::Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}

/// Maps a file of the store, which nobody changes once it is published.
pub fn map(path: impl AsRef<Path>) -> Result<Mapped> {
    let path = path.as_ref();
    let file = File::open(path).map_err(quoted("open", path))?;
    if file.metadata().map_err(quoted("fstat", path))?.len() == 0 {
        return Ok(Mapped(None));
    }
    signal::explain_lost_pages();
    #[expect(
        unsafe_code,
        reason = "the caller maps only files that nobody truncates: published store objects"
    )]
    // SAFETY: store objects are immutable once published, and the store's directory is private to its owner.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(quoted("mmap", path))?;
    Ok(Mapped(Some(map)))
}
