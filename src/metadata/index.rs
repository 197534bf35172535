//! A hash table of numbers: it keeps no keys, and asks the caller whether a number's thing is the one looked for.
//!
//! Open addressing with linear probes. The hash is fixed, therefore a repository could be made to collide; a probe that
//! takes longer than [`PROBES`] is refused.

use super::raw::{get, put};

/// How many slots a look-up may visit.
const PROBES: usize = 4096;

/// The table.
#[derive(Debug)]
pub(super) struct Index {
    /// The high half of the hash beside the number, so that other things are passed over without being looked at.
    slots: Vec<Slot>,
    count: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    high: u32,
    /// One more than the number; 0 if the slot is free.
    number: u32,
}

/// Where a number is, or could be put.
pub(super) enum Probe {
    Found(u32),
    Free(usize),
    /// Too many things of one hash.
    Full,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { slots: vec![Slot::default(); 1 << 10], count: 0 }
    }

    /// How many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }

    /// Looks for a thing of this hash.
    #[inline]
    pub(super) fn probe(&self, hash: u64, same: impl Fn(u32) -> bool) -> Probe {
        let (mask, high) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut at = hash as usize & mask;
        for _ in 0..PROBES {
            match self.slots[at] {
                Slot { number: 0, .. } => return Probe::Free(at),
                slot if slot.high == high && same(slot.number - 1) => return Probe::Found(slot.number - 1),
                _ => at = (at + 1) & mask,
            }
        }
        Probe::Full
    }

    /// Puts a number into a free slot; doubles the table when it is half full, and then needs every number's hash.
    /// False if too many have one hash.
    #[must_use]
    pub(super) fn put(&mut self, slot: usize, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) -> bool {
        self.slots[slot] = Slot { high: (hash >> 32) as u32, number: number + 1 };
        self.count += 1;
        self.count * 2 <= self.slots.len() || self.grow(hash_of)
    }

    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) -> bool {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![Slot::default(); mask + 1];
        for slot in self.slots.iter().filter(|slot| slot.number != 0) {
            let mut at = hash_of(slot.number - 1) as usize & mask;
            let mut probes = 1;
            while slots[at].number != 0 {
                at = (at + 1) & mask;
                probes += 1;
                if probes > PROBES {
                    return false;
                }
            }
            slots[at] = *slot;
        }
        self.slots = slots;
        true
    }

    /// The table as it is stored: the numbers, plus one, alone.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.slots.len() * 4);
        self.slots.iter().for_each(|slot| put(&mut bytes, slot.number));
        bytes
    }
}

/// Looks for a thing of this hash in a table as it is stored.
pub(super) fn find(bytes: &[u8], hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
    let mask = (bytes.len() / 4).checked_sub(1)?;
    let mut at = hash as usize & mask;
    for _ in 0..PROBES {
        match get(bytes, at) {
            0 => return None,
            number if same(number - 1) => return Some(number - 1),
            _ => at = (at + 1) & mask,
        }
    }
    None
}

/// A multiply-and-fold hash: eight bytes a step, the high half of each product folded into the low one.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let (chunks, rest) = bytes.as_chunks::<8>();
    let start = SEED ^ bytes.len() as u64;
    let state = chunks.iter().fold(start, |state, chunk| fold(state, u64::from_le_bytes(*chunk)));
    let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    fold(fold(state, last), SEED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_what_they_stand_for() {
        let mut index = Index::new();
        let hash_of = |number: u32| hash(&number.to_le_bytes());
        for number in 0..10_000 {
            let Probe::Free(slot) = index.probe(hash_of(number), |found| found == number) else { panic!() };
            assert!(index.put(slot, hash_of(number), number, hash_of));
        }
        let stored = index.to_bytes();
        for number in 0..10_000 {
            assert!(
                matches!(index.probe(hash_of(number), |it| it == number), Probe::Found(it) if it == number)
            );
            assert_eq!(find(&stored, hash_of(number), |it| it == number), Some(number));
        }
        assert_eq!(find(&stored, hash_of(10_000), |it| it == 10_000), None);
        assert_eq!(find(&[], 0, |_| true), None);
    }

    #[test]
    fn things_of_one_hash_are_refused_before_they_cost_time() {
        let mut index = Index::new();
        let mut number = 0;
        while let Probe::Free(slot) = index.probe(7, |_| false) {
            if !index.put(slot, 7, number, |_| 7) {
                break;
            }
            number += 1;
        }
        assert!(number <= PROBES as u32);
    }
}
