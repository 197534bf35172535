//! Builds that try to take the host with them: each ends within its limit, with the right exit code and words, and
//! the host is as before.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::{Place, User, spec_arguments, users};

/// What a build does, what it is limited to, how it ends and what is said.
struct Bomb {
    name: &'static str,
    script: &'static str,
    limit: &'static str,
    code: i32,
    says: &'static str,
}

const BOMBS: &[Bomb] = &[
    Bomb {
        name: "fork",
        // The shell that cannot fork stays for a moment: where no kernel tells of a refusal, somebody has to see it.
        script: "mkfifo f; (sleep 3; echo > f) & trap 'read x < f' EXIT; while :; do sleep 30 & done",
        limit: "pids=60,time=60",
        code: 10,
        says: "pids limit of 60 reached, raise it with --limit pids=120",
    },
    Bomb {
        name: "memory",
        script: "(head -c 400M /dev/zero; sleep 30) | tail -c 399M | cat >/dev/null; exit 1",
        limit: "memory=128M,time=60",
        code: 10,
        says: "memory limit of 128 MiB reached, raise it with --limit memory=256M",
    },
    Bomb {
        name: "shm",
        script: "head -c 400M /dev/zero > /dev/shm/x; rm /dev/shm/x; sleep 30; exit 1",
        limit: "memory=128M,time=60",
        code: 10,
        says: "memory limit of 128 MiB reached",
    },
    Bomb {
        name: "disk",
        script: "head -c 200M /dev/zero > x; sleep 30",
        limit: "disk=50M,time=60",
        code: 10,
        says: "disk limit of 50 MiB reached, raise it with --limit disk=100M",
    },
    Bomb {
        name: "nameless",
        script: "exec 7> x; rm x; head -c 200M /dev/zero >&7; sleep 30",
        limit: "disk=50M,time=60",
        code: 10,
        says: "disk limit of 50 MiB reached",
    },
    Bomb {
        name: "files",
        script: "i=0; while [ $i -lt 3000 ]; do : > f$i; i=$((i+1)); done; sleep 30",
        limit: "inodes=1000,time=60",
        code: 10,
        says: "inodes limit of 1000 reached, raise it with --limit inodes=2000",
    },
    Bomb {
        name: "log",
        script: "yes",
        limit: "log=1M,time=60",
        code: 10,
        says: "log limit of 1 MiB reached, raise it with --limit log=2M",
    },
    Bomb {
        name: "line",
        script: "head -c 100M /dev/zero",
        limit: "log=1M,time=60",
        code: 10,
        says: "log limit of 1 MiB reached",
    },
    Bomb {
        name: "deaf",
        script: "trap '' TERM INT HUP; while :; do sleep 1000; done",
        limit: "time=5",
        code: 11,
        says: "time limit of 5 s reached, raise it with --limit time=10",
    },
    Bomb {
        name: "silent",
        script: "sleep 1000",
        limit: "silence=3,time=60",
        code: 11,
        says: "silence limit of 3 s reached, raise it with --limit silence=6",
    },
    Bomb { name: "massacre", script: "kill -9 -1; sleep 1000", limit: "time=60", code: 10, says: "signal 9" },
    Bomb { name: "daemon", script: "(setsid sleep 1000 &) ; exit 0", limit: "time=60", code: 0, says: "" },
];

/// What of the host a build could change for good.
fn host(place: &Place) -> (usize, Vec<PathBuf>, bool, usize) {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap().lines().count();
    let left = std::fs::read_dir(place.path("store/tmp")).map_or(0, Iterator::count);
    (mounts, groups_of_the_dead(), processes_in(&place.path("store")), left)
}

/// What is there once it is as it was, or after a while: others may be at work on this machine.
pub(crate) fn settled<T: PartialEq>(look: impl Fn() -> T, before: &T) -> T {
    for _ in 0..100 {
        let now = look();
        if now == *before {
            return now;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    look()
}

/// Control groups of a kiln that is no more.
pub(crate) fn groups_of_the_dead() -> Vec<PathBuf> {
    let mut dead = Vec::new();
    let mut waiting = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let maker =
                name.strip_prefix("kiln-").and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
            if maker.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                dead.push(entry.path());
            }
            waiting.push(entry.path());
        }
    }
    dead
}

/// Whether a process has its working directory in a directory, as every keeper has.
pub(crate) fn processes_in(directory: &Path) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut links = entries.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok());
    links.any(|cwd| cwd.starts_with(directory))
}

fn each_ends_within_its_limit(user: User) {
    let place = Place::new(user);
    std::fs::create_dir_all(place.path("sources")).unwrap();
    let sources = place.path("sources");
    place.run(&["init"]).expect(0);
    for bomb in BOMBS {
        let spec = place.write(
            &format!("{}.spec", bomb.name),
            &format!(
                "Name: {}\nVersion: 1\nRelease: 1\nSummary: A bomb\nLicense: MIT\nBuildArch: noarch\n\
                 %description\nA bomb.\n%build\n{}\n%files\n",
                bomb.name, bomb.script
            ),
        );
        let before = host(&place);
        let began = Instant::now();
        let result = format!("{}-result", bomb.name);
        let arguments = spec_arguments("build", &spec, &sources);
        let ran = place.run(&[&arguments[..], &["--limit", bomb.limit, "--result", &result]].concat());
        ran.expect(bomb.code).says(bomb.says);
        assert!(began.elapsed() < Duration::from_mins(3), "{}: {:?}", bomb.name, began.elapsed());
        // Somebody else may have been killed and not be swept up yet: what counts is what is new.
        let expected = (before.0, Vec::new(), before.2, before.3);
        let new = || {
            let mut now = host(&place);
            now.1.retain(|group| !before.1.contains(group));
            now
        };
        assert_eq!(settled(new, &expected), expected, "{} left something", bomb.name);
        let log = std::fs::metadata(place.path(&result).join("build.log")).unwrap().len();
        assert!(log < 8 << 20, "{}: a log of {log} bytes", bomb.name);
        let report = std::fs::read_to_string(place.path(&result).join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let by = &report["sandbox"]["enforced"];
        assert!(by["time"] == "kiln", "{}: {report}", bomb.name);
        assert!(report["usage"]["peak_memory"].as_u64().unwrap() > 100_000, "{}: {report}", bomb.name);
    }
}

#[test]
fn a_bomb_of_roots_ends_within_its_limit() {
    each_ends_within_its_limit(users()[0]);
}

#[test]
fn a_bomb_of_an_ordinary_user_ends_within_its_limit() {
    if let [_, ordinary] = users().as_slice() {
        each_ends_within_its_limit(*ordinary);
    }
}
