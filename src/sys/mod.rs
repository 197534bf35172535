//! The only door to the kernel and to the file system. Everything here is one call or a short, fixed sequence of
//! calls; every error quotes the call with its arguments. Decisions live elsewhere.

pub mod artifact;
pub mod at;
pub mod caps;
pub mod child;
pub mod entry;
mod error;
pub mod flat;
pub mod fs;
pub mod landlock;
pub mod lock;
pub mod mount;
pub mod net;
pub mod owner;
pub mod part;
pub mod poll;
pub mod posix;
pub mod process;
pub mod program;
pub mod pty;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod tree;
pub mod userns;

pub use error::SysError;
