//! Compressed payloads as a stream of bytes.

use std::io::{self, Read};

use liblzma::stream::{CONCATENATED, Stream};

/// rpm's own limit on what a decoder of xz or lzma may use.
const LZMA_MEMORY: u64 = 100 << 20;

/// A payload being decompressed. Ends only where all of the payload is used up: what follows the
/// compressed data must be more of it.
pub(super) enum Decoder<'a> {
    Plain(&'a [u8]),
    Gzip(Box<flate2::bufread::MultiGzDecoder<&'a [u8]>>),
    Bzip2(Box<bzip2::bufread::MultiBzDecoder<&'a [u8]>>),
    Lzma(Box<liblzma::bufread::XzDecoder<&'a [u8]>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, &'a [u8]>>),
}

impl<'a> Decoder<'a> {
    /// A decoder for what `PAYLOADCOMPRESSOR` names; nothing for a name that rpm does not have. Without a name it is gzip, and
    /// rpm's gzip passes through what is not compressed at all.
    pub(super) fn new(name: Option<&str>, payload: &'a [u8]) -> io::Result<Option<Self>> {
        let gzip = payload.starts_with(&[0x1f, 0x8b]);
        Ok(Some(match name.unwrap_or("gzip") {
            "none" | "identity" => Self::Plain(payload),
            "gzip" if !gzip => Self::Plain(payload),
            "gzip" => Self::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(payload))),
            "bzip2" => Self::Bzip2(Box::new(bzip2::bufread::MultiBzDecoder::new(payload))),
            "xz" => Self::lzma(payload, Stream::new_stream_decoder(LZMA_MEMORY, CONCATENATED)?),
            "lzma" => Self::lzma(payload, Stream::new_lzma_decoder(LZMA_MEMORY)?),
            "zstd" => Self::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(payload)?)),
            _ => return Ok(None),
        }))
    }

    fn lzma(payload: &'a [u8], stream: Stream) -> Self {
        Self::Lzma(Box::new(liblzma::bufread::XzDecoder::new_stream(payload, stream)))
    }

    /// Bytes of the payload that were not needed. Only `lzma` can leave some: its streams do not say that more follows.
    pub(super) fn left(&self) -> usize {
        match self {
            Self::Plain(rest) => rest.len(),
            Self::Gzip(decoder) => decoder.get_ref().len(),
            Self::Bzip2(decoder) => decoder.get_ref().len(),
            Self::Lzma(decoder) => decoder.get_ref().len(),
            Self::Zstd(decoder) => decoder.get_ref().len(),
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(rest) => rest.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
            Self::Lzma(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn packed(name: &str, text: &[u8]) -> Vec<u8> {
        match name {
            "gzip" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "bzip2" => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "xz" => liblzma::encode_all(text, 0).unwrap(),
            "lzma" => {
                let options = liblzma::stream::LzmaOptions::new_preset(0).unwrap();
                let stream = Stream::new_lzma_encoder(&options).unwrap();
                let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "zstd" => zstd::encode_all(text, 1).unwrap(),
            _ => text.to_vec(),
        }
    }

    fn unpacked(name: &str, payload: &[u8]) -> io::Result<(Vec<u8>, usize)> {
        let mut decoder = Decoder::new(Some(name), payload)?.unwrap();
        let mut text = Vec::new();
        decoder.read_to_end(&mut text)?;
        Ok((text, decoder.left()))
    }

    #[test]
    fn every_codec_of_rpm_is_read_and_nothing_may_follow() {
        let text = b"070701 and so on".repeat(1000);
        for name in ["none", "gzip", "bzip2", "xz", "lzma", "zstd"] {
            let mut payload = packed(name, &text);
            assert_eq!(unpacked(name, &payload).unwrap(), (text.clone(), 0), "{name}");
            if name == "none" {
                continue;
            }
            let cut = &payload[..payload.len() - 3];
            assert!(unpacked(name, cut).is_err(), "{name} cut short");
            payload.extend_from_slice(b"something else");
            assert!(!matches!(unpacked(name, &payload), Ok((_, 0))), "{name} with a tail");
        }
        assert!(Decoder::new(Some("lzop"), b"").unwrap().is_none());
        assert_eq!(unpacked("gzip", b"070701").unwrap(), (b"070701".to_vec(), 0));
    }
}
