//! RPM's words: EVR, NEVRA, headers and what is in them. Their order and equality are rpm's.
//!
//! Everything here is a function of bytes. Packages come from the network: a header is checked as a whole before
//! anything is read from it, and every name in it before anybody uses it as a path.

mod checksum;
mod dependency;
mod evr;
mod facts;
pub mod file;
mod files;
pub mod header;
#[cfg(test)]
mod lies;
mod nevra;
pub mod query;
mod relation;
mod rich;
mod script;
pub mod tag;
#[cfg(test)]
mod tests;
mod values;

pub use checksum::{FileAlgorithm, FileDigest, FileHasher};

pub use dependency::{Dependency, DependencyError, Range, Sense};
pub use evr::{Evr, EvrRef, vercmp};
pub use files::{FileEntry, FileFlags, FileKind};
pub use nevra::{Nevra, NevraError};
pub use relation::{Relation, RelationFlags, RelationKind};
pub use rich::Rich;
pub use script::{DEFAULT_TRIGGER_PRIORITY, Script, Scriptlet, ScriptletKind, Trigger, TriggerFamily};
