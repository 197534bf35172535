//! Random questions, the same for the same seed.

use clap::ValueEnum;
use kiln::metadata::Kind as List;

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
    (0..arguments.count)
        .map(|_| {
            let count = 1 + random.below(arguments.most);
            question((0..count).map(|_| text(&mut random, arguments.kind, repos)).collect())
        })
        .collect()
}

fn text(random: &mut Random, kind: Kind, repos: &[Repository]) -> String {
    let total = repos.iter().map(|repo| repo.metadata.len()).sum();
    let mut at = random.below(total);
    let repo = repos.iter().find(|repo| {
        let here = at < repo.metadata.len();
        at -= if here { 0 } else { repo.metadata.len() };
        here
    });
    let Some(repo) = repo else { return String::new() };
    let Some(package) = repo.metadata.packages().nth(at) else { return String::new() };
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
        (4, Some(provide)) => repo.metadata.text(provide.name).to_owned(),
        (5, Some(provide)) if !provide.evr.eq(&kiln::metadata::Id::EMPTY) => {
            let symbol = [">=", "<=", "=", ">", "<"][random.below(5)];
            format!("{} {symbol} {}", repo.metadata.text(provide.name), repo.metadata.text(provide.evr))
        }
        (6, _) => {
            let keep = nevra.name.chars().count().saturating_sub(2).max(3);
            format!("{}*", nevra.name.chars().take(keep).collect::<String>())
        }
        (7, _) => {
            let paths: Vec<_> = package.files().collect();
            let path = paths.get(random.below(paths.len())).map(|path| repo.metadata.text(*path));
            path.unwrap_or(&nevra.name).to_owned()
        }
        _ => nevra.name,
    }
}
