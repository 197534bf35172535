//! A build's own directories in the store's `tmp`: `builddir` is `/builddir` inside, `input` is what goes in, `output`
//! what is taken out. Everything is removed afterwards, inside the user namespace, since the files are its ids'.

use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::session::Session;
use crate::store::Staging;
use crate::sys;
use crate::unit::HostPath;

/// Directories of one build.
pub(super) struct Workspace<'a> {
    session: &'a Session<'a>,
    staging: Staging,
    /// The directory relative to the store.
    inside: String,
}

impl<'a> Workspace<'a> {
    /// New, empty directories.
    pub(super) fn new(session: &'a Session<'a>) -> Result<Self, Error> {
        let staging = session.store.stage("build")?;
        let inside = session.store.relative(staging.path()).to_string_lossy().into_owned();
        let workspace = Self { session, staging, inside };
        session.keeper()?.call(&jobs::make_workspace(&workspace.inside))?;
        workspace.make_directory("input")?;
        Ok(workspace)
    }

    /// A directory's path relative to the store, as the keeper and sandboxes know it.
    pub(super) fn inside(&self, name: &str) -> String {
        format!("{}/{name}", self.inside)
    }

    /// A directory's path on the host.
    pub(super) fn host(&self, name: &str) -> HostPath {
        self.staging.path().join(name)
    }

    /// Copies a file of the host's into `input`, readable by the build user.
    pub(super) fn receive(&self, from: &HostPath, name: &str) -> Result<(), Error> {
        let to = self.host("input").join(name);
        let failed = |source| Error::Host { doing: format!("copying {from} into the sandbox"), source };
        sys::fs::copy(from, &to, 0o644).map_err(failed)?;
        // Whoever removes it afterwards is the namespace's root.
        Ok(self.session.store.own(&to)?)
    }

    /// Copies the regular files of a directory of the host's into a directory in `input`. Links are followed: the
    /// directory is the caller's own.
    pub(super) fn receive_directory(&self, from: &HostPath, name: &str) -> Result<(), Error> {
        let failed = |source| Error::Host { doing: format!("copying {from} into the sandbox"), source };
        self.make_directory(&format!("input/{name}"))?;
        for file in sys::fs::list(from).map_err(failed)? {
            let path = from.join(&file);
            if sys::fs::stat(&path).map_err(failed)?.is_file() {
                self.receive(&path, &format!("{name}/{}", file.to_string_lossy()))?;
            }
        }
        Ok(())
    }

    fn make_directory(&self, name: &str) -> Result<(), Error> {
        let path = self.host(name);
        let failed = |source| Error::Host { doing: format!("making {path}"), source };
        sys::fs::create_dir(&path, 0o755).map_err(failed)?;
        Ok(self.session.store.own(&path)?)
    }

    /// Removes the directories, whatever is in them.
    pub(super) fn close(self) -> Result<(), Error> {
        self.session.remove(&[self.inside])
    }
}
