//! The watchdog: keeps the limits that the kernel does not keep here, by asking the keeper again and again what the
//! sandbox uses.
//!
//! It looks the more seldom the longer a look takes, at processes and at the disk apart, so that it hardly costs more than
//! a twentieth of a processor, and not at all at what ends at once. What can be used up fast is looked at when the host says that something was: free
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
/// But processes are never left alone for longer: memory goes fast.
const LONGEST: Duration = Duration::from_secs(5);

/// Watches one sandbox.
#[derive(Debug)]
pub(super) struct Patrol {
    keeper: Weak<OwnedFd>,
    store: HostPath,
    limited: Limited,
    question: Question,
    pending: Option<Pending>,
    due: Instant,
    disk_due: Instant,
    /// What was free when the disk was last looked at.
    free: Option<(u64, u64)>,
    is_blind: bool,
    last: Seen,
    /// The most that was seen at once.
    pub peak: Seen,
}

/// A question that was asked.
#[derive(Debug)]
struct Pending {
    answers: OwnedFd,
    asked: Instant,
    look: Look,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Processes,
    DiskToo,
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
            disk_due: Instant::now() + SHORTEST,
            free: None,
            is_blind: false,
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
        if self.pending.is_some() {
            return;
        }
        let now = Instant::now();
        let disk = !self.question.disk.is_empty() && (now >= self.disk_due || self.is_alarmed());
        if now < self.due && !disk {
            return;
        }
        self.pending = self.ask(if disk { Look::DiskToo } else { Look::Processes });
        if disk {
            self.free = fs::free(&self.store);
        }
    }

    /// Whether so much went from the disk that the limit may be passed.
    fn is_alarmed(&self) -> bool {
        let (Some(before), Some(now)) = (self.free, fs::free(&self.store)) else { return false };
        let passed = |limit: Option<u64>, used: u64, before: u64, now: u64| {
            limit.is_some_and(|limit| before.saturating_sub(now) > limit.saturating_sub(used))
        };
        passed(self.limited.disk, self.last.disk, before.0, now.0)
            || passed(self.limited.inodes, self.last.inodes, before.1, now.1)
    }

    fn ask(&self, look: Look) -> Option<Pending> {
        let keeper = self.keeper.upgrade()?;
        let Question { init, memory, disk: directories } = self.question.clone();
        let question =
            Question { init, memory, disk: if look == Look::DiskToo { directories } else { Vec::new() } };
        let input = serde_json::to_string(&question).ok()?;
        let (ours, theirs) = socket::pair().ok()?;
        let request = Request::Call(Job { name: MEASURE.to_owned(), input });
        wire::send(&*keeper, &request, &[theirs.as_fd()]).ok()?;
        Some(Pending { answers: ours, asked: Instant::now(), look })
    }

    /// What has an answer coming.
    pub(super) fn watched(&self) -> Option<BorrowedFd<'_>> {
        self.pending.as_ref().map(|pending| pending.answers.as_fd())
    }

    /// When to look again after a look that took `elapsed`, of which `on_disk` at the disk.
    fn plan(&mut self, elapsed: Duration, on_disk: Option<Duration>) {
        let now = Instant::now();
        if let Some(on_disk) = on_disk {
            self.disk_due = now + SHORTEST.max(on_disk * SHARE);
        }
        let on_disk = on_disk.unwrap_or_default();
        let pace = if self.limited.is_for_the_record() { RELAXED } else { SHORTEST };
        let only_disk =
            !self.limited.is_for_the_record() && self.limited.memory.or(self.limited.pids).is_none();
        self.due = if only_disk {
            self.disk_due
        } else {
            now + pace.max((elapsed.saturating_sub(on_disk) * SHARE).min(LONGEST))
        };
    }

    /// Reads an answer; says which limit is passed.
    pub(super) fn answered(&mut self) -> Option<Hit> {
        let Pending { answers, asked, look } = self.pending.take()?;
        let answer = wire::receive(&answers, "keeper");
        let text = if let Ok(Some((Answer::Done(Ok(text)), _))) = answer { Some(text) } else { None };
        let seen = text.and_then(|text| serde_json::from_str::<Seen>(&text).ok());
        let elapsed = asked.elapsed();
        let told = |seen: &Seen| Duration::from_millis(seen.disk_milliseconds.into());
        let on_disk = seen.as_ref().map_or(elapsed, told);
        self.plan(elapsed, (look == Look::DiskToo).then_some(on_disk));
        let mut seen = seen?;
        if seen.disk_unseen && !self.is_blind {
            self.is_blind = true;
            tracing::warn!("what the sandbox has on the disk could not be counted");
        }
        if look == Look::Processes || seen.disk_unseen {
            (seen.disk, seen.inodes, seen.too_deep) = (self.last.disk, self.last.inodes, self.last.too_deep);
        }
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
