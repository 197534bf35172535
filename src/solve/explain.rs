//! A contradiction in words: from what was asked for to what fails, one chain a line.

use super::conflict::Line;
use super::jobs::{Job, JobKind};
use super::lit::{Id, Lit};
use super::pool::{Dep, Hidden, Pool};
use super::reason::Reason;
use super::rules::{RuleId, Rules};

/// The most chains of one contradiction.
const MOST_LINES: usize = 6;

/// What a contradiction is made of.
struct Story<'j> {
    jobs: &'j [Job],
    parts: Vec<(Vec<Lit>, Reason)>,
}

impl Story<'_> {
    /// The job whose best candidates fail, if there are others.
    fn best_of_several(&self) -> Option<usize> {
        self.parts.iter().find_map(|part| match part.1 {
            Reason::Best(job) => Some(job),
            _ => None,
        })
    }

    /// Whether a requirement is left with nothing that could meet it: then its package excludes others.
    fn is_exclusion(&self, reason: &Reason) -> bool {
        self.parts.iter().any(|part| part.1 == *reason && part.0.iter().all(|literal| literal.is_no()))
    }

    /// The other package of an exclusion.
    fn beside(&self, id: Id, reason: &Reason) -> Option<Id> {
        let part = self.parts.iter().find(|part| part.1 == *reason && part.0.contains(&Lit::no(id)))?;
        part.0.iter().map(|literal| literal.id()).find(|other| *other != id)
    }

    /// Who brings a package in: a job's number, or a package with a requirement.
    fn who_wants(&self, id: Id) -> Option<&Reason> {
        let wants = |part: &&(Vec<Lit>, Reason)| part.0.contains(&Lit::yes(id));
        let rank = |reason: &Reason| match reason {
            Reason::Job(_) => 0,
            Reason::Best(_) => 1,
            _ => 2,
        };
        self.parts.iter().filter(wants).map(|part| &part.1).min_by_key(|reason| rank(reason))
    }
}

/// Where a chain has got to.
struct Trail {
    text: String,
    path: Vec<Id>,
}

impl Trail {
    /// Goes on with what the last package does.
    fn and(&self, phrase: &str) -> String {
        if self.path.len() > 1 {
            format!("{}, which {phrase}", self.text)
        } else {
            format!("{} {phrase}", self.text)
        }
    }
}

/// A chain, and the part of the story that it ends with.
struct Told {
    line: Line,
    end: usize,
    /// Told from the side that objects.
    active: Side,
}

/// From which side a pair that cannot be together is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Active,
    Passive,
}

impl Pool<'_> {
    /// The chains of a contradiction, and what to do about it.
    pub(super) fn tell(&mut self, rules: &Rules, jobs: &[Job], core: &[RuleId]) -> Vec<Line> {
        let mut core = core.to_vec();
        core.sort_unstable();
        let mut parts = Vec::new();
        for rule in core {
            let literals: Vec<Lit> = rules.get(rule).literals(&self.lists).collect();
            parts.push((literals, self.reason(rules, jobs, rule)));
        }
        let story = Story { jobs, parts };
        let mut told: Vec<Told> = Vec::new();
        for (literals, reason) in &story.parts {
            let (Reason::Job(number) | Reason::Best(number)) = reason else { continue };
            let asked = &jobs[*number];
            if asked.kind == JobKind::Installed && story.parts.iter().any(|part| asks(&part.1, jobs)) {
                continue;
            }
            for id in literals.iter().filter(|literal| literal.is_yes()).map(|literal| literal.id()) {
                let mut trail = Trail { text: self.start(asked, id, reason), path: vec![id] };
                self.follow_chain(&story, &mut trail, &mut told);
            }
        }
        let mut lines = shorten(told);
        if let (Some(job), Some(line)) = (story.best_of_several(), lines.last_mut()) {
            let another = format!("another version for `{}` is taken with `best = false`", jobs[job].text);
            line.hint = Some(line.hint.take().map_or(another.clone(), |hint| format!("{hint}; {another}")));
        }
        lines
    }

    /// What a single rule has against a package.
    pub(super) fn phrase(&mut self, rules: &Rules, jobs: &[Job], (id, rule): (Id, RuleId)) -> Option<Line> {
        let literals: Vec<Lit> = rules.get(rule).literals(&self.lists).collect();
        let reason = self.reason(rules, jobs, rule);
        let story = Story { jobs, parts: vec![(literals, reason.clone())] };
        let (text, hint, _) = self.ending(&story, id, &reason)?;
        Some(Line::new(text, hint))
    }

    fn start(&self, asked: &Job, id: Id, reason: &Reason) -> String {
        let nevra = self.nevra(id);
        match reason {
            _ if asked.kind == JobKind::Installed => format!("{nevra} (in the root already)"),
            Reason::Best(_) => format!("{nevra} (the best for `{}`)", asked.text),
            _ if asked.text == nevra => format!("{nevra} (asked for)"),
            _ => format!("{nevra} (for `{}`)", asked.text),
        }
    }

    /// Continues a chain from its last package until it fails.
    fn follow_chain(&mut self, story: &Story<'_>, trail: &mut Trail, told: &mut Vec<Told>) {
        let Some(id) = trail.path.last().copied() else { return };
        for (number, (literals, reason)) in story.parts.iter().enumerate() {
            if !literals.contains(&Lit::no(id)) {
                continue;
            }
            if let Reason::Needs { by, dep } = reason {
                let yes = literals.iter().filter(|literal| literal.is_yes());
                let providers: Vec<Id> = yes.map(|literal| literal.id()).collect();
                if *by == id && !providers.is_empty() {
                    self.follow_providers(story, (*dep, &providers), trail, told);
                    continue;
                }
            }
            if let Some((phrase, hint, active)) = self.ending(story, id, reason) {
                let line = Line { text: trail.and(&phrase), hint, length: trail.path.len() };
                told.push(Told { line, end: number, active });
            }
        }
    }

    fn follow_providers(
        &mut self,
        story: &Story<'_>,
        (dep, providers): (Dep, &[Id]),
        trail: &mut Trail,
        told: &mut Vec<Told>,
    ) {
        let dep = self.dep_text(dep);
        let before = trail.text.clone();
        for provider in providers.iter().copied() {
            if trail.path.contains(&provider) {
                continue;
            }
            trail.text = trail.and(&format!("needs {dep}, provided by {}", self.nevra(provider)));
            trail.path.push(provider);
            self.follow_chain(story, trail, told);
            trail.path.pop();
            trail.text.clone_from(&before);
        }
    }

    /// What the last package of a chain does wrong, and what to do about it.
    fn ending(
        &mut self,
        story: &Story<'_>,
        id: Id,
        reason: &Reason,
    ) -> Option<(String, Option<String>, Side)> {
        let other = |pool: &Self, other: Id| format!("{}{}", pool.nevra(other), pool.origin(story, other));
        let (phrase, side) = match reason {
            Reason::Nothing { dep, .. } => {
                let (phrase, hint) = self.nothing(*dep);
                return Some((phrase, hint, Side::Active));
            }
            Reason::Hidden { why, .. } => {
                let (phrase, hint) = self.kept_out(id, *why);
                return Some((phrase, hint, Side::Active));
            }
            Reason::Conflicts { by, dep, with } if *by == id => {
                let dep = self.dep_text(*dep);
                let is = if dep == self.nevra(*with) {
                    String::new()
                } else {
                    format!(": {}", other(self, *with))
                };
                (format!("conflicts with {dep}{is}"), Side::Active)
            }
            Reason::Conflicts { by, dep, .. } => {
                let by = other(self, *by);
                (
                    format!("cannot be beside {by}, which conflicts with {}", self.dep_text(*dep)),
                    Side::Passive,
                )
            }
            Reason::Obsoletes { by, dep, other: gone } if *by == id => {
                (format!("obsoletes {}: {}", self.dep_text(*dep), other(self, *gone)), Side::Active)
            }
            Reason::Obsoletes { by, .. } => (format!("is obsoleted by {}", other(self, *by)), Side::Passive),
            Reason::SameName { a, b } => {
                let (beside, side) = if *a == id { (*b, Side::Active) } else { (*a, Side::Passive) };
                let same = self.package(id).evr == self.package(beside).evr;
                let is = if same { "another architecture's build of" } else { "another version of" };
                let phrase = format!("is {is} {}", other(self, beside));
                return Some((phrase, self.priority_hint(id, beside), side));
            }
            Reason::Inferior { .. } => {
                let arch = self.words.text(self.arch(id).name);
                let phrase =
                    format!("is {arch}, and may come only beside the same version of a better architecture");
                let hint = "ask for it with its architecture to have it alone";
                return Some((phrase, Some(hint.to_owned()), Side::Active));
            }
            Reason::Needs { by, dep } if *by == id => {
                let stands =
                    story.beside(id, reason).map(|beside| format!(" beside {}", other(self, beside)));
                let phrase =
                    format!("needs {}, which cannot hold{}", self.dep_text(*dep), stands.unwrap_or_default());
                (phrase, Side::Active)
            }
            Reason::Needs { by, dep } if story.is_exclusion(reason) => {
                let by = other(self, *by);
                (format!("cannot be beside {by}, which needs {}", self.dep_text(*dep)), Side::Passive)
            }
            Reason::Needs { .. } | Reason::Job(_) | Reason::Best(_) => return None,
        };
        Some((phrase, None, side))
    }

    /// That one of two versions comes from a better repository.
    fn priority_hint(&self, a: Id, b: Id) -> Option<String> {
        let (better, worse) = if self.priority(a) > self.priority(b) { (a, b) } else { (b, a) };
        let repo = |id: Id| self.entry_repo(self.package(id));
        (self.priority(a) != self.priority(b)).then(|| {
            let (better, worse) = (repo(better), repo(worse));
            format!("`{better}` hides the versions of `{worse}`: its priority is higher (a lower number)")
        })
    }

    /// Why another package is wanted, in brackets: back to what was asked for.
    fn origin(&self, story: &Story<'_>, id: Id) -> String {
        let mut text = String::new();
        let mut at = id;
        let mut met = vec![id];
        loop {
            match story.who_wants(at) {
                Some(Reason::Job(number)) if story.jobs[*number].kind == JobKind::Installed => {
                    return format!("{text} (in the root already)");
                }
                Some(Reason::Job(number) | Reason::Best(number)) => {
                    return format!("{text} (for `{}`)", story.jobs[*number].text);
                }
                Some(Reason::Needs { by, .. }) if !met.contains(by) => {
                    text = format!("{text}, needed by {}", self.nevra(*by));
                    met.push(*by);
                    at = *by;
                }
                _ => return text,
            }
        }
    }

    /// Nothing provides a requirement: what is nearest.
    fn nothing(&mut self, dep: Dep) -> (String, Option<String>) {
        let text = self.dep_text(dep);
        if self.is_unreadable(dep) {
            return (format!("needs `{text}`, which cannot be read as a dependency"), None);
        }
        if super::whatprovides::feature(self.words.text(dep.name)).is_some() {
            return (format!("needs {text}, a feature of rpm that kiln does not have"), None);
        }
        (format!("needs {text}, which nothing provides"), Some(self.nearest_hint(dep)))
    }

    /// A package that may not be taken: by whose will.
    pub(super) fn kept_out(&self, id: Id, why: Hidden) -> (String, Option<String>) {
        let repo = self.entry_repo(self.package(id));
        let (phrase, hint) = match why {
            Hidden::Excluded => (
                format!("is kept out by excludepkgs of `{repo}`"),
                format!("take it out of excludepkgs of `{repo}`"),
            ),
            Hidden::NotIncluded => (
                format!("is not named by includepkgs of `{repo}`"),
                format!("add it to includepkgs of `{repo}`"),
            ),
            Hidden::Module => (
                "is of a module stream that is not enabled".to_owned(),
                format!("enable its module stream, or set module_hotfixes for `{repo}`"),
            ),
        };
        (phrase, Some(hint))
    }
}

/// One chain for each end, from the side that objects, and not too many.
fn shorten(mut told: Vec<Told>) -> Vec<Line> {
    let rank = |one: &Told| (one.active, one.line.length);
    let ranks: Vec<_> = told.iter().map(|one| (one.end, rank(one))).collect();
    let best = |end: usize| ranks.iter().filter(|other| other.0 == end).map(|other| other.1).min();
    told.retain(|one| Some(rank(one)) == best(one.end));
    let mut ends = Vec::new();
    told.retain(|one| {
        let new = !ends.contains(&one.end);
        ends.push(one.end);
        new
    });
    let mut lines: Vec<Line> = told.into_iter().map(|one| one.line).collect();
    if lines.len() > MOST_LINES {
        let shortest = lines.iter().map(|line| line.length).min().unwrap_or(0);
        lines.sort_by_key(|line| line.length != shortest);
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(Line::note(format!("and {more} more reasons like these")));
    }
    lines
}

fn asks(reason: &Reason, jobs: &[Job]) -> bool {
    matches!(reason, Reason::Job(number) | Reason::Best(number) if jobs[*number].kind != JobKind::Installed)
}
