//! Why there is no root: chains from what was asked for to what fails, one a line, and what to do about each.

use std::fmt;

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) hint: Option<String>,
    /// How many packages it leads through.
    pub(super) length: usize,
}

impl Line {
    pub(super) fn note(text: String) -> Self {
        Self { text, hint: None, length: usize::MAX }
    }

    pub(super) fn new(text: String, hint: Option<String>) -> Self {
        Self { text, hint, length: 0 }
    }
}

/// No set of packages satisfies the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    lines: Vec<Line>,
}

impl Conflict {
    pub(super) fn new(lines: Vec<Line>) -> Self {
        Self { lines }
    }

    /// The chains, one each.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let mut hints: Vec<&str> = Vec::new();
        for hint in self.lines.iter().filter_map(|line| line.hint.as_deref()) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        (!hints.is_empty()).then(|| hints[..hints.len().min(3)].join("; "))
    }
}

impl std::error::Error for Conflict {}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{line}")?;
        }
        Ok(())
    }
}
