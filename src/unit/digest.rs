//! Digests with their algorithm, and the one place that computes them.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// The digest algorithms that repository metadata and packages use today. MD5 is not among them: rpm
/// does not accept it as proof of anything any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-1: read in old metadata, never enough on its own.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256: what everything of ours is named by.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

const NAMES: &[(&str, Algorithm, usize)] = &[
    ("sha1", Algorithm::Sha1, 20),
    ("sha224", Algorithm::Sha224, 28),
    ("sha256", Algorithm::Sha256, 32),
    ("sha384", Algorithm::Sha384, 48),
    ("sha512", Algorithm::Sha512, 64),
];

impl Algorithm {
    /// The name as createrepo writes it (`sha` is its old name of sha1).
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "sha" { "sha1" } else { name };
        NAMES.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// The algorithm of a number in RFC 9580 section 9.5, as RPM's `FILEDIGESTALGO` and `PAYLOADDIGESTALGO` use.
    pub fn from_openpgp(number: u32) -> Option<Self> {
        match number {
            2 => Some(Self::Sha1),
            8 => Some(Self::Sha256),
            9 => Some(Self::Sha384),
            10 => Some(Self::Sha512),
            11 => Some(Self::Sha224),
            _ => None,
        }
    }

    fn row(self) -> &'static (&'static str, Algorithm, usize) {
        &NAMES[self as usize]
    }
}

/// A digest: an algorithm and its value. Written `sha256:9f86d0…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    value: Vec<u8>,
}

/// Text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {algorithm} digest")]
pub struct DigestError {
    algorithm: String,
    text: String,
}

impl Digest {
    /// A digest from its hexadecimal text; the length must be the algorithm's.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Result<Self, DigestError> {
        let (name, _, length) = algorithm.row();
        let wrong = || DigestError { algorithm: (*name).to_owned(), text: text.chars().take(140).collect() };
        if text.len() != length * 2 {
            return Err(wrong());
        }
        // A root's lock and layer have hundreds of digests: this is most of reading them.
        let mut value = Vec::with_capacity(*length);
        for pair in text.as_bytes().chunks_exact(2) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return Err(wrong()) };
            value.push(high << 4 | low);
        }
        Ok(Self { algorithm, value })
    }

    /// A digest from its value; the length must be the algorithm's.
    pub fn from_bytes(algorithm: Algorithm, value: &[u8]) -> Result<Self, DigestError> {
        let (name, _, length) = algorithm.row();
        if value.len() == *length {
            Ok(Self { algorithm, value: value.to_vec() })
        } else {
            Err(DigestError { algorithm: (*name).to_owned(), text: format!("{} bytes", value.len()) })
        }
    }

    /// The SHA-256 of some bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Which algorithm made it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The value in lower-case hexadecimal.
    pub fn hex(&self) -> String {
        let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
        let mut text = String::with_capacity(self.value.len() * 2);
        for byte in &self.value {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 0xf));
        }
        text
    }

    /// The value.
    pub fn bytes(&self) -> &[u8] {
        &self.value
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of a hexadecimal digit of either case.
fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.row().0)?;
        f.write_str(":")?;
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError { algorithm: "known".to_owned(), text: text.chars().take(140).collect() };
        let (name, hex) = text.split_once(':').ok_or_else(wrong)?;
        Self::from_hex(Algorithm::from_name(name).ok_or_else(wrong)?, hex)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// SHA-256 by ring: nearly every byte that kiln handles goes through it, and ring's uses the processor best.
#[derive(Clone)]
pub(crate) struct Sha256(ring::digest::Context);

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha256").finish_non_exhaustive()
    }
}

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finalize(self) -> [u8; 32] {
        let mut value = [0; 32];
        value.copy_from_slice(self.0.finish().as_ref());
        value
    }
}

/// Computes a digest piece by piece.
#[derive(Debug, Clone)]
pub struct Hasher(State);

#[derive(Debug, Clone)]
enum State {
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// A new computation.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Sha224 => State::Sha224(sha2::Sha224::new()),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(bytes),
            State::Sha224(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> Digest {
        let (algorithm, value) = match self.0 {
            State::Sha1(state) => (Algorithm::Sha1, state.finalize().to_vec()),
            State::Sha224(state) => (Algorithm::Sha224, state.finalize().to_vec()),
            State::Sha256(state) => (Algorithm::Sha256, state.finalize().to_vec()),
            State::Sha384(state) => (Algorithm::Sha384, state.finalize().to_vec()),
            State::Sha512(state) => (Algorithm::Sha512, state.finalize().to_vec()),
        };
        Digest { algorithm, value }
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_what_it_writes() {
        let digest = Digest::sha256(b"abc");
        assert_eq!(
            digest.to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn a_digest_of_the_wrong_length_is_refused() {
        for text in ["sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha1:é", "00"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn hexadecimal_has_sixteen_digits_in_either_case() {
        let text = "000102030405060708090a0b0c0d0e0f10ef";
        let text = format!("{text}{}", "fe".repeat(2));
        let digest = Digest::from_hex(Algorithm::Sha1, &text).unwrap();
        assert_eq!(
            (digest.hex(), digest.bytes()[16..].to_vec()),
            (text.clone(), vec![0x10, 0xef, 0xfe, 0xfe])
        );
        assert_eq!(Digest::from_hex(Algorithm::Sha1, &text.to_uppercase()), Ok(digest));
        for letter in "+-g/:@G`g é".chars() {
            let wrong: String = std::iter::once(letter).chain(text.chars()).collect();
            assert!(Digest::from_hex(Algorithm::Sha1, &wrong[..wrong.len().min(40)]).is_err(), "{letter}");
        }
    }
}
