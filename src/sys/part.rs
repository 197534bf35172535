//! A file in the making: one process owns it (`flock`), a later run can go on with it, `rename` publishes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

/// How often a part that vanishes while it is being opened is tried again.
const TRIES: usize = 16;

/// A part of a file. Dropped, it stays for a later run, unless it is empty or only this process knows its name.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    keep: Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    ForLater,
    No,
}

impl Part {
    /// Opens the part called `name` in `dir` and locks it. Where another process is writing that part, this is one
    /// with a name of its own, so that nobody waits.
    pub fn open(dir: &Path, name: &str) -> Result<Self> {
        let path = dir.join(name);
        for _ in 0..TRIES {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o644);
            let file =
                options.custom_flags(libc::O_NOFOLLOW).open(&path).map_err(|e| quoted("open", &path, e))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => break,
                Err(fs::TryLockError::Error(source)) => return Err(quoted("flock", &path, source)),
            }
            let held = file.metadata().map_err(|e| quoted("fstat", &path, e))?;
            // The name may have gone, or have become a published file's, between `open` and `flock`.
            if fs::symlink_metadata(&path).is_ok_and(|named| same(&named, &held)) {
                return Ok(Self { path, file, length: held.len(), keep: Keep::ForLater });
            }
        }
        Self::alone(dir)
    }

    /// Makes a part that only this process knows.
    pub fn alone(dir: &Path) -> Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..TRIES {
            let mode = fs::Permissions::from_mode(0o644);
            let made = tempfile::Builder::new().prefix("part-").permissions(mode).tempfile_in(dir);
            let (file, path) = match made.map_err(|e| quoted("open", dir, e))?.keep() {
                Ok(kept) => kept,
                Err(error) => {
                    last = error.error;
                    continue;
                }
            };
            file.lock().map_err(|source| quoted("flock", &path, source))?;
            // Somebody who cleans up may have met it before it was locked.
            let held = file.metadata().map_err(|e| quoted("fstat", &path, e))?;
            if fs::symlink_metadata(&path).is_ok_and(|named| same(&named, &held)) {
                return Ok(Self { path, file, length: 0, keep: Keep::No });
            }
        }
        Err(quoted("open", dir, last))
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Gives each piece of what is there to `each`, from the start.
    pub fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.file.seek(SeekFrom::Start(0)).map_err(|e| quoted("lseek", &self.path, e))?;
        let mut buffer = vec![0; 128 << 10];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => each(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(quoted("read", &self.path, error)),
            }
        }
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.seek(SeekFrom::Start(self.length)).map_err(|e| quoted("lseek", &self.path, e))?;
        self.file.write_all(bytes).map_err(|e| quoted("write", &self.path, e))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(|e| quoted("ftruncate", &self.path, e))?;
        self.length = 0;
        Ok(())
    }

    /// Gives it its final name, atomically; what was there is replaced.
    pub fn publish(mut self, to: &Path) -> Result<()> {
        let renamed = fs::rename(&self.path, to)
            .map_err(|source| SysError::new("rename", format!("{:?}, {to:?}", self.path), source));
        if renamed.is_ok() {
            self.path = PathBuf::new();
        }
        renamed
    }

    /// Removes it.
    pub fn discard(mut self) {
        self.keep = Keep::No;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let unwanted = self.keep == Keep::No || self.length == 0;
        if unwanted && !self.path.as_os_str().is_empty() {
            // What cannot be removed is garbage in a directory for garbage.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A regular file, open for reading. Anything else is refused, without waiting as a pipe would make one wait.
#[derive(Debug)]
pub struct Regular {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Regular {
    /// Opens the file at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let file = options.open(path).map_err(|e| quoted("open", path, e))?;
        let stat = file.metadata().map_err(|e| quoted("fstat", path, e))?;
        if !stat.file_type().is_file() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(quoted("open", path, source));
        }
        Ok(Self { path: path.to_owned(), file, length: stat.len() })
    }

    /// How long it was when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Goes to a place in it.
    pub fn seek(&mut self, to: u64) -> Result<()> {
        self.file.seek(SeekFrom::Start(to)).map(|_| ()).map_err(|e| quoted("lseek", &self.path, e))
    }

    /// Reads some bytes; none at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|e| quoted("read", &self.path, e)),
            }
        }
    }

    /// Reads all of it, but not more than `limit` bytes.
    pub fn read_all(self, limit: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.take(limit).read_to_end(&mut bytes).map_err(|e| quoted("read", &self.path, e))?;
        Ok(bytes)
    }
}

fn same(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

fn quoted(call: &'static str, path: &Path, source: io::Error) -> SysError {
    SysError::new(call, format!("{path:?}"), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_gone_on_with_by_the_next_owner() {
        let dir = tempfile::tempdir().unwrap();
        let mut part = Part::open(dir.path(), "x.part").unwrap();
        part.append(b"abc").unwrap();
        drop(part);
        let mut part = Part::open(dir.path(), "x.part").unwrap();
        assert_eq!(part.length(), 3);
        part.append(b"def").unwrap();
        let mut all = Vec::new();
        part.replay(&mut |bytes| all.extend_from_slice(bytes)).unwrap();
        assert_eq!(all, b"abcdef");
        part.publish(&dir.path().join("x")).unwrap();
        assert_eq!(crate::sys::fs::list(dir.path()).unwrap(), ["x"]);
    }

    #[test]
    fn two_owners_at_once_do_not_share_a_part() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Part::open(dir.path(), "x.part").unwrap();
        first.append(b"abc").unwrap();
        let mut second = Part::open(dir.path(), "x.part").unwrap();
        second.append(b"d").unwrap();
        assert_ne!(first.path(), second.path());
        drop(second);
        first.discard();
        assert!(crate::sys::fs::list(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Regular::open(dir.path()).is_err());
        assert!(Regular::open(Path::new("/dev/null")).is_err());
    }
}
