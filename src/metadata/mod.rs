//! What a repository offers, as tables that the solver reads.

mod blob;
mod build;
mod comps;
mod error;
mod filelists;
mod glob;
mod index;
mod location;
mod primary;
mod raw;
mod repomd;
mod scan;
mod stream;
mod strings;
mod table;
mod tag;
#[cfg(test)]
mod tests;
mod xml;

pub use comps::{Comps, Environment, Group, Member, Wanted};
pub use error::{Error, Fault, Place, Spoilt};
pub use filelists::Owners;
pub use glob::Glob;
pub use repomd::{Repomd, RepomdData};
pub use stream::{BrokenPromise, Compression, Promise, Verified, open};
pub use strings::Id;
pub use table::{Dependency, Kind, Metadata, Package, PackageId};
