//! The command line of Clay.

use std::error::Error as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clay::make::{Freshness, Options, Set, make};
use clay::{Error, release};

/// Makes and serves Clay, the test distribution.
#[derive(Debug, Parser)]
#[command(name = "clay")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the repository from the host's Debian archive
    Make {
        /// Which packages
        #[arg(long, value_enum, default_value = "all")]
        set: Set,
        /// Where everything goes [default: clay in cargo's target directory]
        #[arg(long)]
        output: Option<PathBuf>,
        /// Keep downloaded Debian packages here instead
        #[arg(long, env = "CLAY_DEBS")]
        debs: Option<PathBuf>,
        /// Ask apt again even if nothing changed here
        #[arg(long)]
        refresh: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<(), Error> {
    match verb {
        Verb::Make { set, output, debs, refresh } => {
            let output = output.unwrap_or_else(release::default_directory);
            let freshness = if refresh { Freshness::Ask } else { Freshness::WhenNeeded };
            let started = std::time::Instant::now();
            let made =
                make(&Options { output, debs, set, freshness }, &|stage| note(&format!("clay: {stage}")))?;
            let took = started.elapsed().as_secs_f32();
            note(&format!(
                "clay: {} packages, {} of them made now, in {took:.1} s",
                made.packages, made.converted
            ));
            note(&format!("clay: key {}", made.fingerprint));
            say(&made.directory.join(format!("{}.toml", release::NAME)).display().to_string());
        }
    }
    Ok(())
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn complain(error: &Error) {
    note(&format!("error: {error}"));
    let mut source = error.source();
    while let Some(cause) = source {
        note(&format!("  because: {cause}"));
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        note(&format!("  hint: {hint}"));
    }
}
