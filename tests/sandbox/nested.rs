//! kiln inside a container, and inside a sandbox of its own.

use std::process::Command as Process;

use kiln::plan::{Access, Nesting, Phase, Step};
use kiln::sandbox::Status;
use kiln::unit::{HostPath, RootPath};

use crate::support::{Bench, program, sh};

/// Runs one of this program's tests in an unprivileged container of bubblewrap's.
fn in_a_container(options: &[&str], test: &str) -> (bool, String) {
    let output = Process::new("bwrap")
        .args(["--unshare-all", "--bind", "/", "/", "--dev", "/dev"])
        .args(options)
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_remove("KILN_TEST_TIER")
        .env("KILN_TEST_PROGRAM", std::fs::canonicalize(program()).unwrap())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), text.concat())
}

const COMMAND: &str = "a_command_runs_and_its_output_and_code_come_back";

/// bubblewrap itself masks /proc where its caller may write to it; then only the refusal can be tested.
#[test]
fn a_sandbox_can_be_made_inside_an_unprivileged_container() {
    let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0;
    if root {
        eprintln!("as root bubblewrap masks /proc: this is tested as an ordinary user");
        return;
    }
    let (fine, text) = in_a_container(&["--proc", "/proc"], COMMAND);
    assert!(fine, "{text}");
}

#[test]
fn a_masked_proc_around_is_explained() {
    let (fine, text) = in_a_container(&["--proc", "/proc", "--ro-bind", "/dev/null", "/proc/keys"], COMMAND);
    assert!(!fine && text.contains("mounting proc /proc"), "{text}");
    let (fine, text) =
        in_a_container(&["--proc", "/proc", "--ro-bind", "/dev/null", "/proc/keys"], "nested::refusal");
    assert!(fine, "{text}");
}

/// Inside a container with a masked /proc; by itself it does nothing.
#[test]
fn refusal() {
    if std::env::var_os("KILN_TEST_PROGRAM").is_none() || std::env::var_os("KILN_TEST_TIER").is_some() {
        return;
    }
    let bench = Bench::new();
    let error = bench.keeper.spawn(&bench.prepared(&sh(Phase::Install, "true"))).unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(error.hint().unwrap().contains("unmask=ALL"), "{error}");
}

/// A sandbox that may have others in it, with this test program in it.
fn nesting(phase: Phase, script: &str) -> kiln::plan::SandboxSpec {
    let mut spec = sh(phase, script);
    spec.nesting = Nesting::Allowed;
    for (from, to) in [(std::env::current_exe().unwrap(), "/mnt/tests"), (program(), "/mnt/kiln")] {
        spec.steps.push(Step::Bind {
            from: HostPath::new(std::fs::canonicalize(from).unwrap()),
            to: RootPath::new(to).unwrap(),
            access: Access::ReadOnly,
        });
    }
    spec
}

#[test]
fn a_sandbox_can_be_made_inside_a_sandbox_that_allows_it() {
    let bench = Bench::new();
    for phase in [Phase::Install, Phase::Build] {
        let script =
            format!("unset KILN_TEST_TIER; KILN_TEST_PROGRAM=/mnt/kiln /mnt/tests --exact {COMMAND} 2>&1");
        let (outcome, output) = bench.run(&nesting(phase, &script));
        assert_eq!(outcome.status, Status::Exited(0), "{phase:?}: {output}");
        assert!(output.contains("1 passed"), "{output}");
    }
}

#[test]
fn programs_that_make_namespaces_work_where_it_is_allowed_and_only_there() {
    let bench = Bench::new();
    let script = "unshare -Urmpf --mount-proc sh -c 'id -u; echo /proc/[0-9]*'; \
        bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev true && echo bubblewrap";
    let (outcome, output) = bench.run(&nesting(Phase::Build, script));
    assert_eq!((outcome.status, output.as_str()), (Status::Exited(0), "0\n/proc/1\nbubblewrap\n"));
    let (outcome, output) = bench.run(&sh(Phase::Build, script));
    assert_ne!(outcome.status, Status::Exited(0), "{output}");
}

#[test]
fn the_whole_proc_for_nesting_cannot_be_reached() {
    let bench = Bench::new();
    let script = "grep -c proc /proc/self/mountinfo >&2; umount /tmp 2>&1; ls -A /tmp; ls /tmp/proc 2>&1; \
        unshare -Urm sh -c 'umount /tmp; ls /tmp/proc; cat /proc/keys' 2>&1; echo end";
    let (_, output) = bench.run(&nesting(Phase::Build, script));
    assert!(!output.contains("self") && output.contains("end"), "{output}");
    assert!(output.matches("No such file or directory").count() >= 2, "{output}");
}
