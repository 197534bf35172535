//! What can go wrong with a store.

use crate::sys::SysError;
use crate::unit::HostPath;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory has something else in it.
    #[error("{path} is not a store: it has `{found}` in it")]
    NotAStore {
        /// The directory.
        path: HostPath,
        /// One of its entries.
        found: String,
    },
    /// A newer kiln wrote it.
    #[error("the store {path} has format {found}, and this kiln reads format {known}")]
    Format {
        /// The directory.
        path: HostPath,
        /// What its format file says.
        found: String,
        /// What this kiln writes.
        known: u32,
    },
    /// Its files are owned by other ids than this run's sandbox has.
    #[error("the store {path} was made with other user ids: {recorded}, now {now}")]
    OtherIds {
        /// The directory.
        path: HostPath,
        /// The map in the store.
        recorded: String,
        /// The map of this run.
        now: String,
    },
    /// It belongs to somebody else, or others may read it.
    #[error(
        "the store {path} is owned by uid {uid} with mode {mode:04o}, not by uid {expected} with mode 0700"
    )]
    Owner {
        /// The directory.
        path: HostPath,
        /// Its owner.
        uid: u32,
        /// Its mode.
        mode: u32,
        /// Who should own it.
        expected: u32,
    },
    /// The id map has nothing for root.
    #[error("the user id map gives no id to root")]
    NoRoot,
    /// A manifest cannot be read.
    #[error("the store's {path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: HostPath,
        /// In which way.
        why: String,
    },
    /// The store below cannot be used.
    #[error("the shared store {path} cannot be used: {why}")]
    Shared {
        /// The directory.
        path: HostPath,
        /// Why not.
        why: String,
    },
    /// A call failed.
    #[error("store: {0}")]
    System(#[from] SysError),
}

impl Error {
    /// Whether the directory cannot be this user's store, whatever is done again.
    pub fn is_misplaced(&self) -> bool {
        matches!(
            self,
            Self::NotAStore { .. }
                | Self::Format { .. }
                | Self::OtherIds { .. }
                | Self::Owner { .. }
                | Self::Shared { .. }
        )
    }

    /// The same, of a store below.
    pub(super) fn of_shared(self, path: &HostPath) -> Self {
        match self {
            Self::Shared { .. } => self,
            Self::System(ref error) if error.kind() != std::io::ErrorKind::PermissionDenied => self,
            other => Self::Shared { path: path.clone(), why: other.to_string() },
        }
    }

    /// Whether what holds the store's files failed.
    pub fn is_storages(&self) -> bool {
        matches!(self, Self::System(error) if error.is_storages())
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAStore { .. } => Some("give an empty or new directory: --store DIR".to_owned()),
            Self::Format { .. } => Some("use a newer kiln, or another store: --store DIR".to_owned()),
            Self::OtherIds { .. } => Some(
                "a store belongs to one user and one way of making sandboxes; use another one: --store DIR"
                    .to_owned(),
            ),
            Self::Owner { .. } => Some(
                "a store belongs to one user: run as its owner, or use another store: --store DIR".to_owned(),
            ),
            Self::Shared { .. } => Some(
                "a shared store is a directory that kiln filled, as this user or as root, and that only its owner may write \
                 to and this user may read"
                    .to_owned(),
            ),
            Self::Damaged { .. } => {
                Some("`kiln store verify --repair` removes it; it is made again".to_owned())
            }
            Self::System(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Some("free space, or put the store elsewhere: --store DIR".to_owned())
            }
            Self::NoRoot | Self::System(_) => None,
        }
    }
}
