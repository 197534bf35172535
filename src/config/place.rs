//! Where a value was written, so that every complaint can point at it.

use std::fmt;
use std::sync::Arc;

use crate::unit::HostPath;

/// A release file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReleaseFile {
    /// On disk.
    Disk(HostPath),
    /// In the binary, by its path below `configs/`.
    Shipped(String),
    /// No file: the options of the command line.
    CommandLine,
}

impl fmt::Display for ReleaseFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(path) => path.fmt(f),
            Self::Shipped(path) => write!(f, "<shipped>/{path}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// A line and a column of a file, counted from 1. Line 0 is the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which file.
    pub file: Arc<ReleaseFile>,
    /// Its line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl Place {
    /// The file as a whole.
    pub fn whole(file: &Arc<ReleaseFile>) -> Self {
        Self { file: Arc::clone(file), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => self.file.fmt(f),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}
