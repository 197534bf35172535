//! What a repository offers: bytes in, tables out.
//!
//! Everything here is a function of bytes that came from the network. Nothing is believed: sizes and digests are checked
//! while bytes stream in, documents are read within limits on depth, length and count, and every refusal names the
//! repository, the document, the package and the element. Nothing is read from a file, and nothing is written; the
//! engine brings the bytes and keeps the tables.
//!
//! # From a repository to its tables
//!
//! ```text
//! repomd.xml ─► Repomd::parse ─► .data("primary") ─► RepomdData { location, checksum, open_checksum, sizes }
//! stored bytes ─► RepomdData::open ─► open bytes     decompressed by their magic; both digests proved at the end
//!              ─► Metadata::parse  ─► Metadata       packages, dependencies, strings
//!              ─► Owners::find     ─► Owners         who owns these paths, from filelists, only when asked
//!              ─► Comps::parse     ─► Comps          .expand("core") ─► [Member], each a .request()
//!              ─► Modules::parse   ─► Modules        .activate(choice) ─► Active, .hidden(metadata) ─► [PackageId]
//! Metadata::as_bytes ─► a file ─► mapped ─► Metadata::from_bytes
//! ```
//!
//! # The tables
//!
//! [`Metadata`] is one string of bytes, whether it was made here or mapped from a file: every string once, named by an
//! [`Id`]; packages, dependencies, paths and digests as rows of numbers. A dependency is a name, a range and an EVR's
//! text; a rich one is a name that begins with `(`, to be read by [`crate::package::Rich`]. Equal strings have equal
//! numbers within one repository, so most comparisons are of numbers; [`Metadata::find`] leads from a string to its
//! number. A package provides itself (`name = evr`), as the last of its provides unless it says so before; a source
//! package does not.
//!
//! # What is decided here
//!
//! - A location is a path inside the repository, and `xml:base` as well; another host is refused ([`Fault::Location`]).
//! - Checksums are those that [`crate::unit::Algorithm`] knows: MD5 is refused.
//! - The same package twice is one; one digest for two packages is refused.
//! - zchunk documents are ignored in favour of the plain ones.
//! - A document type may name a definition, which is never read; one that declares anything is refused.

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
mod provides;
mod raw;
mod repomd;
mod scan;
mod stream;
mod strings;
mod table;
mod tag;
#[cfg(test)]
mod tests;
mod view;
mod xml;
mod yaml;

pub use activate::{ModuleChoice, ModuleError};
pub use comps::{Comps, Environment, Group, Member, Wanted};
pub use error::{Error, Fault, Place, Spoilt};
pub use filelists::Owners;
pub use glob::Glob;
pub use hide::Active;
pub use modules::Modules;
pub use provides::Provide;
pub use repomd::{Repomd, RepomdData};
pub use stream::{BrokenPromise, Compression, Promise, Verified, open};
pub use strings::Id;
pub use table::{Dependency, Kind, Metadata, Package, PackageId};
pub use view::View;
