//! Locations: where a file lies, relative to its repository's base URL.
//!
//! A location is put behind a base URL and, for `file://` repositories, becomes a path; it must stay inside the
//! repository under either reading. So it is refused if it is absolute, has a scheme or a host, has a `..` segment (also
//! written `%2e%2e`), a backslash (a slash to URL parsers), or `?` or `#` (the end of a URL's path). A colon alone is no
//! scheme: a file may be called `bash-1:5.2-1.rpm`. `xml:base` is honoured where it is
//! itself such a relative location, as merged repositories write it, and refused where it names another place: the
//! mirrors that a repository was configured with, and nothing else, are where its packages come from.
//!
//! Packages, and they alone, may lie beside their repository: Amazon Linux keeps them in one directory for all of its
//! repositories, `../../../blobstore/…`, and dnf follows that. So a package's location may begin with `..` segments. What
//! is there to lose is little: the request stays on the mirror's own host, the file is named by its digest in the store,
//! and nothing is taken but what has the promised digest. On this host's disk such a location is not followed (the fetch
//! module refuses it for `file://` repositories), since a request for a file of ours is no mirror's business.

use super::error::{Fault, quote};

/// How many directories a package's location may lead up.
const HIGHEST: usize = 32;

/// The location of a package: as [`join`], or leading up first.
pub(super) fn of_package(base: &str, href: &str) -> Result<String, Fault> {
    if !base.is_empty() || !href.starts_with("../") {
        return join(base, href);
    }
    let mut below = href;
    let mut up = 0;
    while let Some(rest) = below.strip_prefix("../") {
        (below, up) = (rest, up + 1);
    }
    match check(below) {
        Ok(()) if up <= HIGHEST && !below.is_empty() => Ok(href.to_owned()),
        _ => Err(Fault::Location(quote(href))),
    }
}

/// Joins base and href, and checks the result.
pub(super) fn join(base: &str, href: &str) -> Result<String, Fault> {
    if href.is_empty() {
        return Err(Fault::Missing("location href"));
    }
    check(href)?;
    if base.is_empty() {
        return Ok(href.to_owned());
    }
    check(base)?;
    Ok(format!("{}/{href}", base.trim_end_matches('/')))
}

fn check(location: &str) -> Result<(), Fault> {
    let bytes = location.as_bytes();
    let odd = bytes.iter().any(|byte| *byte < 0x20 || matches!(byte, b'\\' | b'?' | b'#' | b'%' | b':'));
    let dots = bytes.windows(2).any(|pair| pair == b"..");
    let inside = !bytes.starts_with(b"/") && (!odd || is_plain(location)) && (!dots || stays(location));
    if inside { Ok(()) } else { Err(Fault::Location(quote(location))) }
}

/// Whether no segment leads up.
fn stays(location: &str) -> bool {
    location.split('/').all(|segment| segment != "..")
}

/// Whether nothing in it means something else to a reader of URLs.
fn is_plain(location: &str) -> bool {
    let first = location.split('/').next().unwrap_or_default();
    let scheme = first.len() < location.len() && first.ends_with(':');
    let escaped = location.to_ascii_lowercase();
    let hidden = ["%2f", "%5c", "%00"].iter().any(|escape| escaped.contains(escape));
    let odd = location.bytes().any(|byte| byte < 0x20 || matches!(byte, b'\\' | b'?' | b'#'));
    !scheme && !hidden && !odd && stays(&escaped.replace("%2e", "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_stays_inside_its_repository() {
        for good in [
            "a.rpm",
            "Packages/b/bash-5.2-1.x86_64.rpm",
            "./a.rpm",
            "a/..b/c..rpm",
            "p/a-1:2-3.rpm",
            "a-1:2-3.rpm",
        ] {
            assert_eq!(join("", good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "/etc/passwd",
            "//host/a.rpm",
            "http://host/a.rpm",
            "file:/a",
            "../a.rpm",
            "a/../../b",
            "a/..",
            "%2e%2E/a",
            "a/.%2e/b",
            "..\\a",
            "a?b",
            "a#b",
            "a%2f..%2fb",
            "a\nb",
        ] {
            assert!(join("", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_package_may_lie_beside_its_repository() {
        let deep = |up: usize| "../".repeat(up) + "blobstore/a.rpm";
        for good in ["a.rpm", "../a.rpm", &deep(5), &deep(HIGHEST)] {
            assert_eq!(of_package("", good).as_deref(), Ok(good));
        }
        for bad in [
            "../",
            "..",
            "../..",
            "../a/../../b",
            "..//host/a",
            "../%2e%2e/a",
            "../..\\a",
            "a/../b",
            &deep(HIGHEST + 1),
        ] {
            assert!(of_package("", bad).is_err(), "{bad:?}");
        }
        assert!(of_package("x", "../a.rpm").is_err());
    }

    #[test]
    fn a_base_is_honoured_when_it_stays_inside_too() {
        assert_eq!(join("toplink/", "a.rpm").as_deref(), Ok("toplink/a.rpm"));
        for bad in ["http://other/", "file:///", "..", "/srv"] {
            assert!(join(bad, "a.rpm").is_err(), "{bad}");
        }
    }
}
