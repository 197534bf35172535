//! Where a rule came from, found again from its literals.

use super::jobs::Job;
use super::lit::{Id, Lit};
use super::pool::{Dep, Hidden, Pool};
use super::rich::Normal;
use super::rules::{RuleId, Rules};
use super::whatprovides::Found;
use crate::metadata::Kind;

/// Where a rule came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// The job of a number.
    Job(usize),
    /// Only the best candidates of the job of a number.
    Best(usize),
    /// A package requires something that some packages provide.
    Needs { by: Id, dep: Dep },
    /// A package requires what nothing provides.
    Nothing { by: Id, dep: Dep },
    /// A package may not be taken.
    Hidden { id: Id, why: Hidden },
    /// A package conflicts with another one.
    Conflicts { by: Id, dep: Dep, with: Id },
    /// A package takes the place of another one.
    Obsoletes { by: Id, dep: Dep, other: Id },
    /// Two versions of one package.
    SameName { a: Id, b: Id },
    /// A package of an inferior architecture.
    Inferior { id: Id },
}

impl Pool<'_> {
    /// Where a rule came from.
    pub(super) fn reason(&mut self, rules: &Rules, jobs: &[Job], id: RuleId) -> Reason {
        let rule = rules.get(id);
        let literals: Vec<Lit> = rule.literals(&self.lists).collect();
        if rules.jobs.contains(&id.0) {
            return Reason::Job((id.0 - rules.jobs.start) as usize);
        }
        if rules.best.contains(&id.0) {
            let yes: Vec<&Lit> = literals.iter().filter(|literal| literal.is_yes()).collect();
            let of = |job: &Job| yes.iter().all(|literal| job.clause.contains(literal));
            return Reason::Best(jobs.iter().position(of).unwrap_or_default());
        }
        if rules.inferior.contains(&id.0) {
            return Reason::Inferior { id: rule.first.id() };
        }
        if let [only] = literals[..] {
            return self.why_out(only.id());
        }
        let no: Vec<Id> =
            literals.iter().filter(|literal| literal.is_no()).map(|literal| literal.id()).collect();
        for by in no.iter().copied() {
            if let Some(dep) = self.requirement_behind(by, &literals) {
                return Reason::Needs { by, dep };
            }
        }
        self.why_apart(&no, &literals)
    }

    fn why_out(&mut self, id: Id) -> Reason {
        if let Some(why) = self.package(id).hidden {
            return Reason::Hidden { id, why };
        }
        for dep in self.list(id, Kind::Requires) {
            if self.is_unanswerable(id, dep) {
                return Reason::Nothing { by: id, dep };
            }
        }
        for dep in self.list(id, Kind::Conflicts) {
            if self.complex_node(dep).is_some() {
                return Reason::Conflicts { by: id, dep, with: id };
            }
        }
        Reason::Hidden { id, why: Hidden::Excluded }
    }

    /// Whether a requirement of a package keeps it out whatever else is in.
    pub(super) fn is_unanswerable(&mut self, id: Id, dep: Dep) -> bool {
        if self.is_unreadable(dep) {
            return true;
        }
        match self.complex_node(dep) {
            Some(node) => match self.required(&node) {
                Normal::Never | Normal::TooLarge => true,
                Normal::Always => false,
                Normal::Blocks(blocks) => blocks.iter().any(|block| block == &[Lit::no(id)]),
            },
            None => matches!(self.providers(dep), Found::Packages(list) if list.is_empty()),
        }
    }

    /// The requirement of a package that gives a rule of these literals.
    fn requirement_behind(&mut self, by: Id, literals: &[Lit]) -> Option<Dep> {
        let mut wanted: Vec<Lit> =
            literals.iter().copied().filter(|literal| *literal != Lit::no(by)).collect();
        wanted.sort_unstable();
        let same = |block: &[Lit]| {
            let mut block: Vec<Lit> =
                block.iter().copied().filter(|literal| *literal != Lit::no(by)).collect();
            block.sort_unstable();
            block == wanted
        };
        let deps = self.list(by, Kind::Requires);
        deps.into_iter().find(|dep| {
            if let Some(node) = self.complex_node(*dep) {
                let Normal::Blocks(blocks) = self.required(&node) else { return false };
                return blocks.iter().any(|block| same(block));
            }
            let list = self.providers(*dep).list();
            same(self.lists.get(list))
        })
    }

    fn why_apart(&mut self, no: &[Id], literals: &[Lit]) -> Reason {
        for by in no.iter().copied() {
            for dep in self.list(by, Kind::Conflicts) {
                let with =
                    no.iter().copied().find(|other| *other != by && self.conflicts(dep, *other, literals));
                if let Some(with) = with {
                    return Reason::Conflicts { by, dep, with };
                }
            }
        }
        for by in no.iter().copied() {
            for dep in self.list(by, Kind::Obsoletes) {
                let other = self.matching_name(dep).find(|other| *other != by && no.contains(other));
                if let Some(other) = other {
                    return Reason::Obsoletes { by, dep, other };
                }
            }
        }
        Reason::SameName { a: no[0], b: no.get(1).copied().unwrap_or(no[0]) }
    }

    fn conflicts(&mut self, dep: Dep, with: Id, literals: &[Lit]) -> bool {
        if let Some(node) = self.complex_node(dep) {
            let Normal::Blocks(blocks) = self.forbidden(&node) else { return false };
            return blocks.iter().any(|block| block.iter().all(|literal| literals.contains(literal)));
        }
        let list = self.providers(dep).list();
        self.lists.get(list).contains(&Lit::yes(with))
    }
}
