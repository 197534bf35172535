//! Reading ahead: large documents are decompressed and digested in one thread while they are parsed in another.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How much is handed over at once.
const CHUNK: usize = 1 << 17;
/// How many chunks may wait.
const WAITING: usize = 4;
/// What is no larger is not worth a thread.
const SMALL: u64 = 1 << 20;

type Chunk = io::Result<Vec<u8>>;

/// Works on an input that is read by a thread of its own, once it turns out to be large.
pub(super) fn ahead<T>(mut input: impl Read + Send, work: impl FnOnce(&mut dyn Read) -> T) -> T {
    let mut start = Vec::new();
    let whole = match input.by_ref().take(SMALL).read_to_end(&mut start) {
        Ok(count) => (count as u64) < SMALL,
        // The work is to see what was read before the error, and then the error.
        Err(error) => return work(&mut start.as_slice().chain(Failed(Some(error)))),
    };
    if whole {
        return work(&mut start.as_slice());
    }
    std::thread::scope(|scope| {
        let (full, chunks) = sync_channel(WAITING);
        let (used, empty) = sync_channel(WAITING + 2);
        scope.spawn(move || pump(input, &full, &empty));
        // The receiver goes with the work, so that the thread ends when the work has had enough.
        work(&mut start.as_slice().chain(Ahead { chunks, used, chunk: Vec::new(), at: 0, ended: false }))
    })
}

fn pump(mut input: impl Read, full: &SyncSender<Chunk>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.clear();
        let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
        let (chunk, last) = match read {
            Ok(count) => (Ok(chunk), count == 0),
            Err(error) => (Err(error), true),
        };
        if full.send(chunk).is_err() || last {
            return;
        }
    }
}

/// The chunks as a reader.
struct Ahead {
    chunks: Receiver<Chunk>,
    used: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() && !self.ended {
            let gone = || io::Error::other("the thread that reads ahead is gone");
            let next = self.chunks.recv().map_err(|_| gone())??;
            let old = std::mem::replace(&mut self.chunk, next);
            self.at = 0;
            self.ended = self.chunk.is_empty();
            // A full queue of empty chunks is as good as one chunk more.
            let _ = self.used.try_send(old);
        }
        let count = self.chunk[self.at..].len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// An error where a reader is expected.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::Error::other("read after an error")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: impl Read + Send) -> (Vec<u8>, Option<String>) {
        let mut bytes = Vec::new();
        let error = ahead(input, |input| input.read_to_end(&mut bytes).err());
        (bytes, error.map(|error| error.to_string()))
    }

    #[test]
    fn the_bytes_are_the_same_large_or_small() {
        for size in [0, 1, SMALL as usize - 1, SMALL as usize, SMALL as usize + 1, 5 << 20] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            assert!(read(bytes.as_slice()) == (bytes, None), "{size}");
        }
    }

    #[test]
    fn an_error_comes_after_the_bytes_before_it() {
        for size in [10, SMALL as usize, 3 << 20] {
            let bytes = vec![1; size];
            let failing = bytes.as_slice().chain(Failed(Some(io::Error::other("broken"))));
            let (found, error) = read(failing);
            assert_eq!(error.as_deref(), Some("broken"));
            assert!(found.len() + CHUNK > size, "{} of {size}", found.len());
        }
    }

    #[test]
    fn work_that_has_had_enough_ends_the_thread() {
        let first = ahead(io::repeat(7), |input| {
            let mut bytes = vec![0; 3 << 20];
            input.read_exact(&mut bytes).map(|()| bytes[0])
        });
        assert_eq!(first.unwrap(), 7);
    }
}
