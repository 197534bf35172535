//! The one interface of a new network namespace.

use std::os::fd::AsRawFd as _;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::sys::SysError;
use crate::sys::error::{checked, quoted};

/// Switches the loopback interface on.
pub fn loopback_up() -> Result<(), SysError> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .map_err(quoted("socket", "AF_INET, SOCK_DGRAM"))?;
    let mut request = [0_u8; size_of::<libc::ifreq>()];
    request[..2].copy_from_slice(b"lo");
    request[libc::IFNAMSIZ..libc::IFNAMSIZ + 2].copy_from_slice(&(libc::IFF_UP as u16).to_ne_bytes());
    #[expect(unsafe_code, reason = "the ioctl has no wrapper")]
    // SAFETY: the buffer is as large as `struct ifreq`, with name and flags in their places.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, request.as_ptr()) };
    checked("ioctl", "lo, SIOCSIFFLAGS, IFF_UP", i64::from(result)).map(drop)
}
