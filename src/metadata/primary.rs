//! primary.xml: the packages with their dependencies, and the files that are asked for most.

use std::borrow::Cow;
use std::io::Read;

use super::ahead::ahead;
use super::build::{Builder, Record, Refused};
use super::error::{Error, Fault, quote};
use super::location;
use super::scan;
use super::strings::Full;
use super::table::{Dependency, Kind, Metadata};
use super::tag::{Tag, plain, unhex};
use super::xml::{Text, Visitor};
use crate::package::Sense;
use crate::unit::{Algorithm, Digest};

/// The most packages in one repository.
const MOST_PACKAGES: u64 = 1 << 22;
/// The most entries of one package's lists.
const MOST_ENTRIES: u64 = 1 << 18;

impl Metadata {
    /// Reads primary.xml as a stream; `input` gives it decompressed (see [`super::RepomdData::open`]), and is read by a
    /// thread of its own if it is large.
    pub fn parse(repo: &str, input: impl Read + Send) -> Result<Self, Error> {
        let mut primary = Primary::new();
        ahead(input, |input| scan::read(repo, input, &mut primary))?;
        Ok(primary.tables.finish(repo))
    }

    /// The same by the general reader, to compare.
    #[cfg(test)]
    pub(super) fn parse_slowly(repo: &str, input: impl std::io::BufRead) -> Result<Self, Error> {
        let mut primary = Primary::new();
        super::xml::read(repo, input, &mut primary)?;
        Ok(primary.tables.finish(repo))
    }
}

struct Primary {
    tables: Builder,
    record: Record,
    fields: Fields,
    list: Option<Kind>,
    entries: u64,
    text: String,
}

/// What a package's elements said, as text.
#[derive(Default)]
struct Fields {
    name: String,
    arch: String,
    evr: String,
    checksum_type: String,
    checksum: Option<Digest>,
    location: String,
}

impl Fields {
    fn clear(&mut self) {
        let Self { name, arch, evr, checksum_type, checksum, location } = self;
        [name, arch, evr, checksum_type, location].into_iter().for_each(String::clear);
        *checksum = None;
    }
}

impl From<Full> for Fault {
    fn from(full: Full) -> Self {
        match full {
            Full::Count => Self::TablesFull,
            Full::Collisions => Self::Collisions,
        }
    }
}

impl Primary {
    fn new() -> Self {
        Self {
            tables: Builder::new(),
            record: Record::default(),
            fields: Fields::default(),
            list: None,
            entries: 0,
            text: String::new(),
        }
    }

    fn begin(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.fields.clear();
        self.record = Record { lists: std::mem::take(&mut self.record.lists), ..Record::default() };
        self.entries = 0;
        self.list = None;
        if self.tables.len() as u64 >= MOST_PACKAGES {
            return Err(Fault::Count { what: "packages", limit: MOST_PACKAGES });
        }
        match tag.attribute("type")? {
            Some(kind) if kind != "rpm" => Err(Fault::Word { field: "package type", value: quote(&kind) }),
            _ => Ok(()),
        }
    }

    fn field(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        let (fields, record) = (&mut self.fields, &mut self.record);
        let element = tag.name();
        if !matches!(element, "version" | "checksum" | "time" | "size" | "location") {
            return Ok(());
        }
        let mut evr = EvrText::default();
        let (mut base, mut href) = (Cow::default(), Cow::default());
        for attribute in tag.attributes() {
            let value = attribute.value()?;
            match (element, attribute.name) {
                ("version", name) => evr.take(name, value),
                ("checksum", "type") => fields.checksum_type = value.into_owned(),
                ("time", "build") => record.built = number("build time", &value)?,
                ("size", "package") => record.size = number("package size", &value)?,
                ("size", "installed") => record.installed = number("installed size", &value)?,
                ("location", "href") => href = value,
                ("location", "xml:base") => base = value,
                _ => {}
            }
        }
        if element == "location" {
            fields.location = location::of_package(&base, &href)?;
        }
        if element == "version" {
            evr.check()?;
            fields.evr.clear();
            evr.write(&mut fields.evr);
        }
        Ok(())
    }

    fn entry(&mut self, kind: Kind, tag: &Tag<'_>) -> Result<(), Fault> {
        self.count()?;
        let (mut name, mut sense, mut pre, mut prefix) = (None, Sense::ANY, false, None);
        let mut evr = EvrText::default();
        for attribute in tag.attributes() {
            let value = attribute.value()?;
            match attribute.name {
                "name" => name = Some(value),
                "flags" => {
                    let unknown = || Fault::Word { field: "flags", value: quote(&value) };
                    sense = Sense::from_word(&value).ok_or_else(unknown)?;
                }
                "pre" => pre = value == "1",
                "kind" if value != "package" => prefix = Some(value),
                key => evr.take(key, value),
            }
        }
        let name = name.filter(|name| !name.is_empty()).ok_or(Fault::Missing("name"))?;
        let name = match prefix {
            Some(kind) => self.tables.strings.intern(&format!("{kind}:{name}"))?,
            None => self.tables.strings.intern(&name)?,
        };
        self.text.clear();
        if sense != Sense::ANY {
            evr.write(&mut self.text);
        }
        if self.text.is_empty() {
            sense = Sense::ANY;
        }
        let evr = self.tables.strings.intern(&self.text)?;
        self.record.lists[kind as usize].push(Dependency { name, evr, sense, pre });
        Ok(())
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(Fault::Count { what: "entries in one package", limit: MOST_ENTRIES });
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let checksum = self.fields.checksum.take();
        let fields = &self.fields;
        for (text, what) in [
            (&fields.name, "name"),
            (&fields.arch, "arch"),
            (&fields.evr, "version"),
            (&fields.location, "location"),
        ] {
            if text.is_empty() {
                return Err(Fault::Missing(what));
            }
        }
        for (text, field) in [(&fields.name, "name"), (&fields.arch, "arch")] {
            if text.contains(['/', ' ', '(']) || field == "arch" && text.contains(['.', '-']) {
                return Err(Fault::Name { field, value: quote(text) });
            }
        }
        let checksum = checksum.ok_or(Fault::Missing("checksum"))?;
        let strings = &mut self.tables.strings;
        let (name, evr) = (strings.intern(&fields.name)?, strings.intern(&fields.evr)?);
        (self.record.name, self.record.evr) = (name.0, evr.0);
        self.record.arch = strings.intern(&fields.arch)?.0;
        self.record.location = strings.intern(&fields.location)?.0;
        let itself = Dependency { name, evr, sense: Sense::EQUAL, pre: false };
        let provides = &mut self.record.lists[Kind::Provides as usize];
        let source = matches!(fields.arch.as_str(), "src" | "nosrc");
        if !source && !provides.contains(&itself) {
            provides.push(itself);
        }
        self.tables.push(&mut self.record, &checksum).map_err(|refused| match refused {
            Refused::Full(full) => full.into(),
            Refused::Taken => Fault::Twice { what: "checksum", id: checksum.to_string() },
        })
    }
}

impl Visitor for Primary {
    const ROOT: &'static str = "metadata";
    const DOCUMENT: &'static str = "primary";

    fn open(&mut self, depth: usize, tag: &Tag<'_>) -> Result<(), Fault> {
        match (depth, self.list, tag.name()) {
            (5, Some(kind), "entry") => self.entry(kind, tag),
            (3, ..) => self.field(tag),
            (4, _, name) => {
                self.list = list(name);
                Ok(())
            }
            (2, _, "package") => self.begin(tag),
            _ => Ok(()),
        }
    }

    fn close(&mut self, depth: usize, name: &str, text: Text<'_>) -> Result<(), Fault> {
        let field = match (depth, name) {
            (4, "file") => {
                self.count()?;
                let path = text.get()?;
                plain(&path)?;
                self.record.files.push(self.tables.strings.intern(&path)?);
                return Ok(());
            }
            (4, _) => {
                self.list = None;
                return Ok(());
            }
            (2, "package") => return self.finish(),
            (3, "name") => &mut self.fields.name,
            (3, "arch") => &mut self.fields.arch,
            (3, "checksum") => {
                let fields = &mut self.fields;
                fields.checksum = Some(digest(&fields.checksum_type, &text.word()?)?);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if !field.is_empty() {
            return Err(Fault::Twice { what: "element", id: quote(name) });
        }
        field.push_str(&text.word()?);
        Ok(())
    }

    fn subject(&self) -> Option<String> {
        if self.fields.name.is_empty() {
            return Some(format!("package number {}", self.tables.len() + 1));
        }
        Some(format!("package `{}`", quote(&self.fields.name)))
    }
}

fn list(name: &str) -> Option<Kind> {
    match name {
        "provides" => Some(Kind::Provides),
        "requires" => Some(Kind::Requires),
        "conflicts" => Some(Kind::Conflicts),
        "obsoletes" => Some(Kind::Obsoletes),
        "recommends" => Some(Kind::Recommends),
        "suggests" => Some(Kind::Suggests),
        "supplements" => Some(Kind::Supplements),
        "enhances" => Some(Kind::Enhances),
        _ => None,
    }
}

/// The parts of an EVR as attributes give them.
#[derive(Default)]
struct EvrText<'a> {
    epoch: Cow<'a, str>,
    version: Cow<'a, str>,
    release: Cow<'a, str>,
}

impl<'a> EvrText<'a> {
    fn take(&mut self, name: &str, value: Cow<'a, str>) {
        match name {
            "epoch" => self.epoch = value,
            "ver" => self.version = value,
            "rel" => self.release = value,
            _ => {}
        }
    }

    /// Refuses what no package can be called, so that a NEVRA's text can be taken apart again.
    fn check(&self) -> Result<(), Fault> {
        if !self.epoch.is_empty() && self.epoch.parse::<u32>().is_err() {
            return Err(Fault::Number { field: "epoch", value: quote(&self.epoch) });
        }
        for (field, value) in [("version", &self.version), ("release", &self.release)] {
            if value.is_empty() {
                return Err(Fault::Missing(field));
            }
            if value.contains(['-', '/', ':', ' ']) {
                return Err(Fault::Name { field, value: quote(value) });
            }
        }
        Ok(())
    }

    /// Appends `[epoch:]version[-release]`: an epoch of 0 is left out, unless the version would be taken for one.
    fn write(&self, text: &mut String) {
        let digits = self.version.bytes().take_while(u8::is_ascii_digit).count();
        let looks_like_epoch = digits > 0 && self.version.as_bytes().get(digits) == Some(&b':');
        if !matches!(&*self.epoch, "" | "0") {
            text.push_str(&self.epoch);
            text.push(':');
        } else if looks_like_epoch {
            text.push_str("0:");
        }
        text.push_str(&self.version);
        if !self.release.is_empty() {
            text.push('-');
            text.push_str(&self.release);
        }
    }
}

/// A number that is not negative.
pub(super) fn number(field: &'static str, value: &str) -> Result<u64, Fault> {
    value.parse().map_err(|_| Fault::Number { field, value: quote(value) })
}

/// A digest from its type attribute and its hexadecimal text.
pub(super) fn digest(algorithm: &str, value: &str) -> Result<Digest, Fault> {
    let refused = || Fault::Digest { algorithm: quote(algorithm), value: quote(value) };
    let algorithm = Algorithm::from_name(algorithm).ok_or_else(refused)?;
    let mut room = [0; 64];
    let bytes = unhex(value, &mut room).ok_or_else(refused)?;
    Digest::from_bytes(algorithm, bytes).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASH: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">
<package type="rpm">
  <name>bash</name><arch>x86_64</arch><version epoch="1" ver="5.2" rel="1.cl1"/>
  <checksum type="sha256" pkgid="YES">e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</checksum>
  <summary>A &lt;shell&gt;</summary>
  <time file="2" build="1"/><size package="10" installed="20" archive="30"/>
  <location href="Packages/bash.rpm"/>
  <format>
    <rpm:license>GPL</rpm:license><rpm:vendor/>
    <rpm:provides><rpm:entry name="config(bash)" flags="EQ" epoch="0" ver="5.2" rel="1.cl1"/></rpm:provides>
    <rpm:requires>
      <rpm:entry name="/bin/sh" pre="1"/>
      <rpm:entry name="(a if b &gt; 1)"/>
      <rpm:entry name="glibc" flags="GE" epoch="0" ver="2.34"/>
    </rpm:requires>
    <file>/usr/bin/bash</file><file type="dir">/etc/skel</file>
  </format>
</package>
</metadata>"#;

    #[test]
    fn a_package_has_what_its_elements_say() {
        let metadata = Metadata::parse("clay", BASH.as_bytes()).unwrap();
        let package = metadata.packages().next().unwrap();
        assert_eq!(package.nevra().to_string(), "bash-1:5.2-1.cl1.x86_64");
        assert_eq!(package.location(), "Packages/bash.rpm");
        assert_eq!((package.size(), package.installed_size(), package.built()), (10, 20, 1));
        assert_eq!(package.checksum(), Digest::sha256(b""));
        let list = |kind| {
            let text = |it: Dependency| {
                let (name, evr) = (metadata.text(it.name), metadata.text(it.evr));
                format!("{name} {} {evr}{}", it.sense.symbol(), if it.pre { " pre" } else { "" })
            };
            package.dependencies(kind).map(text).collect::<Vec<_>>()
        };
        assert_eq!(list(Kind::Provides), ["config(bash) = 5.2-1.cl1", "bash = 1:5.2-1.cl1"]);
        assert_eq!(list(Kind::Requires), ["/bin/sh   pre", "(a if b > 1)  ", "glibc >= 2.34"]);
        assert!(list(Kind::Enhances).is_empty());
        let files: Vec<_> = package.files().map(|path| metadata.text(path)).collect();
        assert_eq!(files, ["/usr/bin/bash", "/etc/skel"]);
        assert_eq!(metadata.find("glibc").map(|id| metadata.text(id)), Some("glibc"));
        assert_eq!(metadata.find("zsh"), None);
    }
}
