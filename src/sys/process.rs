//! Making processes, giving them identities, replacing and ending them. Everything here that copies a process is
//! only for a process with one thread: the keeper and what comes from it.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::process::{DumpableBehavior, Pid, Signal};

use crate::sys::SysError;
use crate::sys::error::{checked, quoted};

type Result<T> = std::result::Result<T, SysError>;

/// Kinds of namespaces that a new process gets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespaces(u64);

impl Namespaces {
    /// None: a plain copy.
    pub const NONE: Self = Self(0);
    /// Mounts.
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS as u64);
    /// Process ids.
    pub const PID: Self = Self(libc::CLONE_NEWPID as u64);
    /// Network.
    pub const NET: Self = Self(libc::CLONE_NEWNET as u64);
    /// System V IPC and POSIX message queues.
    pub const IPC: Self = Self(libc::CLONE_NEWIPC as u64);
    /// Host and domain name.
    pub const UTS: Self = Self(libc::CLONE_NEWUTS as u64);
    /// Control groups.
    pub const CGROUP: Self = Self(libc::CLONE_NEWCGROUP as u64);
    /// Users and capabilities.
    pub const USER: Self = Self(libc::CLONE_NEWUSER as u64);
    /// Clocks; only for the next child.
    pub const TIME: Self = Self(0x80);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Copied {
    /// The new one.
    Child,
    /// The old one, with a descriptor of the new one.
    Parent(OwnedFd),
}

/// `clone3` without a shared address space: copies this process, which must have one thread, into new namespaces.
pub fn copy(namespaces: Namespaces) -> Result<Copied> {
    let mut pidfd: RawFd = -1;
    // The fields of `struct clone_args` up to version 0, all that is used here.
    let mut args = [0_u64; 8];
    args[0] = namespaces.0 | libc::CLONE_PIDFD as u64;
    args[1] = std::ptr::from_mut(&mut pidfd) as u64;
    args[4] = libc::SIGCHLD as u64;
    #[expect(unsafe_code, reason = "no safe wrapper of clone3 exists")]
    // SAFETY: without CLONE_VM the child is a copy, as after fork; `args` is a valid clone_args of its stated size,
    // and the kernel writes only `pidfd`, which outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_clone3, args.as_mut_ptr(), size_of_val(&args)) };
    let made = match checked("clone3", format_args!("{:#x}", namespaces.0), result) {
        // The filters of containers hide it, since they cannot look into its arguments.
        Err(error) if error.errno() == Some(libc::ENOSYS) => old_clone(args[0], &mut pidfd)?,
        made => made?,
    };
    match made {
        0 => Ok(Copied::Child),
        _ => Ok(Copied::Parent(owned(pidfd))),
    }
}

/// `clone`, which knows all flags used here but takes its arguments in an order of the architecture's.
fn old_clone(flags: u64, pidfd: &mut RawFd) -> Result<i64> {
    let flags = flags | libc::SIGCHLD as u64;
    let first = if cfg!(target_arch = "s390x") { [0, flags] } else { [flags, 0] };
    #[expect(unsafe_code, reason = "no safe wrapper of clone exists")]
    // SAFETY: without CLONE_VM and without a stack the child is a copy, as after fork, and the kernel writes only
    // `pidfd`, which outlives the call.
    let result =
        unsafe { libc::syscall(libc::SYS_clone, first[0], first[1], std::ptr::from_mut(pidfd), 0, 0) };
    checked("clone", format_args!("{flags:#x}"), result)
}

/// `fork` with the C library's knowledge, for a child that goes on running code of all kinds.
pub fn fork() -> Result<Option<Pid>> {
    #[expect(unsafe_code, reason = "fork is unsafe where there are threads")]
    // SAFETY: callers are the keeper and its descendants, which have one thread.
    let result = unsafe { libc::fork() };
    Ok(Pid::from_raw(checked("fork", "", i64::from(result))? as i32))
}

pub(in crate::sys) fn owned(fd: RawFd) -> OwnedFd {
    #[expect(unsafe_code, reason = "the kernel just made this descriptor for us")]
    // SAFETY: the descriptor is new and nobody else owns it.
    unsafe {
        OwnedFd::from_raw_fd(fd)
    }
}

/// Takes over one of the standard descriptors, 0 to 2, which the caller's parent prepared.
pub fn standard(number: RawFd) -> OwnedFd {
    owned(number)
}

/// Another descriptor for one of this process's own standard streams.
pub fn standard_copy(number: RawFd) -> Result<OwnedFd> {
    let copy = match number {
        0 => rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3),
        1 => rustix::io::fcntl_dupfd_cloexec(std::io::stdout(), 3),
        _ => rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 3),
    };
    copy.map_err(|error| SysError::new("fcntl", format!("{number}, F_DUPFD_CLOEXEC"), error))
}

/// The process that made this one, or that took it over.
pub fn parent() -> u32 {
    rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get() as u32)
}

/// Ends this process at once: no destructors, no buffers.
pub fn exit(code: i32) -> ! {
    #[expect(unsafe_code, reason = "_exit has no safe wrapper")]
    // SAFETY: always sound; the kernel cleans up.
    unsafe {
        libc::_exit(code)
    }
}

/// Moves this process into new namespaces.
pub fn unshare(namespaces: Namespaces) -> Result<()> {
    #[expect(unsafe_code, reason = "unshare of the file table would be unsafe; namespaces are not")]
    // SAFETY: only namespace flags can be in `namespaces`.
    let result = unsafe { libc::unshare(namespaces.0 as i32) };
    checked("unshare", format_args!("{:#x}", namespaces.0), i64::from(result)).map(drop)
}

/// Descriptors of the namespaces that this process has, but for its user namespace: what [`enter`] takes.
pub fn namespaces() -> Result<Vec<OwnedFd>> {
    let open = |name: &&str| crate::sys::fs::open(format!("/proc/self/ns/{name}")).map(OwnedFd::from);
    // The namespace of the mounts comes last: whoever enters it sees another /proc.
    ["cgroup", "ipc", "net", "pid", "time_for_children", "uts", "mnt"].iter().map(open).collect()
}

/// Moves this process into a namespace; its next child where that is one of process ids.
pub fn enter(namespace: impl AsFd) -> Result<()> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), None).map_err(quoted("setns", ""))
}

/// Asks the kernel to kill this process when its parent ends.
pub fn die_with_parent() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(quoted("prctl", "PR_SET_PDEATHSIG, SIGKILL"))
}

/// Whether other processes with the same identity may look into this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspection {
    /// Yes, as usual.
    Allowed,
    /// No: its `/proc` entries belong to the host's root, and nobody attaches.
    Refused,
}

/// Sets whether this process can be inspected.
pub fn set_inspection(inspection: Inspection) -> Result<()> {
    let (behaviour, text) = match inspection {
        Inspection::Allowed => (DumpableBehavior::Dumpable, "PR_SET_DUMPABLE, 1"),
        Inspection::Refused => (DumpableBehavior::NotDumpable, "PR_SET_DUMPABLE, 0"),
    };
    rustix::process::set_dumpable_behavior(behaviour).map_err(quoted("prctl", text))
}

/// `no_new_privs`: set-id bits and file capabilities give nothing from now on.
pub fn no_new_privileges() -> Result<()> {
    rustix::thread::set_no_new_privs(true).map_err(quoted("prctl", "PR_SET_NO_NEW_PRIVS"))
}

/// `uname -m` names the 32-bit machine from now on.
pub fn become_32_bit() -> Result<()> {
    const PER_LINUX32: libc::c_ulong = 0x0008;
    #[expect(unsafe_code, reason = "personality has no wrapper here")]
    // SAFETY: changes how the kernel answers this process, and nothing in memory.
    let result = unsafe { libc::personality(PER_LINUX32) };
    checked("personality", "PER_LINUX32", i64::from(result)).map(drop)
}

/// A new session without a terminal.
pub fn new_session() -> Result<()> {
    rustix::process::setsid().map(drop).map_err(quoted("setsid", ""))
}

/// Leaves the inherited session keyring for a new anonymous one.
pub fn new_keyring() -> Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_long = 1;
    #[expect(unsafe_code, reason = "keyctl has no wrapper")]
    // SAFETY: a null name asks for an anonymous keyring; nothing is read or written.
    let result = unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0) };
    match checked("keyctl", "JOIN_SESSION_KEYRING", result) {
        // A kernel, or a container, without keyrings: then nobody below can reach one either.
        Err(error) if matches!(error.errno(), Some(libc::ENOSYS | libc::EPERM)) => Ok(()),
        other => other.map(drop),
    }
}

/// Becomes `uid` and `gid` with `groups` as supplementary groups; `None` leaves the groups alone.
pub fn become_user(uid: u32, gid: u32, groups: Option<&[u32]>) -> Result<()> {
    let (user, group) = (rustix::process::Uid::from_raw(uid), rustix::process::Gid::from_raw(gid));
    rustix::thread::set_thread_res_gid(group, group, group).map_err(quoted("setresgid", gid.to_string()))?;
    if let Some(groups) = groups {
        let ids: Vec<_> = groups.iter().map(|gid| rustix::process::Gid::from_raw(*gid)).collect();
        rustix::thread::set_thread_groups(&ids).map_err(quoted("setgroups", format_args!("{groups:?}")))?;
    }
    rustix::thread::set_thread_res_uid(user, user, user).map_err(quoted("setresuid", uid.to_string()))
}

/// The user and group ids of this process.
pub fn identity() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// This process's id.
pub fn pid() -> u32 {
    rustix::process::getpid().as_raw_nonzero().get() as u32
}

/// Drops all supplementary groups.
pub fn drop_groups() -> Result<()> {
    rustix::thread::set_thread_groups(&[]).map_err(quoted("setgroups", "[]"))
}

/// Whether the kernel is of this version or a later one.
pub fn kernel_is(version: (u32, u32)) -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= version
}

/// Whether set-id bits and file capabilities give this process nothing.
pub fn is_without_new_privileges() -> bool {
    rustix::thread::no_new_privs().unwrap_or(false)
}

/// Whether groups can be changed in this user namespace at all; in one with a single id they cannot.
pub fn may_set_groups() -> bool {
    crate::sys::fs::read_text("/proc/self/setgroups").map_or(true, |text| text.trim() != "deny")
}

/// The usual mask for new files.
pub fn set_umask() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
}

/// Closes every descriptor from `first` on, but for `keep`.
pub fn close_all_from(first: RawFd, keep: &[RawFd]) -> Result<()> {
    let mut keep: Vec<_> = keep.iter().copied().filter(|fd| *fd >= first).collect();
    keep.sort_unstable();
    let mut from = first as u32;
    for fd in keep.iter().map(|fd| *fd as u32).chain([u32::MAX]) {
        let to = if fd == u32::MAX { fd } else { fd.wrapping_sub(1) };
        if fd > from {
            close_range(from, to)?;
        }
        from = fd.wrapping_add(1);
    }
    Ok(())
}

fn close_range(from: u32, to: u32) -> Result<()> {
    #[expect(unsafe_code, reason = "closing descriptors that somebody owns is unsafe")]
    // SAFETY: called right before exec, or right after a copy for descriptors that the copy does not own as values.
    let result = unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) };
    checked("close_range", format_args!("{from}, {to}"), result).map(drop)
}

/// Makes `fd` the standard descriptor `number`, open across exec.
pub fn set_standard(number: RawFd, fd: impl AsFd) -> Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    if fd == number {
        return Ok(());
    }
    #[expect(unsafe_code, reason = "dup2 onto a descriptor that somebody owns is unsafe")]
    // SAFETY: 0 to 2 are not owned by any value in the processes that call this.
    let result = unsafe { libc::dup2(fd, number) };
    checked("dup2", format_args!("{fd}, {number}"), i64::from(result)).map(drop)
}

/// Sets the host name and an empty domain name.
pub fn set_hostname(name: &str) -> Result<()> {
    rustix::system::sethostname(name.as_bytes()).map_err(quoted("sethostname", format_args!("{name:?}")))?;
    rustix::system::setdomainname(b"(none)").map_err(quoted("setdomainname", "(none)"))
}

/// Changes the working directory.
pub fn chdir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    rustix::process::chdir(path).map_err(quoted("chdir", format_args!("{path:?}")))
}

/// Replaces this program. Returns only on failure.
pub fn exec(path: &OsStr, argv: &[CString], environment: &[CString]) -> SysError {
    let args = format!("{path:?}");
    let Ok(path) = CString::new(path.as_bytes()) else {
        return SysError::new("execve", args, std::io::Error::from_raw_os_error(libc::EINVAL));
    };
    let pointers = |list: &[CString]| -> Vec<_> {
        list.iter().map(|item| item.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (argv, environment) = (pointers(argv), pointers(environment));
    #[expect(unsafe_code, reason = "no safe wrapper takes prepared vectors")]
    // SAFETY: both vectors end in a null pointer and the strings outlive the call.
    unsafe {
        libc::execve(path.as_ptr(), argv.as_ptr(), environment.as_ptr());
    }
    SysError::new("execve", args, std::io::Error::last_os_error())
}

/// Every signal does what it does by default and none is blocked, whatever the parent process had arranged.
pub fn default_signals() -> Result<()> {
    for signal in 1..=SIGNALS {
        set_handling(signal, libc::SIG_DFL);
    }
    set_mask(libc::SIG_SETMASK, &[])
}

/// No signal is blocked.
pub fn unblock_signals() -> Result<()> {
    set_mask(libc::SIG_SETMASK, &[])
}

/// The highest signal number.
const SIGNALS: i32 = 64;

pub(in crate::sys) fn set_handling(signal: i32, handling: libc::sighandler_t) {
    #[expect(unsafe_code, reason = "installing handlers is unsafe; these are the two that run no code")]
    // SAFETY: SIG_DFL and SIG_IGN run no code; numbers that cannot be set are refused without effect.
    unsafe {
        libc::signal(signal, handling);
    }
}

pub(in crate::sys) fn set_mask(how: i32, signals: &[i32]) -> Result<()> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    #[expect(unsafe_code, reason = "signal sets have no safe wrapper here")]
    // SAFETY: `sigemptyset` initialises the set before it is used; the old mask is not asked for.
    let result = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        libc::sigprocmask(how, set.as_ptr(), std::ptr::null_mut())
    };
    checked("sigprocmask", format_args!("{signals:?}"), i64::from(result)).map(drop)
}

/// A limit of one process and its children.
#[derive(Debug, Clone, Copy)]
pub enum Resource {
    /// Real-time priority.
    RealTime,
    /// How far a nice value may be lowered.
    Priority,
    /// Size of core files.
    Core,
    /// Open files.
    Files,
    /// Processes of one user id.
    Processes,
}

/// Sets a limit, never above the hard one that is there already.
pub fn set_limit(resource: Resource, soft: u64, hard: u64) -> Result<()> {
    use rustix::process::{Resource as Kind, Rlimit, getrlimit, setrlimit};
    let kind = match resource {
        Resource::RealTime => Kind::Rtprio,
        Resource::Priority => Kind::Nice,
        Resource::Core => Kind::Core,
        Resource::Files => Kind::Nofile,
        Resource::Processes => Kind::Nproc,
    };
    let hard = getrlimit(kind).maximum.map_or(hard, |present| present.min(hard));
    let limit = Rlimit { current: Some(soft.min(hard)), maximum: Some(hard) };
    setrlimit(kind, limit).map_err(quoted("setrlimit", format_args!("{resource:?}, {soft}, {hard}")))
}

/// The size of a page of memory in bytes.
pub fn page_size() -> u64 {
    constant(libc::_SC_PAGESIZE)
}

/// The unit of processor time in `/proc`.
pub fn ticks_per_second() -> u64 {
    constant(libc::_SC_CLK_TCK)
}

fn constant(name: i32) -> u64 {
    #[expect(unsafe_code, reason = "sysconf has no wrapper here")]
    // SAFETY: always sound; the names used here have a positive value on every Linux.
    let value = unsafe { libc::sysconf(name) };
    value.max(1) as u64
}

/// The processors that this process may use.
pub fn processors() -> Vec<u32> {
    let set = rustix::thread::sched_getaffinity(None).unwrap_or_default();
    (0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|number| set.is_set(*number))
        .map(|number| number as u32)
        .collect()
}

/// Uses only these processors from now on.
pub fn keep_to(processors: &[u32]) -> Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    let known = processors.iter().filter(|number| (**number as usize) < rustix::thread::CpuSet::MAX_CPU);
    known.for_each(|number| set.set(*number as usize));
    rustix::thread::sched_setaffinity(None, &set)
        .map_err(quoted("sched_setaffinity", format_args!("{processors:?}")))
}

/// Whole seconds of the monotonic clock and of the clock that also counts sleep.
pub fn uptimes() -> (i64, i64) {
    use rustix::time::{ClockId, clock_gettime};
    (clock_gettime(ClockId::Monotonic).tv_sec, clock_gettime(ClockId::Boottime).tv_sec)
}
