//! The release's repositories: their documents fetched at once, their tables read only when an answer needs them.

use std::io::BufRead;

use crate::config::{Check, Repo};
use crate::engine::error::Error;
use crate::engine::session::Session;
use crate::fetch::Repository;
use crate::fetch::check::Opinion;
use crate::metadata::{Comps, Metadata, ModuleChoice, Modules, Owners, PackageId};
use crate::report::{Event, Stage, during};
use crate::solve::Files;
use crate::store::{Kind, Store};
use crate::sys;

/// What a document may have at most when it is open: several times what the largest known ones have.
const LARGEST: &[(&str, u64)] =
    &[("primary", 2 << 30), ("filelists", 8 << 30), ("group", 128 << 20), ("modules", 64 << 20)];

/// One repository of the release: what the release file says of it, and what it has.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) repo: Repo,
    pub(super) state: Repository,
    /// What is hidden in it: by its own word, and by the release's for all repositories.
    pub(super) excludes: Vec<String>,
}

/// The tables that a solver works on.
#[derive(Debug)]
pub(super) struct Tables {
    /// One a repository, in the order of [`Session::sources`].
    pub(super) metadata: Vec<Metadata>,
    /// For each of them, the packages of module streams that are not active.
    pub(super) inactive: Vec<Vec<PackageId>>,
    pub(super) comps: Comps,
}

impl Session<'_> {
    /// The repositories' state: from the store where it is fresh enough, else asked for.
    pub(super) fn sources(&self) -> Result<&[Source], Error> {
        if let Some(sources) = self.sources.get() {
            return Ok(sources);
        }
        let sources = during(Stage::Metadata, self.reporter, || self.ask_sources())?;
        Ok(self.sources.get_or_init(|| sources))
    }

    fn ask_sources(&self) -> Result<Vec<Source>, Error> {
        let (release, reporter) = (self.release, self.reporter);
        for repo in release.repos.iter().filter(|repo| repo.gpgcheck == Check::Off) {
            reporter.warn(format!("packages of repository {} are not checked with OpenPGP", repo.id));
        }
        for repo in release.repos.iter().filter(|repo| repo.connection.servers == Check::Off) {
            reporter.warn(format!("servers of repository {} need not prove who they are", repo.id));
        }
        let states = self.fetcher().repositories(&release.repos, self.store.path(), reporter)?;
        let source = |state: Repository| {
            // Those that may be missing, and are, are not among the answers.
            let repo = release.repos.iter().find(|repo| repo.id == state.id)?.clone();
            let excludes = [repo.excludepkgs.as_slice(), &release.solve.excludepkgs].concat();
            Some(Source { repo, state, excludes })
        };
        let sources: Vec<Source> = states.into_iter().filter_map(source).collect();
        for source in &sources {
            self.store.used(Kind::Repos, &source.state.snapshot.hex())?;
        }
        let total = sources.len() as u64;
        let item = String::new();
        reporter.report(Event::Progress {
            stage: Stage::Metadata,
            item,
            done: total,
            total,
            bytes: 0,
            total_bytes: 0,
        });
        Ok(sources)
    }

    /// The repositories' tables.
    pub(super) fn tables(&self) -> Result<&Tables, Error> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        let sources = self.sources()?;
        let store = &self.store;
        let metadata: Vec<Metadata> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                sources.iter().map(|source| scope.spawn(move || read_primary(source, store))).collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined
                .map(|answer| answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<_, _>>()
        })?;
        let mut comps = Comps::default();
        for source in sources {
            if let Some(input) = open(source, "group")? {
                comps.merge(Comps::parse(&source.repo.id, input)?);
            }
        }
        let inactive = self.inactive(sources, &metadata)?;
        Ok(self.tables.get_or_init(|| Tables { metadata, inactive, comps }))
    }

    /// The packages that module streams hide, a list for each repository. What a repository says about modules holds
    /// for the packages of all of them but hot-fix ones.
    fn inactive(&self, sources: &[Source], metadata: &[Metadata]) -> Result<Vec<Vec<PackageId>>, Error> {
        let mut modules = Modules::default();
        for source in sources {
            if let Some(input) = open(source, "modules")? {
                modules.merge(Modules::parse(&source.repo.id, input)?);
            }
        }
        let solve = &self.release.solve;
        let active = modules.activate(&ModuleChoice {
            enabled: solve.enable_modules.clone(),
            disabled: solve.disable_modules.clone(),
            platform: solve.module_platform_id.clone(),
        })?;
        if !active.passed_over.is_empty() {
            let streams = active.passed_over.join(", ");
            self.reporter.warn(format!("default module streams whose requirements cannot be met: {streams}"));
        }
        let hidden = |(source, metadata): (&Source, &Metadata)| {
            if source.repo.module_hotfixes { Vec::new() } else { active.hidden(metadata) }
        };
        Ok(sources.iter().zip(metadata).map(hidden).collect())
    }

    /// Looks the owners of paths up that primary does not list, in the full file lists.
    pub(super) fn look_up(&self, paths: &[String], files: &mut Files) -> Result<(), Error> {
        let tables = self.tables()?;
        for (source, metadata) in self.sources()?.iter().zip(&tables.metadata) {
            self.fetcher().document(&source.state, "filelists", self.store.path(), self.reporter)?;
            let owners = match open(source, "filelists")? {
                Some(input) => Owners::find(metadata, input, paths.iter().map(String::as_str))?,
                None => Owners::default(),
            };
            files.add(&source.repo.id, paths, &owners);
        }
        Ok(())
    }
}

/// The parsed form of primary, kept beside it and named by its version.
const TABLES: &str = "tables-1";

/// Looks at a kept form of primary. Those of other versions are not read.
pub(super) fn check_tables(name: &str, path: &crate::unit::HostPath) -> Opinion {
    let version = name.strip_prefix("tables-").and_then(|version| version.parse::<u32>().ok());
    let problem = match sys::fs::map(path) {
        _ if version.is_none() => return Opinion::Foreign,
        Ok(bytes) if name == TABLES => Metadata::from_bytes(name, bytes).err().map(|error| error.to_string()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    problem.map_or(Opinion::Sound, Opinion::Spoilt)
}

/// A repository's tables: mapped where their parsed form was kept, else made from primary. A kept form that is old or
/// spoilt is replaced.
fn read_primary(source: &Source, store: &Store) -> Result<Metadata, Error> {
    let id = &source.repo.id;
    let kept = source.state.dir.join(TABLES);
    let below = source.state.below.as_ref().map(|dir| dir.join(TABLES));
    for path in std::iter::once(&kept).chain(&below) {
        let bytes = match sys::fs::map(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::Host { doing: format!("reading {path}"), source }),
            Ok(bytes) => bytes,
        };
        match Metadata::from_bytes(id, bytes) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => tracing::debug!(%error, "reading primary again"),
        }
    }
    let input = open(source, "primary")?.ok_or_else(|| Error::NoPrimary { repo: id.clone() })?;
    let metadata = Metadata::parse(id, input)?;
    let failed = |error| Error::Host { doing: format!("writing {kept}"), source: error };
    sys::fs::replace(&kept, metadata.as_bytes()).map_err(failed)?;
    store.own(&kept)?;
    Ok(metadata)
}

/// A document of a repository, open and verified as it is read; nothing where the repository has none.
fn open<'s>(source: &'s Source, kind: &'static str) -> Result<Option<impl BufRead + use<'s>>, Error> {
    let Some((data, path)) = source.state.document(kind)? else { return Ok(None) };
    let failed = |error| Error::Host { doing: format!("reading {path}"), source: error };
    let file = sys::fs::open(&path).map_err(failed)?;
    let cap = LARGEST.iter().find(|row| row.0 == kind).map_or(0, |row| row.1);
    Ok(Some(data.open(&source.repo.id, kind, file, cap)?))
}
