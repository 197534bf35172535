//! An inferior architecture may be in a root only beside the better one of the same version, unless it was asked for.

use super::arch::Score;
use super::bits::Bits;
use super::lit::{Id, List, Lit};
use super::pool::Pool;
use super::rules::Rule;

impl Pool<'_> {
    /// The rules for every name of which a better and a worse architecture are known; but not for the name of a
    /// package that was asked for.
    pub(super) fn inferior_rules(&mut self, known: &Bits, asked: &Bits) -> Vec<Rule> {
        let mut rules = Vec::new();
        let mut next = 1;
        while (next as usize) < self.len() {
            let group = self.named(self.package(Id(next)).name);
            next = group.end.max(next + 1);
            let members: Vec<Id> = group.map(Id).filter(|id| known.has(id.index())).collect();
            let open = members.iter().filter(|id| !self.package(**id).installed);
            let Some(best) = open.map(|id| self.score(*id)).filter(|score| *score != Score::Any).min() else {
                continue;
            };
            let worse = |id: &Id| self.score(*id) != Score::Any && self.score(*id) != best;
            if members.iter().any(|id| asked.has(id.index()) && worse(id)) {
                continue;
            }
            for id in members {
                if self.score(id) != Score::Any && self.score(id) != best {
                    rules.extend(self.inferior_rule(id, best));
                }
            }
        }
        rules
    }

    fn inferior_rule(&mut self, id: Id, best: Score) -> Option<Rule> {
        let (evr, arch) = (self.package(id).evr, self.package(id).arch);
        let beside = |other: &Id| {
            let sibling = self.package(*other);
            let score = self.score(*other);
            sibling.evr == evr && sibling.arch != arch && (score == Score::Any || score == best)
        };
        let partners: Vec<Lit> = self.siblings(id).filter(beside).map(Lit::yes).collect();
        let was_beside = partners.iter().any(|partner| self.package(partner.id()).installed);
        if self.package(id).installed && !was_beside {
            return None;
        }
        let rest = if partners.is_empty() { List::EMPTY } else { self.lists.push(&partners) };
        Some(Rule { first: Lit::no(id), rest })
    }

    /// Whether there is a name of which a worse architecture is known, a better one is not, and so it matters how
    /// far the better one is known.
    pub(super) fn has_hidden_better_arch(&self, known: &Bits) -> bool {
        known.iter().map(|id| Id(id as u32)).any(|id| {
            let arch = self.arch(id);
            let better = |other: Id| !known.has(other.index()) && self.arch(other).is_better_than(arch);
            matches!(arch.score, Some(Score::Rank(_))) && self.siblings(id).any(better)
        })
    }
}
