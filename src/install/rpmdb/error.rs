//! What can go wrong with the database.

use crate::package::header::HeaderError;
use crate::package::tag::Tag;
use crate::sys::SysError;

/// A database that was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A package's header is bad.
    #[error("package {package}: bad header: {source}")]
    Header {
        /// Which, where its name can be read.
        package: String,
        /// In which way.
        source: HeaderError,
    },
    /// A package brings an entry that only the database adds.
    #[error("package {package}: its header has {tag}, which only an installed package has")]
    Forged {
        /// Which.
        package: String,
        /// The entry.
        tag: Tag,
    },
    /// sqlite refused.
    #[error("the package database: {call}: {source}")]
    Sqlite {
        /// What we tried.
        call: &'static str,
        /// What sqlite said.
        source: rusqlite::Error,
    },
    /// A call failed.
    #[error("the package database: {0}")]
    System(#[from] SysError),
}

impl Error {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Forged { .. } => {
                Some("the package is damaged or hostile; tell whoever serves the repository".to_owned())
            }
            _ => None,
        }
    }
}
