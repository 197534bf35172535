//! Packages made by the `rpm` crate, unpacked into a store.

use std::os::unix::fs::MetadataExt as _;

use rpm::{BuildConfig, CompressionType, FileOptions, PackageBuilder};

use crate::install::unpack::{Source, unpack};
use crate::package::file::PackageFile;
use crate::package::header::{Header, Origin};
use crate::plan::{IdMap, IdRange, Tier};
use crate::report::Silent;
use crate::store::{Store, StoredPackage};
use crate::sys::owner::Owner;
use crate::unit::{Digest, HostPath};

/// A store in a directory of its own, and what is unpacked into it.
pub(super) struct Place {
    directory: tempfile::TempDir,
    pub(super) store: Store,
}

impl Place {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let Owner { uid, gid } = Owner::current();
        let range = |outside| vec![IdRange { inside: 0, outside, count: 1 }];
        let ids = IdMap { tier: Tier::SingleId, uids: range(uid), gids: range(gid) };
        let store = Store::open(&HostPath::new(directory.path().join("store")), &ids).unwrap();
        Self { directory, store }
    }

    pub(super) fn source(&self, bytes: &[u8]) -> Source {
        let digest = Digest::sha256(bytes);
        let file = HostPath::new(self.directory.path().join(digest.hex()));
        std::fs::write(&file, bytes).unwrap();
        Source { nevra: "demo-1-1.noarch".parse().unwrap(), digest, file, size: bytes.len() as u64 }
    }

    fn unpack(&self, bytes: &[u8]) -> StoredPackage {
        let mut packages = unpack(&[self.source(bytes)], &self.store, &Silent).unwrap();
        assert!(crate::sys::fs::list(self.store.path().join("tmp")).unwrap().is_empty());
        packages.remove(0)
    }
}

pub(super) fn builder(config: BuildConfig) -> PackageBuilder {
    let mut builder = PackageBuilder::new("demo", "1", "MIT", "noarch", "A package to unpack");
    builder.using_config(config.source_date(1_700_000_000_u32).reserved_space(None)).release("1");
    builder
}

pub(super) fn written(builder: &mut PackageBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.build().unwrap().write(&mut bytes).unwrap();
    bytes
}

fn sample(config: BuildConfig) -> Vec<u8> {
    let file = |path: &str| FileOptions::new(path.to_owned());
    let mut builder = builder(config);
    builder
        .with_file_contents("#!/bin/sh\n", file("/usr/bin/demo").permissions(0o4755))
        .unwrap()
        .with_file_contents("", file("/usr/share/demo/empty").permissions(0o640))
        .unwrap()
        .with_file_contents("linked", file("/usr/share/demo/one").hardlink("set"))
        .unwrap()
        .with_file_contents("linked", file("/usr/share/demo/two").hardlink("set"))
        .unwrap()
        .with_file_contents("private", file("/var/lib/demo").permissions(0o6711).user("demo"))
        .unwrap()
        .with_symlink(FileOptions::symlink("/usr/bin/link", "../bin/demo"))
        .unwrap()
        .with_dir_entry(FileOptions::dir("/usr/share/demo"))
        .unwrap()
        .with_ghost(FileOptions::ghost("/var/log/demo"))
        .unwrap()
        .with_special_file(FileOptions::character_device("/dev/demo", 1, 3))
        .unwrap();
    written(&mut builder)
}

#[test]
fn a_package_of_any_format_and_codec_is_unpacked() {
    let codecs = [
        CompressionType::None,
        CompressionType::Gzip,
        CompressionType::Bzip2,
        CompressionType::Xz,
        CompressionType::Zstd,
    ];
    for (config, codec) in codecs.into_iter().flat_map(|c| [(BuildConfig::v4(), c), (BuildConfig::v6(), c)]) {
        let place = Place::new();
        let bytes = sample(config.compression(codec));
        let package = place.unpack(&bytes);
        let header = package.header().unwrap();
        let files = Header::parse(&header, Origin::Package).unwrap().files().unwrap();
        let index = |path: &str| files.iter().find(|file| file.path.as_str() == path).unwrap().index;
        let stat = |path: &str| std::fs::metadata(package.file(index(path))).unwrap();
        let text = |path: &str| std::fs::read_to_string(package.file(index(path))).unwrap();
        assert_eq!(
            (text("/usr/bin/demo").as_str(), text("/usr/share/demo/empty").as_str()),
            ("#!/bin/sh\n", "")
        );
        assert_eq!(stat("/usr/bin/demo").mode() & 0o7777, 0o4755);
        assert_eq!(stat("/usr/bin/demo").mtime(), 1_700_000_000);
        assert_eq!(stat("/var/lib/demo").mode() & 0o7777, 0o711, "nobody's setuid in the store");
        assert_eq!(text("/usr/share/demo/one"), "linked");
        assert_eq!(stat("/usr/share/demo/one").ino(), stat("/usr/share/demo/two").ino());
        let names = crate::sys::fs::list(package.path.join("files")).unwrap();
        assert_eq!((names.len(), package.manifest.files, package.manifest.bytes), (5, 5, 10 + 6 + 7));
        let file = PackageFile::parse(&bytes).unwrap();
        assert_eq!(header[..], bytes[file.header_range.clone()]);
        let signature = package.signature().unwrap();
        assert_eq!(Header::parse(&signature, Origin::Signature).unwrap().bytes(), file.signature.bytes());
    }
}

#[test]
fn a_package_without_files_is_unpacked_and_found_again() {
    let place = Place::new();
    let bytes = written(&mut builder(BuildConfig::v4()));
    let package = place.unpack(&bytes);
    assert_eq!((package.manifest.files, package.manifest.size), (0, bytes.len() as u64));
    std::fs::remove_file(place.source(&bytes).file).unwrap();
    assert_eq!(place.store.package(&Digest::sha256(&bytes)).unwrap(), Some(package));
}

#[test]
fn many_packages_are_unpacked_at_once_and_come_back_in_order() {
    let place = Place::new();
    let mut sources = Vec::new();
    for number in 0..20 {
        let mut builder = builder(BuildConfig::v4());
        let text = "x".repeat(number * 1000);
        builder.with_file_contents(text, FileOptions::new("/demo")).unwrap();
        sources.push(place.source(&written(&mut builder)));
    }
    let packages = unpack(&sources, &place.store, &Silent).unwrap();
    let digests = |list: Vec<&Digest>| list.into_iter().cloned().collect::<Vec<_>>();
    let found = digests(packages.iter().map(|package| &package.manifest.digest).collect());
    assert_eq!(found, digests(sources.iter().map(|source| &source.digest).collect()));
}
