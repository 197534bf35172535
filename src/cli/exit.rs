//! Exit codes. They are mock's where the meaning is mock's, since Koji and people read them.

use std::process::ExitCode;

use crate::engine::Kind;

/// The exit code of a kind of failure.
pub(super) fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Config => 3,
        Kind::Usage => 5,
        Kind::Arch => 6,
        Kind::Build => 10,
        Kind::Timeout => 11,
        Kind::Root => 20,
        Kind::Resolve => 30,
        Kind::Source => 40,
        Kind::Arguments => 50,
        Kind::Locked => 60,
        Kind::Results => 70,
        Kind::Namespaces => 80,
        Kind::Interrupted => 130,
    }
}

/// Prints what clap has to say (help and version to standard output, mistakes to standard error).
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done when the terminal is gone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(code(Kind::Usage)) } else { ExitCode::SUCCESS }
}
