//! The rules of packages: everything that could play a part, from the packages asked for outward.
//!
//! A package that requires gives (not it, or one of the providers); one that conflicts or obsoletes gives (not it, or
//! not the other); two of one name that share a colour exclude each other; what cannot be installed gives (not it).
//! Recommended and supplementing packages are followed only if weak dependencies are to be installed: a package that
//! nobody requires and nobody may recommend is never chosen, whatever its rules say.

use super::Weak;
use super::bits::Bits;
use super::lit::{Id, List, Lit};
use super::pool::{Dep, Pool};
use super::rich::{Node, Normal};
use super::rules::Rule;
use super::run::Multi;
use super::whatprovides::Found;
use crate::metadata::Kind;

/// Whether a part of an expression is under an odd number of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn other(self) -> Self {
        if self == Self::Plus { Self::Minus } else { Self::Plus }
    }
}

/// Rules under construction.
#[derive(Debug)]
pub(super) struct Closure<'p, 'a> {
    pool: &'p mut Pool<'a>,
    weak: Weak,
    multi: &'p Multi,
    pub(super) visited: Bits,
    queue: Vec<Id>,
    pub(super) drafts: Vec<Rule>,
    /// Packages that cannot be installed because nothing answers a requirement.
    pub(super) broken: Vec<(Id, Dep)>,
}

impl<'p, 'a> Closure<'p, 'a> {
    pub(super) fn new(pool: &'p mut Pool<'a>, weak: Weak, multi: &'p Multi) -> Self {
        let visited = Bits::new(pool.len());
        Self { pool, weak, multi, visited, queue: Vec::new(), drafts: Vec::new(), broken: Vec::new() }
    }

    /// Adds the rules of a package and of everything it leads to.
    pub(super) fn add(&mut self, id: Id) {
        self.queue.push(id);
        while let Some(next) = self.queue.pop() {
            if self.visited.insert(next.index()) {
                self.visit(next);
            }
        }
    }

    /// Adds the packages that supplement what is already there, until there are no more.
    pub(super) fn add_supplementing(&mut self) {
        let mut waiting: Vec<Id> =
            self.pool.ids().filter(|id| self.pool.has(*id, Kind::Supplements)).collect();
        loop {
            let before = waiting.len();
            waiting.retain(|id| {
                let seen = self.visited.has(id.index());
                if !seen && self.pool.package(*id).hidden.is_none() && self.is_possible(*id) {
                    self.add(*id);
                    return false;
                }
                !seen
            });
            if waiting.len() == before {
                return;
            }
        }
    }

    fn is_possible(&mut self, id: Id) -> bool {
        self.pool.list(id, Kind::Supplements).into_iter().any(|dep| match self.pool.rich_node(dep) {
            Some(node) => self.may_hold(&node),
            None => self.may_answer(dep),
        })
    }

    fn may_hold(&mut self, node: &Node) -> bool {
        match node {
            Node::If(..) | Node::Unless(..) => true,
            Node::And(a, b) => self.may_hold(a) && self.may_hold(b),
            Node::Or(a, b) => self.may_hold(a) || self.may_hold(b),
            Node::Dep(dep) => self.may_answer(*dep),
            Node::With(..) | Node::Without(..) => {
                let list = self.pool.node_providers(node).list();
                self.pool.lists.ids(list).any(|id| self.visited.has(id.index()))
            }
        }
    }

    fn may_answer(&mut self, dep: Dep) -> bool {
        let list = self.pool.providers(dep).list();
        self.pool.lists.ids(list).any(|id| self.visited.has(id.index()))
    }

    fn visit(&mut self, id: Id) {
        if self.pool.package(id).hidden.is_some() && !self.stays(id) {
            self.assert_out(id);
        }
        for dep in self.pool.list(id, Kind::Requires) {
            self.require(id, dep);
        }
        for dep in self.pool.list(id, Kind::Conflicts) {
            self.conflict(id, dep);
        }
        if !self.multi.has(id) {
            for dep in self.pool.list(id, Kind::Obsoletes) {
                let obsoleted: Vec<Id> = self.pool.matching_name(dep).collect();
                for other in obsoleted {
                    self.exclude(id, other);
                }
            }
        }
        self.same_name(id);
        self.lock_step(id);
        if self.weak == Weak::Install {
            for dep in self.pool.list(id, Kind::Recommends) {
                match self.pool.complex_node(dep) {
                    Some(node) => self.follow_positive(&node, Sign::Plus),
                    None => self.follow(dep),
                }
            }
        }
    }

    /// Whether a package is in the root already: then nothing it lacks is put right.
    fn stays(&self, id: Id) -> bool {
        self.pool.package(id).installed
    }

    fn assert_out(&mut self, id: Id) {
        self.drafts.push(Rule { first: Lit::no(id), rest: List::EMPTY });
    }

    fn require(&mut self, id: Id, dep: Dep) {
        if self.pool.is_unreadable(dep) {
            return self.broken(id, dep);
        }
        if let Some(node) = self.pool.complex_node(dep) {
            return match self.pool.required(&node) {
                Normal::Always => {}
                Normal::Never | Normal::TooLarge => self.broken(id, dep),
                Normal::Blocks(blocks) => blocks.into_iter().for_each(|block| self.clause(id, block)),
            };
        }
        let Found::Packages(list) = self.pool.providers(dep) else { return };
        let providers = self.pool.lists.get(list);
        let kept =
            !self.stays(id) || providers.iter().any(|literal| self.pool.package(literal.id()).installed);
        if !kept || providers.contains(&Lit::yes(id)) {
            return;
        }
        if list.is_empty() {
            return self.broken(id, dep);
        }
        self.drafts.push(Rule { first: Lit::no(id), rest: list });
        self.push_all(list);
    }

    fn broken(&mut self, id: Id, dep: Dep) {
        if !self.stays(id) {
            self.assert_out(id);
            self.broken.push((id, dep));
        }
    }

    /// A clause of a rich dependency: it must hold if the package is in.
    fn clause(&mut self, id: Id, mut block: Vec<Lit>) {
        if block.contains(&Lit::yes(id)) {
            return;
        }
        let holds = |literal: &Lit| literal.is_yes() == self.pool.package(literal.id()).installed;
        if self.stays(id) && !block.iter().any(holds) {
            return;
        }
        if let Err(at) = block.binary_search(&Lit::no(id)) {
            block.insert(at, Lit::no(id));
        }
        let rest = self.pool.lists.push(&block[1..]);
        self.drafts.push(Rule { first: block[0], rest });
        let new =
            block.into_iter().filter(|literal| literal.is_yes() && !self.visited.has(literal.id().index()));
        self.queue.extend(new.map(Lit::id));
    }

    fn conflict(&mut self, id: Id, dep: Dep) {
        if self.pool.is_unreadable(dep) {
            return;
        }
        if let Some(node) = self.pool.complex_node(dep) {
            return match self.pool.forbidden(&node) {
                Normal::Always => {}
                Normal::Never | Normal::TooLarge => self.broken(id, dep),
                Normal::Blocks(blocks) => {
                    let meant = blocks.into_iter().filter(|block| *block != [Lit::no(id)]);
                    meant.for_each(|block| self.clause(id, block));
                }
            };
        }
        let list = self.pool.providers(dep).list();
        for at in 0..list.len() {
            let other = self.pool.lists.at(list, at).id();
            self.exclude(id, other);
        }
    }

    /// Not both. Two that are already installed together are left alone.
    fn exclude(&mut self, id: Id, other: Id) {
        if id == other || self.stays(id) && self.stays(other) {
            return;
        }
        let (first, second) = (Lit::no(id.max(other)), Lit::no(id.min(other)));
        let rest = self.pool.lists.push(&[second]);
        self.drafts.push(Rule { first, rest });
    }

    fn same_name(&mut self, id: Id) {
        for other in self.pool.siblings(id) {
            let (a, b) = (self.pool.package(id), self.pool.package(other));
            let twins = a.evr == b.evr && a.arch == b.arch;
            let meant = self.pool.same_colour(id, other) && (twins || !self.multi.has(id));
            if meant && (self.multi.has(other) || !self.visited.has(other.index())) {
                self.exclude(id, other);
            }
        }
    }

    /// A better architecture of the same version must be known, because an inferior one may not come without it.
    fn lock_step(&mut self, id: Id) {
        for other in self.pool.siblings(id) {
            let (a, b) = (self.pool.package(id), self.pool.package(other));
            if a.evr == b.evr && self.pool.arch(other).is_better_than(self.pool.arch(id)) {
                self.queue.push(other);
            }
        }
    }

    fn follow(&mut self, dep: Dep) {
        let list = self.pool.providers(dep).list();
        self.push_all(list);
    }

    fn follow_positive(&mut self, node: &Node, sign: Sign) {
        match node {
            Node::And(a, b) | Node::Or(a, b) => {
                self.follow_positive(a, sign);
                self.follow_positive(b, sign);
            }
            Node::If(then, when, other) | Node::Unless(then, when, other) => {
                self.follow_positive(then, sign);
                self.follow_positive(when, sign.other());
                if let Some(other) = other {
                    self.follow_positive(when, sign);
                    self.follow_positive(other, sign);
                }
            }
            Node::Dep(_) | Node::With(..) | Node::Without(..) if sign == Sign::Plus => {
                let list = self.pool.node_providers(node).list();
                self.push_all(list);
            }
            Node::Dep(_) | Node::With(..) | Node::Without(..) => {}
        }
    }

    fn push_all(&mut self, list: List) {
        let new = self.pool.lists.ids(list).filter(|id| !self.visited.has(id.index()));
        self.queue.extend(new);
    }
}
