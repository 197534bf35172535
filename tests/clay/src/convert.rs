//! A Debian package becomes a recipe.
//!
//! What Debian does in maintainer scripts is not run: `tables` says what is needed of it. Relations keep their meaning as far as
//! RPM can say it. Versioned conflicts cannot be kept, since an unversioned provide matches them in RPM and does not in Debian.

use std::collections::{BTreeMap, BTreeSet};

use rpm::{Dependency, DependencyFlags, FileFlags};

use crate::control::{Clause, Relation, Stanza, Version};
use crate::deb::{Deb, Entry, Kind};
use crate::error::Error;
use crate::generated;
use crate::own;
use crate::recipe::{Content, File, Payload, Recipe, Relates};
use crate::tables;

/// Converts an unpacked package.
pub fn convert(deb: Deb) -> Result<Recipe, Error> {
    let control = Stanza::new(&deb.control);
    let name = control.required("Package")?.to_owned();
    let version = Version::parse(control.required("Version")?)?.of_package();
    let (summary, description) = describe(control.field("Description").unwrap_or(&name));
    let source =
        control.field("Source").and_then(|source| source.split(' ').next()).unwrap_or(&name).to_owned();
    let mut recipe = Recipe {
        arch: if control.required("Architecture")? == "all" { "noarch" } else { "x86_64" },
        payload: tables::payload(&name),
        summary,
        description,
        url: control.field("Homepage").map(str::to_owned),
        source,
        date: deb.entries.iter().map(|entry| entry.mtime).max().unwrap_or(own::DATE),
        files: BTreeMap::new(),
        relations: relations(control, &version)?,
        scripts: Vec::new(),
        triggers: Vec::new(),
        name,
        version,
    };
    recipe.relations.extend(unmerged_names(&deb.entries));
    recipe.files = files(deb, &recipe.name);
    tables::adjust(&mut recipe);
    generated::add(&mut recipe);
    order_after_filesystem(&mut recipe);
    tidy(&mut recipe.relations);
    Ok(recipe)
}

fn describe(text: &str) -> (String, String) {
    let (summary, rest) = text.split_once('\n').unwrap_or((text, ""));
    let lines: Vec<&str> =
        rest.lines().map(str::trim).map(|line| if line == "." { "" } else { line }).collect();
    let description = if rest.is_empty() { summary.to_owned() } else { lines.join("\n") };
    (summary.to_owned(), description)
}

fn relations(control: Stanza<'_>, version: &Version) -> Result<Vec<(Relates, Dependency)>, Error> {
    let mut found = Vec::new();
    let needs = [
        ("Pre-Depends", Relates::Requires, DependencyFlags::SCRIPT_PRE),
        ("Depends", Relates::Requires, DependencyFlags::empty()),
        ("Recommends", Relates::Recommends, DependencyFlags::empty()),
    ];
    for (field, kind, flags) in needs {
        let clauses = control
            .relations(field)?
            .into_iter()
            .filter(|clause| !clause.iter().any(|r| tables::is_dropped(&r.name)));
        found.extend(clauses.map(|clause| (kind, need(&clause, flags))));
    }
    let name = control.required("Package")?;
    for clause in control.relations("Provides")? {
        found.push((Relates::Provides, provide(&clause[0])));
    }
    for alias in tables::aliases(name) {
        found.push((Relates::Provides, Dependency::eq(*alias, version.to_string())));
    }
    for clause in control.relations("Conflicts")? {
        if clause.iter().all(|relation| relation.bound.is_none() && relation.name != name) {
            found.push((Relates::Conflicts, Dependency::any(&clause[0].name)));
        }
    }
    Ok(found)
}

/// A clause as a requirement: a plain one, or a rich one for alternatives.
fn need(clause: &Clause, flags: DependencyFlags) -> Dependency {
    match clause.as_slice() {
        [Relation { name, bound: Some((comparison, version)) }] => {
            Dependency { name: name.clone(), flags: flags | comparison.flags(), version: version.to_string() }
        }
        [Relation { name, bound: None }] => Dependency { name: name.clone(), flags, version: String::new() },
        alternatives => {
            let shown: Vec<String> = alternatives.iter().map(shown).collect();
            Dependency { name: format!("({})", shown.join(" or ")), flags, version: String::new() }
        }
    }
}

fn shown(relation: &Relation) -> String {
    match &relation.bound {
        Some((comparison, version)) => format!("{} {} {version}", relation.name, comparison.rpm()),
        None => relation.name.clone(),
    }
}

fn provide(relation: &Relation) -> Dependency {
    match &relation.bound {
        Some((_, version)) => Dependency::eq(&relation.name, version.to_string()),
        None => Dependency::any(&relation.name),
    }
}

/// Programs that were in /bin or /sbin are still asked for by that name.
fn unmerged_names(entries: &[Entry]) -> impl Iterator<Item = (Relates, Dependency)> {
    entries
        .iter()
        .filter(|entry| entry.kind != Kind::Directory)
        .filter_map(|entry| entry.before_merge.as_deref())
        .filter(|path| path.starts_with("/bin/") || path.starts_with("/sbin/"))
        .map(|path| (Relates::Provides, Dependency::any(path)))
}

fn files(deb: Deb, package: &str) -> BTreeMap<String, File> {
    let conffiles: BTreeSet<String> = deb.conffiles.into_iter().collect();
    let linked: BTreeSet<String> = deb
        .entries
        .iter()
        .filter_map(
            |entry| if let Kind::Hardlink(target) = &entry.kind { Some(target.clone()) } else { None },
        )
        .collect();
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    for entry in deb.entries {
        let shared = entry.kind == Kind::Directory && own::owns_directory(&entry.path);
        if shared || !tables::is_kept(&entry.path, package) {
            continue;
        }
        let identity = linked.contains(&entry.path).then(|| entry.path.clone());
        let mut file = match entry.kind {
            Kind::Hardlink(target) => match files.get(&target) {
                Some(first) => first.clone(),
                None => continue,
            },
            Kind::Directory => File::new(Content::Directory, entry.mode, entry.mtime),
            Kind::File(bytes) => {
                File { hardlink: identity, ..File::new(Content::Bytes(bytes), entry.mode, entry.mtime) }
            }
            // A merged /usr may make a compatibility link out of the very file it points to.
            Kind::Symlink(_) if files.contains_key(&entry.path) => continue,
            Kind::Symlink(target) => File::new(Content::Symlink(target), 0o777, entry.mtime),
        };
        (file.user, file.group) = (entry.user, entry.group);
        file.flags |= tables::file_flags(&entry.path);
        file.language = tables::language(&entry.path).map(str::to_owned);
        if conffiles.contains(&entry.path) {
            file.flags |= FileFlags::CONFIG | FileFlags::NOREPLACE;
        }
        files.insert(entry.path, file);
    }
    files
}

/// The directory links (/bin, /lib64) must be there before anything else.
fn order_after_filesystem(recipe: &mut Recipe) {
    let needs_something = recipe.relations.iter().any(|(kind, _)| *kind == Relates::Requires);
    if recipe.name == "libc6" || !needs_something {
        recipe.require_for(DependencyFlags::SCRIPT_PRE, "filesystem");
    }
}

fn tidy(relations: &mut Vec<(Relates, Dependency)>) {
    let mut seen = BTreeSet::new();
    relations.retain(|(kind, d)| seen.insert((*kind, d.name.clone(), d.flags.bits(), d.version.clone())));
}

/// The payload that is meant when nothing is said.
pub(crate) const USUAL: Payload = Payload::Zstd;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_relations_become_rpm_relations() {
        let control = "Package: x\nVersion: 1:2-3\nArchitecture: amd64\nPre-Depends: libc6 (>= 2.34)\n\
            Depends: a | b (<< 2~), debconf (>= 0.5) | debconf-2.0, perl:any\nProvides: v, w (= 4)\n\
            Conflicts: old (<< 1), rival, x\nBreaks: z\nDescription: a thing\n that is\n .\n long\n";
        let recipe =
            convert(Deb { control: control.into(), conffiles: Vec::new(), entries: Vec::new() }).unwrap();
        let shown: Vec<String> =
            recipe.relations.iter().map(|(kind, d)| format!("{kind:?} {d} {:?}", d.flags)).collect();
        insta_free_compare(
            &shown,
            &[
                "Requires libc6 >= 2.34",
                "Requires (a or b < 2~)",
                "Requires perl",
                "Provides v",
                "Provides w = 4",
                "Conflicts rival",
            ],
        );
        assert!(recipe.relations[0].1.flags.contains(DependencyFlags::SCRIPT_PRE));
        assert_eq!(recipe.file_name(), "x-2-3.x86_64.rpm");
        assert_eq!((recipe.summary.as_str(), recipe.description.as_str()), ("a thing", "that is\n\nlong"));
    }

    fn insta_free_compare(shown: &[String], expected: &[&str]) {
        assert_eq!(shown.len(), expected.len(), "{shown:#?}");
        for (found, expected) in shown.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} is not {expected}");
        }
    }

    #[test]
    fn files_keep_owner_mode_links_and_their_role() {
        let entry = |path: &str, kind: Kind, before: Option<&str>| Entry {
            path: path.into(),
            before_merge: before.map(str::to_owned),
            kind,
            mode: 0o4755,
            user: "root".into(),
            group: "shadow".into(),
            mtime: 9,
        };
        let deb = Deb {
            control: "Package: x\nVersion: 1\nArchitecture: all\n".into(),
            conffiles: vec!["/etc/x.conf".into()],
            entries: vec![
                entry("/usr/bin/x", Kind::File(b"#!".to_vec()), Some("/bin/x")),
                entry("/usr/bin/y", Kind::Hardlink("/usr/bin/x".into()), None),
                entry("/etc/x.conf", Kind::File(b"1".to_vec()), None),
                entry("/usr/share/doc/x/README", Kind::File(b"1".to_vec()), None),
                entry("/usr/share/man/man1/x.1.gz", Kind::File(b"1".to_vec()), None),
                entry("/usr/share/locale/de/LC_MESSAGES/x.mo", Kind::File(b"1".to_vec()), None),
            ],
        };
        let recipe = convert(deb).unwrap();
        let file = |path: &str| &recipe.files[path];
        assert_eq!((file("/usr/bin/x").mode, file("/usr/bin/x").group.as_str()), (0o4755, "shadow"));
        assert_eq!(file("/usr/bin/x").hardlink, file("/usr/bin/y").hardlink);
        assert_eq!(file("/etc/x.conf").flags, FileFlags::CONFIG | FileFlags::NOREPLACE);
        assert_eq!(file("/usr/share/man/man1/x.1.gz").flags, FileFlags::DOC);
        assert_eq!(file("/usr/share/locale/de/LC_MESSAGES/x.mo").language.as_deref(), Some("de"));
        assert!(!recipe.files.contains_key("/usr/share/doc/x/README"));
        assert!(recipe.relations.iter().any(|(kind, d)| *kind == Relates::Provides && d.name == "/bin/x"));
        assert!(recipe.relations.iter().any(|(_, d)| d.name == "filesystem"));
        assert_eq!((recipe.date, recipe.file_name().as_str()), (9, "x-1-0.noarch.rpm"));
    }
}
