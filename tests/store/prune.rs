//! Pruning: what goes, and what stays because it is in use.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use crate::support::{Place, users};

fn items(place: &Place, kind: &str) -> usize {
    let usage = place.run(&["store", "usage"]).stdout();
    let line = usage.lines().find(|line| line.starts_with(kind)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn everything_goes_but_what_a_running_sandbox_uses() {
    for user in users() {
        let place = Place::small(user);
        let mut running = place.kiln();
        running.args([
            "run",
            "--",
            "sh",
            "-c",
            "echo ready; read -r line; sed --version >/dev/null && echo $line",
        ]);
        let mut running = running.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(running.stdout.take().unwrap()).lines();
        assert_eq!(output.next().unwrap().unwrap(), "ready");
        let told = place.run(&["store", "prune", "--all", "--dry-run"]).stdout();
        assert_eq!((items(&place, "layers"), items(&place, "packages") > 3), (1, true));
        let quiet = place.run(&["store", "prune", "--all", "--dry-run", "--quiet"]);
        assert_eq!(quiet.stderr(), "", "a warning is no failure");
        let pruned = place.run(&["store", "prune", "--all"]);
        pruned.says("another kiln uses them: 1 (layers/");
        assert_eq!(pruned.stdout(), told);
        assert_eq!((items(&place, "layers"), items(&place, "packages"), items(&place, "rpms")), (1, 0, 0));
        writeln!(running.stdin.take().unwrap(), "still here").unwrap();
        assert_eq!(output.next().unwrap().unwrap(), "still here");
        assert!(running.wait().unwrap().success());
        place.run(&["store", "prune", "--all"]).expect(0);
        assert_eq!((items(&place, "layers"), items(&place, "repos")), (0, 0));
        place.run(&["init"]).expect(0);
    }
}

#[test]
fn a_size_is_kept_by_removing_what_was_not_used_for_longest() {
    let place = Place::small(users()[0]);
    place.run(&["init"]).expect(0);
    let usage = place.run(&["store", "usage", "--json"]).stdout();
    let bytes =
        |line: &str| line.rsplit_once("\"bytes\":").unwrap().1.trim_end_matches('}').parse::<u64>().unwrap();
    let total: u64 = usage.lines().map(bytes).sum();
    let rpms = bytes(usage.lines().find(|line| line.contains("\"rpms\"")).unwrap());
    let size = (total - rpms / 2).to_string();
    let pruned = place.run(&["store", "prune", "--size", &size, "--json"]).stdout();
    let removed: Vec<_> = pruned.lines().filter(|line| line.contains("\"bytes\"")).collect();
    let late = |line: &&str| line.contains("\"packages\"") || line.contains("\"layers\"");
    assert!(!removed.is_empty() && !removed.iter().any(late), "{pruned}");
    // The root stands without the package files, and so does one more that needs them.
    place.run(&["run", "--", "sed", "--version"]).expect(0);
    assert_eq!(items(&place, "layers"), 1);
    place.run(&["store", "prune", "--older-than", "1w"]).expect(0);
    assert_eq!(items(&place, "layers"), 1);
    place.run(&["store", "prune", "--size", "x"]).expect(5).says("is not a size");
}
