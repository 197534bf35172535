//! Recommended and supplementing packages, once everything required is there.
//!
//! A package that is recommended is installed if that contradicts nothing; so is one that supplements what is there.
//! Where a recommendation has several answers, the policy chooses, and the choice may be undone like any other.

use super::bits::Bits;
use super::lit::{Id, Lit};
use super::pool::Dep;
use super::rich::Normal;
use super::search::{Cause, Refuted, Search};
use super::wishes::Installed;
use crate::metadata::Kind;

impl Search<'_, '_> {
    /// Installs what is recommended; the level after it, and whether anything was tried.
    pub(super) fn resolve_weak(&mut self, level: i32) -> Result<(i32, bool), Refuted> {
        let mut supplementing = self.supplementing();
        let mut wanted = self.recommended();
        wanted.extend(supplementing.iter().copied().filter(|id| !wanted.contains(id)).collect::<Vec<_>>());
        match wanted.as_slice() {
            [] => return Ok((level, false)),
            [one] => {
                let cause = self.weak_cause(*one);
                return Ok((self.choose(level, Lit::yes(*one), cause)?, true));
            }
            _ => {}
        }
        self.pool.keep_best(&mut wanted);
        let mut best = Bits::new(self.pool.len());
        for id in &wanted {
            best.set(id.index());
        }
        supplementing.retain(|id| best.has(id.index()));
        let decisions = self.trail.len();
        let level = match self.install_supplementing(level, supplementing)? {
            (level, true) if self.trail.len() >= decisions => level,
            (level, _) => return Ok((level, true)),
        };
        Ok((self.install_recommended(level, decisions, &best)?, true))
    }

    /// Which package a wish came from, for the record.
    fn weak_cause(&mut self, id: Id) -> Cause {
        let chosen: Vec<Id> =
            self.trail.iter().filter(|literal| literal.is_yes()).map(|literal| literal.id()).collect();
        let from = chosen.into_iter().find(|from| {
            self.pool.list(*from, Kind::Recommends).into_iter().any(|dep| {
                let list = self.pool.providers(dep).list();
                self.pool.lists.get(list).contains(&Lit::yes(id))
            })
        });
        Cause::Weak(from)
    }

    /// Open candidates of the recommendations that no package answers yet.
    fn recommended(&mut self) -> Vec<Id> {
        let (mut found, mut met) = (Vec::new(), Bits::new(self.pool.len()));
        let mut members: Vec<Id> = self.members().collect();
        members.sort_unstable();
        for id in members {
            if self.pool.package(id).installed {
                continue;
            }
            for dep in self.pool.list(id, Kind::Recommends) {
                let open = self.answers(dep, None);
                found.extend(open.into_iter().filter(|id| met.insert(id.index())));
            }
        }
        found
    }

    /// The open packages that would answer a recommendation; none if it is answered. With `among`, only those.
    fn answers(&mut self, dep: Dep, among: Option<&Bits>) -> Vec<Id> {
        let counts = |id: Id| among.is_none_or(|among| among.has(id.index()));
        let Some(node) = self.pool.complex_node(dep) else {
            let list = self.pool.providers(dep).list();
            let ids = self.pool.lists.ids(list);
            if ids.clone().any(|id| self.is_in(id)) {
                return Vec::new();
            }
            return ids.filter(|id| self.is_open(*id) && counts(*id)).collect();
        };
        let Normal::Blocks(blocks) = self.pool.required(&node) else { return Vec::new() };
        let mut found = Vec::new();
        for block in blocks {
            let open =
                |literal: &&Lit| literal.is_yes() && self.is_open(literal.id()) && counts(literal.id());
            if !block.iter().any(|literal| self.block_is_met(*literal)) {
                found.extend(block.iter().filter(open).map(|literal| literal.id()));
            }
        }
        let mut met = Bits::new(self.pool.len());
        found.retain(|id| met.insert(id.index()));
        found
    }

    /// Whether a literal makes its clause need nothing more: a condition that is not met counts as not meeting it.
    fn block_is_met(&self, literal: Lit) -> bool {
        if literal.is_yes() { self.is_in(literal.id()) } else { !self.is_in(literal.id()) }
    }

    /// Open packages that supplement what is there, unless another architecture of theirs is in.
    fn supplementing(&mut self) -> Vec<Id> {
        let mut found = Vec::new();
        for at in 0..self.supplementers.len() {
            let id = self.supplementers[at];
            if !self.is_open(id) {
                continue;
            }
            let supplements = self.pool.list(id, Kind::Supplements);
            let met = supplements.into_iter().any(|dep| self.is_met(dep, Some(Installed)));
            let arch = self.pool.package(id).arch;
            let elsewhere = self
                .pool
                .siblings(id)
                .any(|other| self.is_in(other) && self.pool.package(other).arch != arch);
            if met && !elsewhere {
                found.push(id);
            }
        }
        found
    }

    /// Installs supplementing packages one after the other; whether all of them went well.
    fn install_supplementing(&mut self, level: i32, mut ids: Vec<Id>) -> Result<(i32, bool), Refuted> {
        if ids.len() > 1 {
            self.pool.old_last(&mut ids);
            self.pool.older_provides_last(&mut ids);
            self.suggested_first(&mut ids);
        }
        let mut level = level;
        for id in ids {
            if !self.is_open(id) {
                continue;
            }
            let before = level;
            level = self.choose(level, Lit::yes(id), Cause::Weak(None))?;
            if level <= before {
                return Ok((level, false));
            }
        }
        Ok((level, true))
    }

    /// Goes through the recommendations of what was there before this round.
    fn install_recommended(&mut self, level: i32, decisions: usize, best: &Bits) -> Result<i32, Refuted> {
        let mut level = level;
        for at in 0..decisions {
            let literal = self.trail[at];
            if literal.is_no() || self.pool.package(literal.id()).installed {
                continue;
            }
            for dep in self.pool.list(literal.id(), Kind::Recommends) {
                let mut candidates = self.answers(dep, Some(best));
                if candidates.is_empty() {
                    continue;
                }
                self.reduce_and_sort(&mut candidates);
                let cause = Cause::Weak(Some(literal.id()));
                if candidates.len() > 1 {
                    self.open_branch(level, &candidates, cause);
                }
                let before = level;
                level = self.choose(level, Lit::yes(candidates[0]), cause)?;
                if level <= before || self.trail.len() < decisions {
                    return Ok(level);
                }
            }
        }
        Ok(level)
    }
}
