//! What the active module streams, and those that are not, hide from the solver.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::modules::{Build, Modules};
use super::table::{Kind, Metadata, Package, PackageId};

/// The streams that are active.
#[derive(Debug)]
pub struct Active<'a> {
    /// `module:stream` of each, sorted.
    pub streams: Vec<String>,
    /// Default streams that could not be had.
    pub passed_over: Vec<String>,
    pub(super) modules: &'a Modules,
    pub(super) builds: BTreeSet<usize>,
}

impl Active<'_> {
    /// The packages of a repository that are no candidates. Not to be asked about a hot-fix repository: all of its are.
    pub fn hidden(&self, metadata: &Metadata) -> Vec<PackageId> {
        let mut view = View::new(metadata);
        for (number, build) in self.modules.builds.iter().enumerate() {
            if self.builds.contains(&number) {
                view.show(build, self.demodularized(build));
            } else {
                view.hide(build);
            }
        }
        view.hidden()
    }

    /// The names that a stream has given up, by its latest active build.
    fn demodularized(&self, build: &Build) -> &[String] {
        let builds = self.builds.iter().map(|number| &self.modules.builds[*number]);
        let same = builds.filter(|other| other.module == build.module && other.stream == build.stream);
        same.max_by_key(|build| build.version).map_or(&[], |build| &build.demodularized)
    }
}

/// Name, EVR and architecture.
type Key = [u32; 3];

/// Modules against one repository's tables.
struct View<'a> {
    metadata: &'a Metadata,
    shown: BTreeSet<Key>,
    hidden: BTreeSet<Key>,
    /// By string: whether an active stream has a package of this name, and a source package.
    names: Vec<bool>,
    sources: Vec<bool>,
}

impl<'a> View<'a> {
    fn new(metadata: &'a Metadata) -> Self {
        let flags = vec![false; metadata.strings()];
        Self {
            metadata,
            shown: BTreeSet::new(),
            hidden: BTreeSet::new(),
            names: flags.clone(),
            sources: flags,
        }
    }

    fn key(&self, artifact: &Artifact<'_>) -> Option<Key> {
        let find = |text| self.metadata.find(text).map(|id| id.index() as u32);
        Some([find(artifact.name)?, find(&artifact.evr)?, find(artifact.arch)?])
    }

    fn hide(&mut self, build: &Build) {
        let keys = build.artifacts.iter().filter_map(|text| self.key(&Artifact::parse(text)?));
        let keys: Vec<Key> = keys.collect();
        self.hidden.extend(keys);
    }

    fn show(&mut self, build: &Build, given_up: &[String]) {
        for artifact in build.artifacts.iter().filter_map(|text| Artifact::parse(text)) {
            self.shown.extend(self.key(&artifact));
            let name = self.metadata.find(artifact.name);
            let source = matches!(artifact.arch, "src" | "nosrc");
            let flags = if source { &mut self.sources } else { &mut self.names };
            if let Some(name) = name.filter(|_| !given_up.iter().any(|given| given == artifact.name)) {
                flags[name.index()] = true;
            }
        }
    }

    fn hidden(&self) -> Vec<PackageId> {
        let src = ["src", "nosrc"].map(|arch| self.metadata.find(arch));
        let is_hidden = |package: &Package<'_>| {
            let key = [package.name(), package.evr(), package.arch()].map(|id| id.index() as u32);
            if self.shown.contains(&key) {
                return false;
            }
            self.hidden.contains(&key)
                || self.names[package.name().index()]
                || src.contains(&Some(package.arch())) && self.sources[package.name().index()]
                || package.dependencies(Kind::Provides).any(|provide| self.names[provide.name.index()])
        };
        self.metadata.packages().filter(is_hidden).map(|package| package.id()).collect()
    }
}

/// `name-epoch:version-release.arch`, in parts; the EVR as the tables write it.
struct Artifact<'a> {
    name: &'a str,
    evr: Cow<'a, str>,
    arch: &'a str,
}

impl<'a> Artifact<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (rest, arch) = text.rsplit_once('.')?;
        let hyphen = rest[..rest.rfind('-')?].rfind('-')?;
        let (name, evr) = (&rest[..hyphen], &rest[hyphen + 1..]);
        Some(Self { name, evr: evr.strip_prefix("0:").unwrap_or(evr).into(), arch })
    }
}

#[cfg(test)]
mod tests {
    use super::super::modules::tests::{artifacts, choice, document};
    use super::*;

    fn package(name: &str, release: &str, provides: &str) -> String {
        let digest = crate::unit::Digest::sha256(format!("{name}{release}").as_bytes()).hex();
        format!(
            "<package type=\"rpm\"><name>{name}</name><arch>x86_64</arch><version epoch=\"0\" ver=\"1\" rel=\"{release}\"/>\
             <checksum type=\"sha256\">{digest}</checksum><location href=\"{name}-{release}.rpm\"/>\
             <format><rpm:provides>{provides}</rpm:provides></format></package>"
        )
    }

    #[test]
    fn inactive_artifacts_and_the_rivals_of_active_ones_are_hidden() {
        let primary = [
            "<metadata>".to_owned(),
            package("perl", "1.mod", ""),
            package("perl", "2.mod", ""),
            package("perl", "3", ""),
            package("perl-fork", "1", "<rpm:entry name=\"perl\" flags=\"EQ\" ver=\"9\"/>"),
            package("perl-given-up", "1", ""),
            package("bash", "1", ""),
            "</metadata>".to_owned(),
        ]
        .concat();
        let metadata = Metadata::parse("clay", primary.as_bytes()).unwrap();
        let given_up = "  demodularized:\n    rpms: [perl-given-up]\n";
        let text = [
            document("perl:1", 1, &artifacts(&["perl-0:1-1.mod.x86_64", "junk"])),
            document(
                "perl:2",
                1,
                &(artifacts(&["perl-0:1-2.mod.x86_64", "perl-given-up-0:1-9.mod.x86_64", "bash-0:1-1.src"])
                    + given_up),
            ),
        ]
        .concat();
        let modules = Modules::parse("clay", text.as_bytes()).unwrap();
        let hidden = |enabled: &[(&str, &str)]| {
            let active = modules.activate(&choice(enabled, &[])).unwrap();
            let name = |id: &PackageId| metadata.package(*id).location().to_owned();
            active.hidden(&metadata).iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(hidden(&[]), ["perl-1.mod.rpm", "perl-2.mod.rpm"]);
        assert_eq!(hidden(&[("perl", "1")]), ["perl-2.mod.rpm", "perl-3.rpm", "perl-fork-1.rpm"]);
        assert_eq!(hidden(&[("perl", "2")]), ["perl-1.mod.rpm", "perl-3.rpm", "perl-fork-1.rpm"]);
    }
}
