//! One request, one stream of bytes. The request runs in a thread of its own and hands over pieces, so that whoever
//! waits for them can notice a stall, an interrupt or a failure elsewhere within a tenth of a second, also while a
//! name is looked up or a connection made.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{self, HeaderMap, HeaderName};

use crate::config::Connection;
use crate::fetch::url::local;
use crate::fetch::{Cause, FetchOptions, Network, tls};
use crate::sys::SysError;
use crate::sys::part::Regular;

/// How often a wait looks up.
pub(super) const TICK: Duration = Duration::from_millis(50);
const PIECE: usize = 64 << 10;
const PIECES: usize = 4;

/// What is asked for beside the URL.
#[derive(Debug, Default)]
pub(super) struct Ask {
    /// Only the bytes from here on, where the server can.
    pub(super) from: u64,
    /// Only if the file still has this validator; all of it otherwise.
    pub(super) if_range: Option<String>,
    /// Nothing, if the file still has this validator.
    pub(super) known: Validators,
}

/// How a server names a version of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Validators {
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

impl Validators {
    /// The one that says that two versions are the same byte for byte.
    pub(super) fn strong(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| !etag.starts_with("W/"))
    }
}

/// The start of an answer.
#[derive(Debug)]
pub(super) struct Head {
    /// Where in the file the bytes start.
    pub(super) from: u64,
    /// How long the whole file is, where the server says so.
    pub(super) length: Option<u64>,
    pub(super) validators: Validators,
    /// The server has nothing newer than what was known.
    pub(super) unchanged: bool,
}

enum Wire {
    Head { code: u16, headers: HeaderMap },
    Piece(Vec<u8>),
    End,
    Failed(Cause),
}

/// Why no more bytes come.
#[derive(Debug)]
pub(super) enum Stop {
    /// The attempt failed.
    Failed(Cause),
    /// The store cannot be written.
    Store(SysError),
    /// Nobody wants the bytes any more.
    Unwanted,
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause)
    }
}

enum Source {
    Wire(Receiver<Wire>),
    Disk(Regular),
}

/// The bytes of one answer.
pub(super) struct Body<'a> {
    source: Source,
    wanted: &'a dyn Fn() -> bool,
    stall: Duration,
    slowest: u64,
    window: Instant,
    in_window: u64,
}

/// The shared clients, one for each way of proving oneself, made when a request first needs it: reading the host's
/// certificates takes a while, and a warm run asks nobody.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<BTreeMap<Connection, Client>>);

impl Shared {
    fn get(&self, options: &FetchOptions, connection: &Connection) -> Result<Client, Cause> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(connection) {
            return Ok(client.clone());
        }
        let client = tls::client(options, connection)?;
        clients.insert(connection.clone(), client.clone());
        Ok(client)
    }

    /// Asks for `url` and waits for the start of the answer.
    pub(super) fn get_url<'a>(
        &self,
        url: &Url,
        ask: &Ask,
        (options, connection): (&FetchOptions, &Connection),
        wanted: &'a dyn Fn() -> bool,
    ) -> Result<(Head, Body<'a>), Stop> {
        let (stall, slowest) = (options.timeouts.stall, options.timeouts.slowest);
        let body = |source| Body { source, wanted, stall, slowest, window: Instant::now(), in_window: 0 };
        if let Some(path) = local(url) {
            let (head, file) = open(&path, ask.from).map_err(Cause::Local)?;
            return Ok((head, body(Source::Disk(file))));
        }
        if options.network == Network::Offline {
            return Err(Cause::Offline.into());
        }
        let request = request(&self.get(options, connection)?, url, ask);
        let (sender, receiver) = sync_channel(PIECES);
        let carrier = thread::Builder::new().name("fetch".to_owned());
        carrier
            .spawn(move || carry(request, &sender, stall))
            .map_err(|error| Cause::Local(SysError::new("clone", "thread", error)))?;
        let mut body = body(Source::Wire(receiver));
        let head = body.head(ask, stall + options.timeouts.connect)?;
        Ok((head, body))
    }
}

fn request(client: &Client, url: &Url, ask: &Ask) -> RequestBuilder {
    let range = (ask.from > 0).then(|| format!("bytes={}-", ask.from));
    let rows: [(HeaderName, Option<&str>); 5] = [
        (header::ACCEPT_ENCODING, Some("identity")),
        (header::RANGE, range.as_deref()),
        (header::IF_RANGE, range.as_ref().and(ask.if_range.as_deref())),
        (header::IF_NONE_MATCH, ask.known.etag.as_deref()),
        (header::IF_MODIFIED_SINCE, ask.known.modified.as_deref()),
    ];
    rows.into_iter().fold(client.get(url.clone()), |request, (name, value)| match value {
        Some(value) => request.header(name, value),
        None => request,
    })
}

/// The body of the thread: sends on what comes until the end, or until nobody listens.
fn carry(request: RequestBuilder, wire: &SyncSender<Wire>, stall: Duration) {
    let last = match request.send() {
        Ok(response) => carry_body(response, wire, stall),
        Err(error) => Wire::Failed(Cause::of(&error, stall)),
    };
    let _ = wire.send(last);
}

fn carry_body(mut response: Response, wire: &SyncSender<Wire>, stall: Duration) -> Wire {
    let (code, headers) = (response.status().as_u16(), response.headers().clone());
    if wire.send(Wire::Head { code, headers }).is_err() {
        return Wire::End;
    }
    loop {
        let mut piece = vec![0; PIECE];
        match response.read(&mut piece) {
            Ok(0) => return Wire::End,
            Ok(count) => {
                piece.truncate(count);
                if wire.send(Wire::Piece(piece)).is_err() {
                    return Wire::End;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Wire::Failed(Cause::of_read(&error, stall)),
        }
    }
}

fn open(path: &Path, from: u64) -> Result<(Head, Regular), SysError> {
    let mut file = Regular::open(path)?;
    let length = file.length();
    // A file that is shorter than what is there already cannot be its continuation.
    let from = if from <= length { from } else { 0 };
    file.seek(from)?;
    let head = Head { from, length: Some(length), validators: Validators::default(), unchanged: false };
    Ok((head, file))
}

impl Body<'_> {
    /// The next bytes; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let piece = match &mut self.source {
            Source::Disk(file) => {
                if !(self.wanted)() {
                    return Err(Stop::Unwanted);
                }
                let mut piece = vec![0; PIECE];
                let count = file.read(&mut piece).map_err(Cause::Local)?;
                piece.truncate(count);
                if count == 0 { Wire::End } else { Wire::Piece(piece) }
            }
            Source::Wire(_) => self.wait(self.stall)?,
        };
        match piece {
            Wire::Piece(piece) => {
                self.pace(piece.len() as u64)?;
                Ok(Some(piece))
            }
            Wire::End => Ok(None),
            Wire::Failed(cause) => Err(cause.into()),
            Wire::Head { .. } => Err(Cause::Protocol("two answers".to_owned()).into()),
        }
    }

    fn head(&mut self, ask: &Ask, patience: Duration) -> Result<Head, Stop> {
        match self.wait(patience)? {
            Wire::Head { code, headers } => {
                self.window = Instant::now();
                Ok(head(code, &headers, ask)?)
            }
            Wire::Failed(cause) => Err(cause.into()),
            Wire::Piece(_) | Wire::End => Err(Cause::Protocol("no answer".to_owned()).into()),
        }
    }

    fn wait(&self, patience: Duration) -> Result<Wire, Stop> {
        let Source::Wire(receiver) = &self.source else { return Ok(Wire::End) };
        let began = Instant::now();
        loop {
            if !(self.wanted)() {
                return Err(Stop::Unwanted);
            }
            match receiver.recv_timeout(TICK) {
                Ok(piece) => return Ok(piece),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Cause::Broken("the request ended".to_owned()).into());
                }
                Err(RecvTimeoutError::Timeout) if began.elapsed() >= patience => {
                    return Err(Cause::Stalled(patience).into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// A trickle is a stall too.
    fn pace(&mut self, count: u64) -> Result<(), Cause> {
        self.in_window += count;
        let elapsed = self.window.elapsed();
        if elapsed < self.stall {
            return Ok(());
        }
        if (self.in_window as f64) < self.slowest as f64 * elapsed.as_secs_f64() {
            return Err(Cause::Stalled(elapsed));
        }
        (self.window, self.in_window) = (Instant::now(), 0);
        Ok(())
    }
}

fn head(code: u16, headers: &HeaderMap, ask: &Ask) -> Result<Head, Cause> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: HeaderName| text(name).and_then(|value| value.trim().parse::<u64>().ok());
    let validators = Validators {
        etag: text(header::ETAG).map(str::to_owned),
        modified: text(header::LAST_MODIFIED).map(str::to_owned),
    };
    let whole = |unchanged| Head { from: 0, length: number(header::CONTENT_LENGTH), validators, unchanged };
    match code {
        200 => Ok(whole(false)),
        304 if ask.known != Validators::default() => Ok(whole(true)),
        206 if ask.from > 0 => {
            let range = text(header::CONTENT_RANGE).and_then(content_range);
            let (from, length) = range.ok_or_else(|| Cause::Protocol("no range in a 206".to_owned()))?;
            if from == ask.from {
                Ok(Head { from, length, ..whole(false) })
            } else {
                Err(Cause::Protocol(format!("asked for bytes from {}, got them from {from}", ask.from)))
            }
        }
        _ => Err(Cause::Status { code, wait: number(header::RETRY_AFTER).map(Duration::from_secs) }),
    }
}

/// `bytes FROM-TO/TOTAL` or `bytes FROM-TO/*`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split_once('-')?.0.trim().parse().ok()?;
    Some((from, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read() {
        let table = [
            ("bytes 5-9/10", Some((5, Some(10)))),
            ("bytes 5-9/*", Some((5, None))),
            ("bytes */10", None),
            ("items 5-9/10", None),
        ];
        for (text, range) in table {
            assert_eq!(content_range(text), range, "{text}");
        }
    }
}
