//! Layers made by kiln from real packages.

use std::path::{Path, PathBuf};

use kiln::install::{Installer, unpack};
use kiln::lock::LockedPackage;
use kiln::plan::{LayerId, LayerSpec, Setup};
use kiln::report::Silent;
use kiln::sandbox::{Keeper, id_map};
use kiln::store::{Layer, Store};
use kiln::unit::{Digest, HostPath};

/// The time of what the packages do not date.
pub(crate) const EPOCH: i64 = 1_700_000_000;

/// A store, and a keeper over it.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) keeper: Keeper,
    pub(crate) failures: kiln::install::Failures,
    pub(crate) languages: Vec<String>,
    pub(crate) docs: bool,
    _directory: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // An ordinary user's id map does not reach into a directory that only root may enter.
        let ids = id_map().unwrap();
        let store = Store::open(&HostPath::new(directory.path().join("store")), &ids).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_kiln"));
        let keeper = Keeper::start_from(program, &ids, store.path()).unwrap();
        let failures = kiln::install::Failures::default();
        Self { store, keeper, failures, languages: Vec::new(), docs: true, _directory: directory }
    }

    /// Unpacks package files; what a lock would say of them.
    pub(crate) fn unpack(&self, packages: &[PathBuf]) -> Vec<LockedPackage> {
        let lock = |path: &PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            let file = kiln::package::file::PackageFile::parse(&bytes).unwrap();
            LockedPackage {
                nevra: file.header.nevra().unwrap(),
                repo: "test".to_owned(),
                location: String::new(),
                digest: Digest::sha256(&bytes),
                size: bytes.len() as u64,
            }
        };
        let locked = packages.iter().map(lock).collect::<Vec<_>>();
        let source = |(path, package): (&PathBuf, &LockedPackage)| unpack::Source {
            nevra: package.nevra.clone(),
            digest: package.digest.clone(),
            file: HostPath::new(path),
            size: package.size,
        };
        let sources = packages.iter().zip(&locked).map(source).collect::<Vec<_>>();
        unpack::unpack(&sources, &self.store, &Silent).unwrap();
        locked
    }

    /// Installs packages over layers (uppermost first); the layer or what failed, and the log.
    pub(crate) fn install(
        &self,
        packages: Vec<LockedPackage>,
        parents: &[LayerId],
    ) -> (Result<Layer, kiln::install::Error>, String) {
        let setup = Setup {
            arch: "x86_64".to_owned(),
            languages: self.languages.clone(),
            docs: self.docs,
            epoch: EPOCH as u64,
        };
        let spec = LayerSpec::new(parents.to_vec(), packages, setup);
        let mut log = Vec::new();
        let installer = Installer { store: &self.store, keeper: &self.keeper, failures: self.failures };
        let layer = installer.install(&spec, &Silent, &mut log);
        (layer, String::from_utf8_lossy(&log).into_owned())
    }
}

#[test]
fn an_empty_transaction_makes_what_every_build_needs() {
    let bench = Bench::new();
    let (layer, _) = bench.install(Vec::new(), &[]);
    let fs = layer.unwrap().fs();
    for directory in ["proc", "sys", "dev", "run", "tmp", "var/tmp", "builddir"] {
        assert!(fs.join(directory).as_path().is_dir(), "{directory}");
    }
    for file in ["etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/machine-id"] {
        assert_eq!(std::fs::read_to_string(fs.join(file).as_path()).unwrap(), "", "{file}");
    }
    let passwd = std::fs::read_to_string(fs.join("etc/passwd").as_path()).unwrap();
    assert_eq!(passwd, "mockbuild:x:1000:135:mockbuild:/builddir:/bin/bash\n");
}

/// sqlite needs its log and its index to read what rpm left in write-ahead mode.
#[test]
fn the_database_can_be_read_where_nobody_may_write() {
    if !crate::oracle::can_install() {
        return;
    }
    let (bench, directory) = (Bench::new(), tempfile::tempdir().unwrap());
    let path = directory.path().join("x.rpm");
    crate::support::package("x").build().unwrap().write_file(&path).unwrap();
    let (layer, log) = bench.install(bench.unpack(&[path]), &[]);
    let layer = layer.unwrap_or_else(|error| panic!("{error}\n{log}"));
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), readable).unwrap();
    let database = directory.path().join("database");
    std::fs::create_dir(&database).unwrap();
    for found in std::fs::read_dir(layer.fs().join(crate::oracle::DATABASE).as_path()).unwrap() {
        let found = found.unwrap();
        std::fs::copy(found.path(), database.join(found.file_name())).unwrap();
    }
    let mut rpm = std::process::Command::new("setpriv");
    rpm.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "rpm", "--dbpath"]);
    let output = rpm.arg(&database).args(["-qa", "--qf", "%{nvra}"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "x-1-1.noarch", "{told}");
}
