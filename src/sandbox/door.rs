//! Where visitors come in: a socket beside a running sandbox through which its user can have one more command started
//! in it. The supervisor only introduces the two sides to each other: it asks the keeper for a minder, puts that into
//! the sandbox's control groups, and hands it over to the visitor.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::plan::{Command, SandboxSpec, Stdio, TERMINAL};
use crate::sandbox::running::{Holders, Sandbox, process_of, start};
use crate::sandbox::streams::Streams;
use crate::sandbox::wire::{self, Answer, Knock, Request};
use crate::sandbox::{Error, Failure};
use crate::sys::{process, socket};
use crate::unit::{HostPath, Limits};

/// The socket's name in the directory that the sandbox's maker chose.
const NAME: &str = "door";
/// How long a visitor may keep the supervisor waiting.
const PATIENCE: Duration = Duration::from_millis(500);
const WHO: &str = "minder";

/// The supervisor's side.
#[derive(Debug)]
pub(super) struct Door {
    listener: OwnedFd,
    keeper: OwnedFd,
    namespaces: Vec<OwnedFd>,
}

impl Door {
    /// Opens it in a directory that only the sandbox's user can reach.
    pub(super) fn open(
        directory: &HostPath,
        keeper: OwnedFd,
        namespaces: Vec<OwnedFd>,
    ) -> Result<Self, Error> {
        crate::sys::fs::remove_if_there(directory.join(NAME)).map_err(Error::Talk)?;
        let listener = socket::listen(directory, NAME).map_err(Error::Talk)?;
        Ok(Self { listener, keeper, namespaces })
    }

    /// What becomes readable when somebody knocks.
    pub(super) fn watched(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Lets one visitor in. Whatever is wrong with a visitor is the visitor's trouble, never the sandbox's.
    pub(super) fn answer(&self, spec: &SandboxSpec, holders: Holders<'_>) {
        let Ok(Some((visitor, uid))) = socket::accept(&self.listener, PATIENCE) else { return };
        if uid != 0 && uid != process::identity().0 {
            return;
        }
        if let Err(error) = self.admit(&visitor, spec, holders) {
            let failure = match error {
                Error::Failed(failure) => failure,
                other => {
                    Failure { step: other.to_string(), call: String::new(), args: String::new(), errno: 0 }
                }
            };
            let _ = wire::send(&visitor, &Answer::Failed(failure), &[]);
        }
    }

    fn admit(&self, visitor: &OwnedFd, spec: &SandboxSpec, holders: Holders<'_>) -> Result<(), Error> {
        let Some((Knock { command, stdio }, streams)) = wire::receive(visitor, "visitor")? else {
            return Ok(());
        };
        let mut spec = SandboxSpec { command: Command::Program { argv: command }, stdio, ..spec.clone() };
        if stdio == Stdio::Terminal {
            spec.environment.insert("TERM".to_owned(), TERMINAL.to_owned());
        }
        let (ours, theirs) = socket::pair().map_err(Error::Talk)?;
        let namespaces = self.namespaces.len();
        let sent: Vec<_> = [&theirs].into_iter().chain(&self.namespaces).chain(&streams).collect();
        let sent: Vec<_> = sent.into_iter().map(OwnedFd::as_fd).collect();
        let request = Request::Attach { spec: Box::new(spec.clone()), namespaces };
        wire::send(&self.keeper, &request, &sent)?;
        drop(theirs);
        let minder = process_of(&ours, WHO)?;
        start((&ours, &minder), holders, spec.limits.pids)?;
        // The supervisor keeps the sandbox's limits; a visitor keeps none.
        spec.limits = Limits::default();
        wire::send(visitor, &Answer::Admitted(Box::new(spec)), &[ours.as_fd(), minder.as_fd()])
    }
}

/// Starts a command in the sandbox whose door is in `directory`.
pub fn attach(directory: &HostPath, command: &[String], stdio: Stdio) -> Result<Sandbox, Error> {
    let door = socket::connect(directory, NAME).map_err(Error::Talk)?;
    let streams = Streams::new(stdio).map_err(Error::Talk)?;
    let theirs: Vec<_> = streams.theirs.iter().map(OwnedFd::as_fd).collect();
    let knock = Knock { command: command.to_vec(), stdio };
    wire::send(&door, &knock, &theirs)?;
    match wire::receive(&door, "supervisor")? {
        Some((Answer::Admitted(spec), mut descriptors)) if descriptors.len() == 2 => {
            let minder = descriptors.remove(1);
            Sandbox::visiting(&spec, (descriptors.remove(0), minder), streams.ours)
        }
        Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
        _ => Err(Error::Lost { who: "supervisor" }),
    }
}

/// Whether a directory has a door.
pub fn has_door(directory: &Path) -> bool {
    crate::sys::fs::exists(directory.join(NAME))
}
