//! A header: typed values by tag, read where they lie.
//!
//! Headers come from the network and are hostile until proven otherwise. `Header::parse` refuses what rpm refuses (`lib/header.cc`: counts, types, alignment,
//! order, overlaps, the region's trailer) and two things more: in a package the region must cover the
//! whole header, so that nothing in it is outside the signature, and no tag may occur twice, so that
//! no two readers see different values. After that every getter is safe on any input.

use crate::package::tag::{Tag, Type};

/// The eight bytes that a header in a package begins with.
pub const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];

const MAX_ENTRIES: usize = 0xffff;
const MAX_DATA: usize = 0x0fff_ffff;
const MAX_VALUES: usize = 0x000f_ffff;
const ENTRY: usize = 16;
const FIRST_TAG: u32 = 100;

/// Where a header comes from, which decides how strict its reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The main header of a package file.
    Package,
    /// The signature header of a package file: other meanings of the same numbers, never signed itself.
    Signature,
    /// A blob of the installed-packages database: no magic, entries after the region, the last of a tag counts.
    Installed,
}

/// Why bytes are not a header, or a value in it is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It ends before its own counts say.
    #[error("the header is cut short: {needed} bytes needed, {found} there")]
    Truncated {
        /// Bytes that its counts ask for.
        needed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// It does not begin as a header does.
    #[error("no header begins here (first bytes {found:02x?})")]
    Magic {
        /// What is there instead.
        found: Vec<u8>,
    },
    /// Its counts are beyond rpm's limits.
    #[error("the header claims {entries} entries and {bytes} bytes, more than rpm allows")]
    TooLarge {
        /// Entries claimed.
        entries: usize,
        /// Bytes claimed.
        bytes: usize,
    },
    /// The region that the signature covers is missing or damaged.
    #[error("the header's immutable region is bad: {why}")]
    Region {
        /// In which way.
        why: &'static str,
    },
    /// An entry points outside, overlaps, or has an impossible type or count.
    #[error("header entry {index}, {tag}, is bad: {why}")]
    Entry {
        /// Its position.
        index: usize,
        /// Its tag.
        tag: Tag,
        /// In which way.
        why: &'static str,
    },
    /// A value has another type than the reader needs.
    #[error("{tag} has the type {found:?}")]
    Type {
        /// Its tag.
        tag: Tag,
        /// The type it has.
        found: Type,
    },
    /// A string is not UTF-8.
    #[error("{tag} is not UTF-8: `{}`", .text.escape_default())]
    Encoding {
        /// Its tag.
        tag: Tag,
        /// The string, with the bad bytes replaced.
        text: String,
    },
    /// A value that every package has is not there.
    #[error("{tag} is missing")]
    Missing {
        /// Its tag.
        tag: Tag,
    },
    /// Two lists that belong together have different lengths.
    #[error("{tag} has {found} values where {expected} are needed")]
    Count {
        /// The tag of the wrong list.
        tag: Tag,
        /// Values needed.
        expected: usize,
        /// Values there.
        found: usize,
    },
    /// A number points nowhere, or a text is not of the form it must have.
    #[error("{tag} has a bad value: `{}`", .value.escape_default())]
    Value {
        /// Its tag.
        tag: Tag,
        /// The value.
        value: String,
    },
}

/// One entry of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub tag: Tag,
    /// The type of its values.
    pub kind: Type,
    /// Where its values begin, in the header's data.
    pub offset: usize,
    /// How many values.
    pub count: usize,
    /// Bytes of all values.
    pub length: usize,
}

/// A header whose structure was checked.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    bytes: &'a [u8],
    data: &'a [u8],
    entries: Vec<Entry>,
    region: Region,
}

/// The part that a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    entries: usize,
    data: usize,
}

type Result<T> = std::result::Result<T, HeaderError>;

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

impl<'a> Header<'a> {
    /// Reads the header that `bytes` begins with. More may follow: see [`Header::length`].
    pub fn parse(bytes: &'a [u8], origin: Origin) -> Result<Self> {
        let body = match origin {
            Origin::Installed => bytes,
            _ => bytes
                .strip_prefix(&MAGIC)
                .ok_or_else(|| HeaderError::Magic { found: bytes[..bytes.len().min(8)].to_vec() })?,
        };
        let (entries, data) = (word(body, 0) as usize, word(body, 4) as usize);
        if entries == 0 || entries > MAX_ENTRIES || data > MAX_DATA {
            return Err(HeaderError::TooLarge { entries, bytes: data });
        }
        let needed = 8 + ENTRY * entries + data;
        let bytes = body.get(..needed).ok_or(HeaderError::Truncated { needed, found: body.len() })?;
        let (index, data) = bytes[8..].split_at(ENTRY * entries);
        let region = region(index, data, origin)?;
        let mut header = Self { bytes, data, entries: Vec::with_capacity(entries), region };
        header.read_index(index, origin)?;
        Ok(header)
    }

    /// The header without its magic, as the database stores it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes that the header's digests and signatures cover, in pieces.
    pub fn signed(&self) -> [Vec<u8>; 2] {
        let mut front = MAGIC.to_vec();
        front.extend_from_slice(&(self.region.entries as u32).to_be_bytes());
        front.extend_from_slice(&(self.region.data as u32).to_be_bytes());
        front.extend_from_slice(&self.bytes[8..8 + ENTRY * self.region.entries]);
        [front, self.data[..self.region.data].to_vec()]
    }

    /// The index, in the header's order, without the region's own entry.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The bytes of an entry's values.
    pub fn raw(&self, entry: &Entry) -> &'a [u8] {
        &self.data[entry.offset..entry.offset + entry.length]
    }

    fn read_index(&mut self, index: &[u8], origin: Origin) -> Result<()> {
        let mut end = 0;
        let trailer = self.region.data - ENTRY;
        for (at, row) in index.chunks_exact(ENTRY).enumerate().skip(1) {
            let tag = Tag(word(row, 0));
            let bad = |why| HeaderError::Entry { index: at, tag, why };
            if !(FIRST_TAG..=i32::MAX as u32).contains(&tag.0) {
                return Err(bad("no such tag"));
            }
            let kind = Type::from_number(word(row, 4)).ok_or_else(|| bad("no such type"))?;
            let (offset, count) = (word(row, 8) as usize, word(row, 12) as usize);
            if origin != Origin::Signature && !agrees(tag, kind) {
                return Err(bad("not the type of this tag"));
            }
            if offset < end {
                return Err(bad("it overlaps the entry before it"));
            }
            if !offset.is_multiple_of(kind.width()) {
                return Err(bad("it is not aligned"));
            }
            let length =
                length(kind, count, self.data.get(offset..)).ok_or_else(|| bad("it does not fit"))?;
            end = offset + length;
            if end > trailer && offset < self.region.data {
                return Err(bad("it overlaps the region's trailer"));
            }
            self.entries.push(Entry { tag, kind, offset, count, length });
        }
        if origin != Origin::Installed {
            let mut tags: Vec<_> = self.entries.iter().map(|entry| entry.tag).collect();
            tags.sort_unstable();
            if let Some(pair) = tags.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(HeaderError::Entry { index: 0, tag: pair[0], why: "it is there twice" });
            }
        }
        Ok(())
    }
}

/// Whether `kind` is what rpm expects of `tag`; unknown tags may be anything, and kinds of strings are one.
fn agrees(tag: Tag, kind: Type) -> bool {
    tag.expected().is_none_or(|expected| expected == kind || (expected.is_string() && kind.is_string()))
}

/// The bytes that `count` values take, or nothing where they do not fit or the count makes no sense.
fn length(kind: Type, count: usize, data: Option<&[u8]>) -> Option<usize> {
    let data = data?;
    if count == 0 || count > data.len() || (kind != Type::Binary && count > MAX_VALUES) {
        return None;
    }
    match kind {
        Type::String if count != 1 => None,
        Type::String | Type::StringArray | Type::I18nString => {
            let ends = data.iter().enumerate().filter(|(_, byte)| **byte == 0);
            ends.map(|(at, _)| at + 1).nth(count - 1)
        }
        _ => Some(count * kind.width()).filter(|length| *length <= data.len()),
    }
}

/// Checks the first entry and the trailer it points to.
fn region(index: &[u8], data: &[u8], origin: Origin) -> Result<Region> {
    let bad = |why| HeaderError::Region { why };
    let wanted = if origin == Origin::Signature { Tag::HEADERSIGNATURES } else { Tag::HEADERIMMUTABLE };
    if word(index, 0) != wanted.0 {
        return Err(bad("the header does not begin with one"));
    }
    let (kind, offset, count) = (word(index, 4), word(index, 8) as usize, word(index, 12) as usize);
    if kind != Type::Binary.number() || count != ENTRY {
        return Err(bad("its entry has another type or size"));
    }
    let trailer =
        data.get(offset..).and_then(|rest| rest.get(..ENTRY)).ok_or_else(|| bad("its trailer is outside"))?;
    // Signature headers written by old versions carry the older number in their trailer.
    let tag = word(trailer, 0);
    if tag != wanted.0 && !(origin == Origin::Signature && tag == Tag::HEADERIMAGE.0) {
        return Err(bad("its trailer has another tag"));
    }
    if word(trailer, 4) != Type::Binary.number() || word(trailer, 12) as usize != ENTRY {
        return Err(bad("its trailer has another type or size"));
    }
    let span = (word(trailer, 8) as i32).wrapping_neg();
    let entries = usize::try_from(span).unwrap_or(0) / ENTRY;
    if entries == 0 || !(span as usize).is_multiple_of(ENTRY) || entries > index.len() / ENTRY {
        return Err(bad("its trailer counts other entries than there are"));
    }
    let region = Region { entries, data: offset + ENTRY };
    if origin == Origin::Package && (entries * ENTRY != index.len() || region.data != data.len()) {
        return Err(bad("it does not cover the whole header"));
    }
    Ok(region)
}
