//! The database of installed packages, as the root's own rpm would have written it.
//!
//! rpm keeps each installed package's header with a few entries added, and tables that find headers by name, file,
//! requirement. Where the target's format is sqlite, kiln writes all of it; the other formats are filled by the target's
//! own `rpmdb --importdb`, which reads a plain sequence of the same headers.
//!
//! Everything here is bytes to bytes: the same packages in the same order give the same database.

mod error;
mod index;
mod installed;
mod sqlite;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use installed::{Generation, InstalledPackage};

use crate::package::header::MAGIC;
use crate::sys::fs;
use crate::unit::HostPath;

/// The name of the sqlite database in the directory that `%_dbpath` names.
pub const SQLITE: &str = "rpmdb.sqlite";

/// What rpm leaves beside it, with sizes: who may not write there can read the database only where these exist. Zeros
/// are a log without entries and an index of it that nobody has made yet.
pub const BESIDE_SQLITE: &[(&str, usize)] =
    &[("rpmdb.sqlite-wal", 0), ("rpmdb.sqlite-shm", 32 << 10), (".rpm.lock", 0)];

/// Writes a new database file: the packages of `existing`, then `packages` in this order.
pub fn write(
    path: &HostPath,
    existing: Option<&HostPath>,
    packages: &[InstalledPackage<'_>],
) -> Result<(), Error> {
    let before = existing.map(fs::map).transpose()?;
    let content = sqlite(before.as_deref(), packages)?;
    Ok(fs::write(path, &content)?)
}

/// The same, from bytes to bytes.
pub fn sqlite(existing: Option<&[u8]>, packages: &[InstalledPackage<'_>]) -> Result<Vec<u8>, Error> {
    let headers = packages.iter().map(InstalledPackage::header).collect::<Result<Vec<_>, _>>()?;
    sqlite::write(existing, &headers)
}

/// What `rpmdb --importdb` reads.
pub fn stream(packages: &[InstalledPackage<'_>]) -> Result<Vec<u8>, Error> {
    let mut stream = Vec::new();
    for package in packages {
        stream.extend_from_slice(&MAGIC);
        stream.extend(package.header()?);
    }
    Ok(stream)
}

/// The headers in a sqlite database, in the order in which they were added; each is read with `Origin::Installed`.
pub fn headers(database: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    sqlite::headers(database)
}
