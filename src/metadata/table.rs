//! The compact tables of one repository. The form in memory is the form in the file: sections of little-endian words
//! in one byte string, owned or mapped, so loading copies nothing and 65,000 packages cost some 20 MB.

use super::blob::Blob;
use super::raw::{get, get_long};
use super::strings::{Id, Strings};
use crate::package::{Evr, Nevra, Sense};
use crate::unit::{Algorithm, Digest};

/// Which list of a package a dependency is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What it is good for.
    Provides,
    /// What it cannot be without.
    Requires,
    /// What it cannot be beside.
    Conflicts,
    /// Which packages, by name, it takes the place of.
    Obsoletes,
    /// What it wants, if it can be had.
    Recommends,
    /// What it would be glad of.
    Suggests,
    /// What wants it: recommends, told from the other end.
    Supplements,
    /// What would be glad of it.
    Enhances,
}

impl Kind {
    /// All of them, in table order.
    pub const ALL: [Self; 8] = [
        Self::Provides,
        Self::Requires,
        Self::Conflicts,
        Self::Obsoletes,
        Self::Recommends,
        Self::Suggests,
        Self::Supplements,
        Self::Enhances,
    ];
}

/// One dependency. A rich dependency is a name that begins with `(`, without flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// The name, the path, or the rich dependency's text.
    pub name: Id,
    /// `[epoch:]version[-release]` where there are flags, else empty.
    pub evr: Id,
    /// Which way the range opens.
    pub sense: Sense,
    /// Whether it must be there before the package's scriptlets run (a require's `pre`).
    pub pre: bool,
}

impl Dependency {
    pub(super) fn pack(self) -> [u32; 2] {
        let flags = self.sense.bits() >> 1 | u32::from(self.pre) << 3;
        [self.name.0, self.evr.0 | flags << 28]
    }

    #[inline]
    fn unpack(row: [u8; 8]) -> Self {
        let word = get(&row, 1);
        Self {
            name: Id(get(&row, 0)),
            evr: Id(word & 0x0fff_ffff),
            sense: Sense::from_bits((word >> 28) << 1),
            pre: word >> 31 == 1,
        }
    }
}

/// Words of a package's record.
pub(super) mod word {
    pub(in super::super) const NAME: usize = 0;
    pub(in super::super) const EVR: usize = 1;
    pub(in super::super) const ARCH: usize = 2;
    pub(in super::super) const LOCATION: usize = 3;
    pub(in super::super) const DIGEST: usize = 4;
    pub(in super::super) const ALGORITHM: usize = 5;
    pub(in super::super) const SIZE: usize = 6;
    pub(in super::super) const INSTALLED: usize = 8;
    pub(in super::super) const BUILT: usize = 10;
    /// Where the first of the eight lists begins; each ends where the next begins.
    pub(in super::super) const LISTS: usize = 12;
    /// Where the files begin and end.
    pub(in super::super) const FILES: usize = LISTS + 9;
    /// Words in all.
    pub(in super::super) const COUNT: usize = FILES + 2;
}

/// The numbers of [`Algorithm`]s in the tables.
pub(super) const ALGORITHMS: [(Algorithm, usize); 5] = [
    (Algorithm::Sha1, 20),
    (Algorithm::Sha224, 28),
    (Algorithm::Sha256, 32),
    (Algorithm::Sha384, 48),
    (Algorithm::Sha512, 64),
];

/// A package's place in its repository's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub(super) u32);

impl PackageId {
    /// The number, dense from 0 to [`Metadata::len`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The sections, cut out of the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) strings: Strings<'a>,
    pub(super) packages: &'a [u8],
    pub(super) dependencies: &'a [u8],
    pub(super) files: &'a [u8],
    pub(super) digests: &'a [u8],
    /// The index of provides: see `provides`.
    pub(super) starts: &'a [u8],
    pub(super) provides: &'a [u8],
    pub(super) obsoletes: &'a [u8],
}

/// One repository's packages.
#[derive(Debug)]
pub struct Metadata {
    pub(super) repo: String,
    pub(super) blob: Blob,
}

impl Metadata {
    pub(super) fn tables(&self) -> Tables<'_> {
        self.blob.tables()
    }

    /// The repository's id.
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.tables().packages.len() / (word::COUNT * 4)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many strings there are.
    pub fn strings(&self) -> usize {
        self.tables().strings.len()
    }

    /// The packages, by name, EVR, architecture and location: the order of the document is not kept.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'_>> + Clone {
        let tables = self.tables();
        (0..self.len() as u32).map(move |id| Package { tables, id })
    }

    /// One package.
    ///
    /// # Panics
    /// If the id is not of these tables.
    pub fn package(&self, id: PackageId) -> Package<'_> {
        assert!(id.index() < self.len(), "package {} of {}", id.0, self.len());
        Package { tables: self.tables(), id: id.0 }
    }

    /// A string.
    pub fn text(&self, id: Id) -> &str {
        self.tables().strings.get(id.0)
    }

    /// The number of a string, if any package names it.
    pub fn find(&self, text: &str) -> Option<Id> {
        self.tables().strings.find(text)
    }
}

/// One package, borrowed from its tables.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    tables: Tables<'a>,
    id: u32,
}

impl<'a> Package<'a> {
    pub(super) fn new(tables: Tables<'a>, id: PackageId) -> Self {
        Self { tables, id: id.0 }
    }

    /// Its place in the tables.
    pub fn id(&self) -> PackageId {
        PackageId(self.id)
    }

    /// The name.
    pub fn name(&self) -> Id {
        Id(self.word(word::NAME))
    }

    /// `[epoch:]version-release`; an epoch of 0 is not written.
    pub fn evr(&self) -> Id {
        Id(self.word(word::EVR))
    }

    /// The architecture; `src` or `nosrc` for a source package.
    pub fn arch(&self) -> Id {
        Id(self.word(word::ARCH))
    }

    /// Name, EVR and architecture as values.
    pub fn nevra(&self) -> Nevra {
        let text = |id: Id| self.tables.strings.get(id.0);
        Nevra {
            name: text(self.name()).to_owned(),
            evr: Evr::parse(text(self.evr())),
            arch: text(self.arch()).to_owned(),
        }
    }

    /// Where the package file lies, relative to the repository's base URL: no scheme, no leading `/`, no `..`.
    pub fn location(&self) -> &'a str {
        self.tables.strings.get(self.word(word::LOCATION))
    }

    /// The package file's digest.
    ///
    /// # Panics
    /// Never: the tables were checked when they were made or loaded.
    pub fn checksum(&self) -> Digest {
        let (algorithm, length) = ALGORITHMS[self.word(word::ALGORITHM) as usize % ALGORITHMS.len()];
        let start = self.word(word::DIGEST) as usize;
        let value = self.tables.digests.get(start..start + length).unwrap_or_default();
        Digest::from_bytes(algorithm, value).unwrap_or_else(|_| Digest::sha256(b""))
    }

    /// The package file's size in bytes.
    pub fn size(&self) -> u64 {
        self.long(word::SIZE)
    }

    /// The bytes its files take.
    pub fn installed_size(&self) -> u64 {
        self.long(word::INSTALLED)
    }

    /// When it was built, in seconds since 1970.
    pub fn built(&self) -> u64 {
        self.long(word::BUILT)
    }

    /// One of its lists, in the order of the file.
    pub fn dependencies(&self, kind: Kind) -> impl ExactSizeIterator<Item = Dependency> + Clone + use<'a> {
        let list = word::LISTS + kind as usize;
        let (start, end) = (self.word(list) as usize, self.word(list + 1) as usize);
        let rows = self.tables.dependencies.get(start * 8..end * 8).unwrap_or_default();
        rows.as_chunks::<8>().0.iter().copied().map(Dependency::unpack)
    }

    /// The paths that primary lists: `/etc/*`, `*bin/*` and a few others, not all.
    pub fn files(&self) -> impl ExactSizeIterator<Item = Id> + Clone + use<'a> {
        let (start, end) = (self.word(word::FILES) as usize, self.word(word::FILES + 1) as usize);
        let all = self.tables.files;
        (start..end).map(move |index| Id(get(all, index)))
    }

    fn word(&self, at: usize) -> u32 {
        get(self.tables.packages, self.id as usize * word::COUNT + at)
    }

    fn long(&self, at: usize) -> u64 {
        get_long(self.tables.packages, self.id as usize * word::COUNT + at)
    }
}
