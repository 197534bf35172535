//! What one run of the engine holds: the store, the keeper of the user namespace, the fetcher. Made when first needed:
//! `kiln solve` never asks for a user namespace, a warm root never asks for a network.

use std::cell::{Cell, OnceCell};
use std::thread::JoinHandle;

use crate::config::Release;
use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::repositories::{Source, Tables};
use crate::engine::request::{Access, Settings};
use crate::fetch::{FetchOptions, Fetcher, Network, Refresh};
use crate::plan::IdMap;
use crate::report::{Reporter, SandboxRecord};
use crate::sandbox::Keeper;
use crate::store::{NotShared, SHARED, Store};
use crate::unit::Bytes;

/// A keeper that is being started.
type Starting = JoinHandle<Result<Keeper, crate::sandbox::Error>>;

/// Handles for one release.
pub(super) struct Session<'a> {
    pub(super) settings: &'a Settings,
    pub(super) reporter: &'a dyn Reporter,
    pub(super) release: &'a Release,
    pub(super) store: Store,
    ids: IdMap,
    keeper: OnceCell<Keeper>,
    /// How sandboxes are made here; known with the keeper.
    record: OnceCell<SandboxRecord>,
    starting: Cell<Option<Starting>>,
    fetcher: OnceCell<Fetcher>,
    pub(super) sources: OnceCell<Vec<Source>>,
    pub(super) tables: OnceCell<Tables>,
}

impl<'a> Session<'a> {
    /// Opens the store for the engine's user.
    pub(super) fn open(engine: &'a Engine<'_>, release: &'a Release) -> Result<Self, Error> {
        Self::reporting(engine, release, engine.reporter)
    }

    /// The same, telling another reporter.
    pub(super) fn reporting(
        engine: &'a Engine<'_>,
        release: &'a Release,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, Error> {
        crate::sandbox::catch_signals()?;
        let ids = crate::sandbox::id_map()?;
        let store = Store::open_over(&engine.settings.store, engine.settings.shared.as_ref(), &ids)
            .map_err(|error| Error::from(error).or_full(&engine.settings.store, Bytes(0)))?;
        match store.not_shared() {
            Some(NotShared::Doubt(why)) => engine.reporter.warn(why),
            Some(NotShared::Ids(why)) => engine.reporter.detail(why),
            None => {}
        }
        Ok(Self {
            settings: &engine.settings,
            reporter,
            release,
            store,
            ids,
            keeper: OnceCell::new(),
            record: OnceCell::new(),
            starting: Cell::new(None),
            fetcher: OnceCell::new(),
            sources: OnceCell::new(),
            tables: OnceCell::new(),
        })
    }

    /// Starts the keeper beside other work, where it will be needed for sure.
    pub(super) fn start_keeper(&self) {
        if self.keeper.get().is_none() && runs_here(self.release).is_ok() {
            let (ids, store) = (self.ids.clone(), self.store.path().clone());
            self.starting.set(Some(std::thread::spawn(move || Keeper::start(&ids, &store))));
        }
    }

    /// The keeper; started when it is first asked for.
    pub(super) fn keeper(&self) -> Result<&Keeper, Error> {
        if let Some(keeper) = self.keeper.get() {
            return Ok(keeper);
        }
        runs_here(self.release)?;
        let limits = &self.release.limits;
        let keeper = match self.starting.take() {
            Some(starting) => starting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?,
            None => Keeper::start(&self.ids, self.store.path())?,
        };
        let keeper = keeper.with_limits(limits.clone());
        if let Some(shared) = self.store.mounted() {
            keeper.mount(shared, SHARED)?;
        }
        let record = keeper.record(limits, self.release.sandbox.network);
        for loss in &record.warnings {
            self.reporter.warn(loss.clone());
        }
        self.record.get_or_init(|| record);
        Ok(self.keeper.get_or_init(|| keeper))
    }

    /// The fetcher; made when it is first asked for.
    pub(super) fn fetcher(&self) -> &Fetcher {
        let shared = self.store.shared().cloned();
        let options = || FetchOptions { shared, ..self.settings.access.options() };
        self.fetcher.get_or_init(|| Fetcher::new(options()))
    }

    /// Removes things of the store, inside the user namespace, since any of its ids may own files in them.
    pub(super) fn remove(&self, paths: &[String]) -> Result<(), Error> {
        self.keeper()?.call(&jobs::remove(paths))?;
        Ok(())
    }
}

impl Session<'_> {
    /// How sandboxes are made here, for the report, with everything that was warned of.
    pub(super) fn sandbox_record(&self, warnings: Vec<String>) -> SandboxRecord {
        SandboxRecord { warnings, ..self.record.get().cloned().unwrap_or_default() }
    }
}

impl Access {
    /// How fetching is done with it.
    pub(super) fn options(self) -> FetchOptions {
        let (network, refresh) = match self {
            Self::Online => (Network::Online, Refresh::WhenExpired),
            Self::Refreshing => (Network::Online, Refresh::Always),
            Self::Offline => (Network::Offline, Refresh::WhenExpired),
        };
        let interrupted = crate::sandbox::interrupted;
        FetchOptions { network, refresh, interrupted, ..FetchOptions::default() }
    }
}

/// Architectures whose programs a processor runs besides its own.
const ALSO_RUNS: &[(&str, &[&str])] = &[
    ("x86_64", &["i386", "i486", "i586", "i686", "x86_64_v2", "x86_64_v3", "x86_64_v4"]),
    // What Rust calls it; kiln runs on its little-endian form only.
    ("powerpc64", &["ppc64le"]),
];

fn runs_here(release: &Release) -> Result<(), Error> {
    let host = std::env::consts::ARCH;
    let also = ALSO_RUNS.iter().find(|row| row.0 == host).map_or(&[][..], |row| row.1);
    if release.arch == host || release.arch == "noarch" || also.contains(&release.arch.as_str()) {
        return Ok(());
    }
    Err(Error::ForeignArch {
        release: release.name.clone(),
        arch: release.arch.clone(),
        host: host.to_owned(),
    })
}
