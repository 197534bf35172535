//! Debian control text: stanzas, relations and versions, and what they become in RPM's terms.
//!
//! Versions keep their order as far as the two systems agree: the upstream part becomes the version, the
//! Debian revision the release, and a native package, which has no revision, gets release 0. An RPM version
//! cannot hold a dash, so a dash inside the upstream part becomes an underscore on both sides of every comparison.

use std::fmt;

use rpm::DependencyFlags;

use crate::error::Error;

/// One paragraph of control text.
#[derive(Clone, Copy, Debug)]
pub struct Stanza<'a>(&'a str);

impl<'a> Stanza<'a> {
    /// The only paragraph of a text.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The value of a field, continuation lines included.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let mut offset = 0;
        let mut start = None;
        for line in self.0.split_inclusive('\n') {
            let continues = line.starts_with([' ', '\t']);
            match start {
                Some(from) if !continues => return Some(self.0[from..offset].trim()),
                None if !continues => {
                    start = line
                        .split_once(':')
                        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                        .map(|(key, _)| offset + key.len() + 1);
                }
                _ => {}
            }
            offset += line.len();
        }
        start.map(|from| self.0[from..].trim())
    }

    /// The value of a field that must be there.
    pub fn required(&self, name: &'static str) -> Result<&'a str, Error> {
        self.field(name).ok_or_else(|| Error::Control { kind: name, text: self.0.chars().take(80).collect() })
    }

    /// A relation field, empty if absent.
    pub fn relations(&self, name: &str) -> Result<Vec<Clause>, Error> {
        self.field(name).map_or(Ok(Vec::new()), relations)
    }
}

/// The paragraphs of a text, separated by empty lines.
pub fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    text.split("\n\n").map(|part| part.trim_start_matches('\n')).filter(|part| !part.is_empty()).map(Stanza)
}

/// One member of a relation: a name, perhaps with a bound on the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The package or virtual package.
    pub name: String,
    /// The comparison and the version.
    pub bound: Option<(Comparison, Version)>,
}

/// Alternatives, any of which will do.
pub type Clause = Vec<Relation>;

/// How a version is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>>`
    Greater,
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "<<" => Self::Less,
            "<=" | "<" => Self::LessOrEqual,
            "=" => Self::Equal,
            ">=" | ">" => Self::GreaterOrEqual,
            ">>" => Self::Greater,
            _ => return None,
        })
    }

    /// As RPM writes it.
    pub fn rpm(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// As RPM stores it.
    pub fn flags(self) -> DependencyFlags {
        match self {
            Self::Less => DependencyFlags::LESS,
            Self::LessOrEqual => DependencyFlags::LESS | DependencyFlags::EQUAL,
            Self::Equal => DependencyFlags::EQUAL,
            Self::GreaterOrEqual => DependencyFlags::GREATER | DependencyFlags::EQUAL,
            Self::Greater => DependencyFlags::GREATER,
        }
    }
}

/// A Debian version in RPM's three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The epoch, if not zero.
    pub epoch: Option<u32>,
    /// The upstream version.
    pub version: String,
    /// The Debian revision.
    pub release: Option<String>,
}

impl Version {
    /// Splits `[epoch:]upstream[-revision]`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Control { kind: "version", text: text.to_owned() };
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().map_err(|_| wrong())?, rest),
            None => (0, text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release.to_owned())),
            None => (rest, None),
        };
        let legal = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || ".+~-:".contains(c))
        };
        if !legal(version) || release.as_deref().is_some_and(|part| !legal(part)) {
            return Err(wrong());
        }
        Ok(Self { epoch: (epoch != 0).then_some(epoch), version: version.replace(['-', ':'], "_"), release })
    }

    /// The release of the package itself, which must have one.
    pub fn release(&self) -> &str {
        self.release.as_deref().unwrap_or("0")
    }

    /// The full EVR of the package itself.
    pub fn of_package(&self) -> Self {
        Self { release: Some(self.release().to_owned()), ..self.clone() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        write!(f, "{}", self.version)?;
        self.release.as_ref().map_or(Ok(()), |release| write!(f, "-{release}"))
    }
}

/// Parses a relation field: `a (>= 1), b | c:any`.
pub fn relations(text: &str) -> Result<Vec<Clause>, Error> {
    text.split(',')
        .map(str::trim)
        .filter(|clause| !clause.is_empty())
        .map(|clause| clause.split('|').map(relation).collect())
        .collect()
}

fn relation(text: &str) -> Result<Relation, Error> {
    let wrong = || Error::Control { kind: "relation", text: text.to_owned() };
    let text = text.split(['[', '<']).next().filter(|_| !text.contains("(<")).unwrap_or(text).trim();
    let (name, limit) = match text.split_once('(') {
        Some((name, limit)) => (name.trim(), Some(limit.trim_end_matches(')').trim())),
        None => (text, None),
    };
    let name = name.split(':').next().unwrap_or(name);
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(wrong());
    }
    let bound = limit
        .map(|limit| {
            let at = limit.find(|c| !"<>=".contains(c)).ok_or_else(wrong)?;
            let comparison = Comparison::parse(&limit[..at]).ok_or_else(wrong)?;
            bound(comparison, limit[at..].trim())
        })
        .transpose()?;
    Ok(Relation { name: name.to_owned(), bound })
}

/// A missing release matches any release in RPM; in Debian a missing revision is revision 0. Where that makes a difference, it is written.
/// And a revision of `.` is Debian's way to say "after every revision of this version".
fn bound(comparison: Comparison, text: &str) -> Result<(Comparison, Version), Error> {
    let version = Version::parse(text)?;
    let after_all = version.release.as_deref() == Some(".");
    Ok(match comparison {
        Comparison::Less if after_all => (Comparison::LessOrEqual, Version { release: None, ..version }),
        Comparison::Greater | Comparison::LessOrEqual => (comparison, version.of_package()),
        _ => (comparison, version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debian_version_becomes_an_evr() {
        for (debian, rpm) in [
            ("5.2.15-2+b13", "5.2.15-2+b13"),
            ("1:1.2.13.dfsg-1", "1:1.2.13.dfsg-1"),
            ("2022.10.1", "2022.10.1"),
            ("2.36-9+deb12u10", "2.36-9+deb12u10"),
            ("1.0-rc1-3", "1.0_rc1-3"),
            ("0:3.1~beta-1", "3.1~beta-1"),
        ] {
            assert_eq!(Version::parse(debian).unwrap().to_string(), rpm);
        }
        assert_eq!(Version::parse("7").unwrap().of_package().to_string(), "7-0");
        for wrong in ["", "x:1", "1:", "1-", "a b"] {
            assert!(Version::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_relation_field_is_a_list_of_alternatives() {
        let parsed = relations(
            "libc6 (>= 2.34), d (>> 2.36), e (<< 2-.), perl:any, a | b (<< 2~) , c [amd64] <!nocheck>",
        )
        .unwrap();
        let shown: Vec<Vec<String>> = parsed
            .iter()
            .map(|clause| {
                clause
                    .iter()
                    .map(|r| match &r.bound {
                        Some((comparison, version)) => format!("{} {} {version}", r.name, comparison.rpm()),
                        None => r.name.clone(),
                    })
                    .collect()
            })
            .collect();
        assert_eq!(
            shown,
            [
                vec!["libc6 >= 2.34"],
                vec!["d > 2.36-0"],
                vec!["e <= 2"],
                vec!["perl"],
                vec!["a", "b < 2~"],
                vec!["c"]
            ]
        );
        assert!(relations("two words").is_err());
        assert!(relations("a (? 1)").is_err());
    }

    #[test]
    fn a_field_keeps_its_continuation_lines() {
        let text = "Package: x\nDescription: short\n long\n .\n more\nDepends: a\n";
        let stanza = Stanza::new(text);
        assert_eq!(stanza.field("description"), Some("short\n long\n .\n more"));
        assert_eq!(stanza.field("Depends"), Some("a"));
        assert_eq!(stanza.field("Provides"), None);
        assert_eq!(stanzas("Package: a\n\n\nPackage: b\n").count(), 2);
    }
}
