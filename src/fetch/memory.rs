//! What is remembered of a repository between runs, so that a warm run asks nobody.

use crate::config::{Origin, Repo, without_secrets};
use crate::fetch::client::Validators;
use crate::fetch::dirs::Dirs;
use crate::fetch::url::{self, Base};
use crate::fetch::{Error, now};
use crate::sys::fs;
use crate::unit::{Digest, seal, unseal};

/// Since 2 it has no secrets in it: a store may be given to others.
const VERSION: u32 = 2;

/// One repository, as it was when it was last asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Memory {
    version: u32,
    /// Its id, for people who look into the file.
    pub(super) repo: String,
    /// The digest of its `repomd.xml`.
    pub(super) snapshot: Digest,
    /// When it was last known to be current, in seconds since 1970.
    checked: u64,
    /// The mirror that gave it.
    pub(super) from: String,
    /// How that mirror names this version.
    pub(super) validators: Validators,
    /// The mirrors, best first.
    pub(super) mirrors: Vec<String>,
    /// Whether some of its documents lie in a store below.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) borrowed: bool,
}

impl Memory {
    /// What is known after `repo` was asked for just now.
    pub(super) fn new(
        repo: &Repo,
        snapshot: Digest,
        (from, validators): (String, Validators),
        mirrors: Vec<String>,
    ) -> Self {
        let (repo, checked) = (repo.id.clone(), now());
        Self { version: VERSION, repo, snapshot, checked, from, validators, mirrors, borrowed: false }
    }

    /// The same, known to be current just now.
    pub(super) fn renewed(self, mirrors: Vec<String>) -> Self {
        Self { checked: now(), mirrors, ..self }
    }

    /// Reads what is known of `repo`, here and in a store below: the newest first. A file of another version, or a
    /// damaged one, is nothing known.
    pub(super) fn load(repo: &Repo, dirs: &Dirs) -> Result<Vec<Self>, Error> {
        let mut known = Vec::new();
        for path in dirs.places(dirs.memory(&key(repo))) {
            let bytes = fs::read_if_there(path).map_err(Error::Store)?;
            let memory = bytes.as_deref().and_then(Self::parse);
            let memory = memory.filter(|memory| memory.version == VERSION);
            known.extend(memory.map(|memory| memory.with_addresses(&|text| revealed(text, &repo.origin))));
        }
        known.sort_by_key(|memory| std::cmp::Reverse(memory.checked));
        Ok(known)
    }

    fn with_addresses(self, change: &dyn Fn(&str) -> String) -> Self {
        let mirrors = self.mirrors.iter().map(|text| change(text)).collect();
        Self { from: change(&self.from), mirrors, ..self }
    }

    /// What a file remembers; nothing where it is damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(unseal(bytes)?).ok()
    }

    /// Keeps it for the next run.
    pub(super) fn save(&self, repo: &Repo, dirs: &Dirs) -> Result<(), Error> {
        let kept = self.clone().with_addresses(&|text| concealed(text, &repo.origin));
        let bytes = serde_json::to_vec(&kept)
            .map_err(|error| Error::Metadata { repo: repo.id.clone(), why: error.to_string() })?;
        dirs.publish(&dirs.memory(&key(repo)), &seal(&bytes))
    }

    /// Whether it may be used without asking. A clock that was set back makes everything old.
    pub(super) fn is_fresh(&self, expire: u64) -> bool {
        let now = now();
        self.checked <= now && now - self.checked < expire
    }

    /// How old it is, for messages.
    pub(super) fn age(&self) -> u64 {
        now().saturating_sub(self.checked)
    }
}

/// An address of a repository without what only its configuration knows.
fn concealed(address: &str, origin: &Origin) -> String {
    match origin {
        Origin::Baseurl(_) => without_secrets(address),
        Origin::Mirrorlist(_) | Origin::Metalink(_) => url::without_credentials(address),
    }
}

/// The address as the configuration has it.
fn revealed(address: &str, origin: &Origin) -> String {
    match origin {
        Origin::Baseurl(urls) => {
            let bases = urls.iter().filter_map(|text| Some(Base::directory(text).ok()?.text().to_owned()));
            let found = bases.into_iter().find(|base| without_secrets(base) == address);
            found.unwrap_or_else(|| address.to_owned())
        }
        Origin::Mirrorlist(list) | Origin::Metalink(list) => url::with_credentials(address, list),
    }
}

/// Forgets whatever says that a state of a repository is in the store.
pub(super) fn forget(snapshot: &Digest, dirs: &Dirs) -> Result<(), Error> {
    let directory = dirs.memories();
    for name in fs::list_if_there(&directory).map_err(Error::Store)? {
        let path = directory.join(&name);
        let bytes = fs::read_if_there(&path).map_err(Error::Store)?;
        if bytes.as_deref().and_then(Memory::parse).is_some_and(|memory| memory.snapshot == *snapshot) {
            fs::remove_if_there(&path).map_err(Error::Store)?;
        }
    }
    Ok(())
}

/// What tells one repository from another: its id and where it is.
fn key(repo: &Repo) -> Digest {
    let mut text = repo.id.clone();
    let (kind, places): (_, &[String]) = match &repo.origin {
        Origin::Baseurl(urls) => ("baseurl", urls),
        Origin::Mirrorlist(url) => ("mirrorlist", std::slice::from_ref(url)),
        Origin::Metalink(url) => ("metalink", std::slice::from_ref(url)),
    };
    for part in std::iter::once(kind).chain(places.iter().map(String::as_str)) {
        text.push('\0');
        text.push_str(part);
    }
    Digest::sha256(text.as_bytes())
}
