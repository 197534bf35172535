//! Packages: from mirrors into `rpms/`, verified, several at once.

use std::sync::Arc;

use crate::config::Connection;
use crate::fetch::batch::Batch;
use crate::fetch::dirs::{self, Dirs};
use crate::fetch::download::{Growing, Order};
use crate::fetch::openpgp::Keyring;
use crate::fetch::progress::{Item, Progress};
use crate::fetch::{Error, Fetcher, Mirrors, signed};
use crate::lock::LockedPackage;
use crate::package::Nevra;
use crate::report::{Reporter, Stage};
use crate::sys::fs;
use crate::sys::part::Part;
use crate::unit::{Algorithm, Digest, Hasher, HostPath};

/// Whom a repository's packages must be signed by.
#[derive(Debug, Clone)]
pub enum Trust {
    /// By one of these keys.
    Keys(Arc<Keyring>),
    /// By nobody (`gpgcheck = false`): the digest in the metadata is all there is.
    Metadata,
}

/// A repository as the place that packages come from.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The repository's id.
    pub repo: String,
    /// Where it can be had.
    pub mirrors: Mirrors,
    /// Whom its packages must be signed by.
    pub trust: Trust,
    /// How its servers and kiln prove themselves to each other.
    pub connection: Connection,
}

impl Upstream {
    /// A package of it, to be fetched.
    pub fn wanted(&self, package: &LockedPackage) -> Wanted {
        Wanted {
            nevra: package.nevra.clone(),
            location: package.location.clone(),
            digest: package.digest.clone(),
            size: package.size,
            from: self.clone(),
        }
    }
}

/// A package to be fetched.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it is.
    pub nevra: Nevra,
    /// Where it lies, relative to each mirror.
    pub location: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The repository.
    pub from: Upstream,
}

/// How a package got into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It was fetched, and every byte of it verified.
    Now,
    /// It was there, and only its header was looked at again.
    Before,
    /// The store below has it, and every byte of it was verified.
    Below,
}

impl Fetcher {
    /// Brings packages into the store, as `rpms/<sha256>.rpm`; those that are there already are not fetched again. Each
    /// is verified before it gets its name, and `on_ready` hears of each at that moment, in the thread that fetched
    /// it. The answer has the files in the order of `wanted`.
    pub fn packages(
        &self,
        wanted: &[Wanted],
        store: &HostPath,
        reporter: &dyn Reporter,
        on_ready: &(dyn Fn(usize, Came) + Sync),
    ) -> Result<Vec<HostPath>, Error> {
        let dirs = self.dirs(store)?;
        let batch = Batch::new(self);
        let sizes: Vec<u64> = wanted.iter().map(|package| package.size).collect();
        let progress = Progress::new(reporter, Stage::Fetch, &sizes);
        // The largest first, so that the last one to arrive is a small one.
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(sizes[*index]));
        batch.each(&order, &|index| {
            let package = &wanted[index];
            let item = progress.item(package.nevra.to_string());
            let came = one(&batch.part(&package.from.connection), package, &dirs, &item)?;
            item.done(package.size);
            on_ready(index, came);
            Ok(())
        })?;
        Ok(wanted.iter().map(|package| dirs.package(&package.digest)).collect())
    }
}

fn one(batch: &Batch<'_>, package: &Wanted, dirs: &Dirs, item: &Item<'_>) -> Result<Came, Error> {
    let weak = package.digest.algorithm() < Algorithm::Sha256;
    if weak && matches!(package.from.trust, Trust::Metadata) {
        return Err(Error::WeakDigest {
            package: package.nevra.to_string(),
            repo: package.from.repo.clone(),
        });
    }
    let path = dirs.package(&package.digest);
    if fs::size_if_there(&path).map_err(Error::Store)? == Some(package.size) {
        // Its bytes were verified when they came, but perhaps for another repository's keys.
        verify(package, path.as_path(), signed::Depth::Header)?;
        return Ok(Came::Before);
    }
    if is_below(package, dirs)? {
        return Ok(Came::Below);
    }
    let part = Part::open(&dirs.tmp, &dirs::part(&package.digest)).map_err(Error::Store)?;
    let mut growing = Growing::new(part, package.digest.algorithm()).map_err(Error::Store)?;
    let order = Order {
        mirrors: &package.from.mirrors,
        location: &package.location,
        digest: &package.digest,
        size: Some(package.size),
        limit: package.size,
    };
    batch.file(&order, &mut growing, &|length| item.at(length))?;
    let part = growing.into_part();
    match verify(package, part.path(), signed::Depth::Whole) {
        Ok(()) => dirs.place(part, &path)?,
        Err(error) => {
            part.discard();
            return Err(error);
        }
    }
    Ok(Came::Now)
}

/// Whether the store below has it. What is damaged there is fetched; what is not signed as it must be would not be here.
fn is_below(package: &Wanted, dirs: &Dirs) -> Result<bool, Error> {
    let Some(path) = dirs.below(&dirs.package(&package.digest)) else { return Ok(false) };
    if fs::size_if_there(&path).map_err(Error::Store)? != Some(package.size) {
        return Ok(false);
    }
    let file = fs::map(&path).map_err(Error::Store)?;
    let mut hasher = Hasher::new(package.digest.algorithm());
    hasher.update(&file);
    if hasher.finish() != package.digest {
        tracing::warn!(%path, "it does not have the digest that names it, and is fetched");
        return Ok(false);
    }
    verify(package, path.as_path(), signed::Depth::Whole)?;
    Ok(true)
}

fn verify(package: &Wanted, path: &std::path::Path, depth: signed::Depth) -> Result<(), Error> {
    let file = fs::map(path).map_err(Error::Store)?;
    signed::verify(&file, &package.nevra, &package.from.trust, depth).map_err(|source| Error::Package {
        package: package.nevra.to_string(),
        repo: package.from.repo.clone(),
        source: Box::new(source),
    })
}
