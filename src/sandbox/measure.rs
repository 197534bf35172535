//! What a sandbox uses, as the keeper sees it: the supervisor may not look into processes of other user ids, nor into
//! directories that they closed. One question is one process that looks once.
//!
//! It does not see files without a name that are mapped and not open; memory that is shared without a file counts where
//! it is more than what all files take.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use crate::sys::tree::Depth;
use crate::sys::{fs, process, tree};

/// What to look at.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Question {
    /// PID 1, as the host numbers it.
    pub init: u32,
    /// Where memory file systems are mounted inside.
    pub memory: Vec<String>,
    /// Directories of the store that the sandbox writes to; not looked at when there is no such limit.
    pub disk: Vec<String>,
}

/// What was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Seen {
    /// Bytes of memory that would be free without the sandbox: its processes' own and its file systems'.
    pub memory: u64,
    /// Processes and threads, visitors' among them.
    pub pids: u64,
    /// Bytes on disk.
    pub disk: u64,
    /// Files and directories there.
    pub inodes: u64,
    /// Something lies too deep to be counted.
    pub too_deep: bool,
    /// The disk could not be looked at.
    pub disk_unseen: bool,
    /// How long the look at the disk took.
    pub disk_milliseconds: u32,
}

/// Directories that are nested deeper than this are not counted but refused: no package needs a hundredth of it.
const DEEPEST: usize = 4000;
/// Enough for a walk that deep.
const DESCRIPTORS: u64 = 4500;

/// The keeper's function.
pub(super) fn measure(text: &str) -> Result<String, String> {
    let question: Question = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut seen = Seen::default();
    let processes = look_at_processes(&question, &mut seen);
    if !question.disk.is_empty() {
        let began = Instant::now();
        // What was seen of the processes counts all the same.
        seen.disk_unseen = look_at_disk(&question.disk, &processes, &mut seen).is_err();
        seen.disk_milliseconds = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    }
    serde_json::to_string(&seen).map_err(|error| error.to_string())
}

fn look_at_processes(question: &Question, seen: &mut Seen) -> Vec<u32> {
    let mut all = Vec::new();
    let (mut own, mut shared, mut held) = (0, 0, None);
    for pid in processes_of(question) {
        all.push(pid);
        seen.pids += fs::list(format!("/proc/{pid}/task")).unwrap_or_default().len() as u64;
        let text = fs::read_text(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        own += kilobytes(&text, "Pss_Anon:");
        shared += kilobytes(&text, "Pss_Shmem:");
        if held.is_none() {
            let place = |name: &String| format!("/proc/{pid}/root{name}");
            held = question.memory.iter().map(|name| fs::held_in_memory(place(name))).sum::<Option<u64>>();
        }
    }
    let mut files = BTreeSet::new();
    let mut nameless = 0;
    if let Some(device) = fs::device_of_memory_files() {
        look_at_open_files(&all, device, &mut |identity, allocated| {
            nameless += if files.insert(identity) { allocated } else { 0 };
        });
    }
    nameless += all.iter().find_map(|pid| segments(*pid)).unwrap_or_default();
    // What processes share, and what their files in memory hold, is mostly the same.
    seen.memory = own + shared.max(held.unwrap_or_default() + nameless);
    all
}

/// Bytes of System V shared memory that a process could attach. This process moves into its namespace to see that.
fn segments(pid: u32) -> Option<u64> {
    process::enter(fs::open(format!("/proc/{pid}/ns/ipc")).ok()?).ok()?;
    let text = fs::read_text("/proc/sysvipc/shm").ok()?;
    let mut lines = text.lines();
    let column = lines.next()?.split_whitespace().position(|word| word == "rss")?;
    Some(lines.filter_map(|line| line.split_whitespace().nth(column)?.parse::<u64>().ok()).sum())
}

/// Everybody inside but PID 1. Visitors descend from the keeper's other children and are told by their namespace.
fn processes_of(question: &Question) -> Vec<u32> {
    let mut all = descendants(question.init);
    let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(own) = all.iter().find_map(|pid| namespace(*pid)) else { return all };
    let this = std::process::id();
    let others = children(process::parent()).into_iter().filter(|pid| ![question.init, this].contains(pid));
    all.extend(others.flat_map(descendants).filter(|pid| namespace(*pid).as_ref() == Some(&own)));
    all
}

/// Who descends from a process.
fn descendants(pid: u32) -> Vec<u32> {
    let mut all = children(pid);
    let mut next = 0;
    while let Some(pid) = all.get(next) {
        all.extend(children(*pid));
        next += 1;
    }
    all
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::list(format!("/proc/{pid}/task")).unwrap_or_default();
    let of_task = |task: std::ffi::OsString| {
        let path = Path::new("/proc").join(pid.to_string()).join("task").join(task).join("children");
        fs::read_text(path).unwrap_or_default()
    };
    let text: String = tasks.into_iter().map(of_task).collect();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Files without a name that somebody holds open.
fn look_at_open_files(processes: &[u32], device: u64, see: &mut dyn FnMut((u64, u64), u64)) {
    for pid in processes {
        let directory = format!("/proc/{pid}/fd");
        for name in fs::list(&directory).unwrap_or_default() {
            let Ok(file) = fs::stat(Path::new(&directory).join(name)) else { continue };
            if file.is_file() && file.nlink() == 0 && file.dev() == device {
                see((file.dev(), file.ino()), file.blocks() * 512);
            }
        }
    }
}

fn kilobytes(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or_default()
        * 1024
}

fn look_at_disk(directories: &[String], processes: &[u32], seen: &mut Seen) -> Result<(), String> {
    process::set_limit(process::Resource::Files, DESCRIPTORS, u64::MAX).map_err(|error| error.to_string())?;
    let mut files = BTreeSet::new();
    for directory in directories {
        let depth = tree::walk_to(directory, DEEPEST, &mut |entry| {
            if files.insert(entry.identity) {
                seen.disk += entry.allocated;
            }
        });
        match depth {
            Ok(depth) => seen.too_deep |= depth == Depth::Cut,
            // The sandbox is at work: what was there a moment ago may be something else now.
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    if let Some((device, _)) = files.first().copied() {
        look_at_open_files(processes, device, &mut |identity, allocated| {
            if files.insert(identity) {
                seen.disk += allocated;
            }
        });
    }
    seen.inodes = files.len() as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory_and_files_are_seen() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), vec![1; 1 << 20]).unwrap();
        std::fs::hard_link(directory.path().join("file"), directory.path().join("other name")).unwrap();
        let disk = vec![directory.path().to_str().unwrap().to_owned()];
        let question = Question { init: std::process::id(), memory: Vec::new(), disk };
        // Nobody has it mapped.
        let memory = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::empty()).unwrap();
        std::io::Write::write_all(&mut std::fs::File::from(memory.try_clone().unwrap()), &vec![1; 64 << 20])
            .unwrap();
        let nameless = tempfile::tempfile_in(directory.path()).unwrap();
        std::io::Write::write_all(&mut &nameless, &vec![1; 1 << 20]).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").stdin(nameless).spawn().unwrap();
        let seen = measure(&serde_json::to_string(&question).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        let seen: Seen = serde_json::from_str(&seen.unwrap()).unwrap();
        assert!(seen.disk >= 2 << 20 && seen.disk < 3 << 20, "{seen:?}");
        assert_eq!((seen.inodes, seen.too_deep), (3, false));
        assert!(seen.pids >= 1 && seen.memory > 64 << 20, "{seen:?}");
    }
}
