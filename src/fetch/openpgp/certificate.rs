//! One certificate, judged: its keys that may sign, and when.

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, RevocationCode, Signature, SignatureType};
use pgp::types::{Fingerprint, KeyDetails, KeyId, KeyVersion, Tag};

use crate::config::Expired;
use crate::fetch::openpgp::KeyFault;
use crate::fetch::openpgp::date::Date;
use crate::fetch::openpgp::policy::{self, Binding};

/// How far clocks may differ.
pub(super) const SKEW: u64 = 86_400;

/// What a certificate is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) binding: Binding,
    pub(super) expired: Expired,
    /// The time.
    pub(super) now: u64,
}

/// A certificate that counts.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) fingerprint: String,
    /// Its keys that may sign.
    pub(super) signers: Vec<Signer>,
    /// Its keys that would sign, and may not.
    pub(super) refused: Vec<(Name, KeyFault)>,
}

/// A key that may sign.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) name: Name,
    pub(super) key: Key,
    pub(super) validity: Validity,
}

/// The key itself.
#[derive(Debug)]
pub(super) enum Key {
    Primary(Box<PublicKey>),
    Sub(Box<PublicSubkey>),
}

/// How signatures refer to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) fingerprint: Fingerprint,
    pub(super) id: KeyId,
}

impl Name {
    pub(super) fn of(key: &impl KeyDetails) -> Self {
        Self { fingerprint: key.fingerprint(), id: key.legacy_key_id() }
    }
}

/// When a key may sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    pub(super) from: Date,
    pub(super) until: Option<Date>,
}

/// A fingerprint as people compare it.
pub(super) fn hex(fingerprint: &Fingerprint) -> String {
    format!("{fingerprint:X}")
}

impl Certificate {
    /// Judges a certificate.
    pub(super) fn judge(certificate: &SignedPublicKey, terms: Terms) -> Result<Self, KeyFault> {
        let primary = &certificate.primary_key;
        policy::key(primary)?;
        born(primary, terms.now)?;
        if let Some(revocation) = revocation(certificate) {
            return Err(revoked(revocation));
        }
        let bound = own(certificate, terms)?;
        let validity = validity(primary, bound, terms)?;
        let mut judged =
            Self { fingerprint: hex(&primary.fingerprint()), signers: Vec::new(), refused: Vec::new() };
        if may_sign(bound) {
            let key = Key::Primary(Box::new(primary.clone()));
            judged.signers.push(Signer { name: Name::of(primary), key, validity });
        }
        for subkey in &certificate.public_subkeys {
            match judge_subkey(primary, subkey, terms) {
                Ok(Some(validity)) => {
                    let key = Key::Sub(Box::new(subkey.key.clone()));
                    judged.signers.push(Signer { name: Name::of(&subkey.key), key, validity });
                }
                Ok(None) => {}
                Err(fault) => judged.refused.push((Name::of(&subkey.key), fault)),
            }
        }
        match (judged.signers.is_empty(), judged.refused.first()) {
            (true, Some((_, fault))) => Err(fault.clone()),
            (true, None) => Err(KeyFault::CannotSign),
            (false, _) => Ok(judged),
        }
    }
}

/// The owner's revocation of the whole certificate. Also one with a weak digest is believed: nobody gains by it.
fn revocation(certificate: &SignedPublicKey) -> Option<&Signature> {
    let primary = &certificate.primary_key;
    let candidates =
        certificate.details.revocation_signatures.iter().chain(&certificate.details.direct_signatures);
    candidates
        .filter(|signature| signature.typ() == Some(SignatureType::KeyRevocation))
        .find(|signature| signature.verify_key(primary).is_ok())
}

fn revoked(signature: &Signature) -> KeyFault {
    let code = match signature.revocation_reason_code() {
        Some(RevocationCode::KeySuperseded) => ": superseded",
        Some(RevocationCode::KeyCompromised) => ": compromised",
        Some(RevocationCode::KeyRetired) => ": retired",
        _ => "",
    };
    let text = signature.revocation_reason_string().map(|text| String::from_utf8_lossy(text).into_owned());
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.map_or_else(String::new, |text| format!(" (`{}`)", text.escape_default()));
    KeyFault::Revoked { on: made(signature).map(Date), why: format!("{code}{text}") }
}

/// The signature by which the primary key says what it is for and until when. For version 6 that is the direct one;
/// before, the one over the primary user, and the direct one where there is none.
fn own(certificate: &SignedPublicKey, terms: Terms) -> Result<&Signature, KeyFault> {
    let primary = &certificate.primary_key;
    let mut weak = None;
    let mut acceptable = |signature: &Signature| {
        let strong = signature.hash_alg().is_some_and(|hash| terms.binding.allows(hash));
        if !strong {
            weak = signature.hash_alg().or(weak);
        }
        strong
            && !policy::has_unknown_demand(signature)
            && made(signature).is_some_and(|at| at <= terms.now + SKEW)
    };
    let direct = certificate.details.direct_signatures.iter().filter(|signature| {
        signature.typ() == Some(SignatureType::Key) && signature.verify_key(primary).is_ok()
    });
    let direct = newest(direct.filter(|signature| acceptable(signature)));
    let mut users: Vec<&Signature> = Vec::new();
    for user in &certificate.details.users {
        let valid = user.signatures.iter().filter(|signature| {
            signature.is_certification() || signature.typ() == Some(SignatureType::CertRevocation)
        });
        let valid = valid.filter(|signature| {
            signature.verify_certification(primary, Tag::UserId, &user.id).is_ok() && acceptable(signature)
        });
        users.extend(newest(valid).filter(|last| last.typ() != Some(SignatureType::CertRevocation)));
    }
    let user = users.into_iter().max_by_key(|signature| (signature.is_primary(), made(signature)));
    let bound = if primary.version() == KeyVersion::V6 { direct.or(user) } else { user.or(direct) };
    bound.ok_or_else(|| match weak {
        Some(hash) => KeyFault::WeakBinding { hash: digest_name(hash) },
        None => KeyFault::Unbound,
    })
}

pub(super) fn digest_name(hash: HashAlgorithm) -> String {
    match hash {
        HashAlgorithm::Sha1 => "SHA-1".to_owned(),
        other => other.to_string(),
    }
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| made(signature))
}

/// When a signature was made.
pub(super) fn made(signature: &Signature) -> Option<u64> {
    signature.created().map(|at| u64::from(at.as_secs()))
}

/// When a key was made.
fn born(key: &impl KeyDetails, now: u64) -> Result<u64, KeyFault> {
    let at = u64::from(key.created_at().as_secs());
    if at > now + SKEW { Err(KeyFault::Future { on: Date(at) }) } else { Ok(at) }
}

/// When a key may sign. One whose time is over is a fault or, where it is accepted, no less valid before.
fn validity(key: &impl KeyDetails, bound: &Signature, terms: Terms) -> Result<Validity, KeyFault> {
    let from = born(key, terms.now)?;
    let lasts = bound.key_expiration_time().map_or(0, pgp::types::Duration::as_secs);
    let until = (lasts > 0).then(|| Date(from + u64::from(lasts)));
    match until {
        Some(on) if on.0 <= terms.now && terms.expired == Expired::Refused => Err(KeyFault::Expired { on }),
        until => Ok(Validity { from: Date(from), until }),
    }
}

/// Whether a primary key may sign: it says so, or it says nothing at all.
fn may_sign(bound: &Signature) -> bool {
    let says = bound.config().is_some_and(|config| {
        config
            .hashed_subpackets()
            .any(|packet| matches!(packet.data, pgp::packet::SubpacketData::KeyFlags(_)))
    });
    !says || bound.key_flags().sign()
}

/// A subkey's validity; `None` where it is not for signing.
fn judge_subkey(
    primary: &PublicKey,
    subkey: &SignedPublicSubKey,
    terms: Terms,
) -> Result<Option<Validity>, KeyFault> {
    let key = &subkey.key;
    let verified = |signature: &&Signature| signature.verify_subkey_binding(primary, key).is_ok();
    let of_type = |typ| subkey.signatures.iter().filter(move |signature| signature.typ() == Some(typ));
    let signs = of_type(SignatureType::SubkeyBinding).any(|signature| signature.key_flags().sign());
    if !signs {
        return Ok(None);
    }
    policy::key(key)?;
    if let Some(revocation) = of_type(SignatureType::SubkeyRevocation).find(verified) {
        return Err(revoked(revocation));
    }
    let bound = newest(of_type(SignatureType::SubkeyBinding).filter(verified)).ok_or(KeyFault::Unbound)?;
    if !bound.key_flags().sign() {
        return Ok(None);
    }
    let back = bound.embedded_signature().ok_or(KeyFault::Unbound)?;
    for signature in [bound, back] {
        let hash = signature.hash_alg().unwrap_or(HashAlgorithm::None);
        if !policy::is_strong(hash) {
            return Err(KeyFault::WeakBinding { hash: digest_name(hash) });
        }
        if policy::has_unknown_demand(signature) {
            return Err(KeyFault::Unbound);
        }
    }
    back.verify_primary_key_binding(key, primary).map_err(|_| KeyFault::Unbound)?;
    validity(key, bound, terms).map(Some)
}
