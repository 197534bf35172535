//! The only door to the kernel and to the file system. Everything here is one call or a short, fixed sequence of
//! calls; every error quotes the call with its arguments. Decisions live elsewhere.

mod error;
pub mod flat;
pub mod fs;
pub mod lock;
pub mod owner;
pub mod part;
pub mod tree;

pub use error::SysError;
