//! The command's standard streams and where they lead. The command gets pipes, or a terminal of its own: never a file
//! or a terminal of the host's, which it could open again through `/proc/self/fd`.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::plan::Stdio;
use crate::sandbox::terminal::Terminal;
use crate::sys::poll::{self, Interest, Moved};
use crate::sys::{SysError, process, socket};

/// The two sides of a command's standard streams.
#[derive(Debug)]
pub(super) struct Streams {
    /// Input, output and error as the command gets them; none when it gets a terminal.
    pub theirs: Vec<OwnedFd>,
    /// The other sides.
    pub ours: Ours,
}

/// The supervisor's sides.
#[derive(Debug, Default)]
pub(super) struct Ours {
    /// Bytes that the command reads.
    feed: Option<Feed>,
    /// What the command writes, for the caller.
    capture: Option<OwnedFd>,
    /// What goes on to, or comes from, the supervisor's own streams.
    channels: Vec<Channel>,
    terminal: Option<Terminal>,
}

#[derive(Debug)]
struct Feed {
    to: OwnedFd,
    bytes: Vec<u8>,
}

/// Which way a channel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Copies from one descriptor to another without ever waiting for either.
#[derive(Debug)]
struct Channel {
    way: Way,
    from: Option<OwnedFd>,
    to: Option<OwnedFd>,
    held: Vec<u8>,
}

/// What a position in the list of watched descriptors stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Input for the command.
    Feed,
    /// Output for the caller.
    Capture,
    /// One of the channels.
    Channel(usize),
}

/// A pipe or terminal that says it is ready takes at least this much without waiting.
const PIECE: usize = 4096;
const BUFFER: usize = 64 * 1024;

impl Streams {
    /// Pipes as `kind` says.
    pub(super) fn new(kind: Stdio) -> Result<Self, SysError> {
        if kind == Stdio::Terminal {
            return Ok(Self { theirs: Vec::new(), ours: Ours::default() });
        }
        let (read_input, write_input) = socket::pipe()?;
        let (read_output, write_output) = socket::pipe()?;
        poll::set_nonblocking(&write_input)?;
        poll::set_nonblocking(&read_output)?;
        let mut ours = Ours::default();
        let write_error = if kind == Stdio::Connected {
            let (read_error, write_error) = socket::pipe()?;
            poll::set_nonblocking(&read_error)?;
            let own = |number| process::standard_copy(number);
            ours.channels = vec![
                Channel::new(Way::In, own(0)?, write_input),
                Channel::new(Way::Out, read_output, own(1)?),
                Channel::new(Way::Out, read_error, own(2)?),
            ];
            write_error
        } else {
            if kind == Stdio::Piped {
                ours.feed = Some(Feed { to: write_input, bytes: Vec::new() });
            }
            ours.capture = Some(read_output);
            socket::duplicate(&write_output)?
        };
        Ok(Self { theirs: vec![read_input, write_output, write_error], ours })
    }
}

impl Ours {
    /// Connects the supervisor's own streams with a terminal inside, whose outer side came with the answer.
    pub(super) fn connect_terminal(&mut self, outer: OwnedFd) -> Result<(), SysError> {
        self.channels = vec![
            Channel::new(Way::In, process::standard_copy(0)?, socket::duplicate(&outer)?),
            Channel::new(Way::Out, socket::duplicate(&outer)?, process::standard_copy(1)?),
        ];
        self.terminal = Some(Terminal::new(outer)?);
        Ok(())
    }

    /// What the command reads; its end of file comes after the last byte.
    pub(super) fn feed(&mut self, bytes: Vec<u8>) {
        if let Some(feed) = &mut self.feed {
            feed.bytes = bytes;
        }
    }

    /// Keeps a terminal inside as large as the one outside.
    pub(super) fn follow_size(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.follow_size();
        }
    }

    /// Closes what has no more to move: input that has all been written, output that nobody reads.
    pub(super) fn close_what_is_done(&mut self) {
        if self.feed.as_ref().is_some_and(|feed| feed.bytes.is_empty()) {
            self.feed = None;
        }
        self.channels.iter_mut().for_each(Channel::close_what_is_done);
    }

    /// What has to be watched.
    pub(super) fn watched(&self) -> Vec<(Slot, BorrowedFd<'_>, Interest)> {
        let feed = self.feed.iter().map(|feed| (Slot::Feed, feed.to.as_fd(), Interest::Write));
        let capture = self.capture.iter().map(|fd| (Slot::Capture, fd.as_fd(), Interest::Read));
        let channels = self.channels.iter().enumerate().filter_map(|(number, channel)| {
            channel.watched().map(|(fd, interest)| (Slot::Channel(number), fd, interest))
        });
        feed.chain(capture).chain(channels).collect()
    }

    /// Whether something that the command wrote may still be on its way.
    pub(super) fn is_open(&self) -> bool {
        self.capture.is_some()
            || self.channels.iter().any(|channel| channel.way == Way::Out && channel.watched().is_some())
    }

    /// Nothing goes in any more.
    pub(super) fn stop_input(&mut self) {
        self.feed = None;
        self.channels.retain(|channel| channel.way == Way::Out);
    }

    /// Moves bytes where a descriptor is ready; gives the number of bytes captured.
    pub(super) fn advance(&mut self, slot: Slot, on_output: &mut dyn FnMut(&[u8])) -> usize {
        match slot {
            Slot::Feed => {
                self.write_input();
                0
            }
            Slot::Capture => self.read_output(on_output),
            Slot::Channel(number) => {
                self.channels[number].advance();
                0
            }
        }
    }

    fn write_input(&mut self) {
        let Some(feed) = &mut self.feed else { return };
        match poll::write(&feed.to, &feed.bytes) {
            Moved::Bytes(count) => drop(feed.bytes.drain(..count)),
            Moved::Wait => {}
            Moved::End => self.feed = None,
        }
    }

    fn read_output(&mut self, on_output: &mut dyn FnMut(&[u8])) -> usize {
        let Some(fd) = &self.capture else { return 0 };
        let mut buffer = vec![0; BUFFER];
        match poll::read(fd, &mut buffer) {
            Moved::Bytes(count) => {
                on_output(&buffer[..count]);
                count
            }
            Moved::Wait => 0,
            Moved::End => {
                self.capture = None;
                0
            }
        }
    }
}

impl Channel {
    fn new(way: Way, from: OwnedFd, to: OwnedFd) -> Self {
        Self { way, from: Some(from), to: Some(to), held: Vec::new() }
    }

    fn watched(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        match (&self.from, &self.to) {
            (_, Some(to)) if !self.held.is_empty() => Some((to.as_fd(), Interest::Write)),
            (Some(from), Some(_)) => Some((from.as_fd(), Interest::Read)),
            _ => None,
        }
    }

    /// The end of what comes is passed on; who does not want to read any more is not written to.
    fn close_what_is_done(&mut self) {
        if self.from.is_none() && self.held.is_empty() {
            self.to = None;
        }
        if self.to.is_none() {
            self.from = None;
        }
    }

    fn advance(&mut self) {
        if let Some(to) = self.to.as_ref().filter(|_| !self.held.is_empty()) {
            let piece = self.held.len().min(PIECE);
            match poll::write(to, &self.held[..piece]) {
                Moved::Bytes(count) => drop(self.held.drain(..count)),
                Moved::Wait => {}
                Moved::End => self.to = None,
            }
        } else if let Some(from) = &self.from {
            self.held.resize(BUFFER, 0);
            let moved = poll::read(from, &mut self.held);
            self.held.truncate(if let Moved::Bytes(count) = moved { count } else { 0 });
            if moved == Moved::End {
                self.from = None;
            }
        }
    }
}
