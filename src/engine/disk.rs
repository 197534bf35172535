//! The disk as the config stage sees it.

use std::io::ErrorKind;

use crate::config::{FileError, Files};
use crate::sys;
use crate::unit::HostPath;

/// Reads release files from the disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &HostPath) -> Result<Option<String>, FileError> {
        match sys::fs::read_text(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Box::new(error)),
        }
    }

    fn list(&self, directory: &HostPath) -> Result<Vec<String>, FileError> {
        match sys::fs::list(directory) {
            Ok(names) => Ok(names.iter().filter_map(|name| name.to_str().map(str::to_owned)).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Box::new(error)),
        }
    }
}
