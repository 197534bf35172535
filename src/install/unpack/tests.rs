//! Packages made by the `rpm` crate, unpacked into a store.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use rpm::{BuildConfig, CompressionType, FileOptions, PackageBuilder};

use crate::install::unpack::{Known, Source, unpack, unpack_arriving};
use crate::package::file::PackageFile;
use crate::package::header::{Header, Origin};
use crate::plan::{IdMap, IdRange, Tier};
use crate::report::Silent;
use crate::store::{Store, StoredPackage};
use crate::sys::owner::Owner;
use crate::unit::{Algorithm, Digest, Hasher, HostPath};

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

/// Puts other bytes of the same length wherever some are.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let places: Vec<_> = memchr::memmem::find_iter(bytes, old).collect();
    assert!(!places.is_empty() && old.len() == new.len(), "{}", old.escape_ascii());
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
}

/// A package with a file of more than 4 GiB, nearly all zeros. What its signature header says is not true any more.
fn enormous(zeros: u64, end: &[u8]) -> Vec<u8> {
    let small = vec![7; 1_234_567];
    let mut builder = builder(BuildConfig::v6().compression(CompressionType::Zstd));
    builder.with_file_contents(&small[..], FileOptions::new("/var/image")).unwrap();
    let mut bytes = written(&mut builder);
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut payload = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    payload.write_all(b"07070X00000000\0\0").unwrap();
    let block = vec![0; 1 << 20];
    for piece in (0..zeros >> 20).map(|_| &block[..]).chain([end]) {
        hasher.update(piece);
        payload.write_all(piece).unwrap();
    }
    payload.write_all(&[0; 3][..(4 - end.len() % 4) % 4]).unwrap();
    payload.write_all(b"07070Xffffffff\0\0").unwrap();
    bytes.truncate(bytes.len() - PackageFile::parse(&bytes).unwrap().payload().len());
    let size = zeros + end.len() as u64;
    replace(&mut bytes, &1_234_567_u64.to_be_bytes(), &size.to_be_bytes());
    let (old, new) = (Digest::sha256(&small).hex(), hasher.finish().hex());
    replace(&mut bytes, old.as_bytes(), new.as_bytes());
    bytes.extend(payload.finish().unwrap());
    bytes
}

#[test]
fn a_file_of_more_than_four_gigabytes_is_unpacked_and_its_zeros_take_no_room() {
    let (place, zeros, end) = (Place::new(), 4 << 30, b"the end");
    let source = place.source(&enormous(zeros, end));
    let (sender, arrivals) = std::sync::mpsc::channel();
    sender.send((0, Known::Verified)).unwrap();
    drop(sender);
    let package = unpack_arriving(&[source], arrivals, &place.store, &Silent).unwrap().remove(0);
    let stat = std::fs::metadata(package.file(0)).unwrap();
    assert_eq!((stat.len(), package.manifest.bytes), (zeros + 7, zeros + 7));
    assert!(stat.blocks() < 2048, "{} blocks", stat.blocks());
    let mut last = [0; 8];
    let file = std::fs::File::open(package.file(0)).unwrap();
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, zeros - 1).unwrap();
    assert_eq!(&last, b"\0the end");
}
