//! kiln's own program, which runs as PID 1 of every sandbox, is not written to through /proc (CVE-2019-5736).

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kiln::plan::{Guard, Phase};
use kiln::sandbox::id_map;

use crate::support::{Bench, copy_program, patience, program, sh};

/// Everything that keeps PID 1's program from being looked at, so that only the last layer is left.
const LOOK: &[Guard] = &[Guard::Inspection, Guard::Landlock, Guard::Capabilities];

/// A copy of kiln that belongs to the root of the sandboxes' namespace.
fn own_copy() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = place.path().join("kiln");
    copy_program(&program(), &copy, "755");
    let id = id_map().unwrap().uids[0].outside;
    std::os::unix::fs::chown(&copy, Some(id), None).unwrap();
    (place, copy)
}

/// What the owner of the program gets who held on to it until nobody ran it any more.
fn written_afterwards(without: &[Guard]) -> Result<(), Option<i32>> {
    let (_place, copy) = own_copy();
    let bench = Bench::of(&copy, without);
    let held = File::open(format!("/proc/{}/exe", bench.keeper_pid().unwrap())).unwrap();
    drop(bench);
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    let began = Instant::now();
    loop {
        let result = OpenOptions::new().write(true).open(&path).map(drop);
        let result = result.map_err(|error| error.raw_os_error());
        // The last of its processes is just ending.
        if result != Err(Some(libc::ETXTBSY)) || began.elapsed() > patience(2) {
            return result;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn whoever_holds_the_keepers_program_never_writes_to_it() {
    assert_eq!(written_afterwards(&[]), Err(Some(libc::EROFS)));
    assert_eq!(written_afterwards(&[Guard::SealedProgram]), Ok(()), "unsealed, it can be written to");
}

#[test]
fn the_program_of_init_is_read_only_inside_whoever_owns_it() {
    let attempt = |program: &Path, without: &[Guard]| {
        let without = [LOOK, without].concat();
        let bench = Bench::of(program, &without);
        let mut spec = sh(Phase::Install, "(: > /proc/1/exe) 2>&1 | grep -oE 'Read-only|busy|denied'");
        spec.without = without;
        bench.run(&spec).1
    };
    let (_place, copy) = own_copy();
    assert_eq!(attempt(&copy, &[]), "Read-only\n");
    // Only for as long as it runs.
    assert_eq!(attempt(&copy, &[Guard::SealedProgram]), "busy\n");
    let owner = std::fs::metadata(program()).unwrap().uid();
    if owner != id_map().unwrap().uids[0].outside {
        assert_eq!(attempt(&program(), &[]), "denied\n", "it is of nobody inside, and not sealed");
    }
}
