//! The keys of a repository, read from where the release file says they are.

use std::sync::Arc;

use crate::config::{Check, Key, KeyLocation, Repo, without_secrets};
use crate::fetch::batch::Batch;
use crate::fetch::dirs::Dirs;
use crate::fetch::openpgp::{KeySource, Keyring, KeyringFault};
use crate::fetch::{Error, Network, now, url};
use crate::report::Reporter;
use crate::sys::fs;
use crate::sys::part::Regular;
use crate::unit::{seal, unseal};

const LIMIT: u64 = 4 << 20;

/// The keyring of `repo`; nothing where it checks no signature. A key that cannot be used is told of and left out, as
/// long as another one can.
pub(super) fn load(
    batch: &Batch<'_>,
    repo: &Repo,
    dirs: &Dirs,
    reporter: &dyn Reporter,
) -> Result<Option<Arc<Keyring>>, Error> {
    if repo.gpgcheck == Check::Off && repo.repo_gpgcheck == Check::Off {
        return Ok(None);
    }
    let mut keyring = Keyring::new();
    let mut first = None;
    for key in &repo.keys {
        if let Err(error) = add(&mut keyring, batch, (repo, key), dirs) {
            // A key that is not the pinned one is not an accident to be passed over.
            let serious = matches!(&error, Error::Keys { source: KeyringFault::OtherKey { .. }, .. });
            if serious || matches!(error, Error::UnpinnedKey { .. } | Error::Interrupted) {
                return Err(error);
            }
            if let Some(error) = first.replace(error) {
                reporter.warn(error.in_one_line());
            }
        }
    }
    match first {
        Some(error) if keyring.is_empty() => Err(error),
        Some(error) => {
            reporter.warn(error.in_one_line());
            Ok(Some(Arc::new(keyring)))
        }
        None if keyring.is_empty() => {
            let source = KeyringFault::Empty { place: "the release file".to_owned(), why: None };
            Err(Error::Keys { repo: repo.id.clone(), source })
        }
        None => Ok(Some(Arc::new(keyring))),
    }
}

fn add(
    keyring: &mut Keyring,
    batch: &Batch<'_>,
    (repo, key): (&Repo, &Key),
    dirs: &Dirs,
) -> Result<(), Error> {
    let place = without_secrets(&key.location.to_string());
    let pin = key.fingerprint.as_deref();
    let mut try_bytes =
        |bytes: &[u8]| keyring.add(KeySource { place: &place, bytes, pin, expired: key.expired }, now());
    let refused = |source| Error::Keys { repo: repo.id.clone(), source };
    let text = match &key.location {
        KeyLocation::Path(path) => {
            let bytes = Regular::open(path.as_path()).and_then(|file| file.read_all(LIMIT));
            let bytes = bytes.map_err(|source| Error::KeyFile { place: place.clone(), source })?;
            return try_bytes(&bytes).map_err(refused);
        }
        KeyLocation::Url(text) => text,
    };
    let Some(pin) = pin else {
        return Err(Error::UnpinnedKey { repo: repo.id.clone(), url: place });
    };
    let kept = dirs.certificate(pin);
    let online = batch.fetcher.options.network == Network::Online;
    let mut fault = None;
    for place in dirs.places(kept.clone()) {
        let known = fs::read_if_there(&place).map_err(Error::Store)?;
        match known.and_then(|bytes| unseal(&bytes).map(&mut try_bytes)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(found)) => fault = Some(found),
            None => {}
        }
    }
    // Expired, perhaps: it may have been published again with a later date.
    if let Some(fault) = fault.filter(|_| !online) {
        return Err(refused(fault));
    }
    let what = format!("the key {place} of repository `{}`", repo.id);
    let bytes = batch.text(&url::parse(text)?, LIMIT, &what)?;
    try_bytes(&bytes).map_err(refused)?;
    dirs.publish(&kept, &seal(&bytes))
}
