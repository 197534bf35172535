//! One run of a program: how long it took, and how much of the processors.
//!
//! Processor time is what the control group of this program used meanwhile, so that helpers that nobody waits for
//! count too. Where no group can be made it is what the kernel says of waited-for children.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// One run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Seconds.
    pub(crate) wall: f64,
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
}

/// Where processor time is read.
#[derive(Debug)]
pub(crate) enum Clock {
    /// In a control group: `cpuacct.usage` (version 1) or `cpu.stat` (version 2).
    Group(PathBuf),
    /// From the children.
    Children,
}

impl Clock {
    /// Puts this process into a group of its own where that can be done.
    pub(crate) fn start() -> Self {
        for (top, file) in [
            ("/sys/fs/cgroup/cpuacct", "cpuacct.usage"),
            ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage"),
            ("/sys/fs/cgroup", "cpu.stat"),
        ] {
            let group = PathBuf::from(top).join(format!("kiln-bench-{}", std::process::id()));
            if fs::create_dir(&group).is_err() {
                continue;
            }
            let joined = fs::write(group.join("cgroup.procs"), std::process::id().to_string());
            if joined.is_ok() && group.join(file).exists() {
                return Self::Group(group.join(file));
            }
            let _ = fs::remove_dir(&group);
        }
        Self::Children
    }

    /// How it is measured, for the record.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Group(_) => "control group",
            Self::Children => "waited-for children",
        }
    }

    fn now(&self) -> Duration {
        match self {
            Self::Group(file) => {
                let text = fs::read_to_string(file).unwrap_or_default();
                if let Ok(nanoseconds) = text.trim().parse() {
                    return Duration::from_nanos(nanoseconds);
                }
                let microseconds = text.lines().find_map(|line| line.strip_prefix("usage_usec "));
                Duration::from_micros(microseconds.and_then(|text| text.parse().ok()).unwrap_or_default())
            }
            Self::Children => {
                children().map(|usage| of(usage.user_time()) + of(usage.system_time())).unwrap_or_default()
            }
        }
    }

    /// Runs a command to its end; it must succeed.
    pub(crate) fn time(&self, command: &mut Command) -> Result<Sample, Error> {
        self.around(|| finish(command).map(drop))
    }

    /// Measures what is done by processes that have ended when it returns.
    pub(crate) fn around(&self, work: impl FnOnce() -> Result<(), Error>) -> Result<Sample, Error> {
        let before = self.now();
        let started = Instant::now();
        work()?;
        let wall = started.elapsed().as_secs_f64();
        Ok(Sample { wall, cpu: self.now().saturating_sub(before).as_secs_f64() })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let Self::Group(file) = self else { return };
        let Some(group) = file.parent() else { return };
        // A group with a process in it cannot be removed.
        if let Some(parent) = group.parent() {
            let _ = fs::write(parent.join("cgroup.procs"), std::process::id().to_string());
        }
        let _ = fs::remove_dir(group);
    }
}

fn children() -> Option<Usage> {
    getrusage(UsageWho::RUSAGE_CHILDREN).ok()
}

fn of(time: TimeVal) -> Duration {
    Duration::from_secs(time.tv_sec() as u64) + Duration::from_micros(time.tv_usec() as u64)
}

/// Runs a command to its end; what it says, which is an error when it fails.
pub(crate) fn finish(command: &mut Command) -> Result<Vec<u8>, Error> {
    let shown = shown(command);
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|source| Error::Io { what: format!("run {shown}"), source })?;
    // dnf, told to answer no for us, fails after it has done all that was asked of it here.
    let refused = output.status.code() == Some(1) && output.stderr.ends_with(b"Operation aborted.\n");
    if output.status.success() || refused {
        return Ok(output.stdout);
    }
    let tail = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    };
    let signal = output.status.signal().map(|signal| format!("signal {signal}\n")).unwrap_or_default();
    Err(Error::Failed {
        command: shown,
        output: format!("{signal}{}\n{}", tail(&output.stdout), tail(&output.stderr)),
    })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The most memory that one process of a command had, in bytes: run in a process that has no other child.
pub(crate) fn peak(command: &Command) -> Result<u64, Error> {
    let own =
        std::env::current_exe().map_err(|source| Error::Io { what: "find this program".into(), source })?;
    let mut wrapped = Command::new(own);
    wrapped.args(["peak", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    let said = finish(&mut wrapped)?;
    let text = String::from_utf8_lossy(&said);
    let last = text.lines().last().unwrap_or_default();
    last.parse().map_err(|_| Error::broken("peak memory", format!("`{last}` is no number")))
}

/// The other side of [`peak`].
pub(crate) fn report_peak(command: &[String]) -> Result<(), Error> {
    let nothing = || Error::broken("peak", "there is no command");
    let (program, arguments) = command.split_first().ok_or_else(nothing)?;
    finish(Command::new(program).args(arguments))?;
    let kilobytes = children().map_or(0, |usage| usage.max_rss());
    crate::say(&(kilobytes.unsigned_abs() * 1024).to_string());
    Ok(())
}
