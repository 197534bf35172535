//! The least that making a root from packages can cost: download them, digest them, inflate their payloads, write the
//! bytes. One file a package, as many threads as processors; no headers, no names, no scriptlets, no database.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Does it for each path of the list, one a line, relative to the server.
pub(crate) fn run(server: &str, list: &Path, output: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(list).map_err(Error::io("read", list))?;
    let paths: Vec<&str> = text.lines().collect();
    fs::create_dir_all(output).map_err(Error::io("make", output))?;
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || -> Result<(), Error> {
        let mut connection = Connection::open(server)?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(index) else { return Ok(()) };
            one(&mut connection, path, &output.join(index.to_string()))?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut ends = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        ends.try_for_each(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn one(connection: &mut Connection, path: &str, output: &Path) -> Result<(), Error> {
    let bytes = connection.get(path)?;
    let digest = Sha256::digest(&bytes);
    std::hint::black_box(digest);
    let broken = |why: &dyn std::fmt::Display| Error::broken(path, why);
    let package = kiln::package::file::PackageFile::parse(&bytes).map_err(|error| broken(&error))?;
    let mut file = File::create(output).map_err(Error::io("write", output))?;
    let payload = package.payload();
    match payload {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            zstd::stream::copy_decode(payload, &mut file).map_err(Error::io("inflate to", output))
        }
        [0x1f, 0x8b, ..] => std::io::copy(&mut flate2::read::GzDecoder::new(payload), &mut file)
            .map(drop)
            .map_err(Error::io("inflate to", output)),
        // Rare: what is not inflated only makes the floor lower.
        _ => file.write_all(payload).map_err(Error::io("write", output)),
    }
}

/// A kept connection.
struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(server: &str) -> Result<Self, Error> {
        let host = server.trim_start_matches("http://").to_owned();
        let failed = |source| Error::Io { what: format!("connect to {host}"), source };
        let stream = TcpStream::connect(&host).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { stream: BufReader::with_capacity(128 << 10, stream), host })
    }

    fn get(&mut self, path: &str) -> Result<Vec<u8>, Error> {
        self.ask(path).map_err(|source| Error::Io { what: format!("get {path}"), source })
    }

    fn ask(&mut self, path: &str) -> std::io::Result<Vec<u8>> {
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| std::io::ErrorKind::InvalidData)?;
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
