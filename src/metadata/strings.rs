//! Interned text: every string of a repository once, in one arena, named by a number.
//!
//! Three sections: `text` holds the strings one after the other, `ends` where each of them ends, `slots` a hash table of
//! their numbers, so that a string can be looked up in a stored arena without building anything first.

use super::index::{self, Index, Probe, hash};
use super::raw::get;

/// A string of one repository's tables. Equal strings of the same tables have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(super) u32);

impl Id {
    /// The empty string, in all tables.
    pub const EMPTY: Self = Self(0);

    /// The string of a number below [`super::Metadata::strings`].
    pub fn from_index(index: usize) -> Self {
        Self(index as u32)
    }

    /// The number, dense from 0 to [`super::Metadata::strings`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How many strings there may be: four bits of the word are the dependency's flags.
pub(super) const MOST_STRINGS: u32 = (1 << 28) - 1;

/// What the tables of one repository may take, in bytes: several times what the largest known ones do, and little enough to
/// be held twice while they are put together.
pub(super) const LARGEST_TABLES: usize = 96 << 20;

/// Why something could not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many, or more than the tables may take.
    Count,
    /// Too many of one hash.
    Collisions,
}

/// The arena while it grows.
#[derive(Debug)]
pub(super) struct Interner {
    text: String,
    ends: Vec<u32>,
    index: Index,
}

impl Interner {
    pub(super) fn new() -> Self {
        let mut new = Self { text: String::new(), ends: Vec::new(), index: Index::new() };
        let empty = new.intern("");
        debug_assert_eq!(empty, Ok(Id::EMPTY));
        new
    }

    /// The number of a string, new or known.
    pub(super) fn intern(&mut self, text: &str) -> Result<Id, Full> {
        if text.is_empty() && !self.ends.is_empty() {
            return Ok(Id::EMPTY);
        }
        let hash = hash(text.as_bytes());
        match self.index.probe(hash, |id| self.get(id) == text) {
            Probe::Found(id) => Ok(Id(id)),
            Probe::Free(slot) => self.add(slot, hash, text),
            Probe::Full => Err(Full::Collisions),
        }
    }

    /// The number of a string, if it is known.
    pub(super) fn find(&self, text: &str) -> Option<Id> {
        match self.index.probe(hash(text.as_bytes()), |id| self.get(id) == text) {
            Probe::Found(id) => Some(Id(id)),
            Probe::Free(_) | Probe::Full => None,
        }
    }

    /// The string of a number.
    pub(super) fn get(&self, id: u32) -> &str {
        cut(&self.text, &self.ends, id)
    }

    fn add(&mut self, slot: usize, hash: u64, text: &str) -> Result<Id, Full> {
        let id = self.ends.len() as u32;
        let end = u32::try_from(self.text.len() + text.len()).map_err(|_| Full::Count)?;
        if id >= MOST_STRINGS || self.weight() + text.len() > LARGEST_TABLES {
            return Err(Full::Count);
        }
        self.text.push_str(text);
        self.ends.push(end);
        let (text, ends) = (&self.text, &self.ends);
        let hash_of = |id| super::index::hash(cut(text, ends, id).as_bytes());
        if self.index.put(slot, hash, id, hash_of) { Ok(Id(id)) } else { Err(Full::Collisions) }
    }

    /// How many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        self.text.len() + self.ends.len() * 4 + self.index.weight()
    }

    /// The three sections.
    pub(super) fn finish(self) -> (String, Vec<u32>, Vec<u8>) {
        (self.text, self.ends, self.index.to_bytes())
    }
}

fn cut<'a>(text: &'a str, ends: &[u32], id: u32) -> &'a str {
    let at = id as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &text[start as usize..ends[at] as usize]
}

/// The arena, to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strings<'a> {
    pub(super) text: &'a [u8],
    pub(super) ends: &'a [u8],
    pub(super) slots: &'a [u8],
}

impl<'a> Strings<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len() / 4
    }

    /// The string of a number; empty if there is none. The arena may be mapped from a file, so it is not known to be
    /// text before it is looked at; looking costs less than reading it all when it is loaded.
    #[inline]
    pub(super) fn get(&self, id: u32) -> &'a str {
        std::str::from_utf8(self.bytes(id)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn bytes(&self, id: u32) -> &'a [u8] {
        let start = if id == 0 { 0 } else { get(self.ends, id as usize - 1) };
        let end = get(self.ends, id as usize);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The number of a string, if these tables have it.
    pub(super) fn find(&self, text: &str) -> Option<Id> {
        index::find(self.slots, hash(text.as_bytes()), |id| self.bytes(id) == text.as_bytes()).map(Id)
    }
}
