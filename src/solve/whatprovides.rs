//! Who answers a dependency.
//!
//! The repositories' tables know who provides a name or owns a path; what is found for a dependency is kept. A package
//! provides its own name in its own version, and the paths it owns.

use super::index::{Index, hash};
use super::lit::{Id, List, Lit};
use super::pool::{Dep, Pool};
use super::rich::Node;
use super::words::Word;
use crate::package::Sense;

/// One provide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provide {
    pub(super) id: Id,
    pub(super) sense: Sense,
    pub(super) evr: Word,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The installer itself: an `rpmlib()` feature that it has.
    Always,
    /// These packages; perhaps none.
    Packages(List),
}

impl Found {
    /// The packages; none if it needs no package.
    pub(super) fn list(self) -> List {
        match self {
            Self::Always => List::EMPTY,
            Self::Packages(list) => list,
        }
    }
}

/// The answers so far.
#[derive(Debug)]
pub(super) struct Answers {
    index: Index,
    all: Vec<(Dep, Found)>,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self { index: Index::new(), all: Vec::new() }
    }
}

fn key(dep: Dep) -> u64 {
    hash(&[dep.name.0, dep.evr.0, dep.sense.bits()])
}

/// What a package's metadata may require of the installer, and this installer does: rpm's own list of features
/// without those that only a package builder or a signer meets.
const FEATURES: &[&str] = &[
    "VersionedDependencies",
    "CompressedFileNames",
    "PayloadIsBzip2",
    "PayloadIsXz",
    "PayloadIsLzma",
    "PayloadIsZstd",
    "PayloadFilesHavePrefix",
    "ExplicitPackageProvide",
    "HeaderLoadSortsTags",
    "ScriptletInterpreterArgs",
    "PartialHardlinkSets",
    "ConcurrentAccess",
    "BuiltinLuaScripts",
    "FileDigests",
    "FileCaps",
    "ScriptletExpansion",
    "TildeInVersions",
    "CaretInVersions",
    "LargeFiles",
    "RichDependencies",
    "DynamicBuildRequires",
];

/// The feature that an `rpmlib(…)` requirement names.
pub(super) fn feature(name: &str) -> Option<&str> {
    name.strip_prefix("rpmlib(")?.strip_suffix(')')
}

impl Pool<'_> {
    /// The provides of a name or path, by package.
    pub(super) fn provides(&self, name: Word) -> Vec<Provide> {
        let mut all = Vec::new();
        for repo in 0..self.views.len() {
            let Some(local) = self.words.local(repo, name) else { continue };
            for provide in self.views[repo].provides(local) {
                let Some(id) = self.number(repo, provide.package) else { continue };
                all.push(Provide { id, sense: provide.sense, evr: self.words.of(repo, provide.evr) });
            }
        }
        let owned = self.owners.partition_point(|owner| owner.0 < name);
        let owners = self.owners[owned..].iter().take_while(|owner| owner.0 == name);
        all.extend(owners.map(|owner| Provide { id: owner.1, sense: Sense::ANY, evr: Word(0) }));
        all.sort_by_key(|provide| provide.id);
        all
    }

    /// The packages with an obsoletes of a name.
    pub(super) fn obsoleting(&self, name: Word) -> Vec<Id> {
        let mut all = Vec::new();
        for repo in 0..self.views.len() {
            if let Some(local) = self.words.local(repo, name) {
                all.extend(self.views[repo].obsoleting(local).filter_map(|at| self.number(repo, at)));
            }
        }
        all.sort_unstable();
        all
    }

    /// Who answers a dependency, sorted; a rich one only if it needs no rule of its own.
    pub(super) fn providers(&mut self, dep: Dep) -> Found {
        let hash = key(dep);
        if let Some(at) = self.answers.index.find(hash, |at| self.answers.all[at as usize].0 == dep) {
            return self.answers.all[at as usize].1;
        }
        let found = self.look_up(dep);
        let at = self.answers.all.len() as u32;
        self.answers.all.push((dep, found));
        let all = &self.answers.all;
        self.answers.index.add(hash, at, |at| key(all[at as usize].0));
        found
    }

    fn look_up(&mut self, dep: Dep) -> Found {
        if let Some(node) = self.rich_node(dep) {
            return self.node_providers(&node);
        }
        let provides = self.provides(dep.name);
        let mut found: Vec<Lit> = Vec::with_capacity(provides.len());
        for provide in provides {
            let literal = Lit::yes(provide.id);
            if found.last() != Some(&literal) && self.overlaps((provide.sense, provide.evr), dep) {
                found.push(literal);
            }
        }
        if found.is_empty() {
            let known = feature(self.words.text(dep.name)).is_some_and(|name| FEATURES.contains(&name));
            return if known { Found::Always } else { Found::Packages(List::EMPTY) };
        }
        Found::Packages(self.lists.push(&found))
    }

    /// Who answers a rich dependency, its conditions taken to hold.
    pub(super) fn node_providers(&mut self, node: &Node) -> Found {
        let (a, b, both) = match node {
            Node::Dep(dep) => return self.providers(*dep),
            Node::With(a, b) => (a, b, Some(true)),
            Node::Without(a, b) => (a, b, Some(false)),
            Node::Or(a, b) | Node::And(a, b) => (a, b, None),
            Node::If(then, _, other) | Node::Unless(then, _, other) => match other {
                Some(other) => (then, other, None),
                None => return self.node_providers(then),
            },
        };
        let (Found::Packages(a), Found::Packages(b)) = (self.node_providers(a), self.node_providers(b))
        else {
            return Found::Always;
        };
        let (a, b) = (self.lists.get(a), self.lists.get(b));
        let mut merged: Vec<Lit> = if let Some(wanted) = both {
            a.iter().filter(|id| b.binary_search(id).is_ok() == wanted).copied().collect()
        } else {
            a.iter().chain(b).copied().collect()
        };
        merged.sort_unstable();
        merged.dedup();
        Found::Packages(self.lists.push(&merged))
    }
}
