//! The database of installed packages as a part of the layer: in the root's own place and form.

use std::io::Read as _;

use crate::install::Error;
use crate::install::ahead::Prepared;
use crate::install::change::{ChangeError, Changed, Site};
use crate::install::macros::{Backend, MacroFiles, Macros};
use crate::install::members::Added;
use crate::install::rpmdb::{self, Generation, InstalledPackage};
use crate::install::view::{Found, View, ViewError};
use crate::package::{EvrRef, vercmp};
use crate::plan::Setup;
use crate::plan::order::Colors;
use crate::plan::transaction::Fates;
use crate::store::Store;
use crate::sys::{SysError, fs};

/// The packages that a transaction adds to the database.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Entries {
    arch: String,
    /// The version of the root's own rpm.
    rpm: String,
    time: u32,
    color: u32,
    packages: Vec<Entry>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Entry {
    /// Its directory, relative to the store.
    directory: String,
    /// The package file's SHA-256.
    digest: String,
    states: Vec<u8>,
}

/// The bytes that an entry is made from.
struct Bytes {
    header: fs::Mapped,
    signature: fs::Mapped,
    digests: Vec<(u32, String)>,
}

/// SHA-256, as OpenPGP numbers it.
const SHA256: u32 = 8;

impl Entries {
    /// The entries of packages whose files have these fates.
    pub(super) fn new(store: &Store, (added, fates): (&[Added], &[Fates]), setup: &Setup, rpm: &str) -> Self {
        let entry = |(added, fates): (&Added, &Fates)| Entry {
            directory: store.relative(&added.stored.path).to_string_lossy().into_owned(),
            digest: added.stored.manifest.digest.hex(),
            states: fates.states().into_iter().map(|state| state as u8).collect(),
        };
        Self {
            arch: setup.arch.clone(),
            rpm: rpm.to_owned(),
            time: u32::try_from(setup.epoch).unwrap_or(u32::MAX),
            color: Colors::of(&setup.arch).transaction,
            packages: added.iter().zip(fates).map(entry).collect(),
        }
    }

    /// The installed headers, one after the other, as `rpmdb --exportdb` would write them.
    pub(super) fn stream(&self, store: &Store) -> Result<Vec<u8>, Error> {
        let bytes = self.read(|directory| store.on_host(directory).to_string())?;
        Ok(rpmdb::stream(&self.installed(&bytes))?)
    }

    fn read(&self, place: impl Fn(&str) -> String) -> Result<Vec<Bytes>, SysError> {
        let read = |entry: &Entry| {
            let directory = place(&entry.directory);
            let map = |name: &str| fs::map(format!("{directory}/{name}"));
            let digests = vec![(SHA256, entry.digest.clone())];
            Ok(Bytes { header: map("header")?, signature: map("signature")?, digests })
        };
        self.packages.iter().map(read).collect()
    }

    fn installed<'a>(&'a self, bytes: &'a [Bytes]) -> Vec<InstalledPackage<'a>> {
        let package = |(entry, bytes): (&'a Entry, &'a Bytes)| InstalledPackage {
            header: &bytes.header,
            signature: &bytes.signature,
            states: &entry.states,
            tid: self.time,
            time: self.time,
            color: self.color,
            generation: Generation::of(&self.rpm),
            digests: &bytes.digests,
        };
        self.packages.iter().zip(bytes).map(package).collect()
    }
}

impl Entries {
    /// The bytes of the database in the sqlite form that has what `existing` has, and these.
    pub(super) fn content(&self, existing: Option<&[u8]>) -> Result<Vec<u8>, ChangeError> {
        let bytes = self.read(str::to_owned).map_err(|error| failed(&error))?;
        rpmdb::sqlite(existing, &self.installed(&bytes)).map_err(|error| failed(&error))
    }

    /// What the database of a root with these layers is made over. A root without packages has no say yet, and the form
    /// is the one that nearly all have.
    pub(super) fn base(&self, layers: &[String]) -> Result<Base, ChangeError> {
        if layers.is_empty() {
            return Ok(Base::Nothing);
        }
        let view = View::open(layers).map_err(|error| failed(&error))?;
        let (directory, form) = self.place(&view)?;
        if form == Form::Other {
            return Ok(Base::OtherForm);
        }
        let bytes = bytes_of(&view, &sqlite_in(&directory)).map_err(|error| failed(&error))?;
        Ok(bytes.map_or(Base::Nothing, Base::Database))
    }

    /// The database's directory, and its form.
    fn place(&self, view: &View) -> Result<(String, Form), ChangeError> {
        let macros = macros(view, &self.arch).map_err(|error| failed(&error))?;
        let place = macros.database().map_err(|error| failed(&error))?;
        let told = macros.value("_db_backend").map_err(|error| failed(&error))?.is_some();
        let version = EvrRef::parse(&self.rpm).version;
        // Before 4.16 rpm had one form, and no macro to name it.
        let old = !told && self.rpm != NO_RPM && vercmp(version.as_bytes(), b"4.16").is_lt();
        let form = if old || place.backend != Backend::Sqlite { Form::Other } else { Form::Sqlite };
        Ok((place.directory.as_str().to_owned(), form))
    }
}

/// What a database is made over.
#[derive(Debug)]
pub(super) enum Base {
    /// There is none yet.
    Nothing,
    /// One that is there.
    Database(Vec<u8>),
    /// Another form, which is not made here.
    OtherForm,
}

/// How a database is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By us.
    Sqlite,
    /// By the root's own `rpmdb`.
    Other,
}

fn failed(error: &dyn std::fmt::Display) -> ChangeError {
    ChangeError::new("the package database", &error)
}

fn sqlite_in(directory: &str) -> String {
    format!("{directory}/{}", rpmdb::SQLITE)
}

impl Site<'_> {
    /// Writes the database into the layer, or says that the root's own `rpmdb` must.
    pub(super) fn database(
        &mut self,
        (entries, prepared): (&Entries, Option<&Prepared>),
        changed: &mut Changed,
    ) -> Result<(), ChangeError> {
        let (directory, form) = entries.place(self.view)?;
        if form == Form::Other {
            self.view.ensure(&directory).map_err(|error| failed(&error))?;
            changed.import = Some(directory);
            return Ok(());
        }
        let path = sqlite_in(&directory);
        let existing = bytes_of(self.view, &path).map_err(|error| failed(&error))?;
        let prepared = prepared.map_or(Ok(None), |prepared| prepared.fits(existing.as_deref()));
        match prepared.map_err(|error| failed(&error))? {
            Some(content) => self.write(&path, &content, 0o644),
            None => self.write(&path, &entries.content(existing.as_deref())?, 0o644),
        }
        .map_err(|error| failed(&error))?;
        for (name, size) in rpmdb::BESIDE_SQLITE {
            let path = format!("{directory}/{name}");
            self.write(&path, &vec![0; *size], 0o644).map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

/// What stands for the version of rpm in a root that has none.
pub(super) const NO_RPM: &str = "4";

fn bytes_of(view: &View, path: &str) -> Result<Option<Vec<u8>>, ViewError> {
    let Some(mut file) = view.file(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|source| SysError::new("read", format!("{path:?}"), source))?;
    Ok(Some(bytes))
}

/// The macros of a root.
pub(super) fn macros(view: &View, arch: &str) -> Result<Macros, ViewError> {
    Macros::load(arch, view)
}

/// A path that leads nowhere leads to no macros; what is there must be readable.
fn found<T>(looked: Result<Option<T>, ViewError>) -> Result<Option<T>, ViewError> {
    match looked {
        Err(ViewError::Links { .. } | ViewError::NotADirectory { .. }) => Ok(None),
        other => other,
    }
}

impl MacroFiles for View {
    type Error = ViewError;

    fn below(&self, directory: &str) -> Result<Vec<String>, ViewError> {
        let mut paths = Vec::new();
        let Some(merged) = found(self.directory(directory, &mut |_, _| {}))? else { return Ok(paths) };
        for name in merged.names()? {
            let name = name.to_string_lossy();
            let path = format!("{directory}/{name}");
            match merged.lookup(name.as_ref())? {
                Found::Directory(_) => paths.extend(self.below(&path)?),
                Found::Other { stat, .. } if stat.is_file() || stat.is_link() => paths.push(path),
                _ => {}
            }
        }
        Ok(paths)
    }

    fn read(&self, path: &str) -> Result<Option<String>, ViewError> {
        let bytes = found(bytes_of(self, path))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}
