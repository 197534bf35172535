//! One file, and everything that can go wrong with it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::server::{Fault, Server};
use super::{Store, fetcher, hasty, offline, told, with};
use crate::fetch::batch::Batch;
use crate::fetch::dirs::{self, Dirs};
use crate::fetch::download::{Growing, Order};
use crate::fetch::{Error, Fetcher, Mirrors};
use crate::sys::part::Part;
use crate::unit::{Algorithm, Digest};

fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// Fetches `location` from the mirrors, and says what the store has afterwards.
fn get(fetcher: &Fetcher, store: &Store, mirrors: &Mirrors, digest: &Digest) -> Result<Vec<u8>, Error> {
    let dirs = Dirs::of(&store.path)?;
    let part = Part::open(&dirs.tmp, &dirs::part(digest)).map_err(Error::Store)?;
    let mut growing = Growing::new(part, Algorithm::Sha256).map_err(Error::Store)?;
    let size = Some(content().len() as u64);
    let order = Order { mirrors, location: "f", digest, size, limit: 1 << 30 };
    Batch::new(fetcher).file(&order, &mut growing, &|_| {})?;
    let path = dirs.package(digest);
    dirs.place(growing.into_part(), &path)?;
    crate::sys::fs::read(&path).map_err(Error::Store)
}

fn one(fault: Fault) -> (Result<Vec<u8>, Error>, Server, Store) {
    let server = Server::start();
    server.put("f", &content(), fault);
    let store = Store::new();
    let mirrors = Mirrors::new([server.url("").as_str()]).unwrap();
    let fetcher = if matches!(fault, Fault::Stall(..) | Fault::Trickle) { hasty() } else { fetcher() };
    let got = get(&fetcher, &store, &mirrors, &Digest::sha256(&content()));
    (got, server, store)
}

#[test]
fn what_passes_is_asked_again_and_gone_on_with() {
    let table = [
        (Fault::None, vec!["/f"]),
        (Fault::StatusFor(503, 2), vec!["/f", "/f", "/f"]),
        (Fault::StatusFor(429, 1), vec!["/f", "/f"]),
        (Fault::Reset(70_000, 1), vec!["/f", "/f range="]),
        (Fault::Stall(70_000, 1), vec!["/f", "/f range=bytes=70000-"]),
        (Fault::Cut(70_000, 2), vec!["/f", "/f range=bytes=70000-", "/f range=bytes=140000-"]),
    ];
    for (fault, requests) in table {
        let (got, server, store) = one(fault);
        assert!(got.unwrap() == content(), "{fault:?}");
        let log = server.log();
        assert_eq!(log.len(), requests.len(), "{fault:?}: {log:?}");
        for (line, start) in log.iter().zip(requests) {
            assert!(line.starts_with(start), "{fault:?}: {log:?}");
        }
        assert!(store.list("tmp").is_empty(), "{fault:?}");
    }
}

#[test]
fn what_stays_wrong_is_refused_and_leaves_nothing_published() {
    let table = [
        (Fault::Status(404), "HTTP 404 not found", 1),
        (Fault::Status(403), "HTTP 403 forbidden", 1),
        (Fault::Status(500), "HTTP 500 internal server error", 3),
        (Fault::Flipped, "wrong bytes", 1),
        (Fault::Longer, "longer than the promised", 1),
        (Fault::Stall(10, 99), "stalled for", 3),
        (Fault::Cut(0, 99), "ended after 0 B of 781 KiB", 3),
        (Fault::Circle, "redirect refused: too many redirects", 11),
        (Fault::Trickle, "stalled for", 3),
    ];
    for (fault, why, hits) in table {
        let (got, server, store) = one(fault);
        let error = told(&got.unwrap_err());
        assert!(error.contains(why), "{fault:?}: {error}");
        assert_eq!(server.hits("f"), hits, "{fault:?}");
        assert!(store.list("rpms").is_empty(), "{fault:?}");
    }
}

#[test]
fn a_server_without_ranges_starts_again() {
    let server = Server::start();
    server.put("f", &content(), Fault::Cut(100_000, 1));
    let store = Store::new();
    let mirrors = Mirrors::new([server.url("").as_str()]).unwrap();
    let digest = Digest::sha256(&content());
    let once = with(|options| options.retries = 0);
    assert!(get(&once, &store, &mirrors, &digest).is_err());
    assert_eq!(store.list("tmp"), [dirs::part(&digest)]);
    server.fault("f", Fault::NoRange);
    assert!(get(&once, &store, &mirrors, &digest).unwrap() == content());
    assert_eq!(server.log(), ["/f", "/f range=bytes=100000-"]);
}

#[test]
fn the_next_run_goes_on_and_a_bad_start_is_thrown_away() {
    let server = Server::start();
    server.put("f", &content(), Fault::None);
    let mirrors = Mirrors::new([server.url("").as_str()]).unwrap();
    let digest = Digest::sha256(&content());
    for (start, requests) in
        [(content()[..1000].to_vec(), 1), (vec![7; 1000], 2), (content(), 0), (vec![1; 900_000], 1)]
    {
        let store = Store::new();
        let dirs = Dirs::of(&store.path).unwrap();
        crate::sys::fs::write(dirs.tmp.join(dirs::part(&digest)), &start).unwrap();
        let before = server.hits("f");
        assert!(get(&fetcher(), &store, &mirrors, &digest).unwrap() == content());
        assert_eq!(server.hits("f") - before, requests, "{}", start.len());
    }
}

#[test]
fn the_next_mirror_is_asked_and_the_error_tells_what_each_said() {
    let (bad, good) = (Server::start(), Server::start());
    let store = Store::new();
    let digest = Digest::sha256(&content());
    for fault in
        [Fault::Status(404), Fault::Status(503), Fault::Flipped, Fault::Stall(9, 99), Fault::Cut(9, 99)]
    {
        bad.put("f", &content(), fault);
        good.put("f", &content(), Fault::None);
        let urls = [bad.url(""), good.url("")];
        let mirrors = Mirrors::new(urls.iter().map(String::as_str)).unwrap();
        let before = (bad.hits("f"), good.hits("f"));
        let fetcher = if matches!(fault, Fault::Stall(..)) { hasty() } else { fetcher() };
        assert!(get(&fetcher, &store, &mirrors, &digest).unwrap() == content(), "{fault:?}");
        assert_eq!((bad.hits("f") - before.0, good.hits("f") - before.1), (1, 1), "{fault:?}");
        // From now on the good one comes first.
        assert!(get(&fetcher, &store, &mirrors, &digest).is_ok());
        assert_eq!(bad.hits("f") - before.0, 1, "{fault:?}");
    }
    bad.put("f", &content(), Fault::Flipped);
    good.put("f", &content(), Fault::Status(404));
    let urls = [bad.url(""), good.url("")];
    let mirrors = Mirrors::new(urls.iter().map(String::as_str)).unwrap();
    let error = told(&get(&fetcher(), &Store::new(), &mirrors, &digest).unwrap_err());
    assert!(error.starts_with(&format!("cannot get `f`: {}: wrong bytes", bad.url("f"))), "{error}");
    assert!(error.ends_with(&format!("{}: HTTP 404 not found", good.url("f"))), "{error}");
}

#[test]
fn an_interrupt_is_noticed_while_a_server_stalls() {
    static ASKED: Mutex<Option<Instant>> = Mutex::new(None);
    let server = Server::start();
    server.put("f", &content(), Fault::Stall(10, 99));
    let patient = with(|options| {
        options.timeouts.stall = Duration::from_mins(1);
        options.interrupted = || {
            let first = *ASKED.lock().unwrap().get_or_insert_with(Instant::now);
            first.elapsed() > Duration::from_millis(200)
        };
    });
    let began = Instant::now();
    let mirrors = Mirrors::new([server.url("").as_str()]).unwrap();
    let error = get(&patient, &Store::new(), &mirrors, &Digest::sha256(&content())).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn offline_asks_nobody_but_reads_this_host() {
    let server = Server::start();
    server.put("f", &content(), Fault::None);
    let digest = Digest::sha256(&content());
    let store = Store::new();
    let mirrors = Mirrors::new([server.url("").as_str()]).unwrap();
    let error = get(&offline(), &store, &mirrors, &digest).unwrap_err();
    assert_eq!(error.to_string(), "`f` is not in the store, and the network is off");
    assert_eq!(error.hint().unwrap(), "run once without --offline");
    assert_eq!(server.hits("f"), 0);
    let dir = tempfile::tempdir().unwrap();
    crate::sys::fs::write(dir.path().join("f"), &content()).unwrap();
    let mirrors = Mirrors::new([dir.path().to_str().unwrap()]).unwrap();
    assert!(get(&offline(), &store, &mirrors, &digest).unwrap() == content());
}
