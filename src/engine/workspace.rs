//! A build's own directories in the store's `tmp`: `builddir` is `/builddir` inside, `input` is what goes in, `output`
//! what is taken out. Everything is removed afterwards, inside the user namespace, since the files are its ids'.

use std::cell::RefCell;

use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::running::Note;
use crate::engine::session::Session;
use crate::plan::{SandboxSpec, Visitors};
use crate::report::Stage;
use crate::sandbox::Sandbox;
use crate::store::Staging;
use crate::sys;
use crate::unit::HostPath;

/// Directories of one build.
pub(super) struct Workspace<'a> {
    session: &'a Session<'a>,
    staging: Staging,
    /// The directory relative to the store.
    inside: String,
    note: RefCell<Note>,
}

impl<'a> Workspace<'a> {
    /// New, empty directories.
    pub(super) fn new(session: &'a Session<'a>, note: Note) -> Result<Self, Error> {
        let staging = session.store.stage("build")?;
        let inside = session.store.relative(staging.path()).to_string_lossy().into_owned();
        let workspace = Self { session, staging, inside, note: RefCell::new(note) };
        workspace.leave_note()?;
        let keeper = session.keeper()?;
        keeper.call(&jobs::make_workspace(&workspace.inside, keeper.ids().tier))?;
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

    /// Starts a sandbox that `kiln ps` knows of and `kiln attach` can enter.
    pub(super) fn start(&self, spec: &SandboxSpec, stage: Stage) -> Result<Sandbox, Error> {
        let keeper = self.session.keeper()?;
        let spec = SandboxSpec { visitors: Visitors::Admitted, ..spec.clone() };
        let mut sandbox = keeper.spawn(&spec)?;
        sandbox.receive_visitors(keeper, self.staging.path())?;
        {
            let mut note = self.note.borrow_mut();
            note.stage = Some(stage);
            note.init = sandbox.pid().ok();
            note.groups = sandbox.groups();
        }
        self.leave_note()?;
        Ok(sandbox)
    }

    /// Says that the sandbox has ended.
    pub(super) fn ended(&self) -> Result<(), Error> {
        {
            let mut note = self.note.borrow_mut();
            (note.stage, note.init) = (None, None);
            note.groups.clear();
        }
        self.leave_note()
    }

    fn leave_note(&self) -> Result<(), Error> {
        let failed = |source| Error::Host { doing: "noting what runs".to_owned(), source };
        self.note.borrow().leave(self.staging.path()).map_err(failed)
    }

    /// Removes the directories, whatever is in them.
    pub(super) fn close(self) -> Result<(), Error> {
        self.session.remove(&[self.inside])
    }
}
