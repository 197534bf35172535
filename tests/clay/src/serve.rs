//! A mirror on loopback, as a thread of the program that wants one.
//!
//! It answers GET and HEAD for the files of a directory, with ranges, conditional requests and kept connections, remembers what it
//! was asked, and fails where it was told to. It ends when it is dropped: no connection outlives it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::Error;
use crate::fault::{Faults, Trouble};
use crate::http::Head;
use crate::reply::{Reply, reason, reply};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The status of the reply.
    pub status: u16,
}

#[derive(Debug, Default)]
struct Shared {
    root: PathBuf,
    faults: Faults,
    answered: Mutex<Vec<Answered>>,
    connections: Mutex<BTreeMap<u64, TcpStream>>,
    stopping: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Serves a directory on a free port.
    pub fn start(directory: &Path) -> Result<Self, Error> {
        Self::start_on(directory, 0)
    }

    /// Serves a directory on a port; 0 is a free one.
    pub fn start_on(directory: &Path, port: u16) -> Result<Self, Error> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(Error::io("serve", directory))?;
        let address = listener.local_addr().map_err(Error::io("serve", directory))?;
        let shared = Arc::new(Shared { root: directory.to_owned(), ..Shared::default() });
        let for_thread = Arc::clone(&shared);
        let listener = std::thread::spawn(move || accept(&listener, &for_thread));
        Ok(Self { address, shared, listener: Some(listener) })
    }

    /// The URL of the directory, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The faults, to be changed at any time.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was asked until now, in order.
    pub fn answered(&self) -> Vec<Answered> {
        lock(&self.shared.answered).clone()
    }

    /// Forgets what was asked until now.
    pub fn forget(&self) {
        lock(&self.shared.answered).clear();
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        for connection in lock(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    for (number, stream) in (0..).zip(listener.incoming()) {
        let Ok(stream) = stream else { continue };
        // The list is locked while the flag is read, so that no connection slips by between the two.
        let mut connections = lock(&shared.connections);
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        if let Ok(copy) = stream.try_clone() {
            connections.insert(number, copy);
        }
        drop(connections);
        workers.retain(|worker| !worker.is_finished());
        let shared = Arc::clone(shared);
        workers.push(std::thread::spawn(move || {
            // A broken connection is the client's business.
            let _ = converse(&stream, &shared);
            lock(&shared.connections).remove(&number);
        }));
    }
    for worker in workers {
        let _ = worker.join();
    }
}

/// Answers the requests of one connection.
fn converse(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream);
    while let Some(head) = Head::read(&mut input) {
        let trouble = shared.faults.strike(&head.path);
        let reply = reply(&head, &shared.root, trouble);
        lock(&shared.answered).push(Answered {
            method: head.method.clone(),
            path: head.path.clone(),
            range: head.header("range").map(str::to_owned),
            status: reply.status,
        });
        let whole = send(stream, &head, reply, &Bent { trouble, stopping: &shared.stopping })?;
        if !whole || !head.keeps_alive() {
            break;
        }
    }
    stream.shutdown(Shutdown::Both)
}

/// How the sending is bent.
struct Bent<'a> {
    trouble: Option<Trouble>,
    stopping: &'a AtomicBool,
}

/// Sends a reply; says whether all that was announced was sent.
fn send(mut stream: &TcpStream, head: &Head, reply: Reply, bent: &Bent<'_>) -> std::io::Result<bool> {
    let length = reply.body.as_ref().map_or(0, |(_, from, to)| to - from);
    let mut text = Vec::new();
    write!(text, "HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status))?;
    for (name, value) in reply.headers {
        write!(text, "{name}: {value}\r\n")?;
    }
    if reply.status != 304 {
        write!(text, "Content-Length: {length}\r\n")?;
    }
    if !head.keeps_alive() {
        text.extend_from_slice(b"Connection: close\r\n");
    }
    text.extend_from_slice(b"\r\n");
    stream.write_all(&text)?;
    match reply.body {
        Some((mut file, from, _)) if head.method == "GET" => {
            file.seek(SeekFrom::Start(from))?;
            body(stream, file, length, bent)
        }
        _ => Ok(true),
    }
}

fn body(mut stream: &TcpStream, mut file: File, length: u64, bent: &Bent<'_>) -> std::io::Result<bool> {
    let piece = match bent.trouble {
        Some(Trouble::Slow(rate)) => (rate / 10).max(1),
        _ => 128 * 1024,
    };
    let end = match bent.trouble {
        Some(Trouble::Truncate(end) | Trouble::Stall(end)) => end.min(length),
        _ => length,
    };
    let mut sent = 0;
    let mut buffer = Vec::new();
    while sent < end && !bent.stopping.load(Ordering::SeqCst) {
        buffer.clear();
        let count = Read::by_ref(&mut file).take(piece.min(end - sent)).read_to_end(&mut buffer)?;
        if count == 0 {
            return Ok(false);
        }
        if bent.trouble == Some(Trouble::Corrupt) {
            buffer[count / 2] ^= 0x55;
        }
        stream.write_all(&buffer)?;
        sent += count as u64;
        if matches!(bent.trouble, Some(Trouble::Slow(_))) {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    if matches!(bent.trouble, Some(Trouble::Stall(_))) {
        // Ends when the client gives up or the server is dropped.
        let _ = stream.read(&mut [0]);
    }
    Ok(sent == length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    /// Sends one request and returns the whole reply, as text.
    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let close = if request.contains("Connection") { "" } else { "Connection: close\r\n" };
        stream.write_all(format!("{request}\r\n{close}\r\n").as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn served() -> (tempfile::TempDir, Server) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        std::fs::write(directory.path().join("sub/a+b.rpm"), "0123456789").unwrap();
        let server = Server::start(directory.path()).unwrap();
        (directory, server)
    }

    #[test]
    fn a_file_is_served_whole_in_part_and_not_at_all() {
        let (_directory, server) = served();
        for (request, status, body) in [
            ("GET /sub/a+b.rpm HTTP/1.1", "200 OK", "0123456789"),
            ("GET /sub/a%2Bb.rpm?x HTTP/1.1", "200 OK", "0123456789"),
            ("HEAD /sub/a+b.rpm HTTP/1.1", "200 OK", ""),
            ("GET /sub/a+b.rpm HTTP/1.1\r\nRange: bytes=7-", "206 Partial Content", "789"),
            ("GET /sub/a+b.rpm HTTP/1.1\r\nRange: bytes=70-", "416 Range Not Satisfiable", ""),
            ("GET /sub/a+b.rpm HTTP/1.1\r\nRange: bytes=7-\r\nIf-Range: \"old\"", "200 OK", "0123456789"),
            ("GET /sub HTTP/1.1", "404 Not Found", ""),
            ("GET /sub/../sub/a+b.rpm HTTP/1.1", "404 Not Found", ""),
            ("GET //etc/passwd HTTP/1.1", "404 Not Found", ""),
            ("POST /sub/a+b.rpm HTTP/1.1", "405 Method Not Allowed", ""),
        ] {
            let reply = ask(&server, request);
            assert!(reply.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {reply}");
            assert_eq!(reply.split_once("\r\n\r\n").unwrap().1, body, "{request}");
        }
    }

    #[test]
    fn an_unchanged_file_is_not_sent_again() {
        let (_directory, server) = served();
        let reply = ask(&server, "HEAD /sub/a+b.rpm HTTP/1.1");
        let value = |name: &str| reply.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        for condition in [
            format!("If-None-Match: {}", value("ETag: ")),
            format!("If-Modified-Since: {}", value("Last-Modified: ")),
        ] {
            let reply = ask(&server, &format!("GET /sub/a+b.rpm HTTP/1.1\r\n{condition}"));
            assert!(reply.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{condition}: {reply}");
        }
        let statuses: Vec<u16> = server.answered().iter().map(|answered| answered.status).collect();
        assert_eq!(statuses, [200, 304, 304]);
    }

    #[test]
    fn faults_strike_while_they_are_on() {
        let (_directory, server) = served();
        let get = || ask(&server, "GET /sub/a+b.rpm HTTP/1.1");
        for (trouble, status, body) in [
            (Trouble::Status(503), "503", ""),
            (Trouble::Truncate(4), "200", "0123"),
            (Trouble::Slow(1000), "200", "0123456789"),
            (Trouble::Corrupt, "200", "01234`6789"),
        ] {
            server.faults().add(Fault::times(1, trouble, "*.rpm"));
            let reply = get();
            assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{trouble:?}: {reply}");
            assert_eq!(reply.split_once("\r\n\r\n").unwrap().1, body, "{trouble:?}");
        }
        assert!(get().ends_with("0123456789"));
    }

    #[test]
    fn a_connection_is_kept_and_ends_with_the_server() {
        let (_directory, server) = served();
        let mut stream = TcpStream::connect(server.address).unwrap();
        for _ in 0..2 {
            stream.write_all(b"GET /sub/a+b.rpm HTTP/1.1\r\n\r\n").unwrap();
            let mut reply = [0; 1024];
            let mut have = 0;
            while !reply[..have].ends_with(b"0123456789") {
                have += stream.read(&mut reply[have..]).unwrap();
            }
        }
        drop(server);
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    }
}
