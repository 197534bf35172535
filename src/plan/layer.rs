//! A layer is named by what made it, so two builds that need the same packages find the same layer.

use std::fmt;

use crate::lock::LockedPackage;
use crate::unit::{Digest, Hasher};

/// The name of a layer: `H(parent, packages, setup)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct LayerId(Digest);

impl LayerId {
    /// The identifier as a directory's name.
    pub fn hex(&self) -> String {
        self.0.hex()
    }
}

impl fmt::Display for LayerId {
    /// Twelve digits, as git shows its objects.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.hex()[..12])
    }
}

/// What besides the packages decides a layer's bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Setup {
    /// The architecture of the root.
    pub arch: String,
    /// Locales whose `%lang` files are kept; empty keeps all (rpm's `_install_langs`).
    pub languages: Vec<String>,
    /// Whether `%doc` files are kept (rpm's `_excludedocs`).
    pub docs: bool,
    /// The time that is written as install time: `SOURCE_DATE_EPOCH` of the layer.
    pub epoch: u64,
}

/// A layer to make or to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSpec {
    /// Its name.
    pub id: LayerId,
    /// The layers below, uppermost first.
    pub parents: Vec<LayerId>,
    /// The packages that the transaction adds.
    pub packages: Vec<LockedPackage>,
    /// The rest of what decides its bytes.
    pub setup: Setup,
}

/// Grows when the installer writes other bytes for the same input.
const FORMAT: u32 = 2;

impl LayerSpec {
    /// The layer that adds `packages` on top of `parents` (uppermost first).
    pub fn new(parents: Vec<LayerId>, mut packages: Vec<LockedPackage>, setup: Setup) -> Self {
        packages.sort_by(|a, b| a.digest.cmp(&b.digest));
        let mut hasher = Hasher::new(crate::unit::Algorithm::Sha256);
        let parent = parents.first().map(LayerId::hex).unwrap_or_default();
        hasher.update(format!("kiln layer {FORMAT}\nparent {parent}\n").as_bytes());
        for package in &packages {
            for part in ["package ", &package.digest.to_string(), "\n"] {
                hasher.update(part.as_bytes());
            }
        }
        let Setup { arch, languages, docs, epoch } = &setup;
        hasher.update(format!("setup {arch} {languages:?} {docs} {epoch}\n").as_bytes());
        Self { id: LayerId(hasher.finish()), parents, packages, setup }
    }
}
