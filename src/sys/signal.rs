//! The wish to end: SIGINT, SIGTERM and SIGHUP set a flag that everything which waits looks at. A second one within a
//! run changes nothing: the end is on its way, and it is never longer than two seconds.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::sys::SysError;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_signal: i32) {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// From now on those signals are noted instead of ending the process. Calls that wait return early (no `SA_RESTART`).
/// Writing to a closed pipe is an error and not a signal.
pub fn catch() -> Result<(), SysError> {
    let action = SigAction::new(SigHandler::Handler(note), SaFlags::empty(), SigSet::empty());
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let table = [
        (Signal::SIGINT, &action),
        (Signal::SIGTERM, &action),
        (Signal::SIGHUP, &action),
        (Signal::SIGPIPE, &ignore),
    ];
    for (signal, action) in table {
        #[expect(unsafe_code, reason = "a handler can only be set by an unsafe call")]
        // SAFETY: the handler only stores to an atomic, which is async-signal-safe.
        let set = unsafe { sigaction(signal, action) };
        set.map_err(|error| SysError::new("sigaction", signal.as_str(), error))?;
    }
    Ok(())
}

/// Writing to a closed pipe is an error and not a signal.
pub fn ignore_closed_pipes() {
    crate::sys::process::set_handling(libc::SIGPIPE, libc::SIG_IGN);
}

/// Whether one of them came.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
