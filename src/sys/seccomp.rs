//! Handing a system call filter to the kernel.

use crate::sys::SysError;
use crate::sys::error::checked;

/// One instruction of a filter: `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// Instructions to skip when true.
    pub jt: u8,
    /// Instructions to skip when false.
    pub jf: u8,
    /// Its operand.
    pub k: u32,
}

/// Filters every system call of this process and its children from now on. Needs `no_new_privs`.
pub fn install(program: &[Instruction]) -> Result<(), SysError> {
    const SET_MODE_FILTER: libc::c_ulong = 1;
    #[repr(C)]
    struct Filter {
        length: u16,
        program: *const Instruction,
    }
    let filter = Filter { length: program.len() as u16, program: program.as_ptr() };
    #[expect(unsafe_code, reason = "seccomp has no wrapper")]
    // SAFETY: the structures are laid out as the kernel's, and both outlive the call, which copies the program.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, std::ptr::from_ref(&filter)) };
    checked("seccomp", format!("SET_MODE_FILTER, {} instructions", program.len()), result).map(drop)
}
