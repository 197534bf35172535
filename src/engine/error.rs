//! What can go wrong, which exit code it is, and what a person can do about it.

use crate::unit::{Bytes, HostPath};

/// The kinds of failure; one exit code each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A fault of kiln or of the host.
    Internal,
    /// A release file.
    Config,
    /// The command line.
    Usage,
    /// An architecture that this host cannot run.
    Arch,
    /// The build itself.
    Build,
    /// The build took too long, or was silent for too long.
    Timeout,
    /// The root: unpacking, scriptlets, mounts.
    Root,
    /// Metadata, solving, downloads.
    Resolve,
    /// The source package.
    Source,
    /// Arguments that do not fit the verb.
    Arguments,
    /// Something is in use by another kiln.
    Locked,
    /// The result directory.
    Results,
    /// User namespaces are refused.
    Namespaces,
    /// A signal asked for the end.
    Interrupted,
}

/// The end of a log, for the person who wants to know why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTail {
    /// Where the whole log is.
    pub path: HostPath,
    /// Its last lines.
    pub tail: Vec<String>,
}

/// What the engine tried and could not do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A release file.
    #[error(transparent)]
    Config(#[from] crate::config::Error),
    /// The user namespace or a sandbox.
    #[error(transparent)]
    Sandbox(#[from] crate::sandbox::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A download or a signature.
    #[error(transparent)]
    Fetch(#[from] crate::fetch::Error),
    /// Repository metadata.
    #[error(transparent)]
    Metadata(#[from] crate::metadata::Error),
    /// Module streams that cannot be active together.
    #[error(transparent)]
    Modules(#[from] crate::metadata::ModuleError),
    /// No set of packages satisfies the request.
    #[error(transparent)]
    Conflict(Box<crate::solve::Conflict>),
    /// A package that cannot be unpacked.
    #[error(transparent)]
    Unpack(Box<crate::install::unpack::Error>),
    /// A transaction, with its log.
    #[error("the root could not be made")]
    Root {
        /// Why.
        source: Box<crate::install::Error>,
        /// root.log.
        log: LogTail,
    },
    /// The host's processor cannot run the release's programs.
    #[error("release {release} is for {arch}, and this host is {host}")]
    ForeignArch {
        /// The release.
        release: String,
        /// Its architecture.
        arch: String,
        /// The host's.
        host: String,
    },
    /// A source package that is none.
    #[error("{path} is not a usable source package: {reason}")]
    BadSource {
        /// The file.
        path: HostPath,
        /// Why.
        reason: String,
    },
    /// A package file on the command line that is none.
    #[error("{path} is not a usable package: {reason}")]
    BadPackage {
        /// The file.
        path: HostPath,
        /// Why.
        reason: String,
    },
    /// rpmbuild failed before the build: the spec file does not parse, or a source is missing.
    #[error("rpmbuild could not make the source package of {source_name}: {status}")]
    SourceFailed {
        /// The source.
        source_name: String,
        /// How it ended.
        status: String,
        /// build.log.
        log: LogTail,
    },
    /// rpmbuild failed.
    #[error("{section} of {source_name} failed: {status}")]
    BuildFailed {
        /// The source.
        source_name: String,
        /// The section of the spec file, as far as the log tells.
        section: String,
        /// How it ended.
        status: String,
        /// build.log.
        log: LogTail,
    },
    /// A limit ended the build.
    #[error("{source_name} was stopped: {limit}")]
    LimitReached {
        /// The source.
        source_name: String,
        /// The limit, with its value and how to raise it.
        limit: String,
        /// Whether it was a limit on time.
        on: LimitKind,
        /// build.log.
        log: LogTail,
    },
    /// A requirement from the spec file's `%generate_buildrequires` that keeps changing.
    #[error("the generated build requirements of {source_name} still change after {rounds} rounds")]
    EndlessRequires {
        /// The source.
        source_name: String,
        /// How often they were asked for.
        rounds: usize,
    },
    /// An artifact that must not leave the sandbox.
    #[error("artifact {name} is refused: {reason}")]
    BadArtifact {
        /// Its name, escaped.
        name: String,
        /// Why.
        reason: String,
    },
    /// The build ended well but left no package.
    #[error("{source_name} built, but left no package")]
    NoArtifacts {
        /// The source.
        source_name: String,
    },
    /// The result directory.
    #[error("the result directory {path} cannot be written")]
    Results {
        /// The directory.
        path: HostPath,
        /// Why.
        source: crate::sys::SysError,
    },
    /// A call to the kernel.
    #[error("{doing}")]
    Host {
        /// What was tried.
        doing: String,
        /// Why it failed.
        source: crate::sys::SysError,
    },
    /// A job's answer that cannot be read: another version of kiln gave it.
    #[error("the answer of job {job} is not of the expected form: {reason}")]
    Answer {
        /// The job.
        job: String,
        /// In which way.
        reason: String,
    },
    /// A repository without packages' metadata.
    #[error("repository {repo} has no primary metadata")]
    NoPrimary {
        /// Its id.
        repo: String,
    },
    /// An installed package of which no repository knows anything.
    #[error("no repository has the installed package {}", .text.escape_debug())]
    NotInRepositories {
        /// What was said.
        text: String,
        /// Packages of that name.
        known: Vec<String>,
    },
    /// A package to be explained that is not there.
    #[error("{} is not among the packages", .text.escape_debug())]
    NotChosen {
        /// What was said.
        text: String,
        /// Packages that were taken and not it, and why, a line each.
        instead: Vec<String>,
    },
    /// A group that no repository has.
    #[error("no group or environment is called `{group}`")]
    NoGroup {
        /// The name.
        group: String,
        /// Groups that there are.
        known: Vec<String>,
    },
    /// The disk is full.
    #[error("{store} is full: {free} are free there")]
    Full {
        /// The store.
        store: HostPath,
        /// What its file system has left.
        free: Bytes,
        /// What the packages of the root have, compressed; 0 where that is not known yet.
        packages: Bytes,
        /// What was being done.
        source: Box<Self>,
    },
    /// A tar file that cannot be written.
    #[error("{path} cannot be written")]
    Export {
        /// The file.
        path: HostPath,
        /// Why.
        source: crate::sys::SysError,
    },
    /// Things in the store are not as they were made.
    #[error("the store {store} is damaged: {}{}", .objects[0], more(.objects))]
    Damaged {
        /// Where it is.
        store: HostPath,
        /// The things; never empty.
        objects: Vec<String>,
        /// What to do.
        hint: &'static str,
    },
    /// A command on the root that could not start.
    #[error("`{command}` did not start in the root: {reason}")]
    NotStarted {
        /// The command.
        command: String,
        /// Why.
        reason: String,
    },
    /// Nothing that runs over this store has this id.
    #[error("nothing that runs over this store is called `{id}`")]
    NotRunning {
        /// What was asked for.
        id: String,
        /// What runs.
        known: Vec<String>,
    },
    /// Something that runs and has no sandbox at the moment.
    #[error("{id} has no sandbox at the moment")]
    NoSandbox {
        /// What was asked for.
        id: String,
    },
    /// Something that a kiln in another process id namespace runs.
    #[error("{id} runs in another container")]
    RunsElsewhere {
        /// What was asked for.
        id: String,
    },
    /// A limit ended a command on the root.
    #[error("`{command}` was stopped: {limit}")]
    Stopped {
        /// The command.
        command: String,
        /// The limit, with its value and how to raise it.
        limit: String,
        /// What the limit is on.
        on: LimitKind,
    },
    /// A signal asked for the end.
    #[error("interrupted")]
    Interrupted,
}

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Time.
    Time,
    /// Memory, processes, disk, log.
    Resource,
}

impl Error {
    /// The same; where it is that the disk is full, told as such.
    pub(super) fn or_full(self, store: &HostPath, packages: Bytes) -> Self {
        if matches!(self, Self::Full { .. }) || !self.is_full() {
            return self;
        }
        let free = Bytes(crate::sys::fs::free(store).map_or(0, |free| free.0));
        Self::Full { store: store.clone(), free, packages, source: Box::new(self) }
    }

    /// Whether a call failed since there was no room for what it wrote. Functions in the user namespace only tell what
    /// they failed with, and the database has words of its own.
    fn is_full(&self) -> bool {
        const WORDS: [&str; 3] = ["No space left on device", "disk is full", "Disk quota exceeded"];
        let mut cause: Option<&dyn std::error::Error> = Some(self);
        while let Some(error) = cause {
            let text = error.to_string();
            if WORDS.iter().any(|words| text.contains(words)) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

fn more(objects: &[String]) -> String {
    match objects.len() {
        0 | 1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    }
}

impl Error {
    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Config(_) => Kind::Config,
            Self::Sandbox(error) if error.is_refused() => Kind::Namespaces,
            Self::Root { source, .. } if source.is_refused() => Kind::Namespaces,
            Self::Sandbox(_) | Self::Unpack(_) | Self::Root { .. } | Self::NotStarted { .. } => Kind::Root,
            Self::Store(error) if error.is_misplaced() => Kind::Arguments,
            Self::Store(error) if error.is_storages() => Kind::Root,
            Self::Host { source, .. } if source.is_storages() => Kind::Root,
            Self::Full { source, .. } if source.kind() == Kind::Internal => Kind::Root,
            Self::Full { source, .. } => source.kind(),
            Self::Store(_) | Self::Host { .. } | Self::Answer { .. } | Self::Damaged { .. } => Kind::Internal,
            Self::Fetch(_)
            | Self::Metadata(_)
            | Self::Modules(_)
            | Self::Conflict(_)
            | Self::BadPackage { .. }
            | Self::NoPrimary { .. }
            | Self::NotInRepositories { .. }
            | Self::NotChosen { .. }
            | Self::NoGroup { .. } => Kind::Resolve,
            Self::ForeignArch { .. } => Kind::Arch,
            Self::BadSource { .. } | Self::SourceFailed { .. } => Kind::Source,
            Self::LimitReached { on: LimitKind::Time, .. } | Self::Stopped { on: LimitKind::Time, .. } => {
                Kind::Timeout
            }
            Self::BuildFailed { .. }
            | Self::LimitReached { .. }
            | Self::Stopped { .. }
            | Self::EndlessRequires { .. }
            | Self::BadArtifact { .. }
            | Self::NoArtifacts { .. } => Kind::Build,
            Self::NotRunning { .. } | Self::NoSandbox { .. } | Self::RunsElsewhere { .. } => Kind::Arguments,
            Self::Results { .. } | Self::Export { .. } => Kind::Results,
            Self::Interrupted => Kind::Interrupted,
        }
    }

    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Fetch(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Modules(error) => error.hint(),
            Self::Conflict(conflict) => conflict.hint(),
            Self::Unpack(error) => error.hint(),
            Self::Root { source, .. } => source.hint(),
            Self::ForeignArch { host, .. } => {
                Some(format!("take a release for {host}; `kiln releases` lists them"))
            }
            Self::BadSource { .. } => Some("make it again, with `kiln srpm` or `rpmbuild -bs`".to_owned()),
            Self::SourceFailed { .. } => Some("correct the spec file or add the missing source".to_owned()),
            Self::BuildFailed { section, .. } if section == "%check" => {
                Some("the tests failed; --nocheck builds without them".to_owned())
            }
            Self::BuildFailed { .. } => {
                Some("`kiln shell -r RELEASE --install REQ` opens the same root to look around".to_owned())
            }
            Self::NotInRepositories { known, .. } => Some(match known.as_slice() {
                [] => "add the repository that it came from, with --repo ID=URL".to_owned(),
                some => format!("they have {}", some.join(", ")),
            }),
            Self::NotChosen { instead, .. } if !instead.is_empty() => Some(instead.join("\n")),
            Self::NoGroup { group, known } => {
                let near = |id: &&String| strsim::damerau_levenshtein(id, group) <= 3;
                let nearest: Vec<&str> = known.iter().filter(near).map(String::as_str).collect();
                Some(match nearest.as_slice() {
                    [] => format!("the repositories have {} groups, none with a similar id", known.len()),
                    some => format!("did you mean @{}?", some.join(" or @")),
                })
            }
            Self::NotRunning { known, .. } if known.is_empty() => Some("nothing runs at all".to_owned()),
            Self::NotRunning { known, .. } => {
                Some(format!("`kiln ps` lists what runs: {}", known.join(", ")))
            }
            Self::NoSandbox { .. } => Some("wait until its build has begun".to_owned()),
            Self::RunsElsewhere { .. } => Some("end it with `kiln kill` in the same container".to_owned()),
            Self::Full { packages: Bytes(0), .. } => {
                Some("free space (`kiln store prune`), or put the store elsewhere: --store DIR".to_owned())
            }
            Self::Full { packages, .. } => Some(format!(
                "the root's packages need {packages} and about four times as much unpacked: free space (`kiln store \
                 prune`), or put the store elsewhere: --store DIR"
            )),
            Self::Damaged { hint, .. } => Some((*hint).to_owned()),
            Self::Results { .. } => Some("give another directory with --result DIR".to_owned()),
            _ => None,
        }
    }

    /// The log that tells more.
    pub fn log(&self) -> Option<&LogTail> {
        match self {
            Self::Root { log, .. }
            | Self::SourceFailed { log, .. }
            | Self::BuildFailed { log, .. }
            | Self::LimitReached { log, .. } => Some(log),
            _ => None,
        }
    }
}
