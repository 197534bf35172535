//! The packages of a root.

use super::lit::{Id, Lit};
use super::search::Search;
use crate::package::Nevra;
use crate::unit::Digest;

/// A set of packages that can be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Sorted by NEVRA as text.
    pub packages: Vec<Chosen>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Chosen {
    /// What it is.
    pub nevra: Nevra,
    /// The repository's id.
    pub repo: String,
    /// Where it lies, relative to the repository's base URL.
    pub location: String,
    /// The package file's digest.
    pub digest: Digest,
    /// The package file's size in bytes.
    pub size: u64,
}

impl Search<'_, '_> {
    /// The packages that are in.
    pub(super) fn resolution(&self) -> Resolution {
        let mut packages: Vec<Chosen> = self.members().map(|id| self.pool.chosen(id)).collect();
        packages.sort_by_cached_key(|package| package.nevra.to_string());
        Resolution { packages }
    }

    /// The packages that are in, in the order in which they were decided.
    pub(super) fn members(&self) -> impl Iterator<Item = Id> {
        self.trail.iter().copied().filter(|literal| literal.is_yes()).map(Lit::id)
    }
}

impl super::pool::Pool<'_> {
    /// What is told of a package.
    pub(super) fn chosen(&self, id: Id) -> Chosen {
        let entry = self.entry(self.package(id));
        Chosen {
            nevra: entry.nevra(),
            repo: self.entry_repo(self.package(id)).to_owned(),
            location: entry.location().to_owned(),
            digest: entry.checksum(),
            size: entry.size(),
        }
    }
}
