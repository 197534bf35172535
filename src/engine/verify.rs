//! `kiln store verify`: everything in the store is looked at again, on all processors; what is damaged can be removed
//! and, where what it was made from is there or can be had, made again.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::repositories::check_tables;
use crate::fetch::check::{self, Complete};
use crate::report::{Event, Stage, during};
use crate::sandbox::Keeper;
use crate::store::{Check, Fault, Kind, Object, Store};

/// What happens to what is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// It is told of.
    No,
    /// It is removed, and made again where that is possible.
    Yes,
}

/// What became of a damaged thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was made again.
    MadeAgain,
    /// It was removed; whoever needs it next makes it again.
    Removed,
    /// It stays: somebody uses it.
    InUse,
    /// It stays: kiln did not make it.
    Foreign,
}

/// One fault, and what was done about it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Found {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What looking at the store found.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// How many things were looked at.
    pub looked_at: usize,
    /// What is wrong with them.
    pub found: Vec<Found>,
}

impl Engine<'_> {
    /// Looks at everything in the store.
    pub fn verify(&self, repair: Repair) -> Result<Verified, Error> {
        crate::sandbox::catch_signals()?;
        let (store, keeper) = self.open_store()?;
        let look = Look::new(self, &store, &keeper);
        // Held meanwhile: nobody else looks at what an earlier boot left in doubt.
        let doubt = store.doubtful()?;
        let mut verified = during(Stage::Verify, self.reporter, || look.all())?;
        if repair == Repair::Yes {
            let outcomes = look.repair(&verified)?;
            for found in &mut verified.found {
                found.outcome = found.outcome.or_else(|| outcomes.get(&found.fault.object).copied());
            }
        }
        if self.damage(&verified, repair).is_none() {
            // All of it is as it was made, and nothing need be looked at again.
            doubt.iter().try_for_each(|doubt| store.trust(doubt))?;
            store.settle(std::time::Duration::ZERO)?;
        }
        Ok(verified)
    }

    /// The failure that a damaged store is; nothing where all of it could be repaired.
    pub fn damage(&self, verified: &Verified, repair: Repair) -> Option<Error> {
        let stays = |found: &&Found| !matches!(found.outcome, Some(Outcome::MadeAgain | Outcome::Removed));
        let objects: BTreeSet<_> =
            verified.found.iter().filter(stays).map(|found| found.fault.object.clone()).collect();
        let foreign =
            verified.found.iter().filter(stays).all(|found| found.outcome == Some(Outcome::Foreign));
        let hint = match (repair, foreign) {
            (Repair::No, false) => "`kiln store verify --repair` removes what is damaged and makes it again",
            (_, true) => "kiln did not put that there and does not remove it",
            (Repair::Yes, false) => "something still uses it; try again when nothing runs (`kiln ps`)",
        };
        let store = self.settings.store.clone();
        (!objects.is_empty()).then(|| Error::Damaged { store, objects: objects.into_iter().collect(), hint })
    }
}

pub(super) struct Look<'a> {
    pub(super) engine: &'a Engine<'a>,
    pub(super) store: &'a Store,
    pub(super) keeper: &'a Keeper,
    /// How many things were looked at.
    done: AtomicUsize,
}

impl<'a> Look<'a> {
    pub(super) fn new(engine: &'a Engine<'a>, store: &'a Store, keeper: &'a Keeper) -> Self {
        Self { engine, store, keeper, done: AtomicUsize::new(0) }
    }
}

impl Look<'_> {
    fn all(&self) -> Result<Verified, Error> {
        let _inputs = self.store.use_inputs()?;
        let (objects, foreign) = self.store.objects().map_err(crate::store::Error::from)?;
        let foreign = foreign.into_iter().map(|fault| Found { fault, outcome: Some(Outcome::Foreign) });
        let mut verified = Verified { looked_at: objects.len(), found: foreign.collect() };
        let faults = self.at(objects)?;
        verified.found.extend(faults.into_iter().map(|fault| Found { fault, outcome: None }));
        verified
            .found
            .sort_by(|a, b| (&a.fault.object, &a.fault.file).cmp(&(&b.fault.object, &b.fault.file)));
        Ok(verified)
    }

    /// Looks at these things.
    pub(super) fn at(&self, objects: Vec<Object>) -> Result<Vec<Fault>, Error> {
        let total = objects.len();
        let mut found = self.repositories(&objects)?;
        let (layers, others): (Vec<_>, Vec<_>) =
            objects.into_iter().filter(|object| object.kind != Kind::Repos).partition(is_layer);
        let faults = self.each(&others, &[], total)?;
        let whole = whole(&others, &faults);
        found.extend(faults);
        found.extend(self.each(&layers, &whole, total)?);
        Ok(found)
    }

    /// Looks at things in the user namespace, several at a time.
    fn each(&self, objects: &[Object], whole: &[String], total: usize) -> Result<Vec<Fault>, Error> {
        let next = AtomicUsize::new(0);
        let found: Mutex<Result<Vec<Fault>, Error>> = Mutex::new(Ok(Vec::new()));
        let work = || {
            while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = self.one(object, whole);
                let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                match (&mut *found, answer) {
                    (Ok(all), Ok(faults)) => all.extend(faults),
                    (Ok(_), Err(error)) => *found = Err(error),
                    (Err(_), _) => return,
                }
                self.progress(object, total);
            }
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 1..processors.min(objects.len()) {
                scope.spawn(work);
            }
            work();
        });
        found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn one(&self, object: &Object, whole: &[String]) -> Result<Vec<Fault>, Error> {
        if crate::sandbox::interrupted() {
            return Err(Error::Interrupted);
        }
        let whole = if is_layer(object) { whole.to_vec() } else { Vec::new() };
        jobs::answer(&jobs::verify(&Check { object: object.clone(), whole }), self.keeper)
    }

    fn progress(&self, object: &Object, total: usize) {
        self.engine.reporter.report(Event::Progress {
            stage: Stage::Verify,
            item: object.path(),
            done: self.done.fetch_add(1, Ordering::Relaxed) as u64 + 1,
            total: total as u64,
            bytes: 0,
            total_bytes: 0,
        });
    }

    /// Snapshots and what is remembered of them: their files are kiln's own, and public.
    fn repositories(&self, objects: &[Object]) -> Result<Vec<Fault>, Error> {
        let remembered = check::remembered(self.store.path())?;
        let fault = |object: &str, spoilt: check::Spoilt| Fault {
            object: object.to_owned(),
            name: None,
            file: spoilt.file,
            problem: spoilt.problem,
        };
        let mut faults = Vec::new();
        for mut spoilt in remembered.spoilt {
            let object = format!("repos/{}", std::mem::take(&mut spoilt.file));
            faults.push(fault(&object, spoilt));
        }
        for object in objects.iter().filter(|object| object.kind == Kind::Repos) {
            let known = remembered.snapshots.iter().any(|snapshot| snapshot.hex() == object.name);
            let complete = if known { Complete::Yes } else { Complete::Unknown };
            let path = self.store.path().join(object.path());
            let spoilt = check::snapshot(&path, complete, &check_tables);
            let spoilt =
                spoilt.map_err(|error| Error::Host { doing: format!("reading {path}"), source: error })?;
            faults.extend(spoilt.into_iter().map(|spoilt| fault(&object.path(), spoilt)));
            self.progress(object, objects.len());
        }
        Ok(faults)
    }
}

fn is_layer(object: &Object) -> bool {
    object.kind == Kind::Layers
}

/// The packages without a fault, by digest.
fn whole(objects: &[Object], faults: &[Fault]) -> Vec<String> {
    let damaged: BTreeSet<&str> = faults.iter().map(|fault| fault.object.as_str()).collect();
    let sound = |object: &&Object| object.kind == Kind::Packages && !damaged.contains(object.path().as_str());
    objects.iter().filter(sound).map(|object| object.name.clone()).collect()
}
