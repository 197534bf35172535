//! Stages and events.

use std::fmt;
use std::time::Instant;

use crate::report::Usage;

/// The stages of a run, in the words that `state.log` and `--json` use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Repository metadata: fetched, verified, parsed.
    Metadata,
    /// Choosing the packages.
    Solve,
    /// Packages: fetched and verified.
    Fetch,
    /// Packages unpacked into the store.
    Unpack,
    /// One transaction: scriptlets, files, triggers, database.
    Install,
    /// The source package unpacked in the root and made again there.
    Source,
    /// Build requirements: asked from the source, installed as a layer.
    Requires,
    /// `rpmbuild`.
    Build,
    /// Artifacts taken out and checked.
    Collect,
    /// A command in the root.
    Run,
    /// The store looked at again.
    Verify,
    /// The root written as a tar file.
    Export,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "metadata",
            Self::Solve => "solve",
            Self::Fetch => "fetch",
            Self::Unpack => "unpack",
            Self::Install => "install",
            Self::Source => "source",
            Self::Requires => "requires",
            Self::Build => "build",
            Self::Collect => "collect",
            Self::Run => "run",
            Self::Verify => "verify",
            Self::Export => "export",
        })
    }
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something that a person should act on; the run goes on.
    Warning,
    /// Shown with `-v`.
    Detail,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A stage began.
    Started {
        /// Which.
        stage: Stage,
    },
    /// A stage ended.
    Finished {
        /// Which.
        stage: Stage,
        /// Milliseconds it took.
        milliseconds: u64,
        /// Whether it did what it was for.
        ok: bool,
    },
    /// How far a stage is. Counts only grow; `total` may grow as more becomes known.
    Progress {
        /// Which stage.
        stage: Stage,
        /// The object at hand: a package, a file.
        item: String,
        /// Items finished.
        done: u64,
        /// Items known.
        total: u64,
        /// Bytes finished, where bytes are what is counted.
        bytes: u64,
        /// Bytes known.
        total_bytes: u64,
    },
    /// What the sandbox of a stage used; before the stage's end.
    Used {
        /// Which stage.
        stage: Stage,
        /// What.
        usage: Usage,
    },
    /// Something said in passing.
    Message {
        /// How much it matters.
        level: Level,
        /// What.
        text: String,
    },
    /// A line of the build's own output (or of a scriptlet), without its newline.
    Output {
        /// The stage whose process wrote it.
        stage: Stage,
        /// The line; bytes that are not UTF-8 are replaced.
        line: String,
    },
}

/// Takes events. Implementations must not fail: there is nobody to tell.
pub trait Reporter: Sync {
    /// One event.
    fn report(&self, event: Event);

    /// Something a person should know.
    fn warn(&self, text: String) {
        self.report(Event::Message { level: Level::Warning, text });
    }

    /// Something shown with `-v`.
    fn detail(&self, text: String) {
        self.report(Event::Message { level: Level::Detail, text });
    }
}

/// Says nothing; for tests and for callers that only want the result.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _event: Event) {}
}

/// Runs `work` as a stage: reports its start, its end, the time it took and whether it succeeded.
pub fn during<T, E>(
    stage: Stage,
    reporter: &dyn Reporter,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    reporter.report(Event::Started { stage });
    let began = Instant::now();
    let result = work();
    let milliseconds = began.elapsed().as_millis() as u64;
    reporter.report(Event::Finished { stage, milliseconds, ok: result.is_ok() });
    result
}
