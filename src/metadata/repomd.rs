//! repomd.xml: which documents a repository has, where they lie, and what their bytes hash to.
//!
//! It is the root of trust of everything else (itself vouched for by a metalink or a signature), so nothing in it is
//! guessed: a document without a digest, or named twice, is refused. The zchunk twins (`primary_zck`) say nothing that
//! the plain documents do not, and are left out.

use std::collections::BTreeMap;

use super::error::{Error, Fault, quote};
use super::location;
use super::primary::{digest, number};
use super::tag::Tag;
use super::xml::{self, Text, Visitor};
use crate::unit::Digest;

/// The most documents of one repository.
const MOST_DATA: u64 = 256;
/// The names under which one document may be listed, stored in several ways.
const VARIANTS: [&str; 4] = ["", "_zst", "_xz", "_gz"];

/// What repomd.xml says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repomd {
    /// The repository's own number or name for this state of it.
    pub revision: String,
    data: BTreeMap<String, RepomdData>,
}

/// One document of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepomdData {
    /// Where it lies, relative to the repository's base URL; never outside of it.
    pub location: String,
    /// The digest of the bytes as they are stored.
    pub checksum: Digest,
    /// The digest of the bytes after decompression, where they are compressed.
    pub open_checksum: Option<Digest>,
    /// The size of the bytes as they are stored.
    pub size: Option<u64>,
    /// The size after decompression.
    pub open_size: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
}

impl Repomd {
    /// Reads repomd.xml.
    pub fn parse(repo: &str, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::default();
        xml::read(repo, bytes, &mut reader)?;
        Ok(Self { revision: reader.revision, data: reader.data })
    }

    /// The document of a type: `primary`, `filelists`, `group`, `modules`, …; the first of its forms.
    pub fn data(&self, kind: &str) -> Option<&RepomdData> {
        self.forms(kind).into_iter().next()
    }

    /// The forms in which a document is listed (`group`, `group_xz`), the smallest first: they say the same, and not every
    /// mirror has all of them.
    pub fn forms(&self, kind: &str) -> Vec<&RepomdData> {
        let listed = VARIANTS.iter().filter_map(|variant| self.data.get(&format!("{kind}{variant}")));
        let mut forms: Vec<_> = listed.collect();
        forms.sort_by_key(|data| data.size.unwrap_or(u64::MAX));
        forms
    }

    /// All documents by type.
    pub fn all(&self) -> impl Iterator<Item = (&str, &RepomdData)> {
        self.data.iter().map(|(kind, data)| (kind.as_str(), data))
    }

    /// When the newest document was made, in seconds since 1970: what a metalink calls the repository's timestamp.
    pub fn timestamp(&self) -> u64 {
        self.data.values().map(|data| data.timestamp).max().unwrap_or(0)
    }
}

#[derive(Default)]
struct Reader {
    revision: String,
    data: BTreeMap<String, RepomdData>,
    kind: String,
    fields: Fields,
}

#[derive(Default)]
struct Fields {
    location: Option<String>,
    algorithm: String,
    checksum: Option<Digest>,
    open_checksum: Option<Digest>,
    size: Option<u64>,
    open_size: Option<u64>,
    timestamp: u64,
}

impl Reader {
    fn finish(&mut self) -> Result<(), Fault> {
        let fields = std::mem::take(&mut self.fields);
        let kind = self.kind.clone();
        if kind.ends_with("_zck") {
            return Ok(());
        }
        let data = RepomdData {
            location: fields.location.ok_or(Fault::Missing("location"))?,
            checksum: fields.checksum.ok_or(Fault::Missing("checksum"))?,
            open_checksum: fields.open_checksum,
            size: fields.size,
            open_size: fields.open_size,
            timestamp: fields.timestamp,
        };
        if self.data.len() as u64 >= MOST_DATA {
            return Err(Fault::Count { what: "documents", limit: MOST_DATA });
        }
        if self.data.contains_key(&kind) {
            return Err(Fault::Twice { what: "document", id: kind });
        }
        self.data.insert(kind, data);
        Ok(())
    }
}

impl Visitor for Reader {
    const ROOT: &'static str = "repomd";
    const DOCUMENT: &'static str = "repomd";

    fn open(&mut self, depth: usize, tag: &Tag<'_>) -> Result<(), Fault> {
        match (depth, tag.name()) {
            (2, "data") => {
                self.fields = Fields::default();
                self.kind = tag
                    .attribute("type")?
                    .filter(|kind| !kind.is_empty())
                    .ok_or(Fault::Missing("type"))?
                    .into();
            }
            (3, "location") => {
                let href = tag.attribute("href")?.unwrap_or_default();
                let base = tag.attribute("xml:base")?.unwrap_or_default();
                self.fields.location = Some(location::join(&base, &href)?);
            }
            (3, "checksum" | "open-checksum") => {
                self.fields.algorithm = tag.attribute("type")?.unwrap_or_default().into();
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, depth: usize, name: &str, text: Text<'_>) -> Result<(), Fault> {
        let fields = &mut self.fields;
        match (depth, name) {
            (2, "revision") => self.revision = text.word()?.into_owned(),
            (2, "data") => self.finish()?,
            (3, "checksum") => fields.checksum = Some(digest(&fields.algorithm, &text.word()?)?),
            (3, "open-checksum") => fields.open_checksum = Some(digest(&fields.algorithm, &text.word()?)?),
            (3, "size") => fields.size = Some(number("size", &text.word()?)?),
            (3, "open-size") => fields.open_size = Some(number("open-size", &text.word()?)?),
            (3, "timestamp") => {
                // Old tools wrote fractions of a second.
                let text = text.word()?;
                fields.timestamp =
                    number("timestamp", text.split_once('.').map_or(&text, |(whole, _)| whole))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn subject(&self) -> Option<String> {
        if self.kind.is_empty() { None } else { Some(format!("document `{}`", quote(&self.kind))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn document(body: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">{body}</repomd>"
        )
    }

    fn data(kind: &str, href: &str) -> String {
        format!(
            "<data type=\"{kind}\"><checksum type=\"sha256\">{EMPTY}</checksum>\
             <open-checksum type=\"sha256\">{EMPTY}</open-checksum><location href=\"{href}\"/>\
             <timestamp>1700000000.25</timestamp><size>5</size><open-size>50</open-size></data>"
        )
    }

    #[test]
    fn documents_are_found_by_type() {
        let text = document(&format!(
            "<revision>9-stream</revision>{}{}{}",
            data("primary", "repodata/p.xml.gz"),
            data("primary_zck", "repodata/p.xml.zck"),
            data("group_xz", "repodata/c.xml.xz"),
        ));
        let repomd = Repomd::parse("clay", text.as_bytes()).unwrap();
        assert_eq!(repomd.revision, "9-stream");
        assert_eq!(repomd.timestamp(), 1_700_000_000);
        let primary = repomd.data("primary").unwrap();
        assert_eq!(primary.location, "repodata/p.xml.gz");
        assert_eq!(primary.checksum, Digest::sha256(b""));
        assert_eq!((primary.size, primary.open_size), (Some(5), Some(50)));
        assert_eq!(repomd.data("group").unwrap().location, "repodata/c.xml.xz");
        let larger = data("group", "repodata/c.xml").replace("<size>5", "<size>99");
        let both = document(&(larger + &data("group_gz", "repodata/c.xml.gz")));
        let both = Repomd::parse("clay", both.as_bytes()).unwrap();
        assert_eq!(both.data("group").unwrap().location, "repodata/c.xml.gz");
        assert_eq!(repomd.data("filelists"), None);
        assert_eq!(repomd.all().map(|(kind, _)| kind).collect::<Vec<_>>(), ["group_xz", "primary"]);
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_by_name() {
        let refused = |body: &str| Repomd::parse("clay", document(body).as_bytes()).unwrap_err().to_string();
        let good = data("primary", "p");
        insta::assert_snapshot!([
            refused(&data("primary", "../../etc/passwd")),
            refused(&data("primary", "https://elsewhere/p.xml")),
            refused(&good.replace("<location", "<location xml:base=\"http://elsewhere/\"")),
            refused(&good.replace("sha256", "md5")),
            refused(&good.replace(EMPTY, "00")),
            refused(&good.replace("<size>5", "<size>-5")),
            refused(&good.replace("<checksum type=\"sha256\">", "<other>").replacen("</checksum>", "</other>", 1)),
            refused(&format!("{good}{good}")),
            refused("<data type=\"\"/>"),
            Repomd::parse("clay", b"<html></html>").unwrap_err().to_string(),
            Repomd::parse("clay", b"").unwrap_err().to_string(),
            Repomd::parse("clay", b"<repomd>").unwrap_err().to_string(),
        ].join("\n"), @r"
    repomd of repository `clay`, document `primary`, element `location`: location `../../etc/passwd` is not a path inside the repository
    repomd of repository `clay`, document `primary`, element `location`: location `https://elsewhere/p.xml` is not a path inside the repository
    repomd of repository `clay`, document `primary`, element `location`: location `http://elsewhere/` is not a path inside the repository
    repomd of repository `clay`, document `primary`, element `checksum`: checksum `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855` of type `md5` is not one that kiln accepts
    repomd of repository `clay`, document `primary`, element `checksum`: checksum `00` of type `sha256` is not one that kiln accepts
    repomd of repository `clay`, document `primary`, element `size`: size is `-5`, not a number it can hold
    repomd of repository `clay`, document `primary`, element `data`: no checksum
    repomd of repository `clay`, document `primary`, element `data`: document `primary` twice
    repomd of repository `clay`, element `data`: no type
    repomd of repository `clay`, element `html`: the root element is `html`, not `repomd`
    repomd of repository `clay`: not well-formed XML at byte 0: the document is empty
    repomd of repository `clay`, element `repomd`: not well-formed XML at byte 8: the document ends inside an element
    ");
    }
}
