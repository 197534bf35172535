//! What a sandbox may use. A field that is absent is not limited.

use crate::unit::{Bytes, CpuList};

/// Limits as release files and `--limit` give them; merged field by field.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// `memory.max`: resident memory, page cache and tmpfs of the whole sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// `memory.high`: above it the sandbox is slowed down and its memory taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_high: Option<Bytes>,
    /// `memory.swap.max`: what of it may lie in swap; nothing when only `memory` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Bytes>,
    /// Number of processors, as a quota of time: 1.5 is one and a half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// `cpu.weight`: the share of processor time where others want it too; 1 to 10000, usual 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_weight: Option<u64>,
    /// The processors that may be used at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpuset: Option<CpuList>,
    /// `io.weight`: the share of the disk where others want it too; 1 to 10000, usual 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io_weight: Option<u64>,
    /// Bytes a second that are read from, and that are written to, the disk with the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io_bandwidth: Option<Bytes>,
    /// `pids.max`: processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Bytes that the sandbox may write outside its tmpfs mounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// Files and directories that it may make there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inodes: Option<u64>,
    /// Bytes of log kept; a build that writes more is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Bytes>,
    /// Wall-clock seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// Wall-clock seconds without a byte of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<u64>,
}

impl Limits {
    /// These limits, with every field that `over` sets taken from it.
    pub fn merged(&self, over: &Self) -> Self {
        Self {
            memory: over.memory.or(self.memory),
            memory_high: over.memory_high.or(self.memory_high),
            swap: over.swap.or(self.swap),
            cpus: over.cpus.or(self.cpus),
            cpu_weight: over.cpu_weight.or(self.cpu_weight),
            cpuset: over.cpuset.clone().or_else(|| self.cpuset.clone()),
            io_weight: over.io_weight.or(self.io_weight),
            io_bandwidth: over.io_bandwidth.or(self.io_bandwidth),
            pids: over.pids.or(self.pids),
            disk: over.disk.or(self.disk),
            inodes: over.inodes.or(self.inodes),
            log: over.log.or(self.log),
            time: over.time.or(self.time),
            silence: over.silence.or(self.silence),
        }
    }
}
