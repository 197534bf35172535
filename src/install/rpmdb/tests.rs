//! The database against the one that the host's rpm writes from the same packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::rpmdb::index::TABLES;
use crate::install::rpmdb::{Generation, InstalledPackage, headers, sqlite, stream, write};
use crate::package::file::PackageFile;
use crate::package::header::{Header, Origin};
use crate::package::tag::Tag;
use crate::unit::HostPath;

/// Packages that the host's rpmbuild made.
struct Bench {
    directory: tempfile::TempDir,
    packages: Vec<PathBuf>,
}

fn run(program: &str, arguments: &[&str], directory: &Path) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", directory).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    text
}

impl Bench {
    fn new() -> Option<Self> {
        if !Path::new("/usr/bin/rpmbuild").exists() {
            println!("skipped: the host has no rpmbuild to compare with");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        std::fs::write(at.join("demo.spec"), include_str!("demo.spec")).unwrap();
        let top = format!("_topdir {}", at.display());
        run("rpmbuild", &["-bb", "--quiet", "--nodeps", "--define", &top, "demo.spec"], at);
        let list = std::fs::read_dir(at.join("RPMS/noarch")).unwrap();
        let mut packages: Vec<_> = list.map(|entry| entry.unwrap().path()).collect();
        packages.sort();
        assert_eq!(packages.len(), 3);
        Some(Self { directory, packages })
    }

    fn path(&self, name: &str) -> HostPath {
        HostPath::new(self.directory.path().join(name))
    }

    fn rpm(&self, database: &str, arguments: &[&str]) -> String {
        let database = self.path(database).to_string();
        run("rpm", &[&["--dbpath", &database], arguments].concat(), self.directory.path())
    }

    /// Installs packages with rpm into a database, without files.
    fn install(&self, database: &str, packages: &[PathBuf]) {
        let files: Vec<_> = packages.iter().map(|path| path.to_str().unwrap()).collect();
        self.rpm(
            database,
            &[&["-i", "--justdb", "--nodeps", "--noscripts", "--notriggers"], &files[..]].concat(),
        );
    }

    fn content(&self, database: &str) -> Vec<u8> {
        std::fs::read(self.path(database).join("rpmdb.sqlite")).unwrap()
    }

    /// What we have to be told to write the header that rpm wrote: the package, and the times in it.
    fn with_package<T>(&self, theirs: &[u8], use_it: impl FnOnce(InstalledPackage<'_>) -> T) -> T {
        let installed = Header::parse(theirs, Origin::Installed).unwrap();
        let name = installed.nevra().unwrap();
        let find =
            |path: &&PathBuf| path.to_str().unwrap().ends_with(&format!("/{}-1.5-3.noarch.rpm", name.name));
        let bytes = std::fs::read(self.packages.iter().find(find).unwrap()).unwrap();
        let file = PackageFile::parse(&bytes).unwrap();
        let number = |tag| installed.u32(tag).unwrap().unwrap();
        use_it(InstalledPackage {
            header: &bytes[file.header_range.clone()],
            signature: &bytes[file.signature_range.clone()],
            states: &vec![0; file.header.files().unwrap().len()],
            tid: number(Tag::INSTALLTID),
            time: number(Tag::INSTALLTIME),
            color: number(Tag::INSTALLCOLOR),
            generation: Generation::Four,
            digests: &[],
        })
    }

    /// A database of ours with what rpm's has.
    fn ours(&self, theirs: &[u8], existing: Option<&[u8]>, skip: usize) -> Vec<u8> {
        let mut content = existing.map(<[u8]>::to_vec);
        for header in headers(theirs).unwrap().into_iter().skip(skip) {
            let next = self.with_package(&header, |package| sqlite(content.as_deref(), &[package]).unwrap());
            content = Some(next);
        }
        content.unwrap()
    }
}

type Rows = Vec<(rusqlite::types::Value, i64, i64)>;

fn rows(database: &[u8], table: &str) -> Rows {
    let mut bytes = database.to_vec();
    bytes[18..20].fill(1);
    let mut connection = rusqlite::Connection::open_in_memory().unwrap();
    let size = bytes.len();
    connection.deserialize_read_exact("main", &bytes[..], size, false).unwrap();
    let text = format!("SELECT key, hnum, idx FROM '{table}' ORDER BY rowid");
    let mut statement = connection.prepare(&text).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn assert_same(ours: &[u8], theirs: &[u8]) {
    assert_eq!(headers(ours).unwrap(), headers(theirs).unwrap());
    for table in TABLES {
        assert_eq!(rows(ours, table.name), rows(theirs, table.name), "{}", table.name);
    }
}

#[test]
fn every_header_and_every_table_equal_those_of_rpm() {
    let Some(bench) = Bench::new() else { return };
    bench.install("theirs", &bench.packages[..2]);
    let theirs = bench.content("theirs");
    let ours = bench.ours(&theirs, None, 0);
    assert_same(&ours, &theirs);
    bench.install("theirs", &bench.packages[2..]);
    let theirs = bench.content("theirs");
    let ours = bench.ours(&theirs, Some(&ours), 2);
    assert_same(&ours, &theirs);
}

#[test]
fn rpm_reads_checks_and_changes_our_database() {
    let Some(bench) = Bench::new() else { return };
    bench.install("theirs", &bench.packages);
    std::fs::create_dir(bench.path("ours")).unwrap();
    let content = bench.ours(&bench.content("theirs"), None, 0);
    std::fs::write(bench.path("ours/rpmdb.sqlite"), content).unwrap();
    assert_eq!(bench.rpm("ours", &["-qa", "--qf", "%{nevra}\n"]).lines().count(), 3);
    assert_eq!(bench.rpm("ours", &["-q", "--whatprovides", "virtual(x)"]).trim(), "demo-1.5-3.noarch");
    assert_eq!(bench.rpm("ours", &["-qf", "/usr/bin/demo"]).trim(), "demo-1.5-3.noarch");
    assert_eq!(bench.rpm("ours", &["-q", "--whatrequires", "toybox"]).trim(), "demo-1.5-3.noarch");
    assert_eq!(bench.rpm("ours", &["--verifydb"]), "");
    bench.rpm("ours", &["-e", "--justdb", "--nodeps", "--noscripts", "--notriggers", "demo-group"]);
    bench.install("ours", &bench.packages[1..2]);
    let list = |name| bench.rpm(name, &["-qa", "--qf", "%{nevra} %{sha256header}\n"]);
    let sorted = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(list("ours")), sorted(list("theirs")));
}

#[test]
fn a_stream_of_headers_is_what_rpm_imports() {
    let Some(bench) = Bench::new() else { return };
    bench.install("theirs", &bench.packages);
    let theirs = headers(&bench.content("theirs")).unwrap();
    let mut content = Vec::new();
    for header in &theirs {
        content.extend(bench.with_package(header, |package| stream(&[package]).unwrap()));
    }
    std::fs::write(bench.path("stream"), &content).unwrap();
    let database = bench.path("imported").to_string();
    let command =
        format!("rpmdb --dbpath {database} --initdb && rpmdb --dbpath {database} --importdb < stream");
    run("sh", &["-c", &command], bench.directory.path());
    assert_eq!(headers(&bench.content("imported")).unwrap(), theirs);
}

#[test]
fn the_same_packages_give_the_same_bytes_and_rubbish_is_refused() {
    let mut bytes = Vec::new();
    let options = rpm::FileOptions::new("/demo");
    let mut builder = rpm::PackageBuilder::new("demo", "1", "MIT", "noarch", "A package with one file");
    let package = builder.with_file_contents("x", options).unwrap().build().unwrap();
    package.write(&mut bytes).unwrap();
    let file = PackageFile::parse(&bytes).unwrap();
    let package = InstalledPackage {
        header: &bytes[file.header_range.clone()],
        signature: &bytes[file.signature_range.clone()],
        states: &[0],
        tid: 1,
        time: 1,
        color: 3,
        generation: Generation::Six,
        digests: &[(8, "ab".to_owned())],
    };
    let directory = tempfile::tempdir().unwrap();
    let [first, second] = ["a", "b"].map(|name| HostPath::new(directory.path().join(name)));
    write(&first, None, &[package, package]).unwrap();
    write(&second, None, &[package, package]).unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    write(&second, Some(&first), &[package]).unwrap();
    let stored = headers(&std::fs::read(&second).unwrap()).unwrap();
    let header = Header::parse(&stored[2], Origin::Installed).unwrap();
    assert_eq!((stored.len(), header.strings(Tag::PACKAGEDIGESTS).unwrap()), (3, vec!["ab"]));
    let rubbish = HostPath::new(directory.path().join("rubbish"));
    for content in [&b"SQLite format 3\0 and then nothing"[..], &[7; 5000]] {
        std::fs::write(&rubbish, content).unwrap();
        assert!(write(&second, Some(&rubbish), &[package]).is_err());
    }
}
