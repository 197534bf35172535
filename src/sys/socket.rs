//! Pairs of connected sockets that carry messages with descriptors, and pipes.

use std::io::{IoSlice, IoSliceMut, Read as _, Seek as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use crate::sys::SysError;
use crate::sys::error::quoted;

type Result<T> = std::result::Result<T, SysError>;

/// A message's bytes travel in the datagram up to this size, and in a memory file beyond it.
const INLINE: usize = 16 * 1024;
/// More descriptors than any message has.
const DESCRIPTORS: usize = 16;

/// Two connected sockets; message borders are kept, and the end of one side is seen by the other.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(quoted("socketpair", "AF_UNIX, SOCK_SEQPACKET"))
}

/// A socket in a directory that other processes of this user can connect to. The name is bound through the directory's
/// descriptor, so that the directory's path may be longer than a socket's address can be.
pub fn listen(directory: impl AsRef<Path>, name: &str) -> Result<OwnedFd> {
    let (_directory, address) = address(directory.as_ref(), name)?;
    let failed = |call| move |error| SysError::new(call, name, error);
    let flags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(failed("socket"))?;
    rustix::net::bind(&socket, &address).map_err(failed("bind"))?;
    rustix::net::listen(&socket, 8).map_err(failed("listen"))?;
    Ok(socket)
}

/// Connects to such a socket.
pub fn connect(directory: impl AsRef<Path>, name: &str) -> Result<OwnedFd> {
    let (_directory, address) = address(directory.as_ref(), name)?;
    let failed = |call| move |error| SysError::new(call, name, error);
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(failed("socket"))?;
    rustix::net::connect(&socket, &address).map_err(failed("connect"))?;
    Ok(socket)
}

fn address(directory: &Path, name: &str) -> Result<(std::fs::File, SocketAddrUnix)> {
    let directory = crate::sys::fs::open(directory)?;
    let path = format!("/proc/self/fd/{}/{name}", directory.as_fd().as_raw_fd());
    let address = SocketAddrUnix::new(path).map_err(quoted("bind", name))?;
    Ok((directory, address))
}

/// Takes the next connection, with the user id of the process that made it; `None` when there is none. Reading from
/// it waits for `patience` at most.
pub fn accept(listener: impl AsFd, patience: Duration) -> Result<Option<(OwnedFd, u32)>> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
    let connection = match rustix::net::accept_with(listener, SocketFlags::CLOEXEC) {
        Ok(connection) => connection,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {
            return Ok(None);
        }
        Err(error) => return Err(SysError::new("accept4", "", error)),
    };
    let uid = socket_peercred(&connection).map_err(quoted("getsockopt", "SO_PEERCRED"))?.uid.as_raw();
    set_socket_timeout(&connection, Timeout::Recv, Some(patience))
        .map_err(quoted("setsockopt", "SO_RCVTIMEO"))?;
    Ok(Some((connection, uid)))
}

/// A pipe: the end to read, the end to write.
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(quoted("pipe2", "O_CLOEXEC"))
}

/// Another descriptor of the same file.
pub fn duplicate(fd: &OwnedFd) -> Result<OwnedFd> {
    fd.try_clone().map_err(quoted("fcntl", "F_DUPFD_CLOEXEC"))
}

/// Sends one message with descriptors.
pub fn send(socket: impl AsFd, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    if message.len() <= INLINE {
        return send_datagram(socket, &[IoSlice::new(b"i"), IoSlice::new(message)], descriptors);
    }
    let memory = rustix::fs::memfd_create("kiln-message", rustix::fs::MemfdFlags::CLOEXEC)
        .map_err(quoted("memfd_create", "kiln-message"))?;
    let mut memory = std::fs::File::from(memory);
    memory.write_all(message).map_err(quoted("write", "kiln-message"))?;
    let all: Vec<_> = std::iter::once(memory.as_fd()).chain(descriptors.iter().copied()).collect();
    send_datagram(socket, &[IoSlice::new(b"m")], &all)
}

fn send_datagram(socket: impl AsFd, parts: &[IoSlice<'_>], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors));
    debug_assert!(fits, "a message has at most {DESCRIPTORS} descriptors");
    loop {
        match rustix::net::sendmsg(socket.as_fd(), parts, &mut control, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(SysError::new("sendmsg", "", error)),
        }
    }
}

/// Waits for one message; `None` when the other side has ended.
pub fn receive(socket: impl AsFd) -> Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut buffer = vec![0; INLINE + 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        match rustix::net::recvmsg(socket.as_fd(), &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received.bytes,
            // The kernel says once that the other side ended without reading everything; what it sent is still there.
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNRESET) => {}
            Err(error) => return Err(SysError::new("recvmsg", "", error)),
        }
    };
    let mut descriptors: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    buffer.truncate(received);
    match buffer.first() {
        None => Ok(None),
        Some(b'm') if !descriptors.is_empty() => {
            let mut memory = std::fs::File::from(descriptors.remove(0));
            memory.rewind().map_err(quoted("lseek", "kiln-message"))?;
            buffer.clear();
            memory.read_to_end(&mut buffer).map_err(quoted("read", "kiln-message"))?;
            Ok(Some((buffer, descriptors)))
        }
        Some(_) => Ok(Some((buffer.split_off(1), descriptors))),
    }
}
