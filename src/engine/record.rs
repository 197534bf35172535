//! Listens to a run and keeps what `state.log` and `report.json` say of it.

use crate::sys::fs::File;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::report::{Event, Level, Reporter, StageRecord};

/// Passes events on, and remembers the stages.
pub(super) struct Recorder<'a> {
    next: &'a dyn Reporter,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    log: Option<File>,
    stages: Vec<StageRecord>,
    warnings: Vec<String>,
}

impl<'a> Recorder<'a> {
    /// Records into `log` and passes everything to `next`.
    pub(super) fn new(next: &'a dyn Reporter, log: File) -> Self {
        Self { next, kept: Mutex::new(Kept { log: Some(log), ..Kept::default() }) }
    }

    /// The stages so far, in the order in which they ended.
    pub(super) fn stages(&self) -> Vec<StageRecord> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).stages.clone()
    }

    /// The warnings so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).warnings.clone()
    }
}

impl Reporter for Recorder<'_> {
    fn report(&self, event: Event) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let line = match &event {
            Event::Started { stage } => Some(format!("start {stage}")),
            Event::Finished { stage, milliseconds, ok } => {
                kept.stages.push(StageRecord { stage: *stage, milliseconds: *milliseconds, ok: *ok });
                let end = if *ok { "end" } else { "failed" };
                Some(format!("{end} {stage} {milliseconds} ms"))
            }
            Event::Message { level: Level::Warning, text } => {
                kept.warnings.push(text.clone());
                Some(format!("warning {text}"))
            }
            _ => None,
        };
        if let (Some(line), Some(log)) = (line, kept.log.as_mut())
            && writeln!(log, "{line}").is_err()
        {
            // The log is for people; a full disk will be told by the files that matter.
            kept.log = None;
        }
        drop(kept);
        self.next.report(event);
    }
}
