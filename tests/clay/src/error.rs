//! What can go wrong when Clay is made or served, each with the object it went wrong on.

use std::path::{Path, PathBuf};

/// A failure of any part of Clay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// The verb, as in "read".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A package file is not what dpkg-deb makes.
    #[error("`{deb}` is not a usable Debian package: {why}")]
    Deb {
        /// The file's name.
        deb: String,
        /// What is wrong with it.
        why: String,
    },
    /// A relation or version does not follow Debian's syntax.
    #[error("cannot understand `{text}` as a {kind}")]
    Control {
        /// What it should have been.
        kind: &'static str,
        /// The text.
        text: String,
    },
    /// apt could not be run, or refused.
    #[error("`{command}` failed: {why}")]
    Apt {
        /// The command line.
        command: String,
        /// Its last words.
        why: String,
    },
    /// A package that Clay wants is not in the host's archive.
    #[error("no package in the archive provides `{name}`, wanted by {by}")]
    NotInArchive {
        /// The package or virtual package.
        name: String,
        /// Who wants it.
        by: String,
    },
    /// The rpm crate refused a package.
    #[error("cannot build the package `{package}`")]
    Rpm {
        /// The package's name.
        package: String,
        /// The cause.
        source: Box<rpm::Error>,
    },
    /// The signing key could not be made, read or used.
    #[error("cannot {what} the signing key")]
    Key {
        /// The verb, as in "make".
        what: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// For `map_err`: an I/O failure on a path.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// For `map_err`: a refusal of the rpm crate.
    pub(crate) fn rpm(package: &str) -> impl FnOnce(rpm::Error) -> Self {
        let package = package.to_owned();
        move |source| Self::Rpm { package, source: Box::new(source) }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Apt { .. } | Self::NotInArchive { .. } => {
                Some("Clay is made from the host's own Debian archive: run `apt-get update`, and see that apt can download".into())
            }
            _ => None,
        }
    }
}
