//! Headers that lie about themselves.

use proptest::prelude::*;

use crate::package::header::{Header, HeaderError, MAGIC, Origin};
use crate::package::tag::Tag;
use crate::package::{RelationKind, TriggerFamily};

/// A header: index rows of (tag, type, offset, count), the first of them the region's, and data.
fn header(rows: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
    let counts = [rows.len() as u32, data.len() as u32];
    let numbers = counts.iter().chain(rows.iter().flatten()).flat_map(|number| number.to_be_bytes());
    MAGIC.iter().copied().chain(numbers).chain(data.iter().copied()).collect()
}

/// What closes a region of `entries` entries.
fn trailer(entries: i32) -> Vec<u8> {
    [63, 7, (-16 * entries) as u32, 16].iter().flat_map(|number: &u32| number.to_be_bytes()).collect()
}

/// Rows below the region's own, over `content`.
fn made(rows: &[[u32; 4]], content: &[u8]) -> Vec<u8> {
    let mut all = vec![[63, 7, content.len() as u32, 16]];
    all.extend_from_slice(rows);
    header(&all, &[content, &trailer(all.len() as i32)].concat())
}

fn refused(bytes: &[u8]) -> String {
    Header::parse(bytes, Origin::Package).unwrap_err().to_string()
}

#[test]
fn an_index_that_lies_is_refused() {
    let honest = made(&[[1000, 6, 0, 1], [1001, 6, 2, 1]], b"a\0b\0");
    assert_eq!(Header::parse(&honest, Origin::Package).unwrap().string(Tag::VERSION), Ok(Some("b")));
    let table: &[(&[[u32; 4]], &str)] = &[
        (&[[1000, 6, 0, 1], [1001, 6, 1, 1]], "overlaps the entry before it"),
        (&[[1000, 6, 2, 1], [1001, 6, 0, 1]], "overlaps the entry before it"),
        (&[[1000, 6, 0, 1], [1000, 6, 2, 1]], "it is there twice"),
        (&[[1000, 6, 4, 1]], "overlaps the region's trailer"),
        (&[[1000, 6, 21, 1]], "does not fit"),
        (&[[1000, 6, 0x8000_0000, 1]], "does not fit"),
        (&[[1000, 6, 0xffff_fff0, 1]], "does not fit"),
        (&[[1000, 6, 0, 0]], "does not fit"),
        (&[[1000, 6, 0, 2]], "does not fit"),
        (&[[1000, 8, 0, 3]], "overlaps the region's trailer"),
        (&[[1000, 8, 0, 0xffff_ffff]], "does not fit"),
        (&[[1000, 4, 0, 1]], "not the type of this tag"),
        (&[[1009, 4, 2, 1]], "not aligned"),
        (&[[1009, 4, 0, 0x4000_0001]], "does not fit"),
        (&[[4999, 10, 0, 1]], "no such type"),
        (&[[4999, 0, 0, 1]], "no such type"),
        (&[[62, 7, 0, 4]], "no such tag"),
        (&[[0xffff_ffff, 7, 0, 4]], "no such tag"),
    ];
    for (rows, message) in table {
        let text = refused(&made(rows, b"a\0b\0"));
        assert!(text.contains(message), "{rows:?}: {text}");
    }
}

#[test]
fn a_region_that_lies_is_refused() {
    let data = |trailer: Vec<u8>| [b"a\0b\0", &trailer[..]].concat();
    let rows = [[63, 7, 4, 16], [1000, 6, 0, 1]];
    let region = |first: [u32; 4]| header(&[first, rows[1]], &data(trailer(2)));
    let table = [
        (header(&rows[1..], b"a\0"), "does not begin with one"),
        (region([62, 7, 4, 16]), "does not begin with one"),
        (region([63, 6, 4, 16]), "another type or size"),
        (region([63, 7, 4, 17]), "another type or size"),
        (region([63, 7, 5, 16]), "its trailer is outside"),
        (region([63, 7, 0xffff_fff0, 16]), "its trailer is outside"),
        (region([63, 7, 0, 16]), "its trailer has another tag"),
        (header(&rows, &data(trailer(3))), "counts other entries"),
        (header(&rows, &data(trailer(0))), "counts other entries"),
        (header(&rows, &data(trailer(-2))), "counts other entries"),
        (header(&rows, &data(trailer(1))), "does not cover the whole header"),
        (header(&rows, &[&data(trailer(2))[..], b"more"].concat()), "does not cover the whole header"),
    ];
    for (bytes, message) in table {
        let text = refused(&bytes);
        assert!(text.contains(message), "{message}: {text}");
    }
}

#[test]
fn counts_that_lie_are_refused_before_anything_is_taken_for_them() {
    let counts = |entries: u32, bytes: u32| {
        [&MAGIC[..], &entries.to_be_bytes(), &bytes.to_be_bytes(), &[0; 64]].concat()
    };
    for (entries, bytes) in [(0x1_0000, 16), (u32::MAX, 16), (1, 0x1000_0000), (1, u32::MAX), (0, 0)] {
        let error = Header::parse(&counts(entries, bytes), Origin::Package).unwrap_err();
        assert!(matches!(error, HeaderError::TooLarge { .. }), "{error}");
    }
    let error = Header::parse(&counts(0xffff, 0x0fff_ffff), Origin::Package).unwrap_err();
    assert!(matches!(error, HeaderError::Truncated { .. }), "{error}");
}

/// Asks for everything that a header can be asked for.
fn read_all(header: &Header<'_>) {
    let _ = (header.nevra(), header.files(), header.scriptlets(), header.sysusers(), header.format());
    for family in [TriggerFamily::Package, TriggerFamily::File, TriggerFamily::Transaction] {
        let _ = header.triggers(family);
    }
    let _ = (header.relations(RelationKind::Requires), header.translations(Tag::SUMMARY));
    for entry in header.entries() {
        let _ = (header.strings(entry.tag), header.u16s(entry.tag), header.u32s(entry.tag));
        let _ = (header.u64s(entry.tag), header.binary(entry.tag), header.raw(entry));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        rows in proptest::collection::vec((100_u32..1200, 0_u32..11, 0_u32..64, 0_u32..9), 0..8),
        content in proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..64),
        flip in (any::<prop::sample::Index>(), any::<u8>()),
    ) {
        let rows: Vec<_> = rows.into_iter().map(|(tag, kind, offset, count)| [tag, kind, offset, count]).collect();
        let mut bytes = made(&rows, &content);
        let at = flip.0.index(bytes.len());
        for value in [bytes[at], flip.1] {
            bytes[at] = value;
            for origin in [Origin::Package, Origin::Signature, Origin::Installed] {
                let body = if origin == Origin::Installed { &bytes[8..] } else { &bytes[..] };
                if let Ok(header) = Header::parse(body, origin) {
                    read_all(&header);
                }
            }
        }
    }
}

#[test]
fn paths_that_are_too_much_together_are_refused_before_they_are_made() {
    let directory = format!("/{}/\0", "d".repeat(4000));
    for (count, fits) in [(1, true), (70_000, false)] {
        let names = "bbbbb\0".repeat(count as usize);
        let indexes = vec![0; 4 * count as usize];
        let content = [indexes.as_slice(), names.as_bytes(), directory.as_bytes()].concat();
        let rows = [[1116, 4, 0, count], [1117, 8, 4 * count, count], [1118, 8, 10 * count, 1]];
        let bytes = made(&rows, &content);
        let error = Header::parse(&bytes, Origin::Package).unwrap().files().unwrap_err().to_string();
        assert_eq!(error.contains("bytes together"), !fits, "{error}");
    }
}
