//! The order in which a transaction installs its packages: rpm's own (`rpmtsOrder`), because scriptlets were written
//! and tested against it.
//!
//! Each dependency that another package of the transaction answers is an edge. Loops are found first; each is taken
//! as one node of the graph. Nodes without open requirements leave the queue, those that most packages wait for first.
//! A loop is broken where the fewest scriptlets suffer: its members farthest from any scriptlet's requirement start.
//!
//! Where rpm's versions differ in how they break ties (rpm 4.20 moved to other containers), this is rpm up to 4.19.

mod components;
mod providers;
mod queue;
mod relations;
mod rich;

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

/// What kind of dependency it is; rpm reads them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `Requires:`
    Requires,
    /// `Recommends:`
    Recommends,
    /// `Suggests:`
    Suggests,
    /// `Supplements:`
    Supplements,
    /// `Enhances:`
    Enhances,
    /// `OrderWithRequires:`
    Order,
}

/// A dependency as a header has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// What is needed or offered; a rich dependency starts with `(`.
    pub name: String,
    /// The header's flags: which way the range opens, and which scriptlets need it ([`flag`]).
    pub flags: u32,
    /// The version, empty where there is none.
    pub evr: String,
    /// The colours of the files that it was found in.
    pub color: u32,
}

/// What the order needs to know of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `Provides:`, with the package's own name.
    pub provides: Vec<Dependency>,
    /// Everything that makes one package wait for another.
    pub wants: Vec<(Kind, Dependency)>,
    /// Its files, as absolute paths.
    pub files: Vec<String>,
    /// The colours of all its dependencies.
    pub color: u32,
}

/// The bits of a dependency's flags that say who needs it (rpm's `rpmsenseFlags`).
pub mod flag {
    /// Versions below.
    pub const LESS: u32 = 1 << 1;
    /// Versions above.
    pub const GREATER: u32 = 1 << 2;
    /// The version itself.
    pub const EQUAL: u32 = 1 << 3;
    /// Which way a range opens.
    pub const SENSE: u32 = LESS | GREATER | EQUAL;
    /// Needed by `%posttrans`.
    pub const POSTTRANS: u32 = 1 << 5;
    /// The old `PreReq:`.
    pub const PREREQ: u32 = 1 << 6;
    /// Needed by `%pretrans`.
    pub const PRETRANS: u32 = 1 << 7;
    /// The interpreter of a scriptlet.
    pub const INTERP: u32 = 1 << 8;
    /// Needed by `%pre`.
    pub const PRE: u32 = 1 << 9;
    /// Needed by `%post`.
    pub const POST: u32 = 1 << 10;
    /// Needed by `%preun`.
    pub const PREUN: u32 = 1 << 11;
    /// Needed by `%postun`.
    pub const POSTUN: u32 = 1 << 12;
    /// Needed by `%verifyscript`.
    pub const VERIFY: u32 = 1 << 13;
    /// Found by a generator in the package's files.
    pub const FIND_REQUIRES: u32 = 1 << 14;
    /// A weak dependency of old.
    pub const MISSINGOK: u32 = 1 << 19;
    /// Needed by `%preuntrans`.
    pub const PREUNTRANS: u32 = 1 << 20;
    /// Needed by `%postuntrans`.
    pub const POSTUNTRANS: u32 = 1 << 21;
    /// A feature of rpm itself.
    pub const RPMLIB: u32 = 1 << 24;
    /// A public key.
    pub const KEYRING: u32 = 1 << 26;
    /// The package's own configuration.
    pub const CONFIG: u32 = 1 << 28;
    /// Means the presence of the package, not the order.
    pub const META: u32 = 1 << 29;
}

/// The order of installation, as indices of `packages`. `links` are the directory symbolic links of the root, so that
/// `/bin/sh` is found in a package that owns `/usr/bin/sh`.
pub fn order(packages: &[Facts], colors: Colors, links: &Links) -> Vec<usize> {
    let graph = relations::graph(packages, colors, links);
    let components = components::find(&graph);
    let package_colors = packages.iter().map(|package| package.color).collect::<Vec<_>>();
    queue::Queue::new(graph, components, &package_colors, colors.preferred).run()
}

#[cfg(test)]
mod tests;
