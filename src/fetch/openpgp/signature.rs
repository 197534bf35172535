//! One signature over some bytes, checked against a keyring.

use std::io::{BufReader, Read};

use pgp::composed::DetachedSignature;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use pgp::types::{Fingerprint, KeyId, VerifyingKey};

use crate::fetch::openpgp::certificate::{Key, Name, SKEW, Signer, digest_name, hex, made};
use crate::fetch::openpgp::date::Date;
use crate::fetch::openpgp::{Keyring, SignatureFault, policy};

/// More than the largest signature there is.
const LARGEST: usize = 1 << 16;
/// More than anybody signs one thing with.
const MOST: usize = 16;

/// Who signed something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The fingerprint of the certificate's primary key.
    pub certificate: String,
    /// Seconds since 1970.
    pub at: u64,
}

impl Keyring {
    /// Checks detached signatures, armoured or not, over `pieces` put together. One that counts is enough.
    pub fn verify(&self, signatures: &[u8], pieces: &[&[u8]], now: u64) -> Result<Signed, SignatureFault> {
        let signatures = read(signatures)?;
        let mut worst: Option<SignatureFault> = None;
        for signature in &signatures {
            match self.verify_one(signature, pieces, now) {
                Ok(signed) => return Ok(signed),
                Err(fault) if worst.as_ref().is_none_or(|worst| worst.weight() < fault.weight()) => {
                    worst = Some(fault);
                }
                Err(_) => {}
            }
        }
        Err(worst.unwrap_or_else(|| SignatureFault::Unreadable { why: "there is none".to_owned() }))
    }

    fn verify_one(
        &self,
        signature: &Signature,
        pieces: &[&[u8]],
        now: u64,
    ) -> Result<Signed, SignatureFault> {
        let form = |why: &str| SignatureFault::Form { why: why.to_owned() };
        let issuer = Issuer::of(signature);
        let hash = signature.hash_alg().ok_or_else(|| form("it is of an unknown version"))?;
        let at = made(signature).ok_or_else(|| form("it does not say when it was made"))?;
        let candidates: Vec<(&str, &Signer)> =
            self.signers().filter(|(_, signer)| issuer.may_be(&signer.name)).collect();
        if candidates.is_empty() {
            return Err(self.stranger(&issuer));
        }
        if !policy::is_strong(hash) {
            return Err(SignatureFault::WeakDigest { hash: digest_name(hash) });
        }
        if signature.typ() != Some(SignatureType::Binary) {
            return Err(form("it is not one over a file"));
        }
        if policy::has_unknown_demand(signature) {
            return Err(form("it demands something that is not understood"));
        }
        if at > now + SKEW {
            return Err(form(&format!("it was made on {}, which is in the future", Date(at))));
        }
        let lasts = signature.signature_expiration_time().map_or(0, |time| u64::from(time.as_secs()));
        if lasts > 0 && at + lasts <= now {
            return Err(SignatureFault::Expired { key: issuer.to_string(), on: Date(at + lasts) });
        }
        let mut fault = SignatureFault::Bad { key: issuer.to_string() };
        for (certificate, signer) in candidates {
            if !verifies(signature, &signer.key, pieces) {
                continue;
            }
            match out_of_time(signer, at) {
                None => return Ok(Signed { certificate: certificate.to_owned(), at }),
                Some(other) => fault = other,
            }
        }
        Err(fault)
    }

    /// What to say about a key that is not among those that count.
    fn stranger(&self, issuer: &Issuer<'_>) -> SignatureFault {
        match self.refused().find(|(name, _)| issuer.is(name)) {
            Some((_, fault)) => SignatureFault::RefusedKey { key: issuer.to_string(), fault: fault.clone() },
            None => SignatureFault::UnknownKey { key: issuer.to_string(), known: self.fingerprints() },
        }
    }
}

fn verifies(signature: &Signature, key: &Key, pieces: &[&[u8]]) -> bool {
    fn with(signature: &Signature, key: &impl VerifyingKey, pieces: &[&[u8]]) -> bool {
        signature.verify(key, Pieces(pieces.to_vec())).is_ok()
    }
    match key {
        Key::Primary(key) => with(signature, key.as_ref(), pieces),
        Key::Sub(key) => with(signature, key.as_ref(), pieces),
    }
}

fn out_of_time(signer: &Signer, at: u64) -> Option<SignatureFault> {
    let validity = signer.validity;
    let inside = at + SKEW >= validity.from.0 && validity.until.is_none_or(|until| at < until.0);
    (!inside).then(|| SignatureFault::OutOfTime {
        key: hex(&signer.name.fingerprint),
        at: Date(at),
        valid: match validity.until {
            Some(until) => format!("from {} until {until}", validity.from),
            None => format!("from {}", validity.from),
        },
    })
}

/// Whose a signature claims to be.
struct Issuer<'a> {
    fingerprints: Vec<&'a Fingerprint>,
    ids: Vec<&'a KeyId>,
}

impl<'a> Issuer<'a> {
    fn of(signature: &'a Signature) -> Self {
        Self { fingerprints: signature.issuer_fingerprint(), ids: signature.issuer_key_id() }
    }

    fn is(&self, name: &Name) -> bool {
        self.fingerprints.contains(&&name.fingerprint) || self.ids.contains(&&name.id)
    }

    /// A signature that names nobody may be anybody's.
    fn may_be(&self, name: &Name) -> bool {
        (self.fingerprints.is_empty() && self.ids.is_empty()) || self.is(name)
    }
}

impl std::fmt::Display for Issuer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.fingerprints.first(), self.ids.first()) {
            (Some(fingerprint), _) => f.write_str(&hex(fingerprint)),
            (None, Some(id)) => write!(f, "{}", format!("{id}").to_uppercase()),
            (None, None) => f.write_str("(not named)"),
        }
    }
}

/// Reads one or more signatures, armoured or not.
fn read(bytes: &[u8]) -> Result<Vec<Signature>, SignatureFault> {
    use pgp::composed::Deserializable as _;
    let unreadable = |why: String| SignatureFault::Unreadable { why };
    if bytes.len() > LARGEST {
        return Err(unreadable(format!("it has {} bytes", bytes.len())));
    }
    let mut found = Vec::new();
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        let (signatures, _) =
            DetachedSignature::from_armor_many(bytes).map_err(|error| unreadable(error.to_string()))?;
        for signature in signatures.take(MOST) {
            found.push(signature.map_err(|error| unreadable(error.to_string()))?.signature);
        }
    } else {
        for packet in PacketParser::new(BufReader::new(bytes)).take(MOST) {
            match packet {
                Ok(Packet::Signature(signature)) => found.push(signature),
                Ok(_) => return Err(unreadable("it is something else".to_owned())),
                Err(error) => return Err(unreadable(error.to_string())),
            }
        }
    }
    Ok(found)
}

/// Several pieces, read as one.
struct Pieces<'a>(Vec<&'a [u8]>);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.0.first().is_some_and(|piece| piece.is_empty()) {
            self.0.remove(0);
        }
        match self.0.first_mut() {
            Some(piece) => piece.read(buffer),
            None => Ok(0),
        }
    }
}
