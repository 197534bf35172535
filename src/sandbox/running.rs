//! A running sandbox as the supervisor sees it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use crate::plan::{SandboxSpec, Stdio};
use crate::report::Usage;
use crate::sandbox::Error;
use crate::sandbox::connect;
use crate::sandbox::wire::{self, Answer, Order};
use crate::sys::poll::{self, Interest, Moved};
use crate::sys::{SysError, process, signal, socket};

/// How a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The command returned this code.
    Exited(i32),
    /// A signal killed the command.
    Signalled(i32),
    /// It took longer than its limit.
    TimedOut,
    /// It wrote more than its limit.
    LogLimit,
    /// The user ended the run.
    Interrupted,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(signal) => write!(f, "killed by signal {signal}"),
            Self::TimedOut => f.write_str("its time was over"),
            Self::LogLimit => f.write_str("it wrote too much"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl Status {
    /// Whether the command returned zero.
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }
}

/// How a sandbox ended and what it used.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// What it used.
    pub usage: Usage,
}

/// The two sides of a command's standard streams.
#[derive(Debug)]
pub(super) struct Streams {
    /// Input, output and error as the command gets them.
    pub theirs: Vec<OwnedFd>,
    /// The other sides.
    pub ours: Ours,
}

/// The supervisor's sides.
#[derive(Debug, Default)]
pub(super) struct Ours {
    input: Option<OwnedFd>,
    output: Option<OwnedFd>,
    error: Option<OwnedFd>,
}

impl Streams {
    /// Pipes as `kind` says. Never a file or a terminal of the host: those could be opened again from inside.
    pub(super) fn new(kind: Stdio) -> Result<Self, SysError> {
        let (read_input, write_input) = socket::pipe()?;
        let (read_output, write_output) = socket::pipe()?;
        let mut ours = Ours { output: Some(read_output), ..Ours::default() };
        poll::set_nonblocking(&write_input)?;
        let write_error = match kind {
            Stdio::Terminal => return Ok(Self { theirs: Vec::new(), ours: Ours::default() }),
            Stdio::Connected => {
                let (read_error, write_error) = socket::pipe()?;
                ours.error = Some(read_error);
                ours.input = Some(write_input);
                write_error
            }
            Stdio::Captured | Stdio::Piped => {
                ours.input = (kind == Stdio::Piped).then_some(write_input);
                socket::duplicate(&write_output)?
            }
        };
        for fd in [&ours.output, &ours.error].into_iter().flatten() {
            poll::set_nonblocking(fd)?;
        }
        Ok(Self { theirs: vec![read_input, write_output, write_error], ours })
    }
}

/// A running sandbox. Dropping it kills everything in it.
#[derive(Debug)]
pub struct Sandbox {
    spec: SandboxSpec,
    init: OwnedFd,
    answers: OwnedFd,
    streams: Ours,
    input: Vec<u8>,
}

/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(1);
/// How long to read on after the end of PID 1, when everybody who could write is dead.
const DRAIN: Duration = Duration::from_secs(1);
/// How long a signal may go unnoticed.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
const WHO: &str = "sandbox";

impl Sandbox {
    /// Takes over from the keeper's side: the sandbox's PID 1 waits for its order to go.
    pub(super) fn begin(spec: &SandboxSpec, answers: OwnedFd, streams: Ours) -> Result<Self, Error> {
        let init = match wire::receive(&answers, WHO)? {
            Some((Answer::Started, mut descriptors)) if !descriptors.is_empty() => descriptors.remove(0),
            Some((Answer::Failed(failure), _)) => return Err(Error::Failed(failure)),
            _ => return Err(Error::Lost { who: WHO }),
        };
        let sandbox = Self { spec: spec.clone(), init, answers, streams, input: Vec::new() };
        wire::send(&sandbox.answers, &Order::Go, &[])?;
        match wire::receive(&sandbox.answers, WHO)? {
            Some((Answer::Ready, _)) => Ok(sandbox),
            Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
            _ => Err(Error::Lost { who: WHO }),
        }
    }

    /// What the command reads from its standard input, where that is a pipe.
    pub fn feed(&mut self, input: impl Into<Vec<u8>>) {
        self.input = input.into();
    }

    /// Waits for the end: hands output to `on_output` as it comes, writes input, and keeps the limits.
    ///
    /// The end is the end of PID 1, never the end of the output: a process that was left behind and holds it is dead.
    pub fn wait(mut self, on_output: &mut dyn FnMut(&[u8])) -> Result<Outcome, Error> {
        let mut watch = Watch::new(&self.spec);
        if self.spec.stdio == Stdio::Connected {
            if let Some(input) = self.streams.input.take() {
                connect::pump_input(input).map_err(Error::Talk)?;
            }
        } else {
            self.move_input(&Ready { ended: false, input: false });
        }
        loop {
            let ready = self.poll(Some(watch.patience()))?;
            self.move_input(&ready);
            watch.log += self.move_output(on_output) as u64;
            if ready.ended {
                break;
            }
            match watch.verdict() {
                None => {}
                Some(Verdict::Terminate) => {
                    let _ = wire::send(&self.answers, &Order::Terminate, &[]);
                }
                Some(Verdict::Kill) => process::kill(&self.init).map_err(Error::Talk)?,
            }
        }
        self.drain(on_output);
        let (told, cpu_milliseconds) = self.verdict_of_init()?;
        let usage = Usage { cpu_milliseconds, ..Usage::default() };
        Ok(Outcome { status: watch.reason.unwrap_or(told), usage })
    }

    fn poll(&mut self, patience: Option<Duration>) -> Result<Ready, Error> {
        let mut watched = vec![(self.init.as_fd(), Interest::Read)];
        let input = self.streams.input.as_ref().filter(|_| !self.input.is_empty());
        watched.extend(input.map(|fd| (fd.as_fd(), Interest::Write)));
        let outputs = [&self.streams.output, &self.streams.error].into_iter().flatten();
        watched.extend(outputs.map(|fd| (fd.as_fd(), Interest::Read)));
        let has_input = input.is_some();
        let ready = poll::ready(&watched, patience).map_err(Error::Talk)?;
        Ok(Ready { ended: ready.contains(&0), input: has_input && ready.contains(&1) })
    }

    /// Writes what fits; closes the pipe after the last byte, which is the command's end of file.
    fn move_input(&mut self, ready: &Ready) {
        if let Some(fd) = self.streams.input.as_ref().filter(|_| ready.input) {
            match poll::write(fd, &self.input) {
                Moved::Bytes(count) => drop(self.input.drain(..count)),
                Moved::Wait => {}
                Moved::End => self.input.clear(),
            }
        }
        if self.input.is_empty() {
            self.streams.input = None;
        }
    }

    fn move_output(&mut self, on_output: &mut dyn FnMut(&[u8])) -> usize {
        let mut moved = 0;
        let mut buffer = vec![0; 64 * 1024];
        let connected = self.spec.stdio == Stdio::Connected;
        for (number, stream) in [(1, &mut self.streams.output), (2, &mut self.streams.error)] {
            match stream.as_ref().map(|fd| poll::read(fd, &mut buffer)) {
                Some(Moved::Bytes(count)) => {
                    moved += count;
                    if !connected {
                        on_output(&buffer[..count]);
                    } else if connect::pass_on(number, &buffer[..count]).is_err() {
                        // Our reader is gone: the command learns it as it would from its own.
                        *stream = None;
                    }
                }
                Some(Moved::End) => *stream = None,
                Some(Moved::Wait) | None => {}
            }
        }
        moved
    }

    /// After the end of PID 1 only what is still in the pipes is left to read.
    fn drain(&mut self, on_output: &mut dyn FnMut(&[u8])) {
        let began = Instant::now();
        while self.move_output(on_output) > 0 && began.elapsed() < DRAIN {}
    }

    fn verdict_of_init(&self) -> Result<(Status, u64), Error> {
        match wire::receive(&self.answers, WHO)? {
            Some((Answer::Exited { code, cpu_milliseconds }, _)) => {
                Ok((Status::Exited(code), cpu_milliseconds))
            }
            Some((Answer::Signalled { signal, cpu_milliseconds }, _)) => {
                Ok((Status::Signalled(signal), cpu_milliseconds))
            }
            Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
            _ => Ok((Status::Signalled(libc::SIGKILL), 0)),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = process::kill(&self.init);
        // The kernel has killed and reaped everything inside when this returns.
        let _ = poll::ready(&[(self.init.as_fd(), Interest::Read)], None);
    }
}

struct Ready {
    ended: bool,
    input: bool,
}

enum Verdict {
    Terminate,
    Kill,
}

/// The limits that the supervisor keeps itself.
struct Watch {
    began: Instant,
    time: Option<Duration>,
    log_limit: Option<u64>,
    log: u64,
    reason: Option<Status>,
    asked: Option<Instant>,
}

impl Watch {
    fn new(spec: &SandboxSpec) -> Self {
        Self {
            began: Instant::now(),
            time: spec.limits.time.map(Duration::from_secs),
            log_limit: spec.limits.log.map(|bytes| bytes.0),
            log: 0,
            reason: None,
            asked: None,
        }
    }

    /// Until when nothing has to be decided. A signal may have come just before the wait began, so no wait is long.
    fn patience(&self) -> Duration {
        let end = match self.asked {
            Some(asked) => Some(GRACE.saturating_sub(asked.elapsed())),
            None => self.time.map(|time| time.saturating_sub(self.began.elapsed())),
        };
        end.map_or(LONGEST_WAIT, |end| end.min(LONGEST_WAIT))
    }

    fn verdict(&mut self) -> Option<Verdict> {
        if let Some(asked) = self.asked {
            return (asked.elapsed() >= GRACE).then_some(Verdict::Kill);
        }
        self.reason = if signal::interrupted() {
            Some(Status::Interrupted)
        } else if self.time.is_some_and(|time| self.began.elapsed() >= time) {
            Some(Status::TimedOut)
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
