//! Dependencies: a name and, perhaps, a range of versions; and when a provide answers a require.
//!
//! The rule is rpm's (`rpmdsCompare`): two ranges of one name overlap if some version could be in both. A side without
//! flags has no range and meets everything; a side without a release stands for every release of its version.

use std::cmp::Ordering;
use std::fmt;

use crate::package::EvrRef;

/// Which way a range opens: rpm's sense bits `<`, `>` and `=`, alone or together. None of them means any version.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sense(u8);

/// rpm's symbol, repository metadata's word, value. The first four symbols of two letters come before their prefixes.
const SENSES: &[(&str, &str, Sense)] = &[
    ("<=", "LE", Sense::LESS_EQUAL),
    (">=", "GE", Sense::GREATER_EQUAL),
    ("<>", "NE", Sense::NOT_EQUAL),
    ("<", "LT", Sense::LESS),
    (">", "GT", Sense::GREATER),
    ("=", "EQ", Sense::EQUAL),
];

impl Sense {
    /// Any version.
    pub const ANY: Self = Self(0);
    /// Versions below.
    pub const LESS: Self = Self(2);
    /// Versions above.
    pub const GREATER: Self = Self(4);
    /// Versions below and above.
    pub const NOT_EQUAL: Self = Self(6);
    /// The version itself.
    pub const EQUAL: Self = Self(8);
    /// The version itself and those below.
    pub const LESS_EQUAL: Self = Self(10);
    /// The version itself and those above.
    pub const GREATER_EQUAL: Self = Self(12);

    /// The three bits of an RPM header's dependency flags.
    pub fn from_bits(bits: u32) -> Self {
        Self((bits & 0b1110) as u8)
    }

    /// The word in repository metadata: `EQ`, `LT`, `LE`, `GT`, `GE`, `NE`.
    pub fn from_word(word: &str) -> Option<Self> {
        SENSES.iter().find(|row| row.1 == word).map(|row| row.2)
    }

    /// The bits, as in an RPM header.
    pub fn bits(self) -> u32 {
        u32::from(self.0)
    }

    /// Whether all bits of the other are in this one.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// `<`, `<=`, `=`, … or nothing.
    pub fn symbol(self) -> &'static str {
        SENSES.iter().find(|row| row.2 == self).map_or("", |row| row.0)
    }
}

impl fmt::Debug for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sense({})", self.symbol())
    }
}

/// A range of versions: `>= 1:2-3`.
#[derive(Debug, Clone, Copy)]
pub struct Range<'a> {
    /// Which way it opens.
    pub sense: Sense,
    /// From where.
    pub evr: EvrRef<'a>,
}

impl Range<'_> {
    /// Whether some version could be in both ranges. Symmetric.
    pub fn overlaps(&self, other: &Range<'_>) -> bool {
        if self.sense == Sense::ANY || other.sense == Sense::ANY {
            return true;
        }
        let (a, b) = (&self.evr, &other.evr);
        let order = a.compare_version(b);
        if order == Ordering::Equal {
            match (a.release.is_empty(), b.release.is_empty()) {
                (true, _) if self.sense.contains(Sense::EQUAL) => return true,
                (_, true) if other.sense.contains(Sense::EQUAL) => return true,
                _ => {}
            }
        }
        let order = order.then_with(|| a.compare_release(b));
        let (up, down) = (Sense::GREATER, Sense::LESS);
        match order {
            Ordering::Less => self.sense.contains(up) || other.sense.contains(down),
            Ordering::Greater => self.sense.contains(down) || other.sense.contains(up),
            Ordering::Equal => self.sense.0 & other.sense.0 != 0,
        }
    }
}
