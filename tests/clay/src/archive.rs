//! The host's Debian archive, seen through apt: which packages there are, which a wish needs, and their files.
//!
//! apt knows the sources, checks the signatures and downloads; nothing here names a host.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use crate::control::{Clause, Stanza, stanzas};
use crate::error::Error;
use crate::tables;

/// Every package that apt could install now.
#[derive(Debug)]
pub struct Archive {
    text: String,
    packages: BTreeMap<String, Range<usize>>,
    virtuals: BTreeMap<String, Vec<String>>,
}

/// A package file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The package's name.
    pub name: String,
    /// Debian's version.
    pub version: String,
    /// Debian's architecture.
    pub arch: String,
    /// The file's size.
    pub size: u64,
    /// The file's digest.
    pub sha256: String,
}

impl Pick {
    /// The name that apt gives the downloaded file.
    pub fn file_name(&self) -> String {
        format!("{}_{}_{}.deb", self.name, self.version.replace(':', "%3a"), self.arch)
    }
}

impl Archive {
    /// Asks apt.
    pub fn open() -> Result<Self, Error> {
        let mut command = Command::new("apt-cache");
        Self::parse(run(command.arg("dumpavail"))?)
    }

    /// Reads what `apt-cache dumpavail` prints.
    pub fn parse(text: String) -> Result<Self, Error> {
        let mut packages = BTreeMap::new();
        let mut virtuals: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut at = 0;
        for part in text.split_inclusive("\n\n") {
            let range = at..at + part.len();
            at = range.end;
            let Some(name) = Stanza::new(part).field("Package") else { continue };
            packages.entry(name.to_owned()).or_insert(range);
            if part.contains("\nProvides:") {
                for clause in Stanza::new(part).relations("Provides")? {
                    virtuals.entry(clause[0].name.clone()).or_default().push(name.to_owned());
                }
            }
        }
        for providers in virtuals.values_mut() {
            providers.sort();
        }
        Ok(Self { text, packages, virtuals })
    }

    fn stanza(&self, name: &str) -> Option<Stanza<'_>> {
        self.packages.get(name).and_then(|range| stanzas(&self.text[range.clone()]).next())
    }

    /// The wanted packages and all that they need, by name.
    pub fn closure(&self, wanted: &[&str]) -> Result<Vec<Pick>, Error> {
        let mut chosen: BTreeSet<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let mut level: Vec<String> = chosen.iter().cloned().collect();
        let mut provided: BTreeSet<String> = BTreeSet::new();
        let mut picks = Vec::new();
        while !level.is_empty() {
            level.sort();
            let mut needs: Vec<(String, Clause)> = Vec::new();
            for name in std::mem::take(&mut level) {
                let missing =
                    || Error::NotInArchive { name: name.clone(), by: "the list of packages".into() };
                let stanza = self.stanza(&name).ok_or_else(missing)?;
                provided
                    .extend(stanza.relations("Provides")?.into_iter().map(|clause| clause[0].name.clone()));
                for field in ["Pre-Depends", "Depends"] {
                    needs.extend(stanza.relations(field)?.into_iter().map(|clause| (name.clone(), clause)));
                }
                picks.push(pick(&name, stanza)?);
            }
            for (by, clause) in needs {
                let met = |name: &String| {
                    tables::is_dropped(name) || chosen.contains(name) || provided.contains(name)
                };
                if !clause.iter().any(|relation| met(&relation.name)) {
                    let name = self
                        .choose(&clause)
                        .ok_or_else(|| Error::NotInArchive { name: clause[0].name.clone(), by })?;
                    if chosen.insert(name.clone()) {
                        level.push(name);
                    }
                }
            }
        }
        picks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(picks)
    }

    fn choose(&self, clause: &Clause) -> Option<String> {
        let real =
            clause.iter().map(|relation| &relation.name).find(|name| self.packages.contains_key(*name));
        let provider = || clause.iter().find_map(|relation| self.virtuals.get(&relation.name)?.first());
        real.or_else(provider).cloned()
    }
}

fn pick(name: &str, stanza: Stanza<'_>) -> Result<Pick, Error> {
    let size = stanza.required("Size")?;
    Ok(Pick {
        name: name.to_owned(),
        version: stanza.required("Version")?.to_owned(),
        arch: stanza.required("Architecture")?.to_owned(),
        size: size.parse().map_err(|_| Error::Control { kind: "size", text: size.to_owned() })?,
        sha256: stanza.required("SHA256")?.to_owned(),
    })
}

/// Downloads what is not yet in the directory.
pub fn download(picks: &[Pick], directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(Error::io("make", directory))?;
    let there = |pick: &&Pick| {
        fs::metadata(directory.join(pick.file_name())).is_ok_and(|file| file.len() == pick.size)
    };
    let missing: Vec<&Pick> = picks.iter().filter(|pick| !there(pick)).collect();
    for part in missing.chunks(100) {
        let mut command = Command::new("apt-get");
        command.current_dir(directory).args(["download", "-q"]);
        run(command.args(part.iter().map(|pick| format!("{}={}", pick.name, pick.version))))?;
    }
    Ok(())
}

/// Runs a program in the C locale and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, Error> {
    let name = {
        let words = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy());
        // The first words say what was asked; options and long lists of packages do not.
        let words: Vec<_> =
            words.filter(|word| !word.starts_with('-') && !word.starts_with("Dir::")).take(3).collect();
        words.join(" ")
    };
    let failed = |why: String| Error::Apt { command: name.clone(), why };
    let output = command.env("LC_ALL", "C").output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(packages: &[(&str, &str)]) -> Archive {
        let stanza = |(name, rest): &(&str, &str)| {
            format!("Package: {name}\nVersion: 1:2-3\nArchitecture: amd64\nSize: 5\nSHA256: 00\n{rest}\n\n")
        };
        Archive::parse(packages.iter().map(stanza).collect()).unwrap()
    }

    #[test]
    fn the_closure_follows_needs_and_prefers_what_is_already_chosen() {
        let archive = archive(&[
            ("app", "Depends: lib (>= 1), x | y, mail, debconf"),
            ("lib", "Pre-Depends: base, based"),
            ("base", "Provides: based"),
            ("x", ""),
            ("y", "Provides: yy (= 1)"),
            ("smtp-b", "Provides: mail"),
            ("smtp-a", "Provides: mail"),
        ]);
        let names = |wanted: &[&str]| -> Vec<String> {
            archive.closure(wanted).unwrap().into_iter().map(|pick| pick.name).collect()
        };
        assert_eq!(names(&["app"]), ["app", "base", "lib", "smtp-a", "x"]);
        assert_eq!(names(&["app", "y", "smtp-b"]), ["app", "base", "lib", "smtp-b", "y"]);
        assert_eq!(archive.closure(&["base"]).unwrap()[0].file_name(), "base_1%3a2-3_amd64.deb");
        assert!(archive.closure(&["nothing"]).is_err());
    }
}
