//! Scriptlets and triggers: which run, in which order, what they are told. rpm's output beside kiln's.

use std::path::{Path, PathBuf};
use std::process::Command;

use rpm::{PackageBuilder, Scriptlet};

use crate::oracle::can_install;
use crate::support::{Numbers, package};
use crate::transaction::Bench;

/// A Lua script that says who it is, what it was told, and which paths it reads.
fn lua(name: &str) -> Scriptlet {
    let text = format!(
        "local paths = {{}}
         if rpm.next_file then
             local path = rpm.next_file()
             while path do paths[#paths + 1] = path path = rpm.next_file() end
         end
         print('{name}', arg[1], arg[2], arg[3], table.concat(paths, ' '))"
    );
    Scriptlet::new(text).prog(vec!["<lua>"])
}

const DIRECTORIES: [&str; 3] = ["/usr/share/one", "/usr/share/two", "/opt"];

/// A package with a random choice of everything, among `count` that know each other.
fn talkative(numbers: &mut Numbers, index: u64, count: u64) -> PackageBuilder {
    let mut builder = package(&format!("p{index}"));
    let who = |kind: &str| lua(&format!("p{index} {kind}"));
    let mut often = |of: u64| numbers.below(of) == 0;
    if often(2) {
        builder.pre_trans_script(who("pretrans"));
    }
    if often(2) {
        builder.pre_install_script(who("pre"));
    }
    if often(2) {
        builder.post_install_script(who("post"));
    }
    if often(2) {
        builder.post_trans_script(who("posttrans"));
    }
    for other in 0..count {
        let name = format!("p{other}");
        if often(3) {
            builder.trigger_in(&name, None, who(&format!("triggerin {other}")));
        }
        if often(4) {
            builder.trigger_prein(&name, None, who(&format!("triggerprein {other}")));
        }
        if other != index && often(5) {
            builder.requires(rpm::Dependency::any(name));
        }
    }
    for directory in DIRECTORIES {
        if often(3) {
            builder.file_trigger_in(directory, None, who(&format!("filetriggerin {directory}")));
        }
        if often(3) {
            builder.trans_file_trigger_in(directory, None, who(&format!("transfiletriggerin {directory}")));
        }
        if often(2) {
            let path = format!("{directory}/p{index}/file");
            builder.with_file_contents("x", rpm::FileOptions::new(path)).unwrap();
            let path = format!("{directory}/p{index}/ghost");
            builder.with_ghost(rpm::FileOptions::ghost(path)).unwrap();
        }
    }
    builder
}

fn write(mut builder: PackageBuilder, path: PathBuf) -> PathBuf {
    builder.build().unwrap().write_file(&path).unwrap();
    path
}

fn rpm(root: &Path, packages: &[PathBuf]) -> Vec<String> {
    let output = Command::new("rpm")
        .args(["-U", "--nodeps", "--noverify", "--define", "_pkgverify_level none", "--root"])
        .arg(root)
        .args(packages)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The lines of a log, without the package and scriptlet that wrote them.
fn told(log: &str) -> Vec<String> {
    log.lines().map(|line| line.split_once(": ").map_or(line, |(_, text)| text).to_owned()).collect()
}

#[test]
fn scripts_and_triggers_run_as_rpm_runs_them() {
    if !can_install() {
        return;
    }
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..6 {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let count = 2 + numbers.below(5);
        let path = |index: u64| directory.path().join(format!("p{index}.rpm"));
        let mut all = (0..count)
            .map(|index| write(talkative(&mut numbers, index, count), path(index)))
            .collect::<Vec<_>>();
        // Which rpm the root has decides what file triggers are told: the host's own is older than 4.20.
        let old = PackageBuilder::new("rpm", "4.18.0", "MIT", "noarch", "rpm");
        all.insert(0, write(old, directory.path().join("rpm.rpm")));
        let split = if round % 3 == 0 { all.len() } else { 1 + numbers.below(count) as usize };
        let bench = Bench::new();
        let mut parents = Vec::new();
        for part in [&all[..split], &all[split..]].into_iter().filter(|part| !part.is_empty()) {
            let expected = rpm(&root, part);
            let (layer, log) = bench.install(bench.unpack(part), &parents);
            let layer = layer.unwrap();
            assert_eq!(told(&log), expected, "round {round}");
            parents.insert(0, layer.manifest.id.clone());
        }
    }
}
