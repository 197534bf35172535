//! A command whose standard streams are kiln's own, through pipes: the command never gets a descriptor of the host's.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::sys::poll::{self, Interest, Moved};
use crate::sys::{SysError, fs, process};

/// Copies this process's standard input into the command's, until either ends. The thread may outlive the sandbox, when
/// nobody ends our input; it holds nothing but the pipe.
pub(super) fn pump_input(pipe: OwnedFd) -> Result<(), SysError> {
    let standard = process::standard_copy(0)?;
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match poll::read(&standard, &mut buffer) {
                Moved::Bytes(count) if write_all(&pipe, &buffer[..count]).is_some() => {}
                Moved::Wait => drop(poll::ready(&[(standard.as_fd(), Interest::Read)], None)),
                Moved::Bytes(_) | Moved::End => return,
            }
        }
    });
    Ok(())
}

/// Writes all, waiting where the pipe is full; nothing when nobody reads any more.
fn write_all(pipe: &OwnedFd, mut rest: &[u8]) -> Option<()> {
    while !rest.is_empty() {
        match poll::write(pipe, rest) {
            Moved::Bytes(count) => rest = &rest[count..],
            Moved::Wait => drop(poll::ready(&[(pipe.as_fd(), Interest::Write)], None)),
            Moved::End => return None,
        }
    }
    Some(())
}

/// Writes to this process's own standard output (1) or error (2).
pub(super) fn pass_on(number: i32, bytes: &[u8]) -> Result<(), SysError> {
    fs::write_all_to(process::standard_copy(number)?, bytes)
}
