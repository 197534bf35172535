//! Asks kiln's solver and dnf the same questions, and lists where they differ and why.
//!
//! dnf answers in one process (`oracle.py`, run with the host's own Python); its answers are kept in files, because it is
//! slow and does not change. Where the two differ, dnf is asked once more over a copy of the repositories in kiln's order
//! of packages: kiln's answers do not depend on the order of a document, dnf's do.

mod compare;
mod oracle;
mod questions;
mod repository;
mod sorted;
mod suite;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Asks kiln's solver and dnf the same questions, and lists where they differ and why
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// A repository's id and directory, and perhaps its priority, its cost and what it excludes
    #[arg(long = "repo", value_name = "ID=DIR[,priority=N][,cost=N][,exclude=PATTERN]")]
    repos: Vec<String>,
    /// Module streams are filtered for this platform, such as `platform:el9`; without it they are not filtered
    #[arg(long)]
    platform: Option<String>,
    /// Instead of single repositories, a directory with `debian-scale`, `centos-stream-9` and `mock-configs.json`: random
    /// questions and the release's build roots to both
    #[arg(long, conflicts_with = "repos", required_unless_present = "repos")]
    data: Option<PathBuf>,
    /// How many random questions
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// Where the random numbers start
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The most packages in one question
    #[arg(long, default_value_t = 5)]
    most: usize,
    /// Install recommended packages
    #[arg(long)]
    weak: bool,
    /// Only the best version will do
    #[arg(long)]
    best: bool,
    /// Which texts to ask with
    #[arg(long, value_enum, default_value = "names")]
    kind: questions::Kind,
    /// Ask this instead of random questions; words are separated by spaces
    #[arg(long)]
    ask: Vec<String>,
    /// Keep dnf's answers in this directory
    #[arg(long, default_value = "target/parity")]
    answers: PathBuf,
    /// The Python that has dnf's modules
    #[arg(long, default_value = "/usr/bin/python3")]
    python: PathBuf,
    /// Print every answer
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Whether the bar is met.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    if let Some(data) = &arguments.data {
        return suite::run(arguments, data);
    }
    let mut place = compare::Place::open(arguments, &arguments.repos, arguments.platform.as_deref())?;
    let questions = questions::make(arguments, &place.repos);
    let tally = place.compare(arguments, &questions)?;
    place.close()?;
    say(&tally.to_string());
    Ok(tally.differ == 0)
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
