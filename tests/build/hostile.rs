//! Packages that lie, given to a whole run: refused by name, and nothing outside the store is touched. What else can be
//! wrong with a package is tested where packages are read.

use std::collections::BTreeMap;
use std::path::Path;

use kiln::package::file::PackageFile;
use kiln::package::{FileAlgorithm, FileHasher};
use rpm::{BuildConfig, CompressionType, FileOptions, PackageBuilder};

use crate::support::{Place, users};

fn honest() -> Vec<u8> {
    let mut builder = PackageBuilder::new("evil", "1", "MIT", "noarch", "evil");
    builder.using_config(BuildConfig::v4().compression(CompressionType::None).source_date(1_700_000_000_u32));
    builder.release("1");
    builder.with_file_contents("first", FileOptions::new("/srv/aa")).unwrap();
    builder.with_file_contents("second", FileOptions::new("/srv/bb")).unwrap();
    builder.with_symlink(FileOptions::symlink("/srv/ll", "/tmp")).unwrap();
    let mut bytes = Vec::new();
    builder.build().unwrap().write(&mut bytes).unwrap();
    bytes
}

fn digest(algorithm: FileAlgorithm, bytes: &[u8]) -> String {
    let mut hasher = FileHasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish().hex().to_owned()
}

fn raw(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places =
        (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect::<Vec<_>>();
    for at in &places {
        bytes[*at..at + to.len()].copy_from_slice(to);
    }
}

/// Changes header and payload, and makes all digests fit again.
fn sealed(change: fn(&mut Vec<u8>, &mut Vec<u8>)) -> Vec<u8> {
    let file = honest();
    let parsed = PackageFile::parse(&file).unwrap();
    let at = file.len() - parsed.payload().len();
    let begin = at - parsed.header.bytes().len() - 8;
    let (mut signature, mut header, mut payload) =
        (file[..begin].to_vec(), file[begin..at].to_vec(), file[at..].to_vec());
    let before = (header.clone(), payload.clone());
    change(&mut header, &mut payload);
    assert!(before != (header.clone(), payload.clone()), "nothing was changed");
    let [old, new] = [&before.1, &payload].map(|bytes| digest(FileAlgorithm::Sha256, bytes));
    replace(&mut header, old.as_bytes(), new.as_bytes());
    assert!(payload == before.1 || header != before.0, "the header has no digest of the payload");
    for algorithm in [FileAlgorithm::Sha256, FileAlgorithm::Sha1] {
        let [old, new] = [&before.0, &header].map(|bytes| digest(algorithm, bytes));
        replace(&mut signature, old.as_bytes(), new.as_bytes());
    }
    let all = [[&before.0[..], &before.1].concat(), [&header[..], &payload].concat()];
    let [old, new] = all.map(|bytes| raw(&digest(FileAlgorithm::Md5, &bytes)));
    replace(&mut signature, &old, &new);
    [signature, header, payload].concat()
}

/// A field of the archive entry of `/srv/aa`: eight digits from this byte of its own.
fn field(payload: &mut [u8], at: usize, digits: [u8; 8]) {
    let name = (0..payload.len()).find(|at| payload[*at..].starts_with(b"./srv/aa")).unwrap();
    payload[name - 110 + at..name - 102 + at].copy_from_slice(&digits);
}

/// The index entry of a tag.
fn entry(header: &[u8], tag: u32) -> usize {
    (16..header.len()).step_by(16).find(|at| header[*at..].starts_with(&tag.to_be_bytes())).unwrap()
}

type Change = fn(&mut Vec<u8>, &mut Vec<u8>);

const LIES: &[(&str, Change)] = &[
    ("a name that climbs out", |header, _| replace(header, b"aa\0bb\0ll", b"..\0bb\0ll")),
    ("a name with a newline", |header, _| replace(header, b"aa\0bb\0ll", b"aa\0b\n\0ll")),
    ("a file twice", |header, _| replace(header, b"aa\0bb\0ll", b"bb\0bb\0ll")),
    ("an absolute name in the archive", |_, payload| replace(payload, b"./srv/aa", b"/etc/pwd")),
    ("a name in the archive that climbs out", |_, payload| replace(payload, b"./srv/aa", b"./../../")),
    ("a name below a link", |_, payload| replace(payload, b"./srv/aa", b"srv/ll/a")),
    ("a device", |_, payload| field(payload, 14, *b"000021a4")),
    ("4 GiB in the archive", |_, payload| field(payload, 54, *b"ffffffff")),
    ("a size that lies", |_, payload| field(payload, 54, *b"00000002")),
    ("other content", |_, payload| replace(payload, b"first", b"worst")),
    ("entries that overlap", |header, _| {
        let (name, version) = (entry(header, 1000), entry(header, 1001));
        header.copy_within(name + 8..name + 12, version + 8);
    }),
    ("4 GiB of header", |header, _| header[12..16].fill(0xff)),
    ("an index of 4 GiB", |header, _| header[8..12].fill(0xff)),
];

/// Everything below a directory but the store and the program, with its content.
fn content(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if ["store", ".cache", "kiln"].iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if path.is_dir() {
            found.extend(content(&path));
        } else if path.is_file() {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn packages_that_lie_are_refused_by_name_and_touch_nothing_outside() {
    for user in users() {
        let place = Place::small(user);
        std::fs::write(place.path("evil.rpm"), honest()).unwrap();
        let path = place.path("evil.rpm");
        let path = path.to_str().unwrap();
        place.run(&["init", "--install", path]).expect(0);
        let hosts = std::fs::read("/etc/passwd").unwrap();
        for (lie, change) in LIES {
            std::fs::write(path, sealed(*change)).unwrap();
            let before = content(&place.path(""));
            let ran = place.run(&["init", "--install", path]);
            assert!(!ran.succeeded(), "{lie}: {}", ran.text());
            assert!(ran.stderr().contains("evil"), "{lie}: {}", ran.stderr());
            assert!(!ran.stderr().contains("panicked"), "{lie}: {}", ran.stderr());
            assert!(content(&place.path("")) == before, "{lie}: something outside the store has changed");
        }
        assert_eq!(std::fs::read("/etc/passwd").unwrap(), hosts);
        assert!(!Path::new("/etc/pwd").exists() && !Path::new("/tmp/a").exists());
        // Nothing of them stayed: the honest one is still found as it was.
        std::fs::write(path, honest()).unwrap();
        place.run(&["init", "--install", path]).expect(0);
    }
}
