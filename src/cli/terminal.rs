//! The reporters: a live display for a terminal, plain lines for a pipe or a log, JSON lines for a machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::lines::printable;
use crate::cli::output::Volume;
use crate::report::{Event, Level, Reporter, Stage, Usage};
use crate::unit::Bytes;

/// One event a line on standard output.
#[derive(Debug)]
pub(super) struct Json(Mutex<()>);

impl Json {
    pub(super) fn new() -> Self {
        Self(Mutex::new(()))
    }
}

impl Reporter for Json {
    fn report(&self, event: Event) {
        let _whole_lines = locked(&self.0);
        let mut stdout = io::stdout().lock();
        // A reader that went away cannot be told.
        let _ = serde_json::to_writer(&mut stdout, &event)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(stdout));
    }
}

/// What is known of a stage while it runs.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    items: u64,
    bytes: u64,
    used: Option<Usage>,
}

/// Counts by stage, for the line that a stage ends with.
#[derive(Debug, Default)]
struct Counts(Mutex<BTreeMap<Stage, Count>>);

impl Counts {
    fn note(&self, stage: Stage, items: u64, bytes: u64) {
        let mut counts = locked(&self.0);
        let count = counts.entry(stage).or_default();
        (count.items, count.bytes) = (items, bytes);
    }

    fn used(&self, stage: Stage, usage: Usage) {
        locked(&self.0).entry(stage).or_default().used = Some(usage);
    }

    /// The line that says a stage ended: name, time, what it did.
    fn ended(&self, stage: Stage, milliseconds: u64, success: Success) -> String {
        let count = locked(&self.0).remove(&stage).unwrap_or_default();
        let time = seconds(milliseconds);
        let mut line = format!("{:<9} {time:>8}", stage.to_string());
        if success == Success::No {
            line.push_str("  failed");
        }
        if count.items > 0 {
            let _ = write!(line, "  {} {}", count.items, noun(stage, count.items));
        }
        if count.bytes > 0 {
            let _ = write!(line, ", {}", Bytes(count.bytes));
        }
        if let Some(usage) = count.used {
            let _ = write!(line, "  {}", used(&usage));
        }
        line
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Success {
    Yes,
    No,
}

impl From<bool> for Success {
    fn from(ok: bool) -> Self {
        if ok { Self::Yes } else { Self::No }
    }
}

/// What a sandbox used, as far as this host can count.
fn used(usage: &Usage) -> String {
    let Usage { peak_memory, cpu_milliseconds, peak_pids, io_bytes, throttled_milliseconds, oom_kills } =
        *usage;
    let mut parts = vec![format!("{} of processor time", seconds(cpu_milliseconds))];
    let mut add = |value: u64, text: String| parts.extend((value > 0).then_some(text));
    add(peak_memory, format!("{} of memory", Bytes(peak_memory)));
    add(peak_pids, format!("{peak_pids} processes"));
    add(io_bytes, format!("{} of disk traffic", Bytes(io_bytes)));
    add(throttled_milliseconds, format!("held back for {}", seconds(throttled_milliseconds)));
    add(oom_kills, format!("{oom_kills} killed for memory"));
    parts.join(", ")
}

fn noun(stage: Stage, count: u64) -> &'static str {
    match (stage, count) {
        (Stage::Metadata, 1) => "repository",
        (Stage::Metadata, _) => "repositories",
        (Stage::Collect, 1) => "artifact",
        (Stage::Collect, _) => "artifacts",
        (Stage::Verify, 1) => "thing",
        (Stage::Verify, _) => "things",
        (_, 1) => "package",
        (_, _) => "packages",
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}

/// Lines on standard error, without colour or cursor movement.
#[derive(Debug)]
pub(super) struct Plain {
    volume: Volume,
    counts: Counts,
}

impl Plain {
    pub(super) fn new(volume: Volume) -> Self {
        Self { volume, counts: Counts::default() }
    }
}

impl Reporter for Plain {
    fn report(&self, event: Event) {
        match event {
            Event::Started { stage } if self.volume == Volume::Verbose => say(&format!("{stage} ...")),
            Event::Started { .. } => {}
            Event::Finished { stage, milliseconds, ok } => {
                let line = self.counts.ended(stage, milliseconds, ok.into());
                // A command in the root speaks for itself.
                let shown = stage != Stage::Run || self.volume == Volume::Verbose;
                if shown && self.volume > Volume::Quiet {
                    say(&line);
                }
            }
            Event::Progress { stage, done, bytes, .. } => self.counts.note(stage, done, bytes),
            Event::Used { stage, usage } => self.counts.used(stage, usage),
            Event::Message { level: Level::Warning, text } => {
                if self.volume > Volume::Quiet {
                    say(&format!("warning: {}", printable(&text)));
                }
            }
            Event::Message { level: Level::Detail, text } => {
                if self.volume == Volume::Verbose {
                    say(&printable(&text));
                }
            }
            Event::Output { line, .. } => {
                if self.volume == Volume::Verbose {
                    say(&printable(&line));
                }
            }
        }
    }
}

fn say(line: &str) {
    // Standard error may be closed; there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A line at the bottom of the terminal that shows the stage at hand; ended stages scroll away above it.
pub(super) struct Live {
    bar: ProgressBar,
    counts: Counts,
    stage: Mutex<Option<Stage>>,
}

impl Live {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(15));
        bar.set_style(style("{spinner} {prefix:<9} {elapsed:>8}  {wide_msg}"));
        Self { bar, counts: Counts::default(), stage: Mutex::new(None) }
    }

    fn started(&self, stage: Stage) {
        *locked(&self.stage) = Some(stage);
        self.bar.reset_elapsed();
        self.bar.set_prefix(stage.to_string());
        self.bar.set_message("");
        self.bar.enable_steady_tick(Duration::from_millis(100));
        if stage == Stage::Run {
            // A command in the root has the terminal to itself.
            self.quiet();
        }
    }

    fn quiet(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }

    fn finished(&self, stage: Stage, milliseconds: u64, success: Success) {
        let line = self.counts.ended(stage, milliseconds, success);
        self.quiet();
        if stage != Stage::Run {
            say(&line);
        }
        self.bar.reset();
    }

    fn progress(&self, shown: &str, (done, total): (u64, u64), (bytes, total_bytes): (u64, u64)) {
        let mut message = format!("{done}/{total}");
        if total_bytes > 0 {
            let _ = write!(message, "  {} of {}", Bytes(bytes), Bytes(total_bytes));
        }
        self.bar.set_message(format!("{message}  {}", printable(shown)));
    }
}

impl Reporter for Live {
    fn report(&self, event: Event) {
        match event {
            Event::Started { stage } => self.started(stage),
            Event::Finished { stage, milliseconds, ok } => self.finished(stage, milliseconds, ok.into()),
            Event::Progress { stage, item, done, total, bytes, total_bytes } => {
                self.counts.note(stage, done, bytes);
                if *locked(&self.stage) == Some(stage) {
                    self.progress(&item, (done, total), (bytes, total_bytes));
                }
            }
            Event::Used { stage, usage } => self.counts.used(stage, usage),
            Event::Message { level: Level::Warning, text } => {
                self.bar.suspend(|| say(&format!("warning: {}", printable(&text))));
            }
            Event::Message { level: Level::Detail, .. } => {}
            Event::Output { line, .. } => self.bar.set_message(printable(&line).into_owned()),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.quiet();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant").tick_chars("|/-\\ ")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_stage_is_one_line() {
        let counts = Counts::default();
        counts.note(Stage::Fetch, 135, 154 << 20);
        assert_eq!(
            counts.ended(Stage::Fetch, 1234, Success::Yes),
            "fetch       1.23 s  135 packages, 154 MiB"
        );
        assert_eq!(counts.ended(Stage::Build, 61_000, Success::No), "build      61.00 s  failed");
    }
}
