//! Where and when it was measured.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::lab::Lab;

/// The machine, the commit, the date and the versions of the other programs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) memory: u64,
    pub(crate) kernel: String,
    pub(crate) system: String,
    /// What else was running when it began: the load of the last minute.
    pub(crate) load: f64,
    /// How processor time was read.
    pub(crate) clock: String,
    pub(crate) programs: Vec<String>,
}

/// Looks around.
pub(crate) fn describe(lab: &Lab) -> Machine {
    let field = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once([':', '=']).map_or("", |(_, value)| value).trim().trim_matches('"').to_owned()
    };
    let memory = field("/proc/meminfo", "MemTotal");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let programs = [
        ("dnf", "--version"),
        ("rpm", "--version"),
        ("bwrap", "--version"),
        ("rpmmd2solv", "-V"),
        ("createrepo_c", "--version"),
    ];
    let version = |(program, argument): (&str, &str)| {
        let line = said(program, &[argument]);
        let line = line.lines().next().unwrap_or_default();
        (!line.is_empty()).then(|| format!("{program}: {line}"))
    };
    Machine {
        date: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        commit: said("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        processor: field("/proc/cpuinfo", "model name"),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        memory: memory.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024,
        kernel: said("uname", &["-r"]),
        system: field("/etc/os-release", "PRETTY_NAME"),
        load: load.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default(),
        clock: lab.clock.word().to_owned(),
        programs: programs.into_iter().filter_map(version).collect(),
    }
}

/// What a program says, or nothing.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let bytes = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
