//! Random repositories: an answer satisfies every rule of RPM, a refusal is right, and order does not matter.

use proptest::prelude::*;

use super::super::{Best, Error, RepoMetadata, Request, Weak, solve};
use super::repo;
use crate::metadata::{Kind, Metadata};
use crate::package::{Dependency, Nevra, Rich};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn simple() -> impl Strategy<Value = String> {
    let range = prop_oneof![4 => Just(""), 1 => Just(" = 1"), 1 => Just(" >= 2"), 1 => Just(" < 2")];
    (prop::sample::select(&NAMES[..]), range).prop_map(|(name, range)| format!("{name}{range}"))
}

fn dependency() -> impl Strategy<Value = String> {
    let rich = prop_oneof![
        (simple(), prop::sample::select(&["or", "and", "if", "unless"][..]), simple())
            .prop_map(|(a, word, b)| format!("({a} {word} {b})")),
        (simple(), simple(), simple()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
        (simple(), simple(), simple()).prop_map(|(a, b, c)| format!("({a} and ({b} or {c}))")),
    ];
    prop_oneof![3 => simple(), 1 => rich]
}

/// Of a conflict only what is plain: whether a condition counts the package itself is nobody's promise.
fn conflict() -> impl Strategy<Value = String> {
    prop_oneof![3 => simple(), 1 => (simple(), simple()).prop_map(|(a, b)| format!("({a} or {b})"))]
}

fn list(
    kind: &'static str,
    one: impl Strategy<Value = String>,
    most: usize,
) -> impl Strategy<Value = String> {
    let text = move |all: Vec<String>| match all.as_slice() {
        [] => String::new(),
        all => format!(" | {kind} {}", all.join(", ")),
    };
    prop::collection::vec(one, 0..=most).prop_map(text)
}

fn package() -> impl Strategy<Value = String> {
    let nevra =
        (prop::sample::select(&NAMES[..]), 1..3_u8, prop::sample::select(&["noarch", "x86_64", "i686"][..]));
    let provides =
        prop::option::of(simple().prop_filter("a provide has one version", |it| !it.contains(['<', '>'])));
    let obsoletes = prop::option::weighted(0.1, simple());
    (
        nevra,
        provides,
        list("requires", dependency(), 2),
        list("conflicts", conflict(), 1),
        obsoletes,
        list("recommends", dependency(), 1),
    )
        .prop_map(|((name, version, arch), provides, requires, conflicts, obsoletes, recommends)| {
            let provides = provides.map_or(String::new(), |dep| format!(" | provides {dep}"));
            let obsoletes = obsoletes.map_or(String::new(), |dep| format!(" | obsoletes {dep}"));
            format!("{name}-{version}-1.{arch}{provides}{requires}{conflicts}{obsoletes}{recommends}")
        })
}

/// Whether a package answers a plain dependency.
fn answers(metadata: &Metadata, nevra: &Nevra, dep: &Dependency<'_>) -> bool {
    let package = metadata.packages().find(|package| package.nevra() == *nevra).unwrap();
    package.dependencies(Kind::Provides).any(|provide| {
        let (name, evr) = (metadata.text(provide.name), metadata.text(provide.evr));
        Dependency { name, sense: provide.sense, evr }.matches(dep)
    })
}

fn holds(metadata: &Metadata, root: &[Nevra], rich: &Rich<'_>) -> bool {
    let is = |rich: &Rich<'_>| holds(metadata, root, rich);
    match rich {
        Rich::Simple(dep) => root.iter().any(|nevra| answers(metadata, nevra, dep)),
        Rich::And(all) => all.iter().all(is),
        Rich::Or(all) => all.iter().any(is),
        Rich::If(pair, None) => is(&pair[0]) || !is(&pair[1]),
        Rich::If(pair, Some(other)) => {
            if is(&pair[1]) {
                is(&pair[0])
            } else {
                is(other)
            }
        }
        Rich::Unless(pair, None) => is(&pair[0]) && !is(&pair[1]),
        Rich::Unless(pair, Some(other)) => {
            if is(&pair[1]) {
                is(other)
            } else {
                is(&pair[0])
            }
        }
        Rich::With(_) | Rich::Without(_) => false,
    }
}

fn texts(metadata: &Metadata, nevra: &Nevra, kind: Kind) -> Vec<String> {
    let package = metadata.packages().find(|package| package.nevra() == *nevra).unwrap();
    let deps = package.dependencies(kind);
    deps.map(|dep| {
        let (name, evr) = (metadata.text(dep.name), metadata.text(dep.evr));
        Dependency { name, sense: dep.sense, evr }.to_string()
    })
    .collect()
}

/// What is wrong with a root, by rules written without the solver.
fn wrong(metadata: &Metadata, root: &[Nevra]) -> Option<String> {
    let colours = |nevra: &Nevra| super::super::arch::colours(&nevra.arch);
    for one in root {
        for text in texts(metadata, one, Kind::Requires) {
            if !holds(metadata, root, &Rich::parse(&text).unwrap()) {
                return Some(format!("{one} lacks {text}"));
            }
        }
        let others: Vec<Nevra> = root.iter().filter(|other| *other != one).cloned().collect();
        for text in texts(metadata, one, Kind::Conflicts) {
            if holds(metadata, &others, &Rich::parse(&text).unwrap()) {
                return Some(format!("{one} conflicts with {text}"));
            }
        }
        for text in texts(metadata, one, Kind::Obsoletes) {
            let dep = Dependency::parse(&text).unwrap();
            let gone = |other: &&Nevra| {
                let evr = other.evr.to_string();
                Dependency { name: &other.name, sense: crate::package::Sense::EQUAL, evr: &evr }.matches(&dep)
            };
            if let Some(other) = others.iter().find(gone) {
                return Some(format!("{one} obsoletes {other}"));
            }
        }
        let twin = |other: &&Nevra| {
            other.name == one.name && (other.arch == one.arch || colours(other) & colours(one) != 0)
        };
        if let Some(other) = others.iter().find(twin) {
            return Some(format!("{one} and {other}"));
        }
    }
    None
}

/// Whether any set of packages would do; there are few enough to try them all.
fn any_root(metadata: &Metadata, asked: &str) -> bool {
    let all: Vec<Nevra> = metadata.packages().map(|package| package.nevra()).collect();
    let asked = Dependency::parse(asked).unwrap();
    (0..1_u32 << all.len()).any(|set| {
        let root: Vec<Nevra> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| set >> at & 1 == 1)
            .map(|(_, nevra)| nevra.clone())
            .collect();
        root.iter().any(|nevra| answers(metadata, nevra, &asked)) && wrong(metadata, &root).is_none()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_a_root_and_a_refusal_is_right(
        packages in prop::collection::btree_map("[a-f]-[12]", package(), 1..9),
        asked in prop::sample::select(&NAMES[..]),
        weak in prop::bool::ANY,
    ) {
        let mut lines: Vec<String> = packages.into_values().collect();
        lines.sort();
        lines.dedup_by_key(|line| line.split(' ').next().map(str::to_owned));
        let metadata = repo("test", &lines.join("\n"));
        let request = Request {
            arch: "x86_64".to_owned(),
            requires: vec![asked.to_owned()],
            weak: if weak { Weak::Install } else { Weak::Skip },
            best: Best::Prefer,
            ..Request::default()
        };
        let repos = [RepoMetadata::new(&metadata)];
        let answer = solve(&repos, &request);
        match &answer {
            Ok(resolution) => {
                let root: Vec<Nevra> = resolution.packages.iter().map(|package| package.nevra.clone()).collect();
                prop_assert_eq!(wrong(&metadata, &root), None, "{:?}", root);
            }
            Err(Error::Conflict(conflict)) => {
                prop_assert!(conflict.lines().len() > 0);
                let inferior = conflict.to_string().contains("better architecture");
                prop_assert!(inferior || !any_root(&metadata, asked), "{}", conflict);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
        let backwards: Vec<String> = lines.into_iter().rev().collect();
        let shuffled = repo("test", &backwards.join("\n"));
        let again = solve(&[RepoMetadata::new(&shuffled)], &request);
        let names = |answer: &Result<super::super::Resolution, Error>| match answer {
            Ok(resolution) => resolution.packages.iter().map(|package| package.nevra.to_string()).collect(),
            Err(error) => vec![error.to_string()],
        };
        prop_assert_eq!(names(&answer), names(&again));
        let half = |rest: usize| {
            let lines: Vec<&str> = backwards.iter().skip(rest).step_by(2).map(String::as_str).collect();
            repo(["one", "two"][rest], &lines.join("\n"))
        };
        let (one, two) = (half(0), half(1));
        let (one, two) = (RepoMetadata::new(&one), RepoMetadata::new(&two));
        let spread = [[one, two], [two, one]].map(|repos| solve(&repos, &request));
        prop_assert_eq!(names(&spread[0]), names(&spread[1]));
        if answer.is_ok() {
            prop_assert_eq!(names(&answer), names(&spread[0]));
        }
    }
}
