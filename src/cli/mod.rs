//! The command line: arguments become requests to the engine, results become text. Nothing else in kiln prints.
//!
//! Without `--json`, standard output is data only (package names, an artifact's path); everything else goes to
//! standard error.

mod build;
mod exit;
mod export;
mod failure;
mod init;
mod lines;
mod options;
mod output;
mod ps;
mod releases;
mod run;
mod solve;
mod srpm;
mod store;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;

/// Builds RPM packages in a sandbox that is stronger than a chroot.
#[derive(Debug, Parser)]
#[command(name = "kiln", version, max_term_width = 80, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 ok, 1 internal, 3 config, 5 usage, 6 arch, 10 build failed, 11 timeout, 20 root,\n\
    30 resolve or download, 40 bad source package, 50 wrong arguments for the verb, 60 locked,\n\
    70 result directory, 80 user namespaces refused, 130 interrupted."
)]
struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Build(build::Build),
    Srpm(srpm::Srpm),
    Init(init::Init),
    Export(export::Export),
    Run(run::Run),
    Shell(run::Shell),
    Solve(solve::Solve),
    Releases(releases::Releases),
    Config(releases::Config),
    Ps(ps::Ps),
    Top(ps::Top),
    Attach(ps::Attach),
    Kill(ps::Kill),
    Store(store::Store),
    Clean(store::Clean),
}

impl Verb {
    fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::Build(verb) => verb.run(common, output),
            Self::Srpm(verb) => verb.run(common, output),
            Self::Init(verb) => verb.run(common, output),
            Self::Export(verb) => verb.run(common, output),
            Self::Run(verb) => verb.run(common, output),
            Self::Shell(verb) => verb.run(common, output),
            Self::Solve(verb) => verb.run(common, output),
            Self::Releases(_) => releases::Releases::run(common, output),
            Self::Config(verb) => verb.run(common, output),
            Self::Ps(_) => ps::Ps::run(common, output),
            Self::Top(verb) => verb.run(common, output),
            Self::Attach(verb) => verb.run(common, output),
            Self::Kill(verb) => verb.run(common, output),
            Self::Store(verb) => verb.run(common, output),
            Self::Clean(verb) => verb.run(common, output),
        }
    }
}

/// Runs the command line and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    let output = Output::new(&args.common);
    match args.verb.run(&args.common, &output) {
        Ok(code) => code,
        // As of a pipe into `head`: the reader has all it wanted, and nobody is left to be told.
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            // Whatever an interrupted run stumbled over, the signal was the reason.
            let interrupted =
                crate::engine::is_interrupted().then(|| crate::engine::Error::Interrupted.into());
            let failure = interrupted.unwrap_or(failure);
            output.failure(&failure);
            failure.exit_code()
        }
    }
}

/// The command line's definition, for the manual pages and the completions.
pub fn definition() -> clap::Command {
    <Args as clap::CommandFactory>::command()
}
