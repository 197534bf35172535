//! Which of several candidates is taken: the steps that look at packages alone. The whole rule is in the documentation of
//! [`solve`](super); what is recommended and suggested depends on what has been chosen so far and is in `wishes`.

use std::cmp::Ordering;

use super::lit::Id;
use super::pool::{Dep, Pool};
use super::words::Word;
use crate::metadata::Kind;
use crate::package::{EvrRef, Sense};

impl Pool<'_> {
    /// Keeps the best repository, architecture and version: the part that looks at nothing else.
    pub(super) fn keep_best(&self, candidates: &mut Vec<Id>) {
        self.keep_priority(candidates);
        self.keep_arch(candidates);
        self.keep_version(candidates);
    }

    fn keep_priority(&self, candidates: &mut Vec<Id>) {
        let open = |id: &Id| !self.package(*id).installed;
        let best = candidates.iter().filter(|id| open(id)).map(|id| self.priority(*id)).max();
        if let Some(best) = best {
            candidates.retain(|id| !open(id) || self.priority(*id) == best);
        }
    }

    fn keep_arch(&self, candidates: &mut Vec<Id>) {
        use super::arch::Score;
        let ranks = candidates.iter().map(|id| self.score(*id)).filter(|score| *score != Score::Any);
        if let Some(best) = ranks.min() {
            candidates.retain(|id| matches!(self.score(*id), score if score == Score::Any || score == best));
        }
    }

    fn keep_version(&self, candidates: &mut Vec<Id>) {
        if candidates.len() < 2 {
            return;
        }
        candidates.sort_by(|a, b| self.by_name(*a, *b));
        let mut kept: Vec<Id> = Vec::with_capacity(candidates.len());
        for id in candidates.iter().copied() {
            match kept.last_mut() {
                Some(best) if self.package(*best).name == self.package(id).name => {
                    if self.compare(self.package(*best).evr, self.package(id).evr) == Ordering::Less {
                        *best = id;
                    }
                }
                _ => kept.push(id),
            }
        }
        self.drop_obsoleted(&mut kept);
        *candidates = kept;
    }

    /// Name, architecture, installed first, cheaper repository first.
    fn by_name(&self, a: Id, b: Id) -> Ordering {
        use super::arch::Score::Rank;
        let (left, right) = (self.package(a), self.package(b));
        if left.name != right.name {
            return self.words.text(left.name).cmp(self.words.text(right.name));
        }
        let by_arch = match (self.score(a), self.score(b)) {
            (Rank(left), Rank(right)) => left.cmp(&right),
            _ => Ordering::Equal,
        };
        by_arch
            .then_with(|| right.installed.cmp(&left.installed))
            .then_with(|| self.cost(a).cmp(&self.cost(b)))
            .then_with(|| a.cmp(&b))
    }

    /// Drops what another candidate, of another name, obsoletes; those that obsolete each other stay.
    fn drop_obsoleted(&self, candidates: &mut Vec<Id>) {
        let obsoletes =
            |id: &Id| if self.has(*id, Kind::Obsoletes) { self.list(*id, Kind::Obsoletes) } else { vec![] };
        let lists: Vec<Vec<Dep>> = candidates.iter().map(obsoletes).collect();
        if lists.iter().all(Vec::is_empty) {
            return;
        }
        let count = candidates.len();
        let over = |a: usize, b: usize| {
            let other = self.package(candidates[b]);
            let meant = |dep: &Dep| dep.name == other.name && self.overlaps((Sense::EQUAL, other.evr), *dep);
            self.package(candidates[a]).name != other.name && lists[a].iter().any(meant)
        };
        let mut reaches: Vec<Vec<bool>> =
            (0..count).map(|a| (0..count).map(|b| a != b && over(a, b)).collect()).collect();
        for through in 0..count {
            for from in 0..count {
                for to in 0..count {
                    reaches[from][to] |= reaches[from][through] && reaches[through][to];
                }
            }
        }
        let stays = |at: usize| (0..count).all(|other| !reaches[other][at] || reaches[at][other]);
        let mut at = 0..count;
        candidates.retain(|_| at.next().is_some_and(stays));
    }

    /// Moves packages behind the others of which there is a newer version or one in a better repository.
    pub(super) fn old_last(&self, candidates: &mut Vec<Id>) {
        let old = |id: Id| {
            let package = self.package(id);
            let newer = |other: Id| {
                let sibling = self.package(other);
                if other == id || sibling.arch != package.arch {
                    return false;
                }
                match self.priority(id).cmp(&self.priority(other)) {
                    Ordering::Less => true,
                    Ordering::Greater => false,
                    Ordering::Equal => self.compare(sibling.evr, package.evr) == Ordering::Greater,
                }
            };
            !package.installed && self.siblings(id).any(newer)
        };
        let (bad, good): (Vec<Id>, Vec<Id>) = candidates.iter().partition(|id| old(**id));
        *candidates = [good, bad].concat();
    }

    /// Puts those first that provide fewer older versions of what the others provide too.
    pub(super) fn older_provides_last(&self, candidates: &mut Vec<Id>) {
        let mut entries: Vec<Common> = Vec::new();
        for (at, id) in candidates.iter().enumerate() {
            let provides = self.list(*id, Kind::Provides);
            let own = Dep { name: self.package(*id).name, evr: self.package(*id).evr, sense: Sense::EQUAL };
            let own = (!provides.contains(&own)).then_some(own);
            for dep in provides.into_iter().chain(own) {
                let counts = matches!(dep.sense, Sense::EQUAL | Sense::LESS_EQUAL | Sense::LESS);
                if counts && !(dep.sense == Sense::EQUAL && is_checksum(self.words.text(dep.evr))) {
                    entries.push(Common {
                        at,
                        name: dep.name,
                        evr: dep.evr,
                        below: dep.sense == Sense::LESS,
                    });
                }
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| self.newest_first(a, b).cmp(&0)));
        let mut badness = vec![0; candidates.len()];
        let mut bad = 0;
        for (index, entry) in entries.iter().enumerate() {
            match index.checked_sub(1).map(|previous| &entries[previous]) {
                Some(previous) if previous.name == entry.name => {
                    bad += u64::from(previous.at != entry.at && self.newest_first(previous, entry) == -1);
                }
                _ => bad = 0,
            }
            badness[entry.at] += bad;
        }
        for (at, id) in candidates.iter().enumerate() {
            if self.package(*id).installed {
                badness[at] = 0;
            }
        }
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by_key(|at| badness[*at]);
        *candidates = order.into_iter().map(|at| candidates[at]).collect();
    }

    /// -1 or 1 if one is newer, -2 or 2 if they differ only by one having no release.
    fn newest_first(&self, a: &Common, b: &Common) -> i8 {
        if a.evr == b.evr && a.below == b.below {
            return 0;
        }
        match self.match_release(b.evr, a.evr) {
            0 => i8::from(a.below) - i8::from(b.below),
            order => order,
        }
    }

    fn match_release(&self, a: Word, b: Word) -> i8 {
        let (a, b) = (EvrRef::parse(self.words.text(a)), EvrRef::parse(self.words.text(b)));
        let by_version = a.compare_version(&b) as i8;
        match (a.release.is_empty(), b.release.is_empty()) {
            _ if by_version != 0 => by_version,
            (true, true) => 0,
            (true, false) => -2,
            (false, true) => 2,
            (false, false) => a.compare_release(&b) as i8,
        }
    }
}

/// A provide of a candidate that others may provide in other versions.
struct Common {
    at: usize,
    name: Word,
    evr: Word,
    below: bool,
}

/// A version of hexadecimal digits names a build and says nothing about age.
fn is_checksum(evr: &str) -> bool {
    evr.len() >= 4 && evr.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
