//! Whose signatures count.

use pgp::composed::{DetachedSignature, KeyType};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{RevocationCode, SubpacketData};
use pgp::types::{Duration, KeyVersion};

use super::keys::{Made, NOW, Recipe, Sub, version_3};
use crate::config::Expired;
use crate::fetch::openpgp::{KeySource, Keyring, SignatureFault};

const DAY: u32 = 86_400;
const DATA: &[u8] = b"what is signed";

fn keyring(made: &Made, pin: Option<&str>) -> Result<Keyring, String> {
    let mut keyring = Keyring::new();
    let text = made.armoured();
    let source = KeySource { place: "the file", bytes: text.as_bytes(), pin, expired: Expired::Refused };
    keyring.add(source, NOW).map_err(|fault| fault.to_string())?;
    Ok(keyring)
}

/// Checks a signature over `DATA` with the made key's own keyring.
fn check(made: &Made, signature: &[u8]) -> Result<(), String> {
    let keyring = keyring(made, Some(&made.fingerprint()))?;
    keyring
        .verify(signature, &[&DATA[..4], b"", &DATA[4..]], NOW)
        .map(|_| ())
        .map_err(|fault| fault.to_string())
}

#[test]
fn every_kind_of_key_that_distributions_use_counts() {
    let table = [
        (KeyType::Rsa(2048), KeyVersion::V4),
        (KeyType::Ed25519Legacy, KeyVersion::V4),
        (KeyType::ECDSA(ECCCurve::P256), KeyVersion::V4),
        (KeyType::ECDSA(ECCCurve::P384), KeyVersion::V4),
        (KeyType::ECDSA(ECCCurve::P521), KeyVersion::V4),
        (KeyType::Ed25519, KeyVersion::V6),
        (KeyType::Ed448, KeyVersion::V6),
    ];
    for (kind, version) in table {
        for subkey in [None, Some(Sub::default())] {
            // The larger curves need a digest of their size.
            let hash = if kind == KeyType::Rsa(2048) { HashAlgorithm::Sha256 } else { HashAlgorithm::Sha512 };
            let subkey = subkey.map(|sub: Sub| Sub { binding: hash, ..sub });
            let recipe = Recipe { kind: kind.clone(), version, binding: hash, ..Recipe::default() };
            let made = Recipe { subkey, signs: subkey.is_none(), ..recipe }.make();
            let signature = made.sign_with(DATA, hash, NOW, &[]);
            assert_eq!(check(&made, &signature), Ok(()), "{kind:?}");
            let keyring = keyring(&made, None).unwrap();
            let bad = keyring.verify(&signature, &[b"something else"], NOW).unwrap_err();
            assert!(matches!(bad, SignatureFault::Bad { .. }), "{kind:?}: {bad}");
        }
    }
}

#[test]
fn keys_that_do_not_count_are_refused_with_the_reason() {
    let recipe = Recipe::default;
    let rsa = || Recipe { kind: KeyType::Rsa(2048), ..Recipe::default() };
    let sub = |sub: Sub| Recipe { subkey: Some(sub), signs: false, ..rsa() };
    let table = [
        (Recipe { lasts: Some(30 * DAY), ..recipe() }, "it expired on 2022-10-19"),
        (
            Recipe { revoked: Some(RevocationCode::KeyCompromised), ..recipe() },
            "its owner revoked it on 2022-09-20: compromised (`lost`)",
        ),
        (Recipe { revoked: Some(RevocationCode::KeySuperseded), ..recipe() }, "on 2022-09-20: superseded"),
        (Recipe { kind: KeyType::Rsa(1024), ..recipe() }, "RSA with 1024 bits is too weak"),
        (Recipe { kind: KeyType::ECDSA(ECCCurve::Secp256k1), ..recipe() }, "is not supported"),
        (Recipe { binding: HashAlgorithm::Sha1, ..rsa() }, "it vouches for itself only with SHA-1"),
        (Recipe { bound: false, ..recipe() }, "no signature of its own vouches for it"),
        (Recipe { signs: false, ..recipe() }, "it has no key that may sign"),
        (Recipe { created: NOW as u32 + 3 * DAY, ..recipe() }, "in the future"),
        (sub(Sub { revoked: true, ..Sub::default() }), "revoked"),
        (sub(Sub { back: false, ..Sub::default() }), "no signature of its own vouches for it"),
        (sub(Sub { lasts: Some(DAY), ..Sub::default() }), "it expired on 2022-09-20"),
        (
            sub(Sub { binding: HashAlgorithm::Sha1, ..Sub::default() }),
            "it vouches for itself only with SHA-1",
        ),
    ];
    for (recipe, why) in table {
        let made = recipe.make();
        let error = keyring(&made, None).unwrap_err();
        let start = format!("key {} in the file is not accepted: ", made.fingerprint());
        assert!(error.starts_with(&start) && error.contains(why), "{why}: {error}");
    }
}

/// As rpm has it: what was signed while the key was valid. The owner's own word against the key is not outweighed.
#[test]
fn a_key_whose_time_is_over_may_be_accepted_for_what_it_signed_before() {
    let old = Recipe { lasts: Some(30 * DAY), ..Recipe::default() };
    let within = Sub { lasts: Some(20 * DAY), ..Sub::default() };
    let born = u64::from(old.created);
    for recipe in [old.clone(), Recipe { subkey: Some(within), signs: false, ..old.clone() }] {
        let made = recipe.make();
        let (text, pin) = (made.armoured(), made.fingerprint());
        let mut keyring = Keyring::new();
        let source = KeySource {
            place: "the file",
            bytes: text.as_bytes(),
            pin: Some(&pin),
            expired: Expired::Accepted,
        };
        keyring.add(source, NOW).unwrap();
        let check = |at| {
            let signature = made.sign_with(DATA, HashAlgorithm::Sha256, at, &[]);
            keyring.verify(&signature, &[DATA], NOW).map_err(|fault| fault.to_string())
        };
        assert_eq!(check(born + 10 * u64::from(DAY)).unwrap().certificate, pin);
        let late = check(born + 31 * u64::from(DAY)).unwrap_err();
        assert!(late.contains("was not valid (from 2022-09-19 until"), "{late}");
    }
    let revoked = Recipe { revoked: Some(RevocationCode::KeyCompromised), ..old }.make();
    let (text, pin) = (revoked.armoured(), revoked.fingerprint());
    let source =
        KeySource { place: "the file", bytes: text.as_bytes(), pin: Some(&pin), expired: Expired::Accepted };
    let error = Keyring::new().add(source, NOW).unwrap_err().to_string();
    assert!(error.contains("its owner revoked it"), "{error}");
}

#[test]
fn a_pinned_key_may_vouch_for_itself_with_sha1_but_not_for_a_subkey() {
    let rsa = || Recipe { kind: KeyType::Rsa(2048), ..Recipe::default() };
    let made = Recipe { binding: HashAlgorithm::Sha1, ..rsa() }.make();
    assert_eq!(check(&made, &made.sign(DATA)), Ok(()));
    let sub = Sub { binding: HashAlgorithm::Sha1, ..Sub::default() };
    let made = Recipe { binding: HashAlgorithm::Sha1, subkey: Some(sub), signs: false, ..rsa() }.make();
    assert!(check(&made, &made.sign(DATA)).unwrap_err().contains("SHA-1"));
    let made = Recipe { binding: HashAlgorithm::Md5, ..rsa() }.make();
    assert!(check(&made, &made.sign(DATA)).unwrap_err().contains("MD5"));
}

#[test]
fn signatures_that_do_not_count_are_refused_with_the_reason() {
    let made = Recipe { kind: KeyType::Rsa(2048), lasts: Some(2000 * DAY), ..Recipe::default() }.make();
    let at = |at| made.sign_with(DATA, HashAlgorithm::Sha256, at, &[]);
    let brief = [SubpacketData::SignatureExpirationTime(Duration::from_secs(DAY))];
    let two_days = u64::from(2 * DAY);
    let key = made.fingerprint();
    let table = [
        (made.sign(b"else"), format!("the signature of key {key} is bad")),
        (made.sign_with(DATA, HashAlgorithm::Sha1, NOW, &[]), "a SHA-1 digest".to_owned()),
        (made.sign_with(DATA, HashAlgorithm::Md5, NOW, &[]), "a MD5 digest".to_owned()),
        (at(NOW + 2 * two_days), "which is in the future".to_owned()),
        (at(NOW - 500 * two_days - two_days), "was not valid (from 2022-09-19 until 2028-03-11)".to_owned()),
        (
            made.sign_with(DATA, HashAlgorithm::Sha256, NOW - two_days, &brief),
            format!("the signature of key {key} expired on 2025-06-14"),
        ),
        (Vec::new(), "the signature cannot be read: there is none".to_owned()),
        (b"garbage".to_vec(), "the signature cannot be read".to_owned()),
        (vec![0; 1 << 17], "it has 131072 bytes".to_owned()),
    ];
    for (signature, why) in table {
        let error = check(&made, &signature).unwrap_err();
        assert!(error.contains(&why), "{why}: {error}");
    }
    assert_eq!(check(&made, &at(NOW - 10)), Ok(()));
}

#[test]
fn a_strangers_signature_names_the_stranger_and_the_keys_that_count() {
    let (ours, stranger) = (Recipe::default().make(), Recipe::default().make());
    let error = check(&ours, &stranger.sign(DATA)).unwrap_err();
    let text = format!(
        "it is signed by key {}, which is not a key of the repository ({})",
        stranger.fingerprint(),
        ours.fingerprint()
    );
    assert_eq!(error, text);
}

#[test]
fn a_file_may_have_several_certificates_and_says_which_are_refused() {
    let (good, old) = (Recipe::default().make(), Recipe { lasts: Some(DAY), ..Recipe::default() }.make());
    let text = format!("A comment\n{}\nAnother\n{}", old.armoured(), good.armoured());
    let mut keyring = Keyring::new();
    keyring
        .add(
            KeySource { place: "the file", bytes: text.as_bytes(), pin: None, expired: Expired::Refused },
            NOW,
        )
        .unwrap();
    assert_eq!(keyring.fingerprints(), [good.fingerprint()]);
    keyring.verify(&good.sign(DATA), &[DATA], NOW).unwrap();
    let error = keyring.verify(&old.sign(DATA), &[DATA], NOW).unwrap_err().to_string();
    assert!(error.contains("which is not accepted: it expired on 2022-09-20"), "{error}");
    // A pin takes the one that it names, and no other.
    let mut pinned = Keyring::new();
    let fingerprint = good.fingerprint().to_lowercase();
    pinned
        .add(
            KeySource {
                place: "the file",
                bytes: text.as_bytes(),
                pin: Some(&fingerprint),
                expired: Expired::Refused,
            },
            NOW,
        )
        .unwrap();
    assert_eq!(pinned.fingerprints(), [good.fingerprint()]);
    let other = "0".repeat(40);
    let error = pinned.add(
        KeySource { place: "the file", bytes: text.as_bytes(), pin: Some(&other), expired: Expired::Refused },
        NOW,
    );
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with(&format!("the file has no key with the fingerprint {other}, but ")), "{error}");
}

#[test]
fn a_certificate_may_be_plain_packets() {
    use pgp::ser::Serialize as _;
    let made = Recipe::default().make();
    let bytes = made.certificate.to_bytes().unwrap();
    let mut keyring = Keyring::new();
    keyring
        .add(KeySource { place: "the file", bytes: &bytes, pin: None, expired: Expired::Refused }, NOW)
        .unwrap();
    for bytes in [&b""[..], b"no key", &[0xff; 100]] {
        let error = Keyring::new()
            .add(KeySource { place: "the file", bytes, pin: None, expired: Expired::Refused }, NOW)
            .unwrap_err();
        assert!(error.to_string().starts_with("there is no OpenPGP certificate in the file"), "{error}");
    }
}

#[test]
fn another_keys_binding_does_not_count() {
    // The stranger's certificate with the victim's primary key in front: nothing in it is by that key.
    let (victim, stranger) = (Recipe::default().make(), Recipe::default().make());
    let mut forged = stranger.certificate.clone();
    forged.primary_key = victim.certificate.primary_key.clone();
    let forged = Made { certificate: forged, ..victim };
    assert!(keyring(&forged, None).unwrap_err().contains("no signature of its own"));
    // The stranger's subkey below the victim's key: it is left out.
    let victim = Recipe::default().make();
    let stranger = Recipe { subkey: Some(Sub::default()), ..Recipe::default() }.make();
    let mut forged = victim.certificate.clone();
    forged.public_subkeys.clone_from(&stranger.certificate.public_subkeys);
    let signature = stranger.sign(DATA);
    let forged = Made { certificate: forged, ..victim };
    let error = check(&forged, &signature).unwrap_err();
    assert!(error.contains("which is not accepted: no signature of its own vouches for it"), "{error}");
}

#[test]
fn signatures_of_version_3_and_armoured_ones_are_read() {
    let made = Recipe { kind: KeyType::Rsa(2048), ..Recipe::default() }.make();
    assert_eq!(check(&made, &version_3(&made, DATA, NOW - 1)), Ok(()));
    assert!(check(&made, &version_3(&made, b"else", NOW)).unwrap_err().contains("is bad"));
    let password = pgp::types::Password::empty();
    let detached = DetachedSignature::sign_binary_data(
        rand::rngs::OsRng,
        &made.primary,
        &password,
        HashAlgorithm::Sha256,
        DATA,
    );
    let text = detached.unwrap().to_armored_string(pgp::composed::ArmorOptions::default()).unwrap();
    let keyring = keyring(&made, None).unwrap();
    let now = crate::fetch::now();
    assert_eq!(keyring.verify(text.as_bytes(), &[DATA], now).unwrap().certificate, made.fingerprint());
}
