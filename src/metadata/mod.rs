//! What a repository offers, as tables that the solver reads.

mod activate;
mod ahead;
mod blob;
mod build;
mod comps;
#[cfg(test)]
mod data_tests;
mod error;
mod filelists;
mod glob;
mod hide;
mod index;
mod location;
mod modules;
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
mod yaml;

pub use activate::{ModuleChoice, ModuleError};
pub use comps::{Comps, Environment, Group, Member, Wanted};
pub use error::{Error, Fault, Place, Spoilt};
pub use filelists::Owners;
pub use glob::Glob;
pub use hide::Active;
pub use modules::Modules;
pub use repomd::{Repomd, RepomdData};
pub use stream::{BrokenPromise, Compression, Promise, Verified, open};
pub use strings::Id;
pub use table::{Dependency, Kind, Metadata, Package, PackageId};
