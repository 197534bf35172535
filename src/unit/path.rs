//! Paths on the host and paths inside a root are two types, with one conversion.

use std::fmt;
use std::path::{Path, PathBuf};

/// A path on the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct HostPath(PathBuf);

impl HostPath {
    /// A path on the host.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// This path with one more component.
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        Self(self.0.join(name))
    }

    /// The path for a call to the kernel.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for HostPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// An absolute path inside a root, without `.`, `..`, empty components or NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct RootPath(String);

/// Text that is not a path inside a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an absolute path without `.` and `..`", .path.escape_default())]
pub struct RootPathError {
    path: String,
}

impl RootPath {
    /// A path inside a root.
    pub fn new(path: impl Into<String>) -> Result<Self, RootPathError> {
        let path: String = path.into();
        let clean = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        let rest = path.strip_prefix('/');
        if path == "/" || rest.is_some_and(|rest| rest.split('/').all(clean)) {
            Ok(Self(path))
        } else {
            Err(RootPathError { path })
        }
    }

    /// The path as the processes inside see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path relative to the root's directory, for the `*at` calls; the root itself is `.`.
    pub fn relative(&self) -> &str {
        match &self.0[1..] {
            "" => ".",
            rest => rest,
        }
    }
}

impl fmt::Display for RootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for RootPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_path_cannot_leave_the_root() {
        for path in ["/", "/usr/bin", "/a b"] {
            assert!(RootPath::new(path).is_ok(), "{path}");
        }
        for path in ["", "usr", "/..", "/a/../b", "/a//b", "/a/", "/a\0b", "/./a"] {
            assert!(RootPath::new(path).is_err(), "{path}");
        }
    }
}
