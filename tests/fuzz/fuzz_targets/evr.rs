//! The order of versions: it is one.
#![no_main]

use std::cmp::Ordering;

use kiln::package::{Evr, EvrRef, vercmp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str, &str)| {
    let (a, b, c) = data;
    let order = |a: &str, b: &str| vercmp(a.as_bytes(), b.as_bytes());
    assert_eq!(order(a, a), Ordering::Equal);
    assert_eq!(order(a, b), order(b, a).reverse());
    if order(a, b) != Ordering::Greater && order(b, c) != Ordering::Greater {
        assert_ne!(order(a, c), Ordering::Greater);
    }
    assert_eq!(
        EvrRef::parse(a).compare(&EvrRef::parse(b)),
        EvrRef::parse(b).compare(&EvrRef::parse(a)).reverse()
    );
    let evr = Evr::parse(a);
    assert_eq!(Evr::parse(&evr.to_string()), evr);
});
