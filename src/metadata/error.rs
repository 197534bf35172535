//! What can be wrong with a repository's metadata. Every message names the repository, the document and the element.

use std::fmt;

/// Where in a repository's metadata something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The repository's id.
    pub repo: String,
    /// The document: `repomd`, `primary`, `filelists`, `comps`, `modules`.
    pub document: &'static str,
    /// The element, and the package it belongs to where one is known.
    pub element: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of repository `{}`", self.document, self.repo)?;
        if !self.element.is_empty() {
            write!(f, ", {}", self.element)?;
        }
        Ok(())
    }
}

/// Metadata that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document breaks a rule: of XML, of the format, or one of our limits.
    #[error("{place}: {fault}")]
    Refused {
        /// Where.
        place: Place,
        /// What is wrong there.
        fault: Fault,
    },
    /// The bytes could not be read.
    #[error("{place}: reading stopped at byte {offset}")]
    Read {
        /// Where.
        place: Place,
        /// How far we came.
        offset: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The tables as they were kept cannot be used; they can be made again.
    #[error("the kept tables of repository `{repo}` cannot be used: {problem}")]
    Cache {
        /// The repository's id.
        repo: String,
        /// Why not.
        problem: Spoilt,
    },
}

/// What is wrong with kept tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spoilt {
    /// Too few bytes, or too many.
    #[error("they were cut short or added to")]
    Short,
    /// Something else.
    #[error("they are no tables")]
    Foreign,
    /// Another kiln's.
    #[error("they have version {found}, not {expected}")]
    Version {
        /// The version they have.
        found: u32,
        /// The version that is read.
        expected: u32,
    },
    /// Other bytes than were written.
    #[error("their sum is wrong")]
    Sum,
    /// Numbers that no builder wrote.
    #[error("they lead outside of themselves")]
    Outside,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { place, .. } | Self::Read { place, .. } => Some(format!(
                "fetch the metadata again; if it stays, tell the owner of repository `{}`",
                place.repo
            )),
            Self::Cache { .. } => None,
        }
    }
}

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not well-formed.
    #[error("not well-formed XML at byte {offset}: {message}")]
    Syntax {
        /// Where in the document.
        offset: u64,
        /// What the parser says.
        message: String,
    },
    /// Not YAML.
    #[error("not YAML at line {line}: {message}")]
    Yaml {
        /// The line.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A YAML alias: it could expand.
    #[error("an alias, which could expand without end")]
    Alias,
    /// Not UTF-8.
    #[error("bytes that are not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Where in the document.
        offset: u64,
    },
    /// A document type with declarations of its own: entities could be expanded.
    #[error("a document type with declarations of its own, which could expand entities")]
    Declarations,
    /// A reference to an entity that XML does not define.
    #[error("a reference to entity `{0}`, which XML does not define")]
    Entity(String),
    /// Elements within elements within elements.
    #[error("elements nested more than {0} deep")]
    Depth(usize),
    /// A string, tag or comment longer than we take.
    #[error("a string of more than {0} bytes")]
    Length(usize),
    /// A document larger than we read.
    #[error("it claims to have {size} bytes, more than the {cap} that kiln reads")]
    Size {
        /// What it claims.
        size: u64,
        /// What is enough.
        cap: u64,
    },
    /// More of something than we take.
    #[error("more than {limit} {what}")]
    Count {
        /// What there is too much of.
        what: &'static str,
        /// How much is enough.
        limit: u64,
    },
    /// NUL, a line break or another control character where a name is expected.
    #[error("a control character in `{0}`")]
    Control(String),
    /// A part of a package's name with a character that it cannot have.
    #[error("{field} `{value}` has a character that no {field} can have")]
    Name {
        /// Which part.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// An attribute or an element that must be there.
    #[error("no {0}")]
    Missing(&'static str),
    /// Not a number that the field can hold.
    #[error("{field} is `{value}`, not a number it can hold")]
    Number {
        /// The attribute or element.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// A word that the format does not know.
    #[error("{field} is `{value}`, which the format does not know")]
    Word {
        /// The attribute or element.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// A digest that is none, or of an algorithm that proves nothing.
    #[error("checksum `{value}` of type `{algorithm}` is not one that kiln accepts")]
    Digest {
        /// The type attribute.
        algorithm: String,
        /// The value.
        value: String,
    },
    /// A location outside the repository.
    #[error("location `{0}` is not a path inside the repository")]
    Location(String),
    /// Two different things of one identity.
    #[error("{what} `{id}` twice")]
    Twice {
        /// What it is.
        what: &'static str,
        /// Its identity.
        id: String,
    },
    /// More than the tables hold.
    #[error("more than tables of {} MiB hold", super::strings::LARGEST_TABLES >> 20)]
    TablesFull,
    /// Strings chosen so that looking them up takes for ever.
    #[error("too many strings of one hash, which does not happen by chance")]
    Collisions,
    /// The document's root element is another.
    #[error("the root element is `{found}`, not `{expected}`")]
    Root {
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
}

/// Text from outside, cut to what a message can carry.
pub(super) fn quote(text: &str) -> String {
    text.escape_debug().take(120).collect()
}
