//! What was asked for, as rules.
//!
//! A text that names packages becomes one rule: one of them, whichever the policy prefers. Packages that obsolete a
//! package asked for by its bare name are candidates too. A requirement becomes the rule that a package requiring it
//! would have.

use super::bits::Bits;
use super::conflict::Line;
use super::lit::{Id, Lit};
use super::pool::{Dep, Pool};
use super::rich::Normal;
use super::spec::{Readings, Visibility, is_path};
use super::whatprovides::Found;
use super::words::Word;
use crate::metadata::{Glob, Kind};

/// One clause of what was asked for.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The text it came from.
    pub(super) text: String,
    /// One of these must hold.
    pub(super) clause: Vec<Lit>,
    pub(super) kind: JobKind,
}

/// Where a job came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobKind {
    /// It is in the root already.
    Installed,
    /// Asked for as packages.
    Asked,
    /// Asked for as a requirement.
    Required,
}

impl Pool<'_> {
    /// The jobs of a text that names packages.
    pub(super) fn install_jobs(&mut self, text: &str) -> Result<Vec<Job>, Line> {
        if text.starts_with('(') {
            return self.requirement_jobs(text);
        }
        let Some(named) = self.named_by(text, Readings::All, Visibility::Open) else {
            return Err(self.unknown(text));
        };
        let groups = if named.each_arch {
            self.split(&named.ids, |pool, id| (pool.package(id).name, pool.package(id).arch))
        } else if Glob::is_pattern(text) && !is_path(text) {
            self.split(&named.ids, |pool, id| (pool.package(id).name, 0))
        } else {
            vec![named.ids]
        };
        let job = |ids: Vec<Id>| Job {
            text: text.to_owned(),
            clause: ids.into_iter().map(Lit::yes).collect(),
            kind: JobKind::Asked,
        };
        let meant = |pool: &mut Self, ids: Vec<Id>| {
            if named.bare || named.each_arch { pool.with_obsoleting(&ids) } else { ids }
        };
        Ok(groups.into_iter().map(|ids| job(meant(self, ids))).collect())
    }

    /// The jobs of a requirement.
    pub(super) fn requirement_jobs(&mut self, text: &str) -> Result<Vec<Job>, Line> {
        let unreadable = || Line::new(format!("`{text}` is not a dependency that can be read"), None);
        let dep = self.read_dep(text).ok_or_else(unreadable)?;
        if self.is_unreadable(dep) {
            return Err(unreadable());
        }
        let clauses = match self.complex_node(dep) {
            Some(node) => match self.required(&node) {
                Normal::Always => Vec::new(),
                Normal::Never | Normal::TooLarge => return Err(self.unknown(text)),
                Normal::Blocks(blocks) => blocks,
            },
            None => match self.providers(dep) {
                Found::Always => Vec::new(),
                Found::Packages(list) if list.is_empty() => return Err(self.unknown(text)),
                Found::Packages(list) => vec![self.lists.get(list).to_vec()],
            },
        };
        let job = |clause| Job { text: text.to_owned(), clause, kind: JobKind::Required };
        Ok(clauses.into_iter().map(job).collect())
    }

    /// Groups packages by a key, groups in the order of their first package.
    fn split<K: PartialEq>(&self, ids: &[Id], key: impl Fn(&Self, Id) -> K) -> Vec<Vec<Id>> {
        let mut groups: Vec<(K, Vec<Id>)> = Vec::new();
        for id in ids {
            let key = key(self, *id);
            match groups.iter_mut().rev().find(|group| group.0 == key) {
                Some(group) => group.1.push(*id),
                None => groups.push((key, vec![*id])),
            }
        }
        groups.into_iter().map(|group| group.1).collect()
    }

    /// Adds the packages that obsolete one of these.
    fn with_obsoleting(&mut self, ids: &[Id]) -> Vec<Id> {
        let mut wanted = Bits::new(self.len());
        for id in ids {
            wanted.set(id.index());
        }
        let mut names: Vec<Word> = ids.iter().map(|id| self.package(*id).name).collect();
        names.dedup();
        let mut obsoleting = Vec::new();
        for id in names.iter().flat_map(|name| self.obsoleting(*name)) {
            let meant = |dep: Dep| self.matching_name(dep).any(|other| wanted.has(other.index()));
            if self.package(id).hidden.is_none() && self.obsoletes_of(id, &names).into_iter().any(meant) {
                obsoleting.push(id);
            }
        }
        for id in obsoleting {
            wanted.set(id.index());
        }
        wanted.iter().map(|id| Id(id as u32)).collect()
    }

    fn obsoletes_of(&self, id: Id, names: &[Word]) -> Vec<Dep> {
        if !self.has(id, Kind::Obsoletes) {
            return Vec::new();
        }
        self.list(id, Kind::Obsoletes).into_iter().filter(|dep| names.contains(&dep.name)).collect()
    }
}
