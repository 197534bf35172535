//! A store on a file system that is too small: said so, and nothing broken.

use std::process::Command;

use rand::Rng as _;

use crate::support::{Place, User, rounds};

/// In a mount namespace of its own: a small store is tried, looked at, made large enough and tried again.
const SCRIPT: &str = "mount -t tmpfs -o size=$SIZE,mode=0700 tmpfs $KILN_STORE || exit 99\n\
    $KILN init -q 2>&1; echo \"init $?\"\n\
    mount -o remount,size=1G $KILN_STORE || exit 99\n\
    $KILN store verify -q 2>&1; echo \"verify $?\"\n\
    $KILN init -q 2>&1; echo \"again $?\"\n\
    $KILN store verify -q 2>&1; echo \"sound $?\"\n\
    $KILN clean; ls $KILN_STORE/tmp | wc -l\n";

#[test]
fn a_full_disk_is_told_with_its_place_and_breaks_nothing() {
    let place = Place::small(User::Own);
    std::fs::create_dir(place.path("store")).unwrap();
    let mut random = rand::thread_rng();
    let (all, mut full) = (rounds("KILN_FULL", 4), 0);
    for round in 0..all {
        // The first is too small for anything, the last has room for all.
        let size = if round == 0 { 64 << 10 } else { random.gen_range(256 << 10..60 << 20) };
        let kiln = place.kiln();
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT]);
        command.env_clear().env("KILN", kiln.get_program()).env("SIZE", f64::to_string(&f64::from(size)));
        command.envs(kiln.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.code() == Some(99) || !output.status.success() && text.is_empty() {
            eprintln!("skipped: no tmpfs of one's own here: {}", String::from_utf8_lossy(&output.stderr));
            return;
        }
        let said = |words: &str| text.lines().any(|line| line == words);
        assert!(said("verify 0") && said("again 0") && said("sound 0"), "with {size} bytes:\n{text}");
        assert_eq!(text.lines().last(), Some("0"), "with {size} bytes something is left in tmp/:\n{text}");
        if said("init 0") {
            continue;
        }
        assert!(said("init 20") || said("init 30"), "with {size} bytes:\n{text}");
        full += 1;
        let store = place.path("store");
        for part in ["is full", store.to_str().unwrap(), "free", "--store DIR"] {
            assert!(text.contains(part), "with {size} bytes nothing says `{part}`:\n{text}");
        }
    }
    eprintln!("counted: disk full: {full} of {all} sizes were too small, each told and nothing broken");
}
