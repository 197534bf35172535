//! The job that changes a layer: between two scriptlets, inside the user namespace, while nothing is mounted.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::install::accounts::Accounts;
use crate::install::ahead::Prepared;
use crate::install::database::{self, Entries};
use crate::install::lift::{self, Afterwards, Meeting};
use crate::install::times::Times;
use crate::install::view::{Found, Merged, View, ViewError, copy_attributes};
use crate::install::{fold, place};
use crate::plan::transaction::Fates;
use crate::sys::SysError;
use crate::sys::entry;

/// What the job is told. Paths are relative to the store.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Change {
    /// The layer's tree and those of the layers below it, uppermost first.
    pub(super) layers: Vec<String>,
    /// Where scriptlets wrote since the last change.
    pub(super) upper: String,
    /// Files that only the sandbox needed, as paths in the root; they are removed again.
    pub(super) discard: Vec<String>,
    /// Whether files can have owners.
    pub(super) owners: Owners,
    /// What is done, in this order.
    pub(super) operations: Vec<Operation>,
    /// Files of several names that were lifted before the scriptlets, in the job's own words.
    pub(super) lifted: String,
    /// What becomes of them.
    pub(super) afterwards: Afterwards,
}

/// Whether the user namespace has more ids than root's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Owners {
    /// It has: files get theirs.
    Mapped,
    /// It has not: everything belongs to root.
    Ignored,
}

/// One thing done to the layer.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(super) enum Operation {
    /// Users and groups.
    Users { package: String, lines: Vec<String>, day: u64 },
    /// A package's files.
    Files { package: String, directory: String, fates: Fates },
    /// What every root of a build needs besides its packages.
    Base { day: u64 },
    /// The packages' entries in the database.
    Database { entries: Entries, prepared: Option<Prepared> },
    /// Times that can be repeated, and the layer's listing, into a file; the packages' directories.
    Listing { packages: Vec<String>, to: String, times: Times },
    /// A text with its macros expanded.
    Expand { arch: String, text: String },
}

/// What the job answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Changed {
    /// Things a person should know, as lines for the log.
    pub(super) warnings: Vec<String>,
    /// The database's directory, where the root's own `rpmdb` must write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) import: Option<String>,
    /// The expanded text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expanded: Option<String>,
    /// Files that are lifted now, where they are others than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lifted: Option<String>,
}

/// The job's name.
pub(super) const JOB: &str = "install-change";

/// A change that failed: for which package, and why.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub(super) struct ChangeError {
    what: String,
    why: String,
}

impl ChangeError {
    pub(super) fn new(what: impl Into<String>, why: &impl std::fmt::Display) -> Self {
        Self { what: what.into(), why: why.to_string() }
    }
}

/// The job. Its input is a [`Change`], its answer a [`Changed`].
pub(super) fn change(input: &str) -> Result<String, String> {
    let change: Change = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let changed = perform(&change).map_err(|error| error.to_string())?;
    serde_json::to_string(&changed).map_err(|error| error.to_string())
}

fn perform(change: &Change) -> Result<Changed, ChangeError> {
    let failed = |error: ViewError| ChangeError::new("the layer", &error);
    let view = View::open(&change.layers).map_err(failed)?;
    let upper = entry::open_root(&change.upper).map_err(|error| failed(error.into()))?;
    let mut meeting = Meeting::new(&change.lifted, change.afterwards)
        .map_err(|error| ChangeError::new("files of several names", &error))?;
    fold::fold(&upper, &view, &mut meeting).map_err(failed)?;
    for path in &change.discard {
        discard(&view, path).map_err(failed)?;
    }
    let layers = &change.layers[..];
    let mut site =
        Site { view: &view, layers, owners: change.owners, warnings: Vec::new(), sets: Vec::new() };
    let mut changed = Changed::default();
    for operation in &change.operations {
        site.perform(operation, &mut changed)?;
    }
    changed.warnings = site.warnings;
    let lifted = lift::lift(&upper, &view, &site.sets, meeting).map_err(failed)?;
    changed.lifted = Some(lifted).filter(|lifted| *lifted != change.lifted);
    // The overlay shows the attributes of its upper directory for the root itself.
    view.root().first().and_then(|first| copy_attributes(first, &upper)).map_err(failed)?;
    Ok(changed)
}

fn discard(view: &View, path: &str) -> Result<(), ViewError> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(directory) = view.directory(directory, &mut |_, _| {})? else { return Ok(()) };
    match directory.lookup(name)? {
        Found::Other { layer: 0, .. } => Ok(entry::remove_file(directory.first()?, name)?),
        _ => Ok(()),
    }
}

/// The place where things are done.
pub(super) struct Site<'a> {
    pub(super) view: &'a View,
    /// The trees of the layers, relative to the store.
    pub(super) layers: &'a [String],
    pub(super) owners: Owners,
    pub(super) warnings: Vec<String>,
    /// The files of several names that were placed, each by its paths in the layer.
    pub(super) sets: Vec<Vec<String>>,
}

const FILES: [&str; 4] = ["passwd", "group", "shadow", "gshadow"];

impl Site<'_> {
    fn perform(&mut self, operation: &Operation, changed: &mut Changed) -> Result<(), ChangeError> {
        match operation {
            Operation::Users { package, lines, day } => {
                let mut accounts = self.accounts().map_err(|error| ChangeError::new(package, &error))?;
                accounts.add_all(lines, *day).map_err(|error| ChangeError::new(package, &error))?;
                self.write_accounts(&accounts).map_err(|error| ChangeError::new(package, &error))
            }
            Operation::Files { package, directory, fates } => place::place(self, (package, directory), fates),
            Operation::Base { day } => {
                self.base(*day).map_err(|error| ChangeError::new("the root's own files", &error))
            }
            Operation::Database { entries, prepared } => self.database((entries, prepared.as_ref()), changed),
            Operation::Listing { packages, to, times } => self.list((packages, to), times),
            Operation::Expand { arch, text } => {
                let macros = database::macros(self.view, arch);
                let macros = macros.map_err(|error| ChangeError::new("the root's macros", &error))?;
                let expanded = macros.expand(text);
                changed.expanded = Some(expanded.map_err(|error| ChangeError::new("a scriptlet", &error))?);
                Ok(())
            }
        }
    }

    /// The tree of the layer that is being made.
    pub(super) fn tree(&self) -> &str {
        self.layers.first().map(String::as_str).unwrap_or_default()
    }

    /// Users and groups as the root has them now.
    pub(super) fn accounts(&self) -> Result<Accounts, ViewError> {
        let mut texts = FILES.map(|_| None);
        for (text, name) in texts.iter_mut().zip(FILES) {
            *text = self.text(&format!("/etc/{name}"))?;
        }
        let [passwd, group, shadow, gshadow] = texts;
        Ok(Accounts { passwd, group, shadow, gshadow })
    }

    fn text(&self, path: &str) -> Result<Option<String>, ViewError> {
        let Some(mut file) = self.view.file(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| SysError::new("read", format!("{path:?}"), source))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(super) fn write_accounts(&self, accounts: &Accounts) -> Result<(), ViewError> {
        let Accounts { passwd, group, shadow, gshadow } = accounts;
        for (name, text) in FILES.into_iter().zip([passwd, group, shadow, gshadow]) {
            let Some(text) = text else { continue };
            if self.text(&format!("/etc/{name}"))?.as_ref() != Some(text) {
                let mode = if name.ends_with("shadow") { 0 } else { 0o644 };
                self.write(&format!("/etc/{name}"), text.as_bytes(), mode)?;
            }
        }
        Ok(())
    }

    /// Writes a file into the layer: owner, mode and attributes of the one that is there, else root's with `mode`.
    pub(super) fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<(), ViewError> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.view.ensure(directory)?;
        let old = match directory.lookup(name)? {
            Found::Other { layer, stat } if stat.is_file() => Some(open(&directory, layer, name)?),
            _ => None,
        };
        let first = directory.first()?;
        let new = format!(".{name}.kiln");
        let mut file = entry::create_file(first, &new)?;
        file.write_all(content).map_err(|source| SysError::new("write", format!("{new:?}"), source))?;
        match old {
            Some(old) => {
                copy_attributes(&old, &OwnedFd::from(file))?;
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                entry::set_time(
                    first,
                    &new,
                    now.map_or((0, 0), |time| (time.as_secs() as i64, time.subsec_nanos())),
                )?;
            }
            None => entry::set_owner_and_mode(&file, (0, 0), mode)?,
        }
        Ok(entry::rename(first, &new, first, name)?)
    }
}

fn open(directory: &Rc<Merged>, layer: usize, name: &str) -> Result<OwnedFd, ViewError> {
    Ok(OwnedFd::from(entry::open_file(directory.part(layer)?, name)?))
}
