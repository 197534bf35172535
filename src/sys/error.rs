//! A failed call, quoted.

use std::fmt;
use std::io;

/// A call that failed: its name, its arguments as a reader would write them, and the kernel's answer.
#[derive(Debug)]
pub struct SysError {
    /// The call's name, such as `openat2`.
    pub call: &'static str,
    /// Its arguments.
    pub args: String,
    /// What the kernel said.
    pub source: io::Error,
}

impl SysError {
    /// The call `call(args)` failed with `source`.
    pub fn new(call: &'static str, args: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { call, args: args.into(), source: source.into() }
    }

    /// The error number, where there is one.
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }

    /// Whether what holds the files failed: a disk, or a server that has them.
    pub fn is_storages(&self) -> bool {
        [libc::EIO, libc::EROFS, libc::ESTALE, libc::ENODEV, libc::ENXIO].map(Some).contains(&self.errno())
    }

    /// Whether a lock was asked for where the file system has none.
    pub fn is_without_locks(&self) -> bool {
        self.call == "flock"
            && [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS].map(Some).contains(&self.errno())
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}): {}", self.call, self.args, self.source)
    }
}

impl std::error::Error for SysError {}

/// Quotes a failed call: `call(args)` and what the kernel said. A call that succeeds costs no text where `args` is a
/// `format_args!`.
pub(in crate::sys) fn quoted<E: Into<io::Error>>(
    call: &'static str,
    args: impl fmt::Display,
) -> impl FnOnce(E) -> SysError {
    move |source| SysError::new(call, args.to_string(), source)
}

/// The result of a raw call: -1 is a failure with the number in `errno`.
pub(in crate::sys) fn checked(
    call: &'static str,
    args: impl fmt::Display,
    result: i64,
) -> Result<i64, SysError> {
    if result >= 0 {
        return Ok(result);
    }
    let source = io::Error::last_os_error();
    Err(SysError::new(call, args.to_string(), source))
}
