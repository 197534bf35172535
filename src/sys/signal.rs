//! The wish to end: SIGINT, SIGTERM and SIGHUP set a flag that everything which waits looks at. A second one within a
//! run changes nothing: the end is on its way, and it is never longer than two seconds.

use std::sync::Once;
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

/// What is said before the process ends that read a page of a mapped file which could not be had.
const LOST_PAGE: &str = "error: a file that kiln had mapped cannot be read\n  \
    because: the disk has failed, or somebody cut the file short\n  \
    hint: `kiln store verify` names what is damaged in the store\n";

extern "C" fn tell_lost_page(_signal: i32) {
    #[expect(unsafe_code, reason = "a handler may only make plain calls")]
    // SAFETY: both calls are async-signal-safe; the text is a constant, and its length is its own.
    unsafe {
        libc::write(libc::STDERR_FILENO, LOST_PAGE.as_ptr().cast(), LOST_PAGE.len());
        libc::_exit(1);
    }
}

/// From now on a page of a mapped file that cannot be read (SIGBUS) ends the process with an explanation.
pub(in crate::sys) fn explain_lost_pages() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let action =
            SigAction::new(SigHandler::Handler(tell_lost_page), SaFlags::SA_ONSTACK, SigSet::empty());
        #[expect(unsafe_code, reason = "a handler can only be set by an unsafe call")]
        // SAFETY: the handler makes only async-signal-safe calls.
        let set = unsafe { sigaction(Signal::SIGBUS, &action) };
        debug_assert!(set.is_ok(), "SIGBUS can be caught");
    });
}

/// Whether one of them came.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    const FILE: &str = "KILN_TEST_CUT_SHORT";

    /// In a process of its own: reads a mapped file that was cut short.
    #[test]
    fn reader() {
        let Ok(path) = std::env::var(FILE) else { return };
        let mapped = crate::sys::fs::map(&path).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        println!("read {}", mapped[0]);
    }

    #[test]
    fn a_mapped_file_that_is_cut_short_is_explained() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 8192]).unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sys::signal::tests::reader", "--nocapture"])
            .env(FILE, file.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("cannot be read") && said.contains("kiln store verify"), "{said}");
    }
}
