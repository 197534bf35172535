//! A hash table from keys that live elsewhere to their numbers. Nothing ever walks it, so that its order cannot reach
//! an answer.

/// Open addressing; a slot holds a number plus one, 0 is free.
#[derive(Debug)]
pub(super) struct Index {
    slots: Vec<u32>,
    len: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; 64], len: 0 }
    }

    /// The number whose key is meant.
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            if is(self.slots[at] - 1) {
                return Some(self.slots[at] - 1);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Adds a number that is not there; `rehash` is the hash of a number's key.
    pub(super) fn add(&mut self, hash: u64, number: u32, rehash: impl Fn(u32) -> u64) {
        if (self.len + 1) * 2 > self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![0; old.len() * 2];
            for number in old.into_iter().filter(|slot| *slot != 0) {
                self.place(rehash(number - 1), number);
            }
        }
        self.len += 1;
        self.place(hash, number + 1);
    }

    fn place(&mut self, hash: u64, slot: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }
}

/// Mixes words into a hash.
pub(super) fn hash(words: &[u32]) -> u64 {
    words.iter().fold(0x9e37_79b9_7f4a_7c15, |state: u64, word| {
        let product = u128::from(state ^ u64::from(*word)) * 0xd6e8_feb8_6659_fd93;
        (product as u64) ^ ((product >> 64) as u64)
    })
}
