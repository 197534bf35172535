//! The sequence of a transaction.

use std::collections::{BTreeMap, BTreeSet};

use crate::package::{Relation, RelationFlags, Script, ScriptletKind, Trigger, TriggerFamily};
use crate::plan::Age;
use crate::plan::transaction::triggers::{self, Class, Fired};
use crate::plan::transaction::{Fates, Member};

/// One thing that a transaction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Users and groups that a package brings.
    Users {
        /// The package.
        member: usize,
    },
    /// A package's files.
    Place {
        /// The package.
        member: usize,
    },
    /// A script.
    Run(Call),
}

/// What a script's failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The package is not installed.
    Fatal,
    /// rpm says so and goes on.
    Warning,
}

/// A script with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The package whose script it is, counted through the installed and then the added ones.
    pub member: usize,
    /// As a spec file calls it: `%post`, `%filetriggerin`.
    pub name: String,
    /// What runs.
    pub script: Script,
    /// `$1` and `$2`.
    pub args: Vec<u32>,
    /// The paths that a file trigger reads; other scripts read nothing.
    pub paths: Option<Vec<String>>,
    /// What its failure means.
    pub failure: Failure,
}

/// `%pretrans` of all added packages: before anybody looks at the root's files.
pub fn pretrans(installed: &[Member], added: &[Member]) -> Vec<Action> {
    let mut actions = Vec::new();
    for (at, member) in added.iter().enumerate() {
        let count = installed.iter().filter(|other| other.name == member.name).count() as u32 + 1;
        let script = member.scriptlet(ScriptletKind::PreTrans);
        actions.extend(script.map(|script| {
            Action::Run(Call {
                member: installed.len() + at,
                name: ScriptletKind::PreTrans.name().to_owned(),
                script: script.clone(),
                args: vec![count],
                paths: None,
                failure: Failure::Fatal,
            })
        }));
    }
    actions
}

/// Everything after `%pretrans`. `packages` are the installed and then the added ones, in order, all with the states of
/// their files; `before` is how many are installed already.
pub fn sequence(packages: &[Member], before: usize, fates: &[Fates], age: Age) -> Vec<Action> {
    let mut sequence = Sequence::new(packages, before, age);
    for member in before..packages.len() {
        sequence.install(member, &fates[member - before]);
    }
    for member in before..packages.len() {
        let count = sequence.count(member, packages.len());
        sequence.scriptlet(member, ScriptletKind::PostTrans, count, Failure::Warning);
    }
    sequence.end();
    sequence.actions
}

struct Sequence<'a> {
    packages: &'a [Member],
    before: usize,
    age: Age,
    /// The conditions of each package's triggers on packages.
    conditions: Vec<Vec<(usize, &'a Relation)>>,
    /// The packages of each name, in order.
    named: BTreeMap<&'a str, Vec<usize>>,
    actions: Vec<Action>,
}

impl<'a> Sequence<'a> {
    fn new(packages: &'a [Member], before: usize, age: Age) -> Self {
        let conditions = packages.iter().map(triggers::conditions).collect();
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, package) in packages.iter().enumerate() {
            named.entry(&package.name).or_default().push(at);
        }
        Self { packages, before, age, conditions, named, actions: Vec::new() }
    }

    /// The packages of a name among the first `present`.
    fn of_name(&self, name: &str, present: usize) -> &[usize] {
        let all = self.named.get(name).map_or(&[][..], Vec::as_slice);
        &all[..all.partition_point(|at| *at < present)]
    }

    /// How many packages of a member's name are among the first `present`.
    fn count(&self, member: usize, present: usize) -> u32 {
        self.of_name(&self.packages[member].name, present).len() as u32
    }

    fn install(&mut self, member: usize, fates: &Fates) {
        if self.age >= Age::Users && !self.packages[member].sysusers.is_empty() {
            self.actions.push(Action::Users { member });
        }
        self.triggers(member, member, RelationFlags::TRIGGERPREIN);
        let count = self.count(member, member) + 1;
        self.scriptlet(member, ScriptletKind::PreIn, count, Failure::Fatal);
        self.actions.push(Action::Place { member });
        let written = fates.written();
        self.file_triggers(member, &written, Class::High);
        self.scriptlet(member, ScriptletKind::PostIn, count, Failure::Warning);
        self.triggers(member, member + 1, RelationFlags::TRIGGERIN);
        self.file_triggers(member, &written, Class::Low);
    }

    fn scriptlet(&mut self, member: usize, kind: ScriptletKind, count: u32, failure: Failure) {
        if let Some(script) = self.packages[member].scriptlet(kind) {
            let (name, script) = (kind.name().to_owned(), script.clone());
            self.actions.push(Action::Run(Call {
                member,
                name,
                script,
                args: vec![count],
                paths: None,
                failure,
            }));
        }
    }

    /// Triggers on packages: those of the others (and, once it is in the database, its own) that this one fires, then its
    /// own that the others fire. `present` packages are in the database.
    fn triggers(&mut self, member: usize, present: usize, flag: RelationFlags) {
        let packages = self.packages;
        let this = &packages[member];
        let count = self.count(member, present);
        for owner in 0..present {
            if let Some(index) = triggers::fired_by(&self.conditions[owner], this, flag) {
                self.trigger(Fired { owner, index }, vec![self.count(owner, present), count], flag);
            }
        }
        for (index, count_of_others) in self.own_triggers(member, present, flag) {
            self.trigger(Fired { owner: member, index }, vec![count, count_of_others], flag);
        }
    }

    /// A package's own triggers that others fire, each once, and how many packages of the other's name there are.
    fn own_triggers(&self, member: usize, present: usize, flag: RelationFlags) -> Vec<(usize, u32)> {
        let conditions = &self.conditions[member];
        let (mut done, mut asked) = (BTreeSet::new(), BTreeSet::new());
        let mut fired = Vec::new();
        for (index, condition) in conditions {
            // Which trigger a package fires is the same for all conditions that name it.
            if done.contains(index) || !asked.insert(condition.name.as_str()) {
                continue;
            }
            let sources = self.of_name(&condition.name, present);
            for source in sources {
                let first = triggers::fired_by(conditions, &self.packages[*source], flag);
                if let Some(first) = first.filter(|first| done.insert(*first)) {
                    fired.push((first, sources.len() as u32));
                }
            }
        }
        fired
    }

    fn trigger(&mut self, fired: Fired, args: Vec<u32>, flag: RelationFlags) {
        let (name, failure) = if flag == RelationFlags::TRIGGERPREIN {
            ("%triggerprein", Failure::Fatal)
        } else {
            ("%triggerin", Failure::Warning)
        };
        let member = fired.owner;
        let script = self.packages[member].family(TriggerFamily::Package)[fired.index].script.clone();
        self.actions.push(Action::Run(Call {
            member,
            name: name.to_owned(),
            script,
            args,
            paths: None,
            failure,
        }));
    }

    /// File triggers of all packages on this one's files, then its own on the files of all others.
    fn file_triggers(&mut self, member: usize, written: &[bool], class: Class) {
        let packages = self.packages;
        let (family, present) = (TriggerFamily::File, member + 1);
        let of_class = |trigger: &Trigger| triggers::in_class(trigger, class);
        for fired in triggers::file_triggers(packages, 0..present, family, of_class) {
            let trigger = &packages[fired.owner].family(family)[fired.index];
            let paths = triggers::own_paths(trigger, &packages[member], written);
            let args = [self.count(fired.owner, present), self.count(member, present)];
            self.file_trigger(fired, family, paths, &args);
        }
        for fired in triggers::file_triggers(packages, std::iter::once(member), family, of_class) {
            let trigger = &packages[member].family(family)[fired.index];
            let others = || (0..present).filter(|other| *other != member);
            let paths = triggers::installed_paths(trigger, &others().map(|other| &packages[other]));
            let seen = others().find(|other| {
                !triggers::installed_paths(trigger, &std::iter::once(&packages[*other])).is_empty()
            });
            let count = seen.map_or(0, |other| self.count(other, present));
            self.file_trigger(fired, family, paths, &[self.count(member, present), count]);
        }
    }

    /// The transaction's file triggers: those that were there before on the new files, then the new ones on all files.
    fn end(&mut self) {
        let packages = self.packages;
        let (family, all) = (TriggerFamily::Transaction, packages.len());
        let any = |trigger: &Trigger| triggers::in_class(trigger, Class::All);
        for fired in triggers::file_triggers(packages, 0..self.before, family, any) {
            let trigger = &packages[fired.owner].family(family)[fired.index];
            let paths = triggers::installed_paths(trigger, &packages[self.before..].iter());
            let args = [self.count(fired.owner, all)];
            self.file_trigger(fired, family, paths, &args);
        }
        for member in self.before..all {
            for fired in triggers::file_triggers(packages, std::iter::once(member), family, any) {
                let trigger = &packages[member].family(family)[fired.index];
                let paths = triggers::installed_paths(trigger, &packages.iter());
                let args = [self.count(member, all)];
                self.file_trigger(fired, family, paths, &args);
            }
        }
    }

    fn file_trigger(&mut self, fired: Fired, family: TriggerFamily, paths: Vec<String>, args: &[u32]) {
        if paths.is_empty() {
            return;
        }
        let name = if family == TriggerFamily::File { "%filetriggerin" } else { "%transfiletriggerin" };
        self.actions.push(Action::Run(Call {
            member: fired.owner,
            name: name.to_owned(),
            script: self.packages[fired.owner].family(family)[fired.index].script.clone(),
            args: if self.age < Age::Counts { vec![0] } else { args.to_vec() },
            paths: Some(paths),
            failure: Failure::Warning,
        }));
    }
}
