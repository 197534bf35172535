//! `kiln ps`, `top`, `attach` and `kill`: what runs over the store.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::lines::printable;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::engine::{Engine, Running, Streams};
use crate::unit::Bytes;

/// Lists what runs over this store: id, age, stage, memory, processor time, processes, release, subject.
#[derive(Debug, Args)]
pub(super) struct Ps {}

/// Shows what running sandboxes use, again and again; once where standard output is no terminal.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    /// Ends after so many looks.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// Runs one more command in a running sandbox, with the rights and within the limits of what runs there. It ends with
/// the sandbox.
#[derive(Debug, Args)]
pub(super) struct Attach {
    /// The id that `kiln ps` shows, or its beginning.
    id: String,
    /// The command and its arguments [default: a shell].
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Ends a build or a command, as an interrupt would, and waits until it has cleaned up.
#[derive(Debug, Args)]
pub(super) struct Kill {
    /// The ids that `kiln ps` shows, or their beginnings.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

const HEADER: &str = "ID         AGE    STAGE      MEMORY       CPU PROCS RELEASE / SUBJECT";

/// One row, in at most 80 columns where the subject allows it.
fn row(running: &Running, cpu: &str) -> String {
    let usage = running.usage.unwrap_or_default();
    let stage = running.note.stage.map_or_else(|| "-".to_owned(), |stage| stage.to_string());
    format!(
        "{:<10} {:<6} {:<8} {:>8} {:>9} {:>5} {} {}",
        running.id,
        age(running.age),
        stage,
        Bytes(usage.memory).to_string().replace(' ', ""),
        cpu,
        usage.pids,
        running.note.release,
        printable(&running.note.subject),
    )
}

/// Seconds as a person says them: `42s`, `3m20s`, `2h05m`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

impl Ps {
    pub(super) fn run(common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let running = common.engine(output)?.running()?;
        if output.is_json() {
            running.iter().try_for_each(Output::object)?;
        } else {
            Output::line(HEADER)?;
            for one in &running {
                let seconds = one.usage.unwrap_or_default().cpu_milliseconds / 1000;
                Output::line(&row(one, &age(seconds)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Top {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        let live = std::io::stdout().is_terminal() && !output.is_json();
        let mut left = self.count.or_else(|| (!live).then_some(1));
        let mut before = times(&engine.running()?);
        let mut looked = Instant::now();
        while left != Some(0) {
            std::thread::sleep(Duration::from_secs(self.interval));
            let running = engine.running()?;
            show(&running, &before, (looked.elapsed(), output, live))?;
            before = times(&running);
            looked = Instant::now();
            left = left.map(|left| left - 1);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Processor time so far, by id.
fn times(running: &[Running]) -> BTreeMap<String, u64> {
    let time = |one: &Running| one.usage.map(|usage| (one.id.clone(), usage.cpu_milliseconds));
    running.iter().filter_map(time).collect()
}

fn show(
    running: &[Running],
    before: &BTreeMap<String, u64>,
    (elapsed, output, live): (Duration, &Output, bool),
) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(running.iter().try_for_each(Output::object)?);
    }
    if live {
        // Home, then clear what is below: nothing is left of a longer list.
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(b"\x1b[H\x1b[J")?;
    }
    Output::line(HEADER)?;
    for one in running {
        let now = one.usage.unwrap_or_default().cpu_milliseconds;
        let then = before.get(&one.id).copied().unwrap_or(now).min(now);
        let percent = (now - then) as f64 * 100.0 / elapsed.as_millis().max(1) as f64;
        Output::line(&row(one, &format!("{percent:.0}%")))?;
    }
    Ok(())
}

impl Attach {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine: Engine<'_> = common.engine(output)?;
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let streams = if interactive { Streams::Terminal } else { Streams::Connected };
        let command = if self.command.is_empty() { vec!["/bin/sh".to_owned()] } else { self.command };
        Ok(ExitCode::from(engine.attach(&self.id, &command, streams)?))
    }
}

impl Kill {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        for id in &self.ids {
            let ended = engine.kill(id)?;
            if output.is_json() {
                Output::object(&ended)?;
            } else {
                Output::line(&ended.id)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_has_two_units_at_most() {
        assert_eq!([0, 59, 60, 200, 3600, 7500].map(age), ["0s", "59s", "1m00s", "3m20s", "1h00m", "2h05m"]);
    }
}
