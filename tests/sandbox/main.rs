//! Real namespaces, real mounts: what a command sees and can do inside a sandbox.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attacks;
#[cfg(all(target_arch = "x86_64", debug_assertions))]
mod calls;
mod canaries;
mod cost;
mod honest;
mod limits;
mod nested;
#[cfg(all(target_arch = "x86_64", debug_assertions))]
mod proofs;
#[cfg(debug_assertions)]
mod sealed;
mod support;
mod users;
mod visitors;

use kiln::plan::{Phase, Stdio};
use kiln::sandbox::Status;
use support::{Bench, sh};

#[test]
fn a_command_runs_and_its_output_and_code_come_back() {
    let bench = Bench::new();
    let (outcome, output) = bench.run(&sh(Phase::Install, "echo hello; echo oops >&2; exit 7"));
    assert_eq!(outcome.status, Status::Exited(7));
    assert_eq!(output, "hello\noops\n");
}

#[test]
fn namespaces_are_new_and_the_host_is_not_to_be_seen() {
    let bench = Bench::new();
    for phase in [Phase::Install, Phase::Build] {
        let spec = sh(phase, "
            for kind in user mnt pid net ipc uts cgroup time; do readlink /proc/self/ns/$kind; done
            echo pid $$; ls -A /; ls /proc | grep -c '^[0-9]'; cat /proc/self/cgroup; uname -n; cat /proc/uptime
            id; grep Cap /proc/self/status; cat /proc/self/mountinfo; ls -la /dev /builddir; ls -l /proc/self/fd");
        let (outcome, output) = bench.run(&spec);
        assert_eq!(outcome.status, Status::Exited(0));
        for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"] {
            let host = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
            assert!(!output.contains(host.to_str().unwrap()), "{kind} is the host's");
        }
    }
}

#[test]
fn input_is_fed_through_a_pipe() {
    let bench = Bench::new();
    let mut spec = sh(Phase::Install, "wc -c");
    spec.stdio = Stdio::Piped;
    let input = vec![b'x'; 1 << 20];
    let (outcome, output) = bench.run_with(&spec, input);
    assert_eq!((outcome.status, output.trim()), (Status::Exited(0), "1048576"));
}

#[test]
fn a_hostile_tree_is_removed_and_nothing_outside_the_store_is() {
    let bench = Bench::new();
    let script = "mkdir -p /builddir/a/b; touch /builddir/a/b/c; chmod 0 /builddir/a/b /builddir/a; ln -s / /builddir/l";
    let (outcome, _) = bench.run(&sh(Phase::Build, script));
    assert_eq!(outcome.status, Status::Exited(0));
    bench.keeper.remove("tmp").unwrap();
    assert!(!bench.store.join("tmp").exists());
    for path in ["..", "/etc", "a/../../b", ""] {
        assert!(bench.keeper.remove(path).is_err(), "{path}");
    }
}

#[test]
fn a_terminal_is_one_of_the_sandbox_and_its_own() {
    let bench = Bench::new();
    let mut spec = sh(Phase::Build, "tty; ls -l $(tty); : < /dev/tty && echo controlled; stty size");
    spec.stdio = Stdio::Terminal;
    let output = bench.run_apart(&spec, "");
    assert_eq!(output.lines().next(), Some("/dev/pts/0"), "{output}");
    assert!(output.contains("crw--w---- 1 1000 "), "{output}");
    assert!(output.contains("controlled"), "{output}");
}

#[test]
fn connected_streams_are_separate_and_end_when_they_end() {
    let bench = Bench::new();
    let mut spec = sh(Phase::Install, "cat; echo oops >&2");
    spec.stdio = Stdio::Connected;
    let input = "line\n".repeat(100_000);
    let output = bench.run_apart(&spec, &input);
    assert_eq!(output.replace("oops\n", ""), input);
}

/// The other process of tests that need one; by itself it does nothing.
#[test]
fn supervisor() {
    support::supervise();
}
