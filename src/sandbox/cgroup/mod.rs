//! Control groups: what the kernel itself keeps within limits, and what it counts.
//!
//! A host has version 2, version 1, both, or neither, and gives a user a part of it or nothing. What is there is found
//! out once; a limit that the kernel will not keep is said, not hidden.

mod layout;
mod v1;
mod v2;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::report::Usage;
use crate::sys::{SysError, fs, process};
use crate::unit::{HostPath, Limits};
use layout::Layout;

/// What this process may do with control groups, and the disk that holds the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cgroups {
    kind: Kind,
    device: Option<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Version 2, below a directory that the host gives us, or that systemd made for us.
    V2(v2::Parent, GivenBy),
    /// Version 1, below a directory of each controller.
    V1(v1::Directories),
    /// Nothing.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenBy {
    Host,
    Systemd,
}

/// A disk by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Device {
    /// The driver's.
    pub major: u32,
    /// The disk's.
    pub minor: u32,
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// What is written to which file of a new group; files that a kernel may lack are marked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    file: &'static str,
    value: String,
    presence: Presence,
}

/// Whether every kernel has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Always,
    Maybe,
}

/// One sandbox's groups; removed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    version: Version,
    directories: Vec<PathBuf>,
    peak_pids: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// A limit that a sandbox was kept within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// Memory: processes were killed for it.
    Memory,
    /// Processes: a fork was refused.
    Processes,
    /// Bytes on disk.
    Disk,
    /// Files on disk.
    Inodes,
}

impl std::fmt::Display for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Disk => "disk",
            Self::Inodes => "files",
        })
    }
}

impl Cgroups {
    /// Finds out what this process may use for sandboxes whose files are in `store`.
    pub(super) fn detect(store: &Path) -> Self {
        let device = fs::disk_of(store).map(|(major, minor)| Device { major, minor });
        let layout = layout_of("self");
        if let Some(parent) = layout.v2.as_ref().and_then(|place| v2::parent(place, &[process::pid()])) {
            return Self { kind: Kind::V2(parent, GivenBy::Host), device };
        }
        Self { kind: v1::directories(&layout).map_or(Kind::None, Kind::V1), device }
    }

    /// The same for a scope of systemd's that was made for the keeper, where it is one.
    pub(super) fn of_scope(self, keeper: u32) -> Self {
        let layout = layout_of(&keeper.to_string());
        match layout.v2.as_ref().and_then(|place| v2::parent(place, &[keeper])) {
            Some(parent) if self.kind == Kind::None => {
                Self { kind: Kind::V2(parent, GivenBy::Systemd), ..self }
            }
            _ => self,
        }
    }

    /// Whether there are none.
    pub(super) fn is_none(&self) -> bool {
        self.kind == Kind::None
    }

    /// Removes what a kiln that was killed has left. One that runs has its process id in the names of its groups.
    pub(super) fn sweep(&self) {
        let parents: Vec<&PathBuf> = match &self.kind {
            Kind::V2(parent, _) => vec![&parent.directory],
            Kind::V1(directories) => directories.iter().map(|(_, path)| path).collect(),
            Kind::None => Vec::new(),
        };
        for parent in parents {
            for name in fs::list(parent).unwrap_or_default() {
                if name.to_str().and_then(maker).is_some_and(|pid| !fs::exists(format!("/proc/{pid}"))) {
                    let _ = fs::remove_dir(parent.join(name));
                }
            }
        }
    }

    /// The word for the record.
    pub(super) fn word(&self) -> &'static str {
        match &self.kind {
            Kind::V2(_, GivenBy::Host) => "v2",
            Kind::V2(_, GivenBy::Systemd) => "systemd",
            Kind::V1(_) => "v1",
            Kind::None => "none",
        }
    }

    /// Whether the kernel keeps a limit in the groups that are made here.
    pub(super) fn keeps(&self, limit: &str) -> bool {
        let fits = match (limit, self.device) {
            ("io_bandwidth" | "io_weight", None) => false,
            // No other scheduler knows weights.
            ("io_weight", Some(device)) => {
                let path = format!("/sys/dev/block/{device}/queue/scheduler");
                fs::read_text(path).is_ok_and(|text| text.contains("[bfq]"))
            }
            _ => true,
        };
        if !fits {
            return false;
        }
        match &self.kind {
            Kind::V2(parent, _) => parent.keeps(limit),
            Kind::V1(directories) => v1::file(limit).is_some_and(|(controller, file)| {
                let place = directories.iter().find(|(kind, _)| *kind == controller);
                place.is_some_and(|(_, path)| fs::exists(path.join(file)))
            }),
            Kind::None => false,
        }
    }

    /// Makes the groups of one sandbox; none where there is nothing to make them in.
    pub(super) fn create(&self, limits: &Limits) -> Result<Option<Group>, SysError> {
        let name = format!("{PREFIX}{}-{}", process::pid(), number());
        let (version, wanted) = match &self.kind {
            Kind::V2(parent, _) => {
                (Version::V2, vec![(parent.directory.join(name), v2::settings(limits, self.device))])
            }
            Kind::V1(directories) => {
                // The others also count.
                let used = |kind: &str| match kind {
                    "cpu" => limits.cpus.is_some() || limits.cpu_weight.is_some(),
                    "cpuset" => limits.cpuset.is_some(),
                    _ => true,
                };
                let wanted = directories.iter().filter(|(kind, _)| used(kind)).map(|(kind, path)| {
                    let nodes = || fs::read_text(path.join("cpuset.mems")).unwrap_or_default();
                    (path.join(&name), v1::settings(kind, limits, self.device, nodes))
                });
                (Version::V1, wanted.collect())
            }
            Kind::None => return Ok(None),
        };
        let mut group = Group { version, directories: Vec::new(), peak_pids: 0 };
        for (path, settings) in wanted {
            // Controllers that are mounted together have one directory.
            if !group.directories.contains(&path) {
                fs::create_dir(&path, 0o755)?;
                group.directories.push(path.clone());
            }
            apply(&path, &settings)?;
        }
        Ok(Some(group))
    }
}

fn layout_of(process: &str) -> Layout {
    let text = |path: &str| fs::read_text(path).unwrap_or_default();
    Layout::parse(&text(&format!("/proc/{process}/cgroup")), &text("/proc/self/mountinfo"))
}

const PREFIX: &str = "kiln-";

/// The process that made a group, by the group's name.
fn maker(name: &str) -> Option<u32> {
    let (pid, number) = name.strip_prefix(PREFIX)?.split_once('-')?;
    number.parse::<u32>().ok()?;
    pid.parse().ok()
}

fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn apply(directory: &Path, settings: &[Setting]) -> Result<(), SysError> {
    for Setting { file, value, presence } in settings {
        let path = directory.join(file);
        if *presence == Presence::Always || fs::exists(&path) {
            fs::write(path, value.trim().as_bytes())?;
        }
    }
    Ok(())
}

impl Group {
    /// Its directories.
    pub(super) fn places(&self) -> Vec<HostPath> {
        self.directories.iter().map(HostPath::new).collect()
    }

    /// Puts a process, and whatever it will start, into the groups.
    pub(super) fn place(&self, pid: u32) -> Result<(), SysError> {
        let mut places = self.directories.iter();
        places.try_for_each(|path| fs::write(path.join("cgroup.procs"), pid.to_string().as_bytes()))
    }

    fn text(&self, file: &str) -> Option<String> {
        self.directories.iter().find_map(|path| fs::read_text(path.join(file)).ok())
    }

    fn count(&self, file: &str) -> u64 {
        self.text(file).and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    }

    /// A line `key value` of a file with several.
    fn entry(&self, file: &str, key: &str) -> u64 {
        self.text(file).map_or(0, |text| entry(&text, key))
    }

    /// Looks at what no kernel keeps the peak of.
    pub(super) fn sample(&mut self) {
        self.peak_pids = self.peak_pids.max(self.count("pids.current"));
    }

    /// What has been used so far, beside what is known already.
    pub(super) fn usage(&self, known: Usage) -> Usage {
        let peak_pids = self.peak_pids.max(self.count("pids.peak"));
        match self.version {
            Version::V2 => Usage {
                peak_memory: self.count("memory.peak"),
                cpu_milliseconds: self.entry("cpu.stat", "usage_usec") / 1000,
                peak_pids,
                io_bytes: v2::io_bytes(&self.text("io.stat").unwrap_or_default()),
                throttled_milliseconds: self.entry("cpu.stat", "throttled_usec") / 1000,
                oom_kills: self.entry("memory.events", "oom_kill"),
            },
            Version::V1 => Usage {
                peak_memory: self.count("memory.max_usage_in_bytes"),
                cpu_milliseconds: match self.count("cpuacct.usage") / 1_000_000 {
                    0 => known.cpu_milliseconds,
                    counted => counted,
                },
                peak_pids,
                io_bytes: v1::io_bytes(&self.text("blkio.throttle.io_service_bytes").unwrap_or_default()),
                throttled_milliseconds: self.entry("cpu.stat", "throttled_time") / 1_000_000,
                oom_kills: self.entry("memory.oom_control", "oom_kill"),
            },
        }
    }

    /// The limits that were hit.
    pub(super) fn hits(&self) -> Vec<Hit> {
        let memory = match self.version {
            Version::V2 => self.entry("memory.events", "oom_kill"),
            Version::V1 => self.entry("memory.oom_control", "oom_kill"),
        };
        let pids = self.entry("pids.events", "max");
        [(memory, Hit::Memory), (pids, Hit::Processes)]
            .into_iter()
            .filter_map(|(count, hit)| (count > 0).then_some(hit))
            .collect()
    }

    /// Removes the groups, which must be empty; the kernel may need a moment to see that they are.
    fn remove(&mut self) {
        let began = Instant::now();
        for path in self.directories.drain(..) {
            while fs::remove_dir(&path).is_err_and(|error| error.errno() == Some(libc::EBUSY)) {
                if began.elapsed() > PATIENCE {
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// How long the kernel may take to see that a group is empty.
const PATIENCE: Duration = Duration::from_secs(2);

impl Drop for Group {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The value of `key` in lines of `key value`.
fn entry(text: &str, key: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(name, value)| (name == key).then(|| value.trim().parse().ok()).flatten())
        .unwrap_or_default()
}
