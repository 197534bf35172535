//! What a limit's end is called, and how to raise it.

use crate::engine::build::REQUIRES_MISSING;
use crate::engine::error::LimitKind;
use crate::report::Usage;
use crate::sandbox::{Hit, Outcome, Status};
use crate::unit::{Bytes, Limits};

/// The limit that ended a sandbox, with its value and how to raise it. A limit that was met and did no harm is none.
pub(super) fn reached(limits: &Limits, outcome: &Outcome) -> Option<(String, LimitKind)> {
    let seconds = |name, limit: Option<u64>| said(name, limit, |s| format!("{s} s"), ToString::to_string);
    let size = |name, limit: Option<Bytes>| {
        said(name, limit.map(|size| size.0), |size| Bytes(*size).to_string(), |size| Bytes(*size).option())
    };
    let count = |name, limit| said(name, limit, u64::to_string, u64::to_string);
    let hit = |hit| match hit {
        Hit::Memory => size("memory", limits.memory),
        Hit::Processes => count("pids", limits.pids),
        Hit::Disk => size("disk", limits.disk),
        Hit::Inodes => count("inodes", limits.inodes),
    };
    let text = match outcome.status {
        Status::TimedOut => return seconds("time", limits.time).map(|text| (text, LimitKind::Time)),
        Status::Silent => return seconds("silence", limits.silence).map(|text| (text, LimitKind::Time)),
        Status::LogLimit => size("log", limits.log),
        Status::Exceeded(passed) => hit(passed),
        Status::Interrupted | Status::Exited(0 | REQUIRES_MISSING) => None,
        Status::Exited(_) | Status::Signalled(_) => outcome.hits.first().and_then(|met| hit(*met)),
    };
    text.map(|text| (text, LimitKind::Resource))
}

/// `memory limit of 2 GiB reached, raise it with --limit memory=4G`.
fn said(
    name: &str,
    limit: Option<u64>,
    shown: impl Fn(&u64) -> String,
    option: impl Fn(&u64) -> String,
) -> Option<String> {
    let limit = limit?;
    let twice = option(&limit.saturating_mul(2));
    Some(format!("{name} limit of {} reached, raise it with --limit {name}={twice}", shown(&limit)))
}

/// Both together: the most that was used at once, and everything that was used up.
pub(super) fn added(one: Usage, other: Usage) -> Usage {
    Usage {
        peak_memory: one.peak_memory.max(other.peak_memory),
        cpu_milliseconds: one.cpu_milliseconds + other.cpu_milliseconds,
        peak_pids: one.peak_pids.max(other.peak_pids),
        io_bytes: one.io_bytes + other.io_bytes,
        throttled_milliseconds: one.throttled_milliseconds + other.throttled_milliseconds,
        oom_kills: one.oom_kills + other.oom_kills,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_reached_is_named_with_its_value_and_twice_of_it() {
        let limits = Limits {
            memory: Some(Bytes(2 << 30)),
            pids: Some(40),
            disk: Some(Bytes(20 << 20)),
            inodes: Some(1000),
            log: Some(Bytes(1 << 20)),
            time: Some(60),
            silence: Some(30),
            ..Limits::default()
        };
        let ended = |status, hits: &[Hit]| {
            let outcome = Outcome { status, usage: Usage::default(), hits: hits.to_vec() };
            reached(&limits, &outcome).map(|(text, kind)| format!("{text} ({kind:?})"))
        };
        let table = [
            (
                Status::Exited(1),
                Hit::Memory,
                "memory limit of 2 GiB reached, raise it with --limit memory=4G (Resource)",
            ),
            (
                Status::Signalled(9),
                Hit::Processes,
                "pids limit of 40 reached, raise it with --limit pids=80 (Resource)",
            ),
            (
                Status::Exceeded(Hit::Disk),
                Hit::Disk,
                "disk limit of 20 MiB reached, raise it with --limit disk=40M (Resource)",
            ),
            (
                Status::Exceeded(Hit::Inodes),
                Hit::Inodes,
                "inodes limit of 1000 reached, raise it with --limit inodes=2000 (Resource)",
            ),
            (
                Status::LogLimit,
                Hit::Memory,
                "log limit of 1 MiB reached, raise it with --limit log=2M (Resource)",
            ),
            (
                Status::TimedOut,
                Hit::Memory,
                "time limit of 60 s reached, raise it with --limit time=120 (Time)",
            ),
            (
                Status::Silent,
                Hit::Memory,
                "silence limit of 30 s reached, raise it with --limit silence=60 (Time)",
            ),
        ];
        for (status, hit, text) in table {
            assert_eq!(ended(status, &[hit]).as_deref(), Some(text));
        }
        assert_eq!(
            ended(Status::Exited(0), &[Hit::Memory]),
            None,
            "the build went on without what was killed"
        );
        assert_eq!(ended(Status::Exited(1), &[]), None);
    }
}
