//! Locations: where a file lies, relative to its repository's base URL.
//!
//! A location becomes a URL and, for `file://` repositories, a path; it must stay inside the repository under either
//! reading. So it is refused if it is absolute, has a scheme or a host, has a `..` segment (also written `%2e%2e`), a
//! backslash (a slash to URL parsers), or `?` or `#` (the end of a URL's path). `xml:base` is honoured where it is
//! itself such a relative location, as merged repositories write it, and refused where it names another place: the
//! mirrors that a repository was configured with, and nothing else, are where its packages come from.

use super::error::{Fault, quote};

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
    let refused = || Err(Fault::Location(quote(location)));
    if location.starts_with('/')
        || location.bytes().any(|byte| matches!(byte, b'\\' | b'?' | b'#') || byte < 0x20)
    {
        return refused();
    }
    let mut segments = location.split('/');
    let first = segments.clone().next().unwrap_or_default();
    if let Some((scheme, _)) = first.split_once(':')
        && scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return refused();
    }
    if segments.any(|segment| segment == "..") {
        return refused();
    }
    if location.contains('%') {
        let escaped = location.to_ascii_lowercase();
        let hidden = escaped.split('/').any(|segment| segment.replace("%2e", ".") == "..");
        if hidden || ["%2f", "%5c", "%00"].iter().any(|escape| escaped.contains(escape)) {
            return refused();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_stays_inside_its_repository() {
        for good in ["a.rpm", "Packages/b/bash-5.2-1.x86_64.rpm", "./a.rpm", "a/..b/c..rpm", "p/a-1:2-3.rpm"]
        {
            assert_eq!(join("", good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "/etc/passwd",
            "//host/a.rpm",
            "http://host/a.rpm",
            "file:a",
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
    fn a_base_is_honoured_when_it_stays_inside_too() {
        assert_eq!(join("toplink/", "a.rpm").as_deref(), Ok("toplink/a.rpm"));
        for bad in ["http://other/", "file:///", "..", "/srv"] {
            assert!(join(bad, "a.rpm").is_err(), "{bad}");
        }
    }
}
