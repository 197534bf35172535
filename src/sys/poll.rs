//! Waiting for several descriptors at once.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::sys::SysError;

/// The positions of those that can be read, or whose other side is gone; none when the time is over or a signal came.
pub fn readable(descriptors: &[&OwnedFd], timeout: Option<Duration>) -> Result<Vec<usize>, SysError> {
    let watched: Vec<_> = descriptors.iter().map(|fd| (fd.as_fd(), Interest::Read)).collect();
    ready(&watched, timeout)
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
}

/// The positions of those that are ready, or whose other side is gone.
pub fn ready(
    descriptors: &[(std::os::fd::BorrowedFd<'_>, Interest)],
    timeout: Option<Duration>,
) -> Result<Vec<usize>, SysError> {
    let mut watched: Vec<_> = descriptors
        .iter()
        .map(|(fd, interest)| {
            let flags = if *interest == Interest::Read { PollFlags::IN } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(*fd, flags)
        })
        .collect();
    let timeout = timeout
        .map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) as _ });
    match rustix::event::poll(&mut watched, timeout.as_ref()) {
        Err(rustix::io::Errno::INTR) => Ok(Vec::new()),
        Err(error) => Err(SysError::new("poll", format!("{} descriptors", descriptors.len()), error)),
        Ok(_) => {
            let positions = watched.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
            Ok(positions.map(|(position, _)| position).collect())
        }
    }
}

/// Reads and forgets what is there; the descriptor must not block.
pub fn drain(fd: impl AsFd) {
    let mut buffer = [0_u8; 1024];
    while matches!(rustix::io::read(fd.as_fd(), &mut buffer), Ok(1..)) {}
}

/// Makes reading and writing return at once where they would wait.
pub fn set_nonblocking(fd: impl AsFd) -> Result<(), SysError> {
    let flags = rustix::fs::fcntl_getfl(fd.as_fd()).unwrap_or(rustix::fs::OFlags::empty());
    rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)
        .map_err(|error| SysError::new("fcntl", "F_SETFL, O_NONBLOCK", error))
}

/// What a read or a write without waiting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Wait,
    /// Nothing more, ever.
    End,
}

/// Reads what is there.
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> Moved {
    moved(rustix::io::read(fd, buffer))
}

/// Writes what fits.
pub fn write(fd: impl AsFd, bytes: &[u8]) -> Moved {
    moved(rustix::io::write(fd, bytes))
}

fn moved(result: rustix::io::Result<usize>) -> Moved {
    match result {
        Ok(0) => Moved::End,
        Ok(count) => Moved::Bytes(count),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Moved::Wait,
        Err(_) => Moved::End,
    }
}
