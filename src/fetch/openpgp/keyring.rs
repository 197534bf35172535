//! The keys that a repository's signatures may be made with.

use std::io::Cursor;

use pgp::composed::{Deserializable as _, SignedPublicKey};
use pgp::types::KeyDetails as _;

use crate::config::Expired;
use crate::fetch::openpgp::certificate::{Certificate, Name, Signer, Terms, hex};
use crate::fetch::openpgp::policy::Binding;
use crate::fetch::openpgp::{KeyFault, KeyringFault};

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
/// More than any distribution has in one file.
const MOST: usize = 256;

/// One file of certificates.
#[derive(Debug, Clone, Copy)]
pub struct KeySource<'a> {
    /// Where it came from, for messages.
    pub place: &'a str,
    /// What is in it, armoured or not.
    pub bytes: &'a [u8],
    /// The only fingerprint that counts in it.
    pub pin: Option<&'a str>,
    /// What becomes of those whose time is over.
    pub expired: Expired,
}

/// Keys that signatures are checked against.
#[derive(Debug, Default)]
pub struct Keyring {
    certificates: Vec<Certificate>,
    refused: Vec<(Name, KeyFault)>,
}

impl Keyring {
    /// No keys yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the certificates of a file that count at the time `now`: the pinned one, or all where none is pinned.
    /// What does not count is remembered, so that a signature by it can be explained.
    pub fn add(&mut self, source: KeySource<'_>, now: u64) -> Result<(), KeyringFault> {
        let place = || source.place.to_owned();
        let mut certificates = read(source)?;
        let binding = if source.pin.is_some() { Binding::Pinned } else { Binding::Strong };
        let terms = Terms { binding, expired: source.expired, now };
        if let Some(pin) = source.pin {
            let found: Vec<String> =
                certificates.iter().map(|certificate| hex(&certificate.primary_key.fingerprint())).collect();
            certificates
                .retain(|certificate| hex(&certificate.primary_key.fingerprint()).eq_ignore_ascii_case(pin));
            if certificates.is_empty() {
                return Err(KeyringFault::OtherKey { place: place(), pinned: pin.to_owned(), found });
            }
        }
        let mut first = None;
        let mut counted = false;
        for certificate in &certificates {
            match Certificate::judge(certificate, terms) {
                Ok(judged) => {
                    self.certificates.push(judged);
                    counted = true;
                }
                Err(fault) => {
                    let names = std::iter::once(Name::of(&certificate.primary_key))
                        .chain(certificate.public_subkeys.iter().map(|subkey| Name::of(&subkey.key)));
                    self.refused.extend(names.map(|name| (name, fault.clone())));
                    let fingerprint = hex(&certificate.primary_key.fingerprint());
                    first.get_or_insert(KeyringFault::Refused { place: place(), fingerprint, fault });
                }
            }
        }
        match first {
            Some(fault) if !counted => Err(fault),
            _ => Ok(()),
        }
    }

    /// Whether no key counts.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// The fingerprints of the primary keys that count.
    pub fn fingerprints(&self) -> Vec<String> {
        self.certificates.iter().map(|certificate| certificate.fingerprint.clone()).collect()
    }

    pub(super) fn signers(&self) -> impl Iterator<Item = (&str, &Signer)> {
        self.certificates.iter().flat_map(|certificate| {
            certificate.signers.iter().map(|signer| (certificate.fingerprint.as_str(), signer))
        })
    }

    pub(super) fn refused(&self) -> impl Iterator<Item = &(Name, KeyFault)> {
        self.refused.iter().chain(self.certificates.iter().flat_map(|certificate| &certificate.refused))
    }
}

/// All certificates of a file: one armoured block after another, or plain packets.
fn read(source: KeySource<'_>) -> Result<Vec<SignedPublicKey>, KeyringFault> {
    let mut found = Vec::new();
    let mut why = None;
    let mut take =
        |certificates: pgp::errors::Result<Vec<pgp::errors::Result<SignedPublicKey>>>| match certificates {
            Ok(certificates) => {
                for certificate in certificates {
                    match certificate {
                        Ok(certificate) => found.push(certificate),
                        Err(error) => why = Some(error.to_string()),
                    }
                }
            }
            Err(error) => why = Some(error.to_string()),
        };
    let text = String::from_utf8_lossy(source.bytes);
    if text.contains(BEGIN) {
        for block in text.split(BEGIN).skip(1).take(MOST) {
            let block = format!("{BEGIN}{block}");
            take(SignedPublicKey::from_armor_many(block.as_bytes()).map(|(all, _)| all.take(MOST).collect()));
        }
    } else {
        take(SignedPublicKey::from_bytes_many(Cursor::new(source.bytes)).map(|all| all.take(MOST).collect()));
    }
    if found.is_empty() {
        let why = why.map(|why| why.chars().take(200).collect());
        return Err(KeyringFault::Empty { place: source.place.to_owned(), why });
    }
    Ok(found)
}
