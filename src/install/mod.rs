//! Package files into a layer.
//!
//! The transaction is kiln's own: no rpm on the host, and none needed in the root. What happens in which order is decided in
//! [`crate::plan::transaction`]; here it happens. Files are linked from the store into a tree that nobody sees yet,
//! scriptlets run in sandboxes over an overlay of it, the database is written as the root's rpm would have, and at the
//! end the tree appears in the store under the name of what it was made from.
//!
//! Packages are hostile: their names are checked before they are used as paths, every path is walked one name at a time,
//! and what runs runs in a sandbox.

mod accounts;
mod ahead;
mod base;
mod base64;
mod capability;
mod change;
mod database;
mod error;
mod export;
mod fold;
mod inventory;
mod lift;
mod log;
mod lua;
pub mod macros;
mod members;
mod place;
pub mod rpmdb;
mod script;
mod survey;
mod times;
mod transaction;
pub mod unpack;
mod users;
mod view;

use std::io::Write;

use crate::plan::LayerSpec;
use crate::report::Reporter;
use crate::sandbox::{JobTable, Keeper};
use crate::store::{Layer, Store};

pub use error::Error;

/// What happens when a scriptlet fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Failures {
    /// The transaction fails: a root that is not what its packages meant is no root.
    #[default]
    Fatal,
    /// What rpm does: some failures only warn.
    AsRpm,
}

/// The functions of this module that run inside the user namespace.
pub const JOBS: JobTable = &[
    (change::JOB, change::change),
    (survey::JOB, survey::survey),
    (lua::JOB, lua::lua),
    (export::JOB, export::export),
    (ahead::JOB, ahead::prepare),
];

/// The job that writes the root of these layers (trees relative to the store, uppermost first) as a tar file to its standard
/// output; it answers with a JSON list of what a tar file cannot hold.
pub fn export(layers: &export::Input) -> crate::plan::Job {
    let input = serde_json::to_string(layers).unwrap_or_default();
    crate::plan::Job { name: export::JOB.to_owned(), input }
}

/// Makes a layer: performs the transaction that `spec` describes over the layers below. The packages must have been
/// unpacked into the store; what scriptlets write goes to `log`.
pub fn install(
    spec: &LayerSpec,
    store: &Store,
    keeper: &Keeper,
    reporter: &dyn Reporter,
    log: &mut dyn Write,
) -> Result<Layer, Error> {
    Installer { store, keeper, failures: Failures::Fatal }.install(spec, reporter, log)
}

/// What a transaction needs, with everything that can be chosen about it.
#[derive(Debug, Clone, Copy)]
pub struct Installer<'a> {
    /// Where packages and layers lie.
    pub store: &'a Store,
    /// Whose user namespace it happens in.
    pub keeper: &'a Keeper,
    /// What happens when a scriptlet fails.
    pub failures: Failures,
}

impl Installer<'_> {
    /// Makes a layer; see [`install`].
    pub fn install(
        &self,
        spec: &LayerSpec,
        reporter: &dyn Reporter,
        log: &mut dyn Write,
    ) -> Result<Layer, Error> {
        transaction::Transaction::begin(*self, spec, reporter, log)?.perform()
    }
}
