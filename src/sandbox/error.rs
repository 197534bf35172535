//! What can go wrong, and what to do about it.

use std::fmt;

use crate::plan::Tier;
use crate::sys::SysError;

/// A failed call inside the sandbox, as it was reported to the outside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// What was being done, such as `mounting the overlay`.
    pub step: String,
    /// The call that failed.
    pub call: String,
    /// Its arguments.
    pub args: String,
    /// What the kernel said.
    pub errno: i32,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, call, args, errno } = self;
        write!(f, "{step}: {call}({args}): {}", std::io::Error::from_raw_os_error(*errno))
    }
}

/// Names the step that a call was part of.
pub(super) trait During<T> {
    /// The failure, with its step.
    fn during(self, step: impl Into<String>) -> Result<T, Failure>;
}

impl<T> During<T> for Result<T, SysError> {
    fn during(self, step: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            step: step.into(),
            call: error.call.to_owned(),
            errno: error.errno().unwrap_or(0),
            args: error.args,
        })
    }
}

/// A sandbox that could not be made, or a job that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host does not allow user namespaces.
    #[error("this host does not let {who} make user namespaces")]
    Refused {
        /// Who asked.
        who: String,
        /// What would allow it.
        hint: String,
        /// The call that was refused, where one was tried.
        #[source]
        source: Option<SysError>,
    },
    /// The keeper could not be started.
    #[error("cannot start the process that holds the user namespace")]
    Start(#[source] SysError),
    /// The id maps could not be written.
    #[error("cannot map user ids into the namespace")]
    Map {
        /// How ids were to be mapped.
        tier: Tier,
        /// What was refused.
        source: SysError,
    },
    /// The control groups could not be made, or a process not be put into them.
    #[error("cannot make the sandbox's control groups")]
    Group(#[source] SysError),
    /// Talking to a process of ours failed.
    #[error("cannot talk to the sandbox")]
    Talk(#[source] SysError),
    /// A process of ours ended without an answer.
    #[error("the {who} ended without an answer")]
    Lost {
        /// Which.
        who: &'static str,
    },
    /// A message that this version does not understand.
    #[error("the {who} sent something unreadable: {text}")]
    Garbled {
        /// Which process.
        who: &'static str,
        /// The start of the message.
        text: String,
    },
    /// A step inside the sandbox failed.
    #[error("sandbox: {0}")]
    Failed(Failure),
    /// One of kiln's own functions failed inside the user namespace.
    #[error("{job}: {reason}")]
    Job {
        /// Which.
        job: String,
        /// What it said.
        reason: String,
    },
}

impl Error {
    /// Whether the host does not allow user namespaces.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Map { .. }) || self.is_masked()
    }

    /// Whether the kernel refuses a fresh /proc since the surrounding container hides parts of its own.
    fn is_masked(&self) -> bool {
        matches!(self, Self::Failed(Failure { step, errno: libc::EPERM, .. }) if step.starts_with("mounting proc"))
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => Some(hint.clone()),
            Self::Failed(Failure { step, args, errno: libc::EINVAL, .. })
                if step == "mounting the overlay" && args.contains("upperdir") =>
            {
                Some(
                    "the store lies on an overlay file system, as in most containers, and the kernel does not write to \
                     one through another: put the store on a volume or a tmpfs: --store DIR"
                        .to_owned(),
                )
            }
            Self::Map { tier: Tier::SubordinateIds, .. } => Some(
                "newuidmap and newgidmap (package uidmap or shadow-utils) must be set-id root, and /etc/subuid and \
                 /etc/subgid must give this user a range"
                    .to_owned(),
            ),
            Self::Map { .. } => Some(
                "root of a container needs the capabilities SETUID, SETGID and SETFCAP to map ids: start the \
                 container with --cap-add, or kiln as a user other than root"
                    .to_owned(),
            ),
            _ if self.is_masked() => Some(
                "/proc of the surrounding container is masked, and the kernel then refuses a fresh one; start the \
                 container with --security-opt unmask=ALL (podman) or systempaths=unconfined (docker)"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
