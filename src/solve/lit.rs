//! Packages as numbers, and statements about them: `p` is in the root, or it is not.

use super::bits::Bits;

/// A package's number in the pool, dense from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(pub(super) u32);

impl Id {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A package is in (`yes`), or it is not in (`no`). The order is that of the signed numbers, and it is part of the
/// procedure: rules are visited in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lit(i32);

impl Lit {
    /// Stands where there is no second literal.
    pub(super) const NONE: Self = Self(0);

    pub(super) fn yes(id: Id) -> Self {
        Self(id.0 as i32)
    }

    pub(super) fn no(id: Id) -> Self {
        Self(-(id.0 as i32))
    }

    pub(super) fn id(self) -> Id {
        Id(self.0.unsigned_abs())
    }

    pub(super) fn is_yes(self) -> bool {
        self.0 > 0
    }

    pub(super) fn is_no(self) -> bool {
        self.0 < 0
    }

    pub(super) fn opposite(self) -> Self {
        Self(-self.0)
    }

    /// A dense number for tables of literals.
    pub(super) fn slot(self) -> usize {
        (self.0.unsigned_abs() as usize) << 1 | usize::from(self.0 < 0)
    }
}

/// A run of literals in [`Lists`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct List {
    start: u32,
    len: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { start: 0, len: 0 };

    pub(super) fn len(self) -> usize {
        self.len as usize
    }

    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// The arena of literals that providers and rules share.
#[derive(Debug, Default)]
pub(super) struct Lists {
    all: Vec<Lit>,
}

impl Lists {
    pub(super) fn get(&self, list: List) -> &[Lit] {
        &self.all[list.start as usize..(list.start + list.len) as usize]
    }

    pub(super) fn at(&self, list: List, index: usize) -> Lit {
        self.all[list.start as usize + index]
    }

    pub(super) fn push(&mut self, literals: &[Lit]) -> List {
        let start = self.all.len() as u32;
        self.all.extend_from_slice(literals);
        List { start, len: literals.len() as u32 }
    }

    /// The packages of a list of providers.
    pub(super) fn ids(&self, list: List) -> impl ExactSizeIterator<Item = Id> + Clone {
        self.get(list).iter().map(|literal| literal.id())
    }

    pub(super) fn mark(&self, list: List, bits: &mut Bits) {
        self.ids(list).for_each(|id| bits.set(id.index()));
    }
}
