//! Epoch, version, release, ordered as rpm orders them (rpm's `rpmio/rpmvercmp.cc`, docs/manual/dependencies.md).

use std::cmp::Ordering;
use std::fmt;

/// `[epoch:]version[-release]`. A missing epoch is 0; a missing release is the empty string.
///
/// Equality and order are rpm's (`1.0` equals `1.00`), so `Hash` is not offered.
#[derive(Debug, Clone)]
pub struct Evr {
    /// The epoch; missing is 0.
    pub epoch: u32,
    /// The version.
    pub version: String,
    /// The release; empty where a dependency gives none.
    pub release: String,
}

impl Evr {
    /// Reads `[epoch:]version[-release]`. The epoch is the digits before the first colon; the release follows the
    /// last hyphen.
    pub fn parse(text: &str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
                (epoch.parse().unwrap_or(0), rest)
            }
            _ => (0, text),
        };
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, version: version.to_owned(), release: release.to_owned() }
    }
}

/// The text that reads back to the same, also where a version has a colon or a hyphen that would be taken for another.
impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before_colon = self.version.split_once(':').map(|row| row.0);
        let looks_like_epoch =
            before_colon.is_some_and(|head| head.bytes().all(|byte| byte.is_ascii_digit()));
        if self.epoch != 0 || looks_like_epoch {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.version)?;
        if !self.release.is_empty() || self.version.contains('-') {
            write!(f, "-{}", self.release)?;
        }
        Ok(())
    }
}

impl Ord for Evr {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| vercmp(self.version.as_bytes(), other.version.as_bytes()))
            .then_with(|| vercmp(self.release.as_bytes(), other.release.as_bytes()))
    }
}

impl PartialOrd for Evr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Evr {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Evr {}

/// The parts of an EVR's text, borrowed. Nothing is converted: an epoch of any length keeps its order.
#[derive(Debug, Clone, Copy)]
pub struct EvrRef<'a> {
    /// The epoch's digits; empty is 0.
    pub epoch: &'a str,
    /// The version.
    pub version: &'a str,
    /// The release; empty where there is none.
    pub release: &'a str,
}

impl<'a> EvrRef<'a> {
    /// Reads `[epoch:]version[-release]`, as [`Evr::parse`] does.
    pub fn parse(text: &'a str) -> Self {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (epoch, rest) = match text.as_bytes().get(digits) {
            Some(b':') => (&text[..digits], &text[digits + 1..]),
            _ => ("", text),
        };
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, version, release }
    }

    /// Order of epoch and version alone.
    pub fn compare_version(&self, other: &EvrRef<'_>) -> Ordering {
        numbers(self.epoch.as_bytes(), other.epoch.as_bytes())
            .then_with(|| vercmp(self.version.as_bytes(), other.version.as_bytes()))
    }

    /// Order of the releases alone.
    pub fn compare_release(&self, other: &EvrRef<'_>) -> Ordering {
        vercmp(self.release.as_bytes(), other.release.as_bytes())
    }

    /// Order of all three parts.
    pub fn compare(&self, other: &EvrRef<'_>) -> Ordering {
        self.compare_version(other).then_with(|| self.compare_release(other))
    }
}

/// Compares two versions or two releases: segments of digits or of letters, left to right; `~` sorts before
/// everything, even the end; `^` sorts after the end and before any other segment; a number is newer than letters.
pub fn vercmp(mut a: &[u8], mut b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let separator = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'~' && *byte != b'^';
    loop {
        a = &a[a.iter().take_while(|byte| separator(byte)).count()..];
        b = &b[b.iter().take_while(|byte| separator(byte)).count()..];
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), other) => return if other.is_none() { Ordering::Greater } else { Ordering::Less },
            (other, Some(b'^')) => return if other.is_none() { Ordering::Less } else { Ordering::Greater },
            (None, _) | (_, None) => return a.len().cmp(&b.len()),
            _ => {}
        }
        let numeric = a[0].is_ascii_digit();
        let segment = |text: &[u8]| {
            text.iter()
                .take_while(|byte| if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() })
                .count()
        };
        let (in_a, in_b) = (segment(a), segment(b));
        if in_b == 0 {
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let order = if numeric { numbers(&a[..in_a], &b[..in_b]) } else { a[..in_a].cmp(&b[..in_b]) };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[in_a..], &b[in_b..]);
    }
}

fn numbers(a: &[u8], b: &[u8]) -> Ordering {
    let a = &a[a.iter().take_while(|byte| **byte == b'0').count()..];
    let b = &b[b.iter().take_while(|byte| **byte == b'0').count()..];
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_ordered_as_rpm_orders_them() {
        let less = [
            ("1.0", "2.0"),
            ("2.0", "2.0.1"),
            ("5.5p1", "5.5p2"),
            ("5.5p1", "5.5p10"),
            ("10xyz", "10.1xyz"),
            ("xyz10", "10"),
            ("xyz.4", "8"),
            ("1.0~rc1", "1.0"),
            ("1.0~rc1~git123", "1.0~rc1"),
            ("1.0", "1.0^"),
            ("1.0^git1", "1.0^git2"),
            ("1.0^git1", "1.01"),
            ("1.0^20160101", "1.0.1"),
            ("1.0~rc1^git1", "1.0^git1~pre"),
            ("20101121", "20101122"),
            ("6.0", "6.0.rc1"),
            ("a", "a.a"),
        ];
        for (a, b) in less {
            assert_eq!(vercmp(a.as_bytes(), b.as_bytes()), Ordering::Less, "{a} < {b}");
            assert_eq!(vercmp(b.as_bytes(), a.as_bytes()), Ordering::Greater, "{b} > {a}");
        }
        for (a, b) in [("1.0", "1.00"), ("2_0", "2.0"), ("a+", "a_"), ("1.0010", "1.10"), ("~", "~.")] {
            assert_eq!(vercmp(a.as_bytes(), b.as_bytes()), Ordering::Equal, "{a} = {b}");
        }
    }

    #[test]
    fn an_evr_keeps_its_parts() {
        let evr = Evr::parse("1:2.3-4.fc43");
        assert_eq!((evr.epoch, evr.version.as_str(), evr.release.as_str()), (1, "2.3", "4.fc43"));
        assert_eq!(Evr::parse("2.3").to_string(), "2.3");
        assert_eq!(Evr::parse("0:2.3-1"), Evr::parse("2.3-1"));
    }

    /// Versions of few characters, so that equal and nearly equal ones are common.
    fn versions() -> impl Strategy<Value = String> {
        "[01a~^.]{0,6}"
    }

    #[test]
    fn what_would_be_taken_for_an_epoch_or_a_release_is_written_apart() {
        for (text, written) in
            [(":2:;", "0:2:;"), ("::1", "0::1"), ("a-b-", "a-b-"), ("1:2-", "1:2"), ("a:1", "a:1")]
        {
            assert_eq!(Evr::parse(text).to_string(), written, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_evr_reads_back_what_it_writes(text in "[0-9a~^:.-]{0,12}") {
            let evr = Evr::parse(&text);
            let again = Evr::parse(&evr.to_string());
            let parts = |evr: &Evr| (evr.epoch, evr.version.clone(), evr.release.clone());
            prop_assert_eq!(parts(&again), parts(&evr));
        }

        #[test]
        fn the_order_of_versions_is_total(a in versions(), b in versions(), c in versions()) {
            let order = |a: &str, b: &str| vercmp(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
                prop_assert_ne!(order(&a, &c), Ordering::Greater, "{} <= {} <= {}", a, b, c);
            }
        }

        #[test]
        fn equality_agrees_with_order(a in "([0-2]:)?[01a~.]{1,3}(-[01]{1,2})?", b in "([0-2]:)?[01a~.]{1,3}(-[01]{1,2})?") {
            let (x, y) = (Evr::parse(&a), Evr::parse(&b));
            prop_assert_eq!(x == y, x.cmp(&y) == Ordering::Equal);
            prop_assert_eq!(x.cmp(&y), EvrRef::parse(&a).compare(&EvrRef::parse(&b)));
            prop_assert_eq!(&Evr::parse(&x.to_string()), &x);
        }

        #[test]
        fn no_text_makes_the_comparison_panic(a in prop::collection::vec(any::<u8>(), 0..20), b in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = vercmp(&a, &b);
        }
    }
}
