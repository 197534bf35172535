//! `kiln build`: source package, build requirements, rpmbuild, artifacts; one stage after the other, each in a fresh
//! sandbox over the same workspace.

use crate::engine::Engine;
use crate::engine::buildroot::BuildRoot;
use crate::engine::error::Error;
use crate::engine::limits::{added, reached};
use crate::engine::prepare::PreparedRoot;
use crate::engine::record::Recorder;
use crate::engine::request::{Artifact, BuildRequest};
use crate::engine::resolve::Wanted;
use crate::engine::results::{BuildLog, Results};
use crate::engine::running::Note;
use crate::engine::session::Session;
use crate::engine::source::Source;
use crate::engine::workspace::Workspace;
use crate::plan::SandboxSpec;
use crate::report::{ArtifactRecord, Event, PackageRecord, Report, Stage, during};
use crate::sandbox::{Outcome, Status};
use crate::sys::fs::File;
use crate::unit::HostPath;

/// How often a spec file may change its mind about its build requirements; mock's limit.
const MOST_ROUNDS: usize = 10;

/// rpmbuild's exit code when build requirements are missing (`-br`, `docs/manual/dynamic_build_dependencies.md`).
pub(super) const REQUIRES_MISSING: i32 = 11;

/// One build while it runs.
pub(super) struct Running<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) request: &'a BuildRequest,
    pub(super) results: &'a Results,
    pub(super) workspace: Workspace<'a>,
    pub(super) report: Report,
    /// What is built, as far as is known.
    name: String,
    log: File,
}

impl Engine<'_> {
    /// Builds a source package; logs and report stay in the result directory whatever happens.
    pub(super) fn build_into<T>(
        &self,
        release: &crate::config::Release,
        (verb, request): (&str, &BuildRequest),
        work: impl FnOnce(&mut Running<'_>) -> Result<T, Error>,
    ) -> Result<(T, Results), Error> {
        let name = crate::engine::source::name(&request.source)?;
        let directory = || HostPath::new(&release.name).join(&name);
        let results = Results::open(&request.result.clone().unwrap_or_else(directory))?;
        let recorder = Recorder::new(self.reporter, results.log("state.log")?);
        let session = Session::reporting(self, release, &recorder)?;
        let workspace = Workspace::new(&session, Note::new(verb, release, name.clone()))?;
        let mut running = Running {
            session: &session,
            request,
            results: &results,
            workspace,
            report: Report::new(&release.name, &release.arch),
            name,
            log: results.log("build.log")?,
        };
        let result = work(&mut running);
        running.report.outcome = match &result {
            Ok(_) => "success".to_owned(),
            Err(error) => error.to_string(),
        };
        let mut report = running.report;
        let closed = running.workspace.close();
        report.stages = recorder.stages();
        report.sandbox = session.sandbox_record(recorder.warnings());
        let written = results.write_json("report.json", &report);
        let value = result?;
        closed?;
        written?;
        Ok((value, results))
    }
}

impl Running<'_> {
    /// All stages of a build.
    pub(super) fn build(&mut self) -> Result<Vec<Artifact>, Error> {
        let base = self.session.root(&[])?;
        let source = self.source(&base)?;
        let root = self.requirements(base, &source)?;
        self.note_root(&root)?;
        let build_root = self.build_root(&root);
        let spec = build_root.rpmbuild(&["-bb", "--noclean"], &source.spec);
        let reporter = self.session.reporter;
        self.session.settle();
        during(Stage::Build, reporter, || {
            let outcome = self.logged(&spec, Stage::Build)?;
            self.succeeded(&outcome, &source.name)
        })?;
        self.collect(&source)
    }

    /// Only the source package.
    pub(super) fn source_only(&mut self) -> Result<Artifact, Error> {
        let base = self.session.root(&[])?;
        let source = self.source(&base)?;
        self.note_root(&base)?;
        self.publish_source(&source)
    }

    /// What the build root is, with the request's options.
    pub(super) fn build_root(&self, root: &PreparedRoot) -> BuildRoot<'_> {
        BuildRoot {
            release: self.session.release,
            options: &self.request.options,
            lower: root.lower(),
            builddir: self.workspace.inside("builddir"),
            input: self.workspace.inside("input"),
        }
    }

    /// The root with the source's build requirements; asks a spec file with `%generate_buildrequires` until it is
    /// content.
    fn requirements(&mut self, base: PreparedRoot, source: &Source) -> Result<PreparedRoot, Error> {
        let mut root = self.requires(base, &source.requires)?;
        if !source.generates_requires {
            return Ok(root);
        }
        for _ in 0..MOST_ROUNDS {
            let spec = self.build_root(&root).rpmbuild(&["-br", "--noclean"], &source.spec);
            let stage = Stage::Requires;
            let reporter = self.session.reporter;
            let outcome = during(stage, reporter, || self.logged(&spec, stage))?;
            if outcome.status != Status::Exited(REQUIRES_MISSING) {
                self.succeeded(&outcome, &source.name)?;
                return Ok(root);
            }
            let more = self.generated_requires()?;
            root = self.requires(root, &more)?;
        }
        Err(Error::EndlessRequires { source_name: source.name.clone(), rounds: MOST_ROUNDS })
    }

    fn requires(&self, root: PreparedRoot, wanted: &[String]) -> Result<PreparedRoot, Error> {
        let wanted = Wanted::requires(wanted);
        if wanted.is_empty() { Ok(root) } else { self.session.root_over(root, &wanted) }
    }

    /// Runs a command of the build with its output in build.log. One that a limit ended is an error.
    pub(super) fn logged(&mut self, spec: &SandboxSpec, stage: Stage) -> Result<Outcome, Error> {
        let reporter = self.session.reporter;
        let file = self.log.try_clone().map_err(|error| self.results.failed(clone_failed(error)))?;
        let mut line = |line: String| reporter.report(Event::Output { stage, line });
        let mut log = BuildLog::new(file, &mut line);
        let mut unwritten = None;
        let sandbox = self.workspace.start(spec, stage)?;
        let outcome = sandbox.wait(&mut |piece| {
            if let Err(error) = log.take(piece) {
                unwritten.get_or_insert(error);
            }
        })?;
        self.workspace.ended()?;
        drop(log);
        let usage = outcome.usage;
        reporter.report(Event::Used { stage, usage });
        self.report.usage = added(self.report.usage, usage);
        if let Some((limit, on)) = reached(&spec.limits, &outcome) {
            let source_name = self.name.clone();
            return Err(Error::LimitReached { source_name, limit, on, log: self.results.tail("build.log") });
        }
        match unwritten {
            Some(error) => Err(self.results.failed(crate::sys::SysError::new("write", "build.log", error))),
            None if outcome.status == Status::Interrupted => Err(Error::Interrupted),
            None => Ok(outcome),
        }
    }

    /// Turns how rpmbuild ended into an error, unless it ended well.
    fn succeeded(&self, outcome: &Outcome, name: &str) -> Result<(), Error> {
        let log = self.results.tail("build.log");
        let source_name = name.to_owned();
        if outcome.status == Status::Exited(0) {
            return Ok(());
        }
        let section = failed_section(&log.tail).unwrap_or("rpmbuild").to_owned();
        Err(Error::BuildFailed { source_name, section, status: outcome.status.to_string(), log })
    }

    /// Puts the root's packages into the report and the result directory.
    fn note_root(&mut self, root: &PreparedRoot) -> Result<(), Error> {
        self.report.root = root.id().hex();
        self.report.packages = root.lock.packages.iter().map(PackageRecord::from).collect();
        let line =
            |package: &PackageRecord| format!("{} {} {}\n", package.nevra, package.repo, package.digest);
        let installed: String = self.report.packages.iter().map(line).collect();
        self.results.write("installed_pkgs.log", installed.as_bytes())?;
        self.results.write("root.log", &root.log())?;
        self.results.write_json("lock.json", &root.lock)
    }
}

fn clone_failed(error: std::io::Error) -> crate::sys::SysError {
    crate::sys::SysError::new("dup", "build.log", error)
}

impl From<&crate::lock::LockedPackage> for PackageRecord {
    fn from(package: &crate::lock::LockedPackage) -> Self {
        Self { nevra: package.nevra.to_string(), repo: package.repo.clone(), digest: package.digest.clone() }
    }
}

/// The section that rpmbuild names when a scriptlet fails: `Bad exit status from /var/tmp/rpm-tmp.X (%check)`.
fn failed_section(tail: &[String]) -> Option<&str> {
    tail.iter().rev().find_map(|line| {
        let (_, rest) = line.split_once("Bad exit status from ")?;
        rest.rsplit_once('(')?.1.strip_suffix(')')
    })
}

impl From<&Artifact> for ArtifactRecord {
    fn from(artifact: &Artifact) -> Self {
        let file = artifact.path.as_path().file_name().map(|name| name.to_string_lossy().into_owned());
        Self { file: file.unwrap_or_default(), size: artifact.size, digest: artifact.digest.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_section_is_what_rpmbuild_says_last() {
        let lines = [
            "make: *** [all] Error 2",
            "error: Bad exit status from /var/tmp/rpm-tmp.Ab1 (%check)",
            "    bad",
        ];
        let tail = lines.map(str::to_owned);
        assert_eq!(failed_section(&tail), Some("%check"));
        assert_eq!(failed_section(&tail[..1]), None);
    }
}
