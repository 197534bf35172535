//! URLs become verified files in the store.
//!
//! Why it is one module: what comes from the network is hostile until it is the promised bytes, signed by a key the
//! release file names, and that is decided here and nowhere else. Nothing gets its final name in the store before; no
//! reader outside sees a part. A mirror may be slow, gone, out of step or lying: then the next one is asked, and the
//! error, if it comes to that, tells what each of them said.

mod batch;
mod cause;
pub mod check;
mod client;
mod dirs;
mod download;
mod error;
mod keys;
mod memory;
mod metalink;
mod mirrors;
pub mod openpgp;
mod origin;
mod packages;
mod progress;
mod repository;
mod signed;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::time::{Duration, SystemTime};

use client::Shared;
use dirs::Dirs;
use mirrors::Hosts;

pub use cause::{Answers, Cause};
pub use error::Error;
pub use mirrors::Mirrors;
pub use packages::{Came, Trust, Upstream, Wanted};
pub use repository::Repository;
pub use signed::PackageFault;

use crate::unit::HostPath;

/// How fetching is done.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Whether the network may be used.
    pub network: Network,
    /// Whether repositories are asked again.
    pub refresh: Refresh,
    /// Whether the environment's proxies are used.
    pub proxies: Proxies,
    /// What kiln calls itself.
    pub user_agent: String,
    /// How often a place whose failure may have passed is asked again.
    pub retries: u32,
    /// Downloads at once.
    pub parallel: usize,
    /// Connections to one host at once.
    pub per_host: usize,
    /// When to lose patience.
    pub timeouts: Timeouts,
    /// Whether the run was interrupted; asked often.
    pub interrupted: fn() -> bool,
    /// A store below, which is only read: what it has is used where it lies.
    pub shared: Option<HostPath>,
}

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// As it is needed.
    Online,
    /// Never (`--offline`): what is not in the store is an error. Repositories on this host can still be read.
    Offline,
}

/// Whether a repository is asked for what the store has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// When its `metadata_expire` has passed.
    WhenExpired,
    /// Always (`--refresh`).
    Always,
}

/// Whether proxies are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxies {
    /// As `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
    FromEnvironment,
    /// Never.
    None,
}

/// When to lose patience.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// With a connection that is not made.
    pub connect: Duration,
    /// With a server that sends nothing, or less than `slowest`.
    pub stall: Duration,
    /// Bytes a second below which a server counts as stalled.
    pub slowest: u64,
    /// The pause before places are asked again; it doubles each time.
    pub back_off: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            network: Network::Online,
            refresh: Refresh::WhenExpired,
            proxies: Proxies::FromEnvironment,
            user_agent: concat!("kiln/", env!("CARGO_PKG_VERSION")).to_owned(),
            retries: 3,
            parallel: 8,
            per_host: 3,
            timeouts: Timeouts::default(),
            interrupted: || false,
            shared: None,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            slowest: 1000,
            back_off: Duration::from_millis(500),
        }
    }
}

/// Fetches. One for a whole run: its connections are kept and shared.
#[derive(Debug)]
pub struct Fetcher {
    options: FetchOptions,
    client: Shared,
    hosts: Hosts,
}

impl Fetcher {
    /// A fetcher; it opens nothing before it has to.
    pub fn new(options: FetchOptions) -> Self {
        let hosts = Hosts::new(options.per_host);
        Self { options, client: Shared::default(), hosts }
    }
}

impl Fetcher {
    /// A store's directories, over those of the store below.
    fn dirs(&self, store: &HostPath) -> Result<Dirs, Error> {
        Ok(Dirs::of(store)?.over(self.options.shared.as_ref()))
    }
}

/// What a metalink says, for the fuzzer, which sees no private doors.
#[cfg(fuzzing)]
pub fn read_metalink(text: &str) -> Result<usize, String> {
    metalink::Metalink::parse(text).map(|metalink| metalink.bases.len())
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
