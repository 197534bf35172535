//! The limits that the supervisor keeps itself: time, silence, the length of the log, and the user's patience.

use std::time::{Duration, Instant};

use crate::plan::SandboxSpec;
use crate::sandbox::{Hit, Status};
use crate::sys::signal;

/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(1);
/// How long a signal may go unnoticed.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What has to be done about a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ask the command to end.
    Terminate,
    /// Kill everything.
    Kill,
}

/// Looks at the clock and at the length of the log.
#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    time: Option<Duration>,
    silence: Option<Duration>,
    /// When the last output came.
    heard: Instant,
    log_limit: Option<u64>,
    log: u64,
    /// Why the command was asked to end.
    pub reason: Option<Status>,
    asked: Option<Instant>,
}

impl Watch {
    /// Starts now.
    pub(super) fn new(spec: &SandboxSpec) -> Self {
        Self {
            began: Instant::now(),
            time: spec.limits.time.map(Duration::from_secs),
            // Only output that comes through here can be missed.
            silence: spec.limits.silence.map(Duration::from_secs).filter(|_| spec.stdio.is_read()),
            heard: Instant::now(),
            log_limit: spec.limits.log.map(|bytes| bytes.0),
            log: 0,
            reason: None,
            asked: None,
        }
    }

    /// Output came.
    pub(super) fn hear(&mut self, bytes: usize) {
        if bytes > 0 {
            self.log += bytes as u64;
            self.heard = Instant::now();
        }
    }

    /// A limit is passed that only watching keeps: there is nothing to wait for.
    pub(super) fn exceed(&mut self, hit: Hit) {
        self.reason.get_or_insert(Status::Exceeded(hit));
        self.asked.get_or_insert_with(|| Instant::now().checked_sub(GRACE).unwrap_or_else(Instant::now));
    }

    /// Until when nothing has to be decided. A signal may have come just before the wait began, so no wait is long.
    pub(super) fn patience(&self) -> Duration {
        let end = match self.asked {
            Some(asked) => Some(GRACE.saturating_sub(asked.elapsed())),
            None => self.time.map(|time| time.saturating_sub(self.began.elapsed())),
        };
        end.map_or(LONGEST_WAIT, |end| end.min(LONGEST_WAIT))
    }

    /// What is due.
    pub(super) fn verdict(&mut self) -> Option<Verdict> {
        if let Some(asked) = self.asked {
            return (asked.elapsed() >= GRACE).then_some(Verdict::Kill);
        }
        self.reason = if signal::interrupted() {
            Some(Status::Interrupted)
        } else if self.time.is_some_and(|time| self.began.elapsed() >= time) {
            Some(Status::TimedOut)
        } else if self.silence.is_some_and(|silence| self.heard.elapsed() >= silence) {
            Some(Status::Silent)
        } else if self.log_limit.is_some_and(|limit| self.log > limit) {
            Some(Status::LogLimit)
        } else {
            None
        };
        self.reason.map(|_| {
            self.asked = Some(Instant::now());
            Verdict::Terminate
        })
    }
}
