//! Unpacked packages.

use crate::package::{FileEntry, Nevra};
use crate::store::manifest::{self, MANIFEST};
use crate::store::{Error, Kind, Staging, Store};
use crate::sys::fs;
use crate::unit::{Digest, HostPath};

const VERSION: u32 = 1;

/// `packages/<hex>/manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PackageManifest {
    version: u32,
    /// What it is.
    pub nevra: Nevra,
    /// The package file's digest, which names the directory.
    pub digest: Digest,
    /// The package file's size.
    pub size: u64,
    /// The digest of `header`; the files' own digests are in the header.
    pub header: Digest,
    /// The digest of `signature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Digest>,
    /// How many of the package's files have content, by name.
    pub files: u64,
    /// Bytes of content, each hard-linked set counted once.
    pub bytes: u64,
}

impl PackageManifest {
    /// A manifest of the version that this kiln writes.
    pub fn new(nevra: Nevra, digest: Digest, size: u64, header: Digest) -> Self {
        Self { version: VERSION, nevra, digest, size, header, signature: None, files: 0, bytes: 0 }
    }
}

/// Permission bits of a package's file in the store. What a layer links belongs to root, and keeps all of them; what
/// belongs to somebody else is copied into a layer, and meanwhile is nobody's setuid.
pub fn stored_mode(file: &FileEntry) -> u32 {
    let root = file.user == "root" && file.group == "root";
    file.permissions() & if root { 0o7777 } else { 0o1777 }
}

/// A package in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPackage {
    /// Its directory.
    pub path: HostPath,
    /// Its manifest.
    pub manifest: PackageManifest,
}

impl StoredPackage {
    /// The package's header as it is in the package file (`Header::parse` with `Origin::Package`).
    pub fn header(&self) -> Result<fs::Mapped, Error> {
        Ok(fs::map(self.path.join("header"))?)
    }

    /// The package's signature header as it is in the package file (`Origin::Signature`).
    pub fn signature(&self) -> Result<fs::Mapped, Error> {
        Ok(fs::map(self.path.join("signature"))?)
    }

    /// The content of the file with this position in the header. Members of a hard-linked set are one inode.
    pub fn file(&self, index: usize) -> HostPath {
        self.path.join("files").join(index.to_string())
    }
}

impl Store {
    /// The unpacked package of a digest.
    pub fn package(&self, digest: &Digest) -> Result<Option<StoredPackage>, Error> {
        match (self.own_package(digest)?, &self.below) {
            (None, Some(below)) => below.package(digest),
            (found, _) => Ok(found),
        }
    }

    /// The same, in this store alone.
    pub(super) fn own_package(&self, digest: &Digest) -> Result<Option<StoredPackage>, Error> {
        let path = self.package_path(digest);
        let file = path.join(MANIFEST);
        let text = match fs::read_text(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let damaged = |why: String| Error::Damaged { path: file.clone(), why };
        let manifest: PackageManifest = manifest::parse(&file, &text)?;
        if manifest.version != VERSION || manifest.digest != *digest {
            return Err(damaged("it is of another package or version".to_owned()));
        }
        self.used(Kind::Packages, &digest.hex())?;
        Ok(Some(StoredPackage { path, manifest }))
    }

    /// Publishes an unpacked package that was made in a staging directory.
    pub fn publish_package(
        &self,
        staging: &Staging,
        manifest: PackageManifest,
    ) -> Result<StoredPackage, Error> {
        let path = self.package_path(&manifest.digest);
        self.write_manifest(staging.path(), &manifest)?;
        self.note_unsettled(Kind::Packages, manifest.digest.hex())?;
        self.publish(staging.path(), &path)?;
        Ok(StoredPackage { path, manifest })
    }

    fn package_path(&self, digest: &Digest) -> HostPath {
        self.path().join("packages").join(digest.hex())
    }
}
