//! What repository metadata says of one package: its places in primary, filelists and other, read from the RPM file itself.

use rpm::{DependencyFlags, FileFlags, FileType, IndexData, IndexSignatureTag, PackageMetadata};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::xml::Xml;

/// One package's elements.
#[derive(Debug)]
pub struct Described {
    /// For primary.xml.
    pub primary: Xml,
    /// For filelists.xml.
    pub filelists: Xml,
    /// For other.xml.
    pub other: Xml,
    /// The build time.
    pub date: u32,
}

/// The digest of some bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads an RPM file; `location` is its place below the repository.
pub fn describe(location: &str, bytes: &[u8]) -> Result<Described, Error> {
    let metadata = PackageMetadata::parse(&mut &*bytes).map_err(Error::rpm(location))?;
    let digest = sha256(bytes);
    let files = Files::of(&metadata).map_err(Error::rpm(location))?;
    Ok(Described {
        primary: primary(&metadata, location, bytes.len(), &digest, &files).map_err(Error::rpm(location))?,
        filelists: with_files(&metadata, &digest, &files.all).map_err(Error::rpm(location))?,
        other: with_files(&metadata, &digest, &[]).map_err(Error::rpm(location))?,
        date: metadata.get_build_time().map_err(Error::rpm(location))?.try_into().unwrap_or(u32::MAX),
    })
}

struct Files {
    all: Vec<(String, &'static str)>,
    installed: u64,
}

impl Files {
    fn of(metadata: &PackageMetadata) -> Result<Self, rpm::Error> {
        let all = metadata
            .get_file_entries()?
            .iter()
            .map(|file| {
                let kind = match (file.file_type(), file.flags().contains(FileFlags::GHOST)) {
                    (FileType::Dir, _) => "dir",
                    (_, true) => "ghost",
                    _ => "file",
                };
                (file.path().to_string_lossy().into_owned(), kind)
            })
            .collect();
        Ok(Self { all, installed: metadata.get_installed_size()? })
    }

    /// The files that primary.xml carries, so that most requirements of files need no file lists.
    fn primary(&self) -> impl Iterator<Item = &(String, &'static str)> {
        self.all.iter().filter(|(path, _)| {
            path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
        })
    }
}

fn version(metadata: &PackageMetadata, xml: &mut Xml) -> Result<(), rpm::Error> {
    let epoch = metadata.get_epoch().unwrap_or(0).to_string();
    xml.empty(
        "version",
        &[("epoch", &epoch), ("ver", metadata.get_version()?), ("rel", metadata.get_release()?)],
    );
    Ok(())
}

fn primary(
    metadata: &PackageMetadata,
    location: &str,
    size: usize,
    digest: &str,
    files: &Files,
) -> Result<Xml, rpm::Error> {
    let mut xml = Xml::default();
    xml.open("package", &[("type", "rpm")]);
    xml.text("name", &[], metadata.get_name()?).text("arch", &[], metadata.get_arch()?);
    version(metadata, &mut xml)?;
    let date = metadata.get_build_time()?.to_string();
    xml.text("checksum", &[("type", "sha256"), ("pkgid", "YES")], digest)
        .text("summary", &[], metadata.get_summary()?)
        .text("description", &[], metadata.get_description()?)
        .text("packager", &[], "")
        .text("url", &[], metadata.get_url().unwrap_or_default())
        .empty("time", &[("file", &date), ("build", &date)]);
    let archive = match metadata.signature.entry(IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE as u32) {
        Ok(IndexData::Int32(sizes)) => sizes.first().copied().unwrap_or(0),
        _ => 0,
    };
    xml.empty(
        "size",
        &[
            ("package", &size.to_string()),
            ("installed", &files.installed.to_string()),
            ("archive", &archive.to_string()),
        ],
    )
    .empty("location", &[("href", location)])
    .open("format", &[]);
    let offsets = metadata.get_package_segment_offsets();
    xml.text("rpm:license", &[], metadata.get_license()?)
        .text("rpm:vendor", &[], metadata.get_vendor().unwrap_or_default())
        .text("rpm:group", &[], metadata.get_group().unwrap_or("Unspecified"))
        .text("rpm:buildhost", &[], metadata.get_build_host().unwrap_or_default())
        .text("rpm:sourcerpm", &[], metadata.get_source_rpm().unwrap_or_default())
        .empty(
            "rpm:header-range",
            &[("start", &offsets.header.to_string()), ("end", &offsets.payload.to_string())],
        );
    for (name, dependencies) in [
        ("provides", metadata.get_provides()?),
        ("requires", needs_of_others(metadata, files)?),
        ("conflicts", metadata.get_conflicts()?),
        ("obsoletes", metadata.get_obsoletes()?),
        ("suggests", metadata.get_suggests()?),
        ("enhances", metadata.get_enhances()?),
        ("recommends", metadata.get_recommends()?),
        ("supplements", metadata.get_supplements()?),
    ] {
        relations(&mut xml, name, &dependencies);
    }
    for (path, kind) in files.primary() {
        file(&mut xml, path, kind);
    }
    xml.close("format").close("package");
    Ok(xml)
}

/// The requirements that other packages must meet: not rpm's own features, nor what the package provides itself.
fn needs_of_others(metadata: &PackageMetadata, files: &Files) -> Result<Vec<rpm::Dependency>, rpm::Error> {
    let provides = metadata.get_provides()?;
    let own = |d: &rpm::Dependency| {
        let provided = provides.iter().any(|p| p.name == d.name && p.version == d.version);
        provided || d.name.starts_with('/') && files.all.iter().any(|(path, _)| *path == d.name)
    };
    let requires = metadata.get_requires()?.into_iter();
    Ok(requires.filter(|d| !d.name.starts_with("rpmlib(") && !own(d)).collect())
}

fn relations(xml: &mut Xml, list: &str, dependencies: &[rpm::Dependency]) {
    let mut seen = std::collections::BTreeSet::new();
    let shown = dependencies.iter().filter(|d| {
        let prerequisite = is_prerequisite(d.flags);
        seen.insert((&d.name, d.flags.comparator_str(), &d.version, prerequisite && list == "requires"))
    });
    let mut piece = Xml::default();
    for dependency in shown {
        entry(&mut piece, list, dependency);
    }
    let piece = piece.finish();
    if !piece.is_empty() {
        let name = format!("rpm:{list}");
        xml.open(&name, &[]).raw(&piece).close(&name);
    }
}

fn entry(xml: &mut Xml, list: &str, dependency: &rpm::Dependency) {
    let mut attributes = vec![("name", dependency.name.as_str())];
    let comparison = match dependency.flags.comparator_str() {
        "<" => "LT",
        "<=" => "LE",
        "=" => "EQ",
        ">=" => "GE",
        ">" => "GT",
        _ => "",
    };
    let (epoch, version, release) = split_evr(&dependency.version);
    if !comparison.is_empty() {
        attributes.extend([("flags", comparison), ("epoch", epoch), ("ver", version)]);
        attributes.extend(release.map(|release| ("rel", release)));
    }
    if list == "requires" && is_prerequisite(dependency.flags) {
        attributes.push(("pre", "1"));
    }
    xml.empty("rpm:entry", &attributes);
}

fn is_prerequisite(flags: DependencyFlags) -> bool {
    flags.intersects(DependencyFlags::PREREQ | DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST)
}

fn split_evr(evr: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = evr.split_once(':').unwrap_or(("0", evr));
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

fn file(xml: &mut Xml, path: &str, kind: &str) {
    let attributes = [("type", kind)];
    xml.text("file", if kind == "file" { &[] } else { &attributes }, path);
}

fn with_files(
    metadata: &PackageMetadata,
    digest: &str,
    files: &[(String, &'static str)],
) -> Result<Xml, rpm::Error> {
    let mut xml = Xml::default();
    xml.open("package", &[("pkgid", digest), ("name", metadata.get_name()?), ("arch", metadata.get_arch()?)]);
    version(metadata, &mut xml)?;
    for (path, kind) in files {
        file(&mut xml, path, kind);
    }
    xml.close("package");
    Ok(xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_entry_splits_its_version() {
        let shown = |dependency: rpm::Dependency| {
            let mut xml = Xml::default();
            entry(&mut xml, "requires", &dependency);
            xml.finish()
        };
        assert_eq!(shown(rpm::Dependency::any("(a or b)")), "<rpm:entry name=\"(a or b)\"/>\n");
        assert_eq!(
            shown(rpm::Dependency::greater_eq("x", "1:2.0-3")),
            "<rpm:entry name=\"x\" flags=\"GE\" epoch=\"1\" ver=\"2.0\" rel=\"3\"/>\n"
        );
        assert_eq!(shown(rpm::Dependency::script_pre("x")), "<rpm:entry name=\"x\" pre=\"1\"/>\n");
    }
}
