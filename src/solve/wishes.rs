//! What the packages chosen so far recommend and suggest.
//!
//! The sets follow the trail: they grow as packages are chosen and are made anew after going back. A conditional
//! recommendation counts once its condition is met.

use std::rc::Rc;

use super::bits::Bits;
use super::lit::Id;
use super::pool::Dep;
use super::rich::{Node, Normal};
use super::search::Search;
use crate::metadata::Kind;

/// The two sets, and how much of the trail they know.
#[derive(Debug)]
pub(super) struct Wishes {
    known: Option<usize>,
    recommended: Bits,
    suggested: Bits,
    waiting: Vec<(Rc<Node>, Kind)>,
}

impl Wishes {
    pub(super) fn new(len: usize) -> Self {
        Self { known: Some(0), recommended: Bits::new(len), suggested: Bits::new(len), waiting: Vec::new() }
    }

    /// The trail is only this long now.
    pub(super) fn revert(&mut self, trail: usize) {
        self.known = self.known.filter(|known| *known <= trail);
    }

    /// Whether the packages known so far recommend one.
    pub(super) fn recommends(&self, id: Id) -> bool {
        self.recommended.has(id.index())
    }

    fn of(&mut self, kind: Kind) -> &mut Bits {
        if kind == Kind::Recommends { &mut self.recommended } else { &mut self.suggested }
    }
}

impl Search<'_, '_> {
    /// Brings the sets up to the end of the trail.
    pub(super) fn update_wishes(&mut self) {
        if self.wishes.known.is_none() {
            self.wishes.recommended.clear();
            self.wishes.suggested.clear();
            self.wishes.waiting.clear();
        }
        let start = self.wishes.known.unwrap_or(0);
        for at in start..self.trail.len() {
            let literal = self.trail[at];
            if literal.is_yes() {
                self.add_wishes(literal.id());
            }
        }
        if start < self.trail.len() {
            let waiting = std::mem::take(&mut self.wishes.waiting);
            for (node, kind) in waiting {
                self.wish_rich(node, kind);
            }
        }
        self.wishes.known = Some(self.trail.len());
    }

    fn add_wishes(&mut self, id: Id) {
        for kind in [Kind::Recommends, Kind::Suggests] {
            for dep in self.pool.list(id, kind) {
                if let Some(node) = self.pool.complex_node(dep) {
                    self.wish_rich(node, kind);
                    continue;
                }
                let list = self.pool.providers(dep).list();
                self.pool.lists.mark(list, self.wishes.of(kind));
            }
        }
    }

    fn wish_rich(&mut self, node: Rc<Node>, kind: Kind) {
        let Normal::Blocks(blocks) = self.pool.required(&node) else { return };
        let mut wait = false;
        for block in blocks {
            let (no, yes): (Vec<_>, Vec<_>) = block.into_iter().partition(|literal| literal.is_no());
            if yes.is_empty() || no.iter().any(|literal| self.is_out(literal.id())) {
                continue;
            }
            if no.iter().any(|literal| self.is_open(literal.id())) {
                wait = true;
            } else {
                for literal in yes {
                    self.wishes.of(kind).set(literal.id().index());
                }
            }
        }
        if wait {
            self.wishes.waiting.push((node, kind));
        }
    }

    /// Whether something chosen recommends it, or it supplements something chosen.
    pub(super) fn is_recommended(&mut self, id: Id) -> bool {
        self.wishes.recommended.has(id.index()) || self.is_wanted_by(id, Kind::Supplements)
    }

    /// Whether something chosen suggests it, or it enhances something chosen.
    pub(super) fn is_suggested(&mut self, id: Id) -> bool {
        self.wishes.suggested.has(id.index()) || self.is_wanted_by(id, Kind::Enhances)
    }

    /// Whether one of a package's reversed weak dependencies is met.
    pub(super) fn is_wanted_by(&mut self, id: Id, kind: Kind) -> bool {
        self.pool.has(id, kind) && self.pool.list(id, kind).into_iter().any(|dep| self.is_met(dep, None))
    }

    /// Whether the packages chosen so far answer a dependency. With `old`, only those count that were not there before.
    pub(super) fn is_met(&mut self, dep: Dep, old: Option<Installed>) -> bool {
        match self.pool.complex_node(dep) {
            Some(node) => self.is_true(&node, old),
            None => self.is_answered(dep, old),
        }
    }

    fn is_answered(&mut self, dep: Dep, old: Option<Installed>) -> bool {
        let list = self.pool.providers(dep).list();
        self.pool.lists.ids(list).any(|id| self.counts(id, old))
    }

    fn counts(&self, id: Id, old: Option<Installed>) -> bool {
        self.is_in(id) && !(old.is_some() && self.pool.package(id).installed)
    }

    fn is_true(&mut self, node: &Node, old: Option<Installed>) -> bool {
        match node {
            Node::And(a, b) => self.is_true(a, old) && self.is_true(b, old),
            Node::Or(a, b) => self.is_true(a, old) || self.is_true(b, old),
            Node::If(then, when, None) => self.is_true(then, old) || !self.is_true(when, old),
            Node::If(then, when, Some(other)) => {
                if self.is_true(when, old) {
                    self.is_true(then, old)
                } else {
                    self.is_true(other, old)
                }
            }
            Node::Unless(then, when, None) => self.is_true(then, old) && !self.is_true(when, old),
            Node::Unless(then, when, Some(other)) => {
                if self.is_true(when, old) {
                    self.is_true(other, old)
                } else {
                    self.is_true(then, old)
                }
            }
            Node::Dep(dep) => self.is_answered(*dep, old),
            Node::With(..) | Node::Without(..) => {
                let list = self.pool.node_providers(node).list();
                self.pool.lists.ids(list).any(|id| self.counts(id, old))
            }
        }
    }
}

/// Marks that packages which were in the root before do not count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed;
