//! Exactly which packages, by digest: the only thing that a root is made from. Two builds from one lock must
//! meet byte for byte, so nothing here reads the clock, the disk or the network.

use crate::package::Nevra;
use crate::unit::Digest;

/// One package, and where to get it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LockedPackage {
    /// What it is.
    pub nevra: Nevra,
    /// The repository's id.
    pub repo: String,
    /// Where it lies, relative to the repository's base URL.
    pub location: String,
    /// The package file's digest, as repository metadata promises it.
    pub digest: Digest,
    /// The package file's size in bytes.
    pub size: u64,
}

/// A set of packages, sorted; the same set gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lock {
    version: u32,
    /// The release's name.
    pub release: String,
    /// The root's architecture.
    pub arch: String,
    /// The packages, sorted by NEVRA.
    pub packages: Vec<LockedPackage>,
}

impl Lock {
    /// Freezes a choice of packages.
    pub fn freeze(release: &str, arch: &str, mut packages: Vec<LockedPackage>) -> Self {
        packages.sort_by_cached_key(|package| package.nevra.to_string());
        Self { version: 1, release: release.to_owned(), arch: arch.to_owned(), packages }
    }
}
