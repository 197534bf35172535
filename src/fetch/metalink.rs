//! Metalinks of `repomd.xml`: which mirrors have it, and what it must be. Both forms are read, the one that Fedora's
//! mirror manager writes (version 3, with the digests of a few earlier states) and RFC 5854's.

use std::str::FromStr;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::unit::{Algorithm, Digest, Hasher};

/// The file a metalink of a repository is about.
const NAME: &str = "repomd.xml";
const LOCATION: &str = "repodata/repomd.xml";
const DEEPEST: usize = 32;

/// What a metalink says about `repomd.xml`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metalink {
    /// The mirrors' directories, best first.
    pub(super) bases: Vec<String>,
    /// What the file may be: now, or at an earlier time that mirrors may still be at.
    pub(super) states: Vec<State>,
}

/// One state of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) timestamp: Option<u64>,
    pub(super) size: Option<u64>,
    /// Only algorithms that prove something.
    pub(super) digests: Vec<Digest>,
}

impl State {
    /// Whether `bytes` are this state: of its size, and of its strongest digest.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        let size = self.size.is_none_or(|size| size == bytes.len() as u64);
        size && self.digests.iter().max_by_key(|digest| digest.algorithm()).is_some_and(|digest| {
            let mut hasher = Hasher::new(digest.algorithm());
            hasher.update(bytes);
            hasher.finish() == *digest
        })
    }
}

impl Metalink {
    /// Whether `text` is a metalink and not a plain list.
    pub(super) fn looks_like(text: &str) -> bool {
        let start = text.trim_start();
        start.starts_with("<?xml") || start.starts_with("<metalink")
    }

    /// Reads a metalink. Mirrors that do not speak HTTP are passed over.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reading = Reading::default();
        let mut reader = Reader::from_str(text);
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => reading.start(&start)?,
                Event::Empty(start) => {
                    reading.start(&start)?;
                    reading.end()?;
                }
                Event::End(_) => reading.end()?,
                Event::Text(text) => reading.text.push_str(&text),
                Event::CData(text) => reading.text.push_str(&text),
                Event::GeneralRef(name) => {
                    let character = name.resolve_char_ref().map_err(|error| error.to_string())?;
                    match (character, resolve_predefined_entity(&name)) {
                        (Some(character), _) => reading.text.push(character),
                        (None, Some(text)) => reading.text.push_str(text),
                        (None, None) => return Err(format!("unknown entity `{}`", name.escape_default())),
                    }
                }
                Event::DocType(_) => return Err("it has a document type".to_owned()),
                Event::Eof => break,
                _ => {}
            }
        }
        reading.finish()
    }
}

#[derive(Default)]
struct Reading {
    /// The names of the open elements, without prefixes.
    path: Vec<String>,
    text: String,
    /// Whether the open `file` is the one that is looked for.
    inside: bool,
    hash: Option<Algorithm>,
    url: Ranked,
    urls: Vec<Ranked>,
    states: Vec<State>,
}

/// A mirror; a lower rank is better.
#[derive(Debug, Default)]
struct Ranked {
    rank: i64,
    usable: bool,
    url: String,
}

impl Reading {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        let name = start.local_name().as_ref().to_owned();
        if self.path.len() >= DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        match name.as_str() {
            "file" => {
                self.inside = attribute(start, "name")?.as_deref() == Some(NAME);
                if self.inside {
                    self.states.push(State::default());
                }
            }
            "alternate" if self.inside => self.states.push(State::default()),
            "hash" => {
                let kind =
                    attribute(start, "type")?.unwrap_or_default().replace('-', "").to_ascii_lowercase();
                self.hash = Algorithm::from_name(&kind).filter(|algorithm| *algorithm >= Algorithm::Sha256);
            }
            "url" => self.url = ranked(start)?,
            _ => {}
        }
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let name = self.path.pop().unwrap_or_default();
        let text = self.text.trim().to_owned();
        self.text.clear();
        if name == "file" {
            self.inside = false;
        }
        let in_pieces = self.path.iter().any(|parent| parent == "pieces");
        if !self.inside || in_pieces {
            return Ok(());
        }
        let Some(state) = self.states.last_mut() else { return Ok(()) };
        match name.as_str() {
            "size" => state.size = Some(number(&text)?),
            "timestamp" => state.timestamp = Some(number(&text)?),
            "hash" => {
                if let Some(algorithm) = self.hash.take() {
                    let digest = Digest::from_hex(algorithm, &text.to_ascii_lowercase());
                    state.digests.push(digest.map_err(|error| error.to_string())?);
                }
            }
            "url" => {
                let ranked = std::mem::take(&mut self.url);
                self.urls.push(Ranked { url: text, ..ranked });
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Metalink, String> {
        if !self.path.is_empty() {
            return Err("it ends in the middle".to_owned());
        }
        if self.states.is_empty() {
            return Err(format!("it is not about {NAME}"));
        }
        self.states.retain(|state| !state.digests.is_empty());
        if self.states.is_empty() {
            return Err("it has no digest that proves anything (sha256 or better)".to_owned());
        }
        self.urls.sort_by_key(|url| url.rank);
        let base = |url: &Ranked| url.url.strip_suffix(LOCATION).map(str::to_owned).filter(|_| url.usable);
        let mut bases: Vec<String> = Vec::new();
        for base in self.urls.iter().filter_map(base) {
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        Ok(Metalink { bases, states: self.states })
    }
}

/// The rank of a `url` element: version 3 has a `preference` (higher is better), RFC 5854 a `priority` (lower is).
fn ranked(start: &BytesStart<'_>) -> Result<Ranked, String> {
    let protocol = attribute(start, "protocol")?.or(attribute(start, "type")?);
    let usable = protocol.is_none_or(|protocol| protocol == "http" || protocol == "https");
    let preference = attribute(start, "preference")?.map(|text| number::<i64>(&text)).transpose()?;
    let priority = attribute(start, "priority")?.map(|text| number::<i64>(&text)).transpose()?;
    let rank = priority.or(preference.map(i64::saturating_neg));
    Ok(Ranked { rank: rank.unwrap_or(i64::MAX), usable, url: String::new() })
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = start.try_get_attribute(name).map_err(|error| error.to_string())?;
    found
        .map(|found| found.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned))
        .transpose()
        .map_err(|error| error.to_string())
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{}` is not a number", text.escape_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: &[u8]) -> Digest {
        Digest::sha256(of)
    }

    #[test]
    fn a_mirror_managers_metalink_gives_mirrors_and_states() {
        let text = format!(
            r#"<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
 <files><file name="repomd.xml">
  <mm0:timestamp>200</mm0:timestamp><size>3</size>
  <verification><hash type="md5">00</hash><hash type="sha256">{}</hash></verification>
  <mm0:alternates><mm0:alternate>
    <mm0:timestamp>100</mm0:timestamp><size>3</size>
    <verification><hash type="sha256">{}</hash></verification>
  </mm0:alternate></mm0:alternates>
  <resources maxconnections="1">
   <url protocol="rsync" type="rsync" location="DE" preference="100">rsync://r/x/repodata/repomd.xml</url>
   <url protocol="http" type="http" location="DE" preference="90">http://b/x/repodata/repomd.xml</url>
   <url protocol="https" type="https" location="DE" preference="100">https://a/x?a=1&amp;b=2/repodata/repomd.xml</url>
  </resources>
 </file></files></metalink>"#,
            digest(b"new").hex(),
            digest(b"old").hex()
        );
        let metalink = Metalink::parse(&text).unwrap();
        assert_eq!(metalink.bases, ["https://a/x?a=1&b=2/", "http://b/x/"]);
        let times: Vec<_> = metalink.states.iter().map(|state| state.timestamp).collect();
        assert_eq!(times, [Some(200), Some(100)]);
        let known = |bytes: &[u8]| metalink.states.iter().any(|state| state.is(bytes));
        assert!(known(b"new") && known(b"old") && !known(b"bad"));
        assert!(Metalink::looks_like(&text));
    }

    #[test]
    fn an_rfc_5854_metalink_is_read_too() {
        let text = format!(
            r#"<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="repomd.xml"><size>3</size>
  <hash type="md5">x</hash><hash type="sha-256">{}</hash>
  <pieces length="1" type="sha-1"><hash>y</hash></pieces>
  <url location="de" priority="2">http://b/repodata/repomd.xml</url>
  <url location="de" priority="1">http://a/repodata/repomd.xml</url>
</file></metalink>"#,
            digest(b"new").hex()
        );
        let metalink = Metalink::parse(&text).unwrap();
        assert_eq!(metalink.bases, ["http://a/", "http://b/"]);
        assert!(metalink.states[0].is(b"new"));
    }

    #[test]
    fn what_proves_nothing_is_refused() {
        let file = |inside: &str| {
            format!("<metalink><files><file name=\"repomd.xml\">{inside}</file></files></metalink>")
        };
        let table = [
            (file("<verification><hash type=\"md5\">00</hash></verification>"), "no digest"),
            (file(""), "no digest"),
            (file("<verification><hash type=\"sha256\">00</hash></verification>"), "not a sha256"),
            (file("<size>-1</size>"), "not a number"),
            (file("<size>&x;</size>"), "unknown entity"),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><metalink/>".to_owned(), "document type"),
            ("<metalink><files>".to_owned(), "in the middle"),
            ("<metalink><file name=\"x\"/></metalink>".to_owned(), "not about"),
            ("<a>".repeat(40), "too deeply"),
        ];
        for (text, why) in table {
            let error = Metalink::parse(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
