//! `report.json`: what went in, what it took, what came out.

use std::collections::BTreeMap;

use crate::report::Stage;
use crate::unit::{Digest, Limits};

/// The version of the file's format; grows when a reader of the old one would misread the new one.
const VERSION: u32 = 1;

/// One run's record, written to `report.json` in the result directory.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    version: u32,
    /// The version of kiln.
    pub kiln: String,
    /// The release that was built for.
    pub release: String,
    /// Its architecture.
    pub arch: String,
    /// The source package as given: name and digest.
    pub source: Option<ArtifactRecord>,
    /// The identifier of the root's uppermost layer.
    pub root: String,
    /// The packages in the root.
    pub packages: Vec<PackageRecord>,
    /// How the sandbox was made.
    pub sandbox: SandboxRecord,
    /// Stages with their times, in the order in which they ended.
    pub stages: Vec<StageRecord>,
    /// What the build used.
    pub usage: Usage,
    /// What was taken out.
    pub artifacts: Vec<ArtifactRecord>,
    /// `success`, or what failed in one line.
    pub outcome: String,
}

impl Report {
    /// A record of a run for `release`, with nothing in it yet.
    pub fn new(release: &str, arch: &str) -> Self {
        Self {
            version: VERSION,
            kiln: env!("CARGO_PKG_VERSION").to_owned(),
            release: release.to_owned(),
            arch: arch.to_owned(),
            source: None,
            root: String::new(),
            packages: Vec::new(),
            sandbox: SandboxRecord::default(),
            stages: Vec::new(),
            usage: Usage::default(),
            artifacts: Vec::new(),
            outcome: String::new(),
        }
    }
}

/// A package of the root.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PackageRecord {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// The repository it came from.
    pub repo: String,
    /// The package file's digest.
    pub digest: Digest,
}

/// How the sandbox was made; what the host could not give is said, not hidden.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct SandboxRecord {
    /// `root`, `subordinate-ids` or `single-id`.
    pub tier: String,
    /// Which control groups enforce the limits: `v2`, `systemd`, `v1` or `none`.
    pub cgroup: String,
    /// `none` or `host`.
    pub network: String,
    /// What was asked for.
    pub limits: Limits,
    /// Who keeps each of the limits: the control groups' word, `rlimit`, `affinity`, `watchdog`, `kiln` itself, or
    /// `nobody`.
    pub enforced: BTreeMap<String, String>,
    /// Limits that the kernel does not enforce here, and other losses.
    pub warnings: Vec<String>,
}

/// A stage's time.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StageRecord {
    /// Which.
    pub stage: Stage,
    /// Milliseconds it took.
    pub milliseconds: u64,
    /// Whether it succeeded.
    pub ok: bool,
}

/// What a sandbox used; zero where the host could not measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Bytes at the peak.
    pub peak_memory: u64,
    /// Processor time in milliseconds, user and system.
    pub cpu_milliseconds: u64,
    /// Processes and threads at the peak.
    pub peak_pids: u64,
    /// Bytes read from and written to block devices.
    pub io_bytes: u64,
    /// Milliseconds for which the processor quota held it back.
    pub throttled_milliseconds: u64,
    /// Processes that the kernel killed for memory.
    pub oom_kills: u64,
}

/// A file that came in or went out.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ArtifactRecord {
    /// The file's name.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}
