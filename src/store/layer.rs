//! Layers: what one transaction adds.

use std::collections::BTreeMap;

use crate::package::Nevra;
use crate::plan::{LayerId, LayerSpec, Setup};
use crate::store::manifest::{self, MANIFEST};
use crate::store::staging::Published;
use crate::store::{Error, Kind, Staging, Store};
use crate::sys::fs;
use crate::sys::lock::{Lock, Share};
use crate::unit::{Digest, HostPath};

const VERSION: u32 = 2;
/// How often a layer that others make and remove at the same time is looked for again.
const TRIES: usize = 16;

/// A package of a layer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LayerPackage {
    /// What it is.
    pub nevra: Nevra,
    /// The package file's digest.
    pub sha256: Digest,
}

/// `layers/<id>/manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LayerManifest {
    version: u32,
    /// The layer's name.
    pub id: LayerId,
    /// The layers below, uppermost first.
    pub parents: Vec<LayerId>,
    /// The packages that it adds.
    pub packages: Vec<LayerPackage>,
    /// What else decides its bytes.
    pub setup: Setup,
    /// The files beside the tree, by name, with their digests.
    pub records: BTreeMap<String, Digest>,
    /// The kiln that made it.
    pub kiln: String,
}

impl LayerManifest {
    /// The manifest of a layer made as `spec` says, with these files beside its tree.
    pub fn new(spec: &LayerSpec, records: BTreeMap<String, Digest>) -> Self {
        let package = |package: &crate::lock::LockedPackage| LayerPackage {
            nevra: package.nevra.clone(),
            sha256: package.digest.clone(),
        };
        Self {
            version: VERSION,
            id: spec.id.clone(),
            parents: spec.parents.clone(),
            packages: spec.packages.iter().map(package).collect(),
            setup: spec.setup.clone(),
            records,
            kiln: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A layer in the store, kept from being pruned while this value lives.
#[derive(Debug)]
pub struct Layer {
    /// Its manifest.
    pub manifest: LayerManifest,
    path: HostPath,
    lower: String,
    _lease: Lease,
}

/// Says that a layer is in use.
#[derive(Debug)]
pub struct Lease {
    /// Nothing where a store that is only read is on a file system that has no locks.
    _lock: Option<Lock>,
}

impl Layer {
    /// Its directory.
    pub fn path(&self) -> &HostPath {
        &self.path
    }

    /// The log of its making.
    pub fn log(&self) -> HostPath {
        let store = self.path.as_path().ancestors().nth(2).unwrap_or(self.path.as_path());
        HostPath::new(store.join("logs").join(format!("{}.log", self.manifest.id.hex())))
    }

    /// The same layer, in a store that is mounted at a place of the one that uses it.
    pub(super) fn mounted(self, at: &str) -> Self {
        Self { lower: format!("{at}/{}", self.lower), ..self }
    }

    /// Its tree, relative to the store: an overlay's lower directory.
    pub fn lower(&self) -> String {
        self.lower.clone()
    }

    /// Its tree on the host.
    pub fn fs(&self) -> HostPath {
        self.path.join("fs")
    }
}

impl Store {
    /// The layer of this name, leased.
    pub fn find_layer(&self, id: &LayerId) -> Result<Option<Layer>, Error> {
        match (self.own_layer(id)?, &self.below) {
            (None, Some(below)) => below.layer(id),
            (found, _) => Ok(found),
        }
    }

    /// The same, in this store alone.
    pub(super) fn own_layer(&self, id: &LayerId) -> Result<Option<Layer>, Error> {
        let path = self.layer_path(id);
        let file = path.join(MANIFEST);
        let Some(lease) = self.lease(&file)? else { return Ok(None) };
        let text = fs::read_text(&file)?;
        let damaged = |why: String| Error::Damaged { path: file.clone(), why };
        let manifest: LayerManifest = manifest::parse(&file, &text)?;
        if manifest.version != VERSION || manifest.id != *id {
            return Err(damaged("it is of another layer or version".to_owned()));
        }
        self.used(Kind::Layers, &id.hex())?;
        self.used(Kind::Logs, &format!("{}.log", id.hex()))?;
        let lower = own_lower(id);
        Ok(Some(Layer { manifest, path, lower, _lease: lease }))
    }

    /// The layer of this name with all below it, uppermost first; nothing where one of them is missing.
    pub fn find_layers(&self, id: &LayerId) -> Result<Option<Vec<Layer>>, Error> {
        let Some(top) = self.find_layer(id)? else { return Ok(None) };
        let mut layers = Vec::with_capacity(1 + top.manifest.parents.len());
        let parents = top.manifest.parents.clone();
        layers.push(top);
        for parent in &parents {
            match self.find_layer(parent)? {
                Some(layer) => layers.push(layer),
                None => return Ok(None),
            }
        }
        Ok(Some(layers))
    }

    /// Publishes a layer whose tree was made in the staging directory's `fs/`. Its lease is taken before anybody else
    /// can see it, so it is never pruned between its making and its use.
    pub fn publish_layer(&self, staging: &Staging, manifest: LayerManifest) -> Result<Layer, Error> {
        let path = self.layer_path(&manifest.id);
        self.write_manifest(staging.path(), &manifest)?;
        self.note_unsettled(Kind::Layers, manifest.id.hex())?;
        let file = staging.path().join(MANIFEST);
        let damaged = |path: &HostPath, why: &str| Error::Damaged { path: path.clone(), why: why.to_owned() };
        let lock = Lock::attempt(&file, Share::Shared)?;
        let lock = lock.ok_or_else(|| damaged(&file, "somebody else holds it while it is made"))?;
        for _ in 0..TRIES {
            match self.publish(staging.path(), &path)? {
                Published::Ours => {
                    let lower = own_lower(&manifest.id);
                    return Ok(Layer { manifest, path, lower, _lease: Lease { _lock: Some(lock) } });
                }
                Published::Theirs => {
                    if let Some(layer) = self.find_layer(&manifest.id)? {
                        return Ok(layer);
                    }
                }
            }
        }
        Err(damaged(&path, "it was removed again and again as it was made"))
    }

    /// A shared lock on a layer's manifest; nothing where the layer is missing or being removed.
    fn lease(&self, manifest: &HostPath) -> Result<Option<Lease>, Error> {
        match Lock::attempt(manifest, Share::Shared) {
            Ok(Some(lock)) if lock.is_current()? => Ok(Some(Lease { _lock: Some(lock) })),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) if self.is_below && error.is_without_locks() => Ok(Some(Lease { _lock: None })),
            Err(error) => Err(error.into()),
        }
    }

    fn layer_path(&self, id: &LayerId) -> HostPath {
        self.path().join("layers").join(id.hex())
    }
}

/// A layer's tree, relative to the store that it is in.
fn own_lower(id: &LayerId) -> String {
    format!("layers/{}/fs", id.hex())
}
