//! The command: forked from PID 1 inside the finished root, stripped, then replaced by the program.

use std::ffi::{CString, OsString};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use rustix::process::Pid;

use crate::plan::{Command, Guard, Machine, Nesting, Phase, SandboxSpec, Stdio, Tier};
use crate::sandbox::Failure;
use crate::sandbox::error::During as _;
use crate::sandbox::seccomp::{self, Profile};
use crate::sandbox::serve::{JobTable, run_job};
use crate::sys::caps::{self, Capabilities};
use crate::sys::landlock::Mounts;
use crate::sys::process::{self, Inspection, Namespaces};
use crate::sys::{self, SysError, child, fs, landlock, pty, socket};

/// What PID 1 starts.
pub(super) struct Payload<'a> {
    /// What to run, as whom.
    pub spec: &'a SandboxSpec,
    /// How ids are mapped.
    pub tier: Tier,
    /// kiln's own functions.
    pub jobs: JobTable,
    /// Its standard streams.
    pub streams: Vec<OwnedFd>,
    /// Who could look into it before its program runs.
    pub company: Company,
}

/// Who else is where a payload starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody: it is the first.
    None,
    /// Hostile processes, which may have its rights.
    Hostile,
}

/// A payload whose program runs.
pub(super) struct Started {
    /// Its id in the sandbox.
    pub pid: Pid,
    /// The other side of its terminal, where it has one.
    pub terminal: Option<OwnedFd>,
}

impl Payload<'_> {
    /// Starts the command, and waits until its program runs or has failed to.
    pub(super) fn start(mut self) -> Result<Started, Failure> {
        let terminal = self.open_terminal().during("making a terminal")?;
        match (&self.spec.command, self.company) {
            (Command::Program { .. }, Company::None) => self.start_program(terminal),
            // A function of ours stays in its memory, and hostile company could get at memory that is shared.
            _ => self.start_apart(terminal),
        }
    }

    /// Without a copy of this process's memory, which the program would replace.
    fn start_program(self, terminal: Option<OwnedFd>) -> Result<Started, Failure> {
        let mut failure = None;
        match child::copy_to_execute(&mut || failure = Some(self.become_command(&[]))) {
            Ok(pid) => failure.map_or(Ok(Started { pid, terminal }), Err),
            // Linux 6.1 and older ones do not let processes of two time namespaces share memory, however briefly.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => self.start_apart(terminal),
            Err(error) => Err(error).during("starting the command"),
        }
    }

    /// With a copy; a socket that closes on exec tells.
    fn start_apart(self, terminal: Option<OwnedFd>) -> Result<Started, Failure> {
        let (ours, theirs) = socket::pair().during("starting the command")?;
        match process::fork().during("starting the command")? {
            None => {
                drop(ours);
                // Its descriptors are closed by number on the way, so nobody may close them again.
                let failure = std::mem::ManuallyDrop::new(self).become_command(&[theirs.as_raw_fd()]);
                let _ = socket::send(&theirs, &serde_json::to_vec(&failure).unwrap_or_default(), &[]);
                process::exit(127)
            }
            Some(pid) => {
                drop(theirs);
                drop(self.streams);
                match socket::receive(&ours).during("starting the command")? {
                    None => Ok(Started { pid, terminal }),
                    Some((bytes, _)) => Err(serde_json::from_slice(&bytes).unwrap_or_else(|_| lost())),
                }
            }
        }
    }

    /// Where the command gets a terminal, its inner side is the command's three streams.
    fn open_terminal(&mut self) -> Result<Option<OwnedFd>, SysError> {
        if self.spec.stdio != Stdio::Terminal {
            return Ok(None);
        }
        let (outer, inner) = pty::open(identity(self.spec, self.tier).0)?;
        self.streams = vec![socket::duplicate(&inner)?, socket::duplicate(&inner)?, inner];
        Ok(Some(outer))
    }

    /// Keeps the descriptors `own` until the program runs.
    fn become_command(&self, own: &[RawFd]) -> Failure {
        match self.strip(own) {
            Err(failure) => failure,
            Ok(()) => match &self.spec.command {
                Command::Program { argv } => self.execute(argv),
                Command::Job(job) => {
                    let _ = process::close_all_from(3, &[]);
                    let (stream, text, code) = match run_job(job, self.jobs) {
                        Ok(value) => (1, value, 0),
                        Err(reason) => (2, reason, 1),
                    };
                    let _ = fs::write_all_to(process::standard(stream), text.as_bytes());
                    process::exit(code)
                }
            },
        }
    }

    fn strip(&self, own: &[RawFd]) -> Result<(), Failure> {
        // PID 1 blocks one; how they are handled it has not changed.
        process::unblock_signals().during("unblocking signals")?;
        process::new_session().during("making a session")?;
        for (number, stream) in self.streams.iter().enumerate() {
            process::set_standard(number as i32, stream).during("connecting the standard streams")?;
        }
        if self.spec.stdio == Stdio::Terminal {
            pty::control(&self.streams[0]).during("taking the terminal")?;
        }
        if self.spec.has(Guard::Descriptors) {
            process::close_all_from(3, own).during("closing descriptors")?;
        }
        process::chdir(self.spec.directory.as_str()).during("entering the working directory")?;
        process::set_umask();
        drop_rights(self.spec, self.tier).during("dropping privileges")?;
        if self.spec.machine == Machine::ThirtyTwoBit {
            process::become_32_bit().during("becoming a 32-bit machine")?;
        }
        let SandboxSpec { phase, machine, syncs, nesting, .. } = *self.spec;
        let mounts = if nesting == Nesting::Allowed { Mounts::Allowed } else { Mounts::Refused };
        if self.spec.has(Guard::Landlock) {
            landlock::restrict(mounts).during("restricting itself with Landlock")?;
        }
        if !self.spec.has(Guard::Seccomp) {
            return Ok(());
        }
        let filter = seccomp::filter(Profile { phase, machine, syncs, tier: self.tier, nesting });
        sys::seccomp::install(&filter).during("filtering system calls")
    }

    fn execute(&self, argv: &[String]) -> Failure {
        let step = format!("running `{}`", argv.first().map_or("", String::as_str));
        let words = |list: Vec<String>| list.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
        let environment =
            self.spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (Ok(arguments), Ok(environment)) = (words(argv.to_vec()), words(environment)) else {
            let error = std::io::Error::from_raw_os_error(libc::EINVAL);
            return failed(SysError::new("execve", "an argument with a NUL byte", error), step);
        };
        let mut last = None;
        for candidate in self.candidates(argv.first().map_or("", String::as_str)) {
            let error = process::exec(&candidate, &arguments, &environment);
            let missing = matches!(error.errno(), Some(libc::ENOENT | libc::ENOTDIR));
            if last.is_none() || !missing {
                last = Some(error);
            }
        }
        let missing = || SysError::new("execve", "", std::io::Error::from_raw_os_error(libc::ENOENT));
        failed(last.unwrap_or_else(missing), step)
    }

    /// Where a program may be: as it stands when its name has a slash, else in the directories of the sandbox's PATH.
    fn candidates(&self, name: &str) -> Vec<OsString> {
        if name.contains('/') {
            return vec![OsString::from(name)];
        }
        let path = self.spec.environment.get("PATH").map_or("/usr/bin:/bin", String::as_str);
        path.split(':')
            .filter(|directory| !directory.is_empty())
            .map(|d| format!("{d}/{name}").into())
            .collect()
    }
}

fn failed(error: SysError, step: String) -> Failure {
    match Err::<(), _>(error).during(step) {
        Err(failure) => failure,
        Ok(()) => lost(),
    }
}

fn lost() -> Failure {
    Failure { step: "starting the command".to_owned(), call: String::new(), args: String::new(), errno: 0 }
}

fn drop_rights(spec: &SandboxSpec, tier: Tier) -> Result<(), SysError> {
    let keep = match spec.phase {
        Phase::Install => Capabilities::INSTALL,
        Phase::Build => Capabilities::NONE,
    };
    let keep = if spec.user.0 == 0 { keep } else { Capabilities::NONE };
    process::set_inspection(Inspection::Allowed)?;
    become_user(spec, tier, keep)?;
    if spec.has(Guard::Capabilities) {
        caps::set(keep)?;
    }
    // A program that is executed can be inspected as usual. Until then this may be PID 1's memory.
    process::set_inspection(match spec.command {
        Command::Program { .. } if !spec.has(Guard::Inspection) => Inspection::Allowed,
        _ => Inspection::Refused,
    })?;
    if spec.has(Guard::NewPrivileges) {
        process::no_new_privileges()?;
    }
    process::die_with_parent()
}

/// The ids of the command in the keeper's namespace: with a single id there are no others.
pub(super) fn identity(spec: &SandboxSpec, tier: Tier) -> (u32, u32) {
    if tier == Tier::SingleId { (0, 0) } else { spec.user }
}

/// Takes on the command's ids. With a single id, a user other than root is that id in one more user namespace, so that
/// a build has the same ids everywhere; its bounding set is a new one and has to be emptied again.
fn become_user(spec: &SandboxSpec, tier: Tier, keep: Capabilities) -> Result<(), SysError> {
    let (uid, gid) = spec.user;
    if tier == Tier::SingleId && spec.user != (0, 0) {
        process::unshare(Namespaces::USER)?;
        fs::write("/proc/self/setgroups", b"deny")?;
        fs::write("/proc/self/uid_map", format!("{uid} 0 1\n").as_bytes())?;
        fs::write("/proc/self/gid_map", format!("{gid} 0 1\n").as_bytes())?;
    }
    if spec.has(Guard::Capabilities) {
        caps::bound(keep)?;
    }
    if spec.phase == Phase::Build && spec.has(Guard::Capabilities) {
        caps::lock_secure_bits()?;
    }
    if tier == Tier::SingleId { Ok(()) } else { process::become_user(uid, gid, Some(&[gid])) }
}
