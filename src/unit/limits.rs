//! What a sandbox may use. A field that is absent is not limited.

use crate::unit::Bytes;

/// Limits as release files and `--limit` give them; merged field by field.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// `memory.max`: resident memory, page cache and tmpfs of the whole sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Number of processors, as a quota of time: 1.5 is one and a half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// `pids.max`: processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Bytes that the sandbox may write outside its tmpfs mounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// Bytes of log kept; a build that writes more is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Bytes>,
    /// Wall-clock seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
}

impl Limits {
    /// These limits, with every field that `over` sets taken from it.
    pub fn merged(&self, over: &Self) -> Self {
        Self {
            memory: over.memory.or(self.memory),
            cpus: over.cpus.or(self.cpus),
            pids: over.pids.or(self.pids),
            disk: over.disk.or(self.disk),
            log: over.log.or(self.log),
            time: over.time.or(self.time),
        }
    }
}
