//! A release, frozen: everything a build of it needs to know, validated, with no variable left in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::config::ReleaseFile;
use crate::unit::{HostPath, Limits};

/// A named target, such as `fedora-43-x86_64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The file's name without `.toml`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The architecture of the packages, in rpm's words.
    pub arch: String,
    /// The distribution's kin, such as `fedora`; empty where the file does not say.
    pub family: String,
    /// The variables, with `arch`, `basearch` and what follows from `releasever`.
    pub vars: BTreeMap<String, String>,
    /// What every root of this release has.
    pub root: RootPackages,
    /// The repositories in use, in the order of the files.
    pub repos: Vec<Repo>,
    /// Repositories that the files describe and leave off.
    pub disabled: Vec<Repo>,
    /// How packages are chosen.
    pub solve: SolveOptions,
    /// How rpmbuild is run.
    pub build: Build,
    /// What a sandbox may use.
    pub limits: Limits,
    /// What a sandbox is like.
    pub sandbox: SandboxOptions,
    /// The files this came from, the first one extended first.
    pub files: Vec<ReleaseFile>,
    /// Which files had a say in a table: `root`, `build`, `repo fedora`.
    pub tables: BTreeMap<String, Vec<ReleaseFile>>,
}

/// `[root]`: the packages of the minimal root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPackages {
    /// Requirements as dnf takes them: names, globs, `@groups`, provides, paths.
    pub packages: Vec<String>,
    /// Languages whose translations are installed (`%_install_langs`); empty means all.
    pub languages: Vec<String>,
    /// Whether documentation is installed (`--nodocs` when not).
    pub docs: bool,
}

/// `[solve]`: what dnf has in `[main]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SolveOptions {
    /// Only the best candidate of a requested package will do.
    pub best: bool,
    /// Recommended packages are installed too.
    pub weak: bool,
    /// Globs over names and NEVRAs that are hidden in every repository.
    pub excludepkgs: Vec<String>,
    /// Such as `platform:el9`; modules need it.
    pub module_platform_id: Option<String>,
    /// The streams that are active whatever the defaults are, by module.
    pub enable_modules: BTreeMap<String, String>,
    /// Modules of which no stream may be active.
    pub disable_modules: BTreeSet<String>,
}

/// `[build]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// Macros by bare name; a value may use other macros.
    pub macros: BTreeMap<String, String>,
    /// Added to the environment of rpmbuild.
    pub environment: BTreeMap<String, String>,
    /// Seconds that one rpmbuild may take.
    pub timeout: Option<u64>,
}

/// `[sandbox]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxOptions {
    /// Whether a build has a network.
    pub network: Network,
    /// `uname -n` inside.
    pub hostname: String,
    /// Whether user namespaces can be made inside (`allow = ["userns"]`).
    pub nesting: Nesting,
    /// What `fsync` does in a build; while installing it does nothing.
    pub syncs: Syncs,
}

/// Whether sandboxes can be made inside a sandbox: user namespaces, and what is done with them (mounts, host names).
/// Some packages test that in their `%check` (bubblewrap, podman, flatpak). It opens a large part of the kernel to
/// the build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nesting {
    /// No.
    #[default]
    Refused,
    /// Yes.
    Allowed,
}

impl Nesting {
    /// The word that allows it, in files and options.
    pub const WORD: &str = "userns";

    /// What a word of `allow` stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        (word == Self::WORD).then_some(Self::Allowed)
    }
}

/// What `fsync` and its kind do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syncs {
    /// What they say.
    #[default]
    Real,
    /// Nothing, and successfully: what is written is thrown away, or made durable later and as a whole.
    Ignored,
}

impl Syncs {
    /// The word for it in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Ignored => "ignored",
        }
    }

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Real, Self::Ignored].into_iter().find(|syncs| syncs.as_str() == word)
    }
}

/// Whether the sandbox shares the host's network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Only the loopback interface, no route.
    #[default]
    None,
    /// The host's network namespace.
    Host,
}

impl Network {
    /// The word for it in files and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Host => "host",
        }
    }

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::None, Self::Host].into_iter().find(|network| network.as_str() == word)
    }
}

/// `[[repo]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    /// Its id.
    pub id: String,
    /// Its name for people; the id where the file gives none.
    pub name: String,
    /// Where it is.
    pub origin: Origin,
    /// Whether packages must be signed by one of `keys`.
    pub gpgcheck: Check,
    /// Whether `repomd.xml` must be signed by one of `keys`.
    pub repo_gpgcheck: Check,
    /// The keys; never empty where one of the checks is on.
    pub keys: Vec<Key>,
    /// A lower number wins.
    pub priority: i32,
    /// A lower number is preferred between equal packages.
    pub cost: u32,
    /// When not empty, only what matches is seen.
    pub includepkgs: Vec<String>,
    /// What matches is not seen.
    pub excludepkgs: Vec<String>,
    /// Whether the run goes on without it when it cannot be had.
    pub skip_if_unavailable: bool,
    /// Whether its packages are seen whatever modules say.
    pub module_hotfixes: bool,
    /// Seconds that metadata is used without asking again; [`NEVER`] for ever.
    pub metadata_expire: u64,
    /// How its servers are reached.
    pub connection: Connection,
}

/// How a repository's servers are reached, and how they and kiln prove themselves to each other over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// Whether a server must prove that it is the one it is taken for (`sslverify`).
    pub servers: Check,
    /// The authorities that may vouch for it, in place of the host's (`sslcacert`).
    pub authorities: Option<HostPath>,
    /// kiln's own certificate (`sslclientcert`).
    pub certificate: Option<HostPath>,
    /// The key of that certificate, where it is in a file of its own (`sslclientkey`).
    pub key: Option<HostPath>,
    /// What is asked in the servers' place.
    pub proxy: Proxy,
}

impl Connection {
    /// As the host does it.
    pub const HOST: Self = Self {
        servers: Check::On,
        authorities: None,
        certificate: None,
        key: None,
        proxy: Proxy::Environment,
    };
}

/// Which proxy a repository's servers are asked through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proxy {
    /// The one that `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
    Environment,
    /// None, whatever the environment says.
    None,
    /// This one, with its credentials, but for what `no_proxy` leaves out.
    Url(String),
}

/// The `metadata_expire` of a repository that never changes.
pub const NEVER: u64 = u64::MAX;

/// Where a repository is. URLs are `http`, `https` or `file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The directories above `repodata`, one as good as the other; never empty.
    Baseurl(Vec<String>),
    /// A text file of such URLs, one a line.
    Mirrorlist(String),
    /// A metalink of `repomd.xml`, with its digests.
    Metalink(String),
}

/// Whether signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// They must be there and right.
    On,
    /// They are not looked at.
    Off,
}

/// An OpenPGP key that a repository's signatures may be made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where the certificate is.
    pub location: KeyLocation,
    /// The pinned fingerprint of its primary key: 40 or 64 hexadecimal digits, upper case. A certificate with another
    /// one must be refused; where nothing is pinned, the file is trusted as it is.
    pub fingerprint: Option<String>,
    /// What becomes of it when its time is over.
    pub expired: Expired,
}

/// What becomes of a key whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// It is not used any more.
    Refused,
    /// What it signed before counts. Only with a pinned fingerprint: distributions that are out of maintenance are
    /// signed with keys that nobody prolongs.
    Accepted,
}

/// Where a certificate is, armoured or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// A file of the host.
    Path(HostPath),
    /// An `http` or `https` URL; only with a pinned fingerprint.
    Url(String),
}

impl KeyLocation {
    /// The key of a release file that says it, and its value.
    pub(super) fn written(&self) -> (&'static str, String) {
        match self {
            Self::Path(path) => ("path", path.to_string()),
            Self::Url(url) => ("url", url.clone()),
        }
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}
