//! Who answers a dependency.
//!
//! A table from each name and path to the packages that provide it, made once; and the answers to dependencies, found
//! when they are first asked and kept. A package provides its own name in its own version, and the paths it owns.

use super::index::{Index, hash};
use super::lit::{Id, List, Lit};
use super::pool::{Dep, Pool};
use super::rich::Node;
use super::words::Word;
use crate::metadata::Kind;
use crate::package::Sense;

/// One provide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provide {
    pub(super) id: Id,
    pub(super) sense: Sense,
    pub(super) evr: Word,
}

const NOTHING: Provide = Provide { id: Id(0), sense: Sense::ANY, evr: Word(0) };

/// For each name its provides, by package.
#[derive(Debug, Default)]
pub(super) struct Table {
    starts: Vec<u32>,
    all: Vec<Provide>,
}

impl Table {
    pub(super) fn of(&self, name: Word) -> &[Provide] {
        let at = name.index();
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => &self.all[*start as usize..*end as usize],
            _ => &[],
        }
    }
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
    /// Makes the table. `owners` are paths beyond those that primary lists, with the package that owns each.
    pub(super) fn index_provides(&mut self, owners: &[(Word, Id)]) {
        let mut starts = vec![0; self.words.len() + 1];
        self.each_provide(owners, |name, _| starts[name.index() + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut all = vec![NOTHING; starts.last().map_or(0, |total: &u32| *total as usize)];
        let mut next = starts.clone();
        self.each_provide(owners, |name, provide| {
            let at = &mut next[name.index()];
            all[*at as usize] = provide;
            *at += 1;
        });
        self.provides = Table { starts, all };
        let mut obsoleting: Vec<(Word, Id)> = Vec::new();
        for id in self.ids().filter(|id| self.has(*id, Kind::Obsoletes)) {
            obsoleting.extend(self.list(id, Kind::Obsoletes).into_iter().map(|dep| (dep.name, id)));
        }
        obsoleting.sort_unstable();
        self.obsoleting = obsoleting;
    }

    /// The packages with an obsoletes of a name.
    pub(super) fn obsoleting(&self, name: Word) -> impl Iterator<Item = Id> + use<'_> {
        let start = self.obsoleting.partition_point(|entry| entry.0 < name);
        self.obsoleting[start..].iter().take_while(move |entry| entry.0 == name).map(|entry| entry.1)
    }

    /// In the order of the packages, so that each name's provides are sorted by package.
    fn each_provide(&self, owners: &[(Word, Id)], mut take: impl FnMut(Word, Provide)) {
        let mut owners = owners.iter().peekable();
        for id in self.ids() {
            let package = self.package(id);
            let (repo, entry) = (usize::from(package.repo), self.entry(package));
            take(package.name, Provide { id, sense: Sense::EQUAL, evr: package.evr });
            for dep in entry.dependencies(Kind::Provides) {
                let (name, evr) = (self.words.of(repo, dep.name), self.words.of(repo, dep.evr));
                if name != package.name || evr != package.evr || dep.sense != Sense::EQUAL {
                    take(name, Provide { id, sense: dep.sense, evr });
                }
            }
            for path in entry.files() {
                take(self.words.of(repo, path), Provide { id, sense: Sense::ANY, evr: Word(0) });
            }
            while let Some((path, _)) = owners.next_if(|owner| owner.1 == id) {
                take(*path, Provide { id, sense: Sense::ANY, evr: Word(0) });
            }
        }
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
        let provides = self.provides.of(dep.name);
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
