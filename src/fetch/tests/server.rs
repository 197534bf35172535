//! A small web server on loopback, with faults.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What goes wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// This status, every time.
    Status(u16),
    /// This status, so many times, then the file.
    StatusFor(u16, usize),
    /// The connection is reset after so many bytes, so many times.
    Reset(usize, usize),
    /// Nothing more comes after so many bytes, so many times.
    Stall(usize, usize),
    /// The answer is closed after so many bytes, without a length, so many times.
    Cut(usize, usize),
    /// One byte is another one.
    Flipped,
    /// Something follows the file.
    Longer,
    /// The server does not know ranges.
    NoRange,
    /// A redirect to itself.
    Circle,
    /// One byte at a time, slowly.
    Trickle,
}

#[derive(Default)]
struct Shared {
    files: Mutex<BTreeMap<String, (Vec<u8>, Fault)>>,
    hits: Mutex<BTreeMap<String, usize>>,
    log: Mutex<Vec<String>>,
    stop: AtomicBool,
}

/// The server; it ends when dropped.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if inside.stop.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&inside);
                thread::spawn(move || while serve(&stream, &shared) == Some(()) {});
            }
        });
        Self { address, shared }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(super) fn put(&self, path: &str, content: &[u8], fault: Fault) {
        self.shared.files.lock().unwrap().insert(format!("/{path}"), (content.to_vec(), fault));
    }

    pub(super) fn fault(&self, path: &str, fault: Fault) {
        self.shared.files.lock().unwrap().get_mut(&format!("/{path}")).unwrap().1 = fault;
    }

    /// How often a path was asked for.
    pub(super) fn hits(&self, path: &str) -> usize {
        self.shared.hits.lock().unwrap().get(&format!("/{path}")).copied().unwrap_or(0)
    }

    /// The requests: path, and the range or the condition where there is one.
    pub(super) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request; `None` where the connection ends.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.trim_end_matches("?x").to_owned();
    let headers: BTreeMap<String, String> = lines
        .map_while(|line| line.ok().filter(|line| !line.is_empty()))
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let hit = {
        let mut hits = shared.hits.lock().unwrap();
        let count = hits.entry(path.clone()).or_default();
        *count += 1;
        *count
    };
    let note: String = ["range", "if-none-match"]
        .iter()
        .filter_map(|name| headers.get(*name).map(|value| format!(" {name}={value}")))
        .collect();
    shared.log.lock().unwrap().push(format!("{path}{note}"));
    let found = shared.files.lock().unwrap().get(&path).cloned();
    let Some(found) = found else { return status(stream, 404) };
    answer(stream, &headers, found, hit)
}

fn status(mut stream: &TcpStream, code: u16) -> Option<()> {
    write!(stream, "HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n").ok()
}

fn answer(
    mut stream: &TcpStream,
    headers: &BTreeMap<String, String>,
    (mut content, fault): (Vec<u8>, Fault),
    hit: usize,
) -> Option<()> {
    let etag = format!("\"{}\"", &crate::unit::Digest::sha256(&content).hex()[..8]);
    match fault {
        Fault::Status(code) => return status(stream, code),
        Fault::StatusFor(code, times) if hit <= times => return status(stream, code),
        Fault::Circle => {
            return write!(stream, "HTTP/1.1 302 X\r\nLocation: ?x\r\nContent-Length: 0\r\n\r\n").ok();
        }
        Fault::Flipped => content[0] ^= 1,
        Fault::Longer => content.push(b'!'),
        _ => {}
    }
    if headers.get("if-none-match") == Some(&etag) {
        return status(stream, 304);
    }
    let range = headers.get("range").filter(|_| fault != Fault::NoRange);
    let same = headers.get("if-range").is_none_or(|known| *known == etag);
    let from = range
        .filter(|_| same)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from = from.unwrap_or(0_usize);
    if from > 0 && from >= content.len() {
        return status(stream, 416);
    }
    let body = &content[from..];
    let (code, extra) = match from {
        0 => (200, String::new()),
        _ => (206, format!("Content-Range: bytes {from}-{}/{}\r\n", content.len() - 1, content.len())),
    };
    let length = match fault {
        Fault::Longer | Fault::Cut(..) => "Connection: close\r\n".to_owned(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    write!(stream, "HTTP/1.1 {code} X\r\n{length}{extra}ETag: {etag}\r\n\r\n").ok()?;
    send(stream, body, fault, hit)
}

fn send(mut stream: &TcpStream, body: &[u8], fault: Fault, hit: usize) -> Option<()> {
    match fault {
        Fault::Reset(after, times) if hit <= times => {
            stream.write_all(&body[..after.min(body.len())]).ok()?;
            // Bytes nobody reads make the kernel answer with a reset.
            stream.shutdown(Shutdown::Both).ok()?;
            None
        }
        Fault::Stall(after, times) if hit <= times => {
            stream.write_all(&body[..after.min(body.len())]).ok()?;
            thread::sleep(Duration::from_millis(1500));
            None
        }
        Fault::Cut(after, times) if hit <= times => {
            stream.write_all(&body[..after.min(body.len())]).ok()?;
            None
        }
        Fault::Trickle => {
            for byte in body {
                stream.write_all(&[*byte]).ok()?;
                thread::sleep(Duration::from_millis(20));
            }
            Some(())
        }
        Fault::Longer | Fault::Cut(..) => {
            stream.write_all(body).ok()?;
            None
        }
        _ => stream.write_all(body).ok(),
    }
}
