//! PID 1 of a sandbox: makes the root, enters it, starts the payload, reaps, and ends when the payload does, which
//! makes the kernel kill whatever is left.

use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};

use rustix::process::Pid;

use crate::plan::{Guard, Nesting, Network, SandboxSpec, Tier, Visitors};
use crate::sandbox::error::During as _;
use crate::sandbox::payload::{Company, Payload, Started, identity};
use crate::sandbox::serve::{JobTable, NAMESPACE_LIMIT};
use crate::sandbox::wire::{self, Answer, Order};
use crate::sandbox::{Failure, root};
use crate::sys::caps::{self, Capabilities};
use crate::sys::child::{self, Ended};
use crate::sys::mount::{self, Propagation};
use crate::sys::process::{self, Inspection, Namespaces, Resource};
use crate::sys::{SysError, fs, net, poll};

/// Everything that PID 1 is given.
pub(super) struct Init {
    /// What to make.
    pub spec: SandboxSpec,
    /// How the keeper's ids are mapped.
    pub tier: Tier,
    /// kiln's own functions.
    pub jobs: JobTable,
    /// Where orders come from and answers go.
    pub supervisor: OwnedFd,
    /// The payload's standard streams; none where it gets a terminal.
    pub streams: Vec<OwnedFd>,
}

impl Init {
    /// Runs to the end of the sandbox.
    pub(super) fn run(mut self) -> ! {
        let payload = match self.prepare() {
            Ok(payload) => payload,
            Err(failure) => {
                let _ = wire::send(&self.supervisor, &Answer::Failed(failure), &[]);
                process::exit(1)
            }
        };
        attend(&payload, &self.supervisor)
    }

    fn prepare(&mut self) -> Result<Running, Failure> {
        let own = self.streams.iter().chain([&self.supervisor]).map(AsRawFd::as_raw_fd);
        leave_the_keeper(&self.spec, &own.collect::<Vec<_>>()).during("leaving the keeper")?;
        mount::set_propagation(Propagation::Private).during("leaving the keeper's mounts")?;
        // The supervisor puts this process into control groups meanwhile.
        let root = root::build(&self.spec, identity(&self.spec, self.tier))?;
        match wire::receive(&self.supervisor, "supervisor") {
            Ok(Some((Order::Go { processes, processors }, _))) => {
                self.separate(processes, processors.as_deref()).during("entering the last namespace")?;
            }
            // Nobody is there to be told: the supervisor has ended or was interrupted.
            _ => process::exit(1),
        }
        let is_unlimited = self.spec.nesting == Nesting::Allowed || !self.spec.has(Guard::NamespaceLimit);
        // Without a user namespace the limit would be the host's.
        if is_unlimited && self.spec.has(Guard::UserNamespace) {
            // The keeper has set it to none; a container may keep /proc/sys read-only, and then it is not none.
            let _ = fs::write(NAMESPACE_LIMIT, b"1000");
        }
        if self.spec.has(Guard::TimeNamespace) {
            set_clocks().during("setting the clocks")?;
        }
        let namespaces = self.namespaces().during("opening the namespaces")?;
        if self.spec.has(Guard::HostName) {
            process::set_hostname(&self.spec.hostname).during("setting the host name")?;
        }
        if self.spec.network == Network::None {
            net::loopback_up().during("starting the loopback interface")?;
        }
        mount::enter(&root).during("entering the root")?;
        drop(root);
        if self.spec.has(Guard::Inspection) {
            process::set_inspection(Inspection::Refused).during("hiding PID 1")?;
        }
        if self.spec.has(Guard::NewPrivileges) {
            process::no_new_privileges().during("renouncing privileges")?;
        }
        let children = child::children_descriptor().during("watching for children")?;
        let streams = std::mem::take(&mut self.streams);
        let company = Company::None;
        let payload = Payload { spec: &self.spec, tier: self.tier, jobs: self.jobs, streams, company };
        let Started { pid, terminal } = payload.start()?;
        renounce().during("renouncing capabilities")?;
        let sent: Vec<_> = namespaces.iter().chain(&terminal).map(OwnedFd::as_fd).collect();
        let answer = Answer::Ready { namespaces: namespaces.len() };
        if wire::send(&self.supervisor, &answer, &sent).is_err() {
            process::exit(1);
        }
        Ok(Running { pid, children })
    }

    fn separate(&self, processes: Option<u64>, processors: Option<&[u32]>) -> Result<(), SysError> {
        if self.spec.has(Guard::CgroupNamespace) {
            process::unshare(Namespaces::CGROUP)?;
        }
        if self.spec.has(Guard::Limits) { set_limits(processes, processors) } else { Ok(()) }
    }

    /// What a visitor's minder will enter.
    fn namespaces(&self) -> Result<Vec<OwnedFd>, SysError> {
        match self.spec.visitors {
            Visitors::Refused => Ok(Vec::new()),
            Visitors::Admitted => process::namespaces(),
        }
    }
}

/// Keeps nothing of the keeper's but the descriptors `own`. The keeper has made every signal do what it does by default,
/// but for that of its children.
pub(super) fn leave_the_keeper(spec: &SandboxSpec, own: &[RawFd]) -> Result<(), SysError> {
    process::die_with_parent()?;
    child::remember_children();
    let null = fs::open("/dev/null")?;
    process::set_standard(0, &null)?;
    drop(null);
    if spec.has(Guard::Descriptors) {
        process::close_all_from(3, own)?;
    }
    process::new_session()
}

/// Gives up everything but the right to end the payload.
pub(super) fn renounce() -> Result<(), SysError> {
    caps::bound(Capabilities::KILL).and_then(|()| caps::set(Capabilities::KILL))
}

/// Reaps until the payload has ended, passes on the supervisor's orders, says how it ended, and ends.
pub(super) fn attend(running: &Running, supervisor: &OwnedFd) -> ! {
    let ended = watch(running, supervisor);
    let spent = child::spent_by_children();
    let answer = match ended {
        Ended::Exited(code) => Answer::Exited { code, spent },
        Ended::Signalled(signal) => Answer::Signalled { signal, spent },
    };
    let _ = wire::send(supervisor, &answer, &[]);
    process::exit(0)
}

fn watch(running: &Running, supervisor: &OwnedFd) -> Ended {
    loop {
        while let Ok(Some((pid, ended))) = child::reap() {
            if pid == running.pid {
                return ended;
            }
        }
        let ready = poll::readable(&[&running.children, supervisor], None).unwrap_or_default();
        poll::drain(&running.children);
        if ready.contains(&1) {
            match wire::receive(supervisor, "supervisor") {
                Ok(Some((Order::Terminate, _))) => child::terminate_group(running.pid),
                Ok(Some((Order::Go { .. }, _))) => {}
                // Without a supervisor nobody wants the result.
                Ok(None) | Err(_) => process::exit(1),
            }
        }
    }
}

/// A payload and what tells of its end.
pub(super) struct Running {
    /// The payload, as the process that minds it sees it.
    pub pid: Pid,
    /// Becomes readable when a child ends.
    pub children: OwnedFd,
}

/// The next child's clocks start at one second, so that a build cannot see how long the host is up.
fn set_clocks() -> Result<(), SysError> {
    process::set_inspection(Inspection::Allowed)?;
    process::unshare(Namespaces::TIME)?;
    let (monotonic, boottime) = process::uptimes();
    let text = format!("monotonic -{} 0\nboottime -{} 0\n", monotonic.max(1) - 1, boottime.max(1) - 1);
    fs::write("/proc/self/timens_offsets", text.as_bytes())
}

/// What every process inside is held to, whatever the control groups do.
pub(super) fn set_limits(processes: Option<u64>, processors: Option<&[u32]>) -> Result<(), SysError> {
    process::set_limit(Resource::Files, 1024, 524_288)?;
    processes.map_or(Ok(()), |most| process::set_limit(Resource::Processes, most, most))?;
    processors.map_or(Ok(()), process::keep_to)
}
