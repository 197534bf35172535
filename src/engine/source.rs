//! The source of a build: what was given, and the source package that the root itself makes of it. A header made
//! elsewhere lists the build requirements of elsewhere; so the spec file is evaluated again where it will be built.

use crate::engine::build::Running;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::prepare::PreparedRoot;
use crate::engine::request::SourceInput;
use crate::package::file::PackageFile;
use crate::package::header::HeaderError;
use crate::package::{FileFlags, Nevra, Relation, RelationFlags, RelationKind};
use crate::report::{ArtifactRecord, Stage, during};
use crate::sandbox::Status;
use crate::sys;
use crate::unit::{Digest, HostPath};

/// The source package that the root made.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// `name-version-release`.
    pub(super) name: String,
    /// The spec file's name.
    pub(super) spec: String,
    /// The source package's file name, in the workspace's `output`.
    pub(super) file: String,
    /// Its build requirements, as requests.
    pub(super) requires: Vec<String>,
    /// Whether the spec file has `%generate_buildrequires`.
    pub(super) generates_requires: bool,
}

/// What a source package's header says.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) nevra: Nevra,
    pub(super) spec: Option<String>,
    pub(super) requires: Vec<String>,
    pub(super) generates_requires: bool,
}

/// A name for the result directory before anything is known of the source but its file.
pub(super) fn name(input: &SourceInput) -> Result<String, Error> {
    match input {
        SourceInput::Package(path) => {
            let header = read(path)?;
            Ok(file_safe(&format!(
                "{}-{}-{}",
                header.nevra.name, header.nevra.evr.version, header.nevra.evr.release
            )))
        }
        SourceInput::Spec { spec, .. } => {
            let stem = spec.as_path().file_stem().map(|stem| stem.to_string_lossy().into_owned());
            Ok(file_safe(&stem.unwrap_or_default()))
        }
    }
}

fn file_safe(name: &str) -> String {
    name.replace('/', "_")
}

/// Reads the header of a source package.
pub(super) fn read(path: &HostPath) -> Result<Header, Error> {
    let bad = |reason: String| Error::BadSource { path: path.clone(), reason };
    let bytes = sys::fs::map(path).map_err(|error| bad(error.source.to_string()))?;
    let file = PackageFile::parse(&bytes).map_err(|error| bad(error.to_string()))?;
    let header = &file.header;
    if !header.is_source() {
        return Err(bad("it is a binary package".to_owned()));
    }
    let text = |error: HeaderError| bad(error.to_string());
    let nevra = header.nevra().map_err(text)?;
    let files = header.files().map_err(text)?;
    let spec = files
        .iter()
        .find(|file| file.flags.any(FileFlags::SPECFILE))
        .map(|file| file.path.relative().to_owned());
    let requires = header.relations(RelationKind::Requires).map_err(text)?;
    let generates_requires = requires.iter().any(|line| line.name == "rpmlib(DynamicBuildRequires)");
    let requires = requires.iter().filter(|line| !line.name.starts_with("rpmlib(")).map(request).collect();
    Ok(Header { nevra, spec, requires, generates_requires })
}

/// A relation as the text of a request: `foo >= 1.2`.
fn request(line: &Relation) -> String {
    let operator = [("<", RelationFlags::LESS), (">", RelationFlags::GREATER), ("=", RelationFlags::EQUAL)]
        .iter()
        .filter(|(_, bit)| line.flags.any(*bit))
        .map(|(sign, _)| *sign)
        .collect::<String>();
    if operator.is_empty() || line.evr.is_empty() {
        return line.name.clone();
    }
    format!("{} {operator} {}", line.name, line.evr)
}

impl Running<'_> {
    /// Takes the source in and lets the root make a source package of it.
    pub(super) fn source(&mut self, base: &PreparedRoot) -> Result<Source, Error> {
        let reporter = self.session.reporter;
        let spec = during(Stage::Source, reporter, || {
            let spec = self.receive(base)?;
            self.make_source_package(base, &spec)?;
            Ok::<_, Error>(spec)
        })?;
        let file = self.only_source_package("SRPMS", &spec)?;
        let path = self.workspace.host("output").join(&file);
        let header = read(&path)?;
        let evr = &header.nevra.evr;
        Ok(Source {
            name: format!("{}-{}-{}", header.nevra.name, evr.version, evr.release),
            spec,
            file,
            requires: header.requires,
            generates_requires: header.generates_requires,
        })
    }

    /// Brings the source's files into the build user's home; the spec file's name.
    fn receive(&mut self, base: &PreparedRoot) -> Result<String, Error> {
        let macros = crate::engine::buildroot::macros(self.session.release);
        let (spec, job) = match &self.request.source {
            SourceInput::Package(path) => {
                let header = read(path)?;
                let missing =
                    || Error::BadSource { path: path.clone(), reason: "it has no spec file".to_owned() };
                self.workspace.receive(path, "source.rpm")?;
                self.report.source = Some(described(path)?);
                (header.spec.ok_or_else(missing)?, jobs::receive_package(&macros))
            }
            SourceInput::Spec { spec, sources } => {
                let name = self.receive_spec(spec, sources)?;
                (name.clone(), jobs::receive_spec(&macros, &name))
            }
        };
        if let Some(path) = &self.request.options.macro_file {
            self.workspace.receive(path, "macros")?;
        }
        let outcome = self.logged(&self.build_root(base).job(job), Stage::Source)?;
        if outcome.status == Status::Exited(0) {
            return Ok(spec);
        }
        Err(Error::SourceFailed {
            source_name: spec,
            status: outcome.status.to_string(),
            log: self.results.tail("build.log"),
        })
    }

    fn receive_spec(&self, spec: &HostPath, sources: &HostPath) -> Result<String, Error> {
        let bad = |reason: &str| Error::BadSource { path: spec.clone(), reason: reason.to_owned() };
        let name = spec
            .as_path()
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| bad("it has no usable name"))?;
        if !name.ends_with(".spec") {
            return Err(bad("a spec file's name ends in .spec"));
        }
        self.workspace.receive(spec, "spec")?;
        self.workspace.receive_directory(sources, "sources")?;
        Ok(name.to_owned())
    }

    fn make_source_package(&mut self, base: &PreparedRoot, spec: &str) -> Result<(), Error> {
        let command = self.build_root(base).rpmbuild(&["-bs", "--nodeps"], spec);
        let outcome = self.logged(&command, Stage::Source)?;
        if outcome.status == Status::Exited(0) {
            return Ok(());
        }
        Err(Error::SourceFailed {
            source_name: spec.to_owned(),
            status: outcome.status.to_string(),
            log: self.results.tail("build.log"),
        })
    }

    /// The build requirements that `rpmbuild -br` wrote into a source package of their own.
    pub(super) fn generated_requires(&self) -> Result<Vec<String>, Error> {
        let file = self.only_source_package("SRPMS", ".buildreqs.nosrc.rpm")?;
        Ok(read(&self.workspace.host("output").join(file))?.requires)
    }
}

fn described(path: &HostPath) -> Result<ArtifactRecord, Error> {
    let failed = |source| Error::Host { doing: format!("reading {path}"), source };
    let bytes = sys::fs::map(path).map_err(failed)?;
    let file = path.as_path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(ArtifactRecord { file, size: bytes.len() as u64, digest: Digest::sha256(&bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_requirement_becomes_a_request() {
        let line =
            |name: &str, flags, evr: &str| Relation { name: name.to_owned(), flags, evr: evr.to_owned() };
        let table = [
            (line("gcc", RelationFlags::default(), ""), "gcc"),
            (line("cmake", RelationFlags::GREATER.or(RelationFlags::EQUAL), "3.20"), "cmake >= 3.20"),
            (line("perl", RelationFlags::LESS, "4:6"), "perl < 4:6"),
            (line("(a or b)", RelationFlags::default(), ""), "(a or b)"),
        ];
        for (line, text) in table {
            assert_eq!(request(&line), text);
        }
    }
}
