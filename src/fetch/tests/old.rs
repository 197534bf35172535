//! Packages as rpm made them before 4.14: no digest of the payload, and signatures over header and payload.

use pgp::composed::KeyType;

use super::keys::{Made, Recipe};
use super::packages::signed_by;
use crate::fetch::signed::{Depth, PackageFault, verify};

const PAYLOAD: &[u8] = b"the payload";
const BINARY: u32 = 7;
const STRING: u32 = 6;
const SIGNATURES: u32 = 62;
const IMMUTABLE: u32 = 63;

/// A header of values that need no alignment.
fn header(region: u32, values: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut index = Vec::new();
    let entry = |words: [u32; 4]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    for (tag, kind, value) in values {
        let count = if *kind == STRING { 1 } else { value.len() as u32 };
        index.extend(entry([*tag, *kind, data.len() as u32, count]));
        data.extend_from_slice(value);
    }
    let entries = values.len() as u32 + 1;
    let first = entry([region, BINARY, data.len() as u32, 16]);
    data.extend(entry([region, BINARY, (entries * 16).wrapping_neg(), 16]));
    let mut bytes = crate::package::header::MAGIC.to_vec();
    bytes.extend(entries.to_be_bytes());
    bytes.extend((data.len() as u32).to_be_bytes());
    [bytes, first, index, data].concat()
}

fn main_header() -> Vec<u8> {
    let text = |tag, text: &str| (tag, STRING, format!("{text}\0").into_bytes());
    header(IMMUTABLE, &[text(1000, "a"), text(1001, "1.0"), text(1002, "1"), text(1022, "noarch")])
}

/// A package with the signatures given by tag.
fn package(signatures: &[(u32, Vec<u8>)], payload: &[u8]) -> Vec<u8> {
    let mut lead = vec![0; 96];
    lead[..5].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb, 3]);
    lead[79] = 5;
    let values: Vec<_> = signatures.iter().map(|(tag, bytes)| (*tag, BINARY, bytes.clone())).collect();
    let mut signature = header(SIGNATURES, &values);
    signature.resize(signature.len().next_multiple_of(8), 0);
    [lead, signature, main_header(), payload.to_vec()].concat()
}

fn check(made: &Made, package: &[u8]) -> Result<(), PackageFault> {
    // Also where only the header would be looked at: the payload hangs on nothing else.
    let results = [Depth::Whole, Depth::Header]
        .map(|depth| verify(package, &"a-1.0-1.noarch".parse().unwrap(), &signed_by(made), depth));
    assert_eq!(results[0], results[1]);
    results[0].clone()
}

#[test]
fn the_signature_must_reach_the_payload() {
    let made = Recipe { kind: KeyType::Rsa(2048), ..Recipe::default() }.make();
    let header = main_header();
    let both = [header.as_slice(), PAYLOAD].concat();
    let over_header = (268, made.sign(&header));
    let over_both = (1002, made.sign(&both));
    let wrong = (1002, made.sign(b"else"));
    assert_eq!(check(&made, &package(std::slice::from_ref(&over_both), PAYLOAD)), Ok(()));
    assert_eq!(check(&made, &package(&[(1005, made.sign(&both))], PAYLOAD)), Ok(()));
    assert_eq!(check(&made, &package(&[over_header.clone(), over_both.clone()], PAYLOAD)), Ok(()));
    let uncovered = check(&made, &package(std::slice::from_ref(&over_header), PAYLOAD));
    assert_eq!(uncovered, Err(PackageFault::PayloadUncovered));
    for bad in [
        package(&[over_header.clone(), wrong.clone()], PAYLOAD),
        package(&[over_header.clone(), over_both.clone()], b"another payload"),
        package(&[(268, made.sign(b"else")), over_both], PAYLOAD),
        package(&[wrong], PAYLOAD),
    ] {
        let fault = check(&made, &bad).unwrap_err();
        assert!(fault.to_string().contains("is bad"), "{fault}");
    }
    assert_eq!(check(&made, &package(&[(1000, vec![0; 4])], PAYLOAD)), Err(PackageFault::Unsigned));
}
