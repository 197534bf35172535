//! What a parent does about its children: starting a program, waiting, signalling, counting. Who copies itself has one thread.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};

use rustix::process::{Pid, Signal, WaitOptions};

use crate::sys::SysError;
use crate::sys::error::checked;
use crate::sys::process::{owned, set_handling, set_mask};

type Result<T> = std::result::Result<T, SysError>;

/// A copy of this process that executes a program: `work` runs in it, in this process's own memory, and this process
/// goes on when the copy has executed its program or has ended, which it does when `work` returns. What is in memory needs
/// no copy that way; descriptors, rights and ids are the copy's own.
pub fn copy_to_execute(mut work: &mut dyn FnMut()) -> Result<Pid> {
    const STACK: usize = 256 * 1024;
    extern "C" fn enter(work: *mut libc::c_void) -> libc::c_int {
        #[expect(unsafe_code, reason = "the kernel passes the pointer as it got it")]
        // SAFETY: the caller passes a valid pointer of this type, and stands still.
        let work = unsafe { &mut *work.cast::<&mut dyn FnMut()>() };
        work();
        libc::EXIT_FAILURE
    }
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    #[expect(unsafe_code, reason = "no safe wrapper of clone exists")]
    // SAFETY: callers have one thread, which stands still while the copy uses the memory; the stack, which ends at a
    // multiple of 16, and `work` outlive that.
    let result = unsafe {
        let top = stack.as_mut_ptr_range().end.cast();
        libc::clone(enter, top, flags, std::ptr::from_mut(&mut work).cast())
    };
    let made = checked("clone", format_args!("{flags:#x}"), i64::from(result))?;
    Pid::from_raw(made as i32)
        .ok_or_else(|| SysError::new("clone", "", std::io::Error::from_raw_os_error(libc::EAGAIN)))
}

/// Children are not waited for: they are gone when they end.
pub fn forget_children() {
    set_handling(libc::SIGCHLD, libc::SIG_IGN);
}

/// The opposite, for a copy of a process that does not wait for its own.
pub fn remember_children() {
    set_handling(libc::SIGCHLD, libc::SIG_DFL);
}

/// A descriptor that becomes readable when a child ends; the signal itself is blocked.
pub fn children_descriptor() -> Result<OwnedFd> {
    set_mask(libc::SIG_BLOCK, &[libc::SIGCHLD])?;
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    #[expect(unsafe_code, reason = "signalfd has no wrapper here")]
    // SAFETY: the set is initialised before it is used, and the descriptor is new.
    let fd = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    checked("signalfd", "SIGCHLD", i64::from(fd)).map(|fd| owned(fd as RawFd))
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It returned this code.
    Exited(i32),
    /// This signal killed it.
    Signalled(i32),
}

/// Reaps one child that has ended; `None` when none has.
pub fn reap() -> Result<Option<(Pid, Ended)>> {
    match rustix::process::wait(WaitOptions::NOHANG) {
        Err(rustix::io::Errno::CHILD) | Ok(None) => Ok(None),
        Err(error) => Err(SysError::new("waitpid", "-1", error)),
        Ok(Some((pid, status))) => {
            let ended = status.exit_status().map_or_else(
                || Ended::Signalled(status.terminating_signal().unwrap_or(libc::SIGKILL)),
                Ended::Exited,
            );
            Ok(Some((pid, ended)))
        }
    }
}

/// Kills the process that a descriptor stands for; one that has ended is no failure.
pub fn kill(pidfd: impl AsFd) -> Result<()> {
    send(pidfd, Signal::KILL, "SIGKILL")
}

fn send(pidfd: impl AsFd, signal: Signal, name: &str) -> Result<()> {
    match rustix::process::pidfd_send_signal(pidfd, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(SysError::new("pidfd_send_signal", name, error)),
    }
}

/// A descriptor of a process by its id.
pub fn open(pid: u32) -> Result<OwnedFd> {
    let failed = |error| SysError::new("pidfd_open", pid.to_string(), error);
    let id = Pid::from_raw(pid as i32).ok_or_else(|| failed(rustix::io::Errno::INVAL))?;
    rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()).map_err(failed)
}

/// Asks the process that a descriptor stands for to end; one that has ended is no failure.
pub fn terminate(pidfd: impl AsFd) -> Result<()> {
    send(pidfd, Signal::TERM, "SIGTERM")
}

/// Waits for the end of the process that a descriptor stands for; whether it came.
pub fn has_ended(pidfd: &OwnedFd, patience: std::time::Duration) -> Result<bool> {
    Ok(!crate::sys::poll::readable(&[pidfd], Some(patience))?.is_empty())
}

/// The process id that a descriptor stands for, as this process sees it.
pub fn pid_of(pidfd: impl AsFd) -> Result<u32> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd());
    let text = crate::sys::fs::read_text(&path)?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse::<u32>().ok());
    pid.filter(|pid| *pid > 0)
        .ok_or_else(|| SysError::new("read", path, std::io::Error::from_raw_os_error(libc::ESRCH)))
}

/// Asks a process group to end.
pub fn terminate_group(leader: Pid) {
    let _ = rustix::process::kill_process_group(leader, Signal::TERM);
}

/// What children that were reaped, and theirs, have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spent {
    /// Processor time of all of them.
    pub cpu_milliseconds: u64,
    /// Most bytes that one process had resident; before it executed a program it was a copy of its parent.
    pub largest_process: u64,
}

/// What all children that were reaped have used, see getrusage(2).
pub fn spent_by_children() -> Spent {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    #[expect(unsafe_code, reason = "getrusage has no wrapper here")]
    // SAFETY: the structure is plain numbers, zero is valid, and the kernel fills it.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let milliseconds = |time: libc::timeval| time.tv_sec as u64 * 1000 + time.tv_usec as u64 / 1000;
    Spent {
        cpu_milliseconds: milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
        largest_process: usage.ru_maxrss as u64 * 1024,
    }
}
