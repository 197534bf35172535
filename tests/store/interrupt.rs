//! A signal ends what looks after the store, however long the keeper is at it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, users};

/// The keeper's jobs over a store, by process id: children of the process whose directory the store is.
fn jobs(store: &Path) -> Vec<String> {
    let here = |pid: &str| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|path| path == store);
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let keepers = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && here(name));
    let children =
        |pid: String| std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    keepers.map(children).collect::<String>().split_whitespace().map(str::to_owned).collect()
}

fn signal(name: &str, pid: &str) -> bool {
    Command::new("kill").args([name, pid]).stderr(Stdio::null()).status().unwrap().success()
}

/// Runs kiln until one of the keeper's jobs could be stopped, which then never ends by itself.
fn stuck(place: &Place, arguments: &[&str]) -> (Child, String) {
    let store = place.path("store").canonicalize().unwrap();
    for _ in 0..200 {
        let mut kiln = place.kiln();
        let mut running = kiln.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while running.try_wait().unwrap().is_none() {
            let Some(job) = jobs(&store).into_iter().find(|job| signal("-STOP", job)) else { continue };
            std::thread::sleep(Duration::from_millis(300));
            // Else it had given its answer before it was stopped.
            if running.try_wait().unwrap().is_none() {
                return (running, job);
            }
            signal("-KILL", &job);
        }
    }
    panic!("no job of {arguments:?} was ever seen");
}

#[test]
fn a_signal_ends_pruning_and_verifying_at_once() {
    for user in users() {
        let place = Place::small(user);
        place.run(&["init"]).expect(0);
        for arguments in
            [&["store", "prune", "--all", "--dry-run"][..], &["store", "verify"], &["store", "usage"]]
        {
            let (mut running, job) = stuck(&place, arguments);
            let began = Instant::now();
            // The last of the processes is kiln; as another user it was started through a program that became it.
            assert!(signal("-INT", &running.id().to_string()));
            let status = running.wait().unwrap();
            assert!(began.elapsed() < Duration::from_secs(10), "{arguments:?} took {:?}", began.elapsed());
            assert_eq!(status.code(), Some(130), "{arguments:?} as {user:?}");
            // The kernel takes them with kiln, but not in the same moment.
            let over = || {
                !Path::new("/proc").join(&job).join("task").exists() || jobs(&place.path("store")).is_empty()
            };
            let ended = (0..500).any(|_| {
                over() || {
                    std::thread::sleep(Duration::from_millis(20));
                    false
                }
            });
            assert!(ended, "a job of {arguments:?} goes on");
            // One that was stopped before it could ask to die with its parent stays.
            signal("-KILL", &job);
        }
        place.run(&["store", "verify"]).expect(0);
    }
}
