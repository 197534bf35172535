//! Clay, the test distribution of kiln.
//!
//! No RPM mirror can be assumed where tests run, so Clay makes one from the host's own Debian archive: `archive` finds and downloads the
//! packages, `deb` and `control` read them, `convert` and `tables` say what they become, `build` writes the RPM files, `repo` the
//! metadata. `serve` offers the result on loopback, with faults on demand.
//!
//! A test that needs a repository calls [`make::make`] (which is instant when all is there) and [`serve::Server::start`].

pub mod archive;
pub mod build;
pub mod control;
pub mod convert;
pub mod deb;
pub mod elf;
pub mod error;
pub mod fault;
pub mod features;
pub mod generated;
pub mod http;
pub mod key;
pub mod make;
pub mod metadata;
pub mod own;
pub mod recipe;
pub mod release;
mod reply;
pub mod repo;
pub mod serve;
pub mod sources;
pub mod tables;
pub mod xml;

pub use error::Error;
