//! Making Clay: closure, download, conversion on all cores, metadata. What did not change is not made again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::archive::{self, Archive, Pick};
use crate::build::build;
use crate::convert::convert;
use crate::deb::Deb;
use crate::error::Error;
use crate::features;
use crate::key::Key;
use crate::metadata::{Described, describe, sha256};
use crate::own;
use crate::recipe::Recipe;
use crate::release;
use crate::repo;
use crate::tables;

/// Which packages to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Set {
    /// The build root and nothing else.
    Buildroot,
    /// Also what build requirements ask for.
    All,
}

impl Set {
    fn wanted(self) -> Vec<&'static str> {
        match self {
            Self::Buildroot => tables::BUILD_ROOT.to_vec(),
            Self::All => [tables::BUILD_ROOT, tables::WIDER].concat(),
        }
    }

    fn own(self) -> Vec<Recipe> {
        match self {
            Self::Buildroot => own::packages(),
            Self::All => own::packages().into_iter().chain(features::packages()).collect(),
        }
    }
}

/// What to make, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory that holds everything.
    pub output: PathBuf,
    /// Where downloaded packages are kept, if elsewhere.
    pub debs: Option<PathBuf>,
    /// Which packages.
    pub set: Set,
    /// Whether to ask apt again although nothing here changed.
    pub freshness: Freshness,
}

/// When to look at the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Only if Clay is not there yet or its own rules changed.
    WhenNeeded,
    /// Always.
    Ask,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The directory that holds everything.
    pub directory: PathBuf,
    /// How many packages there are.
    pub packages: usize,
    /// How many of them were converted now.
    pub converted: usize,
    /// The fingerprint of the key.
    pub fingerprint: String,
}

/// Everything that decides what a package becomes: if one of these files changes, all is made again.
const RULES: &[&str] = &[
    include_str!("archive.rs"),
    include_str!("build.rs"),
    include_str!("control.rs"),
    include_str!("convert.rs"),
    include_str!("deb.rs"),
    include_str!("elf.rs"),
    include_str!("features.rs"),
    include_str!("generated.rs"),
    include_str!("key.rs"),
    include_str!("macros.clay"),
    include_str!("metadata.rs"),
    include_str!("own.rs"),
    include_str!("recipe.rs"),
    include_str!("repo.rs"),
    include_str!("tables.rs"),
    include_str!("xml.rs"),
];

/// One package to be made.
enum Job {
    Convert(Pick),
    Own(Box<Recipe>),
}

/// Makes Clay, or finds that it is there.
pub fn make(options: &Options, progress: &dyn Fn(&str)) -> Result<Made, Error> {
    let directory = &options.output;
    fs::create_dir_all(directory).map_err(Error::io("make", directory))?;
    let lock = directory.join("lock");
    let lock = fs::File::create(&lock)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(Error::io("lock", &lock))?;
    let key = Key::load_or_make(&directory.join("key.secret"))?;
    let rules = sha256((RULES.concat() + &key.fingerprint()).as_bytes());
    let stamp = directory.join("stamp");
    let made = |packages: usize, converted: usize| Made {
        directory: directory.clone(),
        packages,
        converted,
        fingerprint: key.fingerprint(),
    };
    if options.freshness == Freshness::WhenNeeded
        && directory.join("repo/repodata/repomd.xml").exists()
        && let Some(packages) = is_current(&stamp, &rules, options.set)
    {
        // The release file names this directory, which may be a copy of another.
        release::write(directory, &key)?;
        return Ok(made(packages, 0));
    }
    progress("asking apt what there is");
    let picks = Archive::open()?.closure(&options.set.wanted())?;
    let debs = options.debs.clone().unwrap_or_else(|| directory.join("debs"));
    progress(&format!("{} packages; downloading what is missing", picks.len()));
    archive::download(&picks, &debs)?;
    let cache = directory.join("cache");
    fs::create_dir_all(&cache).map_err(Error::io("make", &cache))?;
    progress("converting");
    let works = Works { debs: &debs, cache: &cache, rules: &rules, key: &key };
    let mut packages = works.run(picks, options.set.own())?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    progress("writing the metadata");
    publish(directory, &packages, &key)?;
    let converted = packages.iter().filter(|package| package.new).count();
    let line = format!("{rules} {:?} {}\n", options.set, packages.len());
    fs::write(&stamp, line).map_err(Error::io("write", &stamp))?;
    drop(lock);
    Ok(made(packages.len(), converted))
}

fn is_current(stamp: &Path, rules: &str, set: Set) -> Option<usize> {
    let text = fs::read_to_string(stamp).ok()?;
    let mut words = text.split_whitespace();
    let current = words.next() == Some(rules)
        && words.next().is_some_and(|made| made == "All" || set == Set::Buildroot);
    words.next().filter(|_| current)?.parse().ok()
}

/// A package that is ready to be published.
struct Ready {
    name: String,
    cached: PathBuf,
    described: Described,
    new: bool,
}

struct Works<'a> {
    debs: &'a Path,
    cache: &'a Path,
    rules: &'a str,
    key: &'a Key,
}

impl Works<'_> {
    fn run(&self, mut picks: Vec<Pick>, own: Vec<Recipe>) -> Result<Vec<Ready>, Error> {
        picks.sort_by_key(|pick| std::cmp::Reverse(pick.size));
        let own = own.into_iter().map(|recipe| Job::Own(Box::new(recipe)));
        let jobs: Vec<Job> = picks.into_iter().map(Job::Convert).chain(own).collect();
        let next = AtomicUsize::new(0);
        let ready = Mutex::new(Vec::with_capacity(jobs.len()));
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let result = self.work(job);
                        if result.is_err() {
                            next.store(jobs.len(), Ordering::Relaxed);
                        }
                        ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
                    }
                });
            }
        });
        ready.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_iter().collect()
    }

    fn work(&self, job: &Job) -> Result<Ready, Error> {
        let origin = match job {
            Job::Convert(pick) => &pick.sha256,
            Job::Own(recipe) => &recipe.name,
        };
        let identity = sha256(format!("{} {origin}", self.rules).as_bytes());
        let cached = self.cache.join(&identity[..40]);
        if let Some((name, bytes)) = Self::cached(&cached)? {
            let described = describe(&format!("Packages/{name}"), &bytes)?;
            return Ok(Ready { name, cached, described, new: false });
        }
        let recipe = match job {
            Job::Convert(pick) => self.convert(pick)?,
            Job::Own(recipe) => (**recipe).clone(),
        };
        let name = recipe.file_name();
        let bytes = build(recipe, self.key)?;
        fs::create_dir_all(&cached).map_err(Error::io("make", &cached))?;
        let (temporary, file) = (cached.join(".new"), cached.join(&name));
        fs::write(&temporary, &bytes).map_err(Error::io("write", &temporary))?;
        fs::rename(&temporary, &file).map_err(Error::io("publish", &file))?;
        let described = describe(&format!("Packages/{name}"), &bytes)?;
        Ok(Ready { name, cached, described, new: true })
    }

    fn cached(directory: &Path) -> Result<Option<(String, Vec<u8>)>, Error> {
        let Ok(entries) = fs::read_dir(directory) else { return Ok(None) };
        for entry in entries {
            let path = entry.map_err(Error::io("list", directory))?.path();
            if path.extension().is_some_and(|extension| extension == "rpm") {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Ok(Some((name, fs::read(&path).map_err(Error::io("read", &path))?)));
            }
        }
        Ok(None)
    }

    fn convert(&self, pick: &Pick) -> Result<Recipe, Error> {
        let path = self.debs.join(pick.file_name());
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        if sha256(&bytes) != pick.sha256 {
            let _ = fs::remove_file(&path);
            return Err(Error::Deb {
                deb: pick.file_name(),
                why: "its digest is not the archive's; it was removed, try again".into(),
            });
        }
        convert(Deb::parse(&pick.file_name(), &bytes)?)
    }
}

/// Puts the packages and their metadata in place of what was there.
fn publish(directory: &Path, packages: &[Ready], key: &Key) -> Result<(), Error> {
    let (new, old, place) = (directory.join("repo.new"), directory.join("repo.old"), directory.join("repo"));
    for stale in [&new, &old] {
        if stale.exists() {
            fs::remove_dir_all(stale).map_err(Error::io("remove", stale))?;
        }
    }
    let files = new.join("Packages");
    fs::create_dir_all(&files).map_err(Error::io("make", &files))?;
    for package in packages {
        let target = files.join(&package.name);
        fs::hard_link(package.cached.join(&package.name), &target).map_err(Error::io("link", &target))?;
    }
    let described: Vec<&Described> = packages.iter().map(|package| &package.described).collect();
    repo::write(&new, &described, key)?;
    if place.exists() {
        fs::rename(&place, &old).map_err(Error::io("move", &place))?;
    }
    fs::rename(&new, &place).map_err(Error::io("move", &new))?;
    if old.exists() {
        fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
    }
    forget_stale(&directory.join("cache"), packages)?;
    release::write(directory, key)
}

/// Removes conversions that nothing uses any more.
fn forget_stale(cache: &Path, packages: &[Ready]) -> Result<(), Error> {
    let used: BTreeSet<&Path> = packages.iter().map(|package| package.cached.as_path()).collect();
    for entry in fs::read_dir(cache).map_err(Error::io("list", cache))? {
        let path = entry.map_err(Error::io("list", cache))?.path();
        if !used.contains(path.as_path()) {
            fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}
