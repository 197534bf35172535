//! The order in which a transaction installs its packages: rpm's own (`rpmtsOrder`), because scriptlets were written
//! and tested against it.
//!
//! Each dependency that another package of the transaction answers is an edge. Loops are found first; each is taken
//! as one node of the graph. Nodes without open requirements leave the queue, those that most packages wait for first.
//! A loop is broken where the fewest scriptlets suffer: its members farthest from any scriptlet's requirement start.
//!
//! Where rpm's versions differ in how they break ties (rpm 4.20 moved to other containers), this is rpm up to 4.19.

mod components;
mod facts;
mod providers;
mod queue;
mod relations;
mod rich;

use crate::package::{Relation, RelationKind};
use crate::plan::Age;

pub use providers::Links;

/// The colours of an architecture: 1 is a 32-bit ELF file, 2 a 64-bit one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors {
    /// The colours that matter; 0 where the architecture has no second one.
    pub transaction: u32,
    /// The colour that wins.
    pub preferred: u32,
}

/// Architectures whose packages come in two ELF classes.
const TWO_COLORED: &[&str] =
    &["x86_64", "amd64", "ia32e", "ppc64", "s390x", "sparc64", "riscv64", "mips64", "mips64el"];

impl Colors {
    /// The colours of an architecture's roots.
    pub fn of(arch: &str) -> Self {
        let two = TWO_COLORED.contains(&arch) || arch.starts_with("x86_64_v");
        Self { transaction: if two { 3 } else { 0 }, preferred: 2 }
    }
}

/// Something that makes one package wait for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Which list it is from; rpm reads them in the order `Requires`, `Recommends`, `Suggests`, `Supplements`,
    /// `Enhances`, `OrderWithRequires`.
    pub kind: RelationKind,
    /// What is wanted.
    pub relation: Relation,
    /// The colours of the files that it was found in.
    pub color: u32,
}

/// What the order needs to know of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `Provides:`, with the package's own name.
    pub provides: Vec<Relation>,
    /// Everything that makes one package wait for another.
    pub wants: Vec<Want>,
    /// Its files, as absolute paths.
    pub files: Vec<String>,
    /// The colours of all its dependencies.
    pub color: u32,
}

/// The order of installation, as indices of `packages`. `links` are the directory symbolic links of the root, so that
/// `/bin/sh` is found in a package that owns `/usr/bin/sh`.
pub fn order(packages: &[Facts], colors: Colors, links: &Links, age: Age) -> Vec<usize> {
    let graph = relations::graph(packages, colors, links, age);
    let components = components::find(&graph);
    let package_colors = packages.iter().map(|package| package.color).collect::<Vec<_>>();
    queue::Queue::new(graph, components, &package_colors, colors.preferred).run()
}

#[cfg(test)]
mod tests;
