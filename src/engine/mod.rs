//! Runs the stages in order and owns the loops; decides nothing that a stage can decide.
//!
//! The engine holds handles only: settings and a reporter. What a run makes on the way, a [`Session`] holds: the
//! store, the keeper of the user namespace, the fetcher.

mod build;
mod buildroot;
mod collect;
mod disk;
mod doubt;
mod error;
mod export;
mod installed;
mod jobs;
mod limits;
mod local;
mod prepare;
mod record;
mod repair;
mod repositories;
mod request;
mod resolve;
mod results;
mod run;
mod running;
mod session;
mod solved;
mod source;
mod upkeep;
mod verify;
mod workspace;

pub use crate::config::Network;
pub use crate::config::Release;
pub use crate::solve::{Explained, Explanation};
pub use error::{Error, Kind, LogTail};
pub use export::Destination;
pub use jobs::JOBS;
pub use request::{
    Access, Artifact, BuildOptions, BuildRequest, Built, CleanScope, RunRequest, Settings, SourceInput,
    Streams, User,
};
pub use running::{Note, Running};
pub use solved::{SolveRequest, ways};

pub use verify::{Found, Outcome, Repair, Verified};

pub use crate::store::{Effect, Pruned, Removed, Which};

use crate::config::Listed;
use crate::engine::session::Session;
use crate::plan::LayerId;
use crate::report::Reporter;

/// Everything that kiln does, as functions of a release.
pub struct Engine<'a> {
    settings: Settings,
    reporter: &'a dyn Reporter,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What the keeper's answer about artifacts says, for the fuzzer, which sees no private doors.
#[cfg(fuzzing)]
pub fn read_taken(text: &str) -> Result<Vec<String>, (String, String)> {
    jobs::taken(text)
}

/// Whether kiln was started by root.
pub fn is_root() -> bool {
    crate::sandbox::started_by_root()
}

/// Whether a signal asked for the end.
pub fn is_interrupted() -> bool {
    crate::sandbox::interrupted()
}

impl<'a> Engine<'a> {
    /// An engine with these settings that tells `reporter` what happens.
    pub fn new(settings: Settings, reporter: &'a dyn Reporter) -> Self {
        Self { settings, reporter }
    }

    /// The releases that can be built for, sorted by name.
    pub fn releases(&self) -> Result<Vec<Listed>, Error> {
        Ok(crate::config::list(&disk::Disk, &self.settings.config_dirs)?)
    }

    /// One release, with the settings' repositories, limits and network put over it.
    pub fn release(&self, name: &str) -> Result<Release, Error> {
        let settings = &self.settings;
        Ok(crate::config::load(name, &disk::Disk, &settings.config_dirs, &settings.overrides)?)
    }

    /// A release as text that reads back to the same release.
    pub fn shown(&self, release: &Release) -> String {
        crate::config::show(release)
    }

    /// A release that no file describes: an architecture, and the settings' repositories.
    pub fn bare(&self, arch: &str) -> Result<Release, Error> {
        Ok(crate::config::bare(arch, &self.settings.overrides)?)
    }

    /// The packages of a root that gets what is asked for, each with its reasons.
    pub fn solve(&self, release: &Release, request: &SolveRequest) -> Result<Explanation, Error> {
        Session::open(self, release)?.solve(request)
    }

    /// Makes the root's layers where they are missing; the id of the uppermost one.
    pub fn init(&self, release: &Release, install: &[String]) -> Result<LayerId, Error> {
        let session = Session::open(self, release)?;
        Ok(session.root(install)?.id().clone())
    }

    /// Runs a command in a root that is thrown away afterwards; gives the command's exit code.
    pub fn run(&self, release: &Release, request: &RunRequest) -> Result<u8, Error> {
        Session::open(self, release)?.run(request)
    }

    /// Builds a source package; logs and report stay in the result directory whatever happens.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the closure is for every lifetime, the method for one"
    )]
    pub fn build(&self, release: &Release, request: &BuildRequest) -> Result<Built, Error> {
        let (artifacts, results) = self.build_into(release, ("build", request), |running| running.build())?;
        Ok(Built { result: results.path().clone(), artifacts })
    }

    /// Makes a source package from a spec file and its sources.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the closure is for every lifetime, the method for one"
    )]
    pub fn srpm(&self, release: &Release, request: &BuildRequest) -> Result<Artifact, Error> {
        let (artifact, _) = self.build_into(release, ("srpm", request), |running| running.source_only())?;
        Ok(artifact)
    }
}
