//! The watchdog: keeps the limits that the kernel does not keep here, by asking the keeper again and again what the
//! sandbox uses.
//!
//! It looks the more seldom the longer a look takes, so that it never costs more than a twentieth of a processor, and
//! not at all at what ends at once. What can be used up fast is looked at when the host says that something was: free
//! space that went away.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::plan::{Access, Job, SandboxSpec, Step};
use crate::sandbox::cgroup::Hit;
use crate::sandbox::measure::{Question, Seen};
use crate::sandbox::serve::MEASURE;
use crate::sandbox::wire::{self, Answer, Request};
use crate::sys::{fs, socket};
use crate::unit::HostPath;

/// How often at most, where a limit depends on it.
const SHORTEST: Duration = Duration::from_millis(100);
/// How often at most, where it is for the record only.
const RELAXED: Duration = Duration::from_secs(1);
/// A look that took a second is followed by none for this many.
const SHARE: u32 = 20;

/// Watches one sandbox.
#[derive(Debug)]
pub(super) struct Patrol {
    keeper: Weak<OwnedFd>,
    store: HostPath,
    limited: Limited,
    question: Question,
    pending: Option<(OwnedFd, Instant)>,
    due: Instant,
    /// What was free when it was last looked.
    free: Option<(u64, u64)>,
    last: Seen,
    /// The most that was seen at once.
    pub peak: Seen,
}

/// The limits that are kept by watching.
#[derive(Debug, Clone, Copy)]
struct Limited {
    memory: Option<u64>,
    disk: Option<u64>,
    inodes: Option<u64>,
    /// Kept by the kernel, which does not tell.
    pids: Option<u64>,
}

impl Limited {
    fn is_for_the_record(self) -> bool {
        [self.memory, self.disk, self.inodes, self.pids].iter().all(Option::is_none)
    }
}

/// Whether the kernel counts what the sandbox has, and limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// It does.
    Counted,
    /// Somebody has to look.
    Uncounted,
}

impl Patrol {
    /// A watch over a sandbox; none where there is nothing to watch.
    pub(super) fn new(
        spec: &SandboxSpec,
        counting: Counting,
        keeper: Weak<OwnedFd>,
        store: &HostPath,
    ) -> Option<Self> {
        let limits = &spec.limits;
        let limited = Limited {
            memory: limits.memory.map(|size| size.0).filter(|_| counting == Counting::Uncounted),
            disk: limits.disk.map(|size| size.0),
            inodes: limits.inodes,
            pids: limits.pids.filter(|_| counting == Counting::Uncounted),
        };
        if counting == Counting::Counted && limited.disk.is_none() && limited.inodes.is_none() {
            return None;
        }
        let disk =
            if limited.disk.is_some() || limited.inodes.is_some() { written(spec) } else { Vec::new() };
        Some(Self {
            keeper,
            store: store.clone(),
            limited,
            question: Question { init: 0, memory: memory_file_systems(spec), disk },
            pending: None,
            due: Instant::now() + SHORTEST,
            free: None,
            last: Seen::default(),
            peak: Seen::default(),
        })
    }

    /// Begins, now that PID 1 is known.
    pub(super) fn begin(&mut self, init: u32) {
        self.question.init = init;
    }

    /// Asks when it is time to.
    pub(super) fn tick(&mut self) {
        if self.pending.is_some() || (Instant::now() < self.due && !self.is_alarmed()) {
            return;
        }
        self.pending = self.ask();
        self.free = fs::free(&self.store);
    }

    /// Whether so much went from the disk that the limit may be passed.
    fn is_alarmed(&self) -> bool {
        if self.question.disk.is_empty() {
            return false;
        }
        let (Some(before), Some(now)) = (self.free, fs::free(&self.store)) else { return false };
        let passed = |limit: Option<u64>, used: u64, before: u64, now: u64| {
            limit.is_some_and(|limit| before.saturating_sub(now) > limit.saturating_sub(used))
        };
        passed(self.limited.disk, self.last.disk, before.0, now.0)
            || passed(self.limited.inodes, self.last.inodes, before.1, now.1)
    }

    fn ask(&self) -> Option<(OwnedFd, Instant)> {
        let keeper = self.keeper.upgrade()?;
        let input = serde_json::to_string(&self.question).ok()?;
        let (ours, theirs) = socket::pair().ok()?;
        let request = Request::Call(Job { name: MEASURE.to_owned(), input });
        wire::send(&*keeper, &request, &[theirs.as_fd()]).ok()?;
        Some((ours, Instant::now()))
    }

    /// What has an answer coming.
    pub(super) fn watched(&self) -> Option<BorrowedFd<'_>> {
        self.pending.as_ref().map(|(answers, _)| answers.as_fd())
    }

    /// Reads an answer; says which limit is passed.
    pub(super) fn answered(&mut self) -> Option<Hit> {
        let (answers, asked) = self.pending.take()?;
        let pace = if self.limited.is_for_the_record() { RELAXED } else { SHORTEST };
        self.due = Instant::now() + pace.max(asked.elapsed() * SHARE);
        let Ok(Some((Answer::Done(Ok(text)), _))) = wire::receive(&answers, "keeper") else { return None };
        let seen: Seen = serde_json::from_str(&text).ok()?;
        self.last = seen;
        let peak = &mut self.peak;
        peak.memory = peak.memory.max(seen.memory);
        peak.pids = peak.pids.max(seen.pids);
        let passed = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used > limit);
        let table = [
            (passed(self.limited.memory, seen.memory), Hit::Memory),
            // The kernel counts by user id, and root of a sandbox has many.
            (passed(self.limited.pids, seen.pids), Hit::Processes),
            (passed(self.limited.disk, seen.disk) || seen.too_deep, Hit::Disk),
            (passed(self.limited.inodes, seen.inodes), Hit::Inodes),
        ];
        table.into_iter().find(|row| row.0).map(|row| row.1)
    }
}

/// The store's directories that a sandbox can write to.
fn written(spec: &SandboxSpec) -> Vec<String> {
    let bound = spec.steps.iter().filter_map(|step| match step {
        Step::Bind { from, access: Access::ReadWrite, .. } => from.as_path().to_str().map(str::to_owned),
        _ => None,
    });
    spec.root.upper.iter().map(|(upper, _)| upper.clone()).chain(bound).collect()
}

fn memory_file_systems(spec: &SandboxSpec) -> Vec<String> {
    let mounted = spec.steps.iter().filter_map(|step| match step {
        Step::Tmpfs { at, .. } => Some(at.as_str().to_owned()),
        Step::Dev => Some("/dev/shm".to_owned()),
        _ => None,
    });
    mounted.collect()
}
