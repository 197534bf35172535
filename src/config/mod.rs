//! Release files: text becomes a [`Release`], in which nothing is open any more.
//!
//! Why they are data: a file that computes needs an interpreter to be read, and cannot be listed, merged, shown or
//! checked without running it.
//!
//! ```text
//! text ─ document ─► Config, every field optional, every value with its place
//!        search, merge: the files it extends below it, the command line above
//!        freeze ─► Release: variables put in, defaults filled in, checked
//!        show ─► text that reads back to the same release
//! ```
//!
//! Every complaint names the file, the line and the column. `configs/README.md` describes the format.

mod arch;
mod document;
mod error;
mod freeze;
mod freeze_connection;
mod freeze_repo;
mod limits;
mod merge;
mod nearest;
mod overrides;
mod place;
mod read;
mod release;
mod scalar;
mod search;
mod secret;
mod shipped;
mod show;
#[cfg(test)]
mod tests;
mod variables;
mod written;

pub use error::{Error, FileError};
pub use overrides::Overrides;
pub use place::{Place, ReleaseFile};
pub use release::{
    Build, Check, Connection, Expired, Key, KeyLocation, NEVER, Nesting, Network, Origin, Proxy, Release,
    Repo, RootPackages, SandboxOptions, SolveOptions, Syncs,
};
pub use scalar::duration;
pub use search::{Files, Listed, bare, list, load};
pub use secret::without_secrets;
pub use show::show;
