//! A terminal inside, shown on the caller's own: raw there, so that every key reaches the inner one, and always given
//! back as it was.

use std::os::fd::OwnedFd;

use crate::sys::pty::{self, Raw, Size};
use crate::sys::{SysError, process};

/// The outer side of a terminal inside.
#[derive(Debug)]
pub(super) struct Terminal {
    outer: OwnedFd,
    size: Option<Size>,
    /// Puts the caller's terminal back when it is dropped.
    _raw: Option<Raw>,
}

impl Terminal {
    /// Takes over the caller's terminal, where standard input is one.
    pub(super) fn new(outer: OwnedFd) -> Result<Self, SysError> {
        let raw = Raw::new(process::standard_copy(0)?)?;
        let mut terminal = Self { outer, size: None, _raw: raw };
        terminal.follow_size();
        Ok(terminal)
    }

    /// Makes the inner terminal as large as the caller's; called often, does something when that has changed.
    pub(super) fn follow_size(&mut self) {
        let size = process::standard_copy(0).ok().and_then(pty::size);
        if size != self.size {
            if let Some(size) = size {
                let _ = pty::set_size(&self.outer, size);
            }
            self.size = size;
        }
    }
}
