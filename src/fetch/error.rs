//! Everything that fetching can fail with. All of it is exit code 30: no download, or none that can be trusted.

use crate::fetch::openpgp::KeyringFault;
use crate::fetch::signed::PackageFault;
use crate::fetch::{Answers, Cause};
use crate::sys::SysError;

/// What fetching failed at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that is no place of a file.
    #[error("`{}` is not an http, https or file URL", .url.escape_default())]
    Url {
        /// The text.
        url: String,
    },
    /// Metadata names a file outside of its repository.
    #[error("metadata names `{}`, which is not a path in the repository", .location.escape_default())]
    Location {
        /// What it names.
        location: String,
    },
    /// A file that no place gave.
    #[error("cannot get {what}")]
    Unavailable {
        /// The file, as a reader would call it.
        what: String,
        /// What each place said.
        #[source]
        answers: Answers,
    },
    /// Metadata that no place gave.
    #[error("cannot get {what}")]
    Unreachable {
        /// The metadata, as a reader would call it.
        what: String,
        /// How many seconds old what is in the store is.
        kept: Option<u64>,
        /// What each place said.
        #[source]
        answers: Answers,
    },
    /// A list of mirrors without a usable one.
    #[error("{what} names no mirror that can be used{}", .said.as_ref().map_or(String::new(), |said| format!(": {said}")))]
    NoMirrors {
        /// The list.
        what: String,
        /// What it says instead.
        said: Option<String>,
    },
    /// A metalink that cannot be used.
    #[error("{what} is not a metalink of repomd.xml: {why}")]
    Metalink {
        /// The metalink.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something is not in the store, and the network must not be used.
    #[error("{what} is not in the store, and the network is off")]
    Offline {
        /// What is missing.
        what: String,
    },
    /// Metadata whose own list of files cannot be used.
    #[error("repository `{repo}` has unusable metadata: {why}")]
    Metadata {
        /// The repository.
        repo: String,
        /// What is wrong.
        why: String,
    },
    /// A package that cannot be trusted.
    #[error("package {package} of repository `{repo}` is not accepted")]
    Package {
        /// The package.
        package: String,
        /// Its repository.
        repo: String,
        /// Why.
        source: Box<PackageFault>,
    },
    /// A package that nothing vouches for: old metadata, and no signature.
    #[error("package {package} of repository `{repo}` is only vouched for by a SHA-1 digest")]
    WeakDigest {
        /// The package.
        package: String,
        /// Its repository.
        repo: String,
    },
    /// A repository without a key that counts.
    #[error("no key of repository `{repo}` can be used")]
    Keys {
        /// The repository.
        repo: String,
        /// What is wrong with the first.
        source: KeyringFault,
    },
    /// A file of keys that cannot be read.
    #[error("cannot read the key {place}")]
    KeyFile {
        /// Its path.
        place: String,
        /// Why.
        source: SysError,
    },
    /// A key by URL that anybody on the way could replace.
    #[error("the key {url} of repository `{repo}` has no pinned fingerprint")]
    UnpinnedKey {
        /// The repository.
        repo: String,
        /// The key's URL.
        url: String,
    },
    /// The store cannot be read or written.
    #[error("cannot work in the store")]
    Store(#[source] SysError),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// With its cause, for a warning.
    pub(super) fn in_one_line(&self) -> String {
        let source = std::error::Error::source(self);
        source.map_or_else(|| self.to_string(), |source| format!("{self}: {source}"))
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Offline { .. } => Some("run once without --offline".to_owned()),
            Self::Unreachable { kept: Some(seconds), .. } => Some(format!(
                "the store has it as it was {} ago; --offline uses that",
                if *seconds < 7200 {
                    format!("{} min", seconds / 60)
                } else {
                    format!("{} h", seconds / 3600)
                }
            )),
            Self::Unreachable { answers, .. } | Self::Unavailable { answers, .. } => {
                answers.causes().find_map(hint_of)
            }
            Self::KeyFile { .. } => Some(
                "install the keys (distribution-gpg-keys), or give another path in the release file"
                    .to_owned(),
            ),
            Self::NoMirrors { .. } => Some(
                "check the release and the architecture in the URL, or give a `baseurl` instead".to_owned(),
            ),
            Self::Package { source, .. } => source.hint(),
            Self::WeakDigest { .. } => Some("turn gpgcheck on, with the repository's keys".to_owned()),
            Self::Keys { source, .. } => source.hint(),
            Self::UnpinnedKey { .. } => Some("add `fingerprint = \"…\"` beside it, all of it".to_owned()),
            _ => None,
        }
    }

    /// Whether the repository is merely out of reach, so that a run may go on without it where the release file says
    /// so (`skip_if_unavailable`). What looks like an attack or a broken store is never skipped.
    pub fn is_unavailable(&self) -> bool {
        let forged = |cause: &Cause| matches!(cause, Cause::Unsigned | Cause::Signature(_));
        match self {
            Self::NoMirrors { .. } | Self::Offline { .. } => true,
            Self::Unavailable { answers, .. } | Self::Unreachable { answers, .. } => {
                !answers.causes().any(forged)
            }
            _ => false,
        }
    }
}

fn hint_of(cause: &Cause) -> Option<String> {
    let text = match cause {
        Cause::Certificate(_) => {
            "install the host's certificates (ca-certificates) and check its clock; a private authority goes into `sslcacert`"
        }
        Cause::Connect(_) => "check the network and the proxy (https_proxy, no_proxy), or add a mirror",
        Cause::Digest { .. } | Cause::Size { .. } => {
            "the mirror is out of step with its metadata: --refresh asks for that again; else try later, or use another mirror"
        }
        Cause::Status { code: 404 | 410, .. } => {
            "the mirror does not have it: the metadata may be out of date, or the release may have moved to an archive"
        }
        Cause::Status { code: 401 | 403 | 407, .. } => {
            "the server wants credentials: put them in the URL, or into `username` and `password` of the repository"
        }
        Cause::Unsigned => "if the repository's metadata is not signed, say `repo_gpgcheck = false`",
        Cause::Signature(fault) => return fault.hint(),
        _ => return None,
    };
    Some(text.to_owned())
}
