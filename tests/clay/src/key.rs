//! The key that signs Clay: made on the spot, kept beside what it signed, worth nothing.
//!
//! Ed25519 signatures are deterministic, and they are dated as the package is, so with the same key the same packages
//! come out the same to the last byte.

use std::fs;
use std::path::Path;

use pgp::composed::{
    ArmorOptions, Deserializable as _, DetachedSignature, EncryptionCaps, KeyType, SecretKeyParamsBuilder,
    SignedPublicKey, SignedSecretKey,
};
use pgp::types::{KeyDetails, Timestamp};
use rpm::signature::Signing as _;
use rpm::signature::pgp::Signer;

use crate::error::Error;

/// When the key says it was made: before any package that it signs.
const CREATED: u32 = 946_684_800;

/// A signing key.
#[derive(Debug)]
pub struct Key {
    secret: SignedSecretKey,
    signer: Signer,
}

impl Key {
    /// Reads the key in a file, or makes one and writes it there.
    pub fn load_or_make(file: &Path) -> Result<Self, Error> {
        if !file.exists() {
            let key = make()?;
            let armored = key.to_armored_string(ArmorOptions::default()).map_err(failed("write"))?;
            fs::write(file, armored).map_err(Error::io("write", file))?;
        }
        let armored = fs::read_to_string(file).map_err(Error::io("read", file))?;
        let (secret, _) = SignedSecretKey::from_string(&armored).map_err(failed("read"))?;
        let signer = Signer::from_asc(&armored).map_err(failed("read"))?;
        Ok(Self { secret, signer })
    }

    /// The fingerprint, 40 upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.secret.fingerprint())
    }

    /// The public key, armored.
    pub fn public(&self) -> Result<String, Error> {
        SignedPublicKey::from(self.secret.clone())
            .to_armored_string(ArmorOptions::default())
            .map_err(failed("write"))
    }

    /// Signs a package's header.
    pub fn sign_package(&self, package: &mut rpm::Package, date: u32) -> Result<(), Error> {
        package.sign_with_timestamp(&self.signer, date.max(CREATED)).map_err(failed("use"))
    }

    /// A detached armored signature.
    pub fn sign(&self, content: &[u8], date: u32) -> Result<String, Error> {
        let date = rpm::Timestamp::from(date.max(CREATED));
        let packet = self.signer.sign(content, date).map_err(failed("use"))?;
        DetachedSignature::from_bytes(packet.as_slice())
            .and_then(|signature| signature.to_armored_string(ArmorOptions::default()))
            .map_err(failed("use"))
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Key { what, source: Box::new(source) }
}

fn make() -> Result<SignedSecretKey, Error> {
    SecretKeyParamsBuilder::default()
        .key_type(KeyType::Ed25519Legacy)
        .can_certify(true)
        .can_sign(true)
        .can_encrypt(EncryptionCaps::None)
        .created_at(Timestamp::from_secs(CREATED))
        .primary_user_id("Clay (test distribution) <clay@clay.invalid>".into())
        .build()
        .map_err(failed("make"))?
        .generate(rand::thread_rng())
        .map_err(failed("make"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_the_same_once_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        let first = Key::load_or_make(&file).unwrap();
        let again = Key::load_or_make(&file).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(first.fingerprint().len(), 40);
        assert!(first.public().unwrap().starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
        assert_eq!(first.sign(b"x", 0).unwrap(), again.sign(b"x", 0).unwrap());
        assert!(first.sign(b"x", 0).unwrap().starts_with("-----BEGIN PGP SIGNATURE-----"));
    }
}
