//! The host's rpm as the oracle: installs into a root, and reads databases.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln::package::header::{Header, Origin};

use crate::support::available;

/// Where both keep the database, whatever the host's own macros say.
pub(crate) const DATABASE: &str = "var/lib/rpm";

/// Whether rpm can be asked; says so where it cannot.
pub(crate) fn can_install() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|stat| stat.uid() == 0);
    if !root {
        println!("skipped: only root can install with rpm");
    }
    root && available("rpm")
}

/// rpm, with nothing of its caller's environment.
pub(crate) fn rpm(root: &Path) -> Command {
    let mut command = Command::new("rpm");
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
    command.arg("--root").arg(root).args(["--dbpath", &format!("/{DATABASE}")]);
    command
}

/// Installs; what rpm said, where it refused or where something failed.
pub(crate) fn install(root: &Path, packages: &[PathBuf], more: &[&str]) -> Result<(), String> {
    let mut command = rpm(root);
    command.args(["-i", "--nodeps", "--noverify", "--define", "_pkgverify_level none"]);
    let output = command.args(more).args(packages).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(told) }
}

/// Tags that say when it happened.
const TIMES: [u32; 2] = [1008, 1128];

/// The entries of a header: number and bytes.
type Tags = Vec<(u32, Vec<u8>)>;

/// A database: every header in its order, tag by tag, and every row of every index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Database {
    headers: Vec<(String, Tags)>,
    indexes: BTreeMap<String, Vec<String>>,
}

/// Reads the database of a directory, without changing anything there.
pub(crate) fn database(directory: &Path) -> Database {
    let copy = tempfile::tempdir().unwrap();
    for name in ["rpmdb.sqlite", "rpmdb.sqlite-wal"] {
        if directory.join(name).exists() {
            std::fs::copy(directory.join(name), copy.path().join(name)).unwrap();
        }
    }
    let connection = rusqlite::Connection::open(copy.path().join("rpmdb.sqlite")).unwrap();
    let mut indexes = BTreeMap::new();
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    for name in names.collect::<Vec<_>>() {
        if ["Packages", "Installtid"].contains(&name.as_str()) || name.starts_with("sqlite_") {
            continue;
        }
        let text = format!("SELECT quote(key) || ' ' || hnum || ' ' || idx FROM '{name}' ORDER BY 1");
        let mut rows = connection.prepare(&text).unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        indexes.insert(name, rows);
    }
    let mut blobs = connection.prepare("SELECT blob FROM Packages ORDER BY hnum").unwrap();
    let blobs = blobs.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap().map(Result::unwrap);
    Database { headers: blobs.map(|blob| tags(&blob)).collect(), indexes }
}

fn tags(blob: &[u8]) -> (String, Tags) {
    let header = Header::parse(blob, Origin::Installed).unwrap();
    let entries = header.entries().iter().filter(|entry| !TIMES.contains(&entry.tag.0));
    let entries = entries.map(|entry| (entry.tag.0, header.raw(entry).to_vec())).collect();
    (header.nevra().unwrap().to_string(), entries)
}

impl Database {
    /// The same without the order in which packages were installed.
    pub(crate) fn unordered(mut self) -> Self {
        self.headers.sort();
        let unnumbered = |row: &String| row.rsplitn(3, ' ').collect::<Vec<_>>().swap_remove(2).to_owned();
        for rows in self.indexes.values_mut() {
            *rows = rows.iter().map(unnumbered).collect();
            rows.sort();
        }
        self
    }

    /// Where two databases differ.
    pub(crate) fn differences(&self, theirs: &Self) -> Vec<String> {
        let order = |database: &Self| {
            database.headers.iter().map(|header| header.0.clone()).collect::<Vec<_>>().join(" ")
        };
        if order(self) != order(theirs) {
            return vec![format!(
                "packages in the database:\n  kiln {}\n  rpm  {}",
                order(self),
                order(theirs)
            )];
        }
        let mut lines = Vec::new();
        for (ours, theirs) in self.headers.iter().zip(&theirs.headers) {
            let tags = |header: &[(u32, Vec<u8>)]| header.iter().cloned().collect::<BTreeMap<_, _>>();
            let (ours, theirs, name) = (tags(&ours.1), tags(&theirs.1), &ours.0);
            for tag in ours.keys().chain(theirs.keys()).collect::<std::collections::BTreeSet<_>>() {
                let (ours, theirs) = (ours.get(tag), theirs.get(tag));
                if ours != theirs {
                    lines.push(format!("{name}: tag {tag}:\n  kiln {ours:?}\n  rpm  {theirs:?}"));
                }
            }
        }
        for table in
            self.indexes.keys().chain(theirs.indexes.keys()).collect::<std::collections::BTreeSet<_>>()
        {
            let (ours, theirs) = (self.indexes.get(table), theirs.indexes.get(table));
            if ours != theirs {
                lines.push(format!("table {table}:\n  kiln {ours:?}\n  rpm  {theirs:?}"));
            }
        }
        lines
    }
}
