//! Certificates and signatures.
#![no_main]

use kiln::config::Expired;
use kiln::fetch::openpgp::{KeySource, Keyring};
use libfuzzer_sys::fuzz_target;

const NOW: u64 = 1_750_000_000;

fuzz_target!(|data: &[u8]| {
    let (certificate, signature) = seeds::signed();
    let Some((first, rest)) = data.split_first() else { return };
    let half = rest.len() / 2;
    let (one, other) = rest.split_at(half);
    let (certificate, signature) = match first % 3 {
        0 => (rest.to_vec(), signature.to_vec()),
        1 => (certificate.to_vec(), seeds::edited(signature, rest).unwrap_or_default()),
        _ => (
            seeds::edited(certificate, one).unwrap_or_default(),
            seeds::edited(signature, other).unwrap_or_default(),
        ),
    };
    let mut keyring = Keyring::new();
    let source = KeySource { place: "fuzz", bytes: &certificate, pin: None, expired: Expired::Refused };
    let _ = keyring.add(source, NOW);
    if let Ok(signed) = keyring.verify(&signature, &[b"what is signed"], NOW) {
        // Whatever was changed, nobody else has signed it.
        assert!(keyring.fingerprints().contains(&signed.certificate));
    }
    assert!(keyring.verify(&signature, &[b"something else"], NOW).is_err());
});
