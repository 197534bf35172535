//! A package file, verified: what signed metadata or a signature vouches for reaches every byte of it.
//!
//! A header signature covers the header, and the header has the payload's digest; together they cover what is
//! installed. Old packages without such a digest need a signature over header and payload instead. Whatever else the
//! signature header says is not signed, and is not looked at.

use pgp::base64::{Base64Decoder, Base64Reader};

use crate::fetch::openpgp::{Keyring, SignatureFault};
use crate::fetch::packages::Trust;
use crate::package::file::{PackageFile, PackageFileError};
use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::{FileAlgorithm, FileDigest, Nevra};

/// More signatures than anybody puts on one package.
const MOST: usize = 16;
/// Signatures over header and payload: tags of the signature header that mean something else elsewhere.
const OLD_SIGNATURES: [Tag; 2] = [Tag(1002), Tag(1005)];

/// How much of a package is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything.
    Whole,
    /// The header: the payload was checked against it when the file came.
    Header,
}

/// Why a package is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageFault {
    /// It is not a package.
    #[error(transparent)]
    File(#[from] PackageFileError),
    /// Its header has values that cannot be.
    #[error("bad header: {0}")]
    Header(#[from] HeaderError),
    /// It is another package than the metadata says.
    #[error("it is {found}, not what the metadata says")]
    OtherPackage {
        /// What it is.
        found: String,
    },
    /// Nobody signed it.
    #[error("it is not signed, and the repository has gpgcheck on")]
    Unsigned,
    /// Its signature does not count.
    #[error(transparent)]
    Signature(SignatureFault),
    /// Its header is not what its digest says.
    #[error("its header does not have the digest that the package says")]
    HeaderDigest,
    /// Its payload is not what its header says.
    #[error("its payload does not have the digest that its header says")]
    PayloadDigest,
    /// The signature does not reach the payload.
    #[error(
        "its signature does not cover the payload: there is neither a digest in the header nor a signature over both"
    )]
    PayloadUncovered,
}

impl PackageFault {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Signature(fault) => return fault.hint(),
            Self::Unsigned => {
                "if the repository's packages are not signed, and you trust how they reach you, say `gpgcheck = false`"
            }
            Self::OtherPackage { .. } => "the repository's metadata is wrong: tell its owner",
            Self::HeaderDigest | Self::PayloadDigest => {
                "the package is damaged in the repository: tell its owner"
            }
            Self::PayloadUncovered => "only the distribution can help, by building or signing it again",
            Self::File(_) | Self::Header(_) => return None,
        };
        Some(text.to_owned())
    }
}

/// Verifies the package in `bytes`.
pub(super) fn verify(bytes: &[u8], nevra: &Nevra, trust: &Trust, depth: Depth) -> Result<(), PackageFault> {
    let package = PackageFile::parse(bytes)?;
    header_digest(&package)?;
    let payload = payload_digest(&package.header)?;
    if let Trust::Keys(keys) = trust {
        signatures(&package, keys, payload.as_ref())?;
    }
    // Only now is anything in the header believed.
    let found = package.header.nevra()?;
    if found != *nevra || found.to_string() != nevra.to_string() {
        return Err(PackageFault::OtherPackage { found: found.to_string() });
    }
    match payload {
        Some(digest) if depth == Depth::Whole && !digest.matches(package.payload()) => {
            Err(PackageFault::PayloadDigest)
        }
        _ => Ok(()),
    }
}

/// The header's own digest, which is not signed and only tells damage from forgery.
fn header_digest(package: &PackageFile<'_>) -> Result<(), PackageFault> {
    let Some(text) = package.signature.string(Tag::SHA256HEADER)? else { return Ok(()) };
    let header = &package.bytes()[package.header_range.clone()];
    match FileDigest::from_hex(FileAlgorithm::Sha256, text) {
        Some(digest) if digest.matches(header) => Ok(()),
        _ => Err(PackageFault::HeaderDigest),
    }
}

/// The payload's digest that the header has; `None` in packages made before rpm 4.14.
fn payload_digest(header: &Header<'_>) -> Result<Option<FileDigest>, PackageFault> {
    let bad = |tag, value: &str| HeaderError::Value { tag, value: value.to_owned() };
    if let Some(text) = header.string(Tag::PAYLOADSHA256)? {
        let number = header.u32(Tag::PAYLOADSHA256ALGO)?.unwrap_or(8);
        let algorithm =
            FileAlgorithm::from_number(number).filter(|algorithm| *algorithm >= FileAlgorithm::Sha256);
        let algorithm = algorithm.ok_or_else(|| bad(Tag::PAYLOADSHA256ALGO, &number.to_string()))?;
        let digest = FileDigest::from_hex(algorithm, text).ok_or_else(|| bad(Tag::PAYLOADSHA256, text))?;
        return Ok(Some(digest));
    }
    for (tag, algorithm) in
        [(Tag::PAYLOADSHA512, FileAlgorithm::Sha512), (Tag::PAYLOADSHA3_256, FileAlgorithm::Sha3_256)]
    {
        if let Some(text) = header.string(tag)? {
            return Ok(Some(FileDigest::from_hex(algorithm, text).ok_or_else(|| bad(tag, text))?));
        }
    }
    Ok(None)
}

/// One signature must count, and what counts must reach the payload.
fn signatures(
    package: &PackageFile<'_>,
    keys: &Keyring,
    payload: Option<&FileDigest>,
) -> Result<(), PackageFault> {
    let now = super::now();
    let header = &package.bytes()[package.header_range.clone()];
    let over_header = header_signatures(&package.signature)?;
    if !over_header.is_empty() {
        any(over_header.iter().map(|signature| keys.verify(signature, &[header], now)))?;
        if payload.is_some() {
            return Ok(());
        }
    }
    let mut over_both = Vec::new();
    for tag in OLD_SIGNATURES {
        over_both.extend(package.signature.binary(tag)?);
    }
    match (over_both.is_empty(), over_header.is_empty()) {
        (true, true) => Err(PackageFault::Unsigned),
        (true, false) => Err(PackageFault::PayloadUncovered),
        (false, _) => {
            let both = &package.bytes()[package.header_range.start..];
            any(over_both.iter().map(|signature| keys.verify(signature, &[both], now)))
        }
    }
}

/// The first that counts; otherwise the most telling failure.
fn any<T>(results: impl Iterator<Item = Result<T, SignatureFault>>) -> Result<(), PackageFault> {
    let mut worst: Option<SignatureFault> = None;
    for result in results {
        match result {
            Ok(_) => return Ok(()),
            Err(fault) if worst.as_ref().is_none_or(|worst| worst.weight() < fault.weight()) => {
                worst = Some(fault);
            }
            Err(_) => {}
        }
    }
    Err(worst.map_or(PackageFault::Unsigned, PackageFault::Signature))
}

/// The signatures over the header: where there is a list of them the older places do not count, as in rpm.
fn header_signatures(signature: &Header<'_>) -> Result<Vec<Vec<u8>>, PackageFault> {
    let listed = signature.strings(Tag::OPENPGP)?;
    if !listed.is_empty() {
        return listed.into_iter().take(MOST).map(base64).collect();
    }
    let mut found = Vec::new();
    for tag in [Tag::RSAHEADER, Tag::DSAHEADER] {
        found.extend(signature.binary(tag)?.map(<[u8]>::to_vec));
    }
    Ok(found)
}

fn base64(text: &str) -> Result<Vec<u8>, PackageFault> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    Base64Decoder::new(Base64Reader::new(text.as_bytes()))
        .read_to_end(&mut bytes)
        .map_err(|error| PackageFault::Signature(SignatureFault::Unreadable { why: error.to_string() }))?;
    Ok(bytes)
}
