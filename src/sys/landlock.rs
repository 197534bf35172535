//! Landlock: rights that a process gives up for itself and its children.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use crate::sys::SysError;
use crate::sys::error::checked;

const MAKE_CHARACTER_DEVICE: u64 = 1 << 6;
const MAKE_BLOCK_DEVICE: u64 = 1 << 11;
/// To rename and link between directories. A ruleset that does not speak of it forbids it, and every build does it.
const REFER: u64 = 1 << 13;
/// The version that knows it.
const REFERS: i64 = 2;
const ABSTRACT_SOCKETS: u64 = 1 << 0;
const SIGNALS: u64 = 1 << 1;
/// The version that knows scopes.
const SCOPES: i64 = 6;

/// The version that the kernel speaks; 0 where it has none.
pub fn version() -> i64 {
    const VERSION: u32 = 1;
    #[expect(unsafe_code, reason = "landlock has no wrapper here")]
    // SAFETY: with this flag the call reads and writes nothing.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u64>(), 0, VERSION) };
    version.max(0)
}

/// Whether abstract sockets and signals can be kept inside: with the host's network nothing else does it for the sockets.
pub fn has_scopes() -> bool {
    version() >= SCOPES
}

/// Whether a process that restricts itself may mount, given the capabilities for it: a ruleset that handles any right
/// of the file system forbids every mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounts {
    /// No.
    Refused,
    /// Yes; then nothing of the file system is handled.
    Allowed,
}

/// From now on: no device nodes, no mounts, and, where the kernel knows scopes, no signals to and no abstract sockets
/// of processes outside. Needs `no_new_privs`. Does nothing on a kernel without Landlock, or with its first version,
/// under which no file could be renamed from one directory to another.
pub fn restrict(mounts: Mounts) -> Result<(), SysError> {
    let version = version();
    if version < REFERS || (mounts == Mounts::Allowed && version < SCOPES) {
        return Ok(());
    }
    let files = match mounts {
        Mounts::Refused => MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE | REFER,
        Mounts::Allowed => 0,
    };
    // `struct landlock_ruleset_attr`: file system, network, scopes; older kernels know only the first.
    let rules = [files, 0, ABSTRACT_SOCKETS | SIGNALS];
    let size = if version >= SCOPES { size_of_val(&rules) } else { size_of::<u64>() };
    #[expect(unsafe_code, reason = "landlock has no wrapper here")]
    // SAFETY: the array is laid out as the structure of the stated size.
    let ruleset = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, rules.as_ptr(), size, 0) };
    let ruleset = checked("landlock_create_ruleset", format!("version {version}"), ruleset)?;
    #[expect(unsafe_code, reason = "the kernel just made this descriptor for us")]
    // SAFETY: the descriptor is new and nobody else owns it.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset as i32) };
    if files != 0 {
        allow_everywhere(&ruleset, REFER)?;
    }
    #[expect(unsafe_code, reason = "landlock has no wrapper here")]
    // SAFETY: takes a descriptor and flags only.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
    checked("landlock_restrict_self", "", result).map(drop)
}

/// `struct landlock_path_beneath_attr`, which is packed.
#[repr(C, packed)]
struct Beneath {
    rights: u64,
    directory: i32,
}

fn allow_everywhere(ruleset: &OwnedFd, rights: u64) -> Result<(), SysError> {
    const PATH_BENEATH: u32 = 1;
    let root = crate::sys::at::open_place("/")?;
    let rule = Beneath { rights, directory: root.as_raw_fd() };
    #[expect(unsafe_code, reason = "landlock has no wrapper here")]
    // SAFETY: the structure is laid out as the kernel's, and outlives the call.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0)
    };
    checked("landlock_add_rule", "path beneath /", result).map(drop)
}
