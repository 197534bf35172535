//! Where files are. A base comes from the configuration or from a mirror list, a location comes from metadata, and
//! metadata is hostile: it may name what lies below the base, or, led up by `..` first, beside it on the same server
//! (`metadata::location` says why), and nothing else.

use std::fmt::Write as _;
use std::path::PathBuf;

use reqwest::Url;

use crate::config::without_secrets;
use crate::fetch::Error;

/// A directory that has a repository in it, or one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base(Url);

impl Base {
    /// Reads `http://…`, `https://…`, `file:///…` or an absolute path, as a directory.
    pub(super) fn directory(text: &str) -> Result<Self, Error> {
        let mut url = parse(text)?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL of what lies at `location`. The base's query (an access token) is kept. What leads up ends at the server's
    /// root, as in RFC 3986; on this host's disk nothing is led up.
    pub(super) fn join(&self, location: &str) -> Result<Url, Error> {
        let (up, below) = climb(location);
        check(below).map_err(|_| wrong(location))?;
        if up > 0 && self.0.scheme() == "file" {
            return Err(wrong(location));
        }
        let mut url = self.0.clone();
        let mut directories: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        directories.truncate(directories.len().saturating_sub(up));
        let base = if up == 0 { url.path().to_owned() } else { rooted(&directories) };
        let path = format!("{base}{}", escape(below));
        url.set_path(&path);
        Ok(url)
    }

    /// The text it can be read back from, secrets included.
    pub(super) fn text(&self) -> &str {
        self.0.as_str()
    }
}

/// The host and port of a URL: what the limit of connections counts by. Files of this host have none.
pub(super) fn host(url: &Url) -> Option<String> {
    let name = url.host_str().filter(|name| !name.is_empty())?;
    Some(format!("{name}:{}", url.port_or_known_default().unwrap_or(0)))
}

/// Reads the URL of a file: `http://…`, `https://…`, `file:///…` or an absolute path.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    let wrong = || Error::Url { url: without_secrets(text) };
    if text.starts_with('/') {
        return Url::from_file_path(text).map_err(|()| wrong());
    }
    let url = Url::parse(text).map_err(|_| wrong())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "file" if url.to_file_path().is_ok() => Ok(url),
        _ => Err(wrong()),
    }
}

/// The path of a `file://` URL.
pub(super) fn local(url: &Url) -> Option<PathBuf> {
    (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten()
}

/// The URL for people: without a password, a user's name or a query, any of which may be a secret.
pub(super) fn shown(url: &Url) -> String {
    let mut url = bare(url.clone());
    url.set_query(None);
    url.into()
}

/// The URL without credentials.
fn bare(mut url: Url) -> Url {
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url
}

/// The text of a URL without credentials.
pub(super) fn without_credentials(text: &str) -> String {
    Url::parse(text).map_or_else(|_| without_secrets(text), |url| bare(url).into())
}

/// The text of a URL with the credentials of another of the same server, where it has none of its own.
pub(super) fn with_credentials(text: &str, of: &str) -> String {
    let (Ok(mut url), Ok(of)) = (Url::parse(text), Url::parse(of)) else { return text.to_owned() };
    let is_ours = url.origin() == of.origin() && url.scheme() != "file";
    if is_ours && url.username().is_empty() && url.password().is_none() {
        let _ = url.set_username(of.username());
        let _ = url.set_password(of.password());
        return url.into();
    }
    text.to_owned()
}

/// How many directories a location leads up before anything else, and the rest of it.
fn climb(location: &str) -> (usize, &str) {
    let (mut up, mut below) = (0, location);
    while let Some(rest) = below.strip_prefix("../") {
        (up, below) = (up + 1, rest);
    }
    (up, below)
}

/// The path of a directory, with a slash at its end.
fn rooted(directories: &[&str]) -> String {
    let mut path = "/".to_owned();
    for directory in directories {
        path.push_str(directory);
        path.push('/');
    }
    path
}

fn wrong(location: &str) -> Error {
    Error::Location { location: location.chars().take(200).collect() }
}

/// Refuses a location that could leave its base: absolute, on another host, `..` in any spelling, control characters.
fn check(location: &str) -> Result<(), Error> {
    let decoded = decode(location);
    let inside = decoded.split(|byte| *byte == b'/').all(|part| part != b"..")
        && !decoded.starts_with(b"/")
        && !decoded.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\')
        && !location.contains("://")
        && !location.is_empty();
    if inside { Ok(()) } else { Err(wrong(location)) }
}

fn hex(pair: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(text, 16).ok()
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = if bytes[at] == b'%' { bytes.get(at + 1..at + 3).and_then(hex) } else { None };
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Escapes what is not plainly allowed in a path. `+` is escaped too, since some object stores take it for a space;
/// escapes that are there already stay.
fn escape(location: &str) -> String {
    let bytes = location.as_bytes();
    let mut escaped = String::with_capacity(location.len());
    for (at, byte) in bytes.iter().enumerate() {
        let is_escape = *byte == b'%' && bytes.get(at + 1..at + 3).and_then(hex).is_some();
        if byte.is_ascii_alphanumeric() || b"-._~/:@=,!$&'()*;".contains(byte) || is_escape {
            escaped.push(char::from(*byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_joined_below_its_base() {
        let table = [
            ("http://a/b", "x/y.rpm", "http://a/b/x/y.rpm"),
            ("http://a/b/?t=1", "gcc-c++-1~rc^2.rpm", "http://a/b/gcc-c%2B%2B-1~rc%5E2.rpm?t=1"),
            ("https://a", "a%2Bb c.rpm", "https://a/a%2Bb%20c.rpm"),
            ("http://a/b", "x?y#z%", "http://a/b/x%3Fy%23z%25"),
            ("http://a/b", "./x//y.rpm", "http://a/b/x//y.rpm"),
            ("/srv/re po", "x.rpm", "file:///srv/re%20po/x.rpm"),
            ("file:///srv/repo/", "x.rpm", "file:///srv/repo/x.rpm"),
        ];
        for (base, location, url) in table {
            assert_eq!(Base::directory(base).unwrap().join(location).unwrap().as_str(), url);
        }
    }

    #[test]
    fn a_package_may_lie_beside_its_repository_on_the_same_server() {
        let table = [
            ("http://a/b/c/", "../x.rpm", "http://a/b/x.rpm"),
            (
                "https://a/2/core/x86_64/0f/?t=1",
                "../../../../blobstore/x.rpm",
                "https://a/blobstore/x.rpm?t=1",
            ),
            ("http://a/b", "../../../x.rpm", "http://a/x.rpm"),
            ("http://a", "../x.rpm", "http://a/x.rpm"),
        ];
        for (base, location, url) in table {
            assert_eq!(Base::directory(base).unwrap().join(location).unwrap().as_str(), url);
        }
        for (base, location) in [("/srv/repo", "../x.rpm"), ("http://a/b", "../"), ("http://a/b", "..//c/x")]
        {
            assert!(Base::directory(base).unwrap().join(location).is_err(), "{base} {location}");
        }
    }

    #[test]
    fn a_location_cannot_leave_its_base() {
        let base = Base::directory("http://a/b").unwrap();
        let table = [
            "",
            "/etc/passwd",
            "..",
            "../../",
            "a/../../x",
            "a/%2e%2E/x",
            "%2e./x",
            "a%2f..%2fx",
            "http://b/x",
            "//b/x",
            "%2fx",
            "a\0b",
            "a\nb",
            "a\\b",
            "a%00",
        ];
        for location in table {
            assert!(base.join(location).is_err(), "{location:?}");
        }
    }

    #[test]
    fn only_http_and_files_are_places() {
        for text in ["ftp://a/b", "rsync://a/b", "a/b", "", "http://", "file://host/x", "data:,x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_are_lent_to_the_same_server_only() {
        let table = [
            ("https://host/b", "https://me:p%40ss@host/b"),
            ("https://host:443/b", "https://me:p%40ss@host/b"),
            ("https://you@host/b", "https://you@host/b"),
            ("http://host/b", "http://host/b"),
            ("https://host:8443/b", "https://host:8443/b"),
            ("https://other/b", "https://other/b"),
            ("/srv/x", "/srv/x"),
        ];
        for (text, lent) in table {
            assert_eq!(with_credentials(text, "https://me:p%40ss@host/list"), lent);
        }
        assert_eq!(without_credentials("https://me:p%40ss@host/b?x=1"), "https://host/b?x=1");
    }

    #[test]
    fn secrets_are_not_shown() {
        let url = parse("https://me:secret@host/a?token=x").unwrap();
        assert_eq!(shown(&url), "https://host/a");
    }
}
