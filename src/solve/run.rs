//! From a request to a resolution.

use super::bits::Bits;
use super::closure::Closure;
use super::conflict::{Conflict, Line};
use super::explanation::Explanation;
use super::jobs::{Job, JobKind};
use super::lit::{Id, Lit};
use super::pool::Pool;
use super::request::{Best, Error, RepoMetadata, Request, Weak};
use super::resolution::Resolution;
use super::rules::{Rule, RuleId, Rules};
use super::search::Search;
use super::spec::is_path;
use crate::metadata::Kind;

/// Names whose packages may be in a root in several versions, as in dnf's `installonlypkgs`.
const SEVERAL: &[&str] = &[
    "kernel",
    "kernel-PAE",
    "installonlypkg(kernel)",
    "installonlypkg(kernel-module)",
    "installonlypkg(vm)",
    "multiversion(kernel)",
];

/// The packages that may be in a root in several versions.
#[derive(Debug)]
pub(super) struct Multi(Bits);

impl Multi {
    fn new(pool: &mut Pool<'_>) -> Self {
        let mut several = Bits::new(pool.len());
        for name in SEVERAL {
            if let Some(dep) = pool.read_dep(name) {
                let list = pool.providers(dep).list();
                pool.lists.mark(list, &mut several);
            }
        }
        Self(several)
    }

    pub(super) fn has(&self, id: Id) -> bool {
        self.0.has(id.index())
    }
}

/// Finds the packages of a root.
pub fn solve(repos: &[RepoMetadata<'_>], request: &Request) -> Result<Resolution, Error> {
    decide(repos, request, |_, search| search.resolution())
}

/// Finds the packages of a root, and why each is there. The packages are those that [`solve`] finds.
pub fn explain(repos: &[RepoMetadata<'_>], request: &Request) -> Result<Explanation, Error> {
    decide(repos, request, |jobs, search| search.explanation(jobs))
}

fn decide<T>(
    repos: &[RepoMetadata<'_>],
    request: &Request,
    tell: impl FnOnce(&[Job], &mut Search<'_, '_>) -> T,
) -> Result<T, Error> {
    let mut pool = Pool::new(repos, &request.arch);
    pool.prepare(request);
    let jobs = pool.jobs(request)?;
    let multi = Multi::new(&mut pool);
    let (rules, broken) = pool.rules(request, &jobs, &multi);
    let needs = Needs::new(&pool, request, broken);
    let mut search = Search::new(&mut pool, rules, request.weak);
    match search.run() {
        Ok(()) => match needs.of_resolution(&search) {
            paths if paths.is_empty() => Ok(tell(&jobs, &mut search)),
            paths => Err(Error::NeedsFilelists(paths)),
        },
        Err(refuted) => match needs.of_proof(&search, &refuted.0) {
            paths if paths.is_empty() => {
                let rules = search.rules;
                Err(Error::Conflict(pool.conflict(rules, &jobs, refuted)))
            }
            paths => Err(Error::NeedsFilelists(paths)),
        },
    }
}

impl Pool<'_> {
    fn jobs(&mut self, request: &Request) -> Result<Vec<Job>, Error> {
        let (mut jobs, mut unknown) = (Vec::new(), Vec::new());
        for nevra in &request.installed {
            let text = nevra.to_string();
            let Some(id) = self.find(nevra) else {
                let text = format!("{nevra} is in the root, but no repository has it");
                unknown.push(Line::new(text, Some("start from an empty root".to_owned())));
                continue;
            };
            jobs.push(Job { text, clause: vec![Lit::yes(id)], kind: JobKind::Installed });
        }
        let install: Vec<_> = request.install.iter().map(|text| (text, self.install_jobs(text))).collect();
        let requires: Vec<_> =
            request.requires.iter().map(|text| (text, self.requirement_jobs(text))).collect();
        for (text, found) in install.into_iter().chain(requires) {
            match found {
                Err(_) if is_path(text) && !request.files.knows(text) => {
                    return Err(Error::NeedsFilelists(vec![text.clone()]));
                }
                Err(line) => unknown.push(line),
                Ok(found) => jobs.extend(found),
            }
        }
        if unknown.is_empty() { Ok(jobs) } else { Err(Conflict::new(unknown).into()) }
    }

    /// All rules, and the packages that are out because nothing answers a requirement.
    fn rules(
        &mut self,
        request: &Request,
        jobs: &[Job],
        multi: &Multi,
    ) -> (Rules, Vec<(Id, super::pool::Dep)>) {
        let close = |pool: &mut Self, weak: Weak| {
            let mut closure = Closure::new(pool, weak, multi);
            for job in jobs {
                job.clause
                    .iter()
                    .filter(|literal| literal.is_yes())
                    .for_each(|literal| closure.add(literal.id()));
            }
            if weak == Weak::Install {
                closure.add_supplementing();
            }
            (closure.visited, closure.drafts, closure.broken)
        };
        let (mut known, drafts, mut broken) = close(self, request.weak);
        let mut rules = Rules::new(drafts, &self.lists);
        if request.weak == Weak::Skip && self.has_hidden_better_arch(&known) {
            known = close(self, Weak::Install).0;
        }
        for job in jobs {
            let rest = self.lists.push(&job.clause[1..]);
            rules.push(Rule { first: job.clause[0], rest });
        }
        rules.jobs.end = rules.len();
        rules.inferior.start = rules.len();
        let mut asked = Bits::new(self.len());
        for job in jobs.iter().filter(|job| job.kind == JobKind::Asked) {
            job.clause.iter().for_each(|literal| asked.set(literal.id().index()));
        }
        self.inferior_rules(&known, &asked).into_iter().for_each(|rule| {
            rules.push(rule);
        });
        rules.inferior.end = rules.len();
        rules.best.start = rules.len();
        if request.best == Best::Only {
            jobs.iter()
                .filter(|job| job.kind != JobKind::Installed)
                .for_each(|job| self.best_rule(job, &mut rules));
        }
        rules.best.end = rules.len();
        rules.learnt = rules.len();
        broken.sort_unstable();
        (rules, broken)
    }

    /// Only the best candidates of a job will do.
    fn best_rule(&mut self, job: &Job, rules: &mut Rules) {
        let open = |literal: &&Lit| literal.is_yes() && self.package(literal.id()).hidden.is_none();
        let mut best: Vec<Id> = job.clause.iter().filter(open).map(|literal| literal.id()).collect();
        let before = best.len();
        if before < 2 {
            return;
        }
        self.keep_best(&mut best);
        if best.len() < before {
            let no = job.clause.iter().copied().filter(|literal| literal.is_no());
            let clause: Vec<Lit> = no.chain(best.into_iter().map(Lit::yes)).collect();
            let rest = self.lists.push(&clause[1..]);
            rules.push(Rule { first: clause[0], rest });
        }
    }
}

/// Packages that are out only because paths are unknown.
#[derive(Debug)]
struct Needs {
    paths: std::collections::BTreeMap<Id, Vec<String>>,
}

impl Needs {
    fn new(pool: &Pool<'_>, request: &Request, broken: Vec<(Id, super::pool::Dep)>) -> Self {
        let mut paths: std::collections::BTreeMap<Id, Vec<String>> = std::collections::BTreeMap::new();
        let mut lost = Bits::new(pool.len());
        for (id, dep) in broken {
            let name = pool.words.text(dep.name);
            if name.starts_with('/') && !request.files.knows(name) {
                paths.entry(id).or_default().push(name.to_owned());
            } else {
                lost.set(id.index());
            }
        }
        paths.retain(|id, _| !lost.has(id.index()) && pool.package(*id).hidden.is_none());
        Self { paths }
    }

    fn collect(&self, ids: impl Iterator<Item = Id>) -> Vec<String> {
        let mut found: Vec<String> = ids.filter_map(|id| self.paths.get(&id)).flatten().cloned().collect();
        found.sort();
        found.dedup();
        found
    }

    /// The paths that could have changed the choice: their packages were candidates.
    fn of_resolution(&self, search: &Search<'_, '_>) -> Vec<String> {
        if self.paths.is_empty() {
            return Vec::new();
        }
        let mut ids = Vec::new();
        for number in 1..search.rules.learnt {
            let literals = search.rules.get(RuleId(number)).literals(&search.pool.lists);
            if literals.clone().all(|literal| literal.is_yes() || search.is_in(literal.id())) {
                ids.extend(literals.filter(|literal| literal.is_yes()).map(Lit::id));
            }
        }
        if search.weak == Weak::Install {
            ids.extend(self.paths.keys().copied().filter(|id| search.may_be_recommended(*id)));
        }
        self.collect(ids.into_iter())
    }

    fn of_proof(&self, search: &Search<'_, '_>, proof: &[RuleId]) -> Vec<String> {
        let literals = proof.iter().flat_map(|rule| search.rules.get(*rule).literals(&search.pool.lists));
        self.collect(literals.map(Lit::id))
    }
}

impl Search<'_, '_> {
    /// Whether the final wishes name a package.
    fn may_be_recommended(&self, id: Id) -> bool {
        self.wishes.recommends(id) || self.pool.has(id, Kind::Supplements)
    }
}
