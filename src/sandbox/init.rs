//! PID 1 of a sandbox: makes the root, enters it, starts the payload, reaps, and ends when the payload does, which
//! makes the kernel kill whatever is left.

use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};

use rustix::process::Pid;

use crate::plan::{Network, SandboxSpec, Tier};
use crate::sandbox::error::During as _;
use crate::sandbox::payload::{Payload, Started, identity};
use crate::sandbox::serve::JobTable;
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
        let ended = self.attend(payload.pid, &payload.children);
        let cpu_milliseconds = child::children_cpu_milliseconds();
        let answer = match ended {
            Ended::Exited(code) => Answer::Exited { code, cpu_milliseconds },
            Ended::Signalled(signal) => Answer::Signalled { signal, cpu_milliseconds },
        };
        let _ = wire::send(&self.supervisor, &answer, &[]);
        process::exit(0)
    }

    fn prepare(&mut self) -> Result<Running, Failure> {
        self.leave_the_keeper().during("leaving the keeper")?;
        match wire::receive(&self.supervisor, "supervisor") {
            Ok(Some((Order::Go { processes }, _))) => {
                separate(processes).during("entering the last namespaces")?;
            }
            // Nobody is there to be told: the supervisor has ended or was interrupted.
            _ => process::exit(1),
        }
        let root = root::build(&self.spec, identity(&self.spec, self.tier))?;
        set_clocks().during("setting the clocks")?;
        process::set_hostname(&self.spec.hostname).during("setting the host name")?;
        if self.spec.network == Network::None {
            net::loopback_up().during("starting the loopback interface")?;
        }
        mount::enter(&root).during("entering the root")?;
        drop(root);
        process::set_inspection(Inspection::Refused).during("hiding PID 1")?;
        process::no_new_privileges().during("renouncing privileges")?;
        let children = child::children_descriptor().during("watching for children")?;
        let streams = std::mem::take(&mut self.streams);
        let payload = Payload { spec: &self.spec, tier: self.tier, jobs: self.jobs, streams };
        let Started { pid, terminal } = payload.start()?;
        caps::bound(Capabilities::KILL)
            .and_then(|()| caps::set(Capabilities::KILL))
            .during("renouncing capabilities")?;
        let terminal: Vec<_> = terminal.iter().map(OwnedFd::as_fd).collect();
        if wire::send(&self.supervisor, &Answer::Ready, &terminal).is_err() {
            process::exit(1);
        }
        Ok(Running { pid, children })
    }

    fn leave_the_keeper(&self) -> Result<(), SysError> {
        process::die_with_parent()?;
        process::default_signals()?;
        let null = fs::open("/dev/null")?;
        process::set_standard(0, &null)?;
        let mut keep: Vec<_> = self.streams.iter().map(AsRawFd::as_raw_fd).collect();
        keep.push(self.supervisor.as_raw_fd());
        drop(null);
        process::close_all_from(3, &keep)?;
        process::new_session()
    }

    /// Reaps until the payload has ended; passes on the supervisor's orders.
    fn attend(&self, payload: Pid, children: &OwnedFd) -> Ended {
        let mut supervised = true;
        loop {
            while let Ok(Some((pid, ended))) = child::reap() {
                if pid == payload {
                    return ended;
                }
            }
            let watched: &[&OwnedFd] = if supervised { &[children, &self.supervisor] } else { &[children] };
            let ready = poll::readable(watched, None).unwrap_or_default();
            poll::drain(children);
            if ready.contains(&1) {
                match wire::receive(&self.supervisor, "supervisor") {
                    Ok(Some((Order::Terminate, _))) => child::terminate_group(payload),
                    Ok(Some((Order::Go { .. }, _))) => {}
                    // Without a supervisor nobody wants the result.
                    Ok(None) | Err(_) => process::exit(1),
                }
                supervised = true;
            }
        }
    }
}

struct Running {
    pid: Pid,
    children: OwnedFd,
}

/// The next child's clocks start at one second, so that a build cannot see how long the host is up.
fn set_clocks() -> Result<(), SysError> {
    process::set_inspection(Inspection::Allowed)?;
    process::unshare(Namespaces::TIME)?;
    let (monotonic, boottime) = process::uptimes();
    let text = format!("monotonic -{} 0\nboottime -{} 0\n", monotonic.max(1) - 1, boottime.max(1) - 1);
    fs::write("/proc/self/timens_offsets", text.as_bytes())
}

fn separate(processes: Option<u64>) -> Result<(), SysError> {
    process::unshare(Namespaces::CGROUP)?;
    mount::set_propagation(Propagation::Private)?;
    // 1 and not 0: with 0 the kernel would still start a piped core handler on the host.
    process::set_limit(Resource::Core, 1, 1)?;
    process::set_limit(Resource::Files, 1024, 524_288)?;
    process::set_limit(Resource::RealTime, 0, 0)?;
    process::set_limit(Resource::Priority, 0, 0)?;
    processes.map_or(Ok(()), |most| process::set_limit(Resource::Processes, most, most))
}
