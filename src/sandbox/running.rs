//! A running sandbox as the supervisor sees it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use crate::plan::SandboxSpec;
use crate::report::Usage;
use crate::sandbox::Error;
use crate::sandbox::cgroup::{Group, Hit};
use crate::sandbox::door::Door;
use crate::sandbox::keeper::Keeper;
use crate::sandbox::patrol::Patrol;
use crate::sandbox::streams::{Ours, Slot};
use crate::sandbox::watch::{Verdict, Watch};
use crate::sandbox::wire::{self, Answer, Order};
use crate::sys::child::Spent;
use crate::sys::poll::{self, Interest};
use crate::sys::{child, signal};
use crate::unit::HostPath;

/// How a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The command returned this code.
    Exited(i32),
    /// A signal killed the command.
    Signalled(i32),
    /// It took longer than its limit.
    TimedOut,
    /// It wrote nothing for longer than its limit.
    Silent,
    /// It wrote more than its limit.
    LogLimit,
    /// It used more than a limit that is kept by watching.
    Exceeded(Hit),
    /// The user ended the run.
    Interrupted,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(signal) => write!(f, "killed by signal {signal}"),
            Self::TimedOut => f.write_str("its time was over"),
            Self::Silent => f.write_str("it was silent for too long"),
            Self::LogLimit => f.write_str("it wrote too much"),
            Self::Exceeded(hit) => write!(f, "it used too much: {hit}"),
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
    /// The limits that the kernel held it to.
    pub hits: Vec<Hit>,
}

/// A running sandbox. Dropping it kills everything in it.
#[derive(Debug)]
pub struct Sandbox {
    spec: SandboxSpec,
    init: OwnedFd,
    answers: OwnedFd,
    streams: Ours,
    namespaces: Vec<OwnedFd>,
    door: Option<Door>,
    patrol: Option<Patrol>,
    processors: Option<Vec<u32>>,
    /// Last, so that it is removed when everything in it is dead.
    group: Option<Group>,
}

/// What a sandbox has outside.
#[derive(Debug)]
pub(super) struct Attached {
    /// The other sides of its streams.
    pub streams: Ours,
    /// Its control groups.
    pub group: Option<Group>,
    /// Who watches it, where the kernel does not.
    pub patrol: Option<Patrol>,
    /// The processors that it is kept to by itself.
    pub processors: Option<Vec<u32>>,
}

/// What holds a sandbox's processes: its groups, and the processors that it is kept to without them.
pub(super) type Holders<'a> = (Option<&'a Group>, Option<&'a [u32]>);

/// Who can have something to do while a sandbox runs.
#[derive(Debug, Clone, Copy)]
enum Source {
    Stream(Slot),
    /// PID 1 has ended.
    Init,
    Door,
    Patrol,
}

/// The process that was made for us, which waits for its order to go; `who` it is.
pub(super) fn process_of(answers: &OwnedFd, who: &'static str) -> Result<OwnedFd, Error> {
    match wire::receive(answers, who)? {
        Some((Answer::Started, mut descriptors)) if !descriptors.is_empty() => Ok(descriptors.remove(0)),
        Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
        _ => Err(Error::Lost { who }),
    }
}

/// Puts a process that waits into what holds it, and lets it go. Where no group counts processes, it limits `pids` itself.
pub(super) fn start(
    (answers, process): (&OwnedFd, &OwnedFd),
    (group, processors): Holders<'_>,
    pids: Option<u64>,
) -> Result<(), Error> {
    if let Some(group) = group {
        child::pid_of(process).and_then(|pid| group.place(pid)).map_err(Error::Group)?;
    }
    let processes = pids.filter(|_| group.is_none());
    wire::send(answers, &Order::Go { processes, processors: processors.map(<[u32]>::to_vec) }, &[])
}

/// How long to wait for more output after the end of PID 1, when everybody who could write is dead.
const DRAIN: Duration = Duration::from_secs(1);
const WHO: &str = "sandbox";

impl Sandbox {
    /// Takes over from the keeper's side: the sandbox's PID 1 makes the root, then waits for its order to go.
    pub(super) fn begin(
        spec: &SandboxSpec,
        answers: OwnedFd,
        Attached { streams, group, patrol, processors }: Attached,
    ) -> Result<Self, Error> {
        let init = process_of(&answers, WHO)?;
        let mut sandbox = Self::made(spec, (answers, init), streams);
        sandbox.group = group;
        sandbox.patrol = patrol;
        sandbox.processors = processors;
        match sandbox.place() {
            Ok(()) => sandbox.started(),
            Err(error) => Err(sandbox.last_words().unwrap_or(error)),
        }
    }

    /// Puts PID 1, which makes the root, into what holds it, and lets it start the command.
    fn place(&mut self) -> Result<(), Error> {
        if let Some(patrol) = &mut self.patrol {
            patrol.begin(child::pid_of(&self.init).map_err(Error::Group)?);
        }
        start((&self.answers, &self.init), self.holders(), self.spec.limits.pids)
    }

    /// Why PID 1 has ended before it was placed.
    fn last_words(&self) -> Option<Error> {
        let _ = child::kill(&self.init);
        match wire::receive(&self.answers, WHO) {
            Ok(Some((Answer::Failed(failure), _))) => Some(Error::Failed(failure)),
            _ => None,
        }
    }

    fn holders(&self) -> Holders<'_> {
        (self.group.as_ref(), self.processors.as_deref())
    }

    /// Takes over a command that was started in somebody else's sandbox.
    pub(super) fn visiting(
        spec: &SandboxSpec,
        (answers, minder): (OwnedFd, OwnedFd),
        streams: Ours,
    ) -> Result<Self, Error> {
        Self::made(spec, (answers, minder), streams).started()
    }

    fn made(spec: &SandboxSpec, (answers, init): (OwnedFd, OwnedFd), streams: Ours) -> Self {
        let namespaces = Vec::new();
        Self {
            spec: spec.clone(),
            init,
            answers,
            streams,
            namespaces,
            door: None,
            patrol: None,
            processors: None,
            group: None,
        }
    }

    fn started(mut self) -> Result<Self, Error> {
        match wire::receive(&self.answers, WHO)? {
            Some((Answer::Ready { namespaces }, mut descriptors)) => {
                let terminal = descriptors.split_off(namespaces.min(descriptors.len()));
                self.namespaces = descriptors;
                for outer in terminal {
                    self.streams.connect_terminal(outer).map_err(Error::Talk)?;
                }
                Ok(self)
            }
            Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
            _ => Err(Error::Lost { who: WHO }),
        }
    }

    /// Lets this user's other processes start commands in it, through a socket in `directory`, while it is waited for.
    /// The specification must admit visitors.
    pub fn receive_visitors(&mut self, keeper: &Keeper, directory: &HostPath) -> Result<(), Error> {
        let namespaces = std::mem::take(&mut self.namespaces);
        self.door = Some(Door::open(directory, keeper.channel()?, namespaces)?);
        Ok(())
    }

    /// The process id of its PID 1 on the host.
    pub fn pid(&self) -> Result<u32, Error> {
        child::pid_of(&self.init).map_err(Error::Talk)
    }

    /// Its control groups.
    pub fn groups(&self) -> Vec<HostPath> {
        self.group.as_ref().map(Group::places).unwrap_or_default()
    }

    /// What the command reads from its standard input, where that is a pipe.
    pub fn feed(&mut self, input: impl Into<Vec<u8>>) {
        self.streams.feed(input.into());
    }

    /// Waits for the end: hands output to `on_output` as it comes, moves what else there is to move, and keeps the
    /// limits.
    ///
    /// The end is the end of PID 1, never the end of the output: a process that was left behind and holds it is dead.
    pub fn wait(mut self, on_output: &mut dyn FnMut(&[u8])) -> Result<Outcome, Error> {
        let mut watch = Watch::new(&self.spec);
        while !self.advance(&mut watch, on_output)? {
            match watch.verdict() {
                None => {}
                Some(Verdict::Terminate) => {
                    let _ = wire::send(&self.answers, &Order::Terminate, &[]);
                }
                Some(Verdict::Kill) => child::kill(&self.init).map_err(Error::Talk)?,
            }
        }
        self.drain(on_output)?;
        let (told, spent) = self.verdict_of_init()?;
        let peak = self.patrol.as_ref().map(|patrol| patrol.peak).unwrap_or_default();
        let known = Usage {
            cpu_milliseconds: spent.cpu_milliseconds,
            // Who looks now and then misses what was there for a moment.
            peak_memory: peak.memory.max(spent.largest_process),
            peak_pids: peak.pids,
            ..Usage::default()
        };
        let mut hits = self.group.as_ref().map(Group::hits).unwrap_or_default();
        let status = watch.reason.unwrap_or(told);
        if let Status::Exceeded(hit) = status {
            hits.push(hit);
        }
        // The kernel counts processes of each user id here, and does not say when it refuses one.
        let nearly = |limit: u64| limit - (limit / 16).min(limit) <= peak.pids + 2;
        if self.group.is_none() && self.spec.limits.pids.is_some_and(nearly) {
            hits.push(Hit::Processes);
        }
        let usage = self.group.as_ref().map_or(known, |group| group.usage(known));
        Ok(Outcome { status, usage, hits })
    }

    /// Waits for something to do and does it; true at the end of PID 1.
    fn advance(&mut self, watch: &mut Watch, on_output: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        self.streams.follow_size();
        self.group.iter_mut().for_each(Group::sample);
        self.patrol.iter_mut().for_each(Patrol::tick);
        self.streams.close_what_is_done();
        let mut has_ended = false;
        for source in self.ready(watch.patience())? {
            match source {
                Source::Stream(slot) => watch.hear(self.streams.advance(slot, on_output)),
                Source::Init => has_ended = true,
                Source::Door => {
                    if let Some(door) = &self.door {
                        door.answer(&self.spec, self.holders());
                    }
                }
                Source::Patrol => {
                    if let Some(hit) = self.patrol.as_mut().and_then(Patrol::answered) {
                        watch.exceed(hit);
                    }
                }
            }
        }
        Ok(has_ended)
    }

    /// What has something to do, after `patience` at the latest.
    fn ready(&self, patience: Duration) -> Result<Vec<Source>, Error> {
        let mut sources = Vec::new();
        let mut descriptors = Vec::new();
        let mut watch = |source, fd, interest| {
            sources.push(source);
            descriptors.push((fd, interest));
        };
        for (slot, fd, interest) in self.streams.watched() {
            watch(Source::Stream(slot), fd, interest);
        }
        watch(Source::Init, self.init.as_fd(), Interest::Read);
        if let Some(door) = &self.door {
            watch(Source::Door, door.watched(), Interest::Read);
        }
        if let Some(answers) = self.patrol.as_ref().and_then(Patrol::watched) {
            watch(Source::Patrol, answers, Interest::Read);
        }
        let ready = poll::ready(&descriptors, Some(patience)).map_err(Error::Talk)?;
        Ok(ready.into_iter().map(|position| sources[position]).collect())
    }

    /// After the end of PID 1 only what is still in the pipes is left to move; whoever reads ours may be slow.
    fn drain(&mut self, on_output: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        self.streams.stop_input();
        loop {
            self.streams.close_what_is_done();
            let watched = self.streams.watched();
            let slots: Vec<_> = watched.iter().map(|(slot, ..)| *slot).collect();
            let waits_for_us = watched.iter().any(|(_, _, interest)| *interest == Interest::Write);
            let descriptors: Vec<_> = watched.into_iter().map(|(_, fd, interest)| (fd, interest)).collect();
            if !self.streams.is_open() || signal::interrupted() {
                return Ok(());
            }
            let ready = poll::ready(&descriptors, Some(DRAIN)).map_err(Error::Talk)?;
            if ready.is_empty() && !waits_for_us {
                return Ok(());
            }
            for position in ready {
                self.streams.advance(slots[position], on_output);
            }
        }
    }

    fn verdict_of_init(&self) -> Result<(Status, Spent), Error> {
        match wire::receive(&self.answers, WHO)? {
            Some((Answer::Exited { code, spent }, _)) => Ok((Status::Exited(code), spent)),
            Some((Answer::Signalled { signal, spent }, _)) => Ok((Status::Signalled(signal), spent)),
            Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
            _ => Ok((Status::Signalled(libc::SIGKILL), Spent::default())),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = child::kill(&self.init);
        // The kernel has killed and reaped everything inside when this returns.
        let _ = poll::ready(&[(self.init.as_fd(), Interest::Read)], None);
    }
}
