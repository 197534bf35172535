//! Typed values of a header. A missing tag is an empty list or `None`; a wrong type is an error.

use crate::package::header::{Entry, Header, HeaderError};
use crate::package::tag::{Tag, Type};

type Result<T> = std::result::Result<T, HeaderError>;

impl<'a> Header<'a> {
    /// The index entry of a tag. The last counts: in the database, entries after the region replace its own.
    pub fn entry(&self, tag: Tag) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.tag == tag)
    }

    /// Whether the tag is there.
    pub fn has(&self, tag: Tag) -> bool {
        self.entry(tag).is_some()
    }

    /// A list of strings.
    pub fn strings(&self, tag: Tag) -> Result<Vec<&'a str>> {
        let Some(entry) = self.entry(tag) else { return Ok(Vec::new()) };
        if !entry.kind.is_string() {
            return Err(HeaderError::Type { tag, found: entry.kind });
        }
        let raw = self.raw(entry);
        let text = raw.strip_suffix(b"\0").unwrap_or(raw);
        let text = std::str::from_utf8(text).map_err(|_| HeaderError::Encoding {
            tag,
            text: String::from_utf8_lossy(text).chars().take(200).collect(),
        })?;
        Ok(text.split('\0').collect())
    }

    /// One string: the first of several, and the untranslated one of a translated string.
    pub fn string(&self, tag: Tag) -> Result<Option<&'a str>> {
        Ok(self.strings(tag)?.first().copied())
    }

    /// One string that every package has.
    pub fn needed(&self, tag: Tag) -> Result<&'a str> {
        self.string(tag)?.ok_or(HeaderError::Missing { tag })
    }

    /// Translations of a string as (locale, text), the untranslated one first with the locale `C`.
    pub fn translations(&self, tag: Tag) -> Result<Vec<(&'a str, &'a str)>> {
        let locales = self.strings(Tag::HEADERI18NTABLE)?;
        let locales = if locales.is_empty() { vec!["C"] } else { locales };
        Ok(locales.into_iter().zip(self.strings(tag)?).collect())
    }

    /// A list of 16-bit numbers.
    pub fn u16s(&self, tag: Tag) -> Result<Vec<u16>> {
        self.numbers(tag, Type::Int16, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A list of 32-bit numbers.
    pub fn u32s(&self, tag: Tag) -> Result<Vec<u32>> {
        self.numbers(tag, Type::Int32, |bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A list of 64-bit numbers.
    pub fn u64s(&self, tag: Tag) -> Result<Vec<u64>> {
        self.numbers(tag, Type::Int64, |bytes| {
            bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
        })
    }

    /// One 32-bit number.
    pub fn u32(&self, tag: Tag) -> Result<Option<u32>> {
        Ok(self.u32s(tag)?.first().copied())
    }

    /// Bytes: of a binary entry, or of characters.
    pub fn binary(&self, tag: Tag) -> Result<Option<&'a [u8]>> {
        match self.entry(tag) {
            None => Ok(None),
            Some(entry) if matches!(entry.kind, Type::Binary | Type::Char | Type::Int8) => {
                Ok(Some(self.raw(entry)))
            }
            Some(entry) => Err(HeaderError::Type { tag, found: entry.kind }),
        }
    }

    fn numbers<T>(&self, tag: Tag, kind: Type, read: impl Fn(&[u8]) -> T) -> Result<Vec<T>> {
        let Some(entry) = self.entry(tag) else { return Ok(Vec::new()) };
        if entry.kind != kind {
            return Err(HeaderError::Type { tag, found: entry.kind });
        }
        Ok(self.raw(entry).chunks_exact(kind.width()).map(read).collect())
    }
}

/// Checks that a list has `expected` values.
pub(in crate::package) fn counted<T>(tag: Tag, expected: usize, list: Vec<T>) -> Result<Vec<T>> {
    if list.len() == expected {
        Ok(list)
    } else {
        Err(HeaderError::Count { tag, expected, found: list.len() })
    }
}

/// Checks that a list has `expected` values or is missing, and fills a missing one.
pub(in crate::package) fn counted_or<T: Clone>(
    tag: Tag,
    expected: usize,
    list: Vec<T>,
    missing: T,
) -> Result<Vec<T>> {
    if list.is_empty() { Ok(vec![missing; expected]) } else { counted(tag, expected, list) }
}
