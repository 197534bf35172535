//! What a sandbox costs, beside bubblewrap. Run by hand with a build that is optimised:
//! `cargo test --profile measure --test sandbox cost -- --ignored --nocapture --test-threads 1`.

use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use kiln::plan::{Access, Command, Phase, SandboxSpec, Step};
use kiln::unit::{HostPath, Limits, RootPath};

use crate::support::{Bench, sh};

/// How often each is done.
const ROUNDS: usize = 200;

/// The middle and the lowest of many times.
fn summary(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[0])
}

/// How long something took, and the processor time of all processes of this control group, where version 1 counts it.
/// Only with a group of its own is that the time of this test: `cpuacct`, before it is started.
fn taken(work: impl FnOnce()) -> (Duration, Duration) {
    let (before, began) = (processor_time(), Instant::now());
    work();
    (began.elapsed(), processor_time().saturating_sub(before))
}

fn processor_time() -> Duration {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let place = groups.lines().find_map(|line| line.split_once("cpuacct:")).map(|(_, place)| place);
    let file = format!("/sys/fs/cgroup/cpuacct{}/cpuacct.usage", place.unwrap_or_default());
    let text = std::fs::read_to_string(file).unwrap_or_default();
    Duration::from_nanos(text.trim().parse().unwrap_or_default())
}

/// From start to end of a sandbox with nothing to do.
fn empty(bench: &Bench, spec: &SandboxSpec) -> (Duration, Duration) {
    let spec = bench.prepared(spec);
    taken(|| {
        let sandbox = bench.keeper.spawn(&spec).unwrap();
        assert!(sandbox.wait(&mut |_| {}).unwrap().status.success());
    })
}

fn bubblewrap() -> (Duration, Duration) {
    taken(|| {
        let status = Process::new("bwrap")
            .args(["--unshare-all", "--ro-bind", "/", "/", "/usr/bin/true"])
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    })
}

#[test]
#[ignore = "measures; run it by hand with an optimised build"]
fn an_empty_sandbox_beside_bubblewrap() {
    let bench = Bench::new();
    let plain = SandboxSpec {
        command: Command::Program { argv: vec!["/usr/bin/true".to_owned()] },
        ..sh(Phase::Install, "")
    };
    // As builds are: nothing is written to the root.
    let mut build = SandboxSpec { phase: Phase::Build, ..plain.clone() };
    build.root.upper = None;
    build.steps.push(Step::Bind {
        from: HostPath::new("tmp"),
        to: RootPath::new("/builddir").unwrap(),
        access: Access::ReadWrite,
    });
    let limited = SandboxSpec {
        limits: Limits { memory: Some(kiln::unit::Bytes(1 << 30)), pids: Some(500), ..Limits::default() },
        ..build.clone()
    };
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        // By turns, so that whatever else the machine does falls on all of them.
        times[0].push(empty(&bench, &plain));
        times[1].push(empty(&bench, &build));
        times[2].push(empty(&bench, &limited));
        times[3].push(bubblewrap());
    }
    let names = ["scriptlet", "build, measured", "build, limited", "bwrap --unshare-all --ro-bind / /"];
    for (name, times) in names.iter().zip(times.clone()) {
        let (walls, processors): (Vec<_>, Vec<_>) = times.into_iter().unzip();
        let ((middle, lowest), (processor, _)) = (summary(walls), summary(processors));
        println!("{name}: median {middle:?}, lowest {lowest:?}, processor {processor:?}, {ROUNDS} rounds");
    }
    let wall = |number: usize| summary(times[number].iter().map(|(wall, _)| *wall).collect()).0;
    assert!(wall(1) <= wall(3), "{:?} {:?}", wall(1), wall(3));
}

/// What runs on both sides: many short calls.
#[test]
fn inside() {
    if std::env::var_os("KILN_TEST_COST").is_none() {
        return;
    }
    let each = |name: &str, count: u32, call: &dyn Fn()| {
        let began = Instant::now();
        (0..count).for_each(|_| call());
        println!("{name} {} ns", began.elapsed().as_nanos() / u128::from(count));
    };
    each("getppid", 2_000_000, &|| {
        std::hint::black_box(std::os::unix::process::parent_id());
    });
    each("open and close", 200_000, &|| drop(std::fs::File::open("/usr/bin/true").unwrap()));
    each("stat", 500_000, &|| assert!(std::fs::metadata("/usr/bin/true").is_ok()));
}

#[test]
#[ignore = "measures; run it by hand with an optimised build"]
fn system_calls_inside_and_outside() {
    let bench = Bench::new();
    let arguments = ["--exact", "cost::inside", "--nocapture"];
    let program = std::env::current_exe().unwrap();
    let outside = Process::new(&program).args(arguments).env("KILN_TEST_COST", "1").output().unwrap();
    let mut spec = sh(Phase::Build, "");
    spec.steps.push(Step::Bind {
        from: HostPath::new(program),
        to: RootPath::new("/measure").unwrap(),
        access: Access::ReadOnly,
    });
    spec.environment.insert("KILN_TEST_COST".to_owned(), "1".to_owned());
    let argv = std::iter::once("/measure").chain(arguments).map(str::to_owned).collect();
    spec.command = Command::Program { argv };
    let lines =
        |text: &str| text.lines().filter(|line| line.ends_with(" ns")).map(str::to_owned).collect::<Vec<_>>();
    println!("outside: {:?}", lines(&String::from_utf8_lossy(&outside.stdout)));
    println!("inside: {:?}", lines(&bench.run(&spec).1));
}
