//! Version 2: one hierarchy, given away in parts.

use std::path::{Path, PathBuf};

use super::layout::Place;
use super::{Presence, Setting};
use crate::sys::{fs, process};
use crate::unit::Limits;

/// Without these a group is of no use to us.
const NEEDED: [&str; 2] = ["memory", "pids"];
/// These are used where they are there.
const WELCOME: [&str; 2] = ["cpu", "io"];

/// A directory in which this process may make groups with the controllers that we need: its own, when it is alone in
/// it, or the nearest above that already gives them to its children.
pub(super) fn parent(place: &Place) -> Option<PathBuf> {
    if !place.own.starts_with(&place.mount) {
        return None;
    }
    let mut above = place.own.ancestors().take_while(|path| path.starts_with(&place.mount));
    let own = above.next()?;
    if is_ready(own) || make_ready(own, &place.mount) {
        return Some(own.to_owned());
    }
    above.find(|path| is_ready(path)).map(Path::to_owned)
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
fn make_ready(own: &Path, mount: &Path) -> bool {
    let available = words(own, "cgroup.controllers");
    if !has_needed(&available) || !fs::is_writable(own.join("cgroup.subtree_control")) {
        return false;
    }
    let ours = process::pid().to_string();
    if own != mount {
        if words(own, "cgroup.procs") != [ours.as_str()] {
            return false;
        }
        let below = own.join("kiln-supervisor");
        let moved =
            fs::create_dir_all(&below).and_then(|()| fs::write(below.join("cgroup.procs"), ours.as_bytes()));
        if moved.is_err() {
            return false;
        }
    }
    let wanted = NEEDED.iter().chain(&WELCOME).filter(|name| available.iter().any(|word| word == *name));
    let wanted: Vec<_> = wanted.map(|name| format!("+{name}")).collect();
    fs::write(own.join("cgroup.subtree_control"), wanted.join(" ").as_bytes()).is_ok()
}

/// What is written into a new group.
pub(super) fn settings(limits: &Limits) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut set = |file, value: String, presence| settings.push(Setting { file, value, presence });
    if let Some(memory) = limits.memory {
        set("memory.max", memory.0.to_string(), Presence::Always);
        set("memory.swap.max", "0".to_owned(), Presence::Maybe);
    }
    set("memory.oom.group", "1".to_owned(), Presence::Maybe);
    if let Some(pids) = limits.pids {
        set("pids.max", pids.to_string(), Presence::Always);
    }
    if let Some(cpus) = limits.cpus {
        set("cpu.max", format!("{} {PERIOD}", (cpus * f64::from(PERIOD)) as u64), Presence::Always);
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
        let limits =
            Limits { memory: Some(Bytes(1 << 30)), cpus: Some(1.5), pids: Some(100), ..Limits::default() };
        let written: Vec<_> = settings(&limits)
            .into_iter()
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect();
        assert_eq!(
            written,
            [
                "memory.max=1073741824",
                "memory.swap.max=0",
                "memory.oom.group=1",
                "pids.max=100",
                "cpu.max=150000 100000"
            ]
        );
    }

    #[test]
    fn io_of_all_devices_is_added_up() {
        let text = "254:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n7:0 rbytes=1 wbytes=2 rios=1\n";
        assert_eq!(io_bytes(text), 33);
    }
}
