//! One more command in a sandbox that runs.

use kiln::plan::{Phase, SandboxSpec, Stdio, Visitors};
use kiln::sandbox::{Outcome, Status, attach};
use kiln::unit::HostPath;

use crate::support::{Bench, sh};

const NAMESPACES: &str =
    "{ for kind in user mnt pid net ipc uts cgroup time; do readlink /proc/self/ns/$kind; done; }";
const RIGHTS: &str =
    "{ id; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; ulimit -Hn; ulimit -Hc; }";

fn visit(door: &HostPath, script: &str) -> (Outcome, String) {
    let command = ["sh", "-c", script].map(str::to_owned);
    let mut output = Vec::new();
    let visit = attach(door, &command, Stdio::Captured).unwrap();
    let outcome = visit.wait(&mut |bytes| output.extend_from_slice(bytes)).unwrap();
    (outcome, String::from_utf8(output).unwrap())
}

/// Runs `host` in a sandbox that admits visitors, and `work` beside it once its output has begun.
pub(crate) fn beside<T>(
    bench: &Bench,
    host: SandboxSpec,
    work: impl FnOnce(&HostPath) -> T,
) -> (Outcome, String, T) {
    let door = tempfile::tempdir().unwrap();
    let directory = HostPath::new(door.path());
    let host = SandboxSpec { visitors: Visitors::Admitted, ..host };
    let mut sandbox = bench.start(&host);
    sandbox.receive_visitors(&bench.keeper, &directory).unwrap();
    let (began, beginning) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let running = scope.spawn(move || {
            let mut output = Vec::new();
            let outcome = sandbox.wait(&mut |bytes| {
                output.extend_from_slice(bytes);
                let _ = began.send(());
            });
            (outcome.unwrap(), String::from_utf8_lossy(&output).into_owned())
        });
        beginning.recv().unwrap();
        let answer = work(&directory);
        let (outcome, output) = running.join().unwrap();
        (outcome, output, answer)
    })
}

#[test]
fn a_visitor_has_the_namespaces_the_rights_and_the_files_of_the_sandbox() {
    let bench = Bench::new();
    for phase in [Phase::Install, Phase::Build] {
        let script = format!(
            "{NAMESPACES} > /tmp/own; {RIGHTS} > /tmp/rights; echo ready; \
            while [ ! -e /tmp/done ]; do sleep 0.05; done; echo end"
        );
        let (outcome, output, (visit, seen)) = beside(&bench, sh(phase, &script), |door| {
            let seen = visit(
                door,
                &format!(
                    "{NAMESPACES} > /tmp/visitor; {RIGHTS} | diff /tmp/rights - && cat /tmp/own; \
                cat /tmp/visitor; ls /proc | grep '^[0-9]' | sort -n | head -n 3; exit 3"
                ),
            );
            // The sandbox may end before this one does, and not before the one above has ended.
            visit(door, "touch /tmp/done");
            seen
        });
        assert_eq!((outcome.status, output.as_str()), (Status::Exited(0), "ready\nend\n"));
        assert_eq!(visit.status, Status::Exited(3), "{seen}");
        let lines: Vec<&str> = seen.lines().collect();
        let (own, visitor) = (&lines[..8], &lines[8..16]);
        // With a single id each command of a build is in a user namespace of its own, which gives it the build's id.
        let user = usize::from(own[0] != visitor[0]);
        assert_eq!(own[user..], visitor[user..], "{seen}");
    }
}

#[test]
fn a_visitor_ends_with_the_sandbox_and_cannot_see_its_minder() {
    let bench = Bench::new();
    let script = "echo ready; while [ ! -e /tmp/come ]; do sleep 0.05; done";
    let (outcome, _, (visit, seen)) = beside(&bench, sh(Phase::Build, script), |door| {
        visit(door, "echo $PPID; touch /tmp/come; sleep 1000")
    });
    assert_eq!(outcome.status, Status::Exited(0));
    assert_eq!(visit.status, Status::Signalled(9));
    assert_eq!(seen, "0\n");
}

#[test]
fn a_command_that_is_not_there_is_the_visitors_trouble() {
    let bench = Bench::new();
    let script = "echo ready; while [ ! -e /tmp/done ]; do sleep 0.05; done";
    let (outcome, _, error) = beside(&bench, sh(Phase::Build, script), |door| {
        let error = attach(door, &["no-such-program".to_owned()], Stdio::Captured).unwrap_err();
        visit(door, "touch /tmp/done");
        error.to_string()
    });
    assert_eq!(outcome.status, Status::Exited(0));
    assert!(error.contains("no-such-program"), "{error}");
}

#[test]
fn a_sandbox_is_not_kept_waiting_by_somebody_who_says_nothing() {
    let bench = Bench::new();
    // Somebody who comes and stays after the sandbox's end.
    let (outcome, _, silent) = beside(&bench, sh(Phase::Build, "echo ready; sleep 2"), |door| {
        kiln::sys::socket::connect(door, "door").unwrap()
    });
    assert_eq!(outcome.status, Status::Exited(0));
    drop(silent);
}
