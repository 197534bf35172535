//! What a root has already, as `kiln solve --installed` is told: NEVRAs on the command line, or a file that lists them.
//! The solver knows a package by its repository's metadata, so each must be in one of the repositories.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::error::Error;
use crate::engine::session::Session;
use crate::engine::solved::is_named;
use crate::lock::Lock;
use crate::package::Nevra;
use crate::sys;

/// What rpm's own list has and no repository: the keys that packages were checked with.
const NO_PACKAGE: &str = "gpg-pubkey-";

impl Session<'_> {
    /// The installed packages that `words` name: each is a file, or NEVRAs with commas between them.
    pub(super) fn installed(&self, words: &[String]) -> Result<Vec<Nevra>, Error> {
        let mut listed = BTreeSet::new();
        for word in words {
            if sys::fs::exists(word) {
                listed.extend(read(word)?);
            } else {
                listed.extend(word.split(',').map(|nevra| nevra.trim().to_owned()));
            }
        }
        listed.retain(|nevra| !nevra.is_empty() && !nevra.starts_with(NO_PACKAGE));
        if listed.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.by_name(&listed)?;
        listed.iter().map(|text| known_as(&known, text)).collect()
    }

    /// The repositories' packages that one of the texts may mean, by name.
    fn by_name(&self, texts: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<Nevra>>, Error> {
        let mut known: BTreeMap<String, Vec<Nevra>> = BTreeMap::new();
        for metadata in &self.tables()?.metadata {
            for package in metadata.packages() {
                let name = metadata.text(package.name());
                // A text that begins with the name is the name itself, or lies behind it in the order of texts.
                if texts.range(name.to_owned()..).next().is_some_and(|text| text.starts_with(name)) {
                    known.entry(name.to_owned()).or_default().push(package.nevra());
                }
            }
        }
        Ok(known)
    }
}

/// The package that a text names: rpm's lists leave the epoch out.
fn known_as(known: &BTreeMap<String, Vec<Nevra>>, text: &str) -> Result<Nevra, Error> {
    let all = || known.iter().filter(|(name, _)| text.starts_with(name.as_str())).flat_map(|row| row.1);
    let exact = all().find(|nevra| nevra.to_string() == text);
    let named = exact.or_else(|| {
        let whole: Nevra = text.parse().ok()?;
        all().find(|nevra| nevra.arch == whole.arch && is_named(nevra, text))
    });
    named.cloned().ok_or_else(|| Error::NotInRepositories {
        text: text.to_owned(),
        known: all().filter(|nevra| is_named(nevra, &nevra.name)).map(ToString::to_string).collect(),
    })
}

/// The NEVRAs that a file lists: a lock, or the first word of each line.
fn read(path: &str) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Host { doing: format!("reading {path}"), source };
    let text = sys::fs::read_text(path).map_err(failed)?;
    if let Ok(lock) = serde_json::from_str::<Lock>(&text) {
        return Ok(lock.packages.iter().map(|package| package.nevra.to_string()).collect());
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}
