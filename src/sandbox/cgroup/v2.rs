//! Version 2: one hierarchy, given away in parts.

use std::path::{Path, PathBuf};

use super::layout::Place;
use super::{Device, Presence, Setting};
use crate::sys::fs;
use crate::unit::Limits;

/// Without these a group is of no use to us.
const NEEDED: [&str; 2] = ["memory", "pids"];
/// These are used where they are there.
const WELCOME: [&str; 3] = ["cpu", "io", "cpuset"];

/// Where groups can be made, and which controllers they get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    /// The directory.
    pub directory: PathBuf,
    controllers: Vec<String>,
}

impl Parent {
    fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), controllers: words(directory, "cgroup.subtree_control") }
    }

    /// Whether a limit has its file in the groups that are made here.
    pub(super) fn keeps(&self, limit: &str) -> bool {
        let has = |name: &str| self.controllers.iter().any(|controller| controller == name);
        match limit {
            "memory" | "memory_high" | "swap" => has("memory"),
            "pids" => has("pids"),
            "cpus" | "cpu_weight" => has("cpu"),
            "cpuset" => has("cpuset"),
            "io_bandwidth" => has("io"),
            // Only some schedulers of disks have weights.
            "io_weight" => has("io") && fs::exists(self.directory.join("io.weight")),
            _ => false,
        }
    }
}

/// A directory in which this process may make groups with the controllers that we need: its own, when it is alone in
/// it, or the nearest above that already gives them to its children. `alone` is who may be in it.
pub(super) fn parent(place: &Place, alone: &[u32]) -> Option<Parent> {
    if !place.own.starts_with(&place.mount) {
        return None;
    }
    let mut above = place.own.ancestors().take_while(|path| path.starts_with(&place.mount));
    let own = above.next()?;
    if is_ready(own) || make_ready(own, &place.mount, alone) {
        return Some(Parent::of(own));
    }
    above.find(|path| is_ready(path)).map(Parent::of)
}

fn words(directory: &Path, file: &str) -> Vec<String> {
    let text = fs::read_text(directory.join(file)).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn has_needed(words: &[String]) -> bool {
    NEEDED.iter().all(|name| words.iter().any(|word| word == name))
}

/// Whether groups can be made there now. Moving a process needs the right to write where it comes from and goes to,
/// and at the nearest common directory.
fn is_ready(directory: &Path) -> bool {
    has_needed(&words(directory, "cgroup.subtree_control"))
        && fs::is_writable(directory)
        && fs::is_writable(directory.join("cgroup.procs"))
}

/// Gives the controllers to the children of our own group. Only where nobody else lives in it: processes and
/// controllers for children do not go together, so ours moves to a group below first. The root is free of that rule.
fn make_ready(own: &Path, mount: &Path, alone: &[u32]) -> bool {
    let available = words(own, "cgroup.controllers");
    if !has_needed(&available) || !fs::is_writable(own.join("cgroup.subtree_control")) {
        return false;
    }
    if own != mount {
        let ours: Vec<_> = alone.iter().map(u32::to_string).collect();
        let there = words(own, "cgroup.procs");
        if there.iter().any(|pid| !ours.contains(pid)) {
            return false;
        }
        let below = own.join("kiln-supervisor");
        let mut moves = there.iter().map(|pid| fs::write(below.join("cgroup.procs"), pid.as_bytes()));
        if fs::create_dir_all(&below).is_err() || moves.any(|moved| moved.is_err()) {
            return false;
        }
    }
    let wanted = NEEDED.iter().chain(&WELCOME).filter(|name| available.iter().any(|word| word == *name));
    let wanted: Vec<_> = wanted.map(|name| format!("+{name}")).collect();
    fs::write(own.join("cgroup.subtree_control"), wanted.join(" ").as_bytes()).is_ok()
}

/// What is written into a new group.
pub(super) fn settings(limits: &Limits, device: Option<Device>) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut set = |file, value: String, presence| settings.push(Setting { file, value, presence });
    // What is not in the group's controllers has no file; that this is a loss is said elsewhere.
    if let Some(memory) = limits.memory {
        set("memory.max", memory.0.to_string(), Presence::Always);
    }
    if let Some(high) = limits.memory_high {
        set("memory.high", high.0.to_string(), Presence::Always);
    }
    if let Some(swap) = limits.swap.map(|swap| swap.0).or(limits.memory.map(|_| 0)) {
        set("memory.swap.max", swap.to_string(), Presence::Maybe);
    }
    set("memory.oom.group", "1".to_owned(), Presence::Maybe);
    if let Some(pids) = limits.pids {
        set("pids.max", pids.to_string(), Presence::Always);
    }
    if let Some(cpus) = limits.cpus {
        set("cpu.max", format!("{} {PERIOD}", (cpus * f64::from(PERIOD)) as u64), Presence::Maybe);
    }
    if let Some(weight) = limits.cpu_weight {
        set("cpu.weight", weight.to_string(), Presence::Maybe);
    }
    if let Some(cpuset) = &limits.cpuset {
        set("cpuset.cpus", cpuset.to_string(), Presence::Maybe);
    }
    if let Some(weight) = limits.io_weight {
        set("io.weight", format!("default {weight}"), Presence::Maybe);
    }
    if let (Some(bandwidth), Some(device)) = (limits.io_bandwidth, device) {
        let rate = bandwidth.0;
        set("io.max", format!("{device} rbps={rate} wbps={rate}"), Presence::Maybe);
    }
    settings
}

/// Microseconds in which a quota of processor time is counted.
const PERIOD: u32 = 100_000;

/// Bytes read and written in `io.stat`.
pub(super) fn io_bytes(text: &str) -> u64 {
    text.split_whitespace()
        .filter_map(|word| word.strip_prefix("rbytes=").or(word.strip_prefix("wbytes=")))
        .filter_map(|number| number.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Bytes;

    #[test]
    fn limits_become_files() {
        let limits = Limits {
            memory: Some(Bytes(1 << 30)),
            memory_high: Some(Bytes(1 << 29)),
            cpus: Some(1.5),
            cpu_weight: Some(20),
            cpuset: "1".parse().ok(),
            io_weight: Some(30),
            io_bandwidth: Some(Bytes(1 << 20)),
            pids: Some(100),
            ..Limits::default()
        };
        let written: Vec<_> = settings(&limits, Some(Device { major: 254, minor: 0 }))
            .into_iter()
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect();
        assert_eq!(
            written,
            [
                "memory.max=1073741824",
                "memory.high=536870912",
                "memory.swap.max=0",
                "memory.oom.group=1",
                "pids.max=100",
                "cpu.max=150000 100000",
                "cpu.weight=20",
                "cpuset.cpus=1",
                "io.weight=default 30",
                "io.max=254:0 rbps=1048576 wbps=1048576",
            ]
        );
    }

    #[test]
    fn io_of_all_devices_is_added_up() {
        let text = "254:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n7:0 rbytes=1 wbytes=2 rios=1\n";
        assert_eq!(io_bytes(text), 33);
    }
}
