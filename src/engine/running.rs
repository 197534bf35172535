//! `kiln ps`, `top`, `attach` and `kill`: what runs over a store. Each build and each command leaves a note in its
//! workspace; the workspace's lock tells whether its maker lives, so a note never outlives what it is about.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::request::Streams;
use crate::engine::run::exit_code;
use crate::report::Stage;
use crate::sandbox::Sample;
use crate::store::{Store, Work};
use crate::sys::{self, child};
use crate::unit::{HostPath, Limits};

const NOTE: &str = "note.json";
/// How long a kiln that is asked to end may take to clean up.
const GRACE: Duration = Duration::from_secs(10);

/// A build or a command while it runs.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Note {
    /// The kiln that runs it.
    pub pid: u32,
    /// The namespace that numbers it: a container over the same store has numbers of its own.
    #[serde(default)]
    pub pid_namespace: String,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// `build`, `srpm` or `run`.
    pub verb: String,
    /// The release.
    pub release: String,
    /// The source, or the command.
    pub subject: String,
    /// The stage whose sandbox runs.
    pub stage: Option<Stage>,
    /// Its PID 1 as the host sees it.
    pub init: Option<u32>,
    /// Its control groups.
    pub groups: Vec<HostPath>,
    /// What it may use.
    pub limits: Limits,
}

/// A build or a command that runs, with what it uses.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Running {
    /// Its name, for `attach` and `kill`.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub note: Note,
    /// How long it has run, in seconds.
    pub age: u64,
    /// What its sandbox uses now, while there is one.
    pub usage: Option<Sample>,
    #[serde(skip)]
    directory: HostPath,
}

impl Note {
    /// A note of something that begins now.
    pub(super) fn new(verb: &str, release: &crate::config::Release, subject: String) -> Self {
        Self {
            pid: sys::process::pid(),
            pid_namespace: pid_namespace(),
            began: now(),
            verb: verb.to_owned(),
            release: release.name.clone(),
            subject,
            stage: None,
            init: None,
            groups: Vec::new(),
            limits: release.limits.clone(),
        }
    }

    /// Puts it into a workspace; a reader sees the old one or the new one.
    pub(super) fn leave(&self, directory: &HostPath) -> Result<(), sys::SysError> {
        let text = serde_json::to_vec(self).expect("a note is text and numbers");
        let (made, place) = (directory.join("note.new"), directory.join(NOTE));
        sys::fs::write(&made, &text)?;
        sys::fs::rename(&made, &place)
    }

    fn find(directory: &HostPath) -> Option<Self> {
        serde_json::from_slice(&sys::fs::read(directory.join(NOTE)).ok()?).ok()
    }
}

/// The namespace that numbers this process and those that it sees.
fn pid_namespace() -> String {
    let link = sys::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.display().to_string()
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(sys::posix::now()).unwrap_or_default()
}

impl Running {
    fn new(work: Work) -> Option<Self> {
        let note = Note::find(&work.path)?;
        let here = note.pid_namespace == pid_namespace();
        let usage = note.init.filter(|_| here).map(|init| crate::sandbox::observe(&note.groups, init));
        let age = now().saturating_sub(note.began);
        Some(Self { id: work.name, note, age, usage, directory: work.path })
    }
}

impl Engine<'_> {
    /// What runs over this store, the oldest first.
    pub fn running(&self) -> Result<Vec<Running>, Error> {
        if !sys::fs::exists(&self.settings.store) {
            return Ok(Vec::new());
        }
        let store = Store::open(&self.settings.store, &crate::sandbox::id_map()?)?;
        let mut running: Vec<_> = store.work("build")?.into_iter().filter_map(Running::new).collect();
        running.sort_by(|a, b| (a.note.began, &a.id).cmp(&(b.note.began, &b.id)));
        Ok(running)
    }

    /// Ends a build or a command and waits until it has cleaned up.
    pub fn kill(&self, id: &str) -> Result<Running, Error> {
        let found = self.find(id)?;
        if found.note.pid_namespace != pid_namespace() {
            return Err(Error::RunsElsewhere { id: found.id });
        }
        let failed = |source| Error::Host { doing: format!("ending {}", found.id), source };
        let supervisor = child::open(found.note.pid).map_err(failed)?;
        // The process that was opened is the right one as long as the work is still there afterwards.
        self.find(&found.id)?;
        child::terminate(&supervisor).map_err(failed)?;
        if !child::has_ended(&supervisor, GRACE).map_err(failed)? {
            child::kill(&supervisor).map_err(failed)?;
            child::has_ended(&supervisor, GRACE).map_err(failed)?;
        }
        Ok(found)
    }

    /// Runs one more command in a running sandbox; gives its exit code.
    pub fn attach(&self, id: &str, command: &[String], streams: Streams) -> Result<u8, Error> {
        crate::sandbox::catch_signals()?;
        let found = self.find(id)?;
        if found.note.init.is_none() || !crate::sandbox::has_door(found.directory.as_path()) {
            return Err(Error::NoSandbox { id: found.id });
        }
        let visit = crate::sandbox::attach(&found.directory, command, streams.into())?;
        exit_code(visit.wait(&mut |_| {})?.status, command)
    }

    /// What has this id, or the only one whose id begins so.
    fn find(&self, id: &str) -> Result<Running, Error> {
        let mut running = self.running()?;
        let known: Vec<String> = running.iter().map(|one| one.id.clone()).collect();
        let exact = known.iter().position(|name| name == id);
        let mut similar = known.iter().enumerate().filter(|(_, name)| name.starts_with(id));
        let only = match (similar.next(), similar.next()) {
            (Some((index, _)), None) => Some(index),
            _ => None,
        };
        let Some(index) = exact.or(only) else {
            return Err(Error::NotRunning { id: id.to_owned(), known });
        };
        Ok(running.swap_remove(index))
    }
}
