//! Package files named on the command line become a repository of their own, `@commandline` as dnf calls it. Its
//! metadata goes the way of every other repository's: what createrepo would write is parsed by the same parser.

use std::fmt::Write as _;

use crate::engine::error::Error;
use crate::engine::session::Session;
use crate::metadata::Metadata;
use crate::package::file::PackageFile;
use crate::package::header::Header;
use crate::package::tag::Tag;
use crate::package::{Evr, RelationFlags, RelationKind, Sense};
use crate::sys;
use crate::unit::{Digest, HostPath};

/// The id of the repository that package files on the command line form.
pub(super) const COMMANDLINE: &str = "@commandline";

/// Package files of the command line, and the other requirements.
#[derive(Debug, Default)]
pub(super) struct LocalPackages {
    /// What remains to be asked of repositories; a package file became the NEVRA that it is.
    pub(super) requirements: Vec<String>,
    /// The `<package>` elements of the files.
    elements: String,
    count: usize,
}

impl LocalPackages {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What tells these files from others.
    pub(super) fn elements(&self) -> &str {
        &self.elements
    }

    /// The files' repository.
    pub(super) fn metadata(&self) -> Result<Metadata, Error> {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
             xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{}\">\n{}</metadata>\n",
            self.count, self.elements
        );
        Ok(Metadata::parse(COMMANDLINE, xml.as_bytes())?)
    }
}

impl Session<'_> {
    /// Takes the package files among `requirements` into the store. A requirement is a file when it ends in `.rpm` and
    /// there is one.
    pub(super) fn local_packages(&self, requirements: &[String]) -> Result<LocalPackages, Error> {
        let mut local = LocalPackages::default();
        for requirement in requirements {
            if !(requirement.ends_with(".rpm") && sys::fs::exists(requirement)) {
                local.requirements.push(requirement.clone());
                continue;
            }
            let path = HostPath::new(requirement);
            let bad = |reason: String| Error::BadPackage { path: path.clone(), reason };
            let bytes = sys::fs::map(&path).map_err(|error| bad(error.to_string()))?;
            let package = PackageFile::parse(&bytes).map_err(|error| bad(error.to_string()))?;
            if package.header.is_source() {
                return Err(bad("it is a source package; `kiln build` takes those".to_owned()));
            }
            let digest = Digest::sha256(&bytes);
            let element =
                element(&package.header, &digest, bytes.len()).map_err(|error| bad(error.to_string()))?;
            let nevra = package.header.nevra().map_err(|error| bad(error.to_string()))?;
            self.store.receive_rpm(&path, &digest)?;
            local.requirements.push(nevra.to_string());
            local.elements.push_str(&element);
            local.count += 1;
        }
        Ok(local)
    }
}

type HeaderResult<T> = Result<T, crate::package::header::HeaderError>;

/// The `<package>` element of primary.xml.
fn element(header: &Header<'_>, digest: &Digest, size: usize) -> HeaderResult<String> {
    let nevra = header.nevra()?;
    let mut text = String::new();
    let evr = &nevra.evr;
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "<package type=\"rpm\"><name>{}</name><arch>{}</arch><version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>\
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum><summary/><description/><packager/><url/>\
         <time file=\"0\" build=\"{}\"/><size package=\"{size}\" installed=\"0\" archive=\"0\"/>\
         <location href=\"{nevra}.rpm\"/><format>",
        escaped(&nevra.name),
        escaped(&nevra.arch),
        evr.epoch,
        escaped(&evr.version),
        escaped(&evr.release),
        digest.hex(),
        header.u32(Tag::BUILDTIME)?.unwrap_or(0),
        nevra = escaped(&nevra.to_string()),
    );
    for (name, kind) in LISTS {
        let lines = header.relations(*kind)?;
        if lines.is_empty() {
            continue;
        }
        let _ = write!(text, "<rpm:{name}>");
        for line in lines {
            let _ = write!(text, "<rpm:entry name=\"{}\"", escaped(&line.name));
            if let Some(word) = Sense::from_bits(line.flags.0).word().filter(|_| !line.evr.is_empty()) {
                let evr = Evr::parse(&line.evr);
                let (epoch, version) = (evr.epoch, escaped(&evr.version));
                let _ = write!(text, " flags=\"{word}\" epoch=\"{epoch}\" ver=\"{version}\"");
                if !evr.release.is_empty() {
                    let _ = write!(text, " rel=\"{}\"", escaped(&evr.release));
                }
            }
            if line.flags.any(RelationFlags::SCRIPT_PRE.or(RelationFlags::PREREQ)) {
                text.push_str(" pre=\"1\"");
            }
            text.push_str("/>");
        }
        let _ = write!(text, "</rpm:{name}>");
    }
    for file in header.files()? {
        let _ = write!(text, "<file>{}</file>", escaped(file.path.as_str()));
    }
    text.push_str("</format></package>\n");
    Ok(text)
}

const LISTS: &[(&str, RelationKind)] = &[
    ("provides", RelationKind::Provides),
    ("requires", RelationKind::Requires),
    ("conflicts", RelationKind::Conflicts),
    ("obsoletes", RelationKind::Obsoletes),
    ("recommends", RelationKind::Recommends),
    ("suggests", RelationKind::Suggests),
    ("supplements", RelationKind::Supplements),
    ("enhances", RelationKind::Enhances),
];

fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}
