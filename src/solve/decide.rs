//! The order of decisions.
//!
//! What must hold comes first; then jobs, in the order in which they were asked; then every rule that is not yet
//! satisfied, those with one candidate left before those with a real choice; then what is recommended; and at last,
//! choices are undone that other choices made needless. After every choice that had to be taken back we start again.

use super::Weak;
use super::lit::{Id, Lit};
use super::rules::RuleId;
use super::search::{Branch, Cause, Refuted, Search};

/// How far a candidate list is reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reduce {
    /// Drop what may be dropped.
    Drop,
    /// And put the rest in order.
    DropAndSort,
}

impl Search<'_, '_> {
    /// Finds the packages of the root, or the rules that contradict each other.
    pub(super) fn run(&mut self) -> Result<(), Refuted> {
        let mut level = self.start()?;
        let mut jobs_done_at = level + 1;
        loop {
            let before = level;
            if level < jobs_done_at {
                level = self.resolve_jobs(level)?;
                if level < before {
                    continue;
                }
                jobs_done_at = level;
            }
            let before = level;
            level = self.resolve_rules(level)?;
            if level < before {
                continue;
            }
            if self.weak == Weak::Install {
                let (after, changed) = self.resolve_weak(level)?;
                level = after;
                if changed {
                    continue;
                }
            }
            match self.minimise()? {
                Some(after) => level = after,
                None => return Ok(()),
            }
        }
    }

    /// Decides what rules with one literal say.
    fn start(&mut self) -> Result<i32, Refuted> {
        for number in 1..self.rules.len() {
            let rule = self.rules.get(RuleId(number));
            if !rule.is_assertion() || self.holds(rule.first) {
                continue;
            }
            if self.fails(rule.first) {
                return Err(self.refuted(RuleId(number)));
            }
            self.decide(rule.first, 1, Cause::Unit(RuleId(number)));
        }
        self.propagate(1).map_err(|failed| self.refuted(failed))?;
        Ok(1)
    }

    /// Satisfies the jobs in their order.
    fn resolve_jobs(&mut self, level: i32) -> Result<i32, Refuted> {
        let start = level;
        let mut level = level;
        let mut number = self.rules.jobs.start;
        while number < self.rules.jobs.end {
            let candidates = self.candidates(RuleId(number));
            if candidates.is_empty() {
                number += 1;
                continue;
            }
            let before = level;
            level = self.select(level, candidates, RuleId(number))?;
            if level < start {
                return Ok(level);
            }
            if level < before {
                number = self.rules.jobs.start;
            } else if level > before {
                number += 1;
            }
        }
        Ok(level)
    }

    /// The undecided packages that would satisfy a rule; none if it is satisfied.
    fn candidates(&self, id: RuleId) -> Vec<Id> {
        let rule = self.rules.get(id);
        let mut open = Vec::new();
        for literal in rule.literals(&self.pool.lists) {
            if literal.is_no() && !self.is_in(literal.id()) || literal.is_yes() && self.is_in(literal.id()) {
                return Vec::new();
            }
            if literal.is_yes() && self.is_open(literal.id()) {
                open.push(literal.id());
            }
        }
        open
    }

    /// Satisfies every rule. The first round postpones rules with a real choice; each decision starts a new round
    /// from where it was made.
    fn resolve_rules(&mut self, level: i32) -> Result<i32, Refuted> {
        let start = level;
        let mut level = level;
        let mut postponed = Some(None);
        let mut number = 1;
        let mut seen = 1;
        loop {
            if seen >= self.rules.len() {
                let Some(Some(first)) = postponed else { return Ok(level) };
                number = first;
                postponed = None;
                seen = 1;
            }
            if number >= self.rules.len() {
                number = 1;
            }
            let id = RuleId(number);
            let first = self.rules.get(id).first;
            number += 1;
            seen += 1;
            if first.is_no() && !self.is_in(first.id()) {
                continue;
            }
            let mut candidates = self.candidates(id);
            if candidates.len() < 2 {
                continue;
            }
            if let Some(first) = &mut postponed {
                self.reduce(&mut candidates, Reduce::Drop);
                if candidates.len() > 1 {
                    *first = first.or(Some(id.0));
                    continue;
                }
            }
            level = self.select(level, candidates, id)?;
            if level < start {
                return Ok(level);
            }
            seen = 1;
        }
    }

    /// Takes the best candidate of a rule and remembers the others.
    fn select(&mut self, level: i32, mut candidates: Vec<Id>, rule: RuleId) -> Result<i32, Refuted> {
        self.reduce(&mut candidates, Reduce::DropAndSort);
        let chosen = candidates[0];
        let cause = Cause::Choice(rule);
        if candidates.len() > 1 {
            self.open_branch(level, &candidates, cause);
        }
        self.choose(level, Lit::yes(chosen), cause)
    }

    /// Remembers the candidates of a choice, the first being the one that is taken.
    pub(super) fn open_branch(&mut self, level: i32, candidates: &[Id], cause: Cause) {
        let candidates = candidates.iter().enumerate().map(|(at, id)| (*id, at == 0)).collect();
        self.branches.push(Branch { level, candidates, cause });
    }

    fn reduce(&mut self, candidates: &mut Vec<Id>, how: Reduce) {
        if candidates.len() > 1 {
            self.pool.keep_best(candidates);
        }
        if candidates.len() > 1 {
            self.keep_recommended(candidates);
        }
        if candidates.len() > 1 && how == Reduce::DropAndSort {
            self.pool.old_last(candidates);
            self.pool.older_provides_last(candidates);
            self.suggested_first(candidates);
        }
    }

    /// The whole policy, for candidates that no rule asks for.
    pub(super) fn reduce_and_sort(&mut self, candidates: &mut Vec<Id>) {
        self.reduce(candidates, Reduce::DropAndSort);
    }

    /// Keeps what something chosen recommends, if anything is. Installed packages stay.
    fn keep_recommended(&mut self, candidates: &mut Vec<Id>) {
        if candidates.iter().filter(|id| !self.pool.package(**id).installed).count() < 2 {
            return;
        }
        self.update_wishes();
        let kept: Vec<Id> = candidates
            .iter()
            .copied()
            .filter(|id| self.pool.package(*id).installed || self.is_recommended(*id))
            .collect();
        if kept.iter().any(|id| !self.pool.package(*id).installed) {
            *candidates = kept;
        }
    }

    /// Moves what something chosen suggests to the front.
    pub(super) fn suggested_first(&mut self, candidates: &mut Vec<Id>) {
        self.update_wishes();
        let (good, bad): (Vec<Id>, Vec<Id>) =
            candidates.iter().partition(|id| self.pool.package(**id).installed || self.is_suggested(**id));
        *candidates = [good, bad].concat();
    }

    /// Looks for a choice that became needless, because an alternative is in the root anyway, or that should have
    /// been another, because an alternative is recommended by what came later. The earliest such choice is undone.
    fn minimise(&mut self) -> Result<Option<i32>, Refuted> {
        if self.branches.is_empty() {
            return Ok(None);
        }
        self.update_wishes();
        let mut found = None;
        for at in (0..self.branches.len()).rev() {
            if let Some(candidate) = self.better_alternative(at) {
                found = Some((at, candidate));
            }
        }
        let Some((at, candidate)) = found else { return Ok(None) };
        let branch = &mut self.branches[at];
        branch.candidates[candidate].1 = true;
        let (level, cause, id) = (branch.level, branch.cause, branch.candidates[candidate].0);
        branch.level = 0;
        self.revert(level);
        self.branches[at].level = level;
        self.choose(level, Lit::yes(id), cause).map(Some)
    }

    fn better_alternative(&mut self, at: usize) -> Option<usize> {
        let level = self.branches[at].level;
        let mut recommended = None;
        for candidate in 0..self.branches[at].candidates.len() {
            let (id, tried) = self.branches[at].candidates[candidate];
            if tried {
                continue;
            }
            if self.is_in(id) && self.level_of(id) > level {
                return Some(candidate);
            }
            if recommended.is_none() && self.is_recommended(id) {
                recommended = Some(candidate);
            }
        }
        let recommended = recommended?;
        let chosen = |id: Id| self.is_in(id) && self.level_of(id) == level + 1;
        let candidates = self.branches[at].candidates.iter();
        let taken: Vec<Id> =
            candidates.filter(|(id, tried)| *tried && chosen(*id)).map(|(id, _)| *id).collect();
        taken.into_iter().any(|id| !self.is_recommended(id)).then_some(recommended)
    }
}
