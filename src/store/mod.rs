//! Everything that is made once and never changes: repository metadata, package files, unpacked packages, layers.
//!
//! Whatever lies here is named by what made it, so a thing that is found is the right thing, and readers take no
//! lock. Everything is made in `tmp/` and appears by one `rename(2)`: a process killed at any moment leaves either the
//! whole thing or garbage in `tmp/`, which the next run can tell from live work by its lock. What a power cut may take is
//! looked at again after the next boot (`unsettled`). Two makers of the
//! same thing race, and the loser throws its copy away.
//!
//! ```text
//! format            the layout's version
//! ids.json          the user namespace's id map: files are owned by its ids, so one map owns a store
//! repos/<digest>/   metadata as fetched
//! rpms/<hex>.rpm    package files as fetched
//! packages/<hex>/   manifest.json, header, signature, files/<index>: one unpacked package
//! layers/<id>/      manifest.json, fs/, installed, listing: what one transaction adds, its packages, its files one by one
//! locks/<hex>.json  which packages a request chose, by the digest of the request and the metadata
//! logs/<id>.log     what scriptlets said while a layer was made
//! unsettled/        what may not have reached the disk yet
//! shared/           where the keeper mounts a store below this one
//! tmp/<name>/       being made; tmp/<name>.lock says whether its maker lives
//! inputs.lock       shared while somebody reads repos, rpms or packages; exclusive while they are pruned
//! ```

mod error;
mod layer;
mod layout;
pub mod listing;
mod manifest;
mod object;
mod package;
mod prune;
mod shared;
mod staging;
#[cfg(test)]
mod tests;
mod unsettled;
mod upkeep;
mod verify;

pub use error::Error;
pub use layer::{Layer, LayerManifest, LayerPackage, Lease};
pub use layout::Store;
pub use object::{Kind, Object};
pub use package::{PackageManifest, StoredPackage, stored_mode};
pub use prune::{Effect, Inputs, Prune, Pruned, Removed, Which, prune, retire_all};
pub use shared::{NotShared, SHARED};
pub use staging::{Leftovers, Staging, Work};
pub use unsettled::Doubt;
pub use upkeep::{Usage, remove, usage};
pub use verify::{Check, Fault, verify};
