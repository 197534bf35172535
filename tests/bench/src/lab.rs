//! What the rows work with: the mirror, kiln, the other programs, and stores and roots that are made once.

use std::cell::OnceCell;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clay::make::{Freshness, Options, Set};
use clay::serve::Server;

use crate::dnf;
use crate::error::Error;
use crate::graveyard::Graveyard;
use crate::sample::{Clock, finish};
use crate::{Arguments, note, say};

/// The group of packages that is a build root.
pub(crate) const GROUP: &str = "@buildsys-build";

/// Everything that rows share. Dropping it removes what was made.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) directory: PathBuf,
    pub(crate) clay: PathBuf,
    pub(crate) kiln: PathBuf,
    pub(crate) runs: usize,
    pub(crate) scale: Option<PathBuf>,
    pub(crate) mirror: Mirror,
    pub(crate) clock: Clock,
    pub(crate) graveyard: Graveyard,
    alone: bool,
    store: OnceCell<PathBuf>,
    root: OnceCell<PathBuf>,
    dnf_cache: OnceCell<PathBuf>,
    dnf_root: OnceCell<PathBuf>,
}

impl Lab {
    /// Makes Clay where it is missing, and serves it.
    pub(crate) fn open(arguments: &Arguments) -> Result<Self, Error> {
        let made = clay::make::make(
            &Options {
                output: clay::release::default_directory(),
                debs: None,
                set: Set::All,
                freshness: Freshness::WhenNeeded,
            },
            &|stage| note(&format!("clay: {stage}")),
        );
        let clay = made.map_err(|error| Error::broken("Clay", error))?.directory;
        let place = arguments.lab.clone().unwrap_or_else(|| clay.with_file_name("bench"));
        let directory = place.join(format!("lab-{}", std::process::id()));
        fs::create_dir_all(&directory).map_err(Error::io("make", &directory))?;
        let kiln = match &arguments.kiln {
            Some(path) => fs::canonicalize(path).map_err(Error::io("find", path))?,
            None => own_directory()?.join("kiln"),
        };
        if !kiln.exists() {
            return Err(Error::broken(
                kiln.display().to_string(),
                "there is no kiln to measure; build it, or give --kiln",
            ));
        }
        let graveyard = Graveyard::open(directory.join("graveyard"))?;
        // Before the clock: what the mirror does is nobody's time.
        let mirror = Mirror::start(&clay.join("repo"))?;
        let lab = Self {
            directory,
            clay,
            kiln,
            runs: arguments.runs.max(1),
            scale: arguments.scale.clone(),
            mirror,
            clock: Clock::start(),
            graveyard,
            alone: arguments.alone,
            store: OnceCell::new(),
            root: OnceCell::new(),
            dnf_cache: OnceCell::new(),
            dnf_root: OnceCell::new(),
        };
        lab.write_release()?;
        Ok(lab)
    }

    /// Puts a tree out of the way; nothing there is success.
    pub(crate) fn bury(&self, path: &Path) -> Result<(), Error> {
        self.graveyard.bury(path)
    }

    /// Puts what is in a directory out of the way, but for some names.
    pub(crate) fn bury_in(&self, directory: &Path, but: &[String]) -> Result<(), Error> {
        self.graveyard.bury_in(directory, but)
    }

    /// A path of this lab.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether another program can be measured; says why not.
    pub(crate) fn has(&self, program: &str) -> Result<(), String> {
        if self.alone {
            return Err("other programs were not asked for (--alone)".to_owned());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|directory| directory.join(program).is_file()) {
            return Err(format!("{program} is not installed"));
        }
        let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if program == "dnf" && !root {
            return Err("dnf makes roots only for root".to_owned());
        }
        Ok(())
    }

    /// kiln with a store and the release that uses the mirror.
    pub(crate) fn kiln(&self, store: &Path) -> Command {
        self.kiln_with(store, &self.release())
    }

    /// kiln with a store and a release file.
    pub(crate) fn kiln_with(&self, store: &Path, release: &Path) -> Command {
        let mut command = Command::new(&self.kiln);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &self.directory);
        command
            .current_dir(&self.directory)
            .arg("--quiet")
            .arg("--store")
            .arg(store)
            .arg("--release")
            .arg(release);
        command
    }

    /// Clay's release file.
    pub(crate) fn release(&self) -> PathBuf {
        self.path("clay-1-x86_64.toml")
    }

    /// Writes Clay's release file. It says nothing of how long metadata is fresh, as real ones do.
    fn write_release(&self) -> Result<(), Error> {
        let fingerprint = self.clay.join("fingerprint");
        let fingerprint = fs::read_to_string(&fingerprint).map_err(Error::io("read", &fingerprint))?;
        let text = clay::release::text(&self.mirror.url, &self.key(), fingerprint.trim());
        let file = self.release();
        fs::write(&file, text.replace("metadata_expire = 0\n", "")).map_err(Error::io("write", &file))
    }

    /// The key that Clay is signed with.
    pub(crate) fn key(&self) -> PathBuf {
        self.clay.join("RPM-GPG-KEY-clay")
    }

    /// A store with the packages of a build root and the root's layer.
    pub(crate) fn store(&self) -> Result<&PathBuf, Error> {
        once(&self.store, || {
            let store = self.path("store");
            finish(self.kiln(&store).arg("init"))?;
            Ok(store)
        })
    }

    /// The build root as a plain directory, for programs that have no layers.
    pub(crate) fn root(&self) -> Result<&PathBuf, Error> {
        once(&self.root, || {
            let root = self.path("root");
            fs::create_dir_all(&root).map_err(Error::io("make", &root))?;
            let mut tar = self.kiln(self.store()?);
            tar.args(["run", "--", "tar", "-C", "/", "--one-file-system", "-cf", "-", "."]);
            let mut tar = tar.stdout(Stdio::piped()).spawn().map_err(Error::io("run", &self.kiln))?;
            let stream = tar.stdout.take().map_or_else(Stdio::null, Stdio::from);
            let unpacked = Command::new("tar").arg("-C").arg(&root).args(["-xf", "-"]).stdin(stream).status();
            let packed = tar.wait().map_err(Error::io("run", &self.kiln))?;
            match unpacked {
                Ok(status) if status.success() && packed.success() => Ok(root),
                other => Err(Error::broken("the root as a directory", format!("{packed}, {other:?}"))),
            }
        })
    }

    /// dnf's cache with the packages of a build root.
    pub(crate) fn dnf_cache(&self) -> Result<&PathBuf, Error> {
        once(&self.dnf_cache, || {
            let cache = self.path("dnf-cache");
            finish(dnf::clay(self, &self.path("dnf-root"), &cache).args(["install", GROUP]))?;
            Ok(cache)
        })
    }

    /// A build root that dnf made.
    pub(crate) fn dnf_root(&self) -> Result<&PathBuf, Error> {
        once(&self.dnf_root, || self.dnf_cache().map(|_| self.path("dnf-root")))
    }

    /// The spec files of the build tests.
    pub(crate) fn specs() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("build").join("specs")
    }

    /// A source package, made by kiln from a spec file of the build tests and its sources.
    pub(crate) fn source(&self, name: &str) -> Result<PathBuf, Error> {
        let archives =
            clay::sources::fetch(&self.clay, &[name]).map_err(|error| Error::broken("sources", error))?;
        let (own, result) = (self.path("sources"), self.path("source"));
        fs::create_dir_all(&own).map_err(Error::io("make", &own))?;
        for archive in archives {
            let file = archive.file_name().unwrap_or_default();
            fs::copy(&archive, own.join(file)).map_err(Error::io("copy", &archive))?;
        }
        let mut srpm = self.kiln(self.store()?);
        srpm.arg("srpm").arg("--spec").arg(Self::specs().join(format!("{name}.spec")));
        srpm.arg("--sources").arg(&own).arg("--result").arg(&result);
        let said = finish(&mut srpm)?;
        Ok(result.join(String::from_utf8_lossy(&said).trim()))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Makes a thing when it is first asked for.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

fn own_directory() -> Result<PathBuf, Error> {
    let own =
        std::env::current_exe().map_err(|source| Error::Io { what: "find this program".into(), source })?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// A mirror in a process of its own; it ends with this one.
#[derive(Debug)]
pub(crate) struct Mirror {
    pub(crate) url: String,
    process: Child,
}

impl Mirror {
    /// Serves a directory.
    pub(crate) fn start(directory: &Path) -> Result<Self, Error> {
        let own = std::env::current_exe()
            .map_err(|source| Error::Io { what: "find this program".into(), source })?;
        let mut command = Command::new(&own);
        command.arg("serve").arg(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(Error::io("run", &own))?;
        let mut url = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut url).map_err(Error::io("serve", directory))?;
        }
        Ok(Self { url: url.trim().to_owned(), process })
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The mirror's process.
pub(crate) fn serve(directory: &Path) -> Result<(), Error> {
    let server = Server::start(directory).map_err(|error| Error::broken("the mirror", error))?;
    say(&server.url());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}
