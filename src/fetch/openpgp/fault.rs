//! What can be wrong with a key, a file of keys, or a signature.

use crate::fetch::openpgp::date::Date;

/// Why a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Its time is over.
    #[error("it expired on {on}")]
    Expired {
        /// When.
        on: Date,
    },
    /// Its owner took it back.
    #[error("its owner revoked it{}{}", .on.map_or_else(String::new, |on| format!(" on {on}")), .why)]
    Revoked {
        /// When.
        on: Option<Date>,
        /// The owner's reason, with a colon in front; may be empty.
        why: String,
    },
    /// It can be forged.
    #[error("{what} is too weak; RSA and DSA need 2048 bits")]
    Weak {
        /// Its algorithm and size.
        what: String,
    },
    /// An algorithm or a version that is not supported.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: String,
    },
    /// Nothing in the certificate vouches for its key.
    #[error("no signature of its own vouches for it")]
    Unbound,
    /// What vouches for it is made with a digest that proves nothing any more.
    #[error("it vouches for itself only with {hash}, which proves nothing any more")]
    WeakBinding {
        /// The digest.
        hash: String,
    },
    /// It cannot sign.
    #[error("it has no key that may sign")]
    CannotSign,
    /// It is from the future.
    #[error("it was made on {on}, which is in the future")]
    Future {
        /// When.
        on: Date,
    },
}

/// Why a file of keys is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringFault {
    /// No certificate in it.
    #[error("there is no OpenPGP certificate in {place}{}", .why.as_ref().map_or_else(String::new, |why| format!(": {why}")))]
    Empty {
        /// Where it was read from.
        place: String,
        /// What the reader said.
        why: Option<String>,
    },
    /// Another certificate than the pinned one.
    #[error("{place} has no key with the fingerprint {pinned}, but {}", .found.join(", "))]
    OtherKey {
        /// Where it was read from.
        place: String,
        /// The pinned fingerprint.
        pinned: String,
        /// The fingerprints in it.
        found: Vec<String>,
    },
    /// A certificate that does not count.
    #[error("key {fingerprint} in {place} is not accepted: {fault}")]
    Refused {
        /// Where it was read from.
        place: String,
        /// The fingerprint of its primary key.
        fingerprint: String,
        /// Why.
        fault: KeyFault,
    },
}

impl KeyringFault {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Empty { .. } => "give the path or the URL of an armoured public key",
            Self::OtherKey { .. } => {
                "if the distribution changed its key, check the new fingerprint at its web site and put it into the release file"
            }
            Self::Refused { fault: KeyFault::Expired { .. }, .. } => {
                "the distribution may have published it again with a later date: update the key file (distribution-gpg-keys); if not, `accept_expired = true` beside its fingerprint accepts what it signed before"
            }
            Self::Refused { fault: KeyFault::WeakBinding { .. }, .. } => {
                "pin its full fingerprint in the release file, or use the distribution's newer copy of the key"
            }
            Self::Refused { .. } => "use the distribution's current key",
        };
        Some(text.to_owned())
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// It cannot be read.
    #[error("the signature cannot be read: {why}")]
    Unreadable {
        /// What the reader said.
        why: String,
    },
    /// It is by a key that is not among the repository's.
    #[error("it is signed by key {key}, which is not a key of the repository ({})", if .known.is_empty() { "it has none".to_owned() } else { .known.join(", ") })]
    UnknownKey {
        /// Whose it claims to be: fingerprint or key id.
        key: String,
        /// The keys that count.
        known: Vec<String>,
    },
    /// It is by a key that is known and does not count.
    #[error("it is signed by key {key}, which is not accepted: {fault}")]
    RefusedKey {
        /// The key.
        key: String,
        /// Why.
        fault: KeyFault,
    },
    /// It is not of these bytes.
    #[error("the signature of key {key} is bad: the bytes are not the ones that were signed")]
    Bad {
        /// Whose it claims to be.
        key: String,
    },
    /// It is made with a digest that proves nothing any more.
    #[error("the signature is over a {hash} digest, which proves nothing any more")]
    WeakDigest {
        /// The digest.
        hash: String,
    },
    /// It does not say what a signature must.
    #[error("the signature is not acceptable: {why}")]
    Form {
        /// What is wrong.
        why: String,
    },
    /// Made before or after the key was valid.
    #[error("it was signed on {at}, when key {key} was not valid ({valid})")]
    OutOfTime {
        /// The key.
        key: String,
        /// When it was signed.
        at: Date,
        /// When the key was valid.
        valid: String,
    },
    /// Its own time is over.
    #[error("the signature of key {key} expired on {on}")]
    Expired {
        /// The key.
        key: String,
        /// When.
        on: Date,
    },
}

impl SignatureFault {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownKey { .. } => {
                "if that key is the distribution's, add it to the repository's `keys` with its fingerprint"
            }
            Self::Bad { .. } => "the file was changed after it was signed: do not use this mirror",
            Self::RefusedKey { .. } => "update the key file, or use the distribution's current key",
            Self::WeakDigest { .. } => {
                "only the distribution can help, by signing again with SHA-256 or better"
            }
            Self::OutOfTime { .. } | Self::Expired { .. } => {
                "check the host's clock, and update the key file"
            }
            Self::Unreadable { .. } | Self::Form { .. } => return None,
        };
        Some(text.to_owned())
    }

    /// How much a reader learns from it; the most telling one of several is reported.
    pub(in crate::fetch) fn weight(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => 0,
            Self::Form { .. } => 1,
            Self::UnknownKey { .. } => 2,
            Self::WeakDigest { .. } => 3,
            Self::RefusedKey { .. } => 4,
            Self::Expired { .. } | Self::OutOfTime { .. } => 5,
            Self::Bad { .. } => 6,
        }
    }
}
