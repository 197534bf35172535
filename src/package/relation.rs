//! Requires, Provides and the other lists that tie packages to each other.

use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::values::{counted, counted_or};
use crate::package::{EvrRef, Range, Sense};

type Result<T> = std::result::Result<T, HeaderError>;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    /// `Provides`
    Provides,
    /// `Requires`
    Requires,
    /// `Conflicts`
    Conflicts,
    /// `Obsoletes`
    Obsoletes,
    /// `Recommends`
    Recommends,
    /// `Suggests`
    Suggests,
    /// `Supplements`
    Supplements,
    /// `Enhances`
    Enhances,
    /// `OrderWithRequires`
    Order,
}

impl RelationKind {
    /// The tags of names, flags and versions.
    pub fn tags(self) -> [Tag; 3] {
        match self {
            Self::Provides => [Tag::PROVIDENAME, Tag::PROVIDEFLAGS, Tag::PROVIDEVERSION],
            Self::Requires => [Tag::REQUIRENAME, Tag::REQUIREFLAGS, Tag::REQUIREVERSION],
            Self::Conflicts => [Tag::CONFLICTNAME, Tag::CONFLICTFLAGS, Tag::CONFLICTVERSION],
            Self::Obsoletes => [Tag::OBSOLETENAME, Tag::OBSOLETEFLAGS, Tag::OBSOLETEVERSION],
            Self::Recommends => [Tag::RECOMMENDNAME, Tag::RECOMMENDFLAGS, Tag::RECOMMENDVERSION],
            Self::Suggests => [Tag::SUGGESTNAME, Tag::SUGGESTFLAGS, Tag::SUGGESTVERSION],
            Self::Supplements => [Tag::SUPPLEMENTNAME, Tag::SUPPLEMENTFLAGS, Tag::SUPPLEMENTVERSION],
            Self::Enhances => [Tag::ENHANCENAME, Tag::ENHANCEFLAGS, Tag::ENHANCEVERSION],
            Self::Order => [Tag::ORDERNAME, Tag::ORDERFLAGS, Tag::ORDERVERSION],
        }
    }
}

/// The bits of a relation (`include/rpm/rpmds.h`).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct RelationFlags(pub u32);

impl RelationFlags {
    /// `<`
    pub const LESS: Self = Self(1 << 1);
    /// `>`
    pub const GREATER: Self = Self(1 << 2);
    /// `=`
    pub const EQUAL: Self = Self(1 << 3);
    /// Needed at the end of the transaction.
    pub const POSTTRANS: Self = Self(1 << 5);
    /// An old mark of the same meaning as `SCRIPT_PRE` and `SCRIPT_POST` together.
    pub const PREREQ: Self = Self(1 << 6);
    /// Needed before the transaction.
    pub const PRETRANS: Self = Self(1 << 7);
    /// Made by a generator: an interpreter.
    pub const INTERP: Self = Self(1 << 8);
    /// `Requires(pre)`
    pub const SCRIPT_PRE: Self = Self(1 << 9);
    /// `Requires(post)`
    pub const SCRIPT_POST: Self = Self(1 << 10);
    /// `Requires(preun)`
    pub const SCRIPT_PREUN: Self = Self(1 << 11);
    /// `Requires(postun)`
    pub const SCRIPT_POSTUN: Self = Self(1 << 12);
    /// `Requires(verify)`
    pub const SCRIPT_VERIFY: Self = Self(1 << 13);
    /// Made by a generator: requires.
    pub const FIND_REQUIRES: Self = Self(1 << 14);
    /// Made by a generator: provides.
    pub const FIND_PROVIDES: Self = Self(1 << 15);
    /// `%triggerin`, `%filetriggerin`
    pub const TRIGGERIN: Self = Self(1 << 16);
    /// `%triggerun`, `%filetriggerun`
    pub const TRIGGERUN: Self = Self(1 << 17);
    /// `%triggerpostun`, `%filetriggerpostun`
    pub const TRIGGERPOSTUN: Self = Self(1 << 18);
    /// May be missing.
    pub const MISSINGOK: Self = Self(1 << 19);
    /// `Requires(preuntrans)`
    pub const PREUNTRANS: Self = Self(1 << 20);
    /// `Requires(postuntrans)`
    pub const POSTUNTRANS: Self = Self(1 << 21);
    /// A feature of rpm itself: `rpmlib(…)`.
    pub const RPMLIB: Self = Self(1 << 24);
    /// `%triggerprein`
    pub const TRIGGERPREIN: Self = Self(1 << 25);
    /// A key.
    pub const KEYRING: Self = Self(1 << 26);
    /// A configuration file's package.
    pub const CONFIG: Self = Self(1 << 28);
    /// `Requires(meta)`: has no influence on order.
    pub const META: Self = Self(1 << 29);

    /// Whether any of these bits is set.
    pub fn any(self, bits: Self) -> bool {
        self.0 & bits.0 != 0
    }

    /// Both sets of bits.
    pub const fn or(self, bits: Self) -> Self {
        Self(self.0 | bits.0)
    }
}

/// One line of such a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Relation {
    /// A name, a path, or a rich dependency in parentheses.
    pub name: String,
    /// How versions are compared, and when it matters.
    pub flags: RelationFlags,
    /// `[epoch:]version[-release]`; empty where no version is meant.
    pub evr: String,
}

impl Relation {
    /// The range of versions that it means.
    pub fn range(&self) -> Range<'_> {
        Range { sense: Sense::from_bits(self.flags.0), evr: EvrRef::parse(&self.evr) }
    }
}

impl Header<'_> {
    /// One of the package's lists, in the package's order.
    pub fn relations(&self, kind: RelationKind) -> Result<Vec<Relation>> {
        self.relation_lists(kind.tags())
    }

    pub(in crate::package) fn relation_lists(&self, tags: [Tag; 3]) -> Result<Vec<Relation>> {
        let names = self.strings(tags[0])?;
        let senses = counted_or(tags[1], names.len(), self.u32s(tags[1])?, 0)?;
        let versions = counted_or(tags[2], names.len(), self.strings(tags[2])?, "")?;
        let names = counted(tags[0], senses.len(), names)?;
        let lines = names.into_iter().zip(senses).zip(versions);
        Ok(lines
            .map(|((name, flags), evr)| Relation {
                name: name.to_owned(),
                flags: RelationFlags(flags),
                evr: evr.to_owned(),
            })
            .collect())
    }

    /// The lines for sysusers.d that the package carries in the versions of its `user(…)`, `group(…)` and
    /// `groupmember(…)` provides (rpm 4.19 and later), still in base64.
    pub fn sysusers(&self) -> Result<Vec<Relation>> {
        let mut provides = self.relations(RelationKind::Provides)?;
        let marks = ["user(", "group(", "groupmember("];
        provides.retain(|line| {
            line.flags.any(RelationFlags::EQUAL) && marks.iter().any(|mark| line.name.starts_with(mark))
        });
        Ok(provides)
    }
}
