//! The result directory: made before the build, so that logs are there to follow and stay when it fails.

use crate::sys::fs::File;
use std::io::Write as _;

use crate::engine::error::{Error, LogTail};
use crate::sys;
use crate::sys::SysError;
use crate::unit::HostPath;

/// How many lines of a log an error shows.
const TAIL_LINES: usize = 20;
/// How much of a log's end is read for them.
const TAIL_BYTES: u64 = 64 << 10;

/// The directory that a build leaves behind.
#[derive(Debug, Clone)]
pub(super) struct Results {
    path: HostPath,
}

impl Results {
    /// Makes the directory, or takes the one that is there.
    pub(super) fn open(path: &HostPath) -> Result<Self, Error> {
        let failed = |source| Error::Results { path: path.clone(), source };
        sys::fs::create_dir_all(path).map_err(failed)?;
        let failed = |source| Error::Results { path: path.clone(), source };
        let path = HostPath::new(sys::fs::canonical(path).map_err(failed)?);
        Ok(Self { path })
    }

    /// The directory.
    pub(super) fn path(&self) -> &HostPath {
        &self.path
    }

    /// Starts a log. What has that name is removed and not written to: in a directory of somebody else's it may lead
    /// anywhere.
    pub(super) fn log(&self, name: &str) -> Result<File, Error> {
        let path = self.path.join(name);
        sys::fs::remove_if_there(&path)
            .and_then(|()| sys::fs::create_new(&path, 0o644))
            .map_err(|source| self.failed(source))
    }

    /// Writes a file, whole or not at all.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        sys::fs::publish(self.path.join(name), content).map_err(|source| self.failed(source))
    }

    /// Writes a value as JSON for people and machines.
    pub(super) fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| self.failed(SysError::new("serialize", name, std::io::Error::other(error))))?;
        text.push(b'\n');
        self.write(name, &text)
    }

    /// The end of a log.
    pub(super) fn tail(&self, name: &str) -> LogTail {
        tail(self.path.join(name))
    }

    /// A failure to write here.
    pub(super) fn failed(&self, source: SysError) -> Error {
        Error::Results { path: self.path.clone(), source }
    }
}

/// The end of a log anywhere.
pub(super) fn tail(path: HostPath) -> LogTail {
    let bytes = sys::fs::read_end(&path, TAIL_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail =
        lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| (*line).to_owned()).collect();
    LogTail { path, tail }
}

/// A log that is written as lines of events and as raw bytes.
pub(super) struct BuildLog<'a> {
    file: File,
    pending: Vec<u8>,
    line: &'a mut dyn FnMut(String),
}

/// A line longer than this is shown in pieces; the file keeps it whole.
const LONGEST_LINE: usize = 4096;

impl<'a> BuildLog<'a> {
    pub(super) fn new(file: File, line: &'a mut dyn FnMut(String)) -> Self {
        Self { file, pending: Vec::new(), line }
    }

    /// Takes a piece of output: the file gets its bytes, the listener its lines.
    pub(super) fn take(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.file.write_all(piece)?;
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(part);
            if part.ends_with(b"\n") || self.pending.len() > LONGEST_LINE {
                self.flush_line();
            }
        }
        Ok(())
    }

    fn flush_line(&mut self) {
        let text = String::from_utf8_lossy(&self.pending);
        (self.line)(text.trim_end_matches(['\n', '\r']).to_owned());
        self.pending.clear();
    }
}

impl Drop for BuildLog<'_> {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.flush_line();
        }
    }
}
