//! The digests that a package carries of itself.
//!
//! That the file is the one that the repository promised was decided by its digest there. These tell a package that
//! was damaged, or put together from two, and name the part.

use crate::install::unpack::Reason;
use crate::package::file::PackageFile;
use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::{FileAlgorithm, FileDigest, FileHasher};

/// Tag, algorithm: of the header, in the signature header.
const HEADER: &[(Tag, FileAlgorithm)] = &[
    (Tag::SHA1HEADER, FileAlgorithm::Sha1),
    (Tag::SHA256HEADER, FileAlgorithm::Sha256),
    (Tag::SHA3_256HEADER, FileAlgorithm::Sha3_256),
];

/// Tag, algorithm: of the compressed payload, in the header. The first names its algorithm in a tag of its own.
const PAYLOAD: &[(Tag, FileAlgorithm)] = &[
    (Tag::PAYLOADSHA256, FileAlgorithm::Sha256),
    (Tag::PAYLOADSHA512, FileAlgorithm::Sha512),
    (Tag::PAYLOADSHA3_256, FileAlgorithm::Sha3_256),
];

/// The signature header's MD5 of header and payload: the only digest of the payload in packages made before rpm 4.14.
const MD5: Tag = Tag(1004);

/// Verifies every digest of header and payload that the package carries, and that it carries enough.
pub(super) fn verify(file: &PackageFile<'_>) -> Result<(), Reason> {
    let header = verify_each(HEADER, &file.signature, "header", &file.header.signed())?;
    let algorithm = file.header.u32(Tag::PAYLOADSHA256ALGO)?;
    let mut payload_tags = PAYLOAD.to_vec();
    if let Some(number) = algorithm {
        payload_tags[0].1 = FileAlgorithm::from_number(number)
            .ok_or_else(|| HeaderError::Value { tag: Tag::PAYLOADSHA256ALGO, value: number.to_string() })?;
    }
    let payload = verify_each(&payload_tags, &file.header, "payload", &[file.payload()])?;
    if header > 0 && payload > 0 {
        return Ok(());
    }
    let Some(md5) = file.signature.binary(MD5)? else { return Err(Reason::NoDigest) };
    let digest = FileDigest::from_bytes(FileAlgorithm::Md5, md5);
    let text = digest.as_ref().map_or("of another length", FileDigest::hex);
    let rest = &file.bytes()[file.header_range.start..];
    check("header and payload", FileAlgorithm::Md5, text, &[rest])
}

fn verify_each<B: AsRef<[u8]>>(
    tags: &[(Tag, FileAlgorithm)],
    header: &Header<'_>,
    part: &'static str,
    bytes: &[B],
) -> Result<usize, Reason> {
    let mut verified = 0;
    for (tag, algorithm) in tags {
        if let Some(text) = header.string(*tag)? {
            check(part, *algorithm, text, bytes)?;
            verified += 1;
        }
    }
    Ok(verified)
}

fn check<B: AsRef<[u8]>>(
    part: &'static str,
    algorithm: FileAlgorithm,
    text: &str,
    bytes: &[B],
) -> Result<(), Reason> {
    let mut hasher = FileHasher::new(algorithm);
    for piece in bytes {
        hasher.update(piece.as_ref());
    }
    let found = hasher.finish();
    if FileDigest::from_hex(algorithm, text).as_ref() == Some(&found) {
        return Ok(());
    }
    Err(Reason::Digest { part: part.to_owned(), expected: text.to_owned(), found: found.hex().to_owned() })
}
