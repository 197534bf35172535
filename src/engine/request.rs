//! What the engine is asked for, and what it gives back.

use crate::config::Overrides;
use crate::plan::Stdio;
use crate::unit::{Digest, HostPath};

/// Whether anything may be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Online,
    /// Yes, and every repository is asked, however fresh what the store has of it is.
    Refreshing,
    /// No: what the store has must be enough.
    Offline,
}

/// What holds for a whole run of kiln.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's directory.
    pub store: HostPath,
    /// A store below it, which is only read.
    pub shared: Option<HostPath>,
    /// Where release files are looked for, first match wins; the shipped ones come last.
    pub config_dirs: Vec<HostPath>,
    /// What the command line changes in a release.
    pub overrides: Overrides,
    /// Whether anything may be fetched.
    pub access: Access,
}

/// Who a command in the root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// uid 0 of the root, with what installing needs.
    Root,
    /// The build user, with what a build may do.
    Builder,
}

/// What a command's standard streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Those of kiln, through pipes.
    Connected,
    /// A terminal inside, connected to kiln's terminal.
    Terminal,
}

impl From<Streams> for Stdio {
    fn from(streams: Streams) -> Self {
        match streams {
            Streams::Connected => Self::Connected,
            Streams::Terminal => Self::Terminal,
        }
    }
}

/// A command to run in a root.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// What is installed besides the release's packages.
    pub install: Vec<String>,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Who it runs as.
    pub user: User,
    /// Its streams.
    pub streams: Streams,
}

/// Where a build's source comes from.
#[derive(Debug, Clone)]
pub enum SourceInput {
    /// A source package.
    Package(HostPath),
    /// A spec file and the directory of its sources.
    Spec {
        /// The spec file.
        spec: HostPath,
        /// The directory.
        sources: HostPath,
    },
}

/// What rpmbuild is told.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// `--with`.
    pub with: Vec<String>,
    /// `--without`.
    pub without: Vec<String>,
    /// `--define`, name and value.
    pub define: Vec<(String, String)>,
    /// A macro file that is read in the root.
    pub macro_file: Option<HostPath>,
    /// `--nocheck`.
    pub nocheck: bool,
    /// `--target`.
    pub target: Option<String>,
}

/// One build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// What is built.
    pub source: SourceInput,
    /// How.
    pub options: BuildOptions,
    /// Where the results go; by default a directory named for release and source.
    pub result: Option<HostPath>,
}

/// A file that a build made, in the result directory.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Artifact {
    /// Where it is.
    pub path: HostPath,
    /// `name-[epoch:]version-release.arch`; `.src` for a source package.
    pub nevra: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

/// A build that succeeded.
#[derive(Debug, Clone)]
pub struct Built {
    /// The result directory.
    pub result: HostPath,
    /// The packages, source package first.
    pub artifacts: Vec<Artifact>,
}

/// How much `kiln clean` removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanScope {
    /// What interrupted runs left.
    Leftovers,
    /// That and every layer.
    Layers,
    /// The whole content of the store.
    Everything,
}
