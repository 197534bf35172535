//! Every package that the root could take, numbered in one canonical order.
//!
//! The number of a package decides where nothing else does, so it must not depend on the order of a repository's
//! packages nor on the order of repositories: packages are sorted by name, EVR, architecture, repository. Packages of a
//! name are therefore neighbours. What the architecture keeps out has no number; what an exclude, an include or a
//! module keeps out has one, is seen by everything, and cannot be installed.

use std::cmp::Ordering;
use std::ops::Range;

use super::arch::{Policy, Score, colours};
use super::lit::{Id, Lists};
use super::rich::Rich;
use super::words::{Word, Words};
use super::{RepoMetadata, whatprovides};
use crate::metadata::{Kind, PackageId, View};
use crate::package::{EvrRef, Nevra, Range as Versions, Sense};

/// One dependency. A rich one is a name that begins with `(`, with no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Dep {
    pub(super) name: Word,
    pub(super) evr: Word,
    pub(super) sense: Sense,
}

impl Dep {
    /// A name in any version.
    pub(super) fn any(name: Word) -> Self {
        Self { name, evr: Word(0), sense: Sense::ANY }
    }
}

/// Why a package that fits the root may not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// By an exclude of its repository.
    Excluded,
    /// Its repository has includes, and none names it.
    NotIncluded,
    /// It is of a module stream that is not active.
    Module,
}

/// What the pool knows of a package beyond its repository's tables.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: Word,
    pub(super) evr: Word,
    pub(super) arch: u16,
    pub(super) repo: u16,
    pub(super) at: PackageId,
    pub(super) hidden: Option<Hidden>,
    pub(super) installed: bool,
}

/// An architecture that occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arch {
    pub(super) name: Word,
    pub(super) score: Option<Score>,
    pub(super) colours: u8,
}

impl Arch {
    /// Both are architectures proper, and this one comes first.
    pub(super) fn is_better_than(self, other: Self) -> bool {
        match (self.score, other.score) {
            (Some(Score::Rank(a)), Some(Score::Rank(b))) => a < b,
            _ => false,
        }
    }
}

/// Packages, their names, and who provides what.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    pub(super) repos: &'a [RepoMetadata<'a>],
    pub(super) views: Vec<View<'a>>,
    pub(super) words: Words<'a>,
    pub(super) policy: Policy,
    pub(super) archs: Vec<Arch>,
    /// By number; the first is not a package.
    pub(super) packages: Vec<Package>,
    /// What the architecture keeps out.
    pub(super) foreign: Vec<Package>,
    /// The first package of each name, 0 if there is none.
    named: Vec<u32>,
    /// For each repository: our numbers by its own, 0 for what the architecture keeps out.
    numbers: Vec<Vec<u32>>,
    /// Owners of paths that primary does not list, sorted.
    pub(super) owners: Vec<(Word, Id)>,
    pub(super) lists: Lists,
    pub(super) answers: whatprovides::Answers,
    pub(super) rich: Rich,
}

impl<'a> Pool<'a> {
    /// Numbers the packages of some repositories for a root of an architecture.
    pub(super) fn new(repos: &'a [RepoMetadata<'a>], arch: &str) -> Self {
        let views: Vec<View<'a>> = repos.iter().map(|repo| repo.metadata.view()).collect();
        let words = Words::new(views.clone());
        let mut pool = Self {
            repos,
            views,
            words,
            policy: Policy::new(arch),
            archs: Vec::new(),
            packages: Vec::new(),
            foreign: Vec::new(),
            named: Vec::new(),
            numbers: Vec::new(),
            owners: Vec::new(),
            lists: Lists::default(),
            answers: whatprovides::Answers::new(),
            rich: Rich::default(),
        };
        pool.collect();
        pool.order();
        pool
    }

    fn collect(&mut self) {
        let total = self.views.iter().map(View::len).sum::<usize>();
        self.packages.reserve(total + 1);
        for number in 0..self.views.len() {
            for package in self.views[number].packages() {
                let arch = self.arch_number(self.words.of(number, package.arch()));
                let entry = Package {
                    name: self.words.of(number, package.name()),
                    evr: self.words.of(number, package.evr()),
                    arch,
                    repo: number as u16,
                    at: package.id(),
                    hidden: None,
                    installed: false,
                };
                match self.archs[usize::from(arch)].score {
                    Some(_) => {
                        if self.packages.is_empty() {
                            self.packages.push(entry.clone());
                        }
                        self.packages.push(entry);
                    }
                    None => self.foreign.push(entry),
                }
            }
        }
    }

    fn arch_number(&mut self, name: Word) -> u16 {
        let known = self.archs.iter().position(|arch| arch.name == name);
        known.unwrap_or_else(|| {
            let text = self.words.text(name);
            self.archs.push(Arch { name, score: self.policy.score(text), colours: colours(text) });
            self.archs.len() - 1
        }) as u16
    }

    /// Each repository's packages are sorted already; those of several are merged. The first place is not a package's:
    /// numbers begin at 1.
    fn order(&mut self) {
        let mut packages = std::mem::take(&mut self.packages);
        if self.views.len() > 1
            && let [_, packages @ ..] = packages.as_mut_slice()
        {
            packages.sort_by(|a, b| self.canonical(a, b));
        }
        self.packages = packages;
        self.named = vec![0; self.words.len()];
        self.numbers = self.views.iter().map(|view| vec![0; view.len()]).collect();
        for number in (1..self.packages.len()).rev() {
            let package = &self.packages[number];
            self.named[package.name.index()] = number as u32;
            self.numbers[usize::from(package.repo)][package.at.index()] = number as u32;
        }
    }

    fn canonical(&self, a: &Package, b: &Package) -> Ordering {
        let bytes = |word: Word| self.words.bytes(word);
        let by_name = || if a.name == b.name { Ordering::Equal } else { bytes(a.name).cmp(bytes(b.name)) };
        by_name()
            .then_with(|| self.compare(a.evr, b.evr))
            .then_with(|| bytes(a.evr).cmp(bytes(b.evr)))
            .then_with(|| {
                bytes(self.archs[usize::from(a.arch)].name).cmp(bytes(self.archs[usize::from(b.arch)].name))
            })
            .then_with(|| self.entry_repo(a).cmp(self.entry_repo(b)))
            .then_with(|| self.entry(a).location().cmp(self.entry(b).location()))
    }

    /// The id of its repository.
    pub(super) fn entry_repo(&self, package: &Package) -> &'a str {
        self.repos[usize::from(package.repo)].metadata.repo()
    }

    /// One more than the highest number.
    pub(super) fn len(&self) -> usize {
        self.packages.len().max(1)
    }

    /// All packages.
    pub(super) fn ids(&self) -> impl ExactSizeIterator<Item = Id> + use<> {
        (1..self.len() as u32).map(Id)
    }

    pub(super) fn package(&self, id: Id) -> &Package {
        &self.packages[id.index()]
    }

    /// Its repository's record of it.
    pub(super) fn entry(&self, package: &Package) -> crate::metadata::Package<'a> {
        self.views[usize::from(package.repo)].package(package.at)
    }

    /// One of a package's lists.
    pub(super) fn list(&self, id: Id, kind: Kind) -> Vec<Dep> {
        let package = self.package(id);
        let deps = self.entry(package).dependencies(kind);
        let repo = usize::from(package.repo);
        deps.map(|dep| Dep {
            name: self.words.of(repo, dep.name),
            evr: self.words.of(repo, dep.evr),
            sense: dep.sense,
        })
        .collect()
    }

    pub(super) fn has(&self, id: Id, kind: Kind) -> bool {
        self.entry(self.package(id)).dependencies(kind).len() > 0
    }

    /// The number of a repository's package; none if the architecture keeps it out.
    pub(super) fn number(&self, repo: usize, at: PackageId) -> Option<Id> {
        let number = self.numbers.get(repo)?.get(at.index()).copied()?;
        (number != 0).then_some(Id(number))
    }

    /// The packages of a name.
    pub(super) fn named(&self, name: Word) -> Range<u32> {
        let start = self.named.get(name.index()).copied().unwrap_or(0);
        if start == 0 {
            return 0..0;
        }
        let count = self.packages[start as usize..].iter().take_while(|package| package.name == name).count();
        start..start + count as u32
    }

    /// The package of a NEVRA.
    pub(super) fn find(&self, nevra: &Nevra) -> Option<Id> {
        let same = |id: &Id| self.entry(self.package(*id)).nevra() == *nevra;
        self.named(self.words.find(&nevra.name)?).map(Id).find(same)
    }

    /// The packages of a package's name, itself among them.
    pub(super) fn siblings(&self, id: Id) -> impl Iterator<Item = Id> + use<> {
        self.named(self.package(id).name).map(Id)
    }

    pub(super) fn arch(&self, id: Id) -> Arch {
        self.archs[usize::from(self.package(id).arch)]
    }

    pub(super) fn score(&self, id: Id) -> Score {
        self.arch(id).score.unwrap_or(Score::Any)
    }

    /// Whether two packages of one name would be in each other's place.
    pub(super) fn same_colour(&self, a: Id, b: Id) -> bool {
        self.package(a).arch == self.package(b).arch || self.arch(a).colours & self.arch(b).colours != 0
    }

    /// Order of two EVRs.
    pub(super) fn compare(&self, a: Word, b: Word) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        EvrRef::parse(self.words.text(a)).compare(&EvrRef::parse(self.words.text(b)))
    }

    pub(super) fn range(&self, sense: Sense, evr: Word) -> Versions<'_> {
        Versions { sense, evr: EvrRef::parse(self.words.text(evr)) }
    }

    /// Whether a provide answers a dependency of the same name.
    pub(super) fn overlaps(&self, provide: (Sense, Word), dep: Dep) -> bool {
        if provide.0 == Sense::ANY || dep.sense == Sense::ANY {
            return true;
        }
        if provide.1 == dep.evr && provide.0.contains(Sense::EQUAL) && dep.sense.contains(Sense::EQUAL) {
            return true;
        }
        self.range(provide.0, provide.1).overlaps(&self.range(dep.sense, dep.evr))
    }

    /// The packages whose own name and EVR a dependency means: what obsoletes look at.
    pub(super) fn matching_name(&self, dep: Dep) -> impl Iterator<Item = Id> {
        self.named(dep.name)
            .map(Id)
            .filter(move |id| self.overlaps((Sense::EQUAL, self.package(*id).evr), dep))
    }

    /// Where a repository stands: the higher the better.
    pub(super) fn priority(&self, id: Id) -> i64 {
        -i64::from(self.repos[usize::from(self.package(id).repo)].priority)
    }

    /// How dear a repository is: the last thing that is looked at.
    pub(super) fn cost(&self, id: Id) -> u32 {
        self.repos[usize::from(self.package(id).repo)].cost
    }

    /// `name-evr.arch`.
    pub(super) fn nevra(&self, id: Id) -> String {
        let package = self.package(id);
        let text = |word| self.words.text(word);
        format!("{}-{}.{}", text(package.name), text(package.evr), text(self.arch(id).name))
    }

    /// A dependency as rpm writes it.
    pub(super) fn dep_text(&self, dep: Dep) -> String {
        let name = self.words.text(dep.name);
        if dep.sense == Sense::ANY {
            return name.to_owned();
        }
        format!("{name} {} {}", dep.sense.symbol(), self.words.text(dep.evr))
    }
}
