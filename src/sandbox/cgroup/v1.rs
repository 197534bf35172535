//! Version 1: a hierarchy for every controller; only root may use it.

use std::path::PathBuf;

use super::layout::Layout;
use super::{Presence, Setting};
use crate::sys::fs;
use crate::unit::Limits;

/// A controller and our own group in its hierarchy.
pub(super) type Directories = Vec<(&'static str, PathBuf)>;

/// The controllers that we use; those that limit first.
const CONTROLLERS: &[&str] = &["memory", "pids", "cpu", "cpuacct", "blkio"];
/// Without these a host's version 1 is of no use to us.
const NEEDED: &[&str] = &["memory", "pids"];

/// Where groups can be made; `None` where that is not allowed. Controllers that are mounted together have one place.
pub(super) fn directories(layout: &Layout) -> Option<Directories> {
    let mut found = Directories::new();
    for name in CONTROLLERS {
        let path = layout.v1.get(*name).filter(|path| fs::is_writable(path));
        match path {
            Some(path) => found.push((*name, path.clone())),
            None if NEEDED.contains(name) => return None,
            None => {}
        }
    }
    Some(found)
}

/// What is written into a new group of a controller.
pub(super) fn settings(controller: &str, limits: &Limits) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut set = |file, value: String, presence| settings.push(Setting { file, value, presence });
    match controller {
        "memory" => {
            if let Some(memory) = limits.memory {
                set("memory.limit_in_bytes", memory.0.to_string(), Presence::Always);
                set("memory.memsw.limit_in_bytes", memory.0.to_string(), Presence::Maybe);
            }
        }
        "pids" => {
            if let Some(pids) = limits.pids {
                set("pids.max", pids.to_string(), Presence::Always);
            }
        }
        "cpu" => {
            if let Some(cpus) = limits.cpus {
                set("cpu.cfs_period_us", PERIOD.to_string(), Presence::Always);
                set("cpu.cfs_quota_us", ((cpus * f64::from(PERIOD)) as u64).to_string(), Presence::Always);
            }
        }
        _ => {}
    }
    settings
}

/// Microseconds in which a quota of processor time is counted.
const PERIOD: u32 = 100_000;

/// The total of `blkio.throttle.io_service_bytes`.
pub(super) fn io_bytes(text: &str) -> u64 {
    super::entry(text, "Total")
}
