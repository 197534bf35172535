//! A signal ends a run in any stage, at once and without leftovers.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::bombs::{processes_in, settled};
use crate::support::{Place, spec_arguments, users};

const SLOW: &str = "Name: slow\nVersion: 1\nRelease: 1\nSummary: Sleeps\nLicense: MIT\nBuildArch: noarch\n\
    %description\nSleeps.\n%build\ntrap '' TERM INT HUP\nsetsid sleep 1000 &\nsleep 1000\n%files\n";

#[test]
fn a_signal_ends_everything_and_leaves_nothing() {
    let place = Place::new(users()[0]);
    let spec = place.write("slow.spec", SLOW);
    let sources = place.path("sources");
    std::fs::create_dir(&sources).unwrap();
    // Early, while packages are fetched and unpacked; later, in scriptlets; last, in a build that ignores signals.
    for delay in [300, 900, 1500, 2500, 20_000] {
        let arguments = spec_arguments("build", &spec, &sources);
        let mut running =
            place.kiln().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        let signalled = std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status();
        assert!(signalled.unwrap().success());
        let began = Instant::now();
        let status = running.wait().unwrap();
        // Alone it takes a tenth of a second; the other tests of this program may leave it little time.
        assert!(began.elapsed() < Duration::from_secs(10), "after {delay} ms it took {:?}", began.elapsed());
        assert_eq!(status.code(), Some(130), "after {delay} ms");
        let store = place.path("store");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(store.to_str().unwrap()), "a mount is left after {delay} ms");
        // The kernel takes them with kiln, but not in the same moment.
        assert!(!settled(|| processes_in(&store), &false), "a process is left after {delay} ms");
    }
    place.run(&["run", "--", "true"]).expect(0);
}
