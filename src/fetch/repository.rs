//! A repository: its `repomd.xml`, vouched for as well as its configuration allows, and the documents it names.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Check, Repo};
use crate::fetch::batch::Batch;
use crate::fetch::client::{Stop, Validators};
use crate::fetch::dirs::{self, Dirs};
use crate::fetch::download::{Growing, Order};
use crate::fetch::memory::{self, Memory};
use crate::fetch::metalink::State;
use crate::fetch::mirrors::{Mirrors, Place, lock};
use crate::fetch::openpgp::Keyring;
use crate::fetch::origin::{self, Found};
use crate::fetch::packages::{Trust, Upstream};
use crate::fetch::progress::Progress;
use crate::fetch::{Cause, Error, FetchOptions, Fetcher, Network, Refresh, keys, now, url};
use crate::metadata::{Repomd, RepomdData};
use crate::report::{Reporter, Stage};
use crate::sys::fs;
use crate::sys::part::Part;
use crate::unit::{Digest, HostPath, seal, unseal};

const REPOMD: &str = "repodata/repomd.xml";
const SIGNATURE: &str = "repodata/repomd.xml.asc";
/// In the store: what names the snapshot.
pub(super) const REPOMD_FILE: &str = "repomd.xml";
/// In the store: its signature, sealed.
pub(super) const SIGNATURE_FILE: &str = "repomd.xml.asc";
const REPOMD_LIMIT: u64 = 16 << 20;
const SIGNATURE_LIMIT: u64 = 1 << 16;
/// What a document may have at most as it is stored.
const DOCUMENT_LIMIT: u64 = 1 << 30;
/// What is wanted of every repository that has it.
pub(super) const ALWAYS: [&str; 3] = ["primary", "group", "modules"];
/// How a document may be compressed, by the end of its name.
const ENDINGS: [&str; 5] = [".gz", ".xz", ".zst", ".bz2", ".xml"];

/// A repository's metadata in the store.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its id.
    pub id: String,
    /// The SHA-256 of `repomd.xml`: what names this state of the repository.
    pub snapshot: Digest,
    /// What `repomd.xml` says.
    pub repomd: Repomd,
    /// Where its documents are, or come to be.
    pub dir: HostPath,
    /// Where else they may be: in a store that is only read.
    pub below: Option<HostPath>,
    /// Where its packages come from.
    pub upstream: Upstream,
}

impl Repository {
    /// Where a document is or would be: `primary`, `filelists`, `group`, `modules`; `None` where the repository has
    /// none.
    pub fn path(&self, kind: &str) -> Result<Option<HostPath>, Error> {
        Ok(self.document(kind)?.map(|(_, path)| path))
    }

    /// The same with what is promised of it: the form of the document that is there, or else the first one.
    pub fn document(&self, kind: &str) -> Result<Option<(&RepomdData, HostPath)>, Error> {
        let forms = self.repomd.forms(kind);
        let places = std::iter::once(&self.dir).chain(&self.below);
        for dir in places {
            for data in &forms {
                let path = dir.join(file_name(kind, data));
                if is_there(data, &path)? {
                    return Ok(Some((*data, path)));
                }
            }
        }
        Ok(forms.first().map(|data| (*data, self.dir.join(file_name(kind, data)))))
    }

    /// Whether what every run needs of it is in part only in the store below.
    fn is_borrowed(&self) -> Result<bool, Error> {
        for kind in ALWAYS {
            if self.path(kind)?.is_some_and(|path| !path.as_path().starts_with(self.dir.as_path())) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_there(data: &RepomdData, path: &HostPath) -> Result<bool, Error> {
    let found = fs::size_if_there(path).map_err(Error::Store)?;
    Ok(found.is_some_and(|found| data.size.is_none_or(|size| size == found)))
}

/// The file of a document: its kind and how it is compressed, and nothing else that metadata says.
pub(super) fn file_name(kind: &str, data: &RepomdData) -> String {
    let ending = ENDINGS.iter().find(|ending| data.location.ends_with(*ending)).copied().unwrap_or_default();
    match ending {
        "" | ".xml" => kind.to_owned(),
        ending => format!("{kind}{ending}"),
    }
}

/// A state of `repomd.xml` that may be used.
struct Snapshot {
    bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
    repomd: Repomd,
    digest: Digest,
}

/// What a mirror answered.
enum Answer {
    Unchanged,
    New { snapshot: Box<Snapshot>, from: String, validators: Validators },
}

/// What all steps for one repository need.
struct Errand<'a> {
    batch: Batch<'a>,
    repo: &'a Repo,
    dirs: &'a Dirs,
    keys: Option<Arc<Keyring>>,
    reporter: &'a dyn Reporter,
}

impl Fetcher {
    /// Brings the metadata of a repository into the store: `repomd.xml`, the packages, groups and modules. Nothing is
    /// asked for while what is there is younger than the repository's `metadata_expire`.
    pub fn repository(
        &self,
        repo: &Repo,
        store: &HostPath,
        reporter: &dyn Reporter,
    ) -> Result<Repository, Error> {
        one(&Batch::new(self), repo, &self.dirs(store)?, reporter)
    }

    /// The same for several repositories at once, in their order. One that is out of reach and may be missing
    /// (`skip_if_unavailable`) is told of and left out.
    pub fn repositories(
        &self,
        repos: &[Repo],
        store: &HostPath,
        reporter: &dyn Reporter,
    ) -> Result<Vec<Repository>, Error> {
        let dirs = self.dirs(store)?;
        let batch = Batch::new(self);
        let found: Vec<Mutex<Option<Repository>>> = repos.iter().map(|_| Mutex::default()).collect();
        let order: Vec<usize> = (0..repos.len()).collect();
        batch.each(&order, &|index| {
            let repo = &repos[index];
            match one(&batch, repo, &dirs, reporter) {
                Ok(repository) => *lock(&found[index]) = Some(repository),
                Err(error) if repo.skip_if_unavailable && error.is_unavailable() => {
                    reporter.warn(format!("repository `{}` is left out: {}", repo.id, error.in_one_line()));
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })?;
        Ok(found
            .into_iter()
            .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect())
    }

    /// Brings one more document of a repository into the store, such as `filelists`; `None` where it has none.
    pub fn document(
        &self,
        repository: &Repository,
        kind: &str,
        store: &HostPath,
        reporter: &dyn Reporter,
    ) -> Result<Option<HostPath>, Error> {
        let dirs = self.dirs(store)?;
        let batch = Batch::new(self);
        documents(&batch.part(&repository.upstream.connection), &dirs, reporter, repository, &[kind])?;
        repository.path(kind)
    }
}

fn one(batch: &Batch<'_>, repo: &Repo, dirs: &Dirs, reporter: &dyn Reporter) -> Result<Repository, Error> {
    let batch = batch.part(&repo.connection);
    let keys = keys::load(&batch, repo, dirs, reporter)?;
    let errand = Errand { batch, repo, dirs, keys, reporter };
    let known = errand.known()?;
    let FetchOptions { network, refresh, .. } = errand.batch.fetcher.options;
    let offline = network == Network::Offline;
    if let Some((snapshot, memory)) = &known
        && (offline || refresh == Refresh::WhenExpired && memory.is_fresh(repo.metadata_expire))
    {
        let mirrors = Mirrors::new(memory.mirrors.iter().map(String::as_str))?;
        if !fs::is_there(dirs.snapshot(&snapshot.digest).join(REPOMD_FILE)).map_err(Error::Store)? {
            // The store below has it; what comes beside it later, comes here.
            errand.keep(snapshot)?;
        }
        let repository = errand.repository(snapshot, mirrors);
        errand.documents(&repository, &ALWAYS)?;
        return Ok(repository);
    }
    errand.ask(known)
}

impl Errand<'_> {
    /// The newest state that is remembered and there.
    fn known(&self) -> Result<Option<(Snapshot, Memory)>, Error> {
        for memory in Memory::load(self.repo, self.dirs)? {
            if let Some(snapshot) = self.kept(&memory)? {
                return Ok(Some((snapshot, memory)));
            }
        }
        Ok(None)
    }

    /// The state that is in the store, if it would still be accepted.
    fn kept(&self, memory: &Memory) -> Result<Option<Snapshot>, Error> {
        for dir in self.dirs.places(self.dirs.snapshot(&memory.snapshot)) {
            let read = |name: &str| fs::read_if_there(dir.join(name)).map_err(Error::Store);
            let Some(bytes) = read(REPOMD_FILE)? else { continue };
            let signature = read(SIGNATURE_FILE)?;
            let signature = signature.as_deref().and_then(unseal).map(<[u8]>::to_vec);
            let snapshot = self.accept(bytes, signature).ok();
            if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.digest == memory.snapshot) {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    fn ask(&self, known: Option<(Snapshot, Memory)>) -> Result<Repository, Error> {
        let found = origin::find(&self.batch, &self.repo.id, &self.repo.origin)?;
        let mirrors: Vec<String> = found.mirrors.urls().map(str::to_owned).collect();
        let current =
            |snapshot: &Snapshot| found.states.first().is_some_and(|state| state.is(&snapshot.bytes));
        let answer = match &known {
            Some((snapshot, _)) if current(snapshot) => Answer::Unchanged,
            _ => self.get(&found, known.as_ref())?,
        };
        let (snapshot, mut memory) = match (answer, known) {
            (Answer::Unchanged, Some((snapshot, memory))) => (snapshot, memory.renewed(mirrors)),
            (Answer::New { snapshot, .. }, Some((newer, memory)))
                if is_older(&found.states, &snapshot, &newer) =>
            {
                tracing::warn!(repo = self.repo.id, "the mirrors are behind what is in the store");
                (newer, memory.renewed(mirrors))
            }
            (Answer::New { snapshot, from, validators }, _) => {
                let digest = snapshot.digest.clone();
                (*snapshot, Memory::new(self.repo, digest, (from, validators), mirrors))
            }
            (Answer::Unchanged, None) => {
                let why = "a mirror says that nothing changed, but nothing is known".to_owned();
                return Err(Error::Metadata { repo: self.repo.id.clone(), why });
            }
        };
        self.keep(&snapshot)?;
        let repository = self.repository(&snapshot, found.mirrors);
        self.documents(&repository, &ALWAYS)?;
        // Only now: until all is there, the next run starts from what it had.
        memory.borrowed = repository.is_borrowed()?;
        memory.save(self.repo, self.dirs)?;
        Ok(repository)
    }

    /// Asks mirror after mirror for a `repomd.xml` that is accepted.
    fn get(&self, found: &Found, known: Option<&(Snapshot, Memory)>) -> Result<Answer, Error> {
        let places = found.mirrors.places(REPOMD)?;
        let mut attempt = |place: &Place| {
            let base = found.mirrors.base(place);
            let same = known.filter(|(_, memory)| memory.from == base && found.states.is_empty());
            let validators = same.map(|(_, memory)| memory.validators.clone()).unwrap_or_default();
            let Some((bytes, validators)) = self.batch.small(&place.url, REPOMD_LIMIT, validators)? else {
                return Ok(Answer::Unchanged);
            };
            vouched(&found.states, &bytes)?;
            let signature = self.signature(&found.mirrors, place)?;
            let snapshot = Box::new(self.accept(bytes, signature)?);
            Ok(Answer::New { snapshot, from: base.to_owned(), validators })
        };
        self.batch.first(places, &|place| found.mirrors.blame(place), &mut attempt).map_err(|failure| {
            let error = failure.of(format!("the metadata of repository `{}`", self.repo.id));
            match error {
                Error::Unavailable { what, answers } => {
                    Error::Unreachable { what, kept: known.map(|(_, memory)| memory.age()), answers }
                }
                other => other,
            }
        })
    }

    fn signature(&self, mirrors: &Mirrors, place: &Place) -> Result<Option<Vec<u8>>, Stop> {
        if self.repo.repo_gpgcheck == Check::Off {
            return Ok(None);
        }
        let url = mirrors.beside(place, SIGNATURE).map_err(|error| Cause::Content(error.to_string()))?;
        match self.batch.small(&url, SIGNATURE_LIMIT, Validators::default()) {
            Ok(found) => Ok(found.map(|(bytes, _)| bytes)),
            Err(Stop::Failed(Cause::Status { code: 404 | 410, .. })) => Ok(None),
            Err(Stop::Failed(Cause::Local(error))) if url::local(&url).is_some() => {
                tracing::debug!(%error, "no signature");
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Takes bytes for the repository's `repomd.xml`, if the signature that may be asked for says so too.
    fn accept(&self, bytes: Vec<u8>, signature: Option<Vec<u8>>) -> Result<Snapshot, Cause> {
        if let (Check::On, Some(keys)) = (self.repo.repo_gpgcheck, &self.keys) {
            let signature = signature.as_deref().ok_or(Cause::Unsigned)?;
            keys.verify(signature, &[&bytes], now()).map_err(Cause::Signature)?;
        }
        let repomd =
            Repomd::parse(&self.repo.id, &bytes).map_err(|error| Cause::Content(error.to_string()))?;
        if repomd.data("primary").is_none() {
            return Err(Cause::Content("it names no list of packages (primary)".to_owned()));
        }
        let digest = Digest::sha256(&bytes);
        Ok(Snapshot { bytes, signature, repomd, digest })
    }

    fn keep(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let dir = self.dirs.snapshot(&snapshot.digest);
        if let Some(signature) = &snapshot.signature {
            self.dirs.publish(&dir.join(SIGNATURE_FILE), &seal(signature))?;
        }
        let path = dir.join(REPOMD_FILE);
        let there =
            fs::read_if_there(&path).map_err(Error::Store)?.is_some_and(|there| there == snapshot.bytes);
        if there {
            return Ok(());
        }
        // Who remembers this state remembers all of its documents, and they are not here.
        memory::forget(&snapshot.digest, self.dirs)?;
        self.dirs.publish(&path, &snapshot.bytes)
    }

    fn repository(&self, snapshot: &Snapshot, mirrors: Mirrors) -> Repository {
        let trust = match (self.repo.gpgcheck, &self.keys) {
            (Check::On, Some(keys)) => Trust::Keys(Arc::clone(keys)),
            _ => Trust::Metadata,
        };
        Repository {
            id: self.repo.id.clone(),
            snapshot: snapshot.digest.clone(),
            repomd: snapshot.repomd.clone(),
            dir: self.dirs.snapshot(&snapshot.digest),
            below: self.dirs.below(&self.dirs.snapshot(&snapshot.digest)),
            upstream: Upstream {
                repo: self.repo.id.clone(),
                mirrors,
                trust,
                connection: self.repo.connection.clone(),
            },
        }
    }

    fn documents(&self, repository: &Repository, kinds: &[&str]) -> Result<(), Error> {
        documents(&self.batch, self.dirs, self.reporter, repository, kinds)
    }
}

/// Fetches those documents of `kinds` that the repository has and the store has not, each in the first form that can be
/// had.
fn documents(
    batch: &Batch<'_>,
    dirs: &Dirs,
    reporter: &dyn Reporter,
    repository: &Repository,
    kinds: &[&str],
) -> Result<(), Error> {
    let mut missing: Vec<(&str, Vec<&RepomdData>)> = Vec::new();
    for kind in kinds {
        if let Some((data, path)) = repository.document(kind)?
            && !is_there(data, &path)?
        {
            missing.push((kind, repository.repomd.forms(kind)));
        }
    }
    let sizes: Vec<u64> = missing.iter().map(|(_, forms)| forms[0].size.unwrap_or(0)).collect();
    let progress = Progress::new(reporter, Stage::Metadata, &sizes);
    let order: Vec<usize> = (0..missing.len()).collect();
    batch.each(&order, &|index| {
        let (kind, forms) = &missing[index];
        let item = progress.item(format!("{} {kind}", repository.id));
        let mut first = None;
        for data in forms {
            match form(batch, dirs, (repository, kind, data), &|length| item.at(length)) {
                Err(error) if error.is_unavailable() => {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    item.done(data.size.unwrap_or(0));
                    return Ok(());
                }
            }
        }
        first.map_or(Ok(()), Err)
    })
}

/// Fetches one form of a document.
fn form(
    batch: &Batch<'_>,
    dirs: &Dirs,
    (repository, kind, data): (&Repository, &str, &RepomdData),
    watch: &dyn Fn(u64),
) -> Result<(), Error> {
    let name = file_name(kind, data);
    if let Some(size) = data.size.filter(|size| *size > DOCUMENT_LIMIT) {
        let why =
            format!("{name} claims to have {size} bytes, more than the {DOCUMENT_LIMIT} that kiln fetches");
        return Err(Error::Metadata { repo: repository.id.clone(), why });
    }
    let part = Part::open(&dirs.tmp, &dirs::part(&data.checksum)).map_err(Error::Store)?;
    let mut growing = Growing::new(part, data.checksum.algorithm()).map_err(Error::Store)?;
    let order = Order {
        mirrors: &repository.upstream.mirrors,
        location: &data.location,
        digest: &data.checksum,
        size: data.size,
        limit: DOCUMENT_LIMIT,
    };
    batch.file(&order, &mut growing, watch)?;
    dirs.place(growing.into_part(), &repository.dir.join(name))
}

/// Whether a metalink knows these bytes.
fn vouched(states: &[State], bytes: &[u8]) -> Result<(), Cause> {
    if states.is_empty() || states.iter().any(|state| state.is(bytes)) {
        return Ok(());
    }
    let promised = states.iter().filter_map(|state| state.digests.iter().max()).cloned().collect();
    Err(Cause::Digest { got: Digest::sha256(bytes), promised })
}

/// Whether a mirror's state is an earlier one than what is in the store, by the metalink's own order.
fn is_older(states: &[State], mirror: &Snapshot, store: &Snapshot) -> bool {
    let place = |snapshot: &Snapshot| states.iter().position(|state| state.is(&snapshot.bytes));
    place(store).is_some_and(|store| place(mirror).is_some_and(|mirror| mirror > store))
}
