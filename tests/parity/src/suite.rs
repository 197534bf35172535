//! The whole comparison: random questions and build roots, over two distributions.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;

use serde::Deserialize;

use super::compare::{Place, Tally};
use super::oracle::Question;
use super::repository::Repository;
use super::{Arguments, questions, say};

/// A distribution: its name, its repositories and their directories, its module platform.
type Row = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

const DISTRIBUTIONS: &[Row] = &[
    ("debian-scale", &[("debian", "debian-scale")], None),
    (
        "CentOS Stream 9",
        &[("appstream", "centos-stream-9/appstream"), ("baseos", "centos-stream-9/baseos")],
        Some("platform:el9"),
    ),
];

/// Of a thousand random questions, how many may have another answer.
const BAR: usize = 2;

/// A release, of which only this counts.
#[derive(Debug, Deserialize)]
struct Release {
    chroot_setup_cmd: String,
}

/// Whether the bar is met everywhere.
pub(crate) fn run(arguments: &Arguments, data: &Path) -> Result<bool, Box<dyn Error>> {
    let roots = build_roots(&data.join("mock-configs.json"))?;
    let mut met = true;
    for (name, repos, platform) in DISTRIBUTIONS {
        let data = std::path::absolute(data)?;
        let repos: Vec<String> =
            repos.iter().map(|(id, directory)| format!("{id}={}", data.join(directory).display())).collect();
        let mut place = Place::open(arguments, &repos, *platform)?;
        let random = questions::make(arguments, &place.repos);
        let tally = place.compare(arguments, &random)?;
        say(&format!("{name}, seed {}: {tally}", arguments.seed));
        met &= tally.differ * 1000 <= BAR * tally.asked;
        let (whole, asked) = of_distribution(&roots, &place.repos);
        let tally: Tally = place.compare(arguments, &asked)?;
        say(&format!("{name}, build roots ({whole} of {} sets are here as a whole): {tally}", roots.len()));
        met &= tally.differ == 0;
        place.close()?;
    }
    Ok(met)
}

/// The different sets of packages that releases begin a build root with.
fn build_roots(file: &Path) -> Result<BTreeSet<Vec<String>>, Box<dyn Error>> {
    let releases: BTreeMap<String, Release> = serde_json::from_reader(std::fs::File::open(file)?)?;
    let mut sets = BTreeSet::new();
    for release in releases.into_values() {
        let mut words = release.chroot_setup_cmd.split_whitespace().map(str::to_owned);
        if words.next().as_deref() == Some("install") {
            sets.insert(words.collect());
        }
    }
    Ok(sets)
}

/// What a distribution has of each set, and each package of it alone, with the best versions and without; and how many
/// sets are there as a whole.
fn of_distribution(roots: &BTreeSet<Vec<String>>, repos: &[Repository]) -> (usize, Vec<Question>) {
    let (mut whole, mut asked) = (0, BTreeSet::new());
    for root in roots {
        let known: Vec<String> =
            root.iter().filter(|name| questions::is_known(name, repos)).cloned().collect();
        whole += usize::from(known.len() == root.len());
        asked.extend(known.iter().map(|name| vec![name.clone()]));
        asked.insert(known);
    }
    asked.remove(&Vec::new());
    let question = |install: Vec<String>, best| Question { install, weak: false, best };
    let both = |install: Vec<String>| [question(install.clone(), true), question(install, false)];
    (whole, asked.into_iter().flat_map(both).collect())
}
