//! systemd gives an ordinary user control groups of version 2 when asked: a scope with a process that it starts in
//! it. So the keeper is started through `systemd-run`, where the host has no group for us otherwise.
//!
//! Proved by its arguments only: the machines that kiln is tested on have no user manager of systemd's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::sys::userns::{self, Launcher};
use crate::sys::{fs, process};

/// What asks systemd for a scope; none where there is nobody to ask.
pub(super) fn launcher() -> Option<Launcher> {
    let (uid, _) = process::identity();
    let runtime = format!("/run/user/{uid}");
    if uid == 0 || !fs::exists(format!("{runtime}/systemd/private")) {
        return None;
    }
    userns::find_program("systemd-run").map(|program| through(program, Path::new(&runtime), process::pid()))
}

/// The command that starts a program in a scope of its own, named for the process that asks.
fn through(program: PathBuf, runtime: &Path, asker: u32) -> Launcher {
    let unit = format!("--unit=kiln-{asker}");
    let words = ["--user", "--scope", "--quiet", "--collect", &unit, "--property=Delegate=yes", "--"];
    Launcher {
        program,
        arguments: words.map(OsString::from).into(),
        environment: vec![("XDG_RUNTIME_DIR".into(), runtime.into())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_asked_for_that_is_delegated_and_collected() {
        let launcher = through(PathBuf::from("/usr/bin/systemd-run"), Path::new("/run/user/1000"), 77);
        let words: Vec<_> = launcher.arguments.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            words.join(" "),
            "--user --scope --quiet --collect --unit=kiln-77 --property=Delegate=yes --"
        );
        assert_eq!(launcher.environment, [("XDG_RUNTIME_DIR".into(), "/run/user/1000".into())]);
    }
}
