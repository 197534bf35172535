//! From requirements to a lock. The same question over the same metadata has the same answer, so answers are kept in the
//! store by the digest of the question: a warm root never reads a repository's tables.

use crate::engine::error::Error;
use crate::engine::local::LocalPackages;
use crate::engine::repositories::{Source, Tables};
use crate::engine::session::Session;
use crate::engine::solved::SolveRequest;
use crate::lock::{Lock, LockedPackage};
use crate::metadata::{Metadata, PackageId};
use crate::package::Nevra;
use crate::report::{Event, Stage, during};
use crate::solve::{self, Best, Chosen, Explanation, RepoMetadata, Request, Weak};
use crate::store::Kind;
use crate::sys;
use crate::unit::{Algorithm, Digest, Hasher, seal, unseal};

/// What a root is asked to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As on dnf's command line.
    pub(super) install: Vec<String>,
    /// As in `BuildRequires`.
    pub(super) requires: Vec<String>,
}

impl Wanted {
    /// Packages as on a command line.
    pub(super) fn install(requirements: &[String]) -> Self {
        Self { install: requirements.to_vec(), requires: Vec::new() }
    }

    /// Build requirements.
    pub(super) fn requires(requirements: &[String]) -> Self {
        Self { install: Vec::new(), requires: requirements.to_vec() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.install.is_empty() && self.requires.is_empty()
    }

    /// Both.
    pub(super) fn and(&self, more: &Self) -> Self {
        Self {
            install: [self.install.as_slice(), &more.install].concat(),
            requires: [self.requires.as_slice(), &more.requires].concat(),
        }
    }
}

impl Session<'_> {
    /// The packages of a root that keeps what is installed and gets what is asked for, with the reasons.
    pub(super) fn solve(&self, request: &SolveRequest) -> Result<Explanation, Error> {
        let _inputs = self.store.use_inputs()?;
        let local = self.local_packages(&request.install)?;
        let installed = self.installed(&request.installed)?;
        self.resolve(&Wanted::default(), (&local, installed), |repos, request| {
            solve::explain(repos, request).inspect(|found| self.report_solved(found.packages.len()))
        })
    }

    /// The lock of an empty root that gets what is wanted.
    pub(super) fn lock(&self, wanted: &Wanted) -> Result<Lock, Error> {
        self.lock_beside(wanted, &[])
    }

    /// The lock of a root that keeps what `base` has and gets what is wanted.
    pub(super) fn lock_over(&self, base: &Lock, wanted: &Wanted) -> Result<Lock, Error> {
        self.lock_beside(wanted, &base.packages)
    }

    fn lock_beside(&self, wanted: &Wanted, installed: &[LockedPackage]) -> Result<Lock, Error> {
        let local = self.local_packages(&wanted.install)?;
        let question = self.question(wanted, &local, installed)?;
        let path = self.store.lock(&question);
        let failed = |doing: &str| {
            let doing = format!("{doing} {path}");
            move |source| Error::Host { doing, source }
        };
        if let Some(lock) = kept(&path).map_err(failed("reading"))? {
            self.store.used(Kind::Locks, &format!("{}.json", question.hex()))?;
            return Ok(lock);
        }
        if let Some(path) = self.store.lock_below(&question) {
            let unread = |source| Error::Host { doing: format!("reading {path}"), source };
            if let Some(lock) = kept(&path).map_err(unread)? {
                return Ok(lock);
            }
        }
        let rest = Wanted { install: Vec::new(), requires: wanted.requires.clone() };
        let nevras = installed.iter().map(|package| package.nevra.clone()).collect();
        let resolution = self.resolve(&rest, (&local, nevras), |repos, request| {
            solve::solve(repos, request).inspect(|found| self.report_solved(found.packages.len()))
        })?;
        let packages = resolution.packages.into_iter().map(|chosen| locked(chosen, installed)).collect();
        let lock = Lock::freeze(&self.release.name, &self.release.arch, packages);
        let text = serde_json::to_vec(&lock).expect("a lock is strings and numbers");
        sys::fs::replace(&path, &seal(&text)).map_err(failed("writing"))?;
        self.store.own(&path)?;
        Ok(lock)
    }

    /// The digest of everything that decides the answer.
    fn question(
        &self,
        wanted: &Wanted,
        local: &LocalPackages,
        installed: &[LockedPackage],
    ) -> Result<Digest, Error> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let release = self.release;
        hasher.update(format!("{QUESTION} {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
        hasher.update(format!("{} {} {:?}\n", release.name, release.arch, release.solve).as_bytes());
        for source in self.sources()? {
            let repo = &source.repo;
            let filters = (&repo.includepkgs, &repo.excludepkgs, repo.module_hotfixes);
            let line = format!(
                "{} {} {} {} {filters:?}\n",
                repo.id, source.state.snapshot, repo.priority, repo.cost
            );
            hasher.update(line.as_bytes());
        }
        hasher.update(
            format!("{:?} {:?} {}\n", local.requirements, wanted.requires, local.elements()).as_bytes(),
        );
        for package in installed {
            hasher.update(format!("{} {}\n", package.nevra, package.digest).as_bytes());
        }
        Ok(hasher.finish())
    }

    /// Asks the solver; reads full file lists where it asks for them.
    fn resolve<T>(
        &self,
        wanted: &Wanted,
        (local, installed): (&LocalPackages, Vec<Nevra>),
        ask: impl Fn(&[RepoMetadata<'_>], &Request) -> Result<T, solve::Error>,
    ) -> Result<T, Error> {
        let tables = self.tables()?;
        during(Stage::Solve, self.reporter, || {
            let commandline = if local.is_empty() { None } else { Some(local.metadata()?) };
            let mut repos: Vec<RepoMetadata<'_>> = self.repos(tables)?;
            let excludes = &self.release.solve.excludepkgs;
            repos.extend(
                commandline.iter().map(|files| RepoMetadata { excludes, ..RepoMetadata::new(files) }),
            );
            let mut request = Request {
                arch: self.release.arch.clone(),
                install: self.expanded(&local.requirements)?,
                requires: wanted.requires.clone(),
                installed,
                weak: if self.release.solve.weak { Weak::Install } else { Weak::Skip },
                best: if self.release.solve.best { Best::Only } else { Best::Prefer },
                ..Request::default()
            };
            loop {
                match ask(&repos, &request) {
                    Ok(answer) => return Ok(answer),
                    Err(solve::Error::NeedsFilelists(paths)) => self.look_up(&paths, &mut request.files)?,
                    Err(solve::Error::Conflict(conflict)) => return Err(Error::Conflict(Box::new(conflict))),
                }
            }
        })
    }

    fn report_solved(&self, packages: usize) {
        let done = packages as u64;
        let stage = Stage::Solve;
        self.reporter.report(Event::Progress {
            stage,
            item: String::new(),
            done,
            total: done,
            bytes: 0,
            total_bytes: 0,
        });
    }

    fn repos<'m>(&'m self, tables: &'m Tables) -> Result<Vec<RepoMetadata<'m>>, Error> {
        let with =
            |((source, metadata), inactive): ((&'m Source, &'m Metadata), &'m Vec<PackageId>)| RepoMetadata {
                priority: source.repo.priority,
                cost: source.repo.cost,
                excludes: &source.excludes,
                includes: &source.repo.includepkgs,
                inactive,
                ..RepoMetadata::new(metadata)
            };
        Ok(self.sources()?.iter().zip(&tables.metadata).zip(&tables.inactive).map(with).collect())
    }

    /// The requirements with groups replaced by their members.
    fn expanded(&self, requirements: &[String]) -> Result<Vec<String>, Error> {
        let comps = &self.tables()?.comps;
        let mut expanded = Vec::new();
        for requirement in requirements {
            match requirement.strip_prefix('@') {
                None => expanded.push(requirement.clone()),
                Some(group) => {
                    let members = comps.expand(group).ok_or_else(|| Error::NoGroup {
                        group: group.to_owned(),
                        known: comps.groups().iter().map(|group| group.id.clone()).collect(),
                    })?;
                    expanded.extend(members.iter().map(crate::metadata::Member::request));
                }
            }
        }
        Ok(expanded)
    }
}

/// Grows when the same question may get another answer.
const QUESTION: &str = "kiln question 2";

/// An answer that was kept. A damaged one is as good as none: it is asked for again and replaced.
pub(super) fn kept(path: &crate::unit::HostPath) -> Result<Option<Lock>, sys::SysError> {
    let sealed = sys::fs::read_if_there(path)?;
    let lock = sealed.as_deref().and_then(unseal).and_then(|text| {
        let lock = serde_json::from_slice(text);
        lock.map_err(|error| tracing::debug!(%error, %path, "asking again")).ok()
    });
    Ok(lock)
}

fn locked(chosen: Chosen, installed: &[LockedPackage]) -> LockedPackage {
    if let Some(package) = installed.iter().find(|package| package.nevra == chosen.nevra) {
        return package.clone();
    }
    let Chosen { nevra, repo, location, digest, size, .. } = chosen;
    LockedPackage { nevra, repo, location, digest, size }
}
