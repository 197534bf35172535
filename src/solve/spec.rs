//! What a person may write to name packages, read as dnf reads it.
//!
//! A text is tried as name-version-release.arch, name.arch, name, name-version-release and name-version, in this
//! order, each part perhaps with `*`, `?` and `[…]`; then as a whole NEVRA; then as something provided, perhaps with a
//! range of versions; then as a path. The first reading under which there is a package is the one that is meant.

use super::bits::Bits;
use super::lit::Id;
use super::pool::{Dep, Pool};
use super::words::Word;
use crate::metadata::Glob;
use crate::package::{Dependency, EvrRef, vercmp};

/// The packages that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) ids: Vec<Id>,
    /// Read as nothing but a name: then what obsoletes them is meant as well.
    pub(super) bare: bool,
    /// The architecture was written with a wildcard: then each architecture is meant.
    pub(super) each_arch: bool,
}

/// Which readings are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readings {
    /// Only those of a package's own name.
    Packages,
    /// Also what packages provide and own.
    All,
}

/// The parts of a reading; an empty part is not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Parts<'s> {
    name: &'s str,
    epoch: Option<&'s str>,
    version: &'s str,
    release: &'s str,
    arch: &'s str,
}

const READINGS: &[fn(&str) -> Option<Parts<'_>>] = &[nevra, name_arch, name_only, name_evr, name_version];

fn is_part(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '(', '/', '=', '<', '>', ' '])
}

fn nevra(text: &str) -> Option<Parts<'_>> {
    let (rest, arch) = text.rsplit_once('.')?;
    let plain = is_part(arch) && !arch.contains('-');
    name_evr(rest).filter(|_| plain).map(|parts| Parts { arch, ..parts })
}

fn name_arch(text: &str) -> Option<Parts<'_>> {
    let (name, arch) = text.rsplit_once('.')?;
    (is_part(name) && is_part(arch) && !arch.contains('-')).then(|| Parts { name, arch, ..Parts::default() })
}

fn name_only(text: &str) -> Option<Parts<'_>> {
    is_part(text).then(|| Parts { name: text, ..Parts::default() })
}

fn name_evr(text: &str) -> Option<Parts<'_>> {
    let (rest, release) = text.rsplit_once('-')?;
    name_version(rest).filter(|_| is_part(release)).map(|parts| Parts { release, ..parts })
}

fn name_version(text: &str) -> Option<Parts<'_>> {
    let (name, version) = text.rsplit_once('-')?;
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, version)) => (Some(epoch), version),
        None => (None, version),
    };
    let numeric =
        epoch.is_none_or(|epoch| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()));
    (is_part(name) && is_part(version) && numeric).then(|| Parts { name, epoch, version, ..Parts::default() })
}

/// Whether a text can only be a path.
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/') || text.starts_with("*/")
}

impl Pool<'_> {
    /// The packages that a text names; none if there is no reading under which there are some. `hidden` packages
    /// count only if they are asked for.
    pub(super) fn named_by(&mut self, text: &str, readings: Readings, hidden: Visibility) -> Option<Named> {
        for reading in READINGS {
            let Some(parts) = reading(text) else { continue };
            let ids = self.matching(&parts, hidden);
            if !ids.is_empty() {
                let bare = parts == Parts { name: parts.name, ..Parts::default() };
                return Some(Named { ids, bare, each_arch: Glob::is_pattern(parts.arch) });
            }
        }
        let plain = |ids: Vec<Id>| (!ids.is_empty()).then_some(Named { ids, bare: false, each_arch: false });
        plain(self.matching_whole(text, hidden)).or_else(|| {
            (readings == Readings::All)
                .then(|| plain(self.providing(text, hidden)).or_else(|| plain(self.owning(text, hidden))))
                .flatten()
        })
    }

    fn counts(&self, id: Id, hidden: Visibility) -> bool {
        hidden == Visibility::All || self.package(id).hidden.is_none()
    }

    fn matching(&self, parts: &Parts<'_>, hidden: Visibility) -> Vec<Id> {
        let (version, release) = (Part::new(parts.version), Part::new(parts.release));
        let arch = Part::new(parts.arch);
        let fits = |id: &Id| {
            let package = self.package(*id);
            let evr = EvrRef::parse(self.words.text(package.evr));
            self.counts(*id, hidden)
                && parts.epoch.is_none_or(|epoch| epoch_number(epoch) == epoch_number(evr.epoch))
                && version.fits_version(evr.version)
                && release.fits_version(evr.release)
                && arch.fits(self.words.text(self.arch(*id).name))
        };
        if Glob::is_pattern(parts.name) {
            let name = Part::new(parts.name);
            let mut last = (Word(u32::MAX), false);
            let named = |id: &Id| {
                let word = self.package(*id).name;
                if last.0 != word {
                    last = (word, name.fits(self.words.text(word)));
                }
                last.1
            };
            return self.ids().filter(named).filter(fits).collect();
        }
        let Some(name) = self.words.find(parts.name) else { return Vec::new() };
        self.named(name).map(Id).filter(fits).collect()
    }

    fn matching_whole(&self, text: &str, hidden: Visibility) -> Vec<Id> {
        if !Glob::is_pattern(text) || text.contains(['(', '/', '=', '<', '>', ' ']) {
            return Vec::new();
        }
        let glob = Glob::new(text);
        let fits = |id: &Id| {
            let mut nevra = self.nevra(*id);
            let evr = self.words.text(self.package(*id).evr);
            if text.contains(':') && !evr.contains(':') {
                let name = self.words.text(self.package(*id).name).len();
                nevra.insert_str(name + 1, "0:");
            } else if !text.contains(':') {
                nevra = nevra.replacen(evr, evr.split_once(':').map_or(evr, |it| it.1), 1);
            }
            glob.matches(&nevra)
        };
        self.ids().filter(|id| self.counts(*id, hidden)).filter(fits).collect()
    }

    /// The packages that provide what a text says: a name, perhaps a pattern, perhaps with a range.
    fn providing(&mut self, text: &str, hidden: Visibility) -> Vec<Id> {
        let Some(dep) = self.read_dep(text) else { return Vec::new() };
        let name = self.words.text(dep.name).to_owned();
        let names: Vec<Word> = if Glob::is_pattern(&name) {
            let glob = Glob::new(&name);
            let every = (0..self.words.len() as u32).map(Word);
            let fits = |word: &Word| {
                let text = self.words.text(*word);
                !text.starts_with('/') && glob.matches(text) && !self.provides(*word).is_empty()
            };
            every.filter(fits).collect()
        } else {
            vec![dep.name]
        };
        let mut met = Bits::new(self.len());
        for name in names {
            let list = self.providers(Dep { name, ..dep }).list();
            self.lists.mark(list, &mut met);
        }
        met.iter().map(|id| Id(id as u32)).filter(|id| self.counts(*id, hidden)).collect()
    }

    /// The packages that own a path, perhaps a pattern, among the paths that are known.
    fn owning(&mut self, text: &str, hidden: Visibility) -> Vec<Id> {
        if !is_path(text) || !Glob::is_pattern(text) {
            return Vec::new();
        }
        let glob = Glob::new(text);
        let owns = |id: &Id| {
            let package = self.package(*id);
            let repo = usize::from(package.repo);
            self.entry(package).files().any(|path| glob.matches(self.words.text(self.words.of(repo, path))))
        };
        self.ids().filter(|id| self.counts(*id, hidden)).filter(owns).collect()
    }

    /// Reads `name`, `name >= version` or a rich dependency.
    pub(super) fn read_dep(&mut self, text: &str) -> Option<Dep> {
        let text = text.trim();
        if text.starts_with('(') {
            return Some(Dep::any(self.words.intern(text)));
        }
        Dependency::parse(text).ok().map(|simple| self.dep(&simple))
    }
}

/// Which packages a text may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    /// Those that may be installed.
    Open,
    /// Also those that are kept out.
    All,
}

/// A part of a reading, as a pattern.
enum Part {
    Any,
    Plain(String),
    Pattern(Glob),
}

impl Part {
    fn new(text: &str) -> Self {
        match text {
            "" | "*" => Self::Any,
            _ if Glob::is_pattern(text) => Self::Pattern(Glob::new(text)),
            _ => Self::Plain(text.to_owned()),
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Plain(plain) => plain == text,
            Self::Pattern(glob) => glob.matches(text),
        }
    }

    /// Versions are equal as rpm compares them.
    fn fits_version(&self, text: &str) -> bool {
        match self {
            Self::Plain(plain) => vercmp(plain.as_bytes(), text.as_bytes()).is_eq(),
            _ => self.fits(text),
        }
    }
}

fn epoch_number(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_readings_of_dnf() {
        let full = nevra("perl-libs-4:5.40.0-512.noarch").unwrap();
        assert_eq!(full.name, "perl-libs");
        assert_eq!(
            (full.epoch, full.version, full.release, full.arch),
            (Some("4"), "5.40.0", "512", "noarch")
        );
        assert_eq!(name_arch("libstdc++.i686").unwrap().arch, "i686");
        assert_eq!(name_only("python3.11").unwrap().name, "python3.11");
        assert_eq!(name_version("bash-5.2*").unwrap().version, "5.2*");
        for text in ["libfoo.so()(64bit)", "/usr/bin/sh", "foo >= 1", ""] {
            assert!(READINGS.iter().all(|reading| reading(text).is_none()), "{text}");
        }
    }
}
