//! From requirements to a root: lock, layers, and what is missing of them fetched, unpacked and installed.

use crate::engine::error::Error;
use crate::engine::resolve::Wanted;
use crate::engine::session::Session;
use crate::fetch::Came;
use crate::install::unpack::{self, Known};
use crate::lock::{Lock, LockedPackage};
use crate::plan::{LayerId, LayerSpec, Setup};
use crate::report::{Stage, during};
use crate::store::{Kind, Layer, Leftovers};
use crate::unit::Bytes;

/// A root that is ready to be used: its layers are in the store.
#[derive(Debug)]
pub(super) struct PreparedRoot {
    /// Uppermost first; never empty.
    layers: Vec<Layer>,
    /// Every package in it.
    pub(super) lock: Lock,
}

impl PreparedRoot {
    /// The uppermost layer's name.
    pub(super) fn id(&self) -> &LayerId {
        &self.layers[0].manifest.id
    }

    /// Overlay lower directories relative to the store, uppermost first.
    pub(super) fn lower(&self) -> Vec<String> {
        self.layers.iter().map(Layer::lower).collect()
    }

    /// The log of the transactions that made it, lowest layer first.
    pub(super) fn log(&self) -> Vec<u8> {
        let logs = self.layers.iter().rev().map(Layer::log);
        // The log of a layer may have been pruned before it.
        logs.flat_map(|path| crate::sys::fs::read(path).unwrap_or_default()).collect()
    }
}

impl Session<'_> {
    /// The release's root, with `install` over it.
    pub(super) fn root(&self, install: &[String]) -> Result<PreparedRoot, Error> {
        self.prepare(install).map_err(|error| error.or_full(self.store.path(), Bytes(0)))
    }

    fn prepare(&self, install: &[String]) -> Result<PreparedRoot, Error> {
        self.recover()?;
        let _inputs = self.store.use_inputs()?;
        let lock = self.lock(&Wanted::install(&self.release.root.packages))?;
        let base = self.layer(&[], lock.packages.clone())?;
        let base = PreparedRoot { layers: vec![base], lock };
        let wanted = Wanted::install(install);
        if wanted.is_empty() { Ok(base) } else { self.root_over(base, &wanted) }
    }

    /// A root with what is wanted besides what `base` has. Where that needs other versions than `base` has, a root of its
    /// own is made: layers never erase or upgrade.
    pub(super) fn root_over(&self, base: PreparedRoot, wanted: &Wanted) -> Result<PreparedRoot, Error> {
        let _inputs = self.store.use_inputs()?;
        let lock = match self.lock_over(&base.lock, wanted) {
            Err(Error::Conflict(_)) => {
                self.lock(&Wanted::install(&self.release.root.packages).and(wanted))?
            }
            lock => lock?,
        };
        let is_new = |package: &&LockedPackage| !base.lock.packages.contains(package);
        let added: Vec<LockedPackage> = lock.packages.iter().filter(is_new).cloned().collect();
        let kept = lock.packages.len() - added.len();
        let mut layers = base.layers;
        if kept < base.lock.packages.len() {
            layers = vec![self.layer(&[], lock.packages.clone())?];
        } else if !added.is_empty() {
            let parents: Vec<LayerId> = layers.iter().map(|layer| layer.manifest.id.clone()).collect();
            layers.insert(0, self.layer(&parents, added)?);
        }
        Ok(PreparedRoot { layers, lock })
    }

    /// The layer that adds `packages` over `parents`: from the store, or made now.
    fn layer(&self, parents: &[LayerId], packages: Vec<LockedPackage>) -> Result<Layer, Error> {
        let setup = Setup {
            arch: self.release.arch.clone(),
            languages: self.release.root.languages.clone(),
            docs: self.release.root.docs,
            epoch: INSTALL_TIME,
        };
        let spec = LayerSpec::new(parents.to_vec(), packages, setup);
        if let Some(layer) = self.store.find_layer(&spec.id)? {
            return Ok(layer);
        }
        // What runs that were killed left would fill the store up in the end.
        let left = self.store.garbage(Leftovers::Useless)?;
        if !left.is_empty() {
            self.remove(&left)?;
        }
        let made = self
            .fetch(&spec.packages)
            .and_then(|()| during(Stage::Install, self.reporter, || self.install(&spec)));
        let bytes = spec.packages.iter().map(|package| package.size).sum();
        made.map_err(|error| error.or_full(self.store.path(), Bytes(bytes)))
    }

    /// Brings packages into the store: fetched and verified, and each unpacked as soon as it is there.
    fn fetch(&self, packages: &[LockedPackage]) -> Result<(), Error> {
        let mut missing = Vec::new();
        for package in packages {
            if self.store.package(&package.digest)?.is_none() {
                missing.push(package.clone());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let sources = self.sources()?;
        let (sender, arrivals) = std::sync::mpsc::channel();
        let (mut wanted, mut positions) = (Vec::new(), Vec::new());
        for (at, package) in missing.iter().enumerate() {
            if let Some(source) = sources.iter().find(|source| source.repo.id == package.repo) {
                wanted.push(source.state.upstream.wanted(package));
                positions.push(at);
            } else {
                // A local package: the store has its file. Nobody has dropped the receiver yet.
                let _ = sender.send((at, Known::Nothing));
            }
        }
        let (store, reporter) = (&self.store, self.reporter);
        let files: Vec<_> = missing.iter().map(|package| unpack::Source::locked(package, store)).collect();
        let unpack = || unpack::unpack_arriving(&files, arrivals, store, reporter);
        std::thread::scope(|scope| {
            let unpacking = scope.spawn(|| during(Stage::Unpack, reporter, unpack));
            let arrived = |index: usize, came| {
                let name = format!("{}.rpm", missing[positions[index]].digest.hex());
                if came == Came::Now
                    && let Err(error) = store.note_unsettled(Kind::Rpms, name)
                {
                    // Its digest is looked at again before it is used again.
                    tracing::debug!(%error, "a package file without a mark");
                }
                // Unpacking that failed says so itself.
                let _ = sender.send((positions[index], known(came)));
            };
            let fetch = || self.fetcher().packages(&wanted, store.path(), reporter, &arrived);
            let fetched =
                if wanted.is_empty() { Ok(Vec::new()) } else { during(Stage::Fetch, reporter, fetch) };
            drop(sender);
            let unpacked = unpacking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            fetched?;
            unpacked.map_err(|error| Error::Unpack(Box::new(error)))
        })?;
        for package in &missing {
            self.store.used(Kind::Rpms, &format!("{}.rpm", package.digest.hex()))?;
        }
        Ok(())
    }

    fn install(&self, spec: &LayerSpec) -> Result<Layer, Error> {
        let path = self.store.layer_log(&spec.id);
        let failed = |source| Error::Host { doing: format!("writing {path}"), source };
        let mut log = crate::sys::fs::create(&path).map_err(failed)?;
        self.store.own(&path)?;
        crate::install::install(spec, &self.store, self.keeper()?, self.reporter, &mut log).map_err(
            |source| Error::Root { source: Box::new(source), log: crate::engine::results::tail(path) },
        )
    }
}

/// The time that is written as install time into every layer: the same, so that the same layer is the same bytes.
const INSTALL_TIME: u64 = 1_000_000_000;

fn known(came: Came) -> Known {
    match came {
        Came::Now | Came::Below => Known::Verified,
        Came::Before => Known::Nothing,
    }
}
