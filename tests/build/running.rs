//! `kiln ps`, `top`, `attach` and `kill`.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{Place, spec_arguments, users_of_every_tier};

const SLOW: &str = "Name: slow\nVersion: 1\nRelease: 1\nSummary: Sleeps\nLicense: MIT\nBuildArch: noarch\n\
    %description\nSleeps.\n%build\necho mark > /tmp/mark\nsleep 1000\n%files\n";

#[test]
fn what_runs_is_listed_and_can_be_entered_and_ended() {
    for user in users_of_every_tier() {
        let place = Place::new(user);
        place.run(&["ps", "--json"]).expect(0);
        let spec = place.write("slow.spec", SLOW);
        let sources = place.path("sources");
        std::fs::create_dir(&sources).unwrap();
        let arguments = spec_arguments("build", &spec, &sources);
        let mut build =
            place.kiln().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let id = wait_for_the_build(&place);
        let shown = place.run(&["ps"]);
        assert!(shown.text().contains("build") && shown.text().contains("slow"), "{}", shown.text());
        let top = place.run(&["top", "--interval", "1"]);
        assert!(top.text().contains(&id), "{}", top.text());
        let attached = place.run(&["attach", &id, "--", "sh", "-c", "id -u; cat /tmp/mark; exit 4"]);
        attached.expect(4);
        assert_eq!(attached.text(), "1000\nmark\n");
        place.run(&["attach", "nothing"]).expect(50);
        let killed = place.run(&["kill", &id]);
        assert_eq!(killed.text().trim(), id);
        assert_eq!(build.wait().unwrap().code(), Some(130));
        assert_eq!(place.run(&["ps", "--json"]).stdout(), "");
    }
}

/// The build's id, once its own commands run.
fn wait_for_the_build(place: &Place) -> String {
    for _ in 0..1200 {
        std::thread::sleep(Duration::from_millis(100));
        let text = place.run(&["ps", "--json"]).stdout();
        let Some(line) = text.lines().next() else { continue };
        let one: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = one["id"].as_str().unwrap();
        let there = || place.run(&["attach", id, "--", "test", "-e", "/tmp/mark"]).succeeded();
        if one["stage"] == "build" && there() {
            // The line above may be older than the command that the build waits for now.
            let now = place.run(&["ps", "--json"]).stdout();
            let now: serde_json::Value = serde_json::from_str(now.trim()).unwrap();
            assert!(now["usage"]["pids"].as_u64().unwrap() >= 3, "{now}");
            return id.to_owned();
        }
    }
    panic!("the build did not begin in two minutes");
}
