//! What is asked of the solver, and of which repositories.

use std::collections::BTreeSet;

use super::Conflict;
use crate::metadata::{Metadata, Owners, PackageId};
use crate::package::Nevra;

/// Whether recommended packages are installed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weak {
    /// Only what is required; recommendations still decide between candidates.
    #[default]
    Skip,
    /// What is recommended, and what supplements, where it fits.
    Install,
}

/// Whether older versions will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Best {
    /// The best version of what was asked for, or none.
    #[default]
    Only,
    /// An older version if the best cannot be installed.
    Prefer,
}

/// One repository, as the solver sees it.
#[derive(Debug, Clone, Copy)]
pub struct RepoMetadata<'a> {
    /// Its packages.
    pub metadata: &'a Metadata,
    /// The lower, the better; dnf's default is 99.
    pub priority: i32,
    /// Decides between equal packages: the lower, the better; dnf's default is 1000.
    pub cost: u32,
    /// Packages that may not be taken, as dnf's `excludepkgs`.
    pub excludes: &'a [String],
    /// The only packages that may be taken, as dnf's `includepkgs`; none means all.
    pub includes: &'a [String],
    /// Packages of module streams that are not active.
    pub inactive: &'a [PackageId],
}

impl<'a> RepoMetadata<'a> {
    /// A repository with dnf's defaults.
    pub fn new(metadata: &'a Metadata) -> Self {
        Self { metadata, priority: 99, cost: 1000, excludes: &[], includes: &[], inactive: &[] }
    }
}

/// Paths that were looked up in the repositories' full file lists, and who owns them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    asked: BTreeSet<String>,
    owners: Vec<(String, String, PackageId)>,
}

impl Files {
    /// Takes in what a repository's file list answered to some paths.
    pub fn add(&mut self, repo: &str, asked: &[String], owners: &Owners) {
        self.asked.extend(asked.iter().cloned());
        for (path, packages) in owners.iter() {
            self.owners.extend(packages.iter().map(|package| (path.to_owned(), repo.to_owned(), *package)));
        }
    }

    /// Whether a path was looked up.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.asked.contains(path)
    }

    /// Path, repository and package.
    pub(super) fn owners(&self) -> impl Iterator<Item = (&str, &str, PackageId)> {
        self.owners.iter().map(|(path, repo, package)| (path.as_str(), repo.as_str(), *package))
    }
}

/// What a root is to have.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The root's architecture.
    pub arch: String,
    /// Packages as on dnf's command line: names, NEVRAs, patterns, provides, paths. Groups are expanded by the caller.
    pub install: Vec<String>,
    /// Requirements as in a spec file's `BuildRequires`.
    pub requires: Vec<String>,
    /// What is in the root already and stays.
    pub installed: Vec<Nevra>,
    /// Whether recommended packages are installed.
    pub weak: Weak,
    /// Whether older versions will do.
    pub best: Best,
    /// Answers to an earlier [`Error::NeedsFilelists`].
    pub files: Files,
}

/// Why there is no resolution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The answer depends on paths that primary does not list: look them up and ask again with [`Request::files`].
    #[error("the full file lists are needed to find {}", .0.join(", "))]
    NeedsFilelists(Vec<String>),
    /// No root satisfies the request.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NeedsFilelists(_) => None,
            Self::Conflict(conflict) => conflict.hint(),
        }
    }
}
