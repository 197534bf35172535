//! Packages that lie. Each is made of an honest one by changing bytes; whatever digests the lie breaks are made right
//! again, so that nothing but the check meant for it can refuse it.

use rpm::{BuildConfig, CompressionType, FileOptions};

use crate::install::unpack::tests::{Place, builder, written};
use crate::install::unpack::{Error, unpack};
use crate::package::file::PackageFile;
use crate::package::header::{Header, Origin};
use crate::package::tag::Tag;
use crate::package::{FileAlgorithm, FileHasher};
use crate::report::Silent;

/// An honest package: `/srv/aa`, `/srv/bb` and `/srv/cc` are files, the last two one file; `/srv/ll` leads to `aa`.
fn honest(config: BuildConfig) -> Vec<u8> {
    let file = |path: &str| FileOptions::new(path.to_owned());
    let mut builder = builder(config.compression(CompressionType::None));
    builder
        .with_file_contents("first", file("/srv/aa"))
        .unwrap()
        .with_file_contents("second", file("/srv/bb").hardlink("set"))
        .unwrap()
        .with_file_contents("second", file("/srv/cc").hardlink("set"))
        .unwrap()
        .with_symlink(FileOptions::symlink("/srv/ll", "aa"))
        .unwrap();
    written(&mut builder)
}

/// A package under change.
struct Lie(Vec<u8>);

impl Lie {
    fn parsed(&self) -> PackageFile<'_> {
        PackageFile::parse(&self.0).unwrap()
    }

    /// Where the values of a tag lie in the file.
    fn place(&self, origin: Origin, tag: Tag) -> Option<usize> {
        let file = self.parsed();
        let (header, start): (&Header<'_>, _) = match origin {
            Origin::Signature => (&file.signature, file.signature_range.start),
            _ => (&file.header, file.header_range.start),
        };
        let entry = header.entry(tag)?;
        Some(start + 16 + 16 * (header.entries().len() + 1) + entry.offset)
    }

    /// Writes over the values of a header tag, from an offset on.
    fn set(&mut self, tag: Tag, offset: usize, bytes: &[u8]) {
        let at = self.place(Origin::Package, tag).unwrap() + offset;
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn payload(&self) -> Vec<u8> {
        self.parsed().payload().to_vec()
    }

    fn set_payload(&mut self, payload: &[u8]) {
        self.0.truncate(self.parsed().header_range.end);
        self.0.extend_from_slice(payload);
    }

    /// Replaces the only place with these bytes in the payload.
    fn replace(&mut self, from: &str, to: &str) {
        let payload = self.payload();
        let found: Vec<_> =
            (0..payload.len()).filter(|at| payload[*at..].starts_with(from.as_bytes())).collect();
        assert_eq!(found.len(), 1, "{from}");
        let rest = &payload[found[0] + from.len()..];
        self.set_payload(&[&payload[..found[0]], to.as_bytes(), rest].concat());
    }

    /// Makes every digest of header and payload right.
    fn seal(mut self) -> Vec<u8> {
        let digest = |algorithm, pieces: &[&[u8]]| {
            let mut hasher = FileHasher::new(algorithm);
            for piece in pieces {
                hasher.update(piece);
            }
            hasher.finish().hex().to_owned()
        };
        let payload = self.payload();
        for (tag, algorithm) in [
            (Tag::PAYLOADSHA256, FileAlgorithm::Sha256),
            (Tag::PAYLOADSHA512, FileAlgorithm::Sha512),
            (Tag::PAYLOADSHA3_256, FileAlgorithm::Sha3_256),
        ] {
            if self.place(Origin::Package, tag).is_some() {
                self.set(tag, 0, digest(algorithm, &[&payload]).as_bytes());
            }
        }
        let [front, back] = self.parsed().header.signed();
        for (tag, algorithm) in [
            (Tag::SHA1HEADER, FileAlgorithm::Sha1),
            (Tag::SHA256HEADER, FileAlgorithm::Sha256),
            (Tag::SHA3_256HEADER, FileAlgorithm::Sha3_256),
        ] {
            if let Some(at) = self.place(Origin::Signature, tag) {
                let hex = digest(algorithm, &[&front, &back]);
                self.0[at..at + hex.len()].copy_from_slice(hex.as_bytes());
            }
        }
        self.0
    }
}

/// Unpacks bytes that must be refused, and checks that nothing is left of them.
fn refusal(bytes: &[u8]) -> Error {
    let place = Place::new();
    let error = unpack(&[place.source(bytes)], &place.store, &Silent).unwrap_err();
    for directory in ["tmp", "packages"] {
        let left = crate::sys::fs::list(place.store.path().join(directory)).unwrap();
        assert!(left.is_empty(), "{directory}: {left:?}");
    }
    assert!(error.to_string().contains("demo-1-1.noarch") && error.hint().is_some(), "{error}");
    error
}

/// An entry of the payload by its path: head, padding and content.
fn entry(payload: &[u8], path: &str) -> std::ops::Range<usize> {
    let magics: Vec<_> = (0..payload.len()).filter(|at| payload[*at..].starts_with(b"070701")).collect();
    let name = format!("{path}\0");
    let at = magics.iter().position(|at| payload[at + 110..].starts_with(name.as_bytes())).unwrap();
    magics[at]..magics[at + 1]
}

type Change = fn(&mut Lie);

const LIES: &[(&str, &str, Change)] = &[
    ("a name that climbs out", "/srv/..", |lie| lie.set(Tag::BASENAMES, 0, b"..")),
    ("a name with a newline", "/srv/a\\n", |lie| lie.set(Tag::BASENAMES, 1, b"\n")),
    ("a name with a slash", "/srv/a/", |lie| lie.set(Tag::BASENAMES, 1, b"/")),
    ("a directory that is not absolute", ".srv/aa", |lie| lie.set(Tag::DIRNAMES, 0, b".")),
    ("a directory that climbs out", "/../", |lie| lie.set(Tag::DIRNAMES, 1, b"../\0")),
    ("a directory that is not there", "Dirindexes", |lie| lie.set(Tag::DIRINDEXES, 0, &[9])),
    ("one name twice", "/srv/bb twice", |lie| lie.set(Tag::BASENAMES, 0, b"bb")),
    ("a link with a newline", "Filelinktos", |lie| {
        let at = lie
            .parsed()
            .header
            .strings(Tag::FILELINKTOS)
            .unwrap()
            .iter()
            .map(|text| text.len() + 1)
            .take(3)
            .sum();
        lie.set(Tag::FILELINKTOS, at, b"\n");
    }),
    ("a mode of no kind of file", "Filemodes", |lie| lie.set(Tag::FILEMODES, 0, &[0xf1, 0xa4])),
    ("a mode that the payload does not have", "its mode is 100744", |lie| {
        lie.set(Tag::FILEMODES, 0, &(0o100_744_u16).to_be_bytes());
    }),
    ("a file that the payload says is a device", "its mode is", |lie| {
        let mut payload = lie.payload();
        let at = entry(&payload, "./srv/aa").start;
        payload[at + 14..at + 22].copy_from_slice(b"000021a4");
        lie.set_payload(&payload);
    }),
    ("a size of 4 GiB in the header", "4294967295 bytes in the header and 5", |lie| {
        lie.set(Tag::FILESIZES, 0, &[0xff; 4]);
    }),
    ("a size of 4 GiB in both", "cut short", |lie| {
        lie.set(Tag::FILESIZES, 0, &[0xff; 4]);
        let mut payload = lie.payload();
        let at = entry(&payload, "./srv/aa").start;
        payload[at + 54..at + 62].copy_from_slice(b"ffffffff");
        lie.set_payload(&payload);
    }),
    ("a name longer than the payload", "too long", |lie| {
        let mut payload = lie.payload();
        payload[94..102].copy_from_slice(b"fffffff0");
        lie.set_payload(&payload);
    }),
    ("a path in the payload that climbs out", "which its header does not have", |lie| {
        lie.replace("./srv/aa", "./../../");
    }),
    ("a path below a link of the package", "srv/ll/a", |lie| lie.replace("./srv/aa", "srv/ll/a")),
    ("an absolute path in the payload to elsewhere", "/etc/pwd", |lie| lie.replace("./srv/aa", "/etc/pwd")),
    ("a file twice in the payload", "it is in the payload twice", |lie| {
        let payload = lie.payload();
        let range = entry(&payload, "./srv/aa");
        lie.set_payload(&[&payload[range], &payload].concat());
    }),
    ("a file that the payload does not have", "it is in the header and not in the payload", |lie| {
        let payload = lie.payload();
        let range = entry(&payload, "./srv/aa");
        lie.set_payload(&[&payload[..range.start], &payload[range.end..]].concat());
    }),
    ("other content", "the digest of /srv/aa is", |lie| lie.replace("first", "worst")),
    ("a link that leads elsewhere", "the link leads elsewhere", |lie| {
        let mut payload = lie.payload();
        let at = entry(&payload, "./srv/ll").end - 4;
        payload[at..at + 2].copy_from_slice(b"bb");
        lie.set_payload(&payload);
    }),
    ("a hard link to another content", "it is a hard link to", |lie| {
        let devices = lie.parsed().header.u32s(Tag::FILEDEVICES).unwrap();
        let inodes = lie.parsed().header.u32s(Tag::FILEINODES).unwrap();
        lie.set(Tag::FILEDEVICES, 0, &devices[1].to_be_bytes());
        lie.set(Tag::FILEINODES, 0, &inodes[1].to_be_bytes());
    }),
    ("no digest of a file", "the digest of /srv/aa is", |lie| {
        let none = lie.parsed().header.strings(Tag::FILEDIGESTS).unwrap()[3].len();
        assert_eq!(none, 0);
        lie.set(Tag::FILEDIGESTS, 0, &[b'0'; 64]);
    }),
    ("a digest that is none", "Filedigests", |lie| lie.set(Tag::FILEDIGESTS, 0, b"../../x")),
    ("a digest algorithm that rpm does not have", "Filedigestalgo", |lie| {
        lie.set(Tag::FILEDIGESTALGO, 3, &[99]);
    }),
    ("an owner that is a line of passwd", "Fileusername", |lie| lie.set(Tag::FILEUSERNAME, 0, b":0:\n")),
    ("another package", "holds memo-1-1.noarch", |lie| lie.set(Tag::NAME, 0, b"memo")),
    ("a name that is a path", "Name (1000)", |lie| lie.set(Tag::NAME, 0, b"/a/b")),
    ("another archive format", "drpm", |lie| lie.set(Tag::PAYLOADFORMAT, 0, b"drpm")),
    ("something after the archive", "something follows the end", |lie| {
        let payload = [lie.payload(), b"\0\0more".to_vec()].concat();
        lie.set_payload(&payload);
    }),
    ("an archive without an end", "cut short", |lie| {
        let payload = lie.payload();
        let end = payload.windows(6).rposition(|six| six == b"070701").unwrap();
        lie.set_payload(&payload[..end]);
    }),
    ("no archive", "no archive entry begins at byte 0", |lie| lie.set_payload(b"#!/bin/sh\n")),
];

/// The whole chain of messages.
fn messages(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn every_lie_is_refused_with_the_packages_name_and_leaves_nothing() {
    let mut wrong = Vec::new();
    for (what, expected, change) in LIES {
        let mut lie = Lie(honest(BuildConfig::v4()));
        change(&mut lie);
        let text = messages(&refusal(&lie.seal()));
        if !text.contains(expected) {
            wrong.push(format!("{what}: {text}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn an_honest_package_stays_honest_when_it_is_sealed_again() {
    for config in [BuildConfig::v4(), BuildConfig::v6()] {
        let bytes = honest(config);
        assert_eq!(Lie(bytes.clone()).seal(), bytes);
        let place = Place::new();
        unpack(&[place.source(&bytes)], &place.store, &Silent).unwrap();
    }
}

#[test]
fn a_number_in_a_nameless_archive_must_be_a_file() {
    let mut lie = Lie(honest(BuildConfig::v6()));
    lie.replace("07070X00000000", "07070X00000099");
    let text = messages(&refusal(&lie.seal()));
    assert!(text.contains("its payload has `153`, which its header does not have"), "{text}");
}

#[test]
fn damage_anywhere_is_found() {
    let bytes = honest(BuildConfig::v4());
    let file = PackageFile::parse(&bytes).unwrap();
    let (header, payload) = (file.header_range.clone(), file.header_range.end..bytes.len());
    let digest = |at: usize, part: &str| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let text = messages(&refusal(&bytes));
        assert!(text.contains(part), "byte {at}: {text}");
    };
    digest(header.end - 20, "header");
    for at in payload.step_by(37) {
        digest(at, "the digest of payload is");
    }
    let text = messages(&refusal(&bytes[..bytes.len() - 1]));
    assert!(text.contains("the digest of payload is"), "{text}");
}

#[test]
fn a_file_that_is_not_the_promised_one_is_refused_before_it_is_read() {
    let place = Place::new();
    let mut source = place.source(b"not even a package");
    source.digest = crate::unit::Digest::sha256(b"a package");
    let error = unpack(&[source], &place.store, &Silent).unwrap_err();
    assert!(messages(&error).contains("and should be"), "{error}");
}
