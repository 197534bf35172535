//! What was meant by a name that nothing has, and what there is instead.

use super::conflict::Line;
use super::lit::Id;
use super::pool::{Dep, Pool};
use super::spec::{Readings, Visibility};
use super::words::Word;
use crate::metadata::{Glob, Kind};
use crate::package::Sense;

/// The most names that are offered.
const MOST: usize = 3;

/// The most slips of the finger.
const MOST_SLIPS: usize = 3;

/// Which letters a name has, one bit for each: a slip changes two at most.
fn letters(name: &str) -> u32 {
    name.bytes().fold(0, |letters, byte| letters | 1 << (byte.to_ascii_lowercase() & 31))
}

impl Pool<'_> {
    /// Why a text that was asked for names nothing.
    pub(super) fn unknown(&mut self, asked: &str) -> Line {
        if let Some(hidden) = self.named_by(asked, Readings::All, Visibility::All) {
            let last = hidden.ids.last().copied().unwrap_or(Id(0));
            if let Some(why) = self.package(last).hidden {
                let (end, hint) = self.kept_out(last, why);
                return Line::new(format!("{} (for `{asked}`) {end}", self.nevra(last)), hint);
            }
        }
        let text = format!("nothing provides `{asked}`");
        let other = self.other_versions(asked).map(|other| format!("there is {other}"));
        let hint = other.or_else(|| {
            let dep = self.read_dep(asked)?;
            Some(self.nearest_hint(dep))
        });
        Line::new(text, hint)
    }

    /// The newest package of a name that a text begins with, if the rest of it can be a version or an architecture.
    fn other_versions(&self, asked: &str) -> Option<String> {
        let ends = asked.char_indices().filter(|(_, letter)| matches!(letter, '-' | '.')).map(|(at, _)| at);
        let name = ends.rev().find_map(|end| {
            let name = self.words.find(&asked[..end])?;
            (!self.named(name).is_empty()).then_some(name)
        })?;
        let newest = self.named(name).map(Id).rev().find(|id| self.package(*id).hidden.is_none())?;
        Some(format!("{} in `{}`", self.nevra(newest), self.entry_repo(self.package(newest))))
    }

    /// What there is instead of a dependency: other versions, other architectures, similar names.
    pub(super) fn nearest_hint(&mut self, dep: Dep) -> String {
        if dep.sense != Sense::ANY {
            let list = self.providers(Dep::any(dep.name)).list();
            let newest = self.lists.ids(list).last();
            if let Some(id) = newest {
                return format!("there is {} in `{}`", self.nevra(id), self.entry_repo(self.package(id)));
            }
        }
        if let Some(foreign) = self.foreign_provider(dep) {
            return format!("{foreign} provides it, but is for another architecture");
        }
        let repos: Vec<&str> = self.repos.iter().map(|repo| repo.metadata.repo()).collect();
        let searched = if repos.is_empty() {
            "there are no repositories".to_owned()
        } else {
            format!("searched {}", repos.join(", "))
        };
        let names = self.similar(dep.name);
        if names.is_empty() {
            format!("{searched}; add a repository that has it")
        } else {
            format!("{searched}; similar: {}", names.join(", "))
        }
    }

    /// Names of packages that are a few slips of the finger away.
    fn similar(&self, name: Word) -> Vec<String> {
        let wanted = self.words.text(name).to_lowercase();
        if Glob::is_pattern(&wanted) || wanted.starts_with(['(', '/']) {
            return Vec::new();
        }
        let slips = (wanted.chars().count() / 4 + 1).min(MOST_SLIPS);
        let letters = letters(&wanted);
        let mut near: Vec<(usize, &str)> = Vec::new();
        let mut last = Word(u32::MAX);
        for id in self.ids() {
            let word = self.package(id).name;
            if word == last {
                continue;
            }
            last = word;
            let known = self.words.text(word);
            let differ = (letters ^ self::letters(known)).count_ones() as usize;
            if known.len().abs_diff(wanted.len()) <= slips && differ <= slips * 2 {
                let distance = strsim::damerau_levenshtein(&wanted, &known.to_lowercase());
                near.extend((distance <= slips).then_some((distance, known)));
            }
        }
        near.sort_unstable();
        near.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect()
    }

    /// A package of another architecture that answers a dependency.
    fn foreign_provider(&self, dep: Dep) -> Option<String> {
        let found = self.foreign.iter().find(|package| {
            let repo = usize::from(package.repo);
            let arch = self.words.text(self.archs[usize::from(package.arch)].name);
            let named = package.name == dep.name && self.overlaps((Sense::EQUAL, package.evr), dep);
            let mut provides = self.entry(package).dependencies(Kind::Provides);
            let provides = provides.any(|provide| {
                let evr = self.words.of(repo, provide.evr);
                self.words.of(repo, provide.name) == dep.name && self.overlaps((provide.sense, evr), dep)
            });
            !matches!(arch, "src" | "nosrc") && (named || provides)
        });
        found.map(|package| self.entry(package).nevra().to_string())
    }
}
