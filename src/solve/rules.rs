//! Rules: disjunctions of literals, one of which must hold.
//!
//! Package rules come first, without duplicates and in the order of their literals as signed numbers; then jobs,
//! then the rules on architectures and best versions, then what is learnt. The procedure visits rules in this
//! order, so it is part of the answer. A rule keeps its first literal and shares the rest with the providers' list.

use std::cmp::Ordering;
use std::ops::Range;

use super::lit::{List, Lists, Lit};

/// A rule's number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RuleId(pub(super) u32);

impl RuleId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// First literal and the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) first: Lit,
    pub(super) rest: List,
}

impl Rule {
    /// All its literals.
    pub(super) fn literals(self, lists: &Lists) -> impl Iterator<Item = Lit> + Clone {
        std::iter::once(self.first).chain(lists.get(self.rest).iter().copied())
    }

    /// A single literal: what must hold whatever else does.
    pub(super) fn is_assertion(self) -> bool {
        self.rest.is_empty()
    }

    /// The second literal.
    pub(super) fn second(self, lists: &Lists) -> Lit {
        lists.get(self.rest).first().copied().unwrap_or(Lit::NONE)
    }
}

/// All rules, by class.
#[derive(Debug)]
pub(super) struct Rules {
    /// The first is a dummy.
    pub(super) all: Vec<Rule>,
    pub(super) jobs: Range<u32>,
    pub(super) inferior: Range<u32>,
    pub(super) best: Range<u32>,
    pub(super) learnt: u32,
}

impl Rules {
    /// Sorts package rules, drops the second of two that are equal, and opens the other classes.
    pub(super) fn new(mut drafts: Vec<Rule>, lists: &Lists) -> Self {
        drafts.sort_unstable_by(|a, b| order(*a, *b, lists));
        drafts.dedup_by(|a, b| order(*a, *b, lists) == Ordering::Equal);
        let mut all = Vec::with_capacity(drafts.len() + 64);
        all.push(Rule { first: Lit::NONE, rest: List::EMPTY });
        all.append(&mut drafts);
        let end = all.len() as u32;
        Self { all, jobs: end..end, inferior: end..end, best: end..end, learnt: end }
    }

    pub(super) fn get(&self, id: RuleId) -> Rule {
        self.all[id.index()]
    }

    pub(super) fn len(&self) -> u32 {
        self.all.len() as u32
    }

    pub(super) fn push(&mut self, rule: Rule) -> RuleId {
        self.all.push(rule);
        RuleId(self.len() - 1)
    }
}

/// The order of the signed literals, the end of a rule counting as 0; two literals come before more.
fn order(a: Rule, b: Rule, lists: &Lists) -> Ordering {
    a.first.cmp(&b.first).then_with(|| {
        let (left, right) = (lists.get(a.rest), lists.get(b.rest));
        let at = |rest: &[Lit], index: usize| rest.get(index).copied().unwrap_or(Lit::NONE);
        if left.len() <= 1 || right.len() <= 1 {
            return at(left, 0).cmp(&at(right, 0)).then(left.len().cmp(&right.len()));
        }
        let most = left.len().max(right.len());
        (0..most)
            .map(|index| at(left, index).cmp(&at(right, index)))
            .find(|it| it.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}
