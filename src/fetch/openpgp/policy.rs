//! Which algorithms still prove something. Knowledge is rows; see `mod.rs` for the why.

use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Signature, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, PublicParams};

use crate::fetch::openpgp::KeyFault;

/// What RSA and DSA need at least.
const BITS: u16 = 2048;

const DIGESTS: &[HashAlgorithm] = &[
    HashAlgorithm::Sha224,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
    HashAlgorithm::Sha3_256,
    HashAlgorithm::Sha3_512,
];

/// Whether a digest still proves something.
pub(super) fn is_strong(hash: HashAlgorithm) -> bool {
    DIGESTS.contains(&hash)
}

/// What a certificate's own signatures may be made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// Only with what proves something.
    Strong,
    /// With SHA-1 too: the certificate is pinned.
    Pinned,
}

impl Binding {
    pub(super) fn allows(self, hash: HashAlgorithm) -> bool {
        is_strong(hash) || (self == Self::Pinned && hash == HashAlgorithm::Sha1)
    }
}

/// Whether a key's algorithm and size are acceptable.
pub(super) fn key(key: &impl KeyDetails) -> Result<(), KeyFault> {
    if !matches!(key.version(), KeyVersion::V4 | KeyVersion::V6) {
        return Err(KeyFault::Unsupported { what: format!("a key of version {:?}", key.version()) });
    }
    let algorithm = key.algorithm();
    match key.public_params() {
        PublicParams::RSA(params) => bits("RSA", &serialized(params)),
        PublicParams::DSA(params) => bits("DSA", &serialized(params)),
        PublicParams::ECDSA(params) => match params.curve() {
            ECCCurve::P256 | ECCCurve::P384 | ECCCurve::P521 => Ok(()),
            other => Err(KeyFault::Unsupported { what: format!("ECDSA over {other}") }),
        },
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) | PublicParams::Ed448(_) => Ok(()),
        _ if algorithm.is_pqc() && algorithm.can_sign() => Ok(()),
        _ => Err(KeyFault::Unsupported { what: name(algorithm) }),
    }
}

fn name(algorithm: PublicKeyAlgorithm) -> String {
    match algorithm {
        PublicKeyAlgorithm::Unknown(number) => format!("key algorithm {number}"),
        known => format!("key algorithm {known:?}"),
    }
}

fn serialized(params: &impl pgp::ser::Serialize) -> Vec<u8> {
    params.to_bytes().unwrap_or_default()
}

/// The modulus comes first, as a number with its length in bits in front.
fn bits(algorithm: &str, params: &[u8]) -> Result<(), KeyFault> {
    let bits = params.first_chunk().map_or(0, |length| u16::from_be_bytes(*length));
    if bits < BITS { Err(KeyFault::Weak { what: format!("{algorithm} with {bits} bits") }) } else { Ok(()) }
}

/// Whether a signature carries a critical notation: something that must be understood, and is not.
pub(super) fn has_unknown_demand(signature: &Signature) -> bool {
    signature.config().is_some_and(|config| {
        config
            .hashed_subpackets()
            .any(|packet| packet.is_critical && matches!(packet.data, SubpacketData::Notation(_)))
    })
}
