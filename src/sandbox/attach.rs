//! The minder of one more command in a sandbox that runs. It enters the sandbox's namespaces but for that of process
//! ids, so that nothing inside can see it, starts the command with the rights and in the limits that the sandbox's own
//! command has, and ends with it. When the sandbox ends, the kernel kills the command.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use crate::plan::{SandboxSpec, Tier};
use crate::sandbox::Failure;
use crate::sandbox::error::During as _;
use crate::sandbox::init::{Running, attend, leave_the_keeper, renounce, set_limits};
use crate::sandbox::payload::{Company, Payload, Started};
use crate::sandbox::serve::JobTable;
use crate::sandbox::wire::{self, Answer, Order};
use crate::sys::process::{self, Inspection};
use crate::sys::{SysError, child};

/// Everything that the minder is given.
pub(super) struct Minder {
    /// The sandbox, with the new command for its own.
    pub spec: SandboxSpec,
    /// How the keeper's ids are mapped.
    pub tier: Tier,
    /// kiln's own functions.
    pub jobs: JobTable,
    /// Where orders come from and answers go.
    pub visitor: OwnedFd,
    /// The sandbox's namespaces.
    pub namespaces: Vec<OwnedFd>,
    /// The command's standard streams; none where it gets a terminal.
    pub streams: Vec<OwnedFd>,
}

impl Minder {
    /// Runs to the end of the command.
    pub(super) fn run(mut self) -> ! {
        match self.prepare() {
            Ok(running) => attend(&running, &self.visitor),
            Err(failure) => {
                let _ = wire::send(&self.visitor, &Answer::Failed(failure), &[]);
                process::exit(1)
            }
        }
    }

    fn prepare(&mut self) -> Result<Running, Failure> {
        let own = [&self.visitor].into_iter().chain(&self.namespaces).chain(&self.streams);
        let own: Vec<_> = own.map(OwnedFd::as_raw_fd).collect();
        leave_the_keeper(&self.spec, &own).during("leaving the keeper")?;
        match wire::receive(&self.visitor, "supervisor") {
            Ok(Some((Order::Go { processes, processors }, _))) => {
                set_limits(processes, processors.as_deref()).during("setting limits")?;
            }
            // Nobody is there to be told.
            _ => process::exit(1),
        }
        self.enter().during("entering the sandbox")?;
        let children = child::children_descriptor().during("watching for children")?;
        let streams = std::mem::take(&mut self.streams);
        let company = Company::Hostile;
        let payload = Payload { spec: &self.spec, tier: self.tier, jobs: self.jobs, streams, company };
        let Started { pid, terminal } = payload.start()?;
        renounce().during("renouncing capabilities")?;
        let terminal: Vec<_> = terminal.iter().map(OwnedFd::as_fd).collect();
        if wire::send(&self.visitor, &Answer::Ready { namespaces: 0 }, &terminal).is_err() {
            process::exit(1);
        }
        Ok(Running { pid, children })
    }

    fn enter(&mut self) -> Result<(), SysError> {
        process::set_inspection(Inspection::Refused)?;
        for namespace in self.namespaces.drain(..) {
            process::enter(&namespace)?;
        }
        process::no_new_privileges()
    }
}
