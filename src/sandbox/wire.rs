//! The messages between the supervisor, the keeper and PID 1. They never cross to the payload.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::plan::{Job, SandboxSpec, Stdio, Tier};
use crate::sandbox::{Error, Failure};
use crate::sys::child::Spent;
use crate::sys::socket;
use crate::unit::HostPath;

/// What the supervisor asks of the keeper; the answers come through the first descriptor that is sent along.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Request {
    /// The id maps are written: become the namespace's root.
    Mapped(Tier),
    /// Run a function.
    Call(Job),
    /// Mount a directory of the host read-only at a path of the store.
    Mount {
        /// The directory.
        from: HostPath,
        /// The path.
        at: String,
    },
    /// Make a sandbox; its standard streams are sent along.
    Spawn(Box<SandboxSpec>),
    /// Start one more command in a sandbox that runs; its namespaces are sent along, then the standard streams.
    Attach {
        /// The sandbox, with the new command for its own.
        spec: Box<SandboxSpec>,
        /// How many of the descriptors are namespaces.
        namespaces: usize,
    },
}

/// What a visitor asks the supervisor of a running sandbox for; standard streams are sent along where it brings some.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Knock {
    /// The command.
    pub command: Vec<String>,
    /// What its standard streams are.
    pub stdio: Stdio,
}

/// What comes back.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Answer {
    /// The keeper is in its new user namespace and waits for its maps, or is ready.
    Here,
    /// A function's result.
    Done(Result<String, String>),
    /// PID 1 exists; its descriptor is sent along. It makes the root, then waits for `Order::Go`.
    Started,
    /// The payload runs; where visitors are admitted, descriptors of its namespaces are sent along, and where it has a
    /// terminal, the terminal's other side.
    Ready {
        /// How many of the descriptors are namespaces.
        namespaces: usize,
    },
    /// A visitor's command starts, in the sandbox that is described; the socket through which its messages come and
    /// the descriptor of its minder are sent along.
    Admitted(Box<SandboxSpec>),
    /// A step failed.
    Failed(Failure),
    /// The payload ended with this code.
    Exited { code: i32, spent: Spent },
    /// This signal ended the payload.
    Signalled { signal: i32, spent: Spent },
}

/// What the supervisor tells PID 1.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Order {
    /// The control groups are in place: run.
    Go {
        /// How many processes one user id may have, where no group counts them.
        processes: Option<u64>,
        /// The only processors to use, where no group says so.
        processors: Option<Vec<u32>>,
    },
    /// Ask the payload to end.
    Terminate,
}

/// Sends a message.
pub(super) fn send<M: serde::Serialize>(
    socket: impl AsFd,
    message: &M,
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), Error> {
    let bytes = serde_json::to_vec(message).unwrap_or_default();
    socket::send(socket, &bytes, descriptors).map_err(Error::Talk)
}

/// Waits for a message of the process called `who`; `None` when it has ended.
pub(super) fn receive<M: serde::de::DeserializeOwned>(
    socket: impl AsFd,
    who: &'static str,
) -> Result<Option<(M, Vec<OwnedFd>)>, Error> {
    let Some((bytes, descriptors)) = socket::receive(socket).map_err(Error::Talk)? else { return Ok(None) };
    let message = serde_json::from_slice(&bytes).map_err(|_| Error::Garbled {
        who,
        text: String::from_utf8_lossy(&bytes).chars().take(80).collect(),
    })?;
    Ok(Some((message, descriptors)))
}
