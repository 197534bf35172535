//! The helper process that becomes the root of a user namespace, and its id maps, which only somebody outside can
//! write.

use std::ffi::OsString;
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

/// A program that starts another one, which it is given as its last arguments, in its own place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its own arguments.
    pub arguments: Vec<OsString>,
    /// Its environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Helper {
    /// Starts `program` with these words, of which the first is its name, with `socket` as its standard input, nothing
    /// else open, an empty environment, and `directory` as its working directory.
    pub fn start(program: &Path, words: &[&str], socket: OwnedFd, directory: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        if let Some((name, arguments)) = words.split_first() {
            command.arg0(name).args(arguments);
        }
        command.env_clear();
        Self::run(command, socket, directory)
    }

    /// The same through a launcher, which cannot give a program another name: the name is its only argument, and the
    /// program takes it on by itself.
    pub fn launch(launcher: &Launcher, program: &Path, name: &str, at: (OwnedFd, &Path)) -> Result<Self> {
        let program = std::fs::canonicalize(program).map_err(quoted("realpath", format!("{program:?}")))?;
        let mut command = Command::new(&launcher.program);
        command.args(&launcher.arguments).arg(program).arg(name);
        command.env_clear().envs(launcher.environment.iter().cloned());
        Self::run(command, at.0, at.1)
    }

    fn run(mut command: Command, socket: OwnedFd, directory: &Path) -> Result<Self> {
        let child = command
            .current_dir(directory)
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(quoted("execve", format!("{command:?} in {directory:?}")))?;
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
