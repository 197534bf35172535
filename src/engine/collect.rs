//! Artifacts come out only after everything inside is dead, as copies that were opened without following anything,
//! and only when our own parser agrees with their names.

use crate::engine::build::Running;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::request::Artifact;
use crate::engine::source::Source;
use crate::package::Nevra;
use crate::package::file::PackageFile;
use crate::report::{ArtifactRecord, Event, Stage, during};
use crate::sys;
use crate::unit::{Digest, HostPath};

/// A package larger than this is refused, unless the limit on disk allows more.
pub(super) const LARGEST: u64 = 64 << 30;

impl Running<'_> {
    /// Copies the packages to the result directory, source package first.
    pub(super) fn collect(&mut self, source: &Source) -> Result<Vec<Artifact>, Error> {
        let reporter = self.session.reporter;
        let artifacts = during(Stage::Collect, reporter, || {
            let mut names = self.take("RPMS")?;
            if names.is_empty() {
                return Err(Error::NoArtifacts { source_name: source.name.clone() });
            }
            names.sort();
            names.insert(0, source.file.clone());
            let total = names.len() as u64;
            let mut artifacts = Vec::new();
            let mut bytes = 0;
            for (done, name) in (1..).zip(names) {
                let artifact = self.publish(&name)?;
                bytes += artifact.size;
                let item = name.clone();
                reporter.report(Event::Progress {
                    stage: Stage::Collect,
                    item,
                    done,
                    total,
                    bytes,
                    total_bytes: bytes,
                });
                artifacts.push(artifact);
            }
            Ok(artifacts)
        })?;
        self.report.artifacts = artifacts.iter().map(ArtifactRecord::from).collect();
        Ok(artifacts)
    }

    /// Takes the one source package out that the spec file left; the name of its copy in `output`.
    pub(super) fn only_source_package(&self, directory: &str, about: &str) -> Result<String, Error> {
        let mut names = self.take(directory)?;
        names.retain(|name| name.ends_with(about) || !about.ends_with(".rpm"));
        match names.as_slice() {
            [name] => Ok(name.clone()),
            _ => Err(Error::BadArtifact {
                name: directory.to_owned(),
                reason: format!("{} source packages of {about} instead of one", names.len()),
            }),
        }
    }

    /// Copies every package below `/builddir/build/DIRECTORY` into the workspace's `output`.
    fn take(&self, directory: &str) -> Result<Vec<String>, Error> {
        let from = format!("{}/build/{directory}", self.workspace.inside("builddir"));
        let job = jobs::take_artifacts(&from, &self.workspace.inside("output"));
        let answer = self.session.keeper()?.call_while_wanted(&job)?;
        jobs::taken(&answer).map_err(|(name, reason)| Error::BadArtifact { name, reason })
    }

    /// Checks a copy and puts it into the result directory.
    fn publish(&self, name: &str) -> Result<Artifact, Error> {
        let copy = self.workspace.host("output").join(name);
        let (nevra, digest, size) = checked(&copy, name)?;
        let path = self.results.path().join(name);
        let failed = |source| self.results.failed(source);
        let part = self.results.path().join(format!(".{name}.part"));
        sys::fs::remove_if_there(&part).map_err(failed)?;
        sys::fs::copy(&copy, &part, 0o644).map_err(failed)?;
        sys::fs::rename(&part, &path).map_err(failed)?;
        Ok(Artifact { path, nevra, size, digest })
    }

    /// Puts the source package that the root made into the result directory.
    pub(super) fn publish_source(&mut self, source: &Source) -> Result<Artifact, Error> {
        let artifact = self.publish(&source.file)?;
        self.report.artifacts = vec![ArtifactRecord::from(&artifact)];
        Ok(artifact)
    }
}

/// Reads a copy with our own parser; its header must say what its name says.
fn checked(path: &HostPath, name: &str) -> Result<(String, Digest, u64), Error> {
    let bad = |reason: String| Error::BadArtifact { name: name.escape_default().to_string(), reason };
    let bytes = sys::fs::map(path).map_err(|error| bad(error.to_string()))?;
    let file = PackageFile::parse(&bytes).map_err(|error| bad(error.to_string()))?;
    let mut nevra = file.header.nevra().map_err(|error| bad(error.to_string()))?;
    if file.header.is_source() {
        if name.ends_with(".nosrc.rpm") { "nosrc" } else { "src" }.clone_into(&mut nevra.arch);
    }
    if name != file_name(&nevra) {
        return Err(bad(format!("its header says {nevra}")));
    }
    Ok((nevra.to_string(), Digest::sha256(&bytes), bytes.len() as u64))
}

/// The file name that rpm gives a package: without the epoch.
fn file_name(nevra: &Nevra) -> String {
    format!("{}-{}-{}.{}.rpm", nevra.name, nevra.evr.version, nevra.evr.release, nevra.arch)
}
