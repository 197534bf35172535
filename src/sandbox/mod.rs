//! A `SandboxSpec` becomes a running process, in namespaces of its own.
//!
//! ```text
//! supervisor            kiln itself, threaded, in the host's namespaces
//!  └─ keeper            kiln again: one thread, root of a user namespace, its own mounts; lives as long as kiln
//!      ├─ a job         one of kiln's own functions with the keeper's rights over the store
//!      └─ PID 1         our init: all other namespaces new, the root pivoted; reaps, and dies with what it has
//!          └─ payload   the command: its capabilities, Landlock, seccomp, nothing else
//! ```
//!
//! The process that makes a user namespace must have one thread, so the keeper is a program of its own: kiln
//! executes itself. It holds no state but the namespace; each request is a message with descriptors, and the answers
//! come from the process that does the work, through a socket that the request brought along.
//!
//! What hostile code can reach: the payload's own three descriptors, the mounts of the root, and system calls that
//! the filter lets through. It cannot look into PID 1, which is the only process of ours that it can see.

mod attach;
mod cgroup;
mod door;
mod enforce;
mod error;
mod ids;
mod init;
mod keeper;
mod measure;
mod observe;
mod patrol;
mod payload;
mod role;
mod root;
mod running;
mod scope;
mod seccomp;
mod serve;
mod streams;
mod terminal;
mod watch;
mod wire;

pub use cgroup::Hit;
pub use door::{attach, has_door};
pub use error::{Error, Failure};
pub use ids::id_map;
pub use keeper::Keeper;
pub use observe::{Sample, observe};
pub use role::play;
pub use running::{Outcome, Sandbox, Status};
pub use serve::JobTable;

/// From now on SIGINT, SIGTERM and SIGHUP end sandboxes in an orderly way instead of ending this process.
pub fn catch_signals() -> Result<(), Error> {
    crate::sys::signal::catch().map_err(Error::Talk)
}

/// Whether such a signal came.
pub fn interrupted() -> bool {
    crate::sys::signal::interrupted()
}

/// Whether this process runs as root.
pub fn started_by_root() -> bool {
    crate::sys::process::identity().0 == 0
}
