//! Whole roots of Clay: what kiln installs beside what dnf and the target's own rpm install from the same packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use clay::make::{Freshness, Made, Options, Set};
use kiln::install::Failures;
use kiln::plan::LayerId;
use kiln::store::Layer;

use crate::merged;
use crate::oracle::{self, DATABASE};
use crate::support::{available, now};
use crate::transaction::{Bench, EPOCH};
use crate::tree::{self, Times, Tree};

/// What real sources ask for, as dnf is told it.
const REQUIREMENTS: [&[&str]; 12] = [
    &["libssl-dev", "zlib1g-dev"],
    &["autoconf", "automake", "libtool", "gettext"],
    &["libncurses-dev", "bison", "flex"],
    &["python3-dev", "python3-pytest"],
    &["tcl-dev", "libsqlite3-dev"],
    &["libcurl4-openssl-dev", "libpcre2-dev"],
    &["libonig-dev", "texinfo"],
    &["ruby", "libgdbm-dev"],
    &["libglib2.0-dev", "intltool"],
    &["libxslt1-dev", "docbook-xml"],
    &["libarchive-dev", "liblua5.4-dev"],
    &["man-db", "git", "rsync"],
];

const BUILD_ROOT: &[&str] = &["@buildsys-build"];

/// What is the tools' own, or says when and where it was made.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("/var/lib/dnf", "dnf's own notes"),
    ("/var/cache/dnf", "dnf's own notes"),
    ("/var/log", "logs of dnf, and of scriptlets with their times"),
    ("/var/cache/ldconfig", "ldconfig's memory of inodes; kiln leaves it out"),
    ("/etc/dnf", "dnf's own"),
    ("/dev/null", "a scriptlet under rpm writes to a file of that name: its root has no devices"),
    ("/target", "the bootstrap root's own workplace"),
];

fn clay() -> Made {
    let output = clay::release::default_directory();
    let options = Options { output, debs: None, set: Set::All, freshness: Freshness::WhenNeeded };
    clay::make::make(&options, &|text| println!("clay: {text}")).unwrap()
}

/// The oracle's root, kiln's layers, and what is in both.
struct Pair {
    directory: tempfile::TempDir,
    /// Package files by what `rpm -qa` calls them.
    files: BTreeMap<String, PathBuf>,
    repository: PathBuf,
    bench: Bench,
    layers: Vec<Layer>,
    installed: BTreeSet<String>,
    began: i64,
}

const NEVRA: &str = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n";

impl Pair {
    fn new() -> Self {
        let repository = clay().directory.join("repo");
        let mut files = BTreeMap::new();
        let packages = std::fs::read_dir(repository.join("Packages")).unwrap();
        let paths = packages.map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
        let output = Command::new("rpm").args(["-qp", "--qf", NEVRA]).args(&paths).output().unwrap();
        let names = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(names.lines().count(), paths.len());
        files.extend(names.lines().map(str::to_owned).zip(paths));
        let directory = tempfile::tempdir().unwrap();
        for name in ["root", "home", "work"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        // The host's rpm may keep its database elsewhere.
        std::fs::write(directory.path().join("home/.rpmmacros"), format!("%_dbpath /{DATABASE}\n")).unwrap();
        let mut bench = Bench::new();
        bench.failures = Failures::AsRpm;
        let (layers, installed) = (Vec::new(), BTreeSet::new());
        Self { directory, files, repository, bench, layers, installed, began: now() }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        command.env("HOME", self.directory.path().join("home"));
        command
    }

    /// Lets dnf install into a root.
    fn dnf(&self, root: &Path, wanted: &[&str]) {
        let mut command = self.tool("dnf");
        command.args(["-y", "-q", "--releasever=1", "--disablerepo=*", "--enablerepo=clay"]);
        command.arg(format!("--repofrompath=clay,file://{}", self.repository.display()));
        command.args(["--nogpgcheck", "--setopt=install_weak_deps=0", "--setopt=reposdir=/dev/null"]);
        command.args(["--setopt=plugins=0", "--setopt=keepcache=0"]);
        for (option, name) in [("cachedir", "cache"), ("logdir", "log"), ("persistdir", "persist")] {
            let path = self.directory.path().join("work").join(name);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::create_dir_all(root.join(path.strip_prefix("/").unwrap())).unwrap();
            command.arg(format!("--setopt={option}={}", path.display()));
        }
        let output = command.arg("--installroot").arg(root).arg("install").args(wanted).output().unwrap();
        for left in std::fs::read_dir(root.join("tmp")).unwrap() {
            std::fs::remove_dir_all(left.unwrap().path()).unwrap();
        }
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dnf install {wanted:?}: {told}");
    }

    /// The packages that the oracle's root has and kiln's has not.
    fn news(&mut self) -> Vec<PathBuf> {
        let output = oracle::rpm(&self.root()).args(["-qa", "--qf", NEVRA]).output().unwrap();
        let all = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let new = all.difference(&self.installed).map(|name| self.files[name].clone()).collect();
        self.installed = all;
        new
    }

    /// Lets kiln follow: one layer more.
    fn follow(&mut self) {
        let files = self.news();
        assert!(!files.is_empty());
        let parents = self.layers.iter().map(|layer| layer.manifest.id.clone()).collect::<Vec<LayerId>>();
        let (layer, log) = self.bench.install(self.bench.unpack(&files), &parents);
        self.layers.insert(0, layer.unwrap_or_else(|error| panic!("{error}\n{log}")));
    }

    fn trees(&self) -> Vec<PathBuf> {
        self.layers.iter().map(|layer| layer.fs().as_path().to_owned()).collect()
    }

    fn shift(&self) -> u32 {
        self.bench.keeper.ids().uids[0].outside
    }

    /// What differs now: files, and the database without its order, which is the solver's.
    fn differences(&self) -> Vec<String> {
        let trees = self.trees();
        let paths = trees.iter().map(PathBuf::as_path).collect::<Vec<_>>();
        let compared = |mut tree: Tree| {
            tree.retain(|path, _| !NOT_COMPARED.iter().any(|(beginning, _)| path.starts_with(beginning)));
            tree
        };
        let ours = compared(tree::read(&paths, self.shift()));
        let theirs = compared(tree::read(&[&self.root()], 0));
        assert!(ours.len() > 1000);
        let mut lines = tree::differences(&ours, &theirs, Times { began: self.began, epoch: EPOCH });
        let database = oracle::database(&trees[0].join(DATABASE)).unordered();
        lines.extend(database.differences(&oracle::database(&self.root().join(DATABASE)).unordered()));
        lines
    }

    fn check(&self, what: &str, found: &mut Vec<String>) {
        let lines = self.differences();
        println!("counted: root: {what}: {} packages, {} differences", self.installed.len(), lines.len());
        found.extend(lines.into_iter().map(|line| format!("{what}: {line}")));
    }
}

fn can_compare() -> bool {
    oracle::can_install() && available("dnf")
}

fn report(found: &[String]) {
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found[..found.len().min(60)].join("\n"));
}

#[test]
#[ignore = "makes whole roots; `make conformance` runs it"]
fn roots_grown_in_several_transactions_are_dnfs() {
    if !can_compare() {
        return;
    }
    let mut pair = Pair::new();
    let mut found = Vec::new();
    pair.dnf(&pair.root(), BUILD_ROOT);
    pair.follow();
    pair.check("build root", &mut found);
    for wanted in REQUIREMENTS {
        pair.dnf(&pair.root(), wanted);
        pair.follow();
        pair.check(&format!("and {}", wanted.join(" ")), &mut found);
    }
    report(&found);
}

#[test]
#[ignore = "makes whole roots; `make conformance` runs it"]
fn roots_made_in_one_transaction_are_dnfs() {
    if !can_compare() {
        return;
    }
    let mut found = Vec::new();
    for wanted in REQUIREMENTS {
        let mut pair = Pair::new();
        pair.dnf(&pair.root(), &[BUILD_ROOT, wanted].concat());
        pair.follow();
        pair.check(&format!("build root with {}", wanted.join(" ")), &mut found);
    }
    report(&found);
}

#[test]
#[ignore = "makes whole roots; `make conformance` runs it"]
fn all_of_clay_is_installed_as_the_targets_own_rpm_installs_it() {
    if !can_compare() {
        return;
    }
    let mut pair = Pair::new();
    let (bootstrap, mut found) = (pair.directory.path().join("bootstrap"), Vec::new());
    std::fs::create_dir(&bootstrap).unwrap();
    pair.dnf(&bootstrap, &["@buildsys-build", "rpm"]);
    let everything = [BUILD_ROOT, &["--skip-broken", "*"]].concat();
    let sets = [("the build root", BUILD_ROOT), ("all of Clay", &everything)];
    for (at, (what, wanted)) in sets.into_iter().enumerate() {
        let names = pair.together(wanted);
        let place = bootstrap.join(format!("packages{at}"));
        std::fs::create_dir(&place).unwrap();
        for name in &names {
            std::fs::copy(&pair.files[name], place.join(format!("{name}.rpm"))).unwrap();
        }
        std::fs::create_dir_all(bootstrap.join("target")).unwrap();
        let script = format!("exec rpm --root /target -Uvh --nosignature /packages{at}/*.rpm");
        let output = pair.tool("chroot").arg(&bootstrap).args(["/bin/sh", "-c", &script]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        std::fs::remove_dir(pair.root()).unwrap();
        std::fs::rename(bootstrap.join("target"), pair.root()).unwrap();
        pair.follow();
        pair.check(&format!("{what} by its own rpm"), &mut found);
        std::fs::remove_dir_all(pair.root()).unwrap();
        std::fs::create_dir(pair.root()).unwrap();
        pair.layers.clear();
        pair.installed.clear();
    }
    report(&found);
}

impl Pair {
    /// The packages that dnf installs together.
    fn together(&self, wanted: &[&str]) -> Vec<String> {
        let root = self.directory.path().join("together");
        std::fs::create_dir(&root).unwrap();
        self.dnf(&root, wanted);
        let output = oracle::rpm(&root).args(["-qa", "--qf", NEVRA]).output().unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

/// What rpm says when it checks a root of kiln's, and what one may then do with the root.
#[test]
#[ignore = "makes a whole root; `make conformance` runs it"]
fn rpm_and_dnf_work_in_a_root_of_kilns() {
    if !can_compare() {
        return;
    }
    let mut pair = Pair::new();
    pair.dnf(&pair.root(), &["@buildsys-build", "clay-files"]);
    pair.follow();
    let root = pair.directory.path().join("merged");
    let trees = pair.trees();
    merged::copy(&trees.iter().map(PathBuf::as_path).collect::<Vec<_>>(), pair.shift(), &root);
    let rpm = |arguments: &[&str]| {
        let output = oracle::rpm(&root).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        (told, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let ours = rpm(&["-Va"]).0;
    let theirs = oracle::rpm(&pair.root()).arg("-Va").output().unwrap();
    let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let more = lines(&ours).difference(&lines(&theirs)).cloned().collect::<Vec<_>>();
    // The builder's account is all that kiln adds to a file of a package.
    assert!(
        more.iter().all(|line| ["passwd", "group", "shadow"].iter().any(|end| line.ends_with(end))),
        "{more:?}"
    );
    assert_eq!(rpm(&["-qa"]).0.lines().count(), pair.installed.len());
    assert!(rpm(&["-qf", "/usr/bin/bash"]).0.starts_with("bash-"));
    assert!(rpm(&["-q", "--whatprovides", "/usr/bin/bash"]).0.starts_with("bash-"));
    let (_, told) = rpm(&["-e", "clay-files"]);
    assert!(!told.contains("error"), "{told}");
    assert!(!root.join("usr/share/clay/t/one").exists());
    pair.dnf(&root, &["zip", "clay-files"]);
    assert!(root.join("usr/bin/zip").exists() && root.join("usr/share/clay/t/one").exists());
    assert_eq!(
        rpm(&["-qa"]).0.lines().count(),
        pair.installed.len() + usize::from(!pair.installed.iter().any(|name| name.starts_with("zip-")))
    );
    let file = pair.files.iter().find(|(name, _)| name.starts_with("zip-")).unwrap().1;
    let (_, told) = rpm(&["-U", "--replacepkgs", "--nosignature", file.to_str().unwrap()]);
    assert!(!told.contains("error"), "{told}");
    println!("counted: root: rpm -Va, -qf, -e, -U and dnf install work in one of kiln's");
}
