//! The rows of the table.

mod build;
mod growth;
mod metadata;
mod root;
mod store;

use crate::error::Error;
use crate::lab::Lab;
use crate::result::Outcome;

/// A row: what it is called on the command line, and how it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&Lab) -> Result<Vec<Outcome>, Error>,
    /// Whether it runs when no row is named.
    usual: Usual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usual {
    Yes,
    OnlyWhenNamed,
}

/// Every row, in the table's order.
pub(crate) const ALL: &[Row] = &[
    row("init-cold", "cold init: empty store, loopback mirror", root::cold),
    row("init-stored", "init with the packages in the store but no layer", root::stored),
    row("run", "warm `run -- true`, whole process", root::run),
    row("requirements", "60 more packages over a warm root", root::requirements),
    row("build", "build of hello, warm", build::hello),
    row("metadata", "metadata of a whole distribution to a solved build root", metadata::distribution),
    row("solve", "solving alone", metadata::solve),
    row("shared", "a second release that shares packages", store::shared),
    row("scaling", "builds at once from one store", build::scaling),
    Row {
        usual: Usual::OnlyWhenNamed,
        ..row("growth", "how it grows with the number of packages", growth::growth)
    },
];

const fn row(name: &'static str, what: &'static str, run: fn(&Lab) -> Result<Vec<Outcome>, Error>) -> Row {
    Row { name, what, run, usual: Usual::Yes }
}

/// The rows of these names, in the table's order.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Row>, Error> {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|row| row.name != **name)) {
        return Err(Error::broken(unknown.as_str(), "there is no such row; --list shows them"));
    }
    let wanted = |row: &&Row| {
        if names.is_empty() { row.usual == Usual::Yes } else { names.iter().any(|name| name == row.name) }
    };
    Ok(ALL.iter().filter(wanted).copied().collect())
}
