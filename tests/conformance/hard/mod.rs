//! Hard packages in random sets and orders: files, database, and what scriptlets saw, beside rpm's.
//!
//! Scriptlets write to `/log`, so their sequence and their arguments are a file's content like any other.

mod packages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use kiln::install::{Error, Failures};
use kiln::lock::LockedPackage;
use kiln::plan::LayerId;
use kiln::store::Layer;
use kiln::unit::Digest;

use crate::oracle::{self, DATABASE};
use crate::support::{Numbers, available, now};
use crate::transaction::{Bench, EPOCH};
use crate::tree::{self, Times};
use packages::{BASE, Hard, PACKAGES, RPM};

/// How many cases `cargo test` runs; `make conformance` asks for more.
const FEW: u64 = 10;
const CASES: &str = "KILN_CONFORMANCE_CASES";

/// Builds what is not there yet; the files by name.
fn build() -> BTreeMap<&'static str, PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hard");
    std::fs::create_dir_all(&directory).unwrap();
    let lock = std::fs::File::create(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    let package = |package: &Hard| {
        let spec = package.spec();
        let file = directory.join(format!("{}.rpm", &Digest::sha256(spec.as_bytes()).hex()[..20]));
        if !file.exists() {
            build_one(package.name, &spec, &file);
        }
        (package.name, file)
    };
    PACKAGES.iter().chain([&BASE, &RPM]).map(package).collect()
}

fn build_one(name: &str, spec: &str, to: &Path) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join(format!("{name}.spec"));
    std::fs::write(&path, spec).unwrap();
    let output = Command::new("rpmbuild")
        .args(["-bb", "--nodeps", "--define", "debug_package %{nil}", "--define", "__os_install_post %{nil}"])
        .args(["--define", "_binaries_in_noarch_packages_terminate_build 0"])
        // Files older than any test: what an installation makes is told from them by its time.
        .args(["--define", "clamp_mtime_to_source_date_epoch 1"])
        .env("SOURCE_DATE_EPOCH", "1600000000")
        .args(["--define", "_build_name_fmt built.rpm", "--define"])
        .arg(format!("_topdir {}", work.path().display()))
        .arg(&path)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {told}");
    // Whole or not at all, should the test be killed now.
    let part = to.with_extension("part");
    std::fs::copy(work.path().join("RPMS/built.rpm"), &part).unwrap();
    std::fs::rename(&part, to).unwrap();
}

/// Where a sandbox has file systems of its own, kiln writes nothing, which rpm calls shared.
const MOUNTED: &[&str] = &["--define", "_netsharedpath /proc/kiln:/dev/kiln:/sys/kiln"];

/// What one thread works with: a store with everything unpacked, and a root of rpm's with the base in it.
struct Site<'a> {
    files: &'a BTreeMap<&'static str, PathBuf>,
    locked: BTreeMap<&'static str, LockedPackage>,
    bench: Bench,
    base: Layer,
    root: tempfile::TempDir,
    /// What rpm is told besides the packages.
    options: Vec<&'static str>,
}

/// How a case ended.
enum Outcome {
    Same,
    /// Both refused.
    Refused,
    Different(Vec<String>),
}

impl<'a> Site<'a> {
    fn new(files: &'a BTreeMap<&'static str, PathBuf>, mut bench: Bench, options: &[&'static str]) -> Self {
        bench.failures = Failures::AsRpm;
        let paths = files.values().cloned().collect::<Vec<_>>();
        let locked = files.keys().copied().zip(bench.unpack(&paths)).collect::<BTreeMap<_, _>>();
        let root = tempfile::tempdir().unwrap();
        let first = [&BASE, &RPM].map(|package| package.name);
        let options = [MOUNTED, options].concat();
        oracle::install(root.path(), &first.map(|name| files[name].clone()), &options).unwrap();
        let (base, log) = bench.install(first.map(|name| locked[name].clone()).into(), &[]);
        let base = base.unwrap_or_else(|error| panic!("{error}\n{log}"));
        Self { files, locked, bench, base, root, options }
    }

    fn case(&self, seed: u64) -> (Vec<Vec<&'static str>>, Outcome) {
        let parts = choose(seed);
        let outcome = self.compare(&parts);
        (parts, outcome)
    }

    fn compare(&self, parts: &[Vec<&'static str>]) -> Outcome {
        let copy = tempfile::tempdir().unwrap();
        let root = copy.path().join("root");
        let copied = Command::new("cp").arg("-a").arg(self.root.path()).arg(&root).status().unwrap();
        assert!(copied.success());
        let began = now();
        let mut layers: Vec<Layer> = Vec::new();
        for part in parts {
            let files = part.iter().map(|name| self.files[name].clone()).collect::<Vec<_>>();
            let theirs = oracle::install(&root, &files, &self.options);
            let ids = layers.iter().chain([&self.base]).map(|layer| layer.manifest.id.clone());
            let parents = ids.collect::<Vec<LayerId>>();
            let packages = part.iter().map(|name| self.locked[name].clone()).collect();
            let (ours, log) = self.bench.install(packages, &parents);
            match (theirs, ours) {
                // What rpm says of a scriptlet that only warns is no refusal.
                (Err(told), Ok(_)) if refused(&told) => {
                    return Outcome::Different(vec![format!("only rpm refused: {told}")]);
                }
                (_, Ok(layer)) => layers.insert(0, layer),
                (Err(told), Err(Error::Conflict { clashes })) => {
                    let lines = clashes.iter().filter(|clash| !told.contains(&clash.path));
                    let lines = lines.map(|clash| format!("{clash:?}, but rpm said {told}")).collect();
                    return if clashes.is_empty() { Outcome::Different(lines) } else { Outcome::Refused };
                }
                // A link where a directory is: rpm says so as it unpacks.
                (Err(told), Err(Error::Place { reason }))
                    if told.contains("already exists as a directory")
                        && reason.contains("a directory is already there") =>
                {
                    return Outcome::Refused;
                }
                (theirs, Err(error)) => {
                    let text = format!("kiln refused: {error} {:?}; rpm: {theirs:?}\n{log}", error.hint());
                    return Outcome::Different(vec![text]);
                }
            }
        }
        let trees = layers.iter().chain([&self.base]).map(|layer| layer.fs().as_path().to_owned());
        let trees = trees.collect::<Vec<_>>();
        let paths = trees.iter().map(PathBuf::as_path).collect::<Vec<_>>();
        let shift = self.bench.keeper.ids().uids[0].outside;
        let times = Times { began, epoch: EPOCH };
        let mut lines = tree::differences(&tree::read(&paths, shift), &tree::read(&[&root], 0), times);
        let ours = oracle::database(&trees[0].join(DATABASE));
        lines.extend(ours.differences(&oracle::database(&root.join(DATABASE))));
        if lines.is_empty() { Outcome::Same } else { Outcome::Different(lines) }
    }
}

/// Whether rpm installed nothing.
fn refused(told: &str) -> bool {
    told.contains("conflicts with file")
}

/// Which packages, in which transactions.
fn choose(seed: u64) -> Vec<Vec<&'static str>> {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..8 {
        numbers.below(2);
    }
    let mut names = PACKAGES.iter().map(|package| package.name).collect::<Vec<_>>();
    let count = 3 + numbers.below(12) as usize;
    for at in 0..count {
        let other = at + numbers.below((names.len() - at) as u64) as usize;
        names.swap(at, other);
    }
    names.truncate(count);
    let transactions = 1 + numbers.below(3);
    let mut parts = vec![Vec::new(); transactions as usize];
    for name in names {
        parts[numbers.below(transactions) as usize].push(name);
    }
    parts.retain(|part| !part.is_empty());
    for part in &mut parts {
        part.sort_unstable();
    }
    parts
}

#[test]
fn hard_packages_are_installed_as_rpm_installs_them() {
    if !oracle::can_install() || !available("rpmbuild") {
        return;
    }
    let asked = std::env::var(CASES).ok().map(|text| text.parse::<u64>().unwrap());
    let cases = asked.unwrap_or(FEW);
    let first = std::env::var("KILN_CONFORMANCE_FIRST").map_or(0, |text| text.parse::<u64>().unwrap());
    let files = build();
    let (next, ended) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let work = || {
        let site = Site::new(&files, Bench::new(), &[]);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + cases {
                return;
            }
            let (parts, outcome) = site.case(seed);
            ended.lock().unwrap().push((seed, parts, outcome));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(cases as usize);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let ended = ended.into_inner().unwrap();
    assert_eq!(ended.len() as u64, cases);
    let refused = ended.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Refused)).count();
    let mut report = Vec::new();
    for (seed, parts, outcome) in &ended {
        if let Outcome::Different(lines) = outcome {
            report.push(format!("case {seed}: {parts:?}\n{}", lines.join("\n")));
        }
    }
    crate::known::tell();
    println!("counted: hard packages: {cases} cases, {refused} refused by both, {} different", report.len());
    assert!(report.is_empty(), "{}", report.join("\n"));
}

#[test]
fn documentation_and_languages_are_left_out_as_rpm_leaves_them_out() {
    if !oracle::can_install() || !available("rpmbuild") {
        return;
    }
    let files = build();
    let mut bench = Bench::new();
    (bench.languages, bench.docs) = (vec!["de_DE".to_owned(), "pt_BR".to_owned()], false);
    let options = ["--excludedocs", "--define", "_install_langs de_DE:pt_BR"];
    let site = Site::new(&files, bench, &options);
    let parts = [
        // Not `hardlinks-doc`: rpm leaves an empty directory where the member that carries the content is left out.
        vec!["docs", "file-trigger", "languages"],
        vec!["device", "files-one", "marks", "mounted"],
    ];
    match site.compare(&parts) {
        Outcome::Same => {}
        Outcome::Refused => panic!("refused"),
        Outcome::Different(lines) => panic!("{}", lines.join("\n")),
    }
}

#[test]
fn what_a_scriptlet_changes_under_one_name_is_changed_under_all_of_them() {
    if !oracle::can_install() || !available("rpmbuild") {
        return;
    }
    let files = build();
    let site = Site::new(&files, Bench::new(), &[]);
    let parts = [
        vec![vec!["hardlinks-changed"]],
        // Scriptlets of others, before and after; and files that come between.
        vec![vec![
            "docs",
            "file-trigger",
            "hardlinks",
            "hardlinks-changed",
            "hardlinks-owned",
            "say",
            "scripts",
        ]],
    ];
    for part in parts {
        match site.compare(&part) {
            Outcome::Same => {}
            Outcome::Refused => panic!("{part:?}: refused"),
            Outcome::Different(lines) => panic!("{part:?}: {}", lines.join("\n")),
        }
    }
}

/// Everything that an inode says, the time with its fractions too.
fn inodes(fs: &Path) -> String {
    let mut find = Command::new("find");
    let output = find.arg(fs).args(["-printf", "%P %y %m %U %G %n %s %T@ %l\n"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().collect::<Vec<_>>();
    lines.sort_unstable();
    lines.join("\n")
}

/// Packages that go together, with scriptlets that write, link, give away and remove.
const NAMES: [&str; 14] = [
    "base",
    "rpm",
    "scripts",
    "lua",
    "changes",
    "caps",
    "ghosts",
    "hardlinks",
    "hardlinks-changed",
    "hardlinks-owned",
    "hardlinks-made",
    "links",
    "docs",
    "file-trigger",
];

#[test]
fn the_same_packages_make_the_same_layer_every_time() {
    if !oracle::can_install() || !available("rpmbuild") {
        return;
    }
    let files = build();
    let paths = NAMES.map(|name| files[name].clone());
    let make = || {
        let mut bench = Bench::new();
        bench.failures = Failures::AsRpm;
        let (layer, log) = bench.install(bench.unpack(&paths), &[]);
        let layer = layer.unwrap_or_else(|error| panic!("{error}\n{log}"));
        (inodes(layer.fs().as_path()), layer.manifest.clone())
    };
    let began = now();
    let first = make();
    while now() == began {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let second = make();
    for (one, other) in first.0.lines().zip(second.0.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(first, second);
    assert!(
        first.0.lines().any(|line| line.starts_with("srv/hm-d f") && line.contains(" 3 ")),
        "{}",
        first.0
    );
}

/// An rpm that keeps its database in a form that kiln does not write, and an `rpmdb` that keeps what it is given.
fn foreign(to: &Path) -> PathBuf {
    let mut builder = rpm::PackageBuilder::new("rpm", "4.18.0", "MIT", "noarch", "rpm");
    builder.using_config(rpm::BuildConfig::v4().compression(rpm::CompressionType::None)).release("1");
    let program = |path: &str| rpm::FileOptions::new(path).permissions(0o755);
    let script = "#!/bin/sh\necho $* > /told\nexec /usr/bin/cat > /imported\n";
    builder.with_file_contents(script, program("/usr/bin/rpmdb")).unwrap();
    builder.with_file_contents(std::fs::read("/bin/cat").unwrap(), program("/usr/bin/cat")).unwrap();
    let macros = "%_db_backend ndb\n%_dbpath /usr/lib/sysimage/rpm\n";
    builder.with_file_contents(macros, rpm::FileOptions::new("/usr/lib/rpm/macros")).unwrap();
    let path = to.join("rpm.rpm");
    builder.build().unwrap().write_file(&path).unwrap();
    path
}

#[test]
fn a_database_of_another_form_is_filled_by_the_roots_own_rpmdb() {
    if !oracle::can_install() || !available("rpmbuild") {
        return;
    }
    let (files, bench, directory) = (build(), Bench::new(), tempfile::tempdir().unwrap());
    let mut packages = ["base", "docs", "expand", "rich"].map(|name| files[name].clone()).to_vec();
    packages.push(foreign(directory.path()));
    let (layer, log) = bench.install(bench.unpack(&packages), &[]);
    let fs = layer.unwrap_or_else(|error| panic!("{error}\n{log}")).fs();
    let told = std::fs::read_to_string(fs.join("told").as_path()).unwrap();
    assert_eq!(told, "--define _dbpath /usr/lib/sysimage/rpm --importdb\n");
    assert!(!fs.join("usr/lib/sysimage/rpm/rpmdb.sqlite").as_path().exists());
    let (ours, theirs) = (directory.path().join("ours"), directory.path().join("theirs"));
    let input = std::fs::File::open(fs.join("imported").as_path()).unwrap();
    let mut rpmdb = Command::new("rpmdb");
    let imported = rpmdb.arg("--dbpath").arg(&ours).arg("--importdb").stdin(input).status().unwrap();
    assert!(imported.success());
    std::fs::create_dir(&theirs).unwrap();
    oracle::install(&theirs, &packages, &[]).unwrap();
    let lines = oracle::database(&ours).differences(&oracle::database(&theirs.join(DATABASE)));
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn a_database_that_the_packages_bring_is_kept_and_goes_on() {
    if !oracle::can_install() || !available("rpmbuild") {
        return;
    }
    let (files, bench, directory) = (build(), Bench::new(), tempfile::tempdir().unwrap());
    let (earlier, brought) = (directory.path().join("earlier"), directory.path().join("brought"));
    std::fs::create_dir(&earlier).unwrap();
    oracle::install(&earlier, &[files["docs"].clone()], &[]).unwrap();
    let database = rusqlite::Connection::open(earlier.join(DATABASE).join("rpmdb.sqlite")).unwrap();
    database.execute("VACUUM INTO ?1", [brought.to_str().unwrap()]).unwrap();
    let mut builder = rpm::PackageBuilder::new("brings", "1", "MIT", "noarch", "a database");
    builder.using_config(rpm::BuildConfig::v4().compression(rpm::CompressionType::None)).release("1");
    let place = rpm::FileOptions::new(format!("/{DATABASE}/rpmdb.sqlite"));
    builder.with_file_contents(std::fs::read(&brought).unwrap(), place).unwrap();
    let macros = format!("%_db_backend sqlite\n%_dbpath /{DATABASE}\n");
    builder.with_file_contents(macros, rpm::FileOptions::new("/usr/lib/rpm/macros")).unwrap();
    let brings = directory.path().join("brings.rpm");
    builder.build().unwrap().write_file(&brings).unwrap();
    let (layer, log) = bench.install(bench.unpack(&[files["base"].clone(), brings]), &[]);
    let fs = layer.unwrap_or_else(|error| panic!("{error}\n{log}")).fs();
    let all = oracle::rpm(fs.as_path()).args(["-qa", "--qf", "%{name}\n"]).output().unwrap();
    let mut names: Vec<_> = std::str::from_utf8(&all.stdout).unwrap().lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["base", "brings", "docs"]);
}
