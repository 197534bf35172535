//! A package file: lead, signature header, header, payload.

use std::ops::Range;

use crate::package::header::{Header, HeaderError, Origin};

const LEAD: usize = 96;

/// Why a file is not a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageFileError {
    /// It does not begin as a package does.
    #[error("it is not a package: {why}")]
    Lead {
        /// In which way.
        why: &'static str,
    },
    /// Its signature header is bad.
    #[error("bad signature header: {0}")]
    Signature(HeaderError),
    /// Its header is bad.
    #[error("bad header: {0}")]
    Header(HeaderError),
}

/// A package file in memory, taken apart.
#[derive(Debug, Clone)]
pub struct PackageFile<'a> {
    bytes: &'a [u8],
    /// Digests and signatures of the rest.
    pub signature: Header<'a>,
    /// Where the signature header lies in the file, magic included, padding excluded.
    pub signature_range: Range<usize>,
    /// Everything about the package.
    pub header: Header<'a>,
    /// Where the header lies in the file, magic included.
    pub header_range: Range<usize>,
}

impl<'a> PackageFile<'a> {
    /// Takes a package apart. Only its structure is checked here, no digest.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PackageFileError> {
        lead(bytes)?;
        let signature =
            Header::parse(&bytes[LEAD..], Origin::Signature).map_err(PackageFileError::Signature)?;
        let signature_range = LEAD..LEAD + 8 + signature.bytes().len();
        let start = signature_range.end.next_multiple_of(8);
        let rest = bytes.get(start..).unwrap_or(&[]);
        let header = Header::parse(rest, Origin::Package).map_err(PackageFileError::Header)?;
        let header_range = start..start + 8 + header.bytes().len();
        Ok(Self { bytes, signature, signature_range, header, header_range })
    }

    /// The compressed archive: everything after the header.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_range.end..]
    }

    /// The whole file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The 96 bytes that only say that a package follows. Everything else in them is obsolete.
fn lead(bytes: &[u8]) -> Result<(), PackageFileError> {
    let wrong = |why| Err(PackageFileError::Lead { why });
    if bytes.len() < LEAD {
        return wrong("it is shorter than a package's first part");
    }
    if bytes[..4] != [0xed, 0xab, 0xee, 0xdb] {
        return wrong("it does not begin with a package's magic number");
    }
    if !(3..=4).contains(&bytes[4]) {
        return wrong("its format is neither 3 nor 4");
    }
    if bytes[78..80] != [0, 5] {
        return wrong("its signature is not a header");
    }
    Ok(())
}
