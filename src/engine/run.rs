//! `kiln run` and `kiln shell`: a command over a throw-away upper layer.

use crate::engine::buildroot::{BUILDDIR, BUILDER, environment, fixed, resolver};
use crate::engine::error::Error;
use crate::engine::limits::reached;
use crate::engine::request::{RunRequest, Streams, User};
use crate::engine::running::Note;
use crate::engine::session::Session;
use crate::engine::workspace::Workspace;
use crate::plan::{
    Access, Command, Machine, Phase, Root, SandboxSpec, Step, TERMINAL, build_steps, run_steps,
};
use crate::report::{Event, Stage, during};
use crate::sandbox::Status;
use crate::unit::HostPath;

impl Session<'_> {
    /// Runs a command; gives its exit code.
    pub(super) fn run(&self, request: &RunRequest) -> Result<u8, Error> {
        self.start_keeper();
        let root = self.root(&request.install)?;
        let workspace = Workspace::new(self, Note::new("run", self.release, request.command.join(" ")))?;
        let spec = self.run_spec(root.lower(), &workspace, request);
        let outcome = during(Stage::Run, self.reporter, || {
            let sandbox = workspace.start(&spec, Stage::Run)?;
            let outcome = sandbox.wait(&mut |_| {})?;
            self.reporter.report(Event::Used { stage: Stage::Run, usage: outcome.usage });
            Ok::<_, Error>(outcome)
        });
        let closed = workspace.close();
        let outcome = outcome?;
        if let Some((limit, on)) = reached(&spec.limits, &outcome) {
            // The command's own code says how it took it.
            if !matches!(outcome.status, Status::Exited(_)) {
                return Err(Error::Stopped { command: request.command.join(" "), limit, on });
            }
            self.reporter.warn(limit);
        }
        let code = exit_code(outcome.status, &request.command)?;
        closed?;
        Ok(code)
    }

    fn run_spec(&self, lower: Vec<String>, workspace: &Workspace<'_>, request: &RunRequest) -> SandboxSpec {
        let release = self.release;
        let hostname = &release.sandbox.hostname;
        let (phase, user, home) = match request.user {
            User::Root => (Phase::Install, (0, 0), "/root"),
            User::Builder => (Phase::Build, BUILDER, BUILDDIR),
        };
        let mut environment = environment(home, hostname);
        if request.streams == Streams::Terminal {
            environment.insert("TERM".to_owned(), TERMINAL.to_owned());
        }
        let resolver = resolver(release.sandbox.network);
        let mut steps = match request.user {
            User::Root => run_steps(&resolver),
            User::Builder => build_steps(hostname, &resolver),
        };
        steps.push(Step::Bind {
            from: HostPath::new(workspace.inside("builddir")),
            to: fixed(BUILDDIR),
            access: Access::ReadWrite,
        });
        // Where nothing can be written to the root, it costs most of a sandbox to prepare for it.
        let upper = || (workspace.inside("upper"), workspace.inside("work"));
        let root = Root { lower, upper: (request.user == User::Root).then(upper) };
        let command = Command::Program { argv: request.command.clone() };
        SandboxSpec {
            steps,
            user,
            network: release.sandbox.network,
            nesting: release.sandbox.nesting,
            limits: release.limits.clone(),
            machine: Machine::of(&release.arch),
            hostname: hostname.clone(),
            directory: fixed(if request.user == User::Builder { BUILDDIR } else { "/" }),
            environment,
            stdio: request.streams.into(),
            ..SandboxSpec::new(root, phase, command)
        }
    }
}

/// The exit code of a command on a root, as a shell would give it.
pub(super) fn exit_code(status: Status, command: &[String]) -> Result<u8, Error> {
    match status {
        Status::Exited(code) => Ok(code as u8),
        Status::Signalled(signal) => Ok((128 + signal) as u8),
        Status::Interrupted => Err(Error::Interrupted),
        other => Err(Error::NotStarted { command: command.join(" "), reason: other.to_string() }),
    }
}
