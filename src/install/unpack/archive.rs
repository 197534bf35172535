//! The payload's archive: cpio `newc`, and the form without names that large files and rpm 6 need.
//!
//! The archive is only believed where it agrees with the header. Which file an entry is comes from its path or its
//! number, looked up in the header; a size, a type, a link's target that the header does not say is an error.

use std::io::BufRead;

/// One entry's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// An entry with a name, a mode and a size of its own.
    Named {
        /// The path as written: `./usr/bin/x`, rarely `/usr/bin/x`; a bare name in source packages.
        name: String,
        /// Type and permission bits.
        mode: u32,
        /// Bytes of content that follow.
        size: u64,
    },
    /// An entry that is only the position of a file in the header.
    Numbered(usize),
    /// The end of the archive.
    End,
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The compressed data is damaged, or ends too early.
    #[error("its payload is damaged or cut short")]
    Read(#[source] std::io::Error),
    /// No entry begins where one should.
    #[error("no archive entry begins at byte {at} of its payload")]
    Magic {
        /// The offset in the uncompressed payload.
        at: u64,
    },
    /// An entry's head makes no sense.
    #[error("the archive entry at byte {at} of its payload is bad: {why}")]
    Entry {
        /// The offset in the uncompressed payload.
        at: u64,
        /// In which way.
        why: &'static str,
    },
    /// Bytes after the archive's end.
    #[error("something follows the end of its payload's archive")]
    Tail,
}

/// rpm's own limit, `PATH_MAX`.
const MAX_NAME: u32 = 4096;
const TRAILER: &[u8] = b"TRAILER!!!";
/// Numbers in a head with a name.
const NUMBERS: usize = 13;

/// Reads entries one after the other.
pub(super) struct Archive<R> {
    input: R,
    offset: u64,
}

impl<R: BufRead> Archive<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, offset: 0 }
    }

    /// What follows the content of the entry before, which must have been read.
    pub(super) fn next(&mut self) -> Result<Entry, ArchiveError> {
        self.pad()?;
        let at = self.offset;
        let mut magic = [0; 6];
        self.fill(&mut magic)?;
        match &magic {
            b"07070X" => {
                let [number] = self.numbers(at)?;
                self.pad()?;
                Ok(if number == u32::MAX { Entry::End } else { Entry::Numbered(number as usize) })
            }
            b"070701" | b"070702" => {
                let [_, mode, _, _, _, _, size, _, _, _, _, length, _] = self.numbers(at)?;
                let name = self.name(at, length)?;
                self.pad()?;
                if name.as_bytes() == TRAILER {
                    return Ok(Entry::End);
                }
                Ok(Entry::Named { name, mode, size: u64::from(size) })
            }
            _ => Err(ArchiveError::Magic { at }),
        }
    }

    /// Hands the next `size` bytes to `take`, piece by piece.
    pub(super) fn content<E: From<ArchiveError>>(
        &mut self,
        size: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut left = size;
        while left > 0 {
            let piece = self.input.fill_buf().map_err(ArchiveError::Read)?;
            if piece.is_empty() {
                return Err(ArchiveError::Read(std::io::ErrorKind::UnexpectedEof.into()).into());
            }
            let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            take(&piece[..count])?;
            self.input.consume(count);
            self.offset += count as u64;
            left -= count as u64;
        }
        Ok(())
    }

    /// Checks that nothing but zeros follows, as archivers fill up their last block, and gives the input back.
    pub(super) fn finish(mut self) -> Result<R, ArchiveError> {
        loop {
            let piece = self.input.fill_buf().map_err(ArchiveError::Read)?;
            if piece.is_empty() {
                return Ok(self.input);
            }
            if piece.iter().any(|byte| *byte != 0) {
                return Err(ArchiveError::Tail);
            }
            let count = piece.len();
            self.input.consume(count);
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        self.input.read_exact(buffer).map_err(ArchiveError::Read)?;
        self.offset += buffer.len() as u64;
        Ok(())
    }

    fn pad(&mut self) -> Result<(), ArchiveError> {
        let missing = (self.offset.next_multiple_of(4) - self.offset) as usize;
        self.fill(&mut [0; 3][..missing])
    }

    fn numbers<const N: usize>(&mut self, at: u64) -> Result<[u32; N], ArchiveError> {
        let mut numbers = [0; N];
        let mut digits = [0; NUMBERS * 8];
        self.fill(&mut digits[..N * 8])?;
        for (number, digits) in numbers.iter_mut().zip(digits.chunks_exact(8)) {
            for digit in digits {
                let digit = char::from(*digit).to_digit(16);
                let digit =
                    digit.ok_or(ArchiveError::Entry { at, why: "a number in it is not hexadecimal" })?;
                *number = (*number << 4) | digit;
            }
        }
        Ok(numbers)
    }

    fn name(&mut self, at: u64, length: u32) -> Result<String, ArchiveError> {
        let bad = |why| ArchiveError::Entry { at, why };
        if length == 0 || length > MAX_NAME {
            return Err(bad("its name is empty or too long"));
        }
        let mut name = vec![0; length as usize];
        self.fill(&mut name)?;
        if name.pop() != Some(0) || name.contains(&0) {
            return Err(bad("its name does not end where it says"));
        }
        String::from_utf8(name).map_err(|_| bad("its name is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = format!(
            "07070100000001{mode:08x}{:032x}{:08x}{:032x}{:08x}{:08x}{name}\0",
            0,
            content.len(),
            0,
            name.len() + 1,
            0
        )
        .into_bytes();
        // The head is 110 bytes: six of magic, thirteen numbers of eight digits.
        assert_eq!(bytes.len(), 110 + name.len() + 1);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn both_forms_are_read() {
        let mut bytes = entry("./a", 0o100_644, b"hello");
        bytes.extend_from_slice(b"07070X0000002a\0\0hi\0\0");
        bytes.extend(entry("TRAILER!!!", 0, b""));
        bytes.extend([0; 200]);
        let mut archive = Archive::new(&bytes[..]);
        assert_eq!(
            archive.next().unwrap(),
            Entry::Named { name: "./a".to_owned(), mode: 0o100_644, size: 5 }
        );
        let mut text = Vec::new();
        let mut take = |piece: &[u8]| {
            text.extend_from_slice(piece);
            Ok::<_, ArchiveError>(())
        };
        archive.content(5, &mut take).unwrap();
        assert_eq!(archive.next().unwrap(), Entry::Numbered(42));
        archive.content(2, &mut take).unwrap();
        assert_eq!(archive.next().unwrap(), Entry::End);
        assert!(archive.finish().unwrap().is_empty());
        assert_eq!(text, b"hellohi");
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let table: &[(&[u8], &str)] = &[
            (b"070707", "no archive entry begins"),
            (b"0707", "cut short"),
            (&[b"070701".as_slice(), &[b'z'; 104]].concat(), "not hexadecimal"),
        ];
        for (bytes, message) in table {
            let error = Archive::new(*bytes).next().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let mut long = entry("./a", 0, b"");
        long[94..102].copy_from_slice(b"ffffffff");
        assert!(matches!(Archive::new(&long[..]).next(), Err(ArchiveError::Entry { .. })));
        let mut tail = entry("TRAILER!!!", 0, b"");
        tail.extend_from_slice(b"x");
        let mut archive = Archive::new(&tail[..]);
        archive.next().unwrap();
        assert!(matches!(archive.finish(), Err(ArchiveError::Tail)));
    }
}
