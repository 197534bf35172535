//! Where text goes: data to standard output, everything else through the reporter to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::terminal::{Json, Live, Plain};
use crate::report::Reporter;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Volume {
    Quiet,
    Normal,
    Verbose,
}

/// The two standard streams.
pub(super) struct Output {
    reporter: Box<dyn Reporter>,
    json: bool,
}

impl Output {
    /// Chooses the reporter: JSON lines, a live display on a terminal, plain lines otherwise.
    pub(super) fn new(common: &Common) -> Self {
        let volume = match (common.quiet, common.verbose) {
            (true, _) => Volume::Quiet,
            (false, 0) => Volume::Normal,
            (false, _) => Volume::Verbose,
        };
        let reporter: Box<dyn Reporter> = if common.json {
            Box::new(Json::new())
        } else if volume == Volume::Normal && io::stderr().is_terminal() {
            Box::new(Live::new())
        } else {
            Box::new(Plain::new(volume))
        };
        Self { reporter, json: common.json }
    }

    pub(super) fn reporter(&self) -> &dyn Reporter {
        self.reporter.as_ref()
    }

    /// Whether standard output carries JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Data: one line on standard output. With `--json` use [`Output::object`].
    pub(super) fn line(text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}")
    }

    /// Data as one JSON object a line.
    pub(super) fn object(value: &impl serde::Serialize) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer(&mut stdout, value)?;
        writeln!(stdout)
    }

    /// What failed.
    pub(super) fn failure(&self, failure: &Failure) {
        if self.json {
            #[derive(serde::Serialize)]
            struct Failed<'a> {
                event: &'a str,
                exit_code: u8,
                text: String,
            }
            let exit_code = crate::cli::exit::code(failure.kind());
            // A closed standard output cannot be told about; standard error still can.
            let _ = Self::object(&Failed { event: "failed", exit_code, text: failure.to_string() });
        }
        let mut stderr = io::stderr().lock();
        let _ = writeln!(stderr, "{failure}");
    }
}
