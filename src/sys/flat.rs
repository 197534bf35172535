//! A directory without directories in it, opened once: its files are made and linked by name alone, so nothing that
//! happens to the path above can lead them elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};

use crate::sys::SysError;

/// An open directory.
#[derive(Debug)]
pub struct Flat(OwnedFd);

impl Flat {
    /// Opens a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SysError> {
        let path = path.as_ref();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty())
            .map(Self)
            .map_err(|source| SysError::new("open", format!("{path:?}"), io::Error::from(source)))
    }

    /// Makes a file that must not be there yet, mode 0600, open for writing.
    pub fn create(&self, name: &str) -> Result<File, SysError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)
            .map(File::from)
            .map_err(|source| SysError::new("openat", format!("{name:?}"), io::Error::from(source)))
    }

    /// Gives a file of this directory another name in it.
    pub fn link(&self, from: &str, to: &str) -> Result<(), SysError> {
        rustix::fs::linkat(&self.0, from, &self.0, to, AtFlags::empty())
            .map_err(|source| SysError::new("linkat", format!("{from:?}, {to:?}"), io::Error::from(source)))
    }
}
