//! A transaction as data: what happens in which order, before any of it happens.
//!
//! The sequence is rpm's (`lib/transaction.cc`, `lib/psm.cc`), as observed: `%pretrans` of all; then what becomes of
//! each file; then package by package users, triggers, `%pre`, files, file triggers of high priority, `%post`, triggers,
//! file triggers of low priority; then `%posttrans` of all and the transaction's file triggers. Packages that the
//! layers below have installed take part with their triggers.

mod fate;
mod sequence;
mod skip;
mod triggers;

use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::{
    FileEntry, Relation, RelationKind, Script, Scriptlet, ScriptletKind, Trigger, TriggerFamily,
};

pub use fate::{Clash, Disk, Fate, Fates, OnDisk, Policy, algorithms, fates};
pub use sequence::{Action, Call, Failure, pretrans, sequence};

/// A package in a transaction: one that it adds, or one that is installed already.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Name, version, architecture, for people.
    pub nevra: String,
    /// Its own provides, of which those with its name make triggers fire.
    pub provides: Vec<Relation>,
    /// Its scriptlets.
    pub scriptlets: Vec<Scriptlet>,
    /// Its triggers, by family.
    pub triggers: Vec<(TriggerFamily, Vec<Trigger>)>,
    /// Its files.
    pub files: Vec<FileEntry>,
    /// What became of them, one letter of the database's each; empty as long as that is not decided.
    pub states: Vec<FileState>,
    /// Where a relocatable package lies.
    pub prefixes: Vec<String>,
    /// The version of rpm that built it.
    pub rpm_version: String,
    /// Lines for `sysusers.d`, in base64.
    pub sysusers: Vec<Relation>,
}

/// The state of a file in the database (`RPMTAG_FILESTATES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum FileState {
    /// Installed.
    Normal = 0,
    /// Another package's file took its place.
    Replaced = 1,
    /// Left out: documentation, another language.
    NotInstalled = 2,
    /// Somebody else's: on a file system that is not ours to write.
    NetShared = 3,
    /// Another architecture's file is there.
    WrongColor = 4,
}

impl FileState {
    /// The state of a number; unknown numbers are none.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Normal, Self::Replaced, Self::NotInstalled, Self::NetShared, Self::WrongColor]
            .into_iter()
            .find(|state| *state as u8 == number)
    }

    /// Whether rpm counts it as installed.
    fn is_installed(self) -> bool {
        matches!(self, Self::Normal | Self::NetShared)
    }
}

const FAMILIES: &[TriggerFamily] = &[TriggerFamily::Package, TriggerFamily::File, TriggerFamily::Transaction];

impl Member {
    /// The package of a header, with the states of its files where it is installed.
    pub fn new(header: &Header<'_>, states: Vec<FileState>) -> Result<Self, HeaderError> {
        let nevra = header.nevra()?;
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let triggers = FAMILIES.iter().map(|family| Ok((*family, header.triggers(*family)?)));
        let mut provides = header.relations(RelationKind::Provides)?;
        provides.retain(|provide| provide.name == nevra.name);
        Ok(Self {
            nevra: nevra.to_string(),
            provides,
            scriptlets: header.scriptlets()?,
            triggers: triggers.collect::<Result<_, HeaderError>>()?,
            files: header.files()?,
            states,
            prefixes: owned(header.strings(Tag::PREFIXES)?),
            rpm_version: header.string(Tag::RPMVERSION)?.unwrap_or_default().to_owned(),
            sysusers: header.sysusers()?,
            name: nevra.name,
        })
    }

    /// Its triggers of a family.
    fn family(&self, family: TriggerFamily) -> &[Trigger] {
        self.triggers.iter().find(|(found, _)| *found == family).map_or(&[], |(_, triggers)| triggers)
    }

    /// Its scriptlet of a kind.
    fn scriptlet(&self, kind: ScriptletKind) -> Option<&Script> {
        self.scriptlets.iter().find(|scriptlet| scriptlet.kind == kind).map(|scriptlet| &scriptlet.script)
    }
}

#[cfg(test)]
mod tests;
