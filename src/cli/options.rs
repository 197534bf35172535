//! The options that every verb takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::config::{self, Overrides};
use crate::engine::{self, Access, Engine, Settings};
use crate::unit::HostPath;

/// Options that every verb takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// Release to work with: a name (`kiln releases` lists them) or a path that ends in .toml.
    #[arg(short = 'r', long, global = true, value_name = "RELEASE", env = "KILN_RELEASE")]
    pub(super) release: Option<String>,
    /// Directory with release files, searched before the others; may be given several times.
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) config_dir: Vec<PathBuf>,
    /// Directory where kiln keeps packages, metadata and layers [default: `$XDG_CACHE_HOME/kiln`, or
    /// /var/cache/kiln for root].
    #[arg(long, global = true, value_name = "DIR", env = "KILN_STORE")]
    pub(super) store: Option<PathBuf>,
    /// Another store, which is only read: what it has is used where it lies, and what is new goes into the store. It must
    /// belong to root or to the user. Metadata and package files are always used; unpacked packages and layers where it
    /// was made with the same user ids, by root for root, or by the same user.
    #[arg(long, global = true, value_name = "DIR", env = "KILN_SHARED_STORE")]
    pub(super) shared_store: Option<PathBuf>,
    /// Adds a repository, or moves the one of that id. A new one is not checked with OpenPGP: it has no keys.
    #[arg(long = "repo", global = true, value_name = "ID=URL")]
    pub(super) repos: Vec<String>,
    /// Uses a repository that the release describes and leaves off.
    #[arg(long = "enablerepo", global = true, value_name = "ID")]
    pub(super) enable_repos: Vec<String>,
    /// Leaves a repository of the release out.
    #[arg(long = "disablerepo", global = true, value_name = "ID")]
    pub(super) disable_repos: Vec<String>,
    /// Asks every repository whether it has changed, however fresh its metadata in the store is.
    #[arg(long, global = true, conflicts_with = "offline")]
    pub(super) refresh: bool,
    /// Fetches nothing; uses what the store has.
    #[arg(long, global = true)]
    pub(super) offline: bool,
    /// Limits what the sandbox may use: memory=4G,cpus=2,pids=4096,disk=20G,log=256M,time=2h,silence=30m; also
    /// `memory_high`, swap, `cpu_weight`, cpuset, `io_weight`, `io_bandwidth`, inodes.
    #[arg(long, global = true, value_name = "LIMITS")]
    pub(super) limit: Vec<String>,
    /// Network inside the sandbox. `host` gives up the isolation from the host's services.
    #[arg(long, global = true, value_enum)]
    pub(super) network: Option<NetworkOption>,
    /// Lets the build make user namespaces, for packages that test sandboxes. It opens a large part of the kernel to it.
    #[arg(long, global = true, value_enum, value_name = "WHAT")]
    pub(super) allow: Vec<AllowOption>,
    /// Writes one event a line as JSON to standard output.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Says more; shows the build's output as it comes.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Says only what failed; warnings are in the logs and in report.json.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum NetworkOption {
    /// Only the loopback interface.
    None,
    /// The host's network.
    Host,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AllowOption {
    /// User namespaces inside the sandbox.
    Userns,
}

impl From<NetworkOption> for config::Network {
    fn from(option: NetworkOption) -> Self {
        match option {
            NetworkOption::None => Self::None,
            NetworkOption::Host => Self::Host,
        }
    }
}

impl Common {
    /// The release that the verb needs.
    pub(super) fn release(&self) -> Result<&str, Failure> {
        self.release.as_deref().ok_or_else(|| {
            Failure::arguments("no release given", "add -r RELEASE; `kiln releases` lists them")
        })
    }

    /// The engine that these options describe. This is the one place where the environment is read.
    pub(super) fn engine<'a>(&self, output: &'a Output) -> Result<Engine<'a>, Failure> {
        let store = match &self.store {
            Some(store) => store.clone(),
            None => default_store()?,
        };
        let user_config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| home(".config"));
        let system = [user_config.map(|dir| dir.join("kiln")), Some(PathBuf::from("/etc/kiln"))];
        let config_dirs = self.config_dir.iter().cloned().chain(system.into_iter().flatten());
        let settings = Settings {
            store: HostPath::new(store),
            shared: self.shared_store.clone().map(HostPath::new),
            config_dirs: config_dirs.map(HostPath::new).collect(),
            overrides: self.overrides().map_err(engine::Error::from)?,
            access: match (self.offline, self.refresh) {
                (true, _) => Access::Offline,
                (false, true) => Access::Refreshing,
                (false, false) => Access::Online,
            },
        };
        Ok(Engine::new(settings, output.reporter()))
    }
}

impl Common {
    fn overrides(&self) -> Result<Overrides, config::Error> {
        let mut overrides = Overrides::default();
        self.repos.iter().try_for_each(|option| overrides.repo(option))?;
        self.enable_repos.iter().for_each(|id| overrides.enable(id));
        self.disable_repos.iter().for_each(|id| overrides.disable(id));
        self.limit.iter().try_for_each(|option| overrides.limit(option))?;
        for AllowOption::Userns in &self.allow {
            overrides.allow(config::Nesting::WORD);
        }
        if let Some(network) = self.network {
            overrides.network(network.into());
        }
        Ok(overrides)
    }
}

fn home(below: &str) -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(below))
}

fn default_store() -> Result<PathBuf, Failure> {
    if crate::engine::is_root() {
        return Ok(PathBuf::from("/var/cache/kiln"));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| home(".cache"));
    cache
        .map(|dir| dir.join("kiln"))
        .ok_or_else(|| Failure::arguments("neither HOME nor XDG_CACHE_HOME is set", "give --store DIR"))
}
