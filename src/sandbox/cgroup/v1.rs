//! Version 1: a hierarchy for every controller; only root may use it.

use std::path::PathBuf;

use super::layout::Layout;
use super::{Device, Presence, Setting};
use crate::sys::fs;
use crate::unit::Limits;

/// A controller and our own group in its hierarchy.
pub(super) type Directories = Vec<(&'static str, PathBuf)>;

/// The controllers that we use; those that limit first.
const CONTROLLERS: &[&str] = &["memory", "pids", "cpu", "cpuacct", "blkio", "cpuset"];
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

/// The file that stands for a limit, and the controller it belongs to.
pub(super) fn file(limit: &str) -> Option<(&'static str, &'static str)> {
    Some(match limit {
        "memory" => ("memory", "memory.limit_in_bytes"),
        "swap" => ("memory", "memory.memsw.limit_in_bytes"),
        "pids" => ("pids", "cgroup.procs"),
        "cpus" => ("cpu", "cgroup.procs"),
        "cpu_weight" => ("cpu", "cpu.shares"),
        "cpuset" => ("cpuset", "cpuset.cpus"),
        // The weight itself has no file in the root of the hierarchy.
        "io_weight" => ("blkio", "blkio.bfq.io_service_bytes"),
        "io_bandwidth" => ("blkio", "blkio.throttle.write_bps_device"),
        _ => return None,
    })
}

/// What is written into a new group of a controller. `memory_nodes` are those of the group above.
pub(super) fn settings(
    controller: &str,
    limits: &Limits,
    device: Option<Device>,
    memory_nodes: impl FnOnce() -> String,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut set = |file, value: String, presence| settings.push(Setting { file, value, presence });
    match controller {
        "memory" => {
            if let Some(memory) = limits.memory {
                set("memory.limit_in_bytes", memory.0.to_string(), Presence::Always);
                let both = memory.0.saturating_add(limits.swap.map_or(0, |swap| swap.0));
                set("memory.memsw.limit_in_bytes", both.to_string(), Presence::Maybe);
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
            if let Some(weight) = limits.cpu_weight {
                let shares = (weight * USUAL_SHARES / USUAL_WEIGHT).max(2);
                set("cpu.shares", shares.to_string(), Presence::Always);
            }
        }
        "cpuset" => {
            if let Some(cpuset) = &limits.cpuset {
                set("cpuset.mems", memory_nodes(), Presence::Always);
                set("cpuset.cpus", cpuset.to_string(), Presence::Always);
            }
        }
        "blkio" => {
            if let Some(weight) = limits.io_weight {
                set("blkio.bfq.weight", weight.min(1000).to_string(), Presence::Maybe);
            }
            if let (Some(bandwidth), Some(device)) = (limits.io_bandwidth, device) {
                let value = format!("{device} {}", bandwidth.0);
                set("blkio.throttle.read_bps_device", value.clone(), Presence::Always);
                set("blkio.throttle.write_bps_device", value, Presence::Always);
            }
        }
        _ => {}
    }
    settings
}

/// Microseconds in which a quota of processor time is counted.
const PERIOD: u32 = 100_000;
/// What a group has by default, in both versions' measure.
const USUAL_SHARES: u64 = 1024;
const USUAL_WEIGHT: u64 = 100;

/// The total of `blkio.throttle.io_service_bytes`.
pub(super) fn io_bytes(text: &str) -> u64 {
    super::entry(text, "Total")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Bytes;

    #[test]
    fn limits_become_files_of_their_controllers() {
        let limits = Limits {
            memory: Some(Bytes(1 << 30)),
            swap: Some(Bytes(1 << 20)),
            cpus: Some(0.5),
            cpu_weight: Some(50),
            cpuset: "0-1".parse().ok(),
            io_weight: Some(10),
            io_bandwidth: Some(Bytes(4096)),
            pids: Some(9),
            ..Limits::default()
        };
        let device = Some(Device { major: 8, minor: 16 });
        let written: Vec<_> = CONTROLLERS
            .iter()
            .flat_map(|controller| settings(controller, &limits, device, || "0".to_owned()))
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect();
        assert_eq!(
            written,
            [
                "memory.limit_in_bytes=1073741824",
                "memory.memsw.limit_in_bytes=1074790400",
                "pids.max=9",
                "cpu.cfs_period_us=100000",
                "cpu.cfs_quota_us=50000",
                "cpu.shares=512",
                "blkio.bfq.weight=10",
                "blkio.throttle.read_bps_device=8:16 4096",
                "blkio.throttle.write_bps_device=8:16 4096",
                "cpuset.mems=0",
                "cpuset.cpus=0-1",
            ]
        );
    }
}
