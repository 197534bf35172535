//! Which triggers fire, in which order, and which paths they are told.

use crate::package::{Relation, RelationFlags, Trigger, TriggerFamily};
use crate::plan::transaction::Member;

/// A trigger of the transaction: whose, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fired {
    /// The package that has the trigger.
    pub(super) owner: usize,
    /// Its number there.
    pub(super) index: usize,
}

/// File triggers of this priority and above run before `%post`.
const BEFORE_POST: u32 = 10_000;

/// Which file triggers: those that run before `%post`, after it, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    High,
    Low,
    All,
}

impl Class {
    fn has(self, priority: u32) -> bool {
        match self {
            Self::High => priority >= BEFORE_POST,
            Self::Low => priority < BEFORE_POST,
            Self::All => true,
        }
    }
}

/// The first of a package's triggers, by its [`conditions`], that `source` fires: rpm runs one script for each pair of
/// packages.
pub(super) fn fired_by(
    conditions: &[(usize, &Relation)],
    source: &Member,
    flag: RelationFlags,
) -> Option<usize> {
    let mut mine = conditions
        .iter()
        .filter(|(_, condition)| condition.flags.any(flag) && condition.name == source.name)
        .peekable();
    mine.peek()?;
    let provides = source.provides.iter().filter(|provide| provide.name == source.name);
    let provides: Vec<_> = provides.map(Relation::range).collect();
    let fires = |condition: &Relation| provides.iter().any(|provide| provide.overlaps(&condition.range()));
    mine.find(|(_, condition)| fires(condition)).map(|(index, _)| *index)
}

/// The conditions of a package's triggers with the trigger's number, in the header's order.
pub(super) fn conditions(owner: &Member) -> Vec<(usize, &Relation)> {
    let triggers = owner.family(TriggerFamily::Package);
    let mut conditions = Vec::new();
    for trigger in triggers {
        let placed = trigger.places.iter().zip(&trigger.conditions);
        conditions.extend(placed.map(|(place, condition)| (place, (trigger.index, condition))));
    }
    conditions.sort_by_key(|(place, _)| *place);
    conditions.into_iter().map(|(_, condition)| condition).collect()
}

/// File triggers of `owners` that `wanted` lets through, in the order in which they run: higher priority first, then
/// the order of the database.
pub(super) fn file_triggers(
    packages: &[Member],
    owners: impl Iterator<Item = usize>,
    family: TriggerFamily,
    wanted: impl Fn(&Trigger) -> bool,
) -> Vec<Fired> {
    let mut fired = Vec::new();
    for owner in owners {
        let triggers = packages[owner].family(family).iter();
        let triggers =
            triggers.filter(|trigger| trigger.runs_on(RelationFlags::TRIGGERIN) && wanted(trigger));
        fired.extend(triggers.map(|trigger| (trigger.priority, Fired { owner, index: trigger.index })));
    }
    fired.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    fired.into_iter().map(|(_, fired)| fired).collect()
}

/// Whether a trigger is of the class.
pub(super) fn in_class(trigger: &Trigger, class: Class) -> bool {
    class.has(trigger.priority)
}

/// The paths of one package that a trigger watches, as it is being installed: everything that was not left out.
pub(super) fn own_paths(trigger: &Trigger, package: &Member, written: &[bool]) -> Vec<String> {
    let mut paths = Vec::new();
    for condition in &trigger.conditions {
        let files = package.files.iter().zip(written);
        let files =
            files.filter(|(file, written)| **written && file.path.as_str().starts_with(&condition.name));
        paths.extend(files.map(|(file, _)| file.path.to_string()));
    }
    paths
}

/// The paths of installed packages that a trigger watches. rpm looks for packages with a directory of that prefix first,
/// so a package with such a file but no such directory is not seen.
pub(super) fn installed_paths<'a>(
    trigger: &Trigger,
    packages: &(impl Iterator<Item = &'a Member> + Clone),
) -> Vec<String> {
    let mut paths = Vec::new();
    for condition in &trigger.conditions {
        let prefix = condition.name.as_str();
        for package in packages.clone().filter(|package| has_directory(package, prefix)) {
            let files = package.files.iter().zip(&package.states);
            let files =
                files.filter(|(file, state)| state.is_installed() && file.path.as_str().starts_with(prefix));
            paths.extend(files.map(|(file, _)| file.path.to_string()));
        }
    }
    paths
}

/// Whether any of a package's files lies in a directory whose path, with its final `/`, begins with the prefix.
pub(super) fn has_directory(package: &Member, prefix: &str) -> bool {
    let inside = |path: &str| path.rfind('/').is_some_and(|end| path[..=end].starts_with(prefix));
    package.files.iter().any(|file| inside(file.path.as_str()))
}
