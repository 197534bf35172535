//! Random questions, the same for the same seed.

use clap::ValueEnum;
use kiln::metadata::{Kind as List, Metadata, Package};

use super::Arguments;
use super::oracle::Question;
use super::repository::Repository;

/// What texts are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Names of packages.
    Names,
    /// Also name.arch, name-version, NEVRAs, patterns, provides, ranges and paths.
    Texts,
}

/// Xorshift: enough to draw names.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % bound.max(1) as u64) as usize
    }
}

/// The questions of the arguments.
pub(crate) fn make(arguments: &Arguments, repos: &[Repository]) -> Vec<Question> {
    let question = |install| Question { install, weak: arguments.weak, best: arguments.best };
    if !arguments.ask.is_empty() {
        let words = |text: &String| text.split(' ').map(str::to_owned).collect();
        return arguments.ask.iter().map(|text| question(words(text))).collect();
    }
    let mut random = Random(arguments.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let drawn = everything(repos);
    (0..arguments.count)
        .map(|_| {
            let count = 1 + random.below(arguments.most);
            question((0..count).map(|_| text(&mut random, arguments.kind, &drawn)).collect())
        })
        .collect()
}

/// Whether a package has the name, or provides it.
pub(crate) fn is_known(name: &str, repos: &[Repository]) -> bool {
    repos.iter().any(|repo| {
        let view = repo.metadata.view();
        view.find(name).is_some_and(|id| view.provides(id).len() > 0)
    })
}

/// All packages, sorted, so that the order in a repository's file does not change the questions.
fn everything(repos: &[Repository]) -> Vec<(&Metadata, Package<'_>)> {
    let mut all = Vec::new();
    for repo in repos {
        all.extend(repo.metadata.packages().map(|package| (&repo.metadata, package)));
    }
    all.sort_by_cached_key(|(metadata, package)| (package.nevra().to_string(), metadata.repo().to_owned()));
    all
}

fn text(random: &mut Random, kind: Kind, drawn: &[(&Metadata, Package<'_>)]) -> String {
    let Some((metadata, package)) = drawn.get(random.below(drawn.len())) else { return String::new() };
    let nevra = package.nevra();
    if kind == Kind::Names {
        return nevra.name;
    }
    let provides: Vec<_> = package.dependencies(List::Provides).collect();
    let provide = provides.get(random.below(provides.len())).copied();
    let evr = &nevra.evr;
    match (random.below(9), provide) {
        (0, _) => format!("{}.{}", nevra.name, nevra.arch),
        (1, _) => format!("{}-{}", nevra.name, evr.version),
        (2, _) => nevra.to_string(),
        (3, _) => format!("{}-{evr}", nevra.name),
        (4, Some(provide)) => metadata.text(provide.name).to_owned(),
        (5, Some(provide)) if !provide.evr.eq(&kiln::metadata::Id::EMPTY) => {
            let symbol = [">=", "<=", "=", ">", "<"][random.below(5)];
            format!("{} {symbol} {}", metadata.text(provide.name), metadata.text(provide.evr))
        }
        (6, _) => {
            let keep = nevra.name.chars().count().saturating_sub(2).max(3);
            format!("{}*", nevra.name.chars().take(keep).collect::<String>())
        }
        (7, _) => {
            let paths: Vec<_> = package.files().collect();
            let path = paths.get(random.below(paths.len())).map(|path| metadata.text(*path));
            path.unwrap_or(&nevra.name).to_owned()
        }
        _ => nevra.name,
    }
}
