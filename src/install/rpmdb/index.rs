//! What the database finds headers by: eighteen tables of (key, header, position), filled as rpm fills them.

use std::collections::BTreeSet;

use crate::package::header::{Header, HeaderError};
use crate::package::tag::{Tag, Type};
use crate::package::{RelationFlags, Rich};

/// How a table is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Every value, at its position.
    Plain,
    /// A missing value is `Unknown`.
    Group,
    /// Not what is only needed while the package is installed.
    Requires,
    /// With the names inside rich dependencies, `!` before those whose absence matters.
    Rich,
    /// Each name once.
    Trigger,
    /// At the trigger's number instead, which this tag has.
    FileTrigger(Tag),
}

/// A table: its name, and the tag whose values are its keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    tag: Tag,
    rule: Rule,
}

const fn table(name: &'static str, tag: Tag, rule: Rule) -> Table {
    Table { name, tag, rule }
}

/// In the order of rpm's `lib/rpmdb.c`.
pub(super) const TABLES: &[Table] = &[
    table("Name", Tag::NAME, Rule::Plain),
    table("Basenames", Tag::BASENAMES, Rule::Plain),
    table("Group", Tag::GROUP, Rule::Group),
    table("Requirename", Tag::REQUIRENAME, Rule::Requires),
    table("Providename", Tag::PROVIDENAME, Rule::Plain),
    table("Conflictname", Tag::CONFLICTNAME, Rule::Rich),
    table("Obsoletename", Tag::OBSOLETENAME, Rule::Plain),
    table("Triggername", Tag::TRIGGERNAME, Rule::Trigger),
    table("Dirnames", Tag::DIRNAMES, Rule::Plain),
    table("Installtid", Tag::INSTALLTID, Rule::Plain),
    table("Sigmd5", Tag::SIGMD5, Rule::Plain),
    table("Sha1header", Tag::SHA1HEADER, Rule::Plain),
    table("Filetriggername", Tag::FILETRIGGERNAME, Rule::FileTrigger(Tag::FILETRIGGERINDEX)),
    table("Transfiletriggername", Tag::TRANSFILETRIGGERNAME, Rule::FileTrigger(Tag::TRANSFILETRIGGERINDEX)),
    table("Recommendname", Tag::RECOMMENDNAME, Rule::Rich),
    table("Suggestname", Tag::SUGGESTNAME, Rule::Rich),
    table("Supplementname", Tag::SUPPLEMENTNAME, Rule::Rich),
    table("Enhancename", Tag::ENHANCENAME, Rule::Rich),
];

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Text(String),
    Bytes(Vec<u8>),
}

impl Table {
    /// Whether keys are text; the others are bytes and have no index.
    pub(super) fn is_text(&self) -> bool {
        self.tag.expected().is_some_and(Type::is_string)
    }

    /// Whether a header has several keys.
    pub(super) fn is_list(&self) -> bool {
        self.tag.expected() == Some(Type::StringArray)
    }

    /// The rows of a header.
    pub(super) fn rows(&self, header: &Header<'_>) -> Result<Vec<(Key, u32)>, HeaderError> {
        if !self.is_text() {
            return self.byte_rows(header);
        }
        let mut values = match header.entry(self.tag) {
            // Of a translated string, only the untranslated one counts.
            Some(entry) if entry.kind == Type::I18nString => header.string(self.tag)?.into_iter().collect(),
            _ => header.strings(self.tag)?,
        };
        if values.is_empty() && self.rule == Rule::Group {
            values.push("Unknown");
        }
        let flags = if self.rule == Rule::Requires { header.u32s(Tag::REQUIREFLAGS)? } else { Vec::new() };
        let triggers = match self.rule {
            Rule::FileTrigger(index) => header.u32s(index)?,
            _ => Vec::new(),
        };
        let mut rows = Vec::with_capacity(values.len());
        let mut seen = BTreeSet::new();
        for (at, value) in values.iter().enumerate() {
            let transient = flags.get(at).is_some_and(|flags| is_transient(RelationFlags(*flags)));
            let again = self.rule == Rule::Trigger && !seen.insert(*value);
            if transient || again {
                continue;
            }
            let position = triggers.get(at).copied().unwrap_or(at as u32);
            rows.push((Key::Text((*value).to_owned()), position));
            let rich = matches!(self.rule, Rule::Rich | Rule::Requires) && value.starts_with('(');
            if let Some(tree) = rich.then(|| Rich::parse(value).ok()).flatten() {
                rows.extend(inner_names(&tree).into_iter().map(|name| (Key::Text(name), position)));
            }
        }
        Ok(rows)
    }

    fn byte_rows(&self, header: &Header<'_>) -> Result<Vec<(Key, u32)>, HeaderError> {
        let Some(entry) = header.entry(self.tag) else { return Ok(Vec::new()) };
        if entry.kind == Type::Binary {
            return Ok(vec![(Key::Bytes(header.raw(entry).to_vec()), 0)]);
        }
        // The machine's own order of bytes: rpm takes the number from its memory.
        let numbers = header.u32s(self.tag)?.into_iter().zip(0..);
        Ok(numbers.map(|(number, at)| (Key::Bytes(number.to_ne_bytes().to_vec()), at)).collect())
    }
}

/// Whether a requirement matters only while its package is being installed.
fn is_transient(flags: RelationFlags) -> bool {
    const INSTALL: RelationFlags = RelationFlags::SCRIPT_PRE
        .or(RelationFlags::SCRIPT_POST)
        .or(RelationFlags::RPMLIB)
        .or(RelationFlags::KEYRING)
        .or(RelationFlags::PRETRANS)
        .or(RelationFlags::POSTTRANS);
    const LASTING: RelationFlags = RelationFlags::SCRIPT_PREUN
        .or(RelationFlags::SCRIPT_POSTUN)
        .or(RelationFlags::PREUNTRANS)
        .or(RelationFlags::POSTUNTRANS)
        .or(RelationFlags::META);
    flags.any(INSTALL) && !flags.any(LASTING)
}

/// The names inside a rich dependency, sorted, each once; first those whose presence matters.
fn inner_names(tree: &Rich<'_>) -> Vec<String> {
    let mut names = Vec::new();
    collect(tree, Presence::Wanted, &mut names);
    names.sort();
    names.dedup();
    let shown = |(presence, name)| match presence {
        Presence::Wanted => name,
        Presence::Unwanted => format!("!{name}"),
    };
    names.into_iter().map(shown).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Presence {
    Wanted,
    Unwanted,
}

impl Presence {
    fn inverted(self) -> Self {
        match self {
            Self::Wanted => Self::Unwanted,
            Self::Unwanted => Self::Wanted,
        }
    }
}

fn collect(tree: &Rich<'_>, presence: Presence, names: &mut Vec<(Presence, String)>) {
    match tree {
        Rich::Simple(dependency) if dependency.name.starts_with("rpmlib(") => {}
        Rich::Simple(dependency) => names.push((presence, dependency.name.to_owned())),
        Rich::And(all) | Rich::Or(all) | Rich::With(all) => {
            for operand in all {
                collect(operand, presence, names);
            }
        }
        Rich::Without(pair) => {
            for operand in pair.iter() {
                collect(operand, presence, names);
            }
        }
        Rich::If(pair, other) | Rich::Unless(pair, other) => {
            collect(&pair[0], presence, names);
            collect(&pair[1], presence.inverted(), names);
            // With an alternative, the condition's absence matters as much as its presence.
            if let Some(other) = other {
                collect(&pair[1], presence, names);
                collect(other, presence, names);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_inside_rich_dependencies_are_found_with_their_sense() {
        let table = [
            ("(a and b >= 1)", "a b"),
            ("(a if b)", "a !b"),
            ("(a if b else c)", "a b c !b"),
            ("((a or a) unless (b and rpmlib(x)))", "a !b"),
            ("(a if (b if c))", "a c !b"),
            ("(perl(A::B) with perl(A::B) < 2)", "perl(A::B)"),
        ];
        for (text, names) in table {
            assert_eq!(inner_names(&Rich::parse(text).unwrap()).join(" "), names, "{text}");
        }
    }
}
