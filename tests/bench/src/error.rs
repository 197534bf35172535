//! Why nothing could be measured.

use std::path::Path;

/// An error, with what was tried.
#[derive(Debug)]
pub(crate) enum Error {
    /// The host refused something.
    Io { what: String, source: std::io::Error },
    /// A program failed that must not.
    Failed { command: String, output: String },
    /// Something is not as it must be.
    Broken { what: String, why: String },
}

impl Error {
    /// For `map_err`: what was tried on which path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let what = format!("{doing} {}", path.display());
        move |source| Self::Io { what, source }
    }

    pub(crate) fn broken(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Broken { what: what.into(), why: why.to_string() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { what, source } => write!(f, "cannot {what}: {source}"),
            Self::Failed { command, output } => write!(f, "`{command}` failed\n{output}"),
            Self::Broken { what, why } => write!(f, "{what}: {why}"),
        }
    }
}
