//! `kiln export`: a root as a tar file.

use crate::config::Release;
use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::session::Session;
use crate::report::{Stage, during};
use crate::sys;
use crate::unit::HostPath;

/// Where a root is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file, which appears when it is whole.
    File(HostPath),
    /// Standard output.
    Output,
}

impl Engine<'_> {
    /// Writes the release's root, with `install` in it, as a tar file.
    pub fn export(&self, release: &Release, install: &[String], to: &Destination) -> Result<(), Error> {
        let session = Session::open(self, release)?;
        let root = session.root(install)?;
        let job = crate::install::export(&root.lower());
        during(Stage::Export, self.reporter, || {
            let answer = match to {
                Destination::Output => {
                    let output = sys::process::standard_copy(1).map_err(crate::sandbox::Error::Talk)?;
                    session.keeper()?.write(&job, &output)?
                }
                Destination::File(path) => {
                    let failed = |source| Error::Export { path: path.clone(), source };
                    let draft = sys::fs::Draft::beside(path.as_path()).map_err(failed)?;
                    let answer = session.keeper()?.write(&job, draft.file())?;
                    draft.publish().map_err(failed)?;
                    answer
                }
            };
            let left_out: Vec<String> = serde_json::from_str(&answer)
                .map_err(|error| Error::Answer { job: job.name.clone(), reason: error.to_string() })?;
            for path in left_out {
                self.reporter.warn(format!("{path} is left out: tar files have no sockets"));
            }
            Ok(())
        })
    }
}
