//! How far a batch is, in events. Bytes never go back, also when a file is started again.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::fetch::mirrors::lock;
use crate::report::{Event, Reporter, Stage};

/// Not more often than this, but for finished files.
const INTERVAL: Duration = Duration::from_millis(100);

/// The progress of one batch.
pub(super) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    stage: Stage,
    total: u64,
    total_bytes: u64,
    state: Mutex<State>,
}

struct State {
    done: u64,
    bytes: u64,
    told: Option<Instant>,
}

/// The part of one file in it.
pub(super) struct Item<'a> {
    progress: &'a Progress<'a>,
    name: String,
    counted: std::cell::Cell<u64>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter, stage: Stage, sizes: &[u64]) -> Self {
        let state = Mutex::new(State { done: 0, bytes: 0, told: None });
        Self { reporter, stage, total: sizes.len() as u64, total_bytes: sizes.iter().sum(), state }
    }

    pub(super) fn item(&'a self, name: impl Into<String>) -> Item<'a> {
        Item { progress: self, name: name.into(), counted: std::cell::Cell::new(0) }
    }

    fn tell(&self, item: &str, change: impl FnOnce(&mut State), always: Always) {
        let mut state = lock(&self.state);
        change(&mut state);
        let due = state.told.is_none_or(|told| told.elapsed() >= INTERVAL);
        if due || always == Always::Yes {
            state.told = Some(Instant::now());
            // Under the lock, so that events leave in the order of their numbers.
            self.reporter.report(Event::Progress {
                stage: self.stage,
                item: item.to_owned(),
                done: state.done,
                total: self.total,
                bytes: state.bytes,
                total_bytes: self.total_bytes.max(state.bytes),
            });
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Always {
    Yes,
    WhenDue,
}

impl Item<'_> {
    /// The file has `length` bytes now.
    pub(super) fn at(&self, length: u64) {
        self.count(length, 0, Always::WhenDue);
    }

    /// The file is there, with `size` bytes.
    pub(super) fn done(&self, size: u64) {
        self.count(size, 1, Always::Yes);
    }

    fn count(&self, length: u64, done: u64, always: Always) {
        let more = length.saturating_sub(self.counted.get());
        self.counted.set(self.counted.get() + more);
        let change = |state: &mut State| {
            state.bytes += more;
            state.done += done;
        };
        self.progress.tell(&self.name, change, always);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Keeps(Mutex<Vec<(u64, u64, u64)>>);

    impl Reporter for Keeps {
        fn report(&self, event: Event) {
            if let Event::Progress { done, bytes, total_bytes, .. } = event {
                lock(&self.0).push((done, bytes, total_bytes));
            }
        }
    }

    #[test]
    fn bytes_never_go_back() {
        let keeps = Keeps(Mutex::default());
        let progress = Progress::new(&keeps, Stage::Fetch, &[10, 5]);
        let item = progress.item("x");
        item.at(8);
        item.at(2);
        item.done(10);
        progress.item("y").done(5);
        assert_eq!(*lock(&keeps.0), [(0, 8, 15), (1, 10, 15), (2, 15, 15)]);
    }
}
