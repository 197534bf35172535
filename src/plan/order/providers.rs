//! Which package of the transaction answers a dependency.

use std::collections::BTreeMap;

use crate::package::Relation;
use crate::plan::order::{Colors, Facts, Want};

/// How many links a path may go through before it is taken for a circle.
const DEPTH: usize = 40;

/// Symbolic links to directories, by absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<String, String>);

impl Links {
    /// Records a link; the first one of a path stays.
    pub fn add(&mut self, path: &str, target: &str) {
        self.0.entry(path.to_owned()).or_insert_with(|| target.to_owned());
    }

    /// The path with the links among its directories resolved; its last component stays as it is.
    pub fn canonical(&self, path: &str) -> String {
        match path.rsplit_once('/') {
            Some((parent, name)) => format!("{}/{name}", self.directory(parent)),
            None => path.to_owned(),
        }
    }

    /// A directory's path with all links resolved; the root directory is the empty string.
    pub fn directory(&self, path: &str) -> String {
        let mut done = String::with_capacity(path.len());
        let mut left = path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
        let mut followed = 0;
        while let Some(name) = left.pop() {
            match name.as_str() {
                "" | "." => {}
                ".." => done.truncate(done.rfind('/').unwrap_or(0)),
                name => {
                    let parent = done.len();
                    done.push('/');
                    done.push_str(name);
                    if let Some(target) = self.0.get(&done).filter(|_| followed < DEPTH) {
                        followed += 1;
                        done.truncate(if target.starts_with('/') { 0 } else { parent });
                        left.extend(target.split('/').rev().map(str::to_owned));
                    }
                }
            }
        }
        done
    }
}

/// Who provides what.
#[derive(Debug)]
pub(super) struct Providers<'a> {
    packages: &'a [Facts],
    colors: Colors,
    links: &'a Links,
    names: BTreeMap<&'a str, Vec<(usize, &'a Relation)>>,
    files: BTreeMap<&'a str, Vec<(usize, &'a str)>>,
}

impl<'a> Providers<'a> {
    pub(super) fn new(packages: &'a [Facts], colors: Colors, links: &'a Links) -> Self {
        let mut names: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let wanted = packages.iter().flat_map(|package| &package.wants);
        let paths = wanted.map(|want| want.relation.name.as_str()).filter(|name| name.starts_with('/'));
        let mut files: BTreeMap<&str, Vec<_>> = paths.map(|path| (base(path), Vec::new())).collect();
        for (index, package) in packages.iter().enumerate() {
            for provide in &package.provides {
                names.entry(provide.name.as_str()).or_default().push((index, provide));
            }
            for file in &package.files {
                if let Some(owners) = files.get_mut(base(file)) {
                    owners.push((index, file.as_str()));
                }
            }
        }
        Self { packages, colors, links, names, files }
    }

    /// The package that answers `want` for `asker`: of several, one of the right colour, then the asker itself, then the
    /// first in the transaction.
    pub(super) fn best(&self, asker: usize, want: &Want) -> Option<usize> {
        let mut owners = self.owners(&want.relation.name);
        if owners.is_empty() {
            owners = self.providers(&want.relation);
        }
        let score = |index: usize| {
            let color = self.packages[index].color;
            let fits = match (self.colors.transaction, want.color) {
                (0, _) => false,
                (_, 0) => color == self.colors.preferred,
                (_, wanted) => color == wanted,
            };
            u8::from(fits) * 2 + u8::from(index == asker)
        };
        owners.into_iter().rev().max_by_key(|index| score(*index))
    }

    fn owners(&self, path: &str) -> Vec<usize> {
        let Some(files) = self.files.get(base(path)).filter(|_| path.starts_with('/')) else {
            return Vec::new();
        };
        let wanted = self.links.canonical(path);
        let same = |file: &str| file == path || self.links.canonical(file) == wanted;
        files.iter().filter(|(_, file)| same(file)).map(|(index, _)| *index).collect()
    }

    fn providers(&self, want: &Relation) -> Vec<usize> {
        let Some(provides) = self.names.get(want.name.as_str()) else { return Vec::new() };
        provides
            .iter()
            .filter(|(_, provide)| provide.range().overlaps(&want.range()))
            .map(|(index, _)| *index)
            .collect()
    }
}

fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
