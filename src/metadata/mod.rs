//! What a repository offers, as tables that the solver reads.

mod build;
mod error;
mod location;
mod primary;
mod raw;
mod strings;
mod table;
mod xml;

pub use error::{Error, Fault, Place};
pub use strings::Id;
pub use table::{Dependency, Kind, Metadata, Package, PackageId};
