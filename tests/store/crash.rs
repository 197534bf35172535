//! kiln killed at random moments: nothing of it stays but what the next run clears away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::Rng as _;

use crate::support::{Place, User, rounds, spec_arguments, users};

/// Whether a process has its working directory in a directory, as every keeper has.
fn processes_in(directory: &Path) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut links = entries.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok());
    links.any(|cwd| cwd.starts_with(directory))
}

/// Runs kiln, kills it after `delay`; whether it had ended before.
fn killed(place: &Place, arguments: &[&str], delay: Duration) -> bool {
    let mut running =
        place.kiln().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    let ended = running.try_wait().unwrap().is_some();
    let _ = Command::new("kill").args(["-KILL", &running.id().to_string()]).stderr(Stdio::null()).status();
    running.wait().unwrap();
    ended
}

fn nothing_runs(place: &Place, when: &str) {
    let store = place.path("store");
    let began = Instant::now();
    while processes_in(&store) {
        assert!(began.elapsed() < Duration::from_secs(20), "something still runs {when}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(store.to_str().unwrap()), "something is mounted {when}");
}

/// The packages and layers of a place's store.
fn published(place: &Place) -> BTreeSet<PathBuf> {
    let list = |name| std::fs::read_dir(place.path("store").join(name)).into_iter().flatten();
    ["packages", "layers"].into_iter().flat_map(list).map(|entry| entry.unwrap().path()).collect()
}

/// What was published since has a mark: the machine may go down as well. `store verify` brings all before to the disk.
fn marked(place: &Place, before: &BTreeSet<PathBuf>, when: &str) {
    let new = published(place).difference(before).count();
    let marks = std::fs::read_dir(place.path("store/unsettled")).into_iter().flatten();
    let marks = marks.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() != "lock")).count();
    assert!(new == 0 || marks > 0, "{new} things without a mark {when}");
}

/// How often `init` and `build` are killed.
fn kills() -> (usize, usize) {
    let all = rounds("KILN_CRASHES", 8);
    (all - all / 4, all / 4)
}

#[test]
fn a_killed_init_leaves_a_sound_store_and_the_next_one_succeeds() {
    let mut random = rand::thread_rng();
    let places: Vec<Place> = users().into_iter().map(Place::small).collect();
    let (init, _) = kills();
    for place in &places {
        let began = Instant::now();
        place.run(&["init"]).expect(0);
        let whole = began.elapsed();
        for round in 0..init / places.len() {
            // From nothing, from packages without layers, or from package files alone.
            match round % 3 {
                0 => place.run(&["store", "prune", "--all"]).expect(0),
                1 => place.run(&["clean", "--layers"]).expect(0),
                _ => place.run(&["store", "verify"]).expect(0),
            };
            let delay = whole.mul_f64(random.gen_range(0.0..1.0));
            let when = format!("after kill -9 at {delay:?} in round {round}");
            let before = published(place);
            killed(place, &["init", "--install", "clay-files"], delay);
            nothing_runs(place, &when);
            marked(place, &before, &when);
            assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "", "{when}");
            place.run(&["init", "--install", "clay-files"]).expect(0);
            assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "", "{when}, and one more run");
            place.run(&["clean"]).expect(0);
            let left = std::fs::read_dir(place.path("store/tmp")).unwrap().count();
            assert_eq!(left, 0, "{when}");
        }
    }
    eprintln!("counted: kill -9: `kiln init` {} times", init / places.len() * places.len());
}

const SPEC: &str = "Name: quick\nVersion: 1\nRelease: 1\nSummary: Quick\nLicense: MIT\nBuildArch: noarch\n\
    %description\nQuick.\n%build\nsleep 1\n%install\nmkdir -p %{buildroot}/usr/share\necho x >%{buildroot}/usr/share/quick\n\
    %files\n/usr/share/quick\n";

#[test]
fn a_killed_build_leaves_a_sound_store_and_the_next_one_succeeds() {
    let mut random = rand::thread_rng();
    let place = Place::new(User::Own);
    let spec = place.write("quick.spec", SPEC);
    std::fs::create_dir(place.path("sources")).unwrap();
    let sources = place.path("sources");
    let arguments = spec_arguments("build", &spec, &sources);
    let arguments = [&arguments[..], &["--result", "result"]].concat();
    place.run(&arguments).expect(0);
    let began = Instant::now();
    place.run(&arguments).expect(0);
    let whole = began.elapsed();
    let (_, build) = kills();
    for round in 0..build {
        let delay = whole.mul_f64(random.gen_range(0.0..1.0));
        let when = format!("after kill -9 at {delay:?} in round {round}");
        killed(&place, &arguments, delay);
        nothing_runs(&place, &when);
        assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "", "{when}");
    }
    eprintln!("counted: kill -9: `kiln build` {build} times");
    place.run(&arguments).expect(0);
    place.run(&["clean"]).expect(0);
    assert_eq!(std::fs::read_dir(place.path("store/tmp")).unwrap().count(), 0);
}
