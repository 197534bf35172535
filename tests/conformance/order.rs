//! The order of a transaction, against `rpm -Uvv --test`.

use std::path::{Path, PathBuf};
use std::process::Command;

use kiln::package::{Relation, RelationFlags, RelationKind};
use kiln::plan::Age;
use kiln::plan::order::{Colors, Facts, Links, Want, order};

use crate::oracle::can_install;
use crate::support::{Numbers, package};

/// A requirement and who needs it.
struct Need {
    target: u64,
    pre: bool,
}

fn wanted(numbers: &mut Numbers, packages: u64) -> Vec<Vec<Need>> {
    let needs = |_| {
        let count = numbers.below(4);
        (0..count).map(|_| Need { target: numbers.below(packages), pre: numbers.below(4) == 0 }).collect()
    };
    (0..packages).map(needs).collect()
}

fn built(directory: &Path, needs: &[Vec<Need>]) -> Vec<PathBuf> {
    let build = |(index, needs): (usize, &Vec<Need>)| {
        let mut builder = package(&format!("p{index}"));
        for need in needs {
            let target = format!("p{}", need.target);
            builder.requires(if need.pre {
                rpm::Dependency::script_post(target)
            } else {
                rpm::Dependency::any(target)
            });
        }
        let path = directory.join(format!("p{index}.rpm"));
        builder.build().unwrap().write_file(&path).unwrap();
        path
    };
    needs.iter().enumerate().map(build).collect()
}

fn rpm_order(directory: &Path, packages: &[PathBuf]) -> Vec<usize> {
    let root = directory.join("root");
    std::fs::create_dir_all(&root).unwrap();
    let output = Command::new("rpm")
        .args(["-Uvv", "--test", "--nodeps", "--noverify", "--define", "_pkgverify_level none", "--root"])
        .arg(&root)
        .args(packages)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = text.lines().skip_while(|line| !line.contains("tsorting packages")).skip(1);
    let name = |line: &str| line.rsplit_once("+p").and_then(|(_, rest)| rest.split('-').next()?.parse().ok());
    let found = lines.map_while(name).collect::<Vec<usize>>();
    assert_eq!(found.len(), packages.len(), "{text}");
    found
}

fn facts(needs: &[Vec<Need>], packages: &[PathBuf]) -> Vec<Facts> {
    let relation = |name: &str, flags: u32, evr: &str| Relation {
        name: name.to_owned(),
        flags: RelationFlags(flags),
        evr: evr.to_owned(),
    };
    // The requirements are read from the header, because the builder sorts them.
    let facts = |path: &PathBuf| {
        let metadata = rpm::PackageMetadata::open(path).unwrap();
        let want = |need: &rpm::Dependency| Want {
            kind: RelationKind::Requires,
            relation: relation(&need.name, need.flags.bits(), &need.version),
            color: 0,
        };
        let wants = metadata.get_requires().unwrap().iter().map(want).collect();
        Facts { provides: vec![relation(metadata.get_name().unwrap(), 8, "1-1")], wants, ..Facts::default() }
    };
    assert_eq!(needs.len(), packages.len());
    packages.iter().map(facts).collect()
}

#[test]
fn packages_are_ordered_as_rpm_orders_them() {
    if !can_install() {
        return;
    }
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for round in 0..25 {
        let directory = tempfile::tempdir().unwrap();
        let count = 3 + numbers.below(20);
        let needs = wanted(&mut numbers, count);
        let packages = built(directory.path(), &needs);
        let ours = order(&facts(&needs, &packages), Colors::of("x86_64"), &Links::default(), Age::Early);
        assert_eq!(ours, rpm_order(directory.path(), &packages), "round {round}");
    }
}
