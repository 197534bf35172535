//! The reasons of a root, found again from the rules when all is decided: what brings each package in, who requires it,
//! and why others were passed over.

use super::conflict::Line;
use super::explanation::{Because, Explained, Explanation, Need, PassedOver, Why};
use super::jobs::{Job, JobKind};
use super::lit::{Id, Lit};
use super::pool::{Dep, Pool};
use super::reason::Reason;
use super::rich::Normal;
use super::rules::RuleId;
use super::search::{Cause, Search};
use crate::metadata::Kind;

/// What brings a package in, and what could have been taken in its place.
struct Brought {
    why: Why,
    instead: Vec<Id>,
}

impl Search<'_, '_> {
    /// The packages that are in, with their reasons.
    pub(super) fn explanation(&mut self, jobs: &[Job]) -> Explanation {
        let decided: Vec<(Lit, Cause)> =
            self.trail.iter().copied().zip(self.causes.iter().copied()).collect();
        let mut needs = self.needs();
        let mut packages = Vec::new();
        for (literal, cause) in decided.into_iter().filter(|(literal, _)| literal.is_yes()) {
            let id = literal.id();
            let Brought { why, instead } = self.brought(id, cause, jobs);
            let passed_over = self.passed_over(id, &instead, jobs);
            let needed_by = std::mem::take(&mut needs[id.index()]);
            packages.push(Explained { chosen: self.pool.chosen(id), why, needed_by, passed_over });
        }
        packages.sort_by_cached_key(|package| package.chosen.nevra.to_string());
        Explanation { packages }
    }

    /// For each package, who requires it.
    fn needs(&mut self) -> Vec<Vec<Need>> {
        let mut needs: Vec<Vec<Need>> = vec![Vec::new(); self.pool.len()];
        let mut members: Vec<Id> = self.members().collect();
        members.sort_unstable();
        for by in members {
            let mut met = Vec::new();
            for dep in self.pool.list(by, Kind::Requires) {
                for id in self.answering(by, dep) {
                    if id != by && !met.contains(&id) {
                        met.push(id);
                        needs[id.index()].push(self.pool.need(by, dep));
                    }
                }
            }
        }
        needs
    }

    /// The packages of the root that answer a dependency of one of them.
    fn answering(&mut self, by: Id, dep: Dep) -> Vec<Id> {
        let Some(node) = self.pool.complex_node(dep) else {
            let list = self.pool.providers(dep).list();
            return self.pool.lists.ids(list).filter(|id| self.is_in(*id)).collect();
        };
        let Normal::Blocks(blocks) = self.pool.required(&node) else { return Vec::new() };
        let mut found = Vec::new();
        for block in blocks {
            let (no, yes): (Vec<Lit>, Vec<Lit>) = block.into_iter().partition(|literal| literal.is_no());
            if no.iter().all(|literal| literal.id() == by || self.is_in(literal.id())) {
                found.extend(yes.into_iter().map(Lit::id).filter(|id| self.is_in(*id)));
            }
        }
        found
    }

    fn brought(&mut self, id: Id, cause: Cause, jobs: &[Job]) -> Brought {
        if self.pool.package(id).installed {
            return Brought { why: Why::Installed, instead: Vec::new() };
        }
        let asked = |job: &&Job| job.kind != JobKind::Installed && job.clause.contains(&Lit::yes(id));
        if let Some(job) = jobs.iter().find(asked) {
            return brought_by_job(job);
        }
        match cause {
            Cause::Weak(Some(by)) => self.recommended_by(by, id),
            Cause::Weak(None) => self.supplements(id),
            Cause::Unit(rule) | Cause::Choice(rule) => {
                let rule = self.bringing(id, rule);
                self.brought_by_rule(id, rule, jobs)
            }
        }
    }

    /// The rule that brings a package in: not a learnt one, and one whose conditions are met.
    fn bringing(&self, id: Id, rule: RuleId) -> RuleId {
        if rule.0 < self.rules.learnt {
            return rule;
        }
        let brings = |rule: &RuleId| {
            let literals = self.rules.get(*rule).literals(&self.pool.lists);
            let met = |literal: Lit| literal == Lit::yes(id) || literal.is_yes() || self.is_in(literal.id());
            literals.clone().any(|literal| literal == Lit::yes(id)) && literals.clone().all(met)
        };
        let from = self.given(vec![rule]);
        let all = || (1..self.rules.learnt).map(RuleId).find(brings);
        from.iter().copied().find(brings).or_else(all).unwrap_or(rule)
    }

    fn brought_by_rule(&mut self, id: Id, rule: RuleId, jobs: &[Job]) -> Brought {
        let literals: Vec<Lit> = self.rules.get(rule).literals(&self.pool.lists).collect();
        let instead: Vec<Id> =
            literals.iter().filter(|literal| literal.is_yes()).map(|literal| literal.id()).collect();
        match self.pool.reason(&self.rules, jobs, rule) {
            Reason::Job(job) | Reason::Best(job) => brought_by_job(&jobs[job]),
            Reason::Needs { by, dep } => Brought { why: Why::Required(self.pool.need(by, dep)), instead },
            Reason::Conflicts { by, dep, .. } => {
                Brought { why: Why::Condition(self.pool.need(by, dep)), instead: Vec::new() }
            }
            _ => {
                let beside =
                    literals.iter().find(|literal| literal.is_no()).map_or(id, |literal| literal.id());
                let package = self.pool.chosen(beside).nevra;
                Brought { why: Why::Beside { package }, instead: Vec::new() }
            }
        }
    }

    fn recommended_by(&mut self, by: Id, id: Id) -> Brought {
        for dep in self.pool.list(by, Kind::Recommends) {
            let instead: Vec<Id> = match self.pool.complex_node(dep) {
                None => {
                    let list = self.pool.providers(dep).list();
                    self.pool.lists.ids(list).collect()
                }
                Some(node) => match self.pool.required(&node) {
                    Normal::Blocks(blocks) => {
                        blocks.concat().into_iter().filter(|literal| literal.is_yes()).map(Lit::id).collect()
                    }
                    _ => Vec::new(),
                },
            };
            if instead.contains(&id) {
                return Brought { why: Why::Recommended(self.pool.need(by, dep)), instead };
            }
        }
        self.supplements(id)
    }

    fn supplements(&mut self, id: Id) -> Brought {
        let supplements = self.pool.list(id, Kind::Supplements);
        let met = supplements.into_iter().find(|dep| self.is_met(*dep, None));
        let condition = met.map(|dep| self.pool.dep_text(dep)).unwrap_or_default();
        Brought { why: Why::Supplements { condition }, instead: Vec::new() }
    }

    fn passed_over(&mut self, id: Id, instead: &[Id], jobs: &[Job]) -> Vec<PassedOver> {
        let others: Vec<Id> = instead.iter().copied().filter(|other| !self.is_in(*other)).collect();
        let passed_over = |other: Id, because: Because, pool: &Pool<'_>| {
            let nevra = pool.chosen(other).nevra;
            PassedOver { nevra, repo: pool.entry_repo(pool.package(other)).to_owned(), because }
        };
        let all = others.into_iter().map(|other| {
            let because = self.because(id, other, instead, jobs);
            passed_over(other, because, self.pool)
        });
        all.collect()
    }

    fn because(&mut self, id: Id, other: Id, all: &[Id], jobs: &[Job]) -> Because {
        self.pool
            .because_fixed(id, other, all)
            .or_else(|| self.impossible(other, jobs))
            .unwrap_or_else(|| self.because_order(id, other))
    }

    /// What keeps a package out that is decided to be out.
    fn impossible(&mut self, other: Id, jobs: &[Job]) -> Option<Because> {
        let at = self.trail.iter().position(|literal| *literal == Lit::no(other))?;
        let fallback = || Some(Because::Impossible { phrase: "it cannot be beside the others".to_owned() });
        let Cause::Unit(rule) = self.causes[at] else { return fallback() };
        if rule.0 >= self.rules.learnt {
            return fallback();
        }
        let phrase = self.pool.phrase(&self.rules, jobs, (other, rule));
        phrase.map_or_else(fallback, |Line { text, .. }| Some(Because::Impossible { phrase: text }))
    }

    fn because_order(&mut self, id: Id, other: Id) -> Because {
        self.update_wishes();
        if self.is_recommended(id) && !self.is_recommended(other) {
            return Because::NotRecommended;
        }
        if self.is_suggested(id) && !self.is_suggested(other) {
            return Because::NotSuggested;
        }
        let goes_first = |order: &dyn Fn(&mut Vec<Id>)| {
            let mut pair = vec![other, id];
            order(&mut pair);
            pair[0] == id
        };
        if goes_first(&|pair| self.pool.older_provides_last(pair)) {
            Because::OlderProvides
        } else if goes_first(&|pair| self.pool.old_last(pair)) {
            Because::NotNewest
        } else {
            Because::Order
        }
    }
}

fn brought_by_job(job: &Job) -> Brought {
    let instead = job.clause.iter().filter(|literal| literal.is_yes()).map(|literal| literal.id()).collect();
    Brought { why: Why::Asked { request: job.text.clone() }, instead }
}

impl Pool<'_> {
    fn need(&self, by: Id, dep: Dep) -> Need {
        Need { by: self.entry(self.package(by)).nevra(), requirement: self.dep_text(dep) }
    }

    /// What drops a candidate whatever else is in the root.
    fn because_fixed(&mut self, id: Id, other: Id, all: &[Id]) -> Option<Because> {
        if let Some(why) = self.package(other).hidden {
            return Some(Because::KeptOut { phrase: self.kept_out(other, why).0 });
        }
        if self.priority(other) < self.priority(id) {
            return Some(Because::LowerPriority);
        }
        if self.arch(id).is_better_than(self.arch(other)) {
            return Some(Because::WorseArchitecture);
        }
        let name = self.package(other).name;
        let open = |one: &Id| self.package(*one).hidden.is_none() && *one != other;
        let newer = |one: &Id| {
            self.priority(*one) >= self.priority(other)
                && !self.arch(other).is_better_than(self.arch(*one))
                && self.compare(self.package(*one).evr, self.package(other).evr).is_gt()
        };
        let same_name: Vec<Id> =
            all.iter().copied().filter(open).filter(|one| self.package(*one).name == name).collect();
        if let Some(newer) = same_name.iter().copied().find(newer) {
            return Some(Because::Older { than: self.entry(self.package(newer)).nevra() });
        }
        let (taken, left) = (self.package(id), self.package(other));
        if (taken.name, taken.evr, taken.arch) == (left.name, left.evr, left.arch) {
            return Some(Because::SameElsewhere);
        }
        let obsoletes = |one: &Id| {
            let mut deps = self.list(*one, Kind::Obsoletes).into_iter();
            self.package(*one).name != name && deps.any(|dep| self.matching_name(dep).any(|it| it == other))
        };
        let by = all.iter().copied().filter(open).find(obsoletes)?;
        Some(Because::Obsoleted { by: self.entry(self.package(by)).nevra() })
    }
}
