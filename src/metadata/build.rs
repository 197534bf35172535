//! Tables while they are made: packages arrive one after the other, each with its lists.

use std::cmp::Ordering;

use super::index::{Index, Probe, hash};
use super::raw::{get, put};
use super::strings::{Full, Id, Interner, LARGEST_TABLES};
use super::table::{ALGORITHMS, Dependency, Metadata, word};
use crate::package::EvrRef;
use crate::unit::{Algorithm, Digest};

/// A package's fields before they are put into the tables.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) name: u32,
    pub(super) evr: u32,
    pub(super) arch: u32,
    pub(super) location: u32,
    pub(super) size: u64,
    pub(super) installed: u64,
    pub(super) built: u64,
    /// The eight lists, in the order of [`super::Kind`].
    pub(super) lists: [Vec<Dependency>; 8],
    pub(super) files: Vec<Id>,
}

/// The sections while they grow.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) strings: Interner,
    packages: Vec<u8>,
    dependencies: Vec<u8>,
    files: Vec<u8>,
    digests: Vec<u8>,
    /// The packages by digest.
    known: Index,
}

/// Why a package could not be added.
pub(super) enum Refused {
    Full(Full),
    /// Its file is another package's already.
    Taken,
}

impl From<Full> for Refused {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            strings: Interner::new(),
            packages: Vec::new(),
            dependencies: Vec::new(),
            files: Vec::new(),
            digests: Vec::new(),
            known: Index::new(),
        }
    }

    /// How many packages there are.
    pub(super) fn len(&self) -> usize {
        self.packages.len() / (word::COUNT * 4)
    }

    /// A file weighs three times and a dependency twice: they may get a row in the index of provides.
    fn weight(&self) -> usize {
        let rows = [&self.packages, &self.dependencies, &self.files, &self.digests];
        let rows: usize = rows.iter().map(|rows| rows.len()).sum();
        rows + self.files.len() * 2 + self.dependencies.len() + self.strings.weight() + self.known.weight()
    }

    /// Adds a package and empties the record's lists for the next one. The same package once more changes nothing:
    /// merged repositories have some; one digest for two packages is refused.
    pub(super) fn push(&mut self, record: &mut Record, checksum: &Digest) -> Result<(), Refused> {
        let name = [record.name, record.evr, record.arch];
        let number = self.len() as u32;
        let digest = u32::try_from(self.digests.len()).map_err(|_| Full::Count)?;
        if self.weight() > LARGEST_TABLES {
            return Err(Full::Count.into());
        }
        let hash = hash(checksum.bytes());
        match self.known.probe(hash, |known| self.digest(known) == checksum.bytes()) {
            Probe::Full => return Err(Full::Collisions.into()),
            Probe::Found(known) if self.name(known) != name => return Err(Refused::Taken),
            Probe::Found(_) => {
                record.lists.iter_mut().for_each(Vec::clear);
                record.files.clear();
                return Ok(());
            }
            Probe::Free(slot) => {
                self.digests.extend_from_slice(checksum.bytes());
                let words = self.words(record, digest, checksum.algorithm())?;
                for word in words {
                    put(&mut self.packages, word);
                }
                let (packages, digests) = (&self.packages, &self.digests);
                let hash_of = |known| super::index::hash(digest_of(packages, digests, known));
                if !self.known.put(slot, hash, number, hash_of) {
                    return Err(Full::Collisions.into());
                }
            }
        }
        Ok(())
    }

    fn words(
        &mut self,
        record: &mut Record,
        digest: u32,
        algorithm: Algorithm,
    ) -> Result<[u32; word::COUNT], Full> {
        let algorithm = ALGORITHMS.iter().position(|row| row.0 == algorithm).unwrap_or_default();
        let mut words = [0; word::COUNT];
        words[word::NAME] = record.name;
        words[word::EVR] = record.evr;
        words[word::ARCH] = record.arch;
        words[word::LOCATION] = record.location;
        words[word::DIGEST] = digest;
        words[word::ALGORITHM] = algorithm as u32;
        for (at, long) in
            [(word::SIZE, record.size), (word::INSTALLED, record.installed), (word::BUILT, record.built)]
        {
            words[at] = long as u32;
            words[at + 1] = (long >> 32) as u32;
        }
        for (at, list) in record.lists.iter_mut().enumerate() {
            words[word::LISTS + at] = count(&self.dependencies, 8)?;
            for dependency in list.drain(..) {
                dependency.pack().into_iter().for_each(|word| put(&mut self.dependencies, word));
            }
        }
        words[word::LISTS + 8] = count(&self.dependencies, 8)?;
        words[word::FILES] = count(&self.files, 4)?;
        record.files.drain(..).for_each(|path| put(&mut self.files, path.0));
        words[word::FILES + 1] = count(&self.files, 4)?;
        Ok(words)
    }

    fn digest(&self, package: u32) -> &[u8] {
        digest_of(&self.packages, &self.digests, package)
    }

    fn name(&self, package: u32) -> [u32; 3] {
        [word::NAME, word::EVR, word::ARCH].map(|at| get(&self.packages, package as usize * word::COUNT + at))
    }

    /// The finished tables.
    pub(super) fn finish(mut self, repo: &str) -> Metadata {
        self.packages = sorted(&self.strings, &self.packages);
        let (text, all, slots) = self.strings.finish();
        let mut ends = Vec::with_capacity(all.len() * 4);
        for end in all {
            put(&mut ends, end);
        }
        let sections =
            [text.into_bytes(), ends, slots, self.packages, self.dependencies, self.files, self.digests];
        Metadata::finished(repo, sections)
    }
}

/// A package's digest: up to where the next one's begins.
fn digest_of<'a>(packages: &[u8], digests: &'a [u8], package: u32) -> &'a [u8] {
    let row = package as usize * word::COUNT;
    let length = ALGORITHMS[get(packages, row + word::ALGORITHM) as usize].1;
    let start = get(packages, row + word::DIGEST) as usize;
    &digests[start..start + length]
}

fn count(section: &[u8], width: usize) -> Result<u32, Full> {
    u32::try_from(section.len() / width).map_err(|_| Full::Count)
}

/// The packages' rows in the order that is the same whatever the document's: by name, EVR, architecture and location.
fn sorted(strings: &Interner, packages: &[u8]) -> Vec<u8> {
    let word = |row: u32, at: usize| get(packages, row as usize * word::COUNT + at);
    let text = |row: u32, at: usize| strings.get(word(row, at));
    let by_evr = |a: u32, b: u32| {
        let (a, b) = (text(a, word::EVR), text(b, word::EVR));
        if a == b {
            Ordering::Equal
        } else {
            EvrRef::parse(a).compare(&EvrRef::parse(b)).then_with(|| a.cmp(b))
        }
    };
    let compare = |a: &(u128, u32), b: &(u128, u32)| {
        let (left, right) = (a.1, b.1);
        a.0.cmp(&b.0)
            .then_with(|| text(left, word::NAME).cmp(text(right, word::NAME)))
            .then_with(|| by_evr(left, right))
            .then_with(|| text(left, word::ARCH).cmp(text(right, word::ARCH)))
            .then_with(|| text(left, word::LOCATION).cmp(text(right, word::LOCATION)))
    };
    let rows = (packages.len() / (word::COUNT * 4)) as u32;
    let mut order: Vec<(u128, u32)> =
        (0..rows).map(|row| (beginning(text(row, word::NAME).as_bytes()), row)).collect();
    order.sort_by(compare);
    let mut all = Vec::with_capacity(packages.len());
    for (_, row) in order {
        let start = row as usize * word::COUNT * 4;
        all.extend_from_slice(&packages[start..start + word::COUNT * 4]);
    }
    all
}

/// The first sixteen bytes, in an order that is theirs.
fn beginning(bytes: &[u8]) -> u128 {
    let mut first = [0; 16];
    let len = bytes.len().min(16);
    first[..len].copy_from_slice(&bytes[..len]);
    u128::from_be_bytes(first)
}
