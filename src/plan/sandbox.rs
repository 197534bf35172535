//! A sandbox as data: it can be shown, compared and tested before anything happens, and sent over a pipe to the
//! process that executes it.

use std::collections::BTreeMap;
use std::fmt;

pub use crate::config::{Nesting, Network, Syncs};
use crate::plan::guard::Guard;
use crate::unit::{HostPath, Limits, RootPath};

/// How user ids inside are made from ids outside. Chosen by what the host allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Started by root: a private range of 65,536 ids, never the host's own.
    Root,
    /// An ordinary user with a subordinate range (`/etc/subuid`, `/etc/subgid`).
    SubordinateIds,
    /// An ordinary user without one: a single id.
    SingleId,
}

/// One line of an id map: `count` ids from `inside` are `outside` on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct IdRange {
    /// First id inside.
    pub inside: u32,
    /// First id outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// The first of the ids that sandboxes of root's have: high enough that no host hands it out.
pub const ROOT_BASE: u32 = 0x7000_0000;

/// The user namespace's maps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct IdMap {
    /// How it was chosen.
    pub tier: Tier,
    /// `/proc/PID/uid_map`.
    pub uids: Vec<IdRange>,
    /// `/proc/PID/gid_map`.
    pub gids: Vec<IdRange>,
}

/// What the sandbox is for; decides capabilities and what is writable (research: install needs eleven
/// capabilities, a build none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Scriptlets and `kiln run`: uid 0 inside, the root writable, the capabilities that rpm needs.
    Install,
    /// Everything that a spec file decides: uid 1000 inside, no capability, the root read-only but for
    /// `/builddir`, `/tmp`, `/var/tmp` and `/run`.
    Build,
}

/// What `uname -m` says, and which kind of programs the root has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// The host's.
    #[default]
    Native,
    /// The host's 32-bit sibling: i686 on `x86_64`. The kernel cannot tell socket families apart there, so the system
    /// call filter lets all of them through.
    ThirtyTwoBit,
}

impl Machine {
    /// What a root of an architecture needs.
    pub fn of(arch: &str) -> Self {
        const THIRTY_TWO_BITS: &[&str] =
            &["i386", "i486", "i586", "i686", "athlon", "geode", "pentium3", "pentium4"];
        if THIRTY_TWO_BITS.contains(&arch) { Self::ThirtyTwoBit } else { Self::Native }
    }
}

/// Whether processes can be added to a sandbox that runs (`kiln attach`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visitors {
    /// No.
    #[default]
    Refused,
    /// Yes: by the user whose sandbox it is, with the command's rights and within its limits.
    Admitted,
}

/// Whether a bind mount can be written through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// No.
    ReadOnly,
    /// Yes.
    ReadWrite,
}

/// Where the root's files come from. Paths are relative to the store's directory, so that no host path shows in
/// `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Root {
    /// Overlay lower directories, uppermost first; never empty.
    pub lower: Vec<String>,
    /// The overlay's upper and work directories; without them the root is read-only.
    pub upper: Option<(String, String)>,
}

/// One mount or file made in the root before the command starts, in this order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// A fresh `/proc`, with its dangerous parts masked or read-only.
    Proc,
    /// A fresh read-only `/sys`, masked.
    Sys,
    /// `/dev` with null, zero, full, random, urandom, tty, pts, shm and the usual links.
    Dev,
    /// A tmpfs.
    Tmpfs {
        /// Where.
        at: RootPath,
        /// Its mode.
        mode: u32,
        /// Its size in bytes.
        size: u64,
    },
    /// A file or directory of the host.
    Bind {
        /// What; a relative path is relative to the store's directory.
        from: HostPath,
        /// Where.
        to: RootPath,
        /// How.
        access: Access,
    },
    /// A generated file (read-only, on a tmpfs of its own), such as `/etc/hosts`.
    File {
        /// Where; the directory must exist.
        at: RootPath,
        /// Its content.
        content: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proc => f.write_str("proc /proc"),
            Self::Sys => f.write_str("sysfs /sys (read-only)"),
            Self::Dev => f.write_str("devices /dev"),
            Self::Tmpfs { at, mode, size } => write!(f, "tmpfs {at} mode={mode:04o} size={size}"),
            Self::Bind { from, to, access: Access::ReadOnly } => write!(f, "bind {from} -> {to} (read-only)"),
            Self::Bind { from, to, access: Access::ReadWrite } => {
                write!(f, "bind {from} -> {to} (read-write)")
            }
            Self::File { at, content } => write!(f, "file {at} ({} bytes)", content.len()),
        }
    }
}

/// What runs inside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// A program of the root.
    Program {
        /// Its arguments; the first is looked up in the sandbox's PATH.
        argv: Vec<String>,
    },
    /// A function of kiln's own that runs in the payload's place, with its rights (embedded Lua).
    Job(Job),
}

/// A function of kiln's own, by name, with its input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Job {
    /// Its name in the table of jobs.
    pub name: String,
    /// Its input, as JSON.
    pub input: String,
}

/// What the command's standard input, output and error are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stdio {
    /// Input empty, output and error one pipe to the supervisor.
    Captured,
    /// Input a pipe that the supervisor fills; output and error one pipe.
    Piped,
    /// Input, output and error three pipes that the supervisor connects to its own.
    Connected,
    /// A terminal of the inner devpts.
    Terminal,
}

impl Stdio {
    /// Whether the supervisor reads the output itself.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Captured | Self::Piped)
    }
}

/// Everything about one sandbox.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SandboxSpec {
    /// The root's files.
    pub root: Root,
    /// What is mounted into it.
    pub steps: Vec<Step>,
    /// What it is for.
    pub phase: Phase,
    /// uid and gid of the command inside.
    pub user: (u32, u32),
    /// Whether it has a network.
    pub network: Network,
    /// What it may use.
    pub limits: Limits,
    /// `uname -n` inside.
    pub hostname: String,
    /// The working directory inside.
    pub directory: RootPath,
    /// The whole environment; nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// What runs.
    pub command: Command,
    /// Its standard streams.
    pub stdio: Stdio,
    /// What kind of machine it sees.
    #[serde(default)]
    pub machine: Machine,
    /// What `fsync` does.
    #[serde(default)]
    pub syncs: Syncs,
    /// Whether it can be attached to.
    #[serde(default)]
    pub visitors: Visitors,
    /// Whether sandboxes can be made in it.
    #[serde(default)]
    pub nesting: Nesting,
    /// Protections that are left out. A product has no such field.
    #[cfg(debug_assertions)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Guard>,
}

impl SandboxSpec {
    /// A sandbox with the mounts that every root has, no network, no limits, captured output, a fixed environment,
    /// and the user that the phase is for: root of the namespace to install, 1000 to build.
    pub fn new(root: Root, phase: Phase, command: Command) -> Self {
        let (user, directory, syncs) = match phase {
            Phase::Install => ((0, 0), "/", Syncs::Ignored),
            Phase::Build => ((1000, 1000), "/builddir", Syncs::Real),
        };
        Self {
            root,
            steps: base_steps(HOSTNAME),
            phase,
            user,
            network: Network::None,
            limits: Limits::default(),
            hostname: HOSTNAME.to_owned(),
            directory: fixed(directory),
            environment: environment(directory),
            command,
            stdio: Stdio::Captured,
            machine: Machine::Native,
            syncs,
            visitors: Visitors::Refused,
            nesting: Nesting::Refused,
            #[cfg(debug_assertions)]
            without: Vec::new(),
        }
    }

    /// Whether a protection is there: always, but in a build for tests.
    #[cfg(debug_assertions)]
    pub fn has(&self, guard: Guard) -> bool {
        !self.without.contains(&guard)
    }

    /// Whether a protection is there: always.
    #[cfg(not(debug_assertions))]
    pub fn has(&self, _guard: Guard) -> bool {
        true
    }
}

/// What a machine is called that exists for the length of one build.
const HOSTNAME: &str = "build";

/// The value of TERM where a command has a terminal: what every root's terminfo has, and all that is used today understand.
pub const TERMINAL: &str = "xterm-256color";

/// The environment of every sandbox: nothing of the caller's.
fn environment(home: &str) -> BTreeMap<String, String> {
    let home = if home == "/" { "/root" } else { home };
    [
        ("PATH", "/usr/bin:/usr/sbin:/bin:/sbin"),
        ("HOME", home),
        ("LANG", "C.UTF-8"),
        ("TERM", "dumb"),
        ("TZ", "UTC"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The mounts that every root has that is not a build's nor a person's.
pub fn base_steps(hostname: &str) -> Vec<Step> {
    build_steps(hostname, "")
}

/// The mounts that a build has. `resolver` is the content of `/etc/resolv.conf`.
pub fn build_steps(hostname: &str, resolver: &str) -> Vec<Step> {
    let hosts = format!("127.0.0.1 localhost {hostname}\n::1 localhost {hostname}\n");
    let mut steps = run_steps(resolver);
    steps.push(tmpfs("/run", 0o755));
    steps.push(Step::File { at: fixed("/etc/hosts"), content: hosts });
    steps
}

/// The mounts that a command in a writable root has: nothing of the root's own is hidden but its temporary files.
pub fn run_steps(resolver: &str) -> Vec<Step> {
    let resolver = Step::File { at: fixed("/etc/resolv.conf"), content: resolver.to_owned() };
    vec![Step::Proc, Step::Sys, Step::Dev, tmpfs("/tmp", 0o1777), tmpfs("/var/tmp", 0o1777), resolver]
}

fn tmpfs(at: &str, mode: u32) -> Step {
    Step::Tmpfs { at: fixed(at), mode, size: TMPFS_SIZE }
}

/// Half of a common build machine's memory; a limit on memory counts tmpfs too.
const TMPFS_SIZE: u64 = 8 << 30;

fn fixed(path: &str) -> RootPath {
    RootPath::new(path).expect("a constant path is absolute and clean")
}
