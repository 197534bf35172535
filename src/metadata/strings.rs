//! Interned text: every string of a repository once, in one arena, named by a number.
//!
//! Layout of the three sections: `text` holds the strings one after the other; `ends` holds, for each string, where it
//! ends; `slots` is an open-addressing hash table of string numbers plus one (0: free), so that a string can be looked
//! up without building anything first. The hash is fixed, therefore a repository could be made to collide; a probe
//! that takes longer than [`PROBES`] is refused.

use super::raw::{get, put};

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
/// How many slots a lookup may visit.
const PROBES: usize = 4096;

/// Why a string could not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many strings, or more than 4 GiB of them.
    Count,
    /// Too many of one hash.
    Collisions,
}

/// The arena while it grows.
#[derive(Debug)]
pub(super) struct Interner {
    pub(super) text: String,
    pub(super) ends: Vec<u32>,
    slots: Vec<u32>,
}

impl Interner {
    pub(super) fn new() -> Self {
        let mut new = Self { text: String::new(), ends: Vec::new(), slots: vec![0; 1 << 12] };
        let empty = new.intern("");
        debug_assert_eq!(empty, Ok(Id::EMPTY));
        new
    }

    /// The number of a string, new or known.
    pub(super) fn intern(&mut self, text: &str) -> Result<Id, Full> {
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow()?;
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash(text.as_bytes()) as usize & mask;
        for _ in 0..PROBES {
            match self.slots[slot] {
                0 => return self.add(slot, text),
                id if self.get(id - 1) == text => return Ok(Id(id - 1)),
                _ => slot = (slot + 1) & mask,
            }
        }
        Err(Full::Collisions)
    }

    /// The string of a number.
    pub(super) fn get(&self, id: u32) -> &str {
        let at = id as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start as usize..self.ends[at] as usize]
    }

    /// The number of a string, if it is known.
    pub(super) fn find(&self, text: &str) -> Option<Id> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(text.as_bytes()) as usize & mask;
        for _ in 0..PROBES {
            match self.slots[slot] {
                0 => return None,
                id if self.get(id - 1) == text => return Some(Id(id - 1)),
                _ => slot = (slot + 1) & mask,
            }
        }
        None
    }

    fn add(&mut self, slot: usize, text: &str) -> Result<Id, Full> {
        let id = self.ends.len() as u32;
        let end = u32::try_from(self.text.len() + text.len()).map_err(|_| Full::Count)?;
        if id >= MOST_STRINGS {
            return Err(Full::Count);
        }
        self.text.push_str(text);
        self.ends.push(end);
        self.slots[slot] = id + 1;
        Ok(Id(id))
    }

    fn grow(&mut self) -> Result<(), Full> {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![0; mask + 1];
        for id in 0..self.ends.len() as u32 {
            let mut slot = hash(self.get(id).as_bytes()) as usize & mask;
            let mut probes = 0;
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
                probes += 1;
                if probes == PROBES {
                    return Err(Full::Collisions);
                }
            }
            slots[slot] = id + 1;
        }
        self.slots = slots;
        Ok(())
    }

    /// The hash table as it is stored.
    pub(super) fn slots(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.slots.len() * 4);
        self.slots.iter().for_each(|slot| put(&mut bytes, *slot));
        bytes
    }
}

/// The arena, to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strings<'a> {
    pub(super) text: &'a str,
    pub(super) ends: &'a [u8],
    pub(super) slots: &'a [u8],
}

impl<'a> Strings<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len() / 4
    }

    /// The string of a number; empty if there is none.
    pub(super) fn get(&self, id: u32) -> &'a str {
        let start = if id == 0 { 0 } else { get(self.ends, id as usize - 1) };
        let end = get(self.ends, id as usize);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The number of a string, if these tables have it.
    pub(super) fn find(&self, text: &str) -> Option<Id> {
        let mask = (self.slots.len() / 4).checked_sub(1)?;
        let mut slot = hash(text.as_bytes()) as usize & mask;
        for _ in 0..PROBES {
            match get(self.slots, slot) {
                0 => return None,
                id if self.get(id - 1) == text => return Some(Id(id - 1)),
                _ => slot = (slot + 1) & mask,
            }
        }
        None
    }
}

/// A multiply-and-fold hash: eight bytes a step, the high half of each product folded into the low one.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let chunks = bytes.chunks_exact(8);
    let rest = chunks.remainder();
    let mut state = SEED ^ bytes.len() as u64;
    for chunk in chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        state = fold(state, u64::from_le_bytes(word));
    }
    let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    fold(fold(state, last), SEED)
}
