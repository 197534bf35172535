//! Keys, certificates and signatures made to order: also those that no tool would make any more.

use std::sync::OnceLock;

use pgp::composed::{ArmorOptions, KeyType, SignedKeyDetails, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PacketTrait as _, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey,
    SecretSubkey, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::types::{
    Duration, KeyDetails as _, KeyVersion, Password, PublicParams, SecretParams, SignedUser, SigningKey, Tag,
    Timestamp,
};
use rand::rngs::OsRng;

/// The time at which all of it happens.
pub(super) const NOW: u64 = 1_750_000_000;
const DAY: u32 = 86_400;

/// How a certificate is to be.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) kind: KeyType,
    pub(super) version: KeyVersion,
    pub(super) created: u32,
    /// Seconds after which it expires.
    pub(super) lasts: Option<u32>,
    pub(super) binding: HashAlgorithm,
    pub(super) signs: bool,
    pub(super) revoked: Option<RevocationCode>,
    pub(super) bound: bool,
    pub(super) subkey: Option<Sub>,
}

/// How its signing subkey is to be.
#[derive(Clone, Copy)]
pub(super) struct Sub {
    pub(super) binding: HashAlgorithm,
    pub(super) back: bool,
    pub(super) lasts: Option<u32>,
    pub(super) revoked: bool,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            kind: KeyType::Ed25519Legacy,
            version: KeyVersion::V4,
            created: NOW as u32 - 1000 * DAY,
            lasts: None,
            binding: HashAlgorithm::Sha256,
            signs: true,
            revoked: None,
            bound: true,
            subkey: None,
        }
    }
}

impl Default for Sub {
    fn default() -> Self {
        Self { binding: HashAlgorithm::Sha256, back: true, lasts: None, revoked: false }
    }
}

/// A made key.
pub(super) struct Made {
    pub(super) primary: SecretKey,
    pub(super) subkey: Option<SecretSubkey>,
    pub(super) certificate: SignedPublicKey,
}

fn packet(data: SubpacketData) -> Subpacket {
    Subpacket::regular(data).unwrap()
}

/// A signature's beginnings.
fn config(key: &impl SigningKey, typ: SignatureType, hash: HashAlgorithm, at: u32) -> SignatureConfig {
    let mut config = match key.version() {
        KeyVersion::V6 => SignatureConfig::v6(OsRng, typ, key.algorithm(), hash).unwrap(),
        _ => SignatureConfig::v4(typ, key.algorithm(), hash),
    };
    config.hashed_subpackets = vec![
        packet(SubpacketData::SignatureCreationTime(Timestamp::from_secs(at))),
        packet(SubpacketData::IssuerFingerprint(key.fingerprint())),
    ];
    config
}

fn flags(set: impl FnOnce(&mut KeyFlags)) -> Subpacket {
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    set(&mut flags);
    packet(SubpacketData::KeyFlags(flags))
}

fn lasting(lasts: Option<u32>) -> Option<Subpacket> {
    lasts.map(|seconds| packet(SubpacketData::KeyExpirationTime(Duration::from_secs(seconds))))
}

/// Key material. That of the usual RSA keys is made once, since it takes a while: `slot` 0 for primary keys, 1 for
/// subkeys.
fn material(recipe: &Recipe, slot: usize) -> (PubKeyInner, SecretParams) {
    static RSA: [OnceLock<(PublicParams, SecretParams)>; 2] = [OnceLock::new(), OnceLock::new()];
    let generate = || recipe.kind.generate(OsRng).unwrap();
    let (public, secret) = match recipe.kind {
        KeyType::Rsa(2048) => RSA[slot].get_or_init(generate).clone(),
        _ => generate(),
    };
    let created = Timestamp::from_secs(recipe.created);
    (PubKeyInner::new(recipe.version, recipe.kind.to_alg(), created, None, public).unwrap(), secret)
}

impl Recipe {
    pub(super) fn make(&self) -> Made {
        let none = Password::empty();
        let (public, secret) = material(self, 0);
        let public = PublicKey::from_inner(public).unwrap();
        let primary = SecretKey::new(public.clone(), secret).unwrap();
        let mut direct = Vec::new();
        let user = UserId::from_str(pgp::types::PacketHeaderVersion::New, "Test <test@example.org>").unwrap();
        let mut users = Vec::new();
        if self.bound {
            let mut own = config(&primary, SignatureType::CertPositive, self.binding, self.created);
            own.hashed_subpackets.push(flags(|flags| flags.set_sign(self.signs)));
            own.hashed_subpackets.extend(lasting(self.lasts));
            users.push(own.sign_certification(&primary, &public, &none, Tag::UserId, &user).unwrap());
        }
        if self.bound && self.version == KeyVersion::V6 {
            let mut own = config(&primary, SignatureType::Key, self.binding, self.created);
            own.hashed_subpackets.push(flags(|flags| flags.set_sign(self.signs)));
            own.hashed_subpackets.extend(lasting(self.lasts));
            direct.push(own.sign_key(&primary, &none, &public).unwrap());
        }
        let revocation = self.revoked.map(|code| {
            let mut revocation =
                config(&primary, SignatureType::KeyRevocation, HashAlgorithm::Sha256, self.created + DAY);
            revocation.hashed_subpackets.push(packet(SubpacketData::RevocationReason(code, "lost".into())));
            revocation.sign_key(&primary, &none, &public).unwrap()
        });
        let details = SignedKeyDetails::new(
            revocation.into_iter().collect(),
            direct,
            vec![SignedUser::new(user, users)],
            Vec::new(),
        );
        let subkey = self.subkey.map(|sub| self.make_subkey(sub, &primary, &public));
        let (subkey, bound) = subkey.unzip();
        let certificate = SignedPublicKey::new(public, details, bound.into_iter().collect());
        Made { primary, subkey, certificate }
    }

    fn make_subkey(
        &self,
        sub: Sub,
        primary: &SecretKey,
        public: &PublicKey,
    ) -> (SecretSubkey, SignedPublicSubKey) {
        let none = Password::empty();
        let (inner, secret) = material(self, 1);
        let inner = PublicSubkey::from_inner(inner).unwrap();
        let key = SecretSubkey::new(inner.clone(), secret).unwrap();
        let mut binding = config(primary, SignatureType::SubkeyBinding, sub.binding, self.created);
        binding.hashed_subpackets.push(flags(|flags| flags.set_sign(true)));
        binding.hashed_subpackets.extend(lasting(sub.lasts));
        if sub.back {
            // SHA-1 is only tried where the primary key vouches.
            let weak = sub.binding == HashAlgorithm::Sha1;
            let back_hash = if weak { HashAlgorithm::Sha256 } else { sub.binding };
            let back = config(&key, SignatureType::KeyBinding, back_hash, self.created);
            let back = back.sign_primary_key_binding(&key, &inner, &none, public).unwrap();
            binding.hashed_subpackets.push(packet(SubpacketData::EmbeddedSignature(Box::new(back))));
        }
        let mut signatures = vec![binding.sign_subkey_binding(primary, public, &none, &inner).unwrap()];
        if sub.revoked {
            let revocation =
                config(primary, SignatureType::SubkeyRevocation, HashAlgorithm::Sha256, self.created + DAY);
            signatures.push(revocation.sign_subkey_binding(primary, public, &none, &inner).unwrap());
        }
        (key, SignedPublicSubKey::new(inner, signatures))
    }
}

impl Made {
    pub(super) fn armoured(&self) -> String {
        self.certificate.to_armored_string(ArmorOptions::default()).unwrap()
    }

    pub(super) fn fingerprint(&self) -> String {
        format!("{:X}", self.primary.fingerprint())
    }

    /// A signature of its signing key over `data`, as a bare packet.
    pub(super) fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.sign_with(data, HashAlgorithm::Sha256, NOW, &[])
    }

    pub(super) fn sign_with(
        &self,
        data: &[u8],
        hash: HashAlgorithm,
        at: u64,
        extra: &[SubpacketData],
    ) -> Vec<u8> {
        match &self.subkey {
            Some(key) => detached(key, data, (hash, at as u32), extra),
            None => detached(&self.primary, data, (hash, at as u32), extra),
        }
    }
}

fn detached(
    key: &impl SigningKey,
    data: &[u8],
    (hash, at): (HashAlgorithm, u32),
    extra: &[SubpacketData],
) -> Vec<u8> {
    let mut config = config(key, SignatureType::Binary, hash, at);
    config.hashed_subpackets.extend(extra.iter().cloned().map(packet));
    bytes(&config.sign(key, &Password::empty(), data).unwrap())
}

/// A signature of version 3, as old signing servers still make them.
pub(super) fn version_3(made: &Made, data: &[u8], at: u64) -> Vec<u8> {
    let (key, hash) = (&made.primary, HashAlgorithm::Sha256);
    let config = SignatureConfig::v3(
        SignatureType::Binary,
        key.algorithm(),
        hash,
        Timestamp::from_secs(at as u32),
        key.legacy_key_id(),
    );
    let mut signed = data.to_vec();
    signed.push(0);
    signed.extend_from_slice(&(at as u32).to_be_bytes());
    let digest = hash.digest(&signed).unwrap();
    let signature = key.sign(&Password::empty(), hash, &digest).unwrap();
    bytes(&Signature::from_config(config, [digest[0], digest[1]], signature).unwrap())
}

fn bytes(signature: &Signature) -> Vec<u8> {
    let mut bytes = Vec::new();
    signature.to_writer_with_header(&mut bytes).unwrap();
    bytes
}
