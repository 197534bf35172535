//! Little-endian words in a byte slice: what the tables are made of, in memory and in their file.

/// Appends a word.
pub(super) fn put(bytes: &mut Vec<u8>, word: u32) {
    bytes.extend_from_slice(&word.to_le_bytes());
}

/// The word of an index; 0 past the end, which no checked table reaches.
#[inline]
pub(super) fn get(bytes: &[u8], index: usize) -> u32 {
    match bytes.get(index * 4..index * 4 + 4) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// Two words as one number, low word first.
#[inline]
pub(super) fn get_long(bytes: &[u8], index: usize) -> u64 {
    u64::from(get(bytes, index)) | u64::from(get(bytes, index + 1)) << 32
}

/// All words.
pub(super) fn words(bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> {
    bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word))
}
