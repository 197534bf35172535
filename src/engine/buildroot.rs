//! The sandbox in which a spec file is evaluated and built: the same for making the source package, for asking for
//! build requirements and for the build, so that all three see one system.

use std::collections::BTreeMap;

use crate::config::{Network, Release};
use crate::engine::request::BuildOptions;
use crate::plan::{Access, Command, Job, Machine, Phase, Root, SandboxSpec, Stdio, Step, build_steps};
use crate::unit::{HostPath, Limits, RootPath};

/// uid and gid of the build user, as in mock's and Koji's roots.
pub(super) const BUILDER: (u32, u32) = (1000, 135);
/// The build user's home.
pub(super) const BUILDDIR: &str = "/builddir";
/// `_topdir`: where Koji builds, so that paths in debug information are those of the distribution's own packages.
pub(super) const TOPDIR: &str = "/builddir/build";
/// Where the files that go in are seen.
pub(super) const INPUT: &str = "/run/kiln";

/// A root with a workspace, ready to run commands of a build.
#[derive(Debug, Clone)]
pub(super) struct BuildRoot<'a> {
    pub(super) release: &'a Release,
    pub(super) options: &'a BuildOptions,
    /// Overlay lower directories, uppermost first, relative to the store.
    pub(super) lower: Vec<String>,
    /// The workspace's directories, relative to the store.
    pub(super) builddir: String,
    pub(super) input: String,
}

impl BuildRoot<'_> {
    /// A command of the build user's.
    pub(super) fn command(&self, argv: Vec<String>) -> SandboxSpec {
        self.spec(Command::Program { argv }, Stdio::Captured)
    }

    /// A function of kiln's own, with the build user's rights.
    pub(super) fn job(&self, job: Job) -> SandboxSpec {
        self.spec(Command::Job(job), Stdio::Captured)
    }

    /// `rpmbuild MODE` with the request's options on the spec file.
    pub(super) fn rpmbuild(&self, mode: &[&str], spec: &str) -> SandboxSpec {
        let mut argv = vec!["rpmbuild".to_owned()];
        argv.extend(mode.iter().map(|word| (*word).to_owned()));
        argv.extend(self.arguments());
        argv.push(format!("{TOPDIR}/SPECS/{spec}"));
        self.command(argv)
    }

    fn arguments(&self) -> Vec<String> {
        let options = self.options;
        let mut argv = Vec::new();
        if options.macro_file.is_some() {
            argv.push(format!("--load={INPUT}/macros"));
        }
        argv.push("--target".to_owned());
        argv.push(options.target.clone().unwrap_or_else(|| self.release.arch.clone()));
        let pairs = [("--with", &options.with), ("--without", &options.without)];
        for (flag, names) in pairs {
            argv.extend(names.iter().flat_map(|name| [flag.to_owned(), name.clone()]));
        }
        let define = |(name, value): &(String, String)| ["--define".to_owned(), format!("{name} {value}")];
        argv.extend(options.define.iter().flat_map(define));
        if options.nocheck {
            argv.push("--nocheck".to_owned());
        }
        argv
    }

    fn spec(&self, command: Command, stdio: Stdio) -> SandboxSpec {
        let hostname = &self.release.sandbox.hostname;
        let mut steps = build_steps(hostname, &resolver(self.release.sandbox.network));
        steps.push(bind(&self.builddir, BUILDDIR, Access::ReadWrite));
        steps.push(bind(&self.input, INPUT, Access::ReadOnly));
        let root = Root { lower: self.lower.clone(), upper: None };
        SandboxSpec {
            steps,
            user: BUILDER,
            network: self.release.sandbox.network,
            nesting: self.release.sandbox.nesting,
            syncs: self.release.sandbox.syncs,
            limits: self.limits(),
            machine: Machine::of(&self.release.arch),
            hostname: hostname.clone(),
            directory: fixed(BUILDDIR),
            environment: self.environment(),
            stdio,
            ..SandboxSpec::new(root, Phase::Build, command)
        }
    }

    fn limits(&self) -> Limits {
        let mut limits = self.release.limits.clone();
        limits.time = limits.time.or(self.release.build.timeout);
        limits
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = environment(BUILDDIR, &self.release.sandbox.hostname);
        environment.extend(self.release.build.environment.clone());
        environment
    }
}

/// The content of `/etc/resolv.conf`: the host's where its network is shared, else nothing.
pub(super) fn resolver(network: Network) -> String {
    match network {
        Network::None => String::new(),
        Network::Host => crate::sys::fs::read_text("/etc/resolv.conf").unwrap_or_default(),
    }
}

/// The environment that every command starts with; nothing of the caller's.
pub(super) fn environment(home: &str, hostname: &str) -> BTreeMap<String, String> {
    let fixed = [
        ("HOME", home),
        ("HOSTNAME", hostname),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"),
        ("SHELL", "/bin/bash"),
        ("TERM", "dumb"),
    ];
    fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The build user's `.rpmmacros`: what the release file says, and where things go.
pub(super) fn macros(release: &Release) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "%_topdir {TOPDIR}\n%_rpmfilename %%{{NAME}}-%%{{VERSION}}-%%{{RELEASE}}.%%{{ARCH}}.rpm\n%_buildhost {}\n",
        release.sandbox.hostname
    );
    for (name, value) in &release.build.macros {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "%{name} {}", value.replace('\n', "\\\n"));
    }
    text
}

fn bind(from: &str, to: &str, access: Access) -> Step {
    Step::Bind { from: HostPath::new(from), to: fixed(to), access }
}

pub(super) fn fixed(path: &str) -> RootPath {
    RootPath::new(path).expect("a constant path is absolute and clean")
}
