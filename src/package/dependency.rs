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

/// rpm's symbol, repository metadata's word, value.
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

    /// The word in repository metadata; nothing for any version.
    pub fn word(self) -> Option<&'static str> {
        SENSES.iter().find(|row| row.2 == self).map(|row| row.1)
    }

    /// The comparison as a spec file writes it: `>=` and its fellows, also `==`, `=<` and `=>`.
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        match symbol {
            "==" => Some(Self::EQUAL),
            "=<" => Some(Self::LESS_EQUAL),
            "=>" => Some(Self::GREATER_EQUAL),
            "<>" => None,
            _ => SENSES.iter().find(|row| row.0 == symbol).map(|row| row.2),
        }
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
        let mut order = a.compare_version(b);
        if order == Ordering::Equal {
            match (a.release.is_empty(), b.release.is_empty()) {
                (true, false) if self.sense.contains(Sense::EQUAL) => return true,
                (false, true) if other.sense.contains(Sense::EQUAL) => return true,
                (false, false) => order = a.compare_release(b),
                _ => {}
            }
        }
        match order {
            Ordering::Less => self.sense.contains(Sense::GREATER) || other.sense.contains(Sense::LESS),
            Ordering::Greater => self.sense.contains(Sense::LESS) || other.sense.contains(Sense::GREATER),
            Ordering::Equal => self.sense.0 & other.sense.0 != 0,
        }
    }
}

/// A dependency as text gives it: `foo`, `/usr/bin/foo`, `foo >= 1:2-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency<'a> {
    /// The name or the path.
    pub name: &'a str,
    /// Which way the range opens.
    pub sense: Sense,
    /// `[epoch:]version[-release]`; empty without a range.
    pub evr: &'a str,
}

/// Text that is not a dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a dependency: {problem}", .text.escape_debug())]
pub struct DependencyError {
    pub(super) text: String,
    pub(super) problem: Problem,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("it has no name")]
    Name,
    #[error("a comparison needs a version after it")]
    Version,
    #[error("it is not of the form `name`, `name >= version` or `(…)`")]
    Form,
    #[error("its parentheses do not close")]
    Unterminated,
    #[error("something follows its last parenthesis")]
    Junk,
    #[error("an operand is missing")]
    Operand,
    #[error("an operator is none of and, or, if, unless, else, with, without")]
    Operator,
    #[error("different operators need parentheses")]
    Mixed,
    #[error("only and, or and with can be repeated")]
    Chain,
    #[error("`else` needs `if` or `unless` before it")]
    Else,
    #[error("with and without take only or, with and without inside them")]
    With,
    #[error("its parentheses are nested too deep")]
    Depth,
}

impl DependencyError {
    pub(super) fn new(text: &str, problem: Problem) -> Self {
        Self { text: text.chars().take(200).collect(), problem }
    }
}

impl<'a> Dependency<'a> {
    /// Reads one word, or three: name, comparison, version.
    pub fn parse(text: &'a str) -> Result<Self, DependencyError> {
        let wrong = |problem| DependencyError::new(text, problem);
        let mut words = text.split_ascii_whitespace();
        let name = words.next().ok_or_else(|| wrong(Problem::Name))?;
        let Some(symbol) = words.next() else { return Ok(Self { name, sense: Sense::ANY, evr: "" }) };
        let sense = Sense::from_symbol(symbol).ok_or_else(|| wrong(Problem::Form))?;
        let evr = words.next().ok_or_else(|| wrong(Problem::Version))?;
        if words.next().is_some() {
            return Err(wrong(Problem::Form));
        }
        Ok(Self { name, sense, evr })
    }

    /// The range alone.
    pub fn range(&self) -> Range<'a> {
        Range { sense: self.sense, evr: EvrRef::parse(self.evr) }
    }

    /// Whether a provide answers this require (or this provide a require: the rule is symmetric).
    pub fn matches(&self, other: &Dependency<'_>) -> bool {
        self.name == other.name
            && (self.evr.is_empty() || other.evr.is_empty() || self.range().overlaps(&other.range()))
    }
}

impl fmt::Display for Dependency<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.sense != Sense::ANY {
            write!(f, " {} {}", self.sense.symbol(), self.evr)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Provides, requires, and whether they meet for a require with `=`, `>=`, `<=`, `<`, `>`.
    const PAIRS: &[(&str, &str, [bool; 5])] = &[
        ("a", "1.2", [true, true, true, true, true]),
        ("a = 1.2", "1.2", [true, true, true, false, false]),
        ("a = 1.2", "1.3", [false, false, true, true, false]),
        ("a = 1.2-1", "1.2-1", [true, true, true, false, false]),
        ("a = 1.2-1", "1.2-2", [false, false, true, true, false]),
        ("a = 1.3-1", "1.2-2", [false, true, false, false, true]),
        ("a = 0:1.2", "1.2", [true, true, true, false, false]),
        ("a = 1.2", "0:1.2", [true, true, true, false, false]),
        ("a = 1:1.2", "1.2", [false, true, false, false, true]),
        ("a = 1.2", "1:1.2", [false, false, true, true, false]),
        ("a = 2:1.2", "2:1.2", [true, true, true, false, false]),
        ("a > 1.2", "1.2", [false, true, false, false, true]),
        ("a < 1.2", "1.2", [false, false, true, true, false]),
        ("a >= 1.2", "1.2", [true, true, true, false, true]),
        ("a <= 1.2", "1.2", [true, true, true, true, false]),
        ("a = 1.2-1", "1.2", [true, true, true, false, false]),
        ("a > 1.2-1", "1.2", [true, true, true, false, true]),
        ("a < 1.2-1", "1.2", [true, true, true, true, false]),
        ("a >= 1.2-1", "1.2", [true, true, true, false, true]),
        ("a <= 1.2-1", "1.2", [true, true, true, true, false]),
        ("a = 1.2", "1.2-1", [true, true, true, true, true]),
        ("a > 1.2", "1.2-1", [false, true, false, false, true]),
        ("a < 1.2", "1.2-1", [false, false, true, true, false]),
        ("a >= 1.2", "1.2-1", [true, true, true, true, true]),
        ("a <= 1.2", "1.2-1", [true, true, true, true, true]),
        ("a = 1.2-", "1.2", [true, true, true, false, false]),
        ("a = 1.0~rc1-1", "1.0", [false, false, true, true, false]),
        ("a = 1.0^git1-1", "1.0", [false, true, false, false, true]),
    ];

    #[test]
    fn ranges_meet_where_rpm_says_they_meet() {
        for (provide, evr, expected) in PAIRS {
            let provide = Dependency::parse(provide).unwrap();
            for (symbol, expected) in ["=", ">=", "<=", "<", ">"].into_iter().zip(expected) {
                let require = format!("a {symbol} {evr}");
                let require = Dependency::parse(&require).unwrap();
                assert_eq!(provide.matches(&require), *expected, "{provide} with {require}");
                assert_eq!(require.matches(&provide), *expected, "{require} with {provide}");
            }
            assert!(provide.matches(&Dependency::parse("a").unwrap()));
            assert!(!provide.matches(&Dependency::parse("b").unwrap()));
        }
    }

    #[test]
    fn below_and_above_meets_all_but_the_version_itself() {
        let except = Range { sense: Sense::NOT_EQUAL, evr: EvrRef::parse("1.2") };
        for (symbol, evr, expected) in [
            ("=", "1.2", false),
            ("=", "1.3", true),
            ("<", "1.2", true),
            (">=", "1.2", true),
            ("=", "1.2-1", false),
        ] {
            let sense = Sense::from_symbol(symbol).unwrap();
            assert_eq!(
                Range { sense, evr: EvrRef::parse(evr) }.overlaps(&except),
                expected,
                "{symbol} {evr}"
            );
        }
    }

    #[test]
    fn a_dependency_is_one_word_or_three() {
        for text in ["foo", "/usr/bin/foo", "foo >= 1:2-3", "perl(A::B) < 2", "config(x) = 1"] {
            assert_eq!(Dependency::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Dependency::parse(" foo  =>\t1 ").unwrap().to_string(), "foo >= 1");
        for text in ["", "  ", "foo >=", "foo ! 1", "foo >= 1 2", "foo bar"] {
            assert!(Dependency::parse(text).is_err(), "{text:?}");
        }
    }
}
