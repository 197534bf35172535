//! The smallest contradiction.
//!
//! A proof holds every rule that the search happened to use. Rules are left out one after the other as long as the
//! rest still contradict each other, so that what is explained is no more than what stands in the way.

use super::Weak;
use super::conflict::Conflict;
use super::jobs::{Job, JobKind};
use super::lit::{List, Lit};
use super::pool::Pool;
use super::reason::Reason;
use super::rules::{Rule, RuleId, Rules};
use super::search::{Refuted, Search};

impl Pool<'_> {
    /// Rules of a proof that contradict each other, of which none can be left out. Whole runs of rules are tried first.
    pub(super) fn core(&mut self, rules: &Rules, proof: Vec<RuleId>) -> Vec<RuleId> {
        let mut core = proof;
        let mut run = core.len() / 2;
        while run > 0 {
            let mut at = 0;
            while at < core.len() {
                let end = core.len().min(at + run);
                let without = [&core[..at], &core[end..]].concat();
                match self.refute(rules, &without) {
                    Some(smaller) => {
                        let before = core[..at].iter().filter(|rule| smaller.contains(rule)).count();
                        core.retain(|rule| smaller.contains(rule));
                        at = before;
                    }
                    None => at = end,
                }
            }
            run = if run > core.len() { core.len() / 2 } else { run / 2 };
        }
        core
    }

    /// The rules among some that contradict each other; none if they do not.
    fn refute(&mut self, rules: &Rules, some: &[RuleId]) -> Option<Vec<RuleId>> {
        let mut all = vec![Rule { first: Lit::NONE, rest: List::EMPTY }];
        all.extend(some.iter().map(|rule| rules.get(*rule)));
        let end = all.len() as u32;
        let few = Rules { all, jobs: end..end, inferior: end..end, best: end..end, learnt: end };
        let Refuted(proof) = Search::new(self, few, Weak::Skip).run().err()?;
        let mut found: Vec<RuleId> = proof.into_iter().map(|rule| some[rule.index() - 1]).collect();
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

/// The most contradictions that are looked for.
const MOST: usize = 5;

impl Pool<'_> {
    /// Explains a contradiction; and, with what was asked for in it left out, the next one, and so on.
    pub(super) fn conflict(&mut self, mut rules: Rules, jobs: &[Job], refuted: Refuted) -> Conflict {
        let mut lines = Vec::new();
        let mut proof = refuted.0;
        let mut left_out: Vec<usize> = Vec::new();
        rules.all.truncate(rules.learnt as usize);
        for _ in 0..MOST {
            let core = self.core(&rules, proof);
            lines.extend(self.tell(&rules, jobs, &core));
            let before = left_out.len();
            let asked = core.iter().filter_map(|rule| self.job_of(&rules, jobs, *rule));
            left_out.extend(asked.filter(|job| jobs[*job].kind != JobKind::Installed).collect::<Vec<_>>());
            if left_out.len() == before {
                break;
            }
            let mut kept = Vec::new();
            for rule in (1..rules.learnt).map(RuleId) {
                let job = self.job_of(&rules, jobs, rule);
                if job.is_none_or(|job| !left_out.contains(&job)) {
                    kept.push(rule);
                }
            }
            match self.refute(&rules, &kept) {
                Some(next) => proof = next,
                None => break,
            }
        }
        Conflict::new(lines)
    }

    fn job_of(&mut self, rules: &Rules, jobs: &[Job], rule: RuleId) -> Option<usize> {
        let of_job = rules.jobs.contains(&rule.0) || rules.best.contains(&rule.0);
        match of_job.then(|| self.reason(rules, jobs, rule))? {
            Reason::Job(job) | Reason::Best(job) => Some(job),
            _ => None,
        }
    }
}
