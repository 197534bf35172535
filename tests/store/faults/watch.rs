//! A program whose system calls this process answers for the kernel (`seccomp_unotify(2)`): most are let through.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use super::calls::{Call, numbers};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The kernel does it.
    Through,
    /// It fails with this error.
    Fails(i32),
    /// It did this much.
    Did(i64),
}

const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;

#[repr(C)]
#[derive(Default)]
struct Notice {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    machine: u32,
    instruction: u64,
    arguments: [u64; 6],
}

#[repr(C)]
struct Reply {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// The filter: the watched calls of this machine's kind are asked about, all others go through.
fn filter() -> Vec<libc::sock_filter> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const NATIVE: u32 = 0xc000_003e;
    let row = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let numbers = numbers().collect::<Vec<_>>();
    let count = numbers.len() as u8;
    let mut program = vec![row(LOAD, 4, 0, 0), row(EQUAL, NATIVE, 0, count + 1), row(LOAD, 0, 0, 0)];
    for (at, number) in (0..).zip(numbers) {
        program.push(row(EQUAL, number, count - at, 0));
    }
    program.push(row(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    program.push(row(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0));
    program
}

/// Starts a program that is watched. Only root can; `None` where the kernel refuses.
pub(super) fn start(mut command: Command) -> Option<(Child, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (program, socket) = (filter(), theirs.as_raw_fd());
    #[expect(unsafe_code, reason = "a filter must be installed in the child")]
    // SAFETY: the closure makes two system calls and touches only what it owns.
    unsafe {
        command.pre_exec(move || install(&program, socket));
    }
    let child = command.spawn().ok()?;
    Some((child, receive(&ours)?))
}

fn install(program: &[libc::sock_filter], socket: RawFd) -> io::Result<()> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    #[expect(unsafe_code, reason = "seccomp has no wrapper")]
    // SAFETY: the kernel copies the program, which outlives the call.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    let listener = [listener as RawFd];
    let rights = nix::sys::socket::ControlMessage::ScmRights(&listener);
    let bytes = [io::IoSlice::new(b"x")];
    let flags = nix::sys::socket::MsgFlags::empty();
    nix::sys::socket::sendmsg::<()>(socket, &bytes, &[rights], flags, None).map(drop).map_err(io::Error::from)
}

fn receive(socket: &UnixStream) -> Option<OwnedFd> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    let (mut byte, mut space) = ([0], nix::cmsg_space!(RawFd));
    let mut bytes = [io::IoSliceMut::new(&mut byte)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut bytes, Some(&mut space), MsgFlags::empty()).ok()?;
    let mut rights = message.cmsgs().ok()?.filter_map(|found| match found {
        ControlMessageOwned::ScmRights(list) => list.first().copied(),
        _ => None,
    });
    let listener = rights.next()?;
    #[expect(unsafe_code, reason = "the kernel made this descriptor for us")]
    // SAFETY: nothing else owns it.
    Some(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// Answers calls until no watched process is left.
pub(super) fn answer(listener: &OwnedFd, decide: &mut dyn FnMut(Call) -> Answer) {
    loop {
        let mut poll = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        #[expect(unsafe_code, reason = "poll, and two ioctls without a wrapper")]
        // SAFETY: every pointer is to a structure laid out as the kernel's, which outlives the call.
        unsafe {
            if libc::poll(&raw mut poll, 1, -1) < 0 || poll.revents & libc::POLLIN == 0 {
                if poll.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                    return;
                }
                continue;
            }
            let mut notice = Notice::default();
            if libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut notice) < 0 {
                continue;
            }
            let number = i64::from(notice.number);
            let call = Call { process: notice.pid, number, arguments: notice.arguments };
            let (value, error, flags) = match decide(call) {
                Answer::Through => (0, 0, 1),
                Answer::Fails(error) => (0, -error, 0),
                Answer::Did(value) => (value, 0, 0),
            };
            let reply = Reply { id: notice.id, value, error, flags };
            // Whoever was killed meanwhile wants no answer.
            let _ = libc::ioctl(listener.as_raw_fd(), SEND, &raw const reply);
        }
    }
}

/// A file that another process has open, with its place in it.
pub(super) fn descriptor(thread: u32, number: RawFd) -> Option<File> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse::<i32>().ok()?;
    #[expect(unsafe_code, reason = "pidfd_open and pidfd_getfd have no wrapper here")]
    // SAFETY: both calls take numbers; what they return is owned by nobody else.
    unsafe {
        let handle = libc::syscall(libc::SYS_pidfd_open, process, 0);
        if handle < 0 {
            return None;
        }
        let handle = OwnedFd::from_raw_fd(handle as RawFd);
        let file = libc::syscall(libc::SYS_pidfd_getfd, handle.as_raw_fd(), number, 0);
        (file >= 0).then(|| File::from_raw_fd(file as RawFd))
    }
}
