//! OpenPGP: who signed it, and whether that counts.
//!
//! The arithmetic and the packets are the `pgp` crate's; it has no policy, and the policy is here. A certificate counts
//! when its primary key is strong, not expired, not revoked, and vouches for itself with a digest that still proves
//! something. A signature counts when a key of such a certificate made it, while it was valid, with such a digest.
//!
//! A key that expired may be accepted by name (`accept_expired`): then what it signed before its end counts, as rpm has it.
//! The date of a signature is the signer's word, so a key that was stolen must be revoked, and that nothing outweighs.
//!
//! SHA-1 and MD5 prove nothing, with one exception: a certificate whose full fingerprint the release file pins is
//! known to be the right one, so an old SHA-1 signature of the primary key over its own user is accepted, as long as it
//! is not what a signing subkey hangs on.

mod certificate;
mod date;
mod fault;
mod keyring;
mod policy;
mod signature;

pub use fault::{KeyFault, KeyringFault, SignatureFault};
pub use keyring::{KeySource, Keyring};
pub use signature::Signed;
