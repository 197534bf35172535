//! What can be made while files are placed and scriptlets run, since it depends on the packages and their files' fates
//! only: the record of the layer's packages, and the bytes of the package database.
//!
//! Where the database lies, in which form, and what it has already, is sure only at the end: scriptlets and macro files of
//! the packages themselves may have a say. So what is made here is a guess, and [`Prepared::fits`] says whether it was right.

use crate::install::Error;
use crate::install::change::ChangeError;
use crate::install::database::{Base, Entries};
use crate::install::members;
use crate::plan::Job;
use crate::sandbox::Keeper;
use crate::store::Store;
use crate::sys::{SysError, fs};
use crate::unit::{Digest, HostPath};

/// The job's name.
pub(super) const JOB: &str = "install-prepare";

/// What is made ahead.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    pub(super) store: &'a Store,
    pub(super) keeper: &'a Keeper,
    pub(super) entries: &'a Entries,
    /// The layer's directory.
    pub(super) staging: HostPath,
    /// The trees of the layers below, relative to the store.
    pub(super) below: Vec<String>,
    /// Where the database is put, relative to the store.
    pub(super) to: String,
}

/// What was made ahead.
#[derive(Debug)]
pub(super) struct Made {
    /// The installed headers, as `rpmdb --importdb` reads them.
    pub(super) stream: Vec<u8>,
    pub(super) database: Option<Prepared>,
}

/// The question of the job.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Prepare {
    below: Vec<String>,
    entries: Entries,
    to: String,
}

/// A database that was made ahead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Prepared {
    /// Its file, relative to the store.
    file: String,
    /// The digest of the database that it goes on from.
    base: Option<Digest>,
}

impl Ahead<'_> {
    pub(super) fn make(&self) -> Result<Made, Error> {
        let stream = self.entries.stream(self.store)?;
        members::write_record(&self.staging, &stream, self.store)?;
        let prepare =
            Prepare { below: self.below.clone(), entries: self.entries.clone(), to: self.to.clone() };
        let input = serde_json::to_string(&prepare).unwrap_or_default();
        let answer = self.keeper.call(&Job { name: JOB.to_owned(), input })?;
        let database =
            serde_json::from_str(&answer).map_err(|error| Error::Place { reason: error.to_string() })?;
        Ok(Made { stream, database })
    }
}

/// The job: makes the database that a root over the layers below would have.
pub(super) fn prepare(input: &str) -> Result<String, String> {
    let prepare: Prepare = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let prepared = perform(&prepare).map_err(|error| error.to_string())?;
    serde_json::to_string(&prepared).map_err(|error| error.to_string())
}

fn perform(prepare: &Prepare) -> Result<Option<Prepared>, ChangeError> {
    let base = match prepare.entries.base(&prepare.below)? {
        Base::Nothing => None,
        Base::Database(bytes) => Some(bytes),
        Base::OtherForm => return Ok(None),
    };
    let content = prepare.entries.content(base.as_deref())?;
    fs::write(&prepare.to, &content).map_err(|error| ChangeError::new("the package database", &error))?;
    Ok(Some(Prepared { file: prepare.to.clone(), base: base.as_deref().map(Digest::sha256) }))
}

impl Prepared {
    /// Its bytes, where it goes on from what the root has now.
    pub(super) fn fits(&self, existing: Option<&[u8]>) -> Result<Option<fs::Mapped>, SysError> {
        if self.base != existing.map(Digest::sha256) {
            return Ok(None);
        }
        fs::map(&self.file).map(Some)
    }
}
