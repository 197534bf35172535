//! filelists.xml: every path of every package. It is large and almost never needed, because primary lists the paths
//! that dependencies name; so it is not kept, only asked: who owns these paths?

use std::collections::BTreeMap;
use std::io::Read;

use super::ahead::ahead;
use super::error::{Error, Fault, quote};
use super::scan;
use super::strings::Interner;
use super::table::{Metadata, PackageId};
use super::tag::{Tag, unhex};
use super::xml::{Text, Visitor};

/// Which packages own a path, for the paths that were asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<String, Vec<PackageId>>);

impl Owners {
    /// Reads filelists.xml as a stream; `input` gives it decompressed, and is read by a thread of its own if it is large.
    /// A package that primary does not have is passed over.
    pub fn find<'a>(
        metadata: &Metadata,
        input: impl Read + Send,
        wanted: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let mut reader = Reader {
            packages: metadata.by_checksum(),
            wanted: Interner::new(),
            package: None,
            seen: 0,
            owners: Vec::new(),
        };
        for path in wanted {
            // A path that cannot be kept is one that no package of ours owns.
            let _ = reader.wanted.intern(path);
        }
        ahead(input, |input| scan::read(metadata.repo(), input, &mut reader))?;
        let mut owners: BTreeMap<String, Vec<PackageId>> = BTreeMap::new();
        reader.owners.sort_unstable();
        reader.owners.dedup();
        for (path, package) in reader.owners {
            owners.entry(reader.wanted.get(path).to_owned()).or_default().push(package);
        }
        Ok(Self(owners))
    }

    /// The owners of one path, in the order of primary.
    pub fn of(&self, path: &str) -> &[PackageId] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// The paths that have owners, sorted, with them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[PackageId])> {
        self.0.iter().map(|(path, owners)| (path.as_str(), owners.as_slice()))
    }
}

struct Reader {
    packages: ByChecksum,
    wanted: Interner,
    package: Option<PackageId>,
    seen: u64,
    owners: Vec<(u32, PackageId)>,
}

impl Visitor for Reader {
    const ROOT: &'static str = "filelists";
    const DOCUMENT: &'static str = "filelists";

    fn open(&mut self, depth: usize, tag: &Tag<'_>) -> Result<(), Fault> {
        if depth == 2 && tag.name() == "package" {
            let id = tag.attribute("pkgid")?.ok_or(Fault::Missing("pkgid"))?;
            let mut room = [0; 64];
            let digest =
                unhex(&id, &mut room).ok_or_else(|| Fault::Word { field: "pkgid", value: quote(&id) })?;
            self.package = self.packages.find(digest);
            self.seen += 1;
        }
        Ok(())
    }

    fn close(&mut self, depth: usize, name: &str, text: Text<'_>) -> Result<(), Fault> {
        match (depth, name, self.package) {
            (3, "file", Some(package)) => {
                if let Some(path) = self.wanted.find(&text.get()?) {
                    self.owners.push((path.0, package));
                }
            }
            (2, ..) => self.package = None,
            _ => {}
        }
        Ok(())
    }

    fn subject(&self) -> Option<String> {
        Some(format!("package number {}", self.seen.max(1)))
    }
}

/// The packages of a repository by the digest of their file.
#[derive(Debug)]
pub(super) struct ByChecksum(Vec<(Vec<u8>, PackageId)>);

impl ByChecksum {
    fn find(&self, digest: &[u8]) -> Option<PackageId> {
        let at = self.0.binary_search_by(|(own, _)| own.as_slice().cmp(digest)).ok()?;
        self.0.get(at).map(|(_, package)| *package)
    }
}

impl Metadata {
    pub(super) fn by_checksum(&self) -> ByChecksum {
        let mut packages: Vec<_> =
            self.packages().map(|package| (package.checksum().bytes().to_vec(), package.id())).collect();
        packages.sort_unstable();
        ByChecksum(packages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Digest;

    fn package(name: &str) -> (String, String) {
        let id = Digest::sha256(name.as_bytes()).hex();
        let package = format!(
            "<package type=\"rpm\"><name>{name}</name><arch>noarch</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{id}</checksum><location href=\"{name}.rpm\"/></package>"
        );
        (id, package)
    }

    #[test]
    fn owners_are_found_for_the_paths_that_are_asked_about() {
        let ((a, first), (b, second)) = (package("a"), package("b"));
        let primary = format!("<metadata>{first}{second}</metadata>");
        let metadata = Metadata::parse("clay", primary.as_bytes()).unwrap();
        let unknown = Digest::sha256(b"c").hex();
        let filelists = format!(
            "<filelists packages=\"3\"><package pkgid=\"{b}\" name=\"b\" arch=\"noarch\">\
             <version epoch=\"0\" ver=\"1\" rel=\"1\"/><file>/usr/share/x</file><file type=\"dir\">/opt</file></package>\
             <package pkgid=\"{unknown}\"><file>/opt</file></package>\
             <package pkgid=\"{a}\"><file>/opt</file><file>/opt</file><file>/usr/share/y &amp; z</file></package></filelists>"
        );
        let wanted = ["/opt", "/usr/share/y & z", "/nowhere"];
        let owners = Owners::find(&metadata, filelists.as_bytes(), wanted).unwrap();
        let found: Vec<String> = owners
            .iter()
            .map(|(path, owners)| {
                let names = owners.iter().map(|id| metadata.text(metadata.package(*id).name()));
                format!("{path}: {}", names.collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(found, ["/opt: a b", "/usr/share/y & z: a"]);
        assert!(owners.of("/nowhere").is_empty());
    }

    #[test]
    fn a_package_without_a_digest_is_refused() {
        let metadata = Metadata::parse("clay", &b"<metadata/>"[..]).unwrap();
        for id in ["", " pkgid=\"xyz\"", " pkgid=\"abc\""] {
            let text = format!("<filelists><package{id}/></filelists>");
            assert!(Owners::find(&metadata, text.as_bytes(), ["/a"]).is_err(), "{id}");
        }
    }
}
