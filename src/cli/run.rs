//! `kiln run` and `kiln shell`: a command in a root that is thrown away afterwards.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::engine::{Engine, RunRequest, Streams, User};

/// Runs a command in the root; what it changes is thrown away. The exit code is the command's.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    root: RootOptions,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Opens an interactive shell in the root; what it changes is thrown away.
#[derive(Debug, Args)]
pub(super) struct Shell {
    #[command(flatten)]
    root: RootOptions,
}

#[derive(Debug, Args)]
struct RootOptions {
    /// Installs these in the root first: names, NEVRAs, provides, paths, @groups, package files.
    #[arg(long, value_name = "REQ", num_args = 1..)]
    install: Vec<String>,
    /// Runs as the build user, with a build's rights, instead of as the root's root.
    #[arg(long)]
    unprivileged: bool,
}

impl RootOptions {
    fn run(
        self,
        common: &Common,
        output: &Output,
        command: Vec<String>,
        streams: Streams,
    ) -> Result<ExitCode, Failure> {
        let engine: Engine<'_> = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        let user = if self.unprivileged { User::Builder } else { User::Root };
        let request = RunRequest { install: self.install, command, user, streams };
        let code = engine.run(&release, &request)?;
        Ok(ExitCode::from(code))
    }
}

impl Run {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let streams = if interactive { Streams::Terminal } else { Streams::Connected };
        self.root.run(common, output, self.command, streams)
    }
}

impl Shell {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::arguments(
                "`kiln shell` needs a terminal on standard input",
                "use `kiln run -r RELEASE -- COMMAND` in scripts",
            ));
        }
        let command = vec!["/bin/sh".to_owned(), "-l".to_owned()];
        self.root.run(common, output, command, Streams::Terminal)
    }
}
