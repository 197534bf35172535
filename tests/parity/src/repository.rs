//! A repository in a directory.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use kiln::metadata::{Metadata, ModuleChoice, Modules, Owners, PackageId, Promise, Repomd, RepomdData, open};
use kiln::solve::RepoMetadata;

/// No document of a test repository is larger.
const LARGEST: u64 = 1 << 32;

/// What is said of a repository besides its directory.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    id: String,
    priority: i32,
    cost: u32,
    excludes: Vec<String>,
}

impl Spec {
    /// The specification of another directory.
    pub(crate) fn at(&self, directory: &Path) -> String {
        format!("{}={}{self}", self.id, directory.display())
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ",priority={},cost={}", self.priority, self.cost)?;
        self.excludes.iter().try_for_each(|pattern| write!(f, ",exclude={pattern}"))
    }
}

/// A repository in a directory.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) metadata: Metadata,
    pub(crate) directory: PathBuf,
    pub(crate) spec: Spec,
    repomd: Repomd,
    inactive: Vec<PackageId>,
}

impl Repository {
    /// Opens `ID=DIRECTORY[,priority=N][,cost=N][,exclude=PATTERN]`.
    pub(crate) fn open(text: &str) -> Result<Self, Box<dyn Error>> {
        let (id, rest) = text.split_once('=').ok_or("a repository is given as ID=DIR")?;
        let mut parts = rest.split(',');
        let directory = PathBuf::from(parts.next().unwrap_or_default());
        let mut spec = Spec { id: id.to_owned(), priority: 99, cost: 1000, excludes: Vec::new() };
        for part in parts {
            match part.split_once('=') {
                Some(("priority", number)) => spec.priority = number.parse()?,
                Some(("cost", number)) => spec.cost = number.parse()?,
                Some(("exclude", pattern)) => spec.excludes.push(pattern.to_owned()),
                _ => return Err(format!("`{part}` says nothing of a repository").into()),
            }
        }
        let repomd = Repomd::parse(id, &std::fs::read(directory.join("repodata/repomd.xml"))?)?;
        let primary = repomd.data("primary").ok_or("no primary")?;
        let file = File::open(directory.join(&primary.location))?;
        let metadata = Metadata::parse(id, primary.open(id, "primary", file, LARGEST)?)?;
        Ok(Self { metadata, directory, spec, repomd, inactive: Vec::new() })
    }

    /// As the solver takes it.
    pub(crate) fn for_solver(&self) -> RepoMetadata<'_> {
        RepoMetadata {
            priority: self.spec.priority,
            cost: self.spec.cost,
            excludes: &self.spec.excludes,
            inactive: &self.inactive,
            ..RepoMetadata::new(&self.metadata)
        }
    }

    /// A document of the repository.
    pub(crate) fn data(&self, kind: &str) -> Option<&RepomdData> {
        self.repomd.data(kind)
    }

    /// The text of primary.
    pub(crate) fn primary(&self) -> Result<String, Box<dyn Error>> {
        let mut text = String::new();
        self.read("primary")?.ok_or("no primary")?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Who owns some paths.
    pub(crate) fn owners(&self, paths: &[String]) -> Result<Owners, Box<dyn Error>> {
        let Some(lists) = self.data("filelists") else { return Ok(Owners::default()) };
        let file = File::open(self.directory.join(&lists.location))?;
        // Some test repositories have their file lists cut down after repomd.xml was written.
        let input = open(file, Promise::default(), Promise { limit: Some(LARGEST), ..Promise::default() })?;
        Ok(Owners::find(&self.metadata, input, paths.iter().map(String::as_str))?)
    }

    fn read(&self, kind: &'static str) -> Result<Option<impl Read + use<>>, Box<dyn Error>> {
        let Some(data) = self.data(kind) else { return Ok(None) };
        let file = File::open(self.directory.join(&data.location))?;
        Ok(Some(data.open(self.metadata.repo(), kind, file, LARGEST)?))
    }
}

/// Hides the packages of module streams that are not active on a platform.
pub(crate) fn hide_modules(repos: &mut [Repository], platform: &str) -> Result<(), Box<dyn Error>> {
    let mut modules = Modules::default();
    for repo in repos.iter() {
        if let Some(input) = repo.read("modules")? {
            modules.merge(Modules::parse(repo.metadata.repo(), input)?);
        }
    }
    let active =
        modules.activate(&ModuleChoice { platform: Some(platform.to_owned()), ..ModuleChoice::default() })?;
    for repo in repos {
        repo.inactive = active.hidden(&repo.metadata);
    }
    Ok(())
}
