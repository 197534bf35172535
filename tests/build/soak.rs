//! Many builds in a row and at once leave the host as one build does.
//!
//! A few of them by default; `make soak` asks for more with `KILN_SOAK`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bombs::{groups_of_the_dead, processes_in, settled};
use crate::support::{Place, spec_arguments, users};

const SPEC: &str = "Name: small\nVersion: 1\nRelease: 1\nSummary: Small\nLicense: MIT\nBuildArch: noarch\n\
    %description\nSmall.\n%build\necho built > file\n\
    %install\ninstall -D -m 644 file %{buildroot}/usr/share/small/file\n%files\n/usr/share/small\n";

/// Builds at once.
const LANES: usize = 8;

fn count() -> usize {
    std::env::var("KILN_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Everything that could grow.
fn state(place: &Place) -> BTreeMap<String, usize> {
    let entries = |path: &Path| std::fs::read_dir(path).map_or(0, Iterator::count);
    let store = place.path("store");
    let mut state = BTreeMap::new();
    state.insert("mounts".to_owned(), lines("/proc/self/mountinfo"));
    state.insert("control groups".to_owned(), groups_of_the_dead().len());
    state.insert("processes".to_owned(), usize::from(processes_in(&store)));
    for entry in std::fs::read_dir(&store).unwrap().flatten() {
        state.insert(format!("store/{}", entry.file_name().to_string_lossy()), entries(&entry.path()));
    }
    let ours = |name: String| name.starts_with(".kiln") || name.starts_with("rpm-tmp");
    let temporary = std::fs::read_dir("/tmp").unwrap().flatten();
    let temporary = temporary.filter(|entry| ours(entry.file_name().to_string_lossy().into_owned()));
    state.insert("/tmp".to_owned(), temporary.count());
    state
}

fn lines(path: &str) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn many_builds_leave_no_more_than_one() {
    for user in users() {
        let place = Place::new(user);
        let spec = place.write("small.spec", SPEC);
        std::fs::create_dir_all(place.path("sources")).unwrap();
        let sources = place.path("sources");
        let build = |result: &str| {
            let arguments = spec_arguments("build", &spec, &sources);
            place.run(&[&arguments[..], &["--result", result]].concat()).expect(0);
        };
        build("result-0");
        let before = state(&place);
        for _ in 0..count() {
            build("result-0");
        }
        assert_eq!(settled(|| state(&place), &before), before, "one after the other, as {user:?}");
        std::thread::scope(|scope| {
            for lane in 1..=LANES {
                let build = &build;
                scope.spawn(move || {
                    (0..count().div_ceil(LANES)).for_each(|_| build(&format!("result-{lane}")));
                });
            }
        });
        assert_eq!(settled(|| state(&place), &before), before, "{LANES} at once, as {user:?}");
    }
}
