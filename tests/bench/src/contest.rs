//! Programs that do the same thing, run in turn.

use std::process::Command;

use crate::error::Error;
use crate::note;
use crate::result::Measured;
use crate::sample::Clock;

/// Makes everything as a run must find it.
pub(crate) type Prepare<'a> = Box<dyn Fn() -> Result<(), Error> + 'a>;

/// One program of a contest.
pub(crate) struct Contestant<'a> {
    pub(crate) name: &'static str,
    pub(crate) prepare: Prepare<'a>,
    pub(crate) command: Box<dyn Fn() -> Command + 'a>,
}

impl<'a> Contestant<'a> {
    /// A program that needs no preparation.
    pub(crate) fn ready(name: &'static str, command: impl Fn() -> Command + 'a) -> Self {
        Self { name, prepare: Box::new(|| Ok(())), command: Box::new(command) }
    }

    /// A program with what comes before each run.
    pub(crate) fn new(
        name: &'static str,
        prepare: impl Fn() -> Result<(), Error> + 'a,
        command: impl Fn() -> Command + 'a,
    ) -> Self {
        Self { name, prepare: Box::new(prepare), command: Box::new(command) }
    }
}

/// Runs them in turn, `runs` times each.
pub(crate) fn contest(
    clock: &Clock,
    runs: usize,
    contestants: &[Contestant<'_>],
) -> Result<Vec<Measured>, Error> {
    let mut measured: Vec<Measured> = contestants.iter().map(|one| Measured::new(one.name)).collect();
    for _ in 0..runs {
        for (contestant, measured) in contestants.iter().zip(&mut measured) {
            (contestant.prepare)()?;
            measured.samples.push(clock.time(&mut (contestant.command)())?);
        }
    }
    for one in &measured {
        note(&format!(
            "bench:   {:24} {:9.4} s, {:9.4} s of the processors",
            one.name,
            one.wall(),
            one.cpu()
        ));
    }
    Ok(measured)
}
