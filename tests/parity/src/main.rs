//! Asks kiln's solver and dnf the same random questions, and lists where they differ.
//!
//! dnf answers in one process (`oracle.py`, run with the host's own Python); its answers are kept in a file, because it
//! is slow and does not change.

mod oracle;
mod questions;
mod repository;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use kiln::solve::{self, Best, RepoMetadata, Request, Weak};

use oracle::{Answer, Oracle, Question};
use repository::Repository;

/// Asks kiln's solver and dnf the same random questions
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// A repository's id and directory
    #[arg(long = "repo", value_name = "ID=DIR", required = true)]
    repos: Vec<String>,
    /// How many questions
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
    /// Keep dnf's answers here
    #[arg(long)]
    answers: Option<PathBuf>,
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

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What this thread has used of the processor: other programs on the machine do not count.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// What the comparison found.
#[derive(Debug, Default)]
struct Tally {
    same: usize,
    refused: usize,
    differ: usize,
    ours: Duration,
    slowest: Duration,
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let started = Instant::now();
    let repos = arguments.repos.iter().map(|text| Repository::open(text)).collect::<Result<Vec<_>, _>>()?;
    say(&format!("metadata read in {:.3} s", started.elapsed().as_secs_f64()));
    let questions = questions::make(arguments, &repos);
    let mut oracle = Oracle::new(arguments, &repos)?;
    let mut tally = Tally::default();
    for (number, question) in questions.iter().enumerate() {
        let expected = oracle.answer(question)?;
        let started = processor_time();
        let found = ours(&repos, question)?;
        let took = processor_time().saturating_sub(started);
        tally.ours += took;
        tally.slowest = tally.slowest.max(took);
        compare(&mut tally, number, question, &expected, &found);
        if arguments.verbose {
            say(&format!("{number}: {:?} {:.1} ms: {found:?}", question.install, took.as_secs_f64() * 1e3));
        }
    }
    oracle.close()?;
    let total = questions.len();
    say(&format!(
        "{} of {total} the same ({} of them refused by both), {} differ; {:.1} ms a question, {:.1} ms at most",
        tally.same,
        tally.refused,
        tally.differ,
        tally.ours.as_secs_f64() * 1e3 / total.max(1) as f64,
        tally.slowest.as_secs_f64() * 1e3
    ));
    Ok(tally.differ == 0)
}

fn compare(tally: &mut Tally, number: usize, question: &Question, expected: &Answer, found: &Answer) {
    match (expected, found) {
        (Answer::Packages(expected), Answer::Packages(found)) if expected == found => tally.same += 1,
        (Answer::Problem(_), Answer::Problem(_)) => {
            tally.same += 1;
            tally.refused += 1;
        }
        _ => {
            tally.differ += 1;
            say(&format!("{number}: {}", question.install.join(" ")));
            describe(expected, found);
        }
    }
}

fn describe(expected: &Answer, found: &Answer) {
    match (expected, found) {
        (Answer::Packages(expected), Answer::Packages(found)) => {
            let only = |a: &[String], b: &[String]| {
                a.iter().filter(|nevra| !b.contains(nevra)).cloned().collect::<Vec<_>>().join(" ")
            };
            say(&format!("    only dnf:  {}", only(expected, found)));
            say(&format!("    only kiln: {}", only(found, expected)));
        }
        (Answer::Problem(problem), Answer::Packages(found)) => {
            say(&format!("    dnf refuses, kiln has {} packages: {problem}", found.len()));
        }
        (Answer::Packages(expected), Answer::Problem(problem)) => {
            say(&format!("    kiln refuses, dnf has {} packages: {problem}", expected.len()));
        }
        _ => {}
    }
}

fn ours(repos: &[Repository], question: &Question) -> Result<Answer, Box<dyn Error>> {
    let metadata: Vec<RepoMetadata<'_>> =
        repos.iter().map(|repo| RepoMetadata::new(&repo.metadata)).collect();
    let mut request = Request {
        arch: "x86_64".to_owned(),
        install: question.install.clone(),
        weak: if question.weak { Weak::Install } else { Weak::Skip },
        best: if question.best { Best::Only } else { Best::Prefer },
        ..Request::default()
    };
    loop {
        match solve::solve(&metadata, &request) {
            Ok(resolution) => {
                let mut packages: Vec<String> =
                    resolution.packages.iter().map(|it| it.nevra.to_string()).collect();
                packages.sort();
                return Ok(Answer::Packages(packages));
            }
            Err(solve::Error::NeedsFilelists(paths)) => {
                for repo in repos {
                    let owners = repo.owners(&paths)?;
                    request.files.add(repo.metadata.repo(), &paths, &owners);
                }
            }
            Err(solve::Error::Conflict(conflict)) => return Ok(Answer::Problem(conflict.to_string())),
        }
    }
}
