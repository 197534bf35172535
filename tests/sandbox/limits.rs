//! What a sandbox may use, how it ends, and that nothing is left of it.

use std::time::{Duration, Instant};

use kiln::plan::Phase;
use kiln::sandbox::{Hit, Status};
use kiln::unit::{Bytes, Limits};

use crate::support::{Bench, patience, sh};

fn limited(script: &str, limits: Limits) -> kiln::plan::SandboxSpec {
    kiln::plan::SandboxSpec { limits, ..sh(Phase::Build, script) }
}

#[test]
fn a_command_that_ignores_the_wish_to_end_is_killed_soon_after_its_time() {
    let bench = Bench::new();
    let spec =
        limited("trap '' TERM INT HUP; sleep 1d & sleep 1d", Limits { time: Some(1), ..Limits::default() });
    let began = Instant::now();
    let (outcome, _) = bench.run(&spec);
    assert_eq!(outcome.status, Status::TimedOut);
    assert!(began.elapsed() < patience(4), "{:?}", began.elapsed());
}

#[test]
fn a_command_that_writes_too_much_is_stopped() {
    let bench = Bench::new();
    let spec = limited("yes", Limits { log: Some(Bytes(1 << 20)), ..Limits::default() });
    let (outcome, output) = bench.run(&spec);
    assert_eq!(outcome.status, Status::LogLimit);
    assert!(output.len() >= 1 << 20 && output.len() < 8 << 20, "{}", output.len());
}

#[test]
fn the_end_of_the_command_is_the_end_of_everything() {
    let bench = Bench::new();
    let mark = format!("31{:07}", std::process::id());
    let script = format!(
        "for i in 1 2 3; do setsid sh -c 'trap \"\" HUP TERM; sleep {mark}' & done; sleep 0.2; exit 3"
    );
    let began = Instant::now();
    let (outcome, _) = bench.run(&sh(Phase::Build, &script));
    assert_eq!(outcome.status, Status::Exited(3));
    assert!(began.elapsed() < patience(2), "the output of dead processes is not waited for");
    assert!(!running(&mark), "a process was left behind");
}

/// Whether a process of the machine has this word on its command line.
fn running(word: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()))
    })
}

#[test]
fn killing_everybody_ends_only_the_sandbox() {
    let bench = Bench::new();
    let (outcome, output) =
        bench.run(&sh(Phase::Build, "kill -9 1; echo init lives; sh -c 'kill -9 -1'; echo dead"));
    assert_eq!(outcome.status, Status::Signalled(9));
    assert!(output.contains("init lives") && !output.contains("dead"), "{output}");
}

#[test]
fn output_is_whole_however_much_it_is() {
    let bench = Bench::new();
    let (outcome, output) = bench.run(&sh(Phase::Build, "seq 1 300000"));
    assert_eq!(outcome.status, Status::Exited(0));
    assert!(output.ends_with("\n300000\n") && output.lines().count() == 300_000);
}

/// A file without a name that holds 200 MiB and is not mapped.
fn in_nobodys_memory(open: &str) -> String {
    format!(
        "python3 -c 'import os, time
{open}
for i in range(200): os.write(fd, bytes(1 << 20))
time.sleep(20)'"
    )
}

/// 200 MiB of System V shared memory that nobody has attached.
const ATTACHED_BY_NOBODY: &str = "python3 -c 'import ctypes, time
c = ctypes.CDLL(None)
c.shmat.restype = ctypes.c_void_p
for i in range(10):
    number = c.shmget(0, 20 << 20, 0o1600)
    at = c.shmat(number, None, 0)
    ctypes.memset(at, 1, 20 << 20)
    c.shmdt(ctypes.c_void_p(at))
time.sleep(20)'";

/// Where nothing but a watchdog keeps the limit, what a visitor uses counts as well.
#[test]
fn a_visitors_memory_is_the_sandboxs() {
    let bench = Bench::new();
    let limits = Limits { memory: Some(Bytes(64 << 20)), ..Limits::default() };
    let host = limited("echo ready; while [ ! -e /tmp/gone ]; do sleep 0.1; done; echo end", limits);
    let (outcome, output, ()) = crate::visitors::beside(&bench, host, |door| {
        let eat = ["sh", "-c", "x=$(head -c 200M /dev/zero | tr '\\0' x); sleep 20"].map(str::to_owned);
        let come = |command: &[String]| kiln::sandbox::attach(door, command, kiln::plan::Stdio::Captured);
        let _ = come(&eat).unwrap().wait(&mut |_| {});
        // Where the limit has taken the sandbox with it, nobody is let in any more.
        let _ = come(&["touch", "/tmp/gone"].map(str::to_owned)).map(|visit| visit.wait(&mut |_| {}));
    });
    assert!(outcome.hits.contains(&Hit::Memory), "{outcome:?}");
    if bench.groups() == "none" {
        assert_eq!((outcome.status, output.contains("end")), (Status::Exceeded(Hit::Memory), false));
    }
}

#[test]
fn the_keeper_itself_has_the_limits_that_everybody_below_has() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(format!("/proc/{}/limits", bench.keeper_pid().unwrap())).unwrap();
    for (name, most) in [("core file size", "1"), ("realtime priority", "0"), ("nice priority", "0")] {
        let line = text.lines().find(|line| line.starts_with(&format!("Max {name}"))).unwrap();
        let hard = line["Max ".len() + name.len()..].split_whitespace().nth(1);
        assert_eq!(hard, Some(most), "{line}");
    }
}

#[test]
fn memory_is_limited_also_where_it_is_a_file() {
    let bench = Bench::new();
    let limits = Limits { memory: Some(Bytes(64 << 20)), ..Limits::default() };
    // Each holds what it has, so that a watchdog has something to see.
    let hold = if bench.groups() == "none" { "; sleep 20; exit 1" } else { "" };
    for script in [
        format!("head -c 200M /dev/zero > /dev/shm/x{hold}"),
        format!("head -c 200M /dev/zero > /tmp/x{hold}"),
        format!("(head -c 200M /dev/zero{hold}) | tail -n 1"),
        format!("x=$(head -c 200M /dev/zero | tr '\\0' x){hold}"),
        in_nobodys_memory("fd = os.memfd_create(\"x\")"),
        in_nobodys_memory("fd = os.open(\"/dev/shm\", os.O_TMPFILE | os.O_RDWR)"),
        ATTACHED_BY_NOBODY.to_owned(),
    ] {
        let began = Instant::now();
        let (outcome, _) = bench.run(&limited(&script, limits.clone()));
        assert_ne!(outcome.status, Status::Exited(0), "{script}");
        assert!(outcome.hits.contains(&Hit::Memory), "{script}: {outcome:?}");
        assert!(outcome.usage.peak_memory > 32 << 20, "{outcome:?}");
        if bench.groups() == "none" {
            assert_eq!(outcome.status, Status::Exceeded(Hit::Memory), "{script}");
            assert!(began.elapsed() < patience(10), "{script}: {:?}", began.elapsed());
        } else {
            assert!(outcome.usage.oom_kills > 0, "{script}: {outcome:?}");
        }
    }
}

#[test]
fn the_disk_is_limited_in_bytes_and_in_files_and_in_depth() {
    let bench = Bench::new();
    let size = Limits { disk: Some(Bytes(20 << 20)), ..Limits::default() };
    let files = Limits { inodes: Some(200), ..Limits::default() };
    let deep = "i=0; while [ $i -lt 4300 ]; do mkdir d; cd -P d || exit 3; i=$((i+1)); done; sleep 20";
    let table = [
        ("head -c 100M /dev/zero > /builddir/x; sleep 20", &size, Hit::Disk),
        (
            "mkdir -m 0 /builddir/z; cd /builddir; i=0; while :; do head -c 1M /dev/zero > $i; i=$((i+1)); [ $i -lt 60 ] || sleep 20; done",
            &size,
            Hit::Disk,
        ),
        (
            "cd /builddir; i=0; while [ $i -lt 400 ]; do : > $i; i=$((i+1)); done; sleep 20",
            &files,
            Hit::Inodes,
        ),
        (deep, &files, Hit::Inodes),
    ];
    for (script, limits, hit) in table {
        let mut spec = limited(script, limits.clone());
        spec.environment.insert("HOME".to_owned(), "/builddir".to_owned());
        let began = Instant::now();
        let (outcome, output) = bench.run(&spec);
        assert_eq!(outcome.status, Status::Exceeded(hit), "{script}: {outcome:?} {output}");
        assert!(began.elapsed() < patience(15), "{script}: {:?}", began.elapsed());
    }
    let (outcome, _) = bench.run(&limited("head -c 10M /dev/zero > /builddir/x", size));
    assert_eq!(outcome.status, Status::Exited(0));
}

#[test]
fn a_command_that_says_nothing_is_stopped() {
    let bench = Bench::new();
    let silence = Limits { silence: Some(2), ..Limits::default() };
    let (outcome, _) = bench.run(&limited("echo hello; sleep 1d", silence.clone()));
    assert_eq!(outcome.status, Status::Silent);
    let chatty = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i; sleep 0.25; done";
    assert_eq!(bench.run(&limited(chatty, silence)).0.status, Status::Exited(0));
}

#[test]
fn processors_are_chosen_and_shared() {
    let bench = Bench::new();
    let cpuset = Limits { cpuset: "0".parse().ok(), ..Limits::default() };
    let (_, output) = bench.run(&limited("nproc", cpuset));
    assert_eq!(output, "1\n");
    let half = Limits { cpus: Some(0.1), ..Limits::default() };
    let (outcome, output) = bench.run(&limited("nproc; timeout 1 sh -c 'while :; do :; done'", half));
    if bench.groups() == "none" {
        assert_eq!(output, "1\n");
    } else {
        assert!(outcome.usage.throttled_milliseconds > 0, "{outcome:?}");
    }
    // Where weights and bandwidths are not known, they are a loss and no failure.
    let rest = Limits {
        cpu_weight: Some(50),
        io_weight: Some(50),
        io_bandwidth: Some(Bytes(1 << 30)),
        memory_high: Some(Bytes(1 << 30)),
        swap: Some(Bytes(0)),
        ..Limits::default()
    };
    assert_eq!(bench.run(&limited("true", rest)).0.status, Status::Exited(0));
}

#[test]
fn a_bandwidth_of_the_disk_is_kept() {
    let bench = Bench::new();
    let limits = Limits { io_bandwidth: Some(Bytes(4 << 20)), ..Limits::default() };
    if bench.keeper.record(&limits, kiln::plan::Network::None).enforced["io_bandwidth"] == "nobody" {
        return;
    }
    let began = Instant::now();
    let (outcome, output) =
        bench.run(&limited("dd if=/dev/zero of=/builddir/x bs=1M count=6 oflag=direct 2>&1", limits));
    assert_eq!(outcome.status, Status::Exited(0), "{output}");
    assert!(began.elapsed() > Duration::from_millis(900), "{:?} {output}", began.elapsed());
}

#[test]
fn who_keeps_a_limit_is_said() {
    let bench = Bench::new();
    let limits = Limits {
        memory: Some(Bytes(1 << 30)),
        pids: Some(100),
        disk: Some(Bytes(1 << 30)),
        time: Some(100),
        ..Limits::default()
    };
    let record = bench.keeper.record(&limits, kiln::plan::Network::None);
    let by = |name: &str| record.enforced[name].as_str();
    let (memory, pids, warnings) = match bench.groups().as_str() {
        "none" => ("watchdog", "rlimit", 3),
        _ => (record.cgroup.as_str(), record.cgroup.as_str(), 1),
    };
    assert_eq!((by("memory"), by("pids"), by("disk"), by("time")), (memory, pids, "watchdog", "kiln"));
    assert_eq!(record.warnings.len(), warnings, "{:?}", record.warnings);
}

#[test]
fn a_fork_bomb_stops_at_the_limit() {
    let bench = Bench::new();
    let limits = Limits { pids: Some(40), ..Limits::default() };
    let script = "i=0; while [ $i -lt 100 ]; do sleep 30 & i=$((i+1)); done; echo all";
    let (outcome, output) = bench.run(&limited(script, limits));
    assert_ne!(outcome.status, Status::Exited(0));
    assert!(!output.contains("all"), "{output}");
    if bench.groups() != "none" {
        assert!(outcome.hits.contains(&Hit::Processes), "{outcome:?}");
    }
}

#[test]
fn what_was_used_is_told() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 0.3";
    let (outcome, _) = bench.run(&sh(Phase::Build, script));
    assert!(outcome.usage.cpu_milliseconds >= 50, "{outcome:?}");
    assert!(outcome.usage.peak_memory > 100_000, "{outcome:?}");
    assert!(outcome.usage.peak_pids >= 1, "{outcome:?}");
}

#[test]
fn nothing_is_left_of_many_sandboxes() {
    let bench = Bench::new();
    bench.run(&sh(Phase::Build, "true"));
    let keeper = format!("/proc/{}/fd", bench.keeper_pid().unwrap());
    let before = (descriptors("/proc/self/fd"), mounts(), descriptors(&keeper));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let (outcome, _) = bench.run(&sh(Phase::Build, "true"));
                    assert_eq!(outcome.status, Status::Exited(0));
                }
            });
        }
    });
    assert_eq!(bench.children(), 0, "processes of the keeper");
    assert_eq!(mounts(), before.1);
    assert_eq!(descriptors(&keeper), before.2, "descriptors of the keeper");
    // Other tests of this program have descriptors too, but not one for each sandbox here.
    assert!(descriptors("/proc/self/fd") < before.0 + 60);
    assert_eq!(Bench::left_groups(std::process::id()), Vec::<std::path::PathBuf>::new());
}

fn descriptors(directory: &str) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

fn mounts() -> usize {
    std::fs::read_to_string("/proc/self/mountinfo").unwrap().lines().count()
}

#[test]
fn a_dropped_sandbox_is_dead() {
    let bench = Bench::new();
    let mark = format!("32{:07}", std::process::id());
    let sandbox = bench.start(&sh(Phase::Build, &format!("sleep {mark}")));
    drop(sandbox);
    assert!(!running(&mark));
}

#[test]
fn a_killed_supervisor_takes_everything_with_it() {
    let bench = Bench::new();
    let mark = format!("33{:07}", std::process::id());
    let mut spec = sh(Phase::Build, &format!("setsid sleep {mark} & sleep {mark}"));
    spec.stdio = kiln::plan::Stdio::Connected;
    let mut supervisor = bench.start_apart(&spec);
    assert!(eventually(|| running(&mark)), "it runs");
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    assert!(eventually(|| !running(&mark)), "it is gone");
    // Whoever comes next clears away what it could not.
    drop(Bench::new());
    assert_eq!(Bench::left_groups(supervisor.id()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn an_interrupted_supervisor_ends_its_sandbox_within_two_seconds() {
    let bench = Bench::new();
    let mark = format!("34{:07}", std::process::id());
    let mut spec = sh(Phase::Build, &format!("trap '' TERM; sleep {mark} & while :; do wait; done"));
    spec.stdio = kiln::plan::Stdio::Connected;
    let mut supervisor = bench.start_apart(&spec);
    assert!(eventually(|| running(&mark)), "it runs");
    let began = Instant::now();
    let pid = supervisor.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    supervisor.wait().unwrap();
    assert!(began.elapsed() < patience(2), "{:?}", began.elapsed());
    assert!(!running(&mark));
}

fn eventually(condition: impl Fn() -> bool) -> bool {
    (0..300).any(|_| {
        let holds = condition();
        if !holds {
            std::thread::sleep(Duration::from_millis(10));
        }
        holds
    })
}
