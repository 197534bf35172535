//! Why a layer could not be made.

use crate::install::rpmdb;
use crate::package::header::HeaderError;
use crate::plan::LayerId;
use crate::plan::transaction::Clash;
use crate::sys::SysError;
use crate::{sandbox, store};

/// A transaction that failed. Nothing of it stays: the layer appears whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer that this one lies on is not in the store.
    #[error("the layer {id} below is not in the store")]
    Parent {
        /// Which.
        id: LayerId,
    },
    /// A package is not in the store.
    #[error("{package} is not unpacked in the store")]
    NotUnpacked {
        /// Which.
        package: String,
    },
    /// A package's header cannot be used.
    #[error("{package}: bad header")]
    Header {
        /// Which.
        package: String,
        /// In which way.
        source: HeaderError,
    },
    /// Packages disagree about files.
    #[error("{} of {} and {} is not the same file{}", .clashes[0].path, .clashes[0].first, .clashes[0].second, more(.clashes))]
    Conflict {
        /// The files; never empty.
        clashes: Vec<Clash>,
    },
    /// A scriptlet failed.
    #[error("{scriptlet} of {package} {how}")]
    Scriptlet {
        /// Whose.
        package: String,
        /// Which, as a spec file calls it.
        scriptlet: String,
        /// In which way.
        how: String,
        /// Its last lines.
        output: Vec<String>,
    },
    /// A scriptlet cannot be prepared.
    #[error("{scriptlet} of {package} cannot be run: {why}")]
    Unsupported {
        /// Whose.
        package: String,
        /// Which.
        scriptlet: String,
        /// What is missing.
        why: String,
    },
    /// Files could not be put into the layer.
    #[error("{reason}")]
    Place {
        /// What, and why.
        reason: String,
    },
    /// The layer's own record cannot be read.
    #[error("the record of the packages in layer {id} is damaged: {why}")]
    Record {
        /// Which.
        id: LayerId,
        /// In which way.
        why: String,
    },
    /// The user ended the run.
    #[error("interrupted while installing")]
    Interrupted,
    /// The package database could not be written.
    #[error(transparent)]
    Database(#[from] rpmdb::Error),
    /// The sandbox failed.
    #[error("cannot run scriptlets")]
    Sandbox(#[source] sandbox::Error),
    /// The store failed.
    #[error("cannot make a layer")]
    Store(#[from] store::Error),
    /// A call failed.
    #[error("cannot make a layer: {0}")]
    System(#[from] SysError),
    /// The log could not be written.
    #[error("cannot write the log of the installation")]
    Log(#[source] std::io::Error),
}

fn more(clashes: &[Clash]) -> String {
    match clashes.len() {
        0 | 1 => String::new(),
        many => format!(" (and {} files more)", many - 1),
    }
}

impl Error {
    /// Whether the host, or the container that kiln runs in, does not allow what a sandbox needs.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Sandbox(error) if error.is_refused())
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict { .. } => {
                Some("the two packages cannot be in one root; leave one of them out".to_owned())
            }
            Self::Scriptlet { output, .. } if output.is_empty() => {
                Some("it wrote nothing; root.log has what ran before it".to_owned())
            }
            Self::Scriptlet { output, .. } => Some(format!("its last lines: {}", output.join(" | "))),
            Self::NotUnpacked { .. } | Self::Parent { .. } | Self::Record { .. } => {
                Some("somebody removed it meanwhile; run again, and it is made again".to_owned())
            }
            Self::Place { reason } if reason.contains("No space left") => {
                Some("free space, or put the store elsewhere: --store DIR".to_owned())
            }
            Self::Database(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}

impl From<sandbox::Error> for Error {
    /// A job that fails says in its own words what it could not do.
    fn from(error: sandbox::Error) -> Self {
        match error {
            sandbox::Error::Job { reason, .. } => Self::Place { reason },
            other => Self::Sandbox(other),
        }
    }
}
