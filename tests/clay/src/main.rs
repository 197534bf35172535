//! The command line of Clay.

use std::error::Error as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clay::fault::Fault;
use clay::make::{Freshness, Options, Set, make};
use clay::serve::Server;
use clay::{Error, release, sources};

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
    /// Fetch upstream sources from the host's Debian archive, to build packages from
    Sources {
        /// The source packages [default: those that the tests build]
        names: Vec<String>,
        /// Where everything goes; the archives are put in its `sources` [default: clay in cargo's target directory]
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Serve the repository on loopback until interrupted
    Serve {
        /// What to serve [default: the repository that `make` made]
        #[arg(long)]
        dir: Option<PathBuf>,
        /// The port; 0 is a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Make requests fail: TROUBLE[:BYTES][*TIMES]=PATTERN, as in 404=*.rpm
        ///
        /// The troubles are a status (404, 503), truncate, slow, stall, corrupt and no-range.
        #[arg(long, value_name = "FAULT")]
        fault: Vec<Fault>,
        /// Write a kiln release file that uses this server
        #[arg(long, value_name = "FILE")]
        release: Option<PathBuf>,
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
        Verb::Sources { names, output } => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let names = if names.is_empty() { sources::WANTED } else { &names };
            for path in sources::fetch(&output.unwrap_or_else(release::default_directory), names)? {
                say(&path.display().to_string());
            }
        }
        Verb::Serve { dir, port, fault, release } => {
            let clay = release::default_directory();
            let server = Server::start_on(&dir.unwrap_or_else(|| clay.join("repo")), port)?;
            for fault in fault {
                server.faults().add(fault);
            }
            if let Some(release) = release {
                release::write_for(&server.url(), &clay, &release)?;
            }
            say(&server.url());
            server.wait();
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
