//! Digests as packages carry them: more algorithms than anything of ours is named by, told by number, written in
//! either case.

use sha2::Digest as _;

use crate::unit::Sha256;

/// The digest algorithms that rpm knows for files, headers and payloads, by their OpenPGP number.
///
/// MD5 and SHA-1 are here because old packages name their files' digests with nothing better; what makes such a
/// package trustworthy is the digest of the whole file in signed metadata, never these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileAlgorithm {
    /// MD5, the default where a package names none.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-224.
    Sha224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-512.
    Sha3_512,
}

const NUMBERS: &[(u32, FileAlgorithm, usize)] = &[
    (FileAlgorithm::MD5, FileAlgorithm::Md5, 16),
    (2, FileAlgorithm::Sha1, 20),
    (8, FileAlgorithm::Sha256, 32),
    (9, FileAlgorithm::Sha384, 48),
    (10, FileAlgorithm::Sha512, 64),
    (11, FileAlgorithm::Sha224, 28),
    (12, FileAlgorithm::Sha3_256, 32),
    (14, FileAlgorithm::Sha3_512, 64),
];

impl FileAlgorithm {
    /// MD5's number.
    pub const MD5: u32 = 1;

    /// The algorithm of a number in `FILEDIGESTALGO`.
    pub fn from_number(number: u32) -> Option<Self> {
        NUMBERS.iter().find(|row| row.0 == number).map(|row| row.1)
    }

    fn length(self) -> usize {
        NUMBERS.iter().find(|row| row.1 == self).map_or(0, |row| row.2)
    }
}

/// A digest of a file, a header or a payload.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileDigest {
    algorithm: FileAlgorithm,
    hex: String,
}

impl FileDigest {
    /// A digest from its hexadecimal text; nothing where the text is not one of this algorithm.
    pub fn from_hex(algorithm: FileAlgorithm, text: &str) -> Option<Self> {
        let right = text.len() == algorithm.length() * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| Self { algorithm, hex: text.to_ascii_lowercase() })
    }

    /// A digest from its value; nothing where the length is not this algorithm's.
    pub fn from_bytes(algorithm: FileAlgorithm, value: &[u8]) -> Option<Self> {
        (value.len() == algorithm.length()).then(|| Self { algorithm, hex: hex(value) })
    }

    /// Which algorithm made it.
    pub fn algorithm(&self) -> FileAlgorithm {
        self.algorithm
    }

    /// The value in lower-case hexadecimal.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Whether `bytes` have this digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut hasher = FileHasher::new(self.algorithm);
        hasher.update(bytes);
        hasher.finish() == *self
    }
}

/// Computes such a digest piece by piece.
#[derive(Debug, Clone)]
pub struct FileHasher(State);

#[derive(Debug, Clone)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha3_256(sha3::Sha3_256),
    Sha3_512(sha3::Sha3_512),
}

macro_rules! each {
    ($state:expr, $inner:ident => $work:expr) => {
        match $state {
            State::Md5($inner) => $work,
            State::Sha1($inner) => $work,
            State::Sha224($inner) => $work,
            State::Sha256($inner) => $work,
            State::Sha384($inner) => $work,
            State::Sha512($inner) => $work,
            State::Sha3_256($inner) => $work,
            State::Sha3_512($inner) => $work,
        }
    };
}

impl FileHasher {
    /// A new computation.
    pub fn new(algorithm: FileAlgorithm) -> Self {
        Self(match algorithm {
            FileAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            FileAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            FileAlgorithm::Sha224 => State::Sha224(sha2::Sha224::new()),
            FileAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            FileAlgorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            FileAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            FileAlgorithm::Sha3_256 => State::Sha3_256(sha3::Sha3_256::new()),
            FileAlgorithm::Sha3_512 => State::Sha3_512(sha3::Sha3_512::new()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        each!(&mut self.0, state => state.update(bytes));
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> FileDigest {
        let algorithm = match &self.0 {
            State::Md5(_) => FileAlgorithm::Md5,
            State::Sha1(_) => FileAlgorithm::Sha1,
            State::Sha224(_) => FileAlgorithm::Sha224,
            State::Sha256(_) => FileAlgorithm::Sha256,
            State::Sha384(_) => FileAlgorithm::Sha384,
            State::Sha512(_) => FileAlgorithm::Sha512,
            State::Sha3_256(_) => FileAlgorithm::Sha3_256,
            State::Sha3_512(_) => FileAlgorithm::Sha3_512,
        };
        let value: Vec<u8> = each!(self.0, state => state.finalize().to_vec());
        FileDigest { algorithm, hex: hex(&value) }
    }
}

fn hex(value: &[u8]) -> String {
    use std::fmt::Write as _;
    value.iter().fold(String::with_capacity(value.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_of_rpm_is_computed() {
        let table = [
            (1, "900150983cd24fb0d6963f7d28e17f72"),
            (2, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (8, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (11, "23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7"),
            (12, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        ];
        for (number, hex) in table {
            let digest = FileDigest::from_hex(FileAlgorithm::from_number(number).unwrap(), hex).unwrap();
            assert!(digest.matches(b"abc") && !digest.matches(b"abd"), "{number}");
        }
        for number in [0, 3, 4, 5, 6, 7, 13, 15, 99] {
            assert_eq!(FileAlgorithm::from_number(number), None);
        }
    }
}
