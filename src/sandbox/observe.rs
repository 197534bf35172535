//! What a running sandbox uses, seen from another process: in its control groups where it has some, else by adding up
//! its processes.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use crate::sys::{fs, process};
use crate::unit::HostPath;

/// What a running sandbox uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sample {
    /// Bytes of memory.
    pub memory: u64,
    /// Processor time so far in milliseconds, user and system.
    pub cpu_milliseconds: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// Looks at a sandbox by its control groups and the process id that its PID 1 has on the host.
pub fn observe(groups: &[HostPath], init: u32) -> Sample {
    let text = |name: &str| groups.iter().find_map(|path| fs::read_text(path.join(name)).ok());
    let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
    let stat = |key: &str| {
        let text = text("cpu.stat")?;
        text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
    };
    let counted = LazyCell::new(|| Sample::of_processes(init));
    let memory = number("memory.current").or_else(|| number("memory.usage_in_bytes"));
    let cpu = stat("usage_usec ").map(|usec| usec / 1000);
    let cpu = cpu.or_else(|| number("cpuacct.usage").map(|nanoseconds| nanoseconds / 1_000_000));
    let pids = number("pids.current");
    Sample {
        memory: memory.unwrap_or_else(|| counted.memory),
        cpu_milliseconds: cpu.unwrap_or_else(|| counted.cpu_milliseconds),
        pids: pids.unwrap_or_else(|| counted.pids),
    }
}

/// The fields of `/proc/PID/stat` that matter here (proc(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Of itself and of the children that it has waited for, in clock ticks.
    ticks: u64,
    threads: u64,
    pages: u64,
}

impl Stat {
    /// The name, in parentheses, may hold anything; the fields after it are numbers.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
        Some(Self {
            parent: number(1)? as u32,
            ticks: (11..15).filter_map(number).sum(),
            threads: number(17)?,
            pages: number(21)?,
        })
    }
}

impl Sample {
    fn of_processes(init: u32) -> Self {
        let names = fs::list("/proc").unwrap_or_default();
        let pids = names.iter().filter_map(|name| name.to_str()?.parse::<u32>().ok());
        let stat = |pid| Some((pid, Stat::parse(&fs::read_text(format!("/proc/{pid}/stat")).ok()?)?));
        Self::of_tree(&pids.filter_map(stat).collect(), init)
    }

    fn of_tree(processes: &BTreeMap<u32, Stat>, top: u32) -> Self {
        let mut sample = Self::default();
        let mut waiting = vec![top];
        while let Some(pid) = waiting.pop() {
            let Some(stat) = processes.get(&pid) else { continue };
            sample.memory += stat.pages * process::page_size();
            sample.cpu_milliseconds += stat.ticks * 1000 / process::ticks_per_second();
            sample.pids += stat.threads;
            waiting.extend(processes.iter().filter(|(_, child)| child.parent == pid).map(|(pid, _)| *pid));
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "71 (a) (b) c) S 70 71 71 0 -1 4194560 1 2 3 4 30 12 5 3 20 0 2 0 99 4096 25 0";

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        assert_eq!(Stat::parse(LINE), Some(Stat { parent: 70, ticks: 50, threads: 2, pages: 25 }));
        assert_eq!(Stat::parse("71 (a"), None);
    }

    #[test]
    fn what_is_below_pid_1_is_added_up_and_nothing_else() {
        let stat = |parent| Stat { parent, ticks: process::ticks_per_second(), threads: 1, pages: 1 };
        let processes = [(1, stat(0)), (5, stat(1)), (6, stat(5)), (7, stat(6)), (8, stat(1))].into();
        let sample = Sample::of_tree(&processes, 5);
        assert_eq!(sample.pids, 3);
        assert_eq!(sample.cpu_milliseconds, 3000);
        assert_eq!(sample.memory, 3 * process::page_size());
    }
}
