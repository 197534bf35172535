//! Package files into the store: verified, decompressed and written in one pass, several packages at a time.
//!
//! A package is hostile until all of it was read: its own digest against the lock, header and payload against the
//! digests it carries, every file against the header. It is made in the store's `tmp/` and appears whole, or not at all.

mod archive;
mod codec;
mod contents;
mod digests;
mod error;
#[cfg(test)]
mod hostile;
mod source;
#[cfg(test)]
mod tests;

use std::io::BufReader;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::package::Nevra;
use crate::package::file::PackageFile;
use crate::package::tag::Tag;
use crate::report::{Event, Reporter, Stage};
use crate::store::{PackageManifest, Store, StoredPackage};
use crate::sys::flat::Flat;
use crate::sys::fs;
use crate::sys::owner::Owner;
use crate::unit::{Digest, Hasher, HostPath};

pub use archive::ArchiveError;
pub use error::{Error, Reason};
pub use source::source;

use archive::Archive;
use codec::Decoder;
use contents::{Contents, Written};

/// A package file to unpack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it must hold.
    pub nevra: Nevra,
    /// The file's digest.
    pub digest: Digest,
    /// Where it lies.
    pub file: HostPath,
    /// Its size in bytes.
    pub size: u64,
}

impl Source {
    /// A package of a lock, which was fetched into the store.
    pub fn locked(package: &crate::lock::LockedPackage, store: &Store) -> Self {
        let file = store.rpm(&package.digest);
        Self { nevra: package.nevra.clone(), digest: package.digest.clone(), file, size: package.size }
    }
}

/// Large enough that the small files of a package are written without another copy.
const BUFFER: usize = 256 << 10;

/// What is known of a package file before it is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// That it lies there.
    Nothing,
    /// This process has just verified every byte of it.
    Verified,
}

/// A package that can be unpacked: its position in the list, and what is known of it.
pub type Arrival = (usize, Known);

/// Unpacks packages that the store does not have yet, on all processors; all of them come back in the order given.
/// After the first failure no more are begun.
pub fn unpack(
    sources: &[Source],
    store: &Store,
    reporter: &dyn Reporter,
) -> Result<Vec<StoredPackage>, Error> {
    // The largest package first: the others fill up the time beside it.
    let mut order: Vec<_> = (0..sources.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sources[*at].size));
    let (sender, arrivals) = channel();
    for at in order {
        // The receiver is in this function.
        let _ = sender.send((at, Known::Nothing));
    }
    drop(sender);
    unpack_arriving(sources, arrivals, store, reporter)
}

/// The same for packages that arrive meanwhile. Ends when there will be no more arrivals; what never arrived is missing
/// in the answer.
pub fn unpack_arriving(
    sources: &[Source],
    arrivals: Receiver<Arrival>,
    store: &Store,
    reporter: &dyn Reporter,
) -> Result<Vec<StoredPackage>, Error> {
    let done = Done { packages: vec![None; sources.len()], ..Done::default() };
    let work = Work { sources, arrivals: Mutex::new(arrivals), store, reporter, done: Mutex::new(done) };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..processors.min(sources.len()) {
            scope.spawn(|| work.run());
        }
        work.run();
    });
    work.done.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
}

struct Work<'a> {
    sources: &'a [Source],
    arrivals: Mutex<Receiver<Arrival>>,
    store: &'a Store,
    reporter: &'a dyn Reporter,
    done: Mutex<Done>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Done {
    packages: Vec<Option<StoredPackage>>,
    failure: Option<Error>,
    count: u64,
    bytes: u64,
}

impl Done {
    fn finish(self) -> Result<Vec<StoredPackage>, Error> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.packages.into_iter().flatten().collect()),
        }
    }
}

impl Work<'_> {
    fn next(&self) -> Option<Arrival> {
        if locked(&self.done).failure.is_some() {
            return None;
        }
        locked(&self.arrivals).recv().ok()
    }

    fn run(&self) {
        while let Some((at, known)) = self.next() {
            let source = &self.sources[at];
            let interrupted = crate::sandbox::interrupted().then_some(Err(Reason::Interrupted));
            let result = interrupted
                .unwrap_or_else(|| unpack_one(source, known, self.store))
                .map_err(|reason| Error { package: source.nevra.to_string(), reason });
            let mut done = locked(&self.done);
            match result {
                Ok(package) => done.packages[at] = Some(package),
                Err(error) => {
                    done.failure.get_or_insert(error);
                    return;
                }
            }
            done.count += 1;
            done.bytes += source.size;
            self.reporter.report(Event::Progress {
                stage: Stage::Unpack,
                item: source.nevra.to_string(),
                done: done.count,
                total: self.sources.len() as u64,
                bytes: done.bytes,
                total_bytes: self.sources.iter().map(|source| source.size).sum(),
            });
        }
    }
}

fn unpack_one(source: &Source, known: Known, store: &Store) -> Result<StoredPackage, Reason> {
    if let Some(package) = store.package(&source.digest)? {
        return Ok(package);
    }
    let bytes = match (fs::map(&source.file), store.rpm_below(&source.digest)) {
        (Err(error), Some(below)) if error.kind() == std::io::ErrorKind::NotFound => fs::map(below)?,
        (there, _) => there?,
    };
    if known == Known::Nothing {
        verify_whole(source, &bytes)?;
    }
    let file = PackageFile::parse(&bytes)?;
    let found = file.header.nevra()?;
    if found.to_string() != source.nevra.to_string() {
        return Err(Reason::Other { found: found.to_string() });
    }
    if known == Known::Nothing {
        digests::verify(&file)?;
    }
    let staging = store.stage("package")?;
    let directory = staging.path().join("files");
    fs::create_dir(&directory, 0o755)?;
    store.own(&directory)?;
    let written = write_files(&file, Flat::open(&directory)?, store.other_owner())?;
    let header = &bytes[file.header_range.clone()];
    for (name, content) in [("header", header), ("signature", &bytes[file.signature_range.clone()])] {
        let path = staging.path().join(name);
        fs::write(&path, content)?;
        store.own(&path)?;
    }
    let digest = source.digest.clone();
    let mut manifest = PackageManifest::new(found, digest, bytes.len() as u64, Digest::sha256(header));
    (manifest.files, manifest.bytes) = (written.files, written.bytes);
    manifest.signature = Some(Digest::sha256(&bytes[file.signature_range.clone()]));
    Ok(store.publish_package(&staging, manifest)?)
}

fn verify_whole(source: &Source, bytes: &[u8]) -> Result<(), Reason> {
    let mut hasher = Hasher::new(source.digest.algorithm());
    hasher.update(bytes);
    let found = hasher.finish();
    if found == source.digest {
        return Ok(());
    }
    let (expected, found) = (source.digest.hex(), found.hex());
    Err(Reason::Digest { part: source.file.to_string(), expected, found })
}

fn write_files(file: &PackageFile<'_>, directory: Flat, owner: Option<Owner>) -> Result<Written, Reason> {
    let files = file.header.files()?;
    let format = file.header.string(Tag::PAYLOADFORMAT)?.unwrap_or("cpio");
    let codec = file.header.string(Tag::PAYLOADCOMPRESSOR)?;
    let refused = || Reason::Format { format: format.to_owned(), codec: codec.unwrap_or("gzip").to_owned() };
    let decoder = match format {
        "cpio" => Decoder::new(codec, file.payload()).map_err(ArchiveError::Read)?,
        _ => None,
    };
    let input = BufReader::with_capacity(BUFFER, decoder.ok_or_else(refused)?);
    let mut contents = Contents::new(&files, directory, owner)?;
    let rest = contents.read(Archive::new(input))?;
    if rest.get_ref().left() > 0 {
        return Err(ArchiveError::Tail.into());
    }
    Ok(contents.written)
}
