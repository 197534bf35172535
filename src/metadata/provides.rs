//! Who provides each name and owns each path, and who obsoletes each name: found once, when the tables are made, so that a
//! solver need not look at every package.

use super::raw::{get, put};
use super::strings::{Id, MOST_STRINGS};
use super::table::{Kind, Metadata, PackageId, Tables};
use super::view::View;
use crate::package::Sense;

/// One provide of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provide {
    /// The package.
    pub package: PackageId,
    /// Which way the range opens; a path has none.
    pub sense: Sense,
    /// `[epoch:]version[-release]` where there is a sense, else empty.
    pub evr: Id,
}

/// For each string, where its provides begin, and one more for the end; the provides, by package; and pairs of a name
/// and a package that obsoletes it, sorted.
pub(super) fn index(tables: Tables<'_>) -> [Vec<u8>; 3] {
    let strings = tables.strings.len();
    let mut counts = vec![0_u32; strings + 1];
    each(tables, |name, _| counts[name.index() + 1] += 1);
    for at in 1..counts.len() {
        counts[at] += counts[at - 1];
    }
    let total = counts[strings] as usize;
    let mut starts = Vec::with_capacity(counts.len() * 4);
    for start in &counts {
        put(&mut starts, *start);
    }
    let mut provides = vec![0; total * 8];
    each(tables, |name, provide| {
        let next = &mut counts[name.index()];
        let row = &mut provides[*next as usize * 8..][..8];
        row[..4].copy_from_slice(&provide.package.0.to_le_bytes());
        row[4..].copy_from_slice(&(provide.evr.0 | (provide.sense.bits() >> 1) << 28).to_le_bytes());
        *next += 1;
    });
    [starts, provides, obsoletes(tables)]
}

/// Every provide, in the order of the packages. A package provides its own name in its own version.
fn each(tables: Tables<'_>, mut take: impl FnMut(Id, Provide)) {
    for entry in View::of(tables).packages() {
        let (package, own) = (entry.id(), (entry.name(), entry.evr(), Sense::EQUAL));
        take(own.0, Provide { package, sense: own.2, evr: own.1 });
        for dep in entry.dependencies(Kind::Provides).filter(|dep| (dep.name, dep.evr, dep.sense) != own) {
            take(dep.name, Provide { package, sense: dep.sense, evr: dep.evr });
        }
        for path in entry.files() {
            take(path, Provide { package, sense: Sense::ANY, evr: Id::EMPTY });
        }
    }
}

fn obsoletes(tables: Tables<'_>) -> Vec<u8> {
    let mut pairs: Vec<[u32; 2]> = Vec::new();
    for entry in View::of(tables).packages() {
        pairs.extend(entry.dependencies(Kind::Obsoletes).map(|dep| [dep.name.0, entry.id().0]));
    }
    pairs.sort_unstable();
    pairs.dedup();
    let mut section = Vec::with_capacity(pairs.len() * 8);
    for word in pairs.as_flattened() {
        put(&mut section, *word);
    }
    section
}

/// Whether any number of the index leads outside.
pub(super) fn leads_outside(tables: &Tables<'_>) -> bool {
    use super::raw::words;
    let (strings, packages) = (tables.strings.len() as u32, View::of(*tables).len() as u32);
    let Tables { starts, provides, obsoletes, .. } = tables;
    let rows = (provides.len() / 8) as u32;
    starts.len() != (strings as usize + 1) * 4
        || provides.len() % 8 != 0
        || obsoletes.len() % 8 != 0
        || !words(starts).is_sorted()
        || words(starts).last() != Some(rows)
        || words(provides).step_by(2).any(|package| package >= packages)
        || words(provides).skip(1).step_by(2).any(|evr| evr & MOST_STRINGS >= strings)
        || words(obsoletes).step_by(2).any(|name| name >= strings)
        || words(obsoletes).skip(1).step_by(2).any(|package| package >= packages)
}

impl<'a> View<'a> {
    /// Who provides a name or owns a path that primary lists, by package.
    pub fn provides(&self, name: Id) -> impl ExactSizeIterator<Item = Provide> + Clone + use<'a> {
        let Tables { starts, provides, .. } = self.tables;
        let (start, end) = (get(starts, name.index()) as usize, get(starts, name.index() + 1) as usize);
        (start..end.max(start)).map(move |row| {
            let word = get(provides, row * 2 + 1);
            let sense = Sense::from_bits((word >> 28) << 1);
            Provide { package: PackageId(get(provides, row * 2)), sense, evr: Id(word & MOST_STRINGS) }
        })
    }

    /// The packages with an obsoletes of a name.
    pub fn obsoleting(&self, name: Id) -> impl Iterator<Item = PackageId> + use<'a> {
        let pairs = self.tables.obsoletes.as_chunks::<8>().0;
        let start = pairs.partition_point(|pair| get(pair, 0) < name.0);
        pairs[start..]
            .iter()
            .take_while(move |pair| get(*pair, 0) == name.0)
            .map(|pair| PackageId(get(pair, 1)))
    }
}

impl Metadata {
    pub(super) fn finished(repo: &str, sections: [Vec<u8>; 7]) -> Self {
        use super::blob::Blob;
        use super::strings::Strings;
        let [text, ends, slots, packages, dependencies, files, digests] = sections;
        let strings = Strings { text: &text, ends: &ends, slots: &slots };
        let tables = Tables {
            strings,
            packages: &packages,
            dependencies: &dependencies,
            files: &files,
            digests: &digests,
            starts: &[],
            provides: &[],
            obsoletes: &[],
        };
        let [starts, provides, obsoletes] = index(tables);
        let sections =
            [text, ends, slots, packages, dependencies, files, digests, starts, provides, obsoletes];
        Self { repo: repo.to_owned(), blob: Blob::assemble(sections) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_provides_and_to_what_obsoletes_it() {
        let package = |name: &str, format: &str| {
            let digest = crate::unit::Digest::sha256(name.as_bytes()).hex();
            format!(
                "<package type=\"rpm\"><name>{name}</name><arch>noarch</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/>\
                 <checksum type=\"sha256\">{digest}</checksum><location href=\"{name}.rpm\"/><format>{format}</format></package>"
            )
        };
        let own = "<rpm:provides><rpm:entry name=\"zsh\" flags=\"EQ\" epoch=\"0\" ver=\"1\" rel=\"1\"/>\
                   <rpm:entry name=\"shell\" flags=\"GE\" ver=\"2\"/></rpm:provides><file>/bin/sh</file>";
        let old = "<rpm:provides><rpm:entry name=\"shell\"/></rpm:provides>\
                   <rpm:obsoletes><rpm:entry name=\"zsh\" flags=\"LT\" ver=\"1\"/><rpm:entry name=\"zsh\"/></rpm:obsoletes>";
        let primary = format!("<metadata>{}{}</metadata>", package("zsh", own), package("bash", old));
        let made = Metadata::parse("clay", primary.as_bytes()).unwrap();
        let loaded = Metadata::from_bytes("clay", made.as_bytes().to_vec()).unwrap();
        for metadata in [made, loaded] {
            let view = metadata.view();
            let of = |name: &str| {
                let provides = view.provides(metadata.find(name).unwrap());
                let text = |it: Provide| {
                    let package = view.package(it.package).nevra().name;
                    format!("{package} {}{}", it.sense.symbol(), metadata.text(it.evr))
                };
                provides.map(text).collect::<Vec<_>>()
            };
            assert_eq!(of("zsh"), ["zsh =1-1"]);
            assert_eq!(of("shell"), ["bash ", "zsh >=2"]);
            assert_eq!(of("/bin/sh"), ["zsh "]);
            assert_eq!(of("noarch"), [""; 0]);
            let zsh = metadata.find("zsh").unwrap();
            let names = |ids: Vec<PackageId>| {
                ids.into_iter().map(|id| view.package(id).nevra().name).collect::<Vec<_>>()
            };
            assert_eq!(names(view.obsoleting(zsh).collect()), ["bash"]);
            assert_eq!(names(view.obsoleting(metadata.find("bash").unwrap()).collect()), [""; 0]);
        }
    }
}
