//! A failure as a person reads it: `error:`, `because:`, `hint:`, `log:` and the last lines of that log.

use std::error::Error as _;
use std::fmt;
use std::process::ExitCode;

use crate::cli::exit;
use crate::engine;
use crate::engine::Kind;

/// What went wrong with a verb.
#[derive(Debug)]
pub(super) enum Failure {
    /// The engine could not do it.
    Engine(engine::Error),
    /// The verb's arguments do not fit together.
    Arguments { message: String, hint: String },
    /// Standard output is closed.
    Output(std::io::Error),
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    pub(super) fn arguments(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Arguments { message: message.into(), hint: hint.into() }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::Arguments { .. } => Kind::Arguments,
            Self::Output(_) => Kind::Internal,
        }
    }

    /// Whether the reader of standard output went away.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(exit::code(self.kind()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => engine_failure(f, error),
            Self::Arguments { message, hint } => write!(f, "error: {message}\n  hint: {hint}"),
            Self::Output(error) => write!(f, "error: standard output: {error}"),
        }
    }
}

fn engine_failure(f: &mut fmt::Formatter<'_>, error: &engine::Error) -> fmt::Result {
    indented(f, "error: ", &error.to_string())?;
    let mut cause = error.source();
    let mut last = error.to_string();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !last.contains(&text) {
            f.write_str("\n")?;
            indented(f, "  because: ", &text)?;
        }
        last = text;
        cause = inner.source();
    }
    if let Some(hint) = error.hint() {
        f.write_str("\n")?;
        indented(f, "  hint: ", &hint)?;
    }
    if let Some(log) = error.log() {
        write!(f, "\n  log: {}", log.path)?;
        for line in &log.tail {
            write!(f, "\n    {}", crate::cli::lines::printable(line))?;
        }
    }
    Ok(())
}

/// Writes `text` after `label`; further lines are indented under the first. Words of a build may be in it.
fn indented(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut lines = text.lines().map(crate::cli::lines::printable);
    write!(f, "{label}{}", lines.next().unwrap_or_default())?;
    let margin = " ".repeat(label.len());
    lines.try_for_each(|line| write!(f, "\n{margin}{line}"))
}
