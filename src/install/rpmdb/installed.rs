//! The header of an installed package: the package's own, byte for byte, and behind its region what the installation adds.

use crate::install::rpmdb::Error;
use crate::package::header::{Entry, Header, HeaderError, Origin};
use crate::package::tag::{Tag, Type};

/// Which rpm's way of writing is followed. It is the root's own, so that a root made by kiln and one made by it are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// rpm 4.
    Four,
    /// rpm 6: keeps OpenPGP signatures of the new form and digests of the package file.
    Six,
}

impl Generation {
    /// The generation of a version such as `4.18.0`.
    pub fn of(version: &str) -> Self {
        let major = version.split('.').next().and_then(|part| part.parse::<u32>().ok());
        if major.is_some_and(|major| major < 6) { Self::Four } else { Self::Six }
    }
}

/// A package and what its installation adds.
#[derive(Debug, Clone, Copy)]
pub struct InstalledPackage<'a> {
    /// The header as it is in the package file.
    pub header: &'a [u8],
    /// The signature header as it is in the package file.
    pub signature: &'a [u8],
    /// One state for each file (`plan::transaction::FileState`).
    pub states: &'a [u8],
    /// When the transaction began.
    pub tid: u32,
    /// When the package was installed.
    pub time: u32,
    /// `%_transaction_color`: 3 where 64-bit and 32-bit packages live side by side.
    pub color: u32,
    /// Whose way is followed.
    pub generation: Generation,
    /// Digests of the package file as (OpenPGP number, hexadecimal), which rpm 6 keeps.
    pub digests: &'a [(u32, String)],
}

/// An entry of the signature header, its name in the database, its type, and how many values it must have (0: any).
struct Moved(u32, Tag, Type, usize);

const MOVED: &[Moved] = &[
    Moved(1000, Tag::SIGSIZE, Type::Int32, 1),
    Moved(1002, Tag::SIGPGP, Type::Binary, 0),
    Moved(1004, Tag::SIGMD5, Type::Binary, 16),
    Moved(1005, Tag::SIGGPG, Type::Binary, 0),
    Moved(1007, Tag::ARCHIVESIZE, Type::Int32, 1),
    Moved(274, Tag::FILESIGNATURES, Type::StringArray, 0),
    Moved(275, Tag::FILESIGNATURELENGTH, Type::Int32, 1),
    Moved(276, Tag::VERITYSIGNATURES, Type::StringArray, 0),
    Moved(277, Tag::VERITYSIGNATUREALGO, Type::Int32, 1),
    Moved(269, Tag::SHA1HEADER, Type::String, 1),
    Moved(273, Tag::SHA256HEADER, Type::String, 1),
    Moved(279, Tag::SHA3_256HEADER, Type::String, 1),
    Moved(267, Tag::DSAHEADER, Type::Binary, 0),
    Moved(268, Tag::RSAHEADER, Type::Binary, 0),
    Moved(270, Tag::LONGSIGSIZE, Type::Int64, 1),
    Moved(271, Tag::LONGARCHIVESIZE, Type::Int64, 1),
    Moved(278, Tag::OPENPGP, Type::StringArray, 0),
];

/// Entries that old packages may have in their header instead.
const EITHER: &[Tag] = &[Tag::ARCHIVESIZE, Tag::FILESIGNATURES, Tag::FILESIGNATURELENGTH];

/// Entries that rpm 4 does not take over.
const NEW: &[Tag] = &[Tag::OPENPGP, Tag::SHA3_256HEADER];

/// Entries that the installation writes itself.
const OWN: &[Tag] = &[
    Tag::FILESTATES,
    Tag::INSTALLTIME,
    Tag::INSTALLTID,
    Tag::INSTALLCOLOR,
    Tag::PACKAGEDIGESTS,
    Tag::PACKAGEDIGESTALGOS,
];

/// An entry that is added.
struct Added {
    tag: Tag,
    kind: Type,
    count: usize,
    bytes: Vec<u8>,
}

impl Added {
    fn number(tag: Tag, number: u32) -> Self {
        Self { tag, kind: Type::Int32, count: 1, bytes: number.to_be_bytes().to_vec() }
    }
}

impl InstalledPackage<'_> {
    /// The header as the database stores it, without a magic number.
    pub fn header(&self) -> Result<Vec<u8>, Error> {
        let named = |package: &str| {
            let package = package.to_owned();
            move |source| Error::Header { package, source }
        };
        let header = Header::parse(self.header, Origin::Package).map_err(named("(unknown)"))?;
        let nevra = header.nevra().map_err(named("(unknown)"))?.to_string();
        let signature = Header::parse(self.signature, Origin::Signature).map_err(named(&nevra))?;
        let forged = |tag| Error::Forged { package: nevra.clone(), tag };
        if let Some(tag) = OWN.iter().find(|tag| header.has(**tag)) {
            return Err(forged(*tag));
        }
        let mut added = self.moved(&header, &signature).map_err(|problem| match problem {
            Problem::Forged(tag) => forged(tag),
            Problem::Header(source) => named(&nevra)(source),
        })?;
        added.extend(self.own());
        added.extend(prefixes(&header));
        added.sort_by_key(|entry| entry.tag);
        Ok(joined(&header, &added))
    }

    fn moved(&self, header: &Header<'_>, signature: &Header<'_>) -> Result<Vec<Added>, Problem> {
        let six = header.format()? >= 6;
        let mut added = Vec::new();
        for Moved(from, to, kind, count) in MOVED {
            let there = signature.entry(Tag(*from));
            let skipped = (self.generation == Generation::Four && NEW.contains(to))
                || (self.generation == Generation::Six && six && *from >= 1000);
            if header.has(*to) {
                // A package that says of itself what only its signature can say is a forgery.
                if EITHER.contains(to) && there.is_none() {
                    continue;
                }
                return Err(Problem::Forged(*to));
            }
            let Some(entry) = there.filter(|_| !skipped) else { continue };
            added.push(take(signature, entry, *to, (*kind, *count))?);
        }
        Ok(added)
    }

    fn own(&self) -> Vec<Added> {
        let mut own = vec![
            Added::number(Tag::INSTALLTID, self.tid),
            Added::number(Tag::INSTALLTIME, self.time),
            Added::number(Tag::INSTALLCOLOR, self.color),
        ];
        if !self.states.is_empty() {
            let count = self.states.len();
            own.push(Added { tag: Tag::FILESTATES, kind: Type::Char, count, bytes: self.states.to_vec() });
        }
        if self.generation == Generation::Six && !self.digests.is_empty() {
            let count = self.digests.len();
            let bytes = self.digests.iter().flat_map(|(_, hex)| hex.bytes().chain([0])).collect();
            own.push(Added { tag: Tag::PACKAGEDIGESTS, kind: Type::StringArray, count, bytes });
            let bytes = self.digests.iter().flat_map(|(number, _)| number.to_be_bytes()).collect();
            own.push(Added { tag: Tag::PACKAGEDIGESTALGOS, kind: Type::Int32, count, bytes });
        }
        own
    }
}

/// Where a relocatable package lies; kiln moves none.
fn prefixes(header: &Header<'_>) -> Option<Added> {
    let entry = header.entry(Tag::PREFIXES).filter(|_| !header.has(Tag::INSTPREFIXES))?;
    let (kind, bytes) = (Type::StringArray, header.raw(entry).to_vec());
    Some(Added { tag: Tag::INSTPREFIXES, kind, count: entry.count, bytes })
}

/// Why an entry cannot be taken over.
enum Problem {
    Forged(Tag),
    Header(HeaderError),
}

impl From<HeaderError> for Problem {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

fn take(
    signature: &Header<'_>,
    entry: &Entry,
    tag: Tag,
    (kind, count): (Type, usize),
) -> Result<Added, HeaderError> {
    if entry.kind != kind {
        return Err(HeaderError::Type { tag, found: entry.kind });
    }
    if count != 0 && entry.count != count {
        return Err(HeaderError::Count { tag, expected: count, found: entry.count });
    }
    Ok(Added { tag, kind, count: entry.count, bytes: signature.raw(entry).to_vec() })
}

/// The header's own index and data, then those of what is added.
fn joined(header: &Header<'_>, added: &[Added]) -> Vec<u8> {
    let bytes = header.bytes();
    let entries = header.entries().len() + 1;
    let (index, data) = bytes[8..].split_at(entries * 16);
    let mut new_index = Vec::new();
    let mut new_data = data.to_vec();
    for entry in added {
        new_data.resize(new_data.len().next_multiple_of(entry.kind.width()), 0);
        for number in [entry.tag.0, entry.kind.number(), new_data.len() as u32, entry.count as u32] {
            new_index.extend_from_slice(&number.to_be_bytes());
        }
        new_data.extend_from_slice(&entry.bytes);
    }
    let counts = [(entries + added.len()) as u32, new_data.len() as u32];
    let counts = counts.map(u32::to_be_bytes).concat();
    [&counts[..], index, &new_index, &new_data].concat()
}
