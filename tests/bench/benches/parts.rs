//! Kiln's parts alone, on Clay: reading metadata, comparing versions, solving, reading headers, unpacking.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to measure")]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kiln::install::unpack;
use kiln::metadata::{Comps, Metadata};
use kiln::package::file::PackageFile;
use kiln::package::tag::Tag;
use kiln::package::{Nevra, vercmp};
use kiln::report::Silent;
use kiln::solve::{self, RepoMetadata, Request};
use kiln::store::Store;
use kiln::unit::{Algorithm, Digest, Hasher, HostPath};

/// Clay's repository; `make bench` has made it.
fn repo() -> PathBuf {
    let repo = clay::release::default_directory().join("repo");
    assert!(repo.join("repodata").is_dir(), "Clay is not there: run `cargo run -p clay -- make`");
    repo
}

fn document(ending: &str) -> Vec<u8> {
    let entries = fs::read_dir(repo().join("repodata")).unwrap();
    let found =
        entries.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().ends_with(ending));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(found.unwrap()).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn package(name: &str) -> PathBuf {
    let entries = fs::read_dir(repo().join("Packages")).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(name));
    found.sort();
    found.swap_remove(0)
}

fn metadata(c: &mut Criterion) {
    let primary = document("-primary.xml.gz");
    let mut group = c.benchmark_group("metadata");
    group.throughput(Throughput::Bytes(primary.len() as u64));
    group.bench_function("primary", |b| b.iter(|| Metadata::parse("clay", primary.as_slice()).unwrap()));
    let parsed = Metadata::parse("clay", primary.as_slice()).unwrap();
    let kept = parsed.as_bytes().to_vec();
    let place = tempfile::NamedTempFile::new().unwrap();
    fs::write(place.path(), &kept).unwrap();
    group.bench_function("tables from the cache", |b| {
        b.iter(|| Metadata::from_bytes("clay", kiln::sys::fs::map(place.path()).unwrap()).unwrap());
    });
    group.finish();
}

fn versions(c: &mut Criterion) {
    let pairs: &[(&str, &str)] = &[
        ("1.0", "1.0"),
        ("2.36-9+deb12u14", "2.36-9+deb12u9"),
        ("20210120", "20210119"),
        ("5.36.0~rc1", "5.36.0"),
        ("1.0.0^git20230101", "1.0.0"),
        ("10.0001", "10.1"),
    ];
    c.bench_function("versions: six comparisons", |b| {
        b.iter(|| pairs.iter().map(|(a, b)| vercmp(a.as_bytes(), b.as_bytes()) as i8).sum::<i8>());
    });
}

fn solving(c: &mut Criterion) {
    let metadata = Metadata::parse("clay", document("-primary.xml.gz").as_slice()).unwrap();
    let comps = Comps::parse("clay", document("-comps.xml.gz").as_slice()).unwrap();
    let members = comps.expand("buildsys-build").unwrap();
    let install = members.iter().map(kiln::metadata::Member::request).collect();
    let request = Request { arch: "x86_64".to_owned(), install, ..Request::default() };
    c.bench_function("solve: a build root", |b| {
        b.iter(|| solve::solve(&[RepoMetadata::new(&metadata)], &request).unwrap());
    });
}

fn headers(c: &mut Criterion) {
    let bytes = fs::read(package("perl-modules")).unwrap();
    c.bench_function("header: perl-modules, with its files", |b| {
        b.iter(|| {
            let package = PackageFile::parse(&bytes).unwrap();
            package.header.files().unwrap().len()
        });
    });
}

fn digest(path: &Path) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(&fs::read(path).unwrap());
    hasher.finish()
}

fn nevra(path: &Path) -> Nevra {
    let bytes = fs::read(path).unwrap();
    let package = PackageFile::parse(&bytes).unwrap();
    let text = |tag| package.header.string(tag).unwrap().unwrap().to_owned();
    format!("{}-{}-{}.{}", text(Tag::NAME), text(Tag::VERSION), text(Tag::RELEASE), text(Tag::ARCH))
        .parse()
        .unwrap()
}

fn unpacking(c: &mut Criterion) {
    let ids = kiln::sandbox::id_map().unwrap();
    let mut group = c.benchmark_group("unpack");
    group.sample_size(10);
    for name in ["perl-modules", "gcc-12-12"] {
        let path = package(name);
        let size = fs::metadata(&path).unwrap().len();
        let source =
            unpack::Source { nevra: nevra(&path), file: HostPath::new(&path), digest: digest(&path), size };
        group.throughput(Throughput::Bytes(size));
        group.bench_function(name, |b| {
            let make = || {
                let directory = tempfile::tempdir().unwrap();
                let store = Store::open(&HostPath::new(directory.path().join("store")), &ids).unwrap();
                (directory, store)
            };
            let work = |(directory, store): (tempfile::TempDir, Store)| {
                unpack::unpack(std::slice::from_ref(&source), &store, &Silent).unwrap();
                directory
            };
            b.iter_batched(make, work, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(parts, metadata, versions, solving, headers, unpacking);
criterion_main!(parts);
