//! Packages: signed by whom, and nothing in the store that is not.

use std::sync::{Arc, Mutex};

use pgp::composed::KeyType;
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::KeyVersion;

use super::keys::{Made, NOW, Recipe, Sub};
use super::server::{Fault, Server};
use super::{Store, fetcher, offline, told, with};
use crate::config::{Connection, Expired};
use crate::fetch::openpgp::{KeySource, Keyring};
use crate::fetch::{Came, Error, Mirrors, Trust, Upstream, Wanted};
use crate::lock::LockedPackage;
use crate::package::file::PackageFile;
use crate::report::{Event, Reporter, Silent};
use crate::unit::Digest;

/// How a package is signed.
enum Signing<'a> {
    None,
    By(&'a Made),
    /// With a signature over something else.
    Wrong(&'a Made),
    /// Over a digest that proves nothing.
    Weak(&'a Made),
}

fn build(name: &str, config: rpm::BuildConfig, signing: &Signing<'_>) -> Vec<u8> {
    let mut builder = rpm::PackageBuilder::new(name, "1.0", "MIT", "noarch", "a package");
    let config = config.compression(rpm::CompressionType::None).source_date(1_600_000_000_u32);
    builder.release("1").using_config(config);
    let content: Vec<u8> = (0..50_000_u32).flat_map(|number| (number ^ 0x5a5a).to_le_bytes()).collect();
    builder.with_file_contents(content, rpm::FileOptions::new("/usr/share/x")).unwrap();
    let mut package = builder.build().unwrap();
    let header = package.metadata.header_bytes().unwrap();
    match signing {
        Signing::None => {}
        Signing::By(made) => package.apply_signature(made.sign(&header)).unwrap(),
        Signing::Wrong(made) => package.apply_signature(made.sign(b"else")).unwrap(),
        Signing::Weak(made) => {
            package.apply_signature(made.sign_with(&header, HashAlgorithm::Sha1, NOW, &[])).unwrap();
        }
    }
    let mut bytes = Vec::new();
    package.write(&mut bytes).unwrap();
    bytes
}

pub(super) fn signed_by(made: &Made) -> Trust {
    let mut keyring = Keyring::new();
    let text = made.armoured();
    let pin = made.fingerprint();
    keyring
        .add(
            KeySource { place: "x", bytes: text.as_bytes(), pin: Some(&pin), expired: Expired::Refused },
            NOW,
        )
        .unwrap();
    Trust::Keys(Arc::new(keyring))
}

fn wanted(server: &Server, name: &str, package: &[u8], trust: &Trust) -> Wanted {
    let mirrors = Mirrors::new([server.url("").as_str()]).unwrap();
    let upstream =
        Upstream { repo: "x".to_owned(), mirrors, trust: trust.clone(), connection: Connection::HOST };
    upstream.wanted(&LockedPackage {
        nevra: format!("{name}-1.0-1.noarch").parse().unwrap(),
        repo: "x".to_owned(),
        location: format!("{name}.rpm"),
        digest: Digest::sha256(package),
        size: package.len() as u64,
    })
}

/// Fetches one package, and says what the store has afterwards.
fn get(package: &[u8], trust: &Trust) -> Result<(), String> {
    let (server, store) = (Server::start(), Store::new());
    server.put("a.rpm", package, Fault::None);
    let wanted = wanted(&server, "a", package, trust);
    let got = fetcher().packages(&[wanted], &store.path, &Silent, &|_, _| {});
    let published = store.list("rpms").len();
    assert_eq!(published, usize::from(got.is_ok()));
    assert!(store.list("tmp").is_empty());
    got.map(|_| ()).map_err(|error| told(&error))
}

#[test]
fn packages_arrive_verified_and_are_not_fetched_again() {
    let made = Recipe::default().make();
    let trust = signed_by(&made);
    let (server, store) = (Server::start(), Store::new());
    let names: Vec<String> = (0..12).map(|number| format!("p{number}")).collect();
    let packages: Vec<Vec<u8>> =
        names.iter().map(|name| build(name, rpm::BuildConfig::v4(), &Signing::By(&made))).collect();
    let mut list = Vec::new();
    for (name, package) in names.iter().zip(&packages) {
        server.put(&format!("{name}.rpm"), package, Fault::None);
        list.push(wanted(&server, name, package, &trust));
    }
    let ready = Mutex::new(Vec::new());
    let paths = fetcher()
        .packages(&list, &store.path, &Silent, &|index, came| {
            let name = format!("{}.rpm", Digest::sha256(&packages[index]).hex());
            let there = crate::sys::fs::read(store.path.join("rpms").join(name)).unwrap() == packages[index];
            ready.lock().unwrap().push((index, there && came == Came::Now));
        })
        .unwrap();
    let mut ready = ready.into_inner().unwrap();
    ready.sort_unstable();
    assert_eq!(ready, (0..12).map(|index| (index, true)).collect::<Vec<_>>());
    for (path, package) in paths.iter().zip(&packages) {
        let name = format!("{}.rpm", Digest::sha256(package).hex());
        assert_eq!(path, &store.path.join("rpms").join(name));
    }
    let before = server.log().len();
    let there = |_, came| assert_eq!(came, Came::Before);
    assert_eq!(offline().packages(&list, &store.path, &Silent, &there).unwrap(), paths);
    assert_eq!(server.log().len(), before);
}

#[test]
fn what_one_repository_trusts_another_may_not() {
    let (ours, other) = (Recipe::default().make(), Recipe::default().make());
    let package = build("a", rpm::BuildConfig::v4(), &Signing::By(&ours));
    let (server, store) = (Server::start(), Store::new());
    server.put("a.rpm", &package, Fault::None);
    let get = |trust: &Trust| {
        let wanted = wanted(&server, "a", &package, trust);
        fetcher().packages(&[wanted], &store.path, &Silent, &|_, _| {}).map_err(|error| told(&error))
    };
    get(&Trust::Metadata).unwrap();
    get(&signed_by(&ours)).unwrap();
    let error = get(&signed_by(&other)).unwrap_err();
    assert!(error.contains("which is not a key of the repository"), "{error}");
}

#[test]
fn every_format_and_kind_of_signature_is_verified() {
    let kinds = [
        Recipe { kind: KeyType::Rsa(2048), ..Recipe::default() },
        Recipe::default(),
        Recipe { kind: KeyType::ECDSA(ECCCurve::P256), ..Recipe::default() },
        Recipe { subkey: Some(Sub::default()), signs: false, ..Recipe::default() },
        Recipe { kind: KeyType::Ed25519, version: KeyVersion::V6, ..Recipe::default() },
    ];
    for recipe in kinds {
        let made = recipe.make();
        for config in [rpm::BuildConfig::v4(), rpm::BuildConfig::v6()] {
            let package = build("a", config, &Signing::By(&made));
            assert_eq!(get(&package, &signed_by(&made)), Ok(()), "{:?}", recipe.kind);
        }
    }
}

#[test]
fn packages_that_do_not_count_are_refused_with_the_reason() {
    let made = Recipe { kind: KeyType::Rsa(2048), ..Recipe::default() }.make();
    let stranger = Recipe::default().make();
    let v4 = rpm::BuildConfig::v4;
    let good = build("a", v4(), &Signing::By(&made));
    let damaged = |at: usize| {
        let mut package = good.clone();
        package[at] ^= 1;
        package
    };
    let (header, payload) = {
        let parsed = PackageFile::parse(&good).unwrap();
        (parsed.header_range.clone(), parsed.header_range.end)
    };
    let trust = signed_by(&made);
    let table = [
        (build("a", v4(), &Signing::None), &trust, "it is not signed, and the repository has gpgcheck on"),
        (build("a", rpm::BuildConfig::v6(), &Signing::None), &trust, "it is not signed"),
        (build("a", v4(), &Signing::By(&stranger)), &trust, "which is not a key of the repository"),
        (
            build("a", v4(), &Signing::Wrong(&made)),
            &trust,
            "is bad: the bytes are not the ones that were signed",
        ),
        (build("a", v4(), &Signing::Weak(&made)), &trust, "over a SHA-1 digest"),
        (build("b", v4(), &Signing::By(&made)), &trust, "it is b-1.0-1.noarch, not what the metadata says"),
        (damaged(header.end - 40), &trust, "its header does not have the digest"),
        (damaged(header.end - 40), &Trust::Metadata, "its header does not have the digest"),
        (damaged(payload + 100), &trust, "its payload does not have the digest"),
        (damaged(payload + 100), &Trust::Metadata, "its payload does not have the digest"),
        (b"<html>".to_vec(), &Trust::Metadata, "it is not a package"),
        (good[..payload - 10].to_vec(), &trust, "bad header"),
    ];
    for (package, trust, why) in table {
        let error = get(&package, trust).unwrap_err();
        let start = "package a-1.0-1.noarch of repository `x` is not accepted: ";
        assert!(error.starts_with(start) && error.contains(why), "{why}: {error}");
    }
    assert_eq!(get(&build("a", v4(), &Signing::None), &Trust::Metadata), Ok(()));
}

#[test]
fn a_header_that_only_claims_its_size_is_refused_before_it_is_read() {
    let made = Recipe::default().make();
    let good = build("a", rpm::BuildConfig::v4(), &Signing::By(&made));
    for (at, count) in [(96 + 8, 0x7fff_ffff_u32), (96 + 12, 0x7fff_ffff), (96 + 8, 0), (96 + 8, 0x1_0000)] {
        let mut package = good.clone();
        package[at..at + 4].copy_from_slice(&count.to_be_bytes());
        let error = get(&package, &signed_by(&made)).unwrap_err();
        assert!(error.contains("bad signature header"), "{error}");
    }
}

#[test]
fn the_first_failure_ends_the_others() {
    let (server, store) = (Server::start(), Store::new());
    let package = build("a", rpm::BuildConfig::v4(), &Signing::None);
    server.put("a.rpm", &package, Fault::Stall(100, 99));
    let slow = wanted(&server, "a", &package, &Trust::Metadata);
    let gone = Wanted { location: "gone.rpm".to_owned(), digest: Digest::sha256(b"x"), ..slow.clone() };
    let patient = with(|options| options.timeouts.stall = std::time::Duration::from_mins(1));
    let began = std::time::Instant::now();
    let error = patient.packages(&[slow, gone], &store.path, &Silent, &|_, _| {}).unwrap_err();
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
    assert!(told(&error).contains("HTTP 404"), "{}", told(&error));
    assert!(store.list("rpms").is_empty());
}

#[test]
fn sha1_metadata_is_not_enough_without_a_signature() {
    let made = Recipe::default().make();
    let package = build("a", rpm::BuildConfig::v4(), &Signing::By(&made));
    let (server, store) = (Server::start(), Store::new());
    server.put("a.rpm", &package, Fault::None);
    let mut hasher = crate::unit::Hasher::new(crate::unit::Algorithm::Sha1);
    hasher.update(&package);
    let digest = hasher.finish();
    let get = |trust: &Trust| {
        let wanted = Wanted { digest: digest.clone(), ..wanted(&server, "a", &package, trust) };
        fetcher().packages(&[wanted], &store.path, &Silent, &|_, _| {})
    };
    assert!(matches!(get(&Trust::Metadata), Err(Error::WeakDigest { .. })));
    get(&signed_by(&made)).unwrap();
}

#[test]
fn progress_ends_with_everything_done() {
    struct Last(Mutex<Option<Event>>);
    impl Reporter for Last {
        fn report(&self, event: Event) {
            *self.0.lock().unwrap() = Some(event);
        }
    }
    let (server, store) = (Server::start(), Store::new());
    let package = build("a", rpm::BuildConfig::v4(), &Signing::None);
    server.put("a.rpm", &package, Fault::Reset(1000, 1));
    let last = Last(Mutex::default());
    let wanted = wanted(&server, "a", &package, &Trust::Metadata);
    fetcher().packages(&[wanted], &store.path, &last, &|_, _| {}).unwrap();
    let event = last.0.into_inner().unwrap().unwrap();
    let Event::Progress { done: 1, total: 1, bytes, total_bytes, .. } = event else { panic!("{event:?}") };
    assert_eq!((bytes, total_bytes), (package.len() as u64, package.len() as u64));
}
