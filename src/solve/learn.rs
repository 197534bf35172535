//! Learning from a contradiction.
//!
//! From the rule that failed we walk back along the trail until one decision of this level is left: its opposite,
//! together with the decisions of earlier levels that took part, is a rule that forbids this dead end. What it was
//! learnt from is kept, level 1 included, so that a refusal can be explained.

use super::bits::Bits;
use super::lit::{List, Lit};
use super::rules::{Rule, RuleId};
use super::search::{Cause, Refuted, Search};

impl Search<'_, '_> {
    /// Makes a choice and draws its consequences, learning from contradictions; the level after that.
    pub(super) fn choose(&mut self, level: i32, literal: Lit, cause: Cause) -> Result<i32, Refuted> {
        let mut level = level + 1;
        self.decide(literal, level, cause);
        while let Err(failed) = self.propagate(level) {
            if level == 1 {
                return Err(self.refuted(failed));
            }
            level = self.learn(level, failed);
        }
        Ok(level)
    }

    /// Learns a rule, goes back to where it has one literal left, and decides that one.
    fn learn(&mut self, level: i32, failed: RuleId) -> i32 {
        let mut proof = vec![failed];
        let mut seen = Bits::new(self.pool.len());
        let (mut others, mut open, mut at_start): (Vec<Lit>, u32, u32) = (Vec::new(), 0, 0);
        let mut back = 1;
        let mut at = self.trail.len();
        let mut rule = failed;
        let unit = loop {
            for literal in self.rules.get(rule).literals(&self.pool.lists) {
                if self.holds(literal) || !seen.insert(literal.id().index()) {
                    continue;
                }
                match self.level_of(literal.id()) {
                    1 => at_start += 1,
                    this if this == level => open += 1,
                    this => {
                        others.push(literal);
                        back = back.max(this);
                    }
                }
            }
            at = self.last_seen(at, &seen);
            let literal = self.trail[at];
            seen.unset(literal.id().index());
            open -= 1;
            let Cause::Unit(next) = self.causes[at] else { break literal.opposite() };
            if open == 0 {
                break literal.opposite();
            }
            proof.push(next);
            rule = next;
        };
        if at_start > 0 {
            for literal in &others {
                seen.unset(literal.id().index());
            }
            self.explain_start(at, &mut seen, &mut proof);
        }
        self.revert(back);
        let rest = if others.is_empty() { List::EMPTY } else { self.pool.lists.push(&others) };
        let learnt = self.add_rule(Rule { first: unit, rest });
        self.proofs.push(proof);
        self.decide(unit, back, Cause::Unit(learnt));
        back
    }

    /// The last decision before a place that is marked.
    fn last_seen(&self, mut at: usize, seen: &Bits) -> usize {
        while at > 0 {
            at -= 1;
            if seen.has(self.trail[at].id().index()) {
                return at;
            }
        }
        0
    }

    /// Adds to a proof what led to the marked decisions, marking further back as it goes.
    fn explain_start(&self, end: usize, seen: &mut Bits, proof: &mut Vec<RuleId>) {
        for at in (0..end).rev() {
            if !seen.has(self.trail[at].id().index()) {
                continue;
            }
            if let Cause::Unit(rule) = self.causes[at] {
                proof.push(rule);
                for literal in self.rules.get(rule).literals(&self.pool.lists) {
                    seen.set(literal.id().index());
                }
            }
        }
    }

    /// The rules that contradict each other at level 1, in the order in which they were met.
    pub(super) fn refuted(&self, failed: RuleId) -> Refuted {
        let mut seen = Bits::new(self.pool.len());
        let mut proof = vec![failed];
        for literal in self.rules.get(failed).literals(&self.pool.lists) {
            seen.set(literal.id().index());
        }
        self.explain_start(self.trail.len(), &mut seen, &mut proof);
        Refuted(self.given(proof))
    }

    /// Learnt rules replaced by what they were learnt from.
    pub(super) fn given(&self, proof: Vec<RuleId>) -> Vec<RuleId> {
        let mut met = Bits::new(self.rules.len() as usize);
        let mut given = Vec::new();
        let mut todo: Vec<RuleId> = proof.into_iter().rev().collect();
        while let Some(rule) = todo.pop() {
            if !met.insert(rule.index()) {
                continue;
            }
            match rule.0.checked_sub(self.rules.learnt) {
                None => given.push(rule),
                Some(learnt) => todo.extend(self.proofs[learnt as usize].iter().rev().copied()),
            }
        }
        given
    }
}
