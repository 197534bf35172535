//! The packages of a root, and why each is there.

use super::jobs::Job;
use super::lit::{Id, Lit};
use super::rich::Normal;
use super::rules::RuleId;
use super::search::{Cause, Search};
use crate::metadata::Kind;
use crate::package::Nevra;
use crate::unit::Digest;

/// A set of packages that can be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Sorted by NEVRA as text.
    pub packages: Vec<Chosen>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// What it is.
    pub nevra: Nevra,
    /// The repository's id.
    pub repo: String,
    /// Where it lies, relative to the repository's base URL.
    pub location: String,
    /// The package file's digest.
    pub digest: Digest,
    /// The package file's size in bytes.
    pub size: u64,
    /// Why it is there.
    pub why: Why,
    /// Packages that would have done as well.
    pub passed_over: Vec<Nevra>,
}

/// Why a package is there. The reason is the first one met; there may be others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It was in the root already.
    Installed,
    /// It was asked for in these words.
    Asked(String),
    /// A package requires it.
    Required {
        /// Which.
        by: Nevra,
        /// In which words.
        requirement: String,
    },
    /// It stands beside a package of another architecture, which may not come alone.
    Beside(Nevra),
    /// A package recommends it.
    Recommended(Nevra),
    /// It supplements what is there.
    Supplements,
}

impl Search<'_, '_> {
    /// The packages that are in, with their reasons.
    pub(super) fn resolution(&mut self, jobs: &[Job]) -> Resolution {
        let chosen: Vec<(Id, Cause)> = self
            .trail
            .iter()
            .zip(&self.causes)
            .filter(|(literal, _)| literal.is_yes())
            .map(|(literal, cause)| (literal.id(), *cause))
            .collect();
        let mut packages: Vec<Chosen> =
            chosen.into_iter().map(|(id, cause)| self.chosen(id, cause, jobs)).collect();
        packages.sort_by_cached_key(|package| package.nevra.to_string());
        Resolution { packages }
    }

    fn chosen(&mut self, id: Id, cause: Cause, jobs: &[Job]) -> Chosen {
        let why = self.why(id, cause, jobs);
        let entry = self.pool.entry(self.pool.package(id));
        let repo = self.pool.repos[usize::from(self.pool.package(id).repo)].metadata.repo().to_owned();
        let choice = self.choices.iter().find(|choice| choice.taken == id);
        let others = choice.map(|choice| choice.others.as_slice()).unwrap_or_default();
        Chosen {
            nevra: entry.nevra(),
            repo,
            location: entry.location().to_owned(),
            digest: entry.checksum(),
            size: entry.size(),
            why,
            passed_over: others.iter().map(|other| self.nevra_of(*other)).collect(),
        }
    }

    fn nevra_of(&self, id: Id) -> Nevra {
        self.pool.entry(self.pool.package(id)).nevra()
    }

    fn why(&mut self, id: Id, cause: Cause, jobs: &[Job]) -> Why {
        if self.pool.package(id).installed {
            return Why::Installed;
        }
        match cause {
            Cause::Weak(Some(from)) => Why::Recommended(self.nevra_of(from)),
            Cause::Weak(None) => Why::Supplements,
            Cause::Unit(rule) | Cause::Choice(rule) => self.why_rule(id, rule, jobs),
        }
    }

    fn why_rule(&mut self, id: Id, rule: RuleId, jobs: &[Job]) -> Why {
        if let Some(learnt) = rule.0.checked_sub(self.rules.learnt) {
            let from = self.proofs[learnt as usize].clone();
            let with = from.into_iter().find(|rule| {
                let mut literals = self.rules.get(*rule).literals(&self.pool.lists);
                rule.0 < self.rules.learnt && literals.any(|literal| literal == Lit::yes(id))
            });
            return with.map_or(Why::Supplements, |rule| self.why_rule(id, rule, jobs));
        }
        if self.rules.jobs.contains(&rule.0) {
            return Why::Asked(jobs[(rule.0 - self.rules.jobs.start) as usize].text.clone());
        }
        let literals: Vec<Lit> = self.rules.get(rule).literals(&self.pool.lists).collect();
        let requirers: Vec<Id> =
            literals.iter().filter(|literal| literal.is_no()).map(|literal| literal.id()).collect();
        for by in requirers.iter().copied() {
            for dep in self.pool.list(by, Kind::Requires) {
                if self.could_answer(dep, id) {
                    let requirement = self.pool.dep_text(dep);
                    return Why::Required { by: self.nevra_of(by), requirement };
                }
            }
        }
        match requirers.first() {
            Some(by) => Why::Beside(self.nevra_of(*by)),
            None => Why::Asked(job_text(id, jobs)),
        }
    }

    fn could_answer(&mut self, dep: super::pool::Dep, id: Id) -> bool {
        if let Some(node) = self.pool.complex_node(dep) {
            let Normal::Blocks(blocks) = self.pool.required(&node) else { return false };
            return blocks.iter().any(|block| block.contains(&Lit::yes(id)));
        }
        let list = self.pool.providers(dep).list();
        self.pool.lists.get(list).contains(&Lit::yes(id))
    }
}

/// The words of a job that a package satisfies.
fn job_text(id: Id, jobs: &[Job]) -> String {
    let job = jobs.iter().find(|job| job.clause.contains(&Lit::yes(id)));
    job.map(|job| job.text.clone()).unwrap_or_default()
}
