//! Why a package was not unpacked.

use crate::install::unpack::archive::ArchiveError;
use crate::package::file::PackageFileError;
use crate::package::header::HeaderError;
use crate::store;
use crate::sys::SysError;

/// A package that was not unpacked. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
#[error("package {package} was refused")]
pub struct Error {
    /// What it is called, as the lock says.
    pub package: String,
    /// Why.
    #[source]
    pub reason: Reason,
}

impl Error {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.reason {
            Reason::Store(error) => error.hint(),
            Reason::System(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Some("free space, or put the store elsewhere: --store DIR".to_owned())
            }
            Reason::System(_) | Reason::Interrupted => None,
            _ => {
                Some("the package file is damaged or hostile; tell whoever serves the repository".to_owned())
            }
        }
    }
}

/// In which way a package is bad, or what else went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The run was interrupted before its turn came.
    #[error("the run was interrupted")]
    Interrupted,
    /// It is not a package.
    #[error(transparent)]
    Package(#[from] PackageFileError),
    /// A value in its header is bad.
    #[error("bad header: {0}")]
    Header(#[from] HeaderError),
    /// It is another package than the one that was asked for.
    #[error("the file holds {found}")]
    Other {
        /// What its header says.
        found: String,
    },
    /// It carries no digest of its header or of its payload.
    #[error("it carries no digest of its header and payload")]
    NoDigest,
    /// A digest is not what it should be.
    #[error("the digest of {part} is {found}, and should be {expected}")]
    Digest {
        /// Of what: the file, the header, the payload, or a file of the package.
        part: String,
        /// The digest that was promised.
        expected: String,
        /// The digest of what is there.
        found: String,
    },
    /// Its payload has a form that rpm does not have.
    #[error("its payload is `{format}` compressed with `{codec}`, which no package of rpm 4 or 6 is")]
    Format {
        /// `PAYLOADFORMAT`
        format: String,
        /// `PAYLOADCOMPRESSOR`
        codec: String,
    },
    /// Its payload's archive is bad.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive has a file that the header does not have.
    #[error("its payload has `{}`, which its header does not have", .name.escape_default())]
    Unknown {
        /// The name or number in the archive.
        name: String,
    },
    /// Header and payload disagree about a file.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: String,
        /// In which way.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A call failed.
    #[error(transparent)]
    System(#[from] SysError),
}
