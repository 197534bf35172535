//! From stored bytes to open bytes, as a stream, with nothing believed: the size and the digest of both are checked
//! while they pass, and the end of the stream is an error if they are not what repomd promised. What was read before
//! the end is unproved until then, so a reader of documents returns nothing before it has seen the end.
//!
//! A bomb is stopped by the size that repomd promises, by the caller's cap on top of that, and by limits on what a
//! decoder may keep (xz dictionaries and zstd windows).

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use super::error::{Error, Fault, Place};
use super::repomd::RepomdData;
use crate::unit::{Digest, Hasher};

/// The memory an xz decoder may take: `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;
/// The zstd window, as a power of two: the format's own recommended limit.
const ZSTD_WINDOW: u32 = 27;
const CHUNK: usize = 1 << 16;

/// How bytes are stored. Told from the first bytes, so a misnamed file is read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// xz, one stream or several.
    Xz,
    /// Zstandard, one frame or several.
    Zstd,
    /// bzip2, one stream or several.
    Bzip2,
    /// zchunk, which kiln does not read: repositories that have it have the plain document too.
    Zchunk,
}

const MAGIC: &[(&[u8], Compression)] = &[
    (b"\x1f\x8b", Compression::Gzip),
    (b"\xfd7zXZ\0", Compression::Xz),
    (b"\x28\xb5\x2f\xfd", Compression::Zstd),
    (b"BZh", Compression::Bzip2),
    (b"\0ZCK1", Compression::Zchunk),
];

impl Compression {
    /// From the first six bytes.
    pub fn detect(bytes: &[u8]) -> Self {
        MAGIC.iter().find(|row| bytes.starts_with(row.0)).map_or(Self::Plain, |row| row.1)
    }
}

/// What a stream of bytes should be.
#[derive(Debug, Clone, Default)]
pub struct Promise {
    /// What the bytes hash to.
    pub digest: Option<Digest>,
    /// How many there are.
    pub size: Option<u64>,
    /// How many there may be, whatever is promised.
    pub limit: Option<u64>,
}

/// A stream that is not what was promised. Wrapped in an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenPromise {
    /// Other bytes.
    #[error("the digest is {found}, not {expected}")]
    Digest {
        /// What was promised.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// Fewer bytes.
    #[error("it ends after {found} bytes of {expected}")]
    Short {
        /// What was promised.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// More bytes than promised, or than allowed.
    #[error("it has more than {limit} bytes")]
    Long {
        /// How many are enough.
        limit: u64,
    },
    /// A form that is not read.
    #[error("it is compressed with zchunk, which kiln does not read")]
    Zchunk,
}

impl From<BrokenPromise> for io::Error {
    fn from(broken: BrokenPromise) -> Self {
        Self::new(io::ErrorKind::InvalidData, broken)
    }
}

/// A reader whose end is an error unless the promise was kept.
#[derive(Debug)]
pub struct Verified<R> {
    input: R,
    promise: Promise,
    hasher: Option<Hasher>,
    count: u64,
    ended: bool,
}

impl<R: Read> Verified<R> {
    /// Watches over a reader.
    pub fn new(input: R, promise: Promise) -> Self {
        let hasher = promise.digest.as_ref().map(|digest| Hasher::new(digest.algorithm()));
        Self { input, promise, hasher, count: 0, ended: false }
    }

    fn most(&self) -> u64 {
        self.promise.size.unwrap_or(u64::MAX).min(self.promise.limit.unwrap_or(u64::MAX))
    }

    fn end(&mut self) -> Result<(), BrokenPromise> {
        if let Some(expected) = self.promise.size.filter(|size| *size != self.count) {
            return Err(BrokenPromise::Short { expected, found: self.count });
        }
        if let (Some(expected), Some(hasher)) = (&self.promise.digest, &self.hasher) {
            let found = hasher.clone().finish();
            if found != *expected {
                return Err(BrokenPromise::Digest { expected: expected.clone(), found });
            }
        }
        self.ended = true;
        Ok(())
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        let count = self.input.read(buffer)?;
        if count == 0 {
            self.end()?;
            return Ok(0);
        }
        self.count += count as u64;
        if self.count > self.most() {
            return Err(BrokenPromise::Long { limit: self.most() }.into());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        Ok(count)
    }
}

/// The stored bytes: what was peeked at, and the rest.
type Stored<R> = BufReader<Chain<Cursor<Vec<u8>>, Verified<R>>>;

/// A decoder that reads its input to the end, so that the digest of the stored bytes is checked too.
enum Decoder<R: Read> {
    Plain(Stored<R>),
    Gzip(Box<flate2::bufread::MultiGzDecoder<Stored<R>>>),
    Xz(Box<liblzma::bufread::XzDecoder<Stored<R>>>),
    Zstd(Box<zstd::Decoder<'static, Stored<R>>>),
    Bzip2(bzip2::bufread::MultiBzDecoder<Stored<R>>),
}

impl<R: Read> Decoder<R> {
    fn new(mut input: Verified<R>) -> io::Result<Self> {
        let mut first = Vec::with_capacity(6);
        input.by_ref().take(6).read_to_end(&mut first)?;
        let compression = Compression::detect(&first);
        let stored = BufReader::with_capacity(CHUNK, Cursor::new(first).chain(input));
        Ok(match compression {
            Compression::Plain => Self::Plain(stored),
            Compression::Gzip => Self::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(stored))),
            Compression::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
                Self::Xz(Box::new(liblzma::bufread::XzDecoder::new_stream(stored, stream)))
            }
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(stored)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Self::Zstd(Box::new(decoder))
            }
            Compression::Bzip2 => Self::Bzip2(bzip2::bufread::MultiBzDecoder::new(stored)),
            Compression::Zchunk => return Err(BrokenPromise::Zchunk.into()),
        })
    }

    fn stored(&mut self) -> &mut Stored<R> {
        match self {
            Self::Plain(stored) => stored,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Xz(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
            Self::Bzip2(decoder) => decoder.get_mut(),
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self {
            Self::Plain(stored) => stored.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
        }?;
        if count == 0 && !buffer.is_empty() {
            io::copy(self.stored(), &mut io::sink())?;
        }
        Ok(count)
    }
}

/// The open bytes of a stream of stored bytes.
pub fn open(input: impl Read, stored: Promise, open: Promise) -> io::Result<impl BufRead> {
    let decoder = Decoder::new(Verified::new(input, stored))?;
    Ok(BufReader::with_capacity(CHUNK, Verified::new(decoder, open)))
}

impl RepomdData {
    /// The document's open bytes, from its stored bytes; sizes and digests are checked on the way, and no more than
    /// `cap` bytes come out. `document` is its name in messages.
    pub fn open<R: Read>(
        &self,
        repo: &str,
        document: &'static str,
        input: R,
        cap: u64,
    ) -> Result<impl BufRead + use<R>, Error> {
        let place = || Place { repo: repo.to_owned(), document, element: String::new() };
        let size = self.open_size.unwrap_or(0).max(self.size.unwrap_or(0));
        if size > cap {
            return Err(Error::Refused { place: place(), fault: Fault::Size { size, cap } });
        }
        let stored = Promise { digest: Some(self.checksum.clone()), size: self.size, limit: Some(cap) };
        let opened = Promise { digest: self.open_checksum.clone(), size: self.open_size, limit: Some(cap) };
        open(input, stored, opened).map_err(|source| Error::Read { place: place(), offset: 0, source })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pack(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Plain | Compression::Zchunk => bytes.to_vec(),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Xz => liblzma::encode_all(bytes, 1).unwrap(),
            Compression::Zstd => zstd::encode_all(bytes, 1).unwrap(),
            Compression::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    const FORMS: [Compression; 5] =
        [Compression::Plain, Compression::Gzip, Compression::Xz, Compression::Zstd, Compression::Bzip2];

    fn promise(bytes: &[u8]) -> Promise {
        Promise { digest: Some(Digest::sha256(bytes)), size: Some(bytes.len() as u64), limit: Some(1 << 20) }
    }

    fn read(stored: &[u8], promises: (Promise, Promise)) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        open(stored, promises.0, promises.1)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn broken(stored: &[u8], promises: (Promise, Promise)) -> Option<BrokenPromise> {
        let error = read(stored, promises).unwrap_err();
        error.get_ref().and_then(|inner| inner.downcast_ref()).cloned()
    }

    #[test]
    fn every_form_is_opened_and_both_digests_are_checked() {
        let text = b"<metadata/>".repeat(9000);
        for form in FORMS {
            let mut stored = pack(form, &text[..50_000]);
            stored.extend(pack(form, &text[50_000..]));
            assert_eq!(Compression::detect(&stored), form);
            assert_eq!(read(&stored, (promise(&stored), promise(&text))).unwrap(), text, "{form:?}");

            let other = || Promise { digest: Some(Digest::sha256(b"other")), ..Promise::default() };
            for promises in [(other(), promise(&text)), (promise(&stored), other())] {
                assert!(matches!(broken(&stored, promises), Some(BrokenPromise::Digest { .. })), "{form:?}");
            }
            let cut = &stored[..stored.len() - 1];
            assert!(read(cut, (promise(&stored), promise(&text))).is_err(), "{form:?}");
            let short = Promise { size: Some(10), ..Promise::default() };
            let long = Some(BrokenPromise::Long { limit: 10 });
            assert_eq!(broken(&stored, (short.clone(), promise(&text))), long);
            assert_eq!(broken(&stored, (promise(&stored), short)), long);
        }
    }

    #[test]
    fn bytes_after_the_end_are_part_of_the_stored_digest() {
        let mut stored = pack(Compression::Gzip, b"x");
        let promised = promise(&stored);
        stored.push(0);
        assert!(read(&stored, (promised, promise(b"x"))).is_err());
    }

    #[test]
    fn a_bomb_is_stopped_at_the_cap() {
        let zeros = vec![0; 8 << 20];
        for form in FORMS {
            let stored = pack(form, &zeros);
            let cap = || Promise { limit: Some(1 << 20), ..Promise::default() };
            let stopped = broken(&stored, (Promise::default(), cap()));
            assert_eq!(stopped, Some(BrokenPromise::Long { limit: 1 << 20 }), "{form:?}");
        }
    }

    #[test]
    fn a_window_too_large_to_keep_is_refused() {
        // A frame header that asks for a window of 2^41 bytes.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00];
        assert!(read(&frame, (Promise::default(), Promise::default())).is_err());
        assert_eq!(broken(b"\0ZCK1...", Default::default()), Some(BrokenPromise::Zchunk));
    }

    #[test]
    fn a_document_that_claims_too_much_is_refused_before_it_is_read() {
        let data = RepomdData {
            location: "p".to_owned(),
            checksum: Digest::sha256(b""),
            open_checksum: None,
            size: Some(10),
            open_size: Some(10 << 30),
            timestamp: 0,
        };
        let refused = data.open("clay", "primary", &b""[..], 1 << 30).err().unwrap().to_string();
        insta::assert_snapshot!(refused, @r"
    primary of repository `clay`: it claims to have 10737418240 bytes, more than the 1073741824 that kiln reads
    ");
    }
}
