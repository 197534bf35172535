//! The tables as one string of bytes: what is in memory is what is in the file, so saving is writing and loading is
//! mapping and checking.
//!
//! ```text
//! magic    8 bytes   "kilnmeta"
//! version  u32       another version is not read; nothing is converted
//! count    u32       of sections
//! sum      u64       over everything that follows
//! lengths  u64 each  of the sections
//! sections           each padded with zeros to a multiple of 8
//! ```
//!
//! All numbers are little-endian. A load compares the sum, which finds truncation and flipped bits, and then looks at
//! every number that leads somewhere, so that no accessor can be led outside. The sum is not a proof against somebody
//! who writes into the store; he could as well change kiln.

use std::fmt;
use std::ops::{Deref, Range};

use super::error::{Error, Spoilt};
use super::index::hash;
use super::raw::{get, words};
use super::strings::{MOST_STRINGS, Strings};
use super::table::{ALGORITHMS, Metadata, Tables, word};

const MAGIC: &[u8; 8] = b"kilnmeta";
/// To be raised with every change of the tables or of what the parser puts into them.
const VERSION: u32 = 2;
const SECTIONS: usize = 10;
/// Where the sum begins to count.
const SUMMED: usize = 24;
const HEAD: usize = SUMMED + SECTIONS * 8;

/// Bytes of our own or mapped from a file.
pub(super) struct Blob {
    bytes: Box<dyn Deref<Target = [u8]> + Send + Sync>,
    sections: [Range<usize>; SECTIONS],
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("length", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Blob {
    /// From the sections, in the order of [`Tables`].
    pub(super) fn assemble(sections: [Vec<u8>; SECTIONS]) -> Self {
        let lengths: [usize; SECTIONS] = std::array::from_fn(|at| sections[at].len());
        let (ranges, total) = ranges(lengths);
        let mut bytes = Vec::with_capacity(total);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        for length in lengths {
            bytes.extend_from_slice(&(length as u64).to_le_bytes());
        }
        for section in sections {
            bytes.extend_from_slice(&section);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        let sum = sum(&bytes[SUMMED..]).to_le_bytes();
        bytes[16..SUMMED].copy_from_slice(&sum);
        Self { bytes: Box::new(bytes), sections: ranges }
    }

    fn load(bytes: Box<dyn Deref<Target = [u8]> + Send + Sync>) -> Result<Self, Spoilt> {
        let head = bytes.get(..HEAD).ok_or(Spoilt::Short)?;
        if !head.starts_with(MAGIC) {
            return Err(Spoilt::Foreign);
        }
        if get(head, 2) != VERSION || get(head, 3) != SECTIONS as u32 {
            return Err(Spoilt::Version { found: get(head, 2), expected: VERSION });
        }
        let long = |at: usize| u64::from(get(head, at)) | u64::from(get(head, at + 1)) << 32;
        if sum(&bytes[SUMMED..]) != long(4) {
            return Err(Spoilt::Sum);
        }
        let lengths: [u64; SECTIONS] = std::array::from_fn(|at| long(SUMMED / 4 + at * 2));
        if lengths.iter().any(|length| *length > bytes.len() as u64) {
            return Err(Spoilt::Short);
        }
        let (sections, total) = ranges(lengths.map(|length| length as usize));
        if total != bytes.len() {
            return Err(Spoilt::Short);
        }
        let blob = Self { bytes, sections };
        let tables = blob.tables();
        if leads_outside(&tables) || super::provides::leads_outside(&tables) {
            Err(Spoilt::Outside)
        } else {
            Ok(blob)
        }
    }

    /// The sections, to be read.
    #[inline]
    pub(super) fn tables(&self) -> Tables<'_> {
        let bytes: &[u8] = &self.bytes;
        let cut = |at: usize| &bytes[self.sections[at].clone()];
        Tables {
            strings: Strings { text: cut(0), ends: cut(1), slots: cut(2) },
            packages: cut(3),
            dependencies: cut(4),
            files: cut(5),
            digests: cut(6),
            starts: cut(7),
            provides: cut(8),
            obsoletes: cut(9),
        }
    }
}

impl Metadata {
    /// The tables as they are kept in a file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.blob.bytes
    }

    /// The tables of a repository from the bytes that [`Self::as_bytes`] gave, owned or mapped; nothing is copied.
    /// An error means that the form is old or spoilt, and that the tables have to be made from primary again.
    pub fn from_bytes(
        repo: &str,
        bytes: impl Deref<Target = [u8]> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let blob = Blob::load(Box::new(bytes));
        let blob = blob.map_err(|problem| Error::Cache { repo: repo.to_owned(), problem })?;
        Ok(Self { repo: repo.to_owned(), blob })
    }
}

/// Where sections of these lengths lie, and where the last of them ends.
fn ranges(lengths: [usize; SECTIONS]) -> ([Range<usize>; SECTIONS], usize) {
    let mut start = HEAD;
    let ranges = lengths.map(|length| {
        let range = start..start + length;
        start = range.end.next_multiple_of(8);
        range
    });
    (ranges, start)
}

/// Whether any number leads outside of the section that it points into.
fn leads_outside(tables: &Tables<'_>) -> bool {
    let Tables { strings, packages, dependencies, files, digests, .. } = tables;
    let count = strings.len() as u32;
    let most = |section: &[u8]| words(section).max().unwrap_or(0);
    let strings_wrong = strings.ends.len() % 4 != 0
        || count == 0
        || count > MOST_STRINGS
        || !words(strings.ends).is_sorted()
        || most(strings.ends) as usize > strings.text.len()
        || !(strings.slots.len() / 4).is_power_of_two()
        || most(strings.slots) > count;
    let names = words(dependencies).step_by(2).max().unwrap_or(0);
    let evrs = words(dependencies).skip(1).step_by(2).map(|word| word & MOST_STRINGS).max().unwrap_or(0);
    let lists_wrong = dependencies.len() % 8 != 0 || files.len() % 4 != 0;
    strings_wrong
        || lists_wrong
        || names.max(evrs).max(most(files)) >= count
        || packages.len() % (word::COUNT * 4) != 0
        || packages.chunks_exact(word::COUNT * 4).any(|row| {
            let at = |index| get(row, index);
            let text = [word::NAME, word::EVR, word::ARCH, word::LOCATION];
            let lists = word::LISTS..word::FILES;
            let digest = ALGORITHMS.get(at(word::ALGORITHM) as usize).map_or(usize::MAX, |row| row.1);
            text.into_iter().any(|index| at(index) >= count)
                || !lists.clone().is_sorted_by_key(at)
                || at(lists.end - 1) as usize > dependencies.len() / 8
                || at(word::FILES) > at(word::FILES + 1)
                || at(word::FILES + 1) as usize > files.len() / 4
                || digest.saturating_add(at(word::DIGEST) as usize) > digests.len()
        })
}

/// A sum of bytes: four chains of multiply-and-fold side by side, because one alone would wait for itself.
fn sum(bytes: &[u8]) -> u64 {
    const STEP: [u64; 4] =
        [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];
    let (chunks, rest) = bytes.as_chunks::<32>();
    let mut lanes = STEP;
    for chunk in chunks {
        let (parts, _) = chunk.as_chunks::<8>();
        for (lane, (part, step)) in lanes.iter_mut().zip(parts.iter().zip(STEP)) {
            let product = u128::from(*lane ^ u64::from_le_bytes(*part)) * u128::from(step);
            // The lane itself is added back, so that a product of zero forgets nothing.
            *lane = lane.rotate_left(23).wrapping_add((product as u64) ^ ((product >> 64) as u64));
        }
    }
    let mut end = Vec::with_capacity(72);
    for lane in lanes {
        end.extend_from_slice(&lane.to_le_bytes());
    }
    end.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    end.extend_from_slice(rest);
    hash(&end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Kind;
    use super::*;

    const PRIMARY: &str = "<metadata><package type=\"rpm\"><name>bash</name><arch>noarch</arch>\
        <version epoch=\"1\" ver=\"5\" rel=\"1\"/>\
        <checksum type=\"sha256\">e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</checksum>\
        <size package=\"1\" installed=\"2\"/><time build=\"3\"/><location href=\"b.rpm\"/>\
        <format><rpm:requires><rpm:entry name=\"glibc\" flags=\"GE\" ver=\"2\" pre=\"1\"/></rpm:requires>\
        <file>/bin/bash</file></format></package></metadata>";

    fn made() -> Metadata {
        Metadata::parse("clay", PRIMARY.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_loaded_is_what_was_saved() {
        let made = made();
        let loaded = Metadata::from_bytes("clay", made.as_bytes().to_vec()).unwrap();
        assert_eq!(loaded.as_bytes(), made.as_bytes());
        let package = loaded.packages().next().unwrap();
        assert_eq!(package.nevra().to_string(), "bash-1:5-1.noarch");
        assert_eq!((package.size(), package.installed_size(), package.built()), (1, 2, 3));
        assert_eq!((package.location(), package.checksum()), ("b.rpm", crate::unit::Digest::sha256(b"")));
        let require = package.dependencies(Kind::Requires).next().unwrap();
        assert_eq!((loaded.text(require.name), loaded.text(require.evr), require.pre), ("glibc", "2", true));
        assert_eq!(loaded.find("/bin/bash"), package.files().next());
    }

    #[test]
    fn a_flipped_bit_and_a_cut_are_found_wherever_they_are() {
        let bytes = made().as_bytes().to_vec();
        for at in 0..bytes.len() {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1 << (at % 8);
            assert!(Metadata::from_bytes("clay", spoilt).is_err(), "a bit of byte {at}");
            assert!(Metadata::from_bytes("clay", bytes[..at].to_vec()).is_err(), "cut at {at}");
        }
        let longer = [bytes.as_slice(), &[0; 8]].concat();
        assert!(Metadata::from_bytes("clay", longer).is_err());
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let mut bytes = made().as_bytes().to_vec();
        bytes[8] += 1;
        let message = Metadata::from_bytes("clay", bytes).unwrap_err().to_string();
        insta::assert_snapshot!(message, @r"
    the kept tables of repository `clay` cannot be used: they have version 3, not 2
    ");
    }

    proptest! {
        /// With the sum put right again, only the look at the numbers is left.
        #[test]
        fn numbers_that_lead_outside_are_refused_or_harmless(at in HEAD..1000_usize, byte in any::<u8>()) {
            let mut bytes = made().as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let sum = sum(&bytes[SUMMED..]).to_le_bytes();
            bytes[16..SUMMED].copy_from_slice(&sum);
            if let Ok(metadata) = Metadata::from_bytes("clay", bytes) {
                for package in metadata.packages() {
                    let _ = (package.nevra(), package.location(), package.checksum(), package.size());
                    for kind in Kind::ALL {
                        let _ = package.dependencies(kind).map(|it| metadata.text(it.name).len()).sum::<usize>();
                    }
                    let _ = package.files().map(|it| metadata.text(it).len()).sum::<usize>();
                    let provides = metadata.view().provides(package.name());
                    let _ = provides.map(|it| metadata.package(it.package).size()).sum::<u64>();
                    let obsoleting = metadata.view().obsoleting(package.name());
                    let _ = obsoleting.map(|it| metadata.package(it).size()).sum::<u64>();
                }
                let _ = metadata.find("glibc");
            }
        }
    }
}
