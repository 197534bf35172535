//! The release's repositories: their documents fetched at once, their tables read only when an answer needs them.

use std::io::BufRead;

use crate::config::{Check, Repo};
use crate::engine::error::Error;
use crate::engine::session::Session;
use crate::fetch::Repository;
use crate::metadata::{Comps, Metadata, Owners};
use crate::report::{Event, Stage, during};
use crate::solve::Files;
use crate::store::Store;
use crate::sys;

/// No document of a repository is larger than this when it is open; Fedora's file lists are under 2 GB.
const LARGEST_DOCUMENT: u64 = 8 << 30;

/// One repository of the release: what the release file says of it, and what it has.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) repo: Repo,
    pub(super) state: Repository,
}

/// The tables that a solver works on.
#[derive(Debug)]
pub(super) struct Tables {
    /// One a repository, in the order of [`Session::sources`].
    pub(super) metadata: Vec<Metadata>,
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
        let fetcher = self.fetcher();
        let (store, reporter) = (self.store.path(), self.reporter);
        let answers: Vec<_> = std::thread::scope(|scope| {
            let ask = |repo| scope.spawn(move || fetcher.repository(repo, store, reporter));
            let threads: Vec<_> = self.release.repos.iter().map(|repo| (repo, ask(repo))).collect();
            threads.into_iter().map(|(repo, thread)| (repo, thread.join())).collect()
        });
        for repo in self.release.repos.iter().filter(|repo| repo.gpgcheck == Check::Off) {
            reporter.warn(format!("packages of repository {} are not checked with OpenPGP", repo.id));
        }
        let mut sources = Vec::new();
        for (repo, answer) in answers {
            let answer = answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match answer {
                Ok(state) => sources.push(Source { repo: repo.clone(), state }),
                Err(error) if repo.skip_if_unavailable && error.is_unavailable() => {
                    reporter.warn(format!("repository {} is left out: {error}", repo.id));
                }
                Err(error) => return Err(error.into()),
            }
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
        let metadata = std::thread::scope(|scope| {
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
        Ok(self.tables.get_or_init(|| Tables { metadata, comps }))
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

/// A repository's tables: mapped where their parsed form was kept, else made from primary. A kept form that is old or
/// spoilt is replaced.
fn read_primary(source: &Source, store: &Store) -> Result<Metadata, Error> {
    let id = &source.repo.id;
    let kept = source.state.dir.join(TABLES);
    if let Ok(bytes) = sys::fs::map(&kept) {
        match Metadata::from_bytes(id, bytes) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => tracing::debug!(%error, "reading primary again"),
        }
    }
    let input = open(source, "primary")?.ok_or_else(|| Error::NoPrimary { repo: id.clone() })?;
    let metadata = Metadata::parse(id, input)?;
    let failed = |error| Error::Host { doing: format!("writing {kept}"), source: error };
    sys::fs::publish(&kept, metadata.as_bytes()).map_err(failed)?;
    store.own(&kept)?;
    Ok(metadata)
}

/// A document of a repository, open and verified as it is read; nothing where the repository has none.
fn open<'s>(source: &'s Source, kind: &'static str) -> Result<Option<impl BufRead + use<'s>>, Error> {
    let (Some(data), Some(path)) = (source.state.repomd.data(kind), source.state.path(kind)) else {
        return Ok(None);
    };
    let failed = |error| Error::Host { doing: format!("reading {path}"), source: error };
    let file = sys::fs::open(&path).map_err(failed)?;
    Ok(Some(data.open(&source.repo.id, kind, file, LARGEST_DOCUMENT)?))
}
