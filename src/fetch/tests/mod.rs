//! The whole module against a server that misbehaves.

mod keys;
mod old;
mod openpgp;
mod packages;
mod repository;
mod server;
mod transport;
mod trust;

use std::time::Duration;

use crate::config::{Check, Connection, Origin, Repo};
use crate::fetch::{FetchOptions, Fetcher, Network, Proxies, Timeouts};
use crate::unit::HostPath;

/// A fetcher with patience for a busy machine.
fn fetcher() -> Fetcher {
    with(|_| {})
}

/// One that loses patience soon, where a server stalls.
fn hasty() -> Fetcher {
    with(|options| options.timeouts.stall = Duration::from_millis(200))
}

fn with(change: impl FnOnce(&mut FetchOptions)) -> Fetcher {
    let mut options = FetchOptions {
        proxies: Proxies::None,
        retries: 2,
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(10),
            slowest: 1000,
            back_off: Duration::from_millis(10),
        },
        ..FetchOptions::default()
    };
    change(&mut options);
    Fetcher::new(options)
}

fn offline() -> Fetcher {
    with(|options| options.network = Network::Offline)
}

/// A store that is removed at the end.
struct Store {
    _dir: tempfile::TempDir,
    path: HostPath,
}

impl Store {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = HostPath::new(dir.path().join("store"));
        Self { _dir: dir, path }
    }

    /// The names in one of its directories.
    fn list(&self, dir: &str) -> Vec<String> {
        let names = crate::sys::fs::list(self.path.join(dir)).unwrap_or_default();
        names.into_iter().map(|name| name.into_string().unwrap()).collect()
    }
}

fn repo(origin: Origin) -> Repo {
    Repo {
        id: "x".to_owned(),
        name: "x".to_owned(),
        origin,
        gpgcheck: Check::Off,
        repo_gpgcheck: Check::Off,
        keys: Vec::new(),
        priority: 99,
        cost: 1000,
        includepkgs: Vec::new(),
        excludepkgs: Vec::new(),
        skip_if_unavailable: false,
        module_hotfixes: false,
        metadata_expire: 0,
        connection: Connection::HOST,
    }
}

/// An error with all its causes.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", told(source)),
        None => error.to_string(),
    }
}
