//! Several kilns on one store at the same time.

use std::process::{Child, Stdio};

use crate::support::{Place, User, rounds};

/// Things that roots of their own are made for.
const DIFFERENT: [&str; 8] =
    ["clay-files", "clay-scripts", "gzip", "tar", "patch", "findutils", "diffutils", "make"];

fn begun(place: &Place, arguments: &[&str]) -> Child {
    place.kiln().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn makers_of_the_same_and_of_different_layers_and_a_pruner_do_not_disturb_each_other() {
    let place = Place::small(User::Own);
    let all = rounds("KILN_RACES", 2);
    for round in 0..all {
        let mut running = vec![begun(&place, &["init"]), begun(&place, &["init"])];
        running.extend(DIFFERENT.iter().map(|name| begun(&place, &["init", "--install", name])));
        let mut prunes = 0;
        let mut ended = Vec::new();
        while !running.is_empty() {
            let which =
                if prunes % 2 == 0 { &["store", "prune", "--all"][..] } else { &["clean", "--layers"] };
            place.run(which).expect(0);
            prunes += 1;
            for mut child in std::mem::take(&mut running) {
                match child.try_wait().unwrap() {
                    Some(_) => ended.push(child.wait_with_output().unwrap()),
                    None => running.push(child),
                }
            }
        }
        let ids: Vec<_> = ended
            .iter()
            .map(|output| {
                assert!(
                    output.status.success(),
                    "round {round}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
                String::from_utf8_lossy(&output.stdout).into_owned()
            })
            .collect();
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        // The two that make the same layer name the same.
        assert_eq!(different.len(), DIFFERENT.len() + 1, "{ids:?}");
        assert_eq!(place.run(&["store", "verify", "-q"]).stdout(), "", "round {round}");
        assert_eq!(std::fs::read_dir(place.path("store/tmp")).unwrap().count(), 0, "round {round}");
    }
    eprintln!("counted: races: {all} rounds of {} makers and a pruner", DIFFERENT.len() + 2);
}

#[test]
fn a_store_is_one_users() {
    let place = Place::small(User::Own);
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) != 0 {
        return;
    }
    place.run(&["init"]).expect(0);
    let other = Place::small(User::Ordinary);
    let store = place.path("store");
    for verb in [&["init"][..], &["store", "usage"], &["store", "verify"]] {
        let ran = other.run(&[verb, &["--store", store.to_str().unwrap()]].concat());
        ran.expect(50).says("is owned by uid").says("--store DIR");
    }
    place.run(&["store", "verify"]).expect(0);
}
