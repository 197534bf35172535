//! Measures kiln beside the programs that people use today, on the same packages from the same mirror in the same run.
//!
//! Each row is a pair that runs in turn, A B A B, so that whatever else the machine does meets both. The table shows
//! medians; the JSON file has every run, with the machine and the commit. A program that is not there is said and its
//! column stays empty.

mod contest;
mod dnf;
mod error;
mod floor;
mod graveyard;
mod lab;
mod machine;
mod result;
mod rows;
mod sample;
mod synthetic;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::lab::Lab;
use crate::result::Results;

/// Measures kiln beside the programs that people use today
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Rows to run [default: all of the table]
    rows: Vec<String>,
    /// How often each program of a pair runs
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// List the rows
    #[arg(long)]
    list: bool,
    /// The kiln to measure [default: the one beside this program]
    #[arg(long)]
    kiln: Option<PathBuf>,
    /// A repository of a whole distribution (a directory with repodata) for the rows about metadata [default: one made
    /// from Clay's]
    #[arg(long, env = "KILN_BENCH_SCALE", value_name = "DIR")]
    scale: Option<PathBuf>,
    /// Where the results go
    #[arg(long, value_name = "FILE", default_value = "target/bench/results.json")]
    json: PathBuf,
    /// Show a results file as a table, and measure nothing
    #[arg(long, value_name = "FILE")]
    show: Option<PathBuf>,
    /// Where stores and roots are made [default: bench in cargo's target directory]
    #[arg(long, value_name = "DIR")]
    lab: Option<PathBuf>,
    /// Do not run the other programs
    #[arg(long)]
    alone: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What this program does as a process of its own.
#[derive(Debug, Subcommand)]
enum Part {
    /// Serves a directory until standard input closes
    #[command(hide = true)]
    Serve { directory: PathBuf },
    /// Downloads, digests, inflates and writes: the least that can be done
    #[command(hide = true)]
    Floor { server: String, list: PathBuf, output: PathBuf },
    /// Runs a command and writes how much memory it had at most
    #[command(hide = true)]
    Peak { command: Vec<String> },
    /// Makes a repository with that many packages out of Clay's
    Multiply { count: usize, output: PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.part {
        Some(Part::Serve { directory }) => lab::serve(&directory),
        Some(Part::Floor { server, list, output }) => floor::run(&server, &list, &output),
        Some(Part::Peak { command }) => sample::report_peak(&command),
        Some(Part::Multiply { count, output }) => {
            synthetic::multiply(&clay::release::default_directory().join("repo"), count, &output)
        }
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), Error> {
    if arguments.list {
        for row in rows::ALL {
            say(&format!("{:12} {}", row.name, row.what));
        }
        return Ok(());
    }
    if let Some(file) = &arguments.show {
        let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
        let results: Results = serde_json::from_str(&text)
            .map_err(|error| Error::Broken { what: file.display().to_string(), why: error.to_string() })?;
        say(&table::markdown(&results));
        return Ok(());
    }
    let chosen = rows::chosen(&arguments.rows)?;
    let lab = Lab::open(arguments)?;
    let mut results = Results::new(machine::describe(&lab), arguments.runs);
    for row in chosen {
        note(&format!("bench: {}", row.what));
        let outcomes = (row.run)(&lab)?;
        for outcome in outcomes {
            note(&format!("bench:   {}", table::line(&outcome)));
            results.outcomes.push(outcome);
        }
        results.write(&arguments.json)?;
        lab.graveyard.make_room()?;
    }
    say(&table::markdown(&results));
    note(&format!("bench: raw data in {}", arguments.json.display()));
    Ok(())
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says something to whoever watches.
fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
