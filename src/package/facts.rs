//! What a package is called, from its header.

use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::{Evr, Nevra};

type Result<T> = std::result::Result<T, HeaderError>;

impl Header<'_> {
    /// Name, epoch, version, release and architecture, each of which must be usable as a part of a name.
    pub fn nevra(&self) -> Result<Nevra> {
        let part = |tag| {
            let text = self.needed(tag)?;
            let bad =
                text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/');
            if bad { Err(HeaderError::Value { tag, value: text.to_owned() }) } else { Ok(text.to_owned()) }
        };
        let evr = Evr {
            epoch: self.u32(Tag::EPOCH)?.unwrap_or(0),
            version: part(Tag::VERSION)?,
            release: part(Tag::RELEASE)?,
        };
        Ok(Nevra { name: part(Tag::NAME)?, evr, arch: part(Tag::ARCH)? })
    }

    /// Whether this is a source package.
    pub fn is_source(&self) -> bool {
        self.has(Tag::SOURCEPACKAGE) || !self.has(Tag::SOURCERPM)
    }

    /// The package format: 6, or 4 for everything older that kiln reads.
    pub fn format(&self) -> Result<u32> {
        Ok(self.u32(Tag::RPMFORMAT)?.unwrap_or(4))
    }
}
