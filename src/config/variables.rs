//! Variables: `{releasever}` everywhere, and dnf's `$releasever` and `${releasever}` in what dnf would expand.
//!
//! RPM's `%{...}` is never touched, nor is the shell's `${...}` in a macro. What has been put in for a variable is
//! not looked at again.

use std::collections::BTreeMap;

use crate::config::Error;
use crate::config::scalar::is_identifier;
use crate::config::written::Written;

/// Whether dnf's own way of writing a variable counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dollars {
    /// `$name` and `${name}` are variables: addresses, names and keys of repositories, and variables themselves.
    Variables,
    /// A dollar is a dollar: macros, the environment.
    Text,
}

/// A part of a string.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Variable(&'t str),
}

/// The variables of a release, with their values.
#[derive(Debug)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// The variables that files wrote, over the ones that follow from the architecture and the release version.
    pub(super) fn resolve(
        written: &BTreeMap<String, Written<String>>,
        arch: &str,
        basearch: &str,
    ) -> Result<Self, Error> {
        let builtin = [("arch", arch), ("basearch", basearch)];
        let values = builtin.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut variables = Self { values };
        variables.define(written, "releasever", &mut Vec::new())?;
        if let Some(version) = variables.values.get("releasever").cloned() {
            let (major, minor) = version.split_once('.').unwrap_or((&version, ""));
            variables.values.insert("releasever_major".to_owned(), major.to_owned());
            variables.values.insert("releasever_minor".to_owned(), minor.to_owned());
        }
        for name in written.keys() {
            variables.define(written, name, &mut Vec::new())?;
        }
        Ok(variables)
    }

    /// Gives a written variable its value, and first the ones that it needs.
    fn define(
        &mut self,
        written: &BTreeMap<String, Written<String>>,
        name: &str,
        needed_by: &mut Vec<String>,
    ) -> Result<(), Error> {
        let Some(text) = written.get(name) else { return Ok(()) };
        needed_by.push(name.to_owned());
        for piece in pieces(&text.value, Dollars::Variables) {
            let Piece::Variable(other) = piece else { continue };
            if let Some(at) = needed_by.iter().position(|known| known == other) {
                let mut chain = needed_by.split_off(at);
                chain.push(other.to_owned());
                return Err(Error::VariableCycle { place: text.place.clone(), chain });
            }
            self.define(written, other, needed_by)?;
        }
        needed_by.pop();
        let value = self.expand(text, Dollars::Variables)?;
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// The string with every variable's value put in.
    pub(super) fn expand(&self, text: &Written<String>, dollars: Dollars) -> Result<String, Error> {
        let mut expanded = String::with_capacity(text.value.len());
        for piece in pieces(&text.value, dollars) {
            expanded.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Variable(name) => self.values.get(name).ok_or_else(|| self.unknown(text, name))?,
            });
        }
        let left = expanded.match_indices('$').find_map(|(at, _)| dollar_variable(&expanded[at..]));
        match left {
            Some((name, _)) if dollars == Dollars::Variables => Err(self.unknown(text, name)),
            _ => Ok(expanded),
        }
    }

    fn unknown(&self, text: &Written<String>, name: &str) -> Error {
        Error::UnknownVariable {
            place: text.place.clone(),
            variable: name.to_owned(),
            text: text.value.clone(),
            known: self.values.keys().cloned().collect(),
        }
    }

    /// All of them.
    pub(super) fn into_values(self) -> BTreeMap<String, String> {
        self.values
    }
}

/// The parts of a string, in order.
fn pieces(text: &str, dollars: Dollars) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['{', '$', '%']) {
        at += found;
        let (piece, length) = match piece_at(&text[at..], dollars) {
            Ok(found) => found,
            Err(plain) => {
                at += plain;
                continue;
            }
        };
        pieces.push(Piece::Text(&text[begin..at]));
        pieces.push(piece);
        at += length;
        begin = at;
    }
    pieces.push(Piece::Text(&text[begin..]));
    pieces
}

/// What begins at a `{`, `$` or `%`: a piece and the length of its writing, or how many bytes mean nothing special.
fn piece_at(text: &str, dollars: Dollars) -> Result<(Piece<'_>, usize), usize> {
    if text.starts_with('$') && dollars == Dollars::Variables {
        return dollar_variable(text).map(|(name, length)| (Piece::Variable(name), length)).ok_or(1);
    }
    if text.starts_with("%{") || text.starts_with("${") {
        return Err(2);
    }
    if let Some(name) = text.strip_prefix("{{").and_then(braced).filter(|name| closes_twice(text, name)) {
        return Ok((Piece::Text(&text[1..name.len() + 3]), name.len() + 4));
    }
    match text.strip_prefix('{').and_then(braced) {
        Some(name) => Ok((Piece::Variable(name), name.len() + 2)),
        None => Err(1),
    }
}

/// The identifier before the first `}`.
fn braced(text: &str) -> Option<&str> {
    text.split_once('}').map(|(name, _)| name).filter(|name| is_identifier(name))
}

fn closes_twice(text: &str, name: &str) -> bool {
    text[name.len() + 2..].starts_with("}}")
}

/// dnf's variable at the beginning of `text`, which is a `$`, and the length of its writing. What is in braces is
/// taken for a name whatever it is, since dnf would do something with it.
fn dollar_variable(text: &str) -> Option<(&str, usize)> {
    if let Some(rest) = text.strip_prefix("${") {
        return Some(rest.split_once('}').map_or((rest, text.len()), |(name, _)| (name, name.len() + 3)));
    }
    let rest = &text[1..];
    let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
    is_identifier(&rest[..end]).then(|| (&rest[..end], end + 1))
}

/// The string that is read as `text`.
pub(super) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '$', '%']) {
        written.push_str(&text[at..at + found]);
        at += found;
        let rest = &text[at..];
        let name = rest.strip_prefix('{').and_then(braced);
        if let Some(name) = name {
            written.extend(["{{", name, "}}"]);
            at += name.len() + 2;
        } else {
            let length = if rest.starts_with("%{") || rest.starts_with("${") { 2 } else { 1 };
            written.push_str(&rest[..length]);
            at += length;
        }
    }
    written.push_str(&text[at..]);
    written
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Place, ReleaseFile};

    fn text(value: &str) -> Written<String> {
        Written { value: value.to_owned(), place: Place::whole(&Arc::new(ReleaseFile::CommandLine)) }
    }

    fn variables(rows: &[(&str, &str)]) -> Result<Variables, Error> {
        let written = rows.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        Variables::resolve(&written, "i686", "i386")
    }

    #[test]
    fn variables_are_expanded_and_rpm_and_shell_are_left_alone() {
        let variables =
            variables(&[("releasever", "15.6"), ("branch", "f{releasever_major}-$arch")]).unwrap();
        let both = [Dollars::Text, Dollars::Variables];
        let table: &[(&str, &str, &[Dollars])] = &[
            (".fc{releasever}", ".fc15.6", &both),
            ("{arch}/{basearch}", "i686/i386", &both),
            ("{branch} {releasever_minor}", "f15-i686 6", &both),
            ("%{releasever} %{?x:{arch}}", "%{releasever} %{?x:i686}", &both),
            ("{{releasever}} {{{arch}}}", "{releasever} {{arch}}", &both),
            ("{ } {} {a b} {1} é{arch}é", "{ } {} {a b} {1} éi686é", &both),
            ("$releasever/${basearch}/", "15.6/i386/", &[Dollars::Variables]),
            ("$releasever/${HOME}/", "$releasever/${HOME}/", &[Dollars::Text]),
            ("100%$ 5$", "100%$ 5$", &both),
        ];
        for (written, expanded, dialects) in table {
            for dollars in *dialects {
                assert_eq!(variables.expand(&text(written), *dollars).unwrap(), *expanded, "{written}");
            }
        }
    }

    #[test]
    fn an_unknown_variable_is_an_error_however_it_is_written() {
        let variables = variables(&[("dollar", "$")]).unwrap();
        for written in ["{relver}", "$relver", "${relver}", "${relver", "${arch:-x}", "{dollar}arch"] {
            let error = variables.expand(&text(written), Dollars::Variables).unwrap_err();
            assert!(matches!(error, Error::UnknownVariable { .. }), "{written}: {error}");
        }
    }

    #[test]
    fn variables_that_need_each_other_are_an_error() {
        let error = variables(&[("a", "x{b}"), ("b", "{c}"), ("c", "$b")]).unwrap_err();
        assert_eq!(error.to_string(), "command line: variables in a circle: b -> c -> b");
    }

    proptest::proptest! {
        #[test]
        fn what_is_escaped_is_read_as_it_was(value in "[%${}a_ ]{0,12}") {
            let none = variables(&[]).unwrap();
            let read = none.expand(&text(&escaped(&value)), Dollars::Text).unwrap();
            proptest::prop_assert_eq!(read, value);
        }
    }
}
