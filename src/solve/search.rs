//! The state of the search: what is decided, why, and what follows.
//!
//! Decisions form a trail; each has a level, the count of free choices before it. A rule watches two of its literals;
//! when one falls and no other can take its place, the remaining one must hold. The watching rules of a literal form a
//! chain through the rules, newest first, which fixes the order in which consequences are found.

use super::Weak;
use super::lit::{Id, Lit};
use super::pool::Pool;
use super::rules::{Rule, RuleId, Rules};
use super::wishes::Wishes;
use crate::metadata::Kind;

/// Why something is on the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// All other literals of the rule had fallen.
    Unit(RuleId),
    /// Chosen among the candidates of the rule.
    Choice(RuleId),
    /// Recommended by the package, or supplementing something if there is none.
    Weak(Option<Id>),
}

/// Candidates that were passed over.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    /// The level before the choice.
    pub(super) level: i32,
    /// Candidates in order, and whether they were tried.
    pub(super) candidates: Vec<(Id, bool)>,
    pub(super) cause: Cause,
}

/// No root satisfies these rules together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refuted(pub(super) Vec<RuleId>);

#[derive(Debug, Clone, Copy)]
struct Watch {
    literals: [Lit; 2],
    next: [u32; 2],
}

/// The search.
#[derive(Debug)]
pub(super) struct Search<'p, 'a> {
    pub(super) pool: &'p mut Pool<'a>,
    pub(super) rules: Rules,
    pub(super) weak: Weak,
    watches: Vec<Watch>,
    heads: Vec<u32>,
    /// By package: 0 undecided, else the level, negative if it is out.
    levels: Vec<i32>,
    pub(super) trail: Vec<Lit>,
    pub(super) causes: Vec<Cause>,
    propagated: usize,
    pub(super) branches: Vec<Branch>,
    /// What each learnt rule was learnt from.
    pub(super) proofs: Vec<Vec<RuleId>>,
    pub(super) wishes: Wishes,
    /// The packages that supplement others, if those are to be installed.
    pub(super) supplementers: Vec<Id>,
}

impl<'p, 'a> Search<'p, 'a> {
    pub(super) fn new(pool: &'p mut Pool<'a>, rules: Rules, weak: Weak) -> Self {
        let len = pool.len();
        let mut search = Self {
            pool,
            rules,
            weak,
            watches: Vec::new(),
            heads: vec![0; len * 2],
            levels: vec![0; len],
            trail: Vec::new(),
            causes: Vec::new(),
            propagated: 0,
            branches: Vec::new(),
            proofs: Vec::new(),
            wishes: Wishes::new(len),
            supplementers: Vec::new(),
        };
        let watch =
            |rule: &Rule| Watch { literals: [rule.first, rule.second(&search.pool.lists)], next: [0, 0] };
        if weak == Weak::Install {
            let open = |id: &Id| search.pool.package(*id).hidden.is_none();
            let supplements = |id: &Id| search.pool.has(*id, Kind::Supplements);
            search.supplementers = search.pool.ids().filter(open).filter(supplements).collect();
        }
        search.watches = search.rules.all.iter().map(watch).collect();
        for number in (1..search.rules.len()).rev() {
            if !search.rules.get(RuleId(number)).is_assertion() {
                search.link(number);
            }
        }
        search
    }

    fn link(&mut self, number: u32) {
        let watch = &mut self.watches[number as usize];
        for which in 0..2 {
            let head = &mut self.heads[watch.literals[which].slot()];
            watch.next[which] = std::mem::replace(head, number);
        }
    }

    /// Adds a learnt rule. Its second watch is the literal that was decided last.
    pub(super) fn add_rule(&mut self, rule: Rule) -> RuleId {
        let id = self.rules.push(rule);
        let mut second = rule.second(&self.pool.lists);
        for literal in self.pool.lists.get(rule.rest).iter().copied().filter(|_| rule.rest.len() > 1) {
            if self.level_of(literal.id()) > self.level_of(second.id()) {
                second = literal;
            }
        }
        self.watches.push(Watch { literals: [rule.first, second], next: [0, 0] });
        if !rule.is_assertion() {
            self.link(id.0);
        }
        id
    }

    pub(super) fn level_of(&self, id: Id) -> i32 {
        self.levels[id.index()].abs()
    }

    /// Whether a package is decided to be in.
    pub(super) fn is_in(&self, id: Id) -> bool {
        self.levels[id.index()] > 0
    }

    /// Whether a package is decided to be out.
    pub(super) fn is_out(&self, id: Id) -> bool {
        self.levels[id.index()] < 0
    }

    pub(super) fn is_open(&self, id: Id) -> bool {
        self.levels[id.index()] == 0
    }

    pub(super) fn holds(&self, literal: Lit) -> bool {
        if literal.is_yes() { self.is_in(literal.id()) } else { self.is_out(literal.id()) }
    }

    pub(super) fn fails(&self, literal: Lit) -> bool {
        self.holds(literal.opposite())
    }

    /// Puts a literal on the trail.
    pub(super) fn decide(&mut self, literal: Lit, level: i32, cause: Cause) {
        self.levels[literal.id().index()] = if literal.is_yes() { level } else { -level };
        self.trail.push(literal);
        self.causes.push(cause);
    }

    /// Draws all consequences; the rule that cannot be satisfied any more, if there is one.
    pub(super) fn propagate(&mut self, level: i32) -> Result<(), RuleId> {
        while self.propagated < self.trail.len() {
            let fell = self.trail[self.propagated].opposite();
            self.propagated += 1;
            let mut before: Option<(u32, usize)> = None;
            let mut number = self.heads[fell.slot()];
            while number != 0 {
                let watch = self.watches[number as usize];
                let which = usize::from(watch.literals[0] != fell);
                let other = watch.literals[1 - which];
                let next = watch.next[which];
                if self.holds(other) {
                    before = Some((number, which));
                } else if let Some(free) = self.replacement(RuleId(number), other) {
                    match before {
                        None => self.heads[fell.slot()] = next,
                        Some((rule, which)) => self.watches[rule as usize].next[which] = next,
                    }
                    let head = std::mem::replace(&mut self.heads[free.slot()], number);
                    let watch = &mut self.watches[number as usize];
                    watch.literals[which] = free;
                    watch.next[which] = head;
                } else if self.fails(other) {
                    return Err(RuleId(number));
                } else {
                    self.decide(other, level, Cause::Unit(RuleId(number)));
                    before = Some((number, which));
                }
                number = next;
            }
        }
        Ok(())
    }

    /// Another literal to watch: not the one that is watched, and not fallen.
    fn replacement(&self, id: RuleId, other: Lit) -> Option<Lit> {
        let rule = self.rules.get(id);
        if rule.rest.len() < 2 {
            return None;
        }
        rule.literals(&self.pool.lists).find(|literal| *literal != other && !self.fails(*literal))
    }

    /// Takes back what was decided above a level.
    pub(super) fn revert(&mut self, level: i32) {
        while let Some(literal) = self.trail.last().copied().filter(|last| self.level_of(last.id()) > level) {
            self.levels[literal.id().index()] = 0;
            self.trail.pop();
            self.causes.pop();
            self.propagated = self.trail.len();
        }
        while self.branches.last().is_some_and(|branch| branch.level >= level) {
            self.branches.pop();
        }
        self.wishes.revert(self.trail.len());
    }
}
