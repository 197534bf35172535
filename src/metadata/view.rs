//! The tables of a repository, found once and then read many times.

use super::strings::Id;
use super::table::{Metadata, Package, PackageId, Tables, word};

/// A repository's tables, to be read in a loop: [`Metadata`]'s own accessors find the tables anew for each call.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(super) tables: Tables<'a>,
}

impl Metadata {
    /// The tables, to be read in a loop.
    pub fn view(&self) -> View<'_> {
        View { tables: self.tables() }
    }
}

impl<'a> View<'a> {
    pub(super) fn of(tables: Tables<'a>) -> Self {
        Self { tables }
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.tables.packages.len() / (word::COUNT * 4)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many strings there are.
    pub fn strings(&self) -> usize {
        self.tables.strings.len()
    }

    /// One package; one past the end has nothing.
    pub fn package(&self, id: PackageId) -> Package<'a> {
        Package::new(self.tables, id)
    }

    /// The packages, by name, EVR, architecture and location: the order of the document is not kept.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Package<'a>> + Clone + use<'a> {
        let tables = self.tables;
        (0..self.len() as u32).map(move |id| Package::new(tables, PackageId(id)))
    }

    /// A string.
    pub fn text(&self, id: Id) -> &'a str {
        self.tables.strings.get(id.0)
    }

    /// A string's bytes.
    pub fn bytes(&self, id: Id) -> &'a [u8] {
        self.tables.strings.bytes(id.0)
    }

    /// The number of a string, if any package names it.
    pub fn find(&self, text: &str) -> Option<Id> {
        self.tables.strings.find(text)
    }
}
