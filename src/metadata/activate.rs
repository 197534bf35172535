//! Which module streams are active: a small search, because streams require streams of other modules.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::hide::Active;
use super::modules::{Modules, Streams};
use crate::package::vercmp;

/// How many choices are tried. Real repositories need fewer than a hundred.
const PATIENCE: u32 = 20_000;
/// How long a chain of requirements may be.
const DEEPEST: usize = 64;

/// What a release says about modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleChoice {
    /// The streams that must be active, by module.
    pub enabled: BTreeMap<String, String>,
    /// The modules of which no stream may be active.
    pub disabled: BTreeSet<String>,
    /// The platform, such as `platform:el9`; without it, no stream that requires one can be active.
    pub platform: Option<String>,
}

/// Module streams that cannot be active as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// Enabled, but not there.
    #[error("no repository has module stream `{module}:{stream}`")]
    Unknown {
        /// The module.
        module: String,
        /// The stream that was asked for.
        stream: String,
        /// The streams there are.
        known: Vec<String>,
    },
    /// Enabled, but they exclude each other or require what cannot be.
    #[error("the enabled module streams cannot be active together: {}", .0.join(", "))]
    Conflict(Vec<String>),
}

impl ModuleError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { module, known, .. } if known.is_empty() => {
                Some(format!("no repository has a module `{module}`"))
            }
            Self::Unknown { known, .. } => Some(format!("known streams: {}", known.join(", "))),
            Self::Conflict(_) => Some("enable fewer of them, or set the module platform".to_owned()),
        }
    }
}

/// Builds that stand or fall together: of one stream, with the same requirements.
struct Group<'a> {
    stream: &'a str,
    requires: &'a BTreeMap<String, Streams>,
    builds: Vec<usize>,
}

struct Search<'a> {
    groups: BTreeMap<&'a str, Vec<Group<'a>>>,
    platform: Option<(&'a str, &'a str)>,
    patience: Cell<u32>,
}

/// For each module with an active stream, which of its groups.
type Chosen<'a> = BTreeMap<&'a str, usize>;

/// A module that must have an active stream.
type Need<'a> = (&'a str, &'a Streams);

impl Modules {
    /// The streams that are active under a choice.
    pub fn activate(&self, choice: &ModuleChoice) -> Result<Active<'_>, ModuleError> {
        let platform = choice.platform.clone().unwrap_or_default();
        let only =
            |stream: &String| Streams { one_of: BTreeSet::from([stream.clone()]), ..Streams::default() };
        let enabled: BTreeMap<&str, Streams> =
            choice.enabled.iter().map(|(module, stream)| (module.as_str(), only(stream))).collect();
        let defaults: BTreeMap<&str, Streams> = self
            .defaults
            .iter()
            .filter(|(module, (_, stream))| !stream.is_empty() && !enabled.contains_key(module.as_str()))
            .map(|(module, (_, stream))| (module.as_str(), only(stream)))
            .collect();
        let search = Search {
            groups: self.groups(choice),
            platform: platform.split_once(':'),
            patience: Cell::new(PATIENCE),
        };
        for (module, stream) in &choice.enabled {
            let groups = search.groups.get(module.as_str()).map(Vec::as_slice).unwrap_or_default();
            if groups.iter().all(|group| group.stream != stream) {
                let known: BTreeSet<&str> = groups.iter().map(|group| group.stream).collect();
                let known = known.into_iter().map(str::to_owned).collect();
                return Err(ModuleError::Unknown { module: module.clone(), stream: stream.clone(), known });
            }
        }
        let mut needs: Vec<Need<'_>> = enabled.iter().map(|(module, streams)| (*module, streams)).collect();
        let conflict = || {
            ModuleError::Conflict(
                choice.enabled.iter().map(|(module, stream)| format!("{module}:{stream}")).collect(),
            )
        };
        let mut chosen = search.settle(&mut needs, &Chosen::new(), 0).ok_or_else(conflict)?;
        let mut passed_over = Vec::new();
        for (module, streams) in &defaults {
            match search.settle(&mut vec![(*module, streams)], &chosen, 0) {
                Some(more) => chosen = more,
                None => passed_over.extend(streams.one_of.iter().map(|stream| format!("{module}:{stream}"))),
            }
        }
        let groups = chosen.iter().map(|(module, at)| (*module, &search.groups[module][*at]));
        let streams = groups.clone().map(|(module, group)| format!("{module}:{}", group.stream)).collect();
        let builds = groups.flat_map(|(_, group)| group.builds.iter().copied()).collect();
        Ok(Active { streams, passed_over, modules: self, builds })
    }

    /// The groups of each module, the likeliest first: the default stream, then the highest.
    fn groups(&self, choice: &ModuleChoice) -> BTreeMap<&str, Vec<Group<'_>>> {
        let mut groups: BTreeMap<&str, Vec<Group<'_>>> = BTreeMap::new();
        for (number, build) in self.builds.iter().enumerate() {
            if choice.disabled.contains(&build.module) {
                continue;
            }
            let all = groups.entry(&build.module).or_default();
            match all
                .iter_mut()
                .find(|group| group.stream == build.stream && *group.requires == build.requires)
            {
                Some(group) => group.builds.push(number),
                None => {
                    all.push(Group {
                        stream: &build.stream,
                        requires: &build.requires,
                        builds: vec![number],
                    });
                }
            }
        }
        for (module, all) in &mut groups {
            let default = self.defaults.get(*module).map(|(_, stream)| stream.as_str());
            all.sort_by(|a, b| {
                let is_default = |group: &Group<'_>| Some(group.stream) == default;
                is_default(b)
                    .cmp(&is_default(a))
                    .then_with(|| vercmp(b.stream.as_bytes(), a.stream.as_bytes()))
                    .then_with(|| a.stream.cmp(b.stream))
                    .then_with(|| a.requires.cmp(b.requires))
            });
        }
        groups
    }
}

impl<'a> Search<'a> {
    /// Chooses a group for each module needed, and for what those need; nothing if that cannot be.
    fn settle<'s>(
        &'s self,
        needs: &mut Vec<Need<'s>>,
        chosen: &Chosen<'s>,
        depth: usize,
    ) -> Option<Chosen<'s>>
    where
        'a: 's,
    {
        let Some((module, streams)) = needs.pop() else { return Some(chosen.clone()) };
        if depth > DEEPEST || self.patience.get() == 0 {
            return None;
        }
        self.patience.set(self.patience.get() - 1);
        if module == "platform" && !self.groups.contains_key(module) {
            let (name, stream) = self.platform?;
            return if name == module && streams.take(stream) {
                self.settle(needs, chosen, depth + 1)
            } else {
                None
            };
        }
        let groups = self.groups.get(module)?;
        let candidates: Vec<usize> = match chosen.get(module) {
            Some(at) => vec![*at],
            None => (0..groups.len()).collect(),
        };
        for at in candidates.into_iter().filter(|at| streams.take(groups[*at].stream)) {
            let known = chosen.contains_key(module);
            let mut more = chosen.clone();
            more.insert(module, at);
            let mut needs = needs.clone();
            if !known {
                needs.extend(groups[at].requires.iter().map(|(module, streams)| (module.as_str(), streams)));
            }
            if let Some(settled) = self.settle(&mut needs, &more, depth + 1) {
                return Some(settled);
            }
        }
        None
    }
}

impl Streams {
    fn take(&self, stream: &str) -> bool {
        (self.one_of.is_empty() || self.one_of.contains(stream)) && !self.none_of.contains(stream)
    }
}
