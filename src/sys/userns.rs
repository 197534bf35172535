//! The helper process that becomes the root of a user namespace, and its id maps, which only somebody outside can
//! write.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::unistd::{Uid, User};

use crate::sys::SysError;
use crate::sys::error::quoted;

type Result<T> = std::result::Result<T, SysError>;

/// A process of this same program under another name.
#[derive(Debug)]
pub struct Helper(Child);

impl Helper {
    /// Starts `program` as `name`, with `socket` as its standard input, nothing else open, an empty
    /// environment, and `directory` as its working directory.
    pub fn start(program: &Path, name: &str, socket: OwnedFd, directory: &Path) -> Result<Self> {
        let child = Command::new(program)
            .arg0(name)
            .env_clear()
            .current_dir(directory)
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(quoted("execve", format!("{program:?} as {name:?} in {directory:?}")))?;
        Ok(Self(child))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<()> {
        self.0.wait().map(drop).map_err(quoted("waitpid", self.0.id().to_string()))
    }

    /// Kills it.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill().map_err(quoted("kill", self.0.id().to_string()))
    }
}

/// Runs `newuidmap` or `newgidmap`; a failure carries what it said.
pub fn run_mapper(program: &'static str, arguments: &[String]) -> Result<()> {
    let args = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(quoted("execve", args.clone()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(SysError::new("execve", args, std::io::Error::other(said)))
}

/// Where a program is in this process's `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// The login name of a user id.
pub fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}
