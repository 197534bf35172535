//! Pseudo-terminals: making one inside a sandbox, and treating the caller's own with care.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, Termios, Winsize};

use crate::sys::SysError;
use crate::sys::error::quoted;

type Result<T> = std::result::Result<T, SysError>;

/// A new terminal of the devpts at `/dev/pts`, which belongs to `uid`: the side that a supervisor holds, which does
/// not block, and the side that is the terminal.
pub fn open(uid: u32) -> Result<(OwnedFd, OwnedFd)> {
    const MULTIPLEXER: &str = "/dev/pts/ptmx";
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let outer = rustix::fs::open(MULTIPLEXER, flags, Mode::empty()).map_err(quoted("open", MULTIPLEXER))?;
    rustix::pty::unlockpt(&outer).map_err(quoted("ioctl", "TIOCSPTLCK"))?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let inner = rustix::pty::ioctl_tiocgptpeer(&outer, flags).map_err(quoted("ioctl", "TIOCGPTPEER"))?;
    rustix::fs::fchown(&inner, Some(Uid::from_raw(uid)), None::<Gid>)
        .map_err(quoted("fchown", format!("terminal, {uid}")))?;
    Ok((outer, inner))
}

/// Makes a terminal the controlling one of this session.
pub fn control(terminal: impl AsFd) -> Result<()> {
    rustix::process::ioctl_tiocsctty(terminal).map_err(quoted("ioctl", "TIOCSCTTY"))
}

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
}

/// A terminal's size; `None` for what is no terminal.
pub fn size(terminal: impl AsFd) -> Option<Size> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(Size { rows: size.ws_row, columns: size.ws_col })
}

/// Changes a terminal's size; whoever runs in it is told by SIGWINCH.
pub fn set_size(terminal: impl AsFd, size: Size) -> Result<()> {
    let window = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(terminal, window).map_err(quoted("ioctl", format!("TIOCSWINSZ, {size:?}")))
}

/// The caller's terminal in raw mode for as long as this lives: every key goes through, none is acted upon.
#[derive(Debug)]
pub struct Raw {
    terminal: OwnedFd,
    before: Termios,
}

impl Raw {
    /// Switches a terminal to raw mode; `None` for what is no terminal.
    pub fn new(terminal: OwnedFd) -> Result<Option<Self>> {
        if !rustix::termios::isatty(&terminal) {
            return Ok(None);
        }
        let before = rustix::termios::tcgetattr(&terminal).map_err(quoted("tcgetattr", ""))?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(&terminal, OptionalActions::Drain, &raw)
            .map_err(quoted("tcsetattr", "raw"))?;
        Ok(Some(Self { terminal, before }))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}
