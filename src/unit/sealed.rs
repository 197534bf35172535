//! Small records that are written again and again and that nothing else vouches for: their own digest comes first, so
//! that a flipped bit is found when they are read.

use crate::unit::Digest;

/// The bytes with their digest before them.
pub fn seal(content: &[u8]) -> Vec<u8> {
    let mut sealed = format!("{}\n", Digest::sha256(content)).into_bytes();
    sealed.extend_from_slice(content);
    sealed
}

/// What was sealed; nothing where it is not what it was.
pub fn unseal(sealed: &[u8]) -> Option<&[u8]> {
    let end = sealed.iter().position(|byte| *byte == b'\n')?;
    let content = &sealed[end + 1..];
    let digest: Digest = std::str::from_utf8(&sealed[..end]).ok()?.parse().ok()?;
    (digest == Digest::sha256(content)).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_broken_by_every_flipped_bit_and_by_every_cut() {
        let sealed = seal(b"content\nof two lines");
        assert_eq!(unseal(&sealed), Some(&b"content\nof two lines"[..]));
        for at in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            // Hexadecimal digits may be written either way; that changes nothing.
            let same_digit = flipped[at / 8].eq_ignore_ascii_case(&sealed[at / 8]) && at / 8 < 71;
            assert!(unseal(&flipped).is_none() || same_digit, "bit {at}");
        }
        for length in 0..sealed.len() {
            assert_eq!(unseal(&sealed[..length]), None, "{length} bytes");
        }
    }
}
