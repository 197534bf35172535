//! Several files at once, in scoped threads. The first failure ends the others: each notices within a tick.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::config::Connection;
use crate::fetch::mirrors::lock;
use crate::fetch::{Error, Fetcher};

/// Files fetched together.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) fetcher: &'a Fetcher,
    /// The batch that this one is a part of: ended with it.
    outer: Option<&'a Self>,
    stopped: AtomicBool,
    /// How servers are reached.
    pub(super) connection: &'a Connection,
}

impl<'a> Batch<'a> {
    pub(super) fn new(fetcher: &'a Fetcher) -> Self {
        Self { fetcher, outer: None, stopped: AtomicBool::new(false), connection: &Connection::HOST }
    }

    /// A part of this batch, from servers that are spoken to in this way.
    pub(super) fn part(&'a self, connection: &'a Connection) -> Self {
        Self { fetcher: self.fetcher, outer: Some(self), stopped: AtomicBool::new(false), connection }
    }

    /// Whether what is being fetched is still wanted.
    pub(super) fn wanted(&self) -> bool {
        let outside = self.outer.map_or_else(|| !(self.fetcher.options.interrupted)(), Self::wanted);
        outside && !self.stopped.load(Ordering::Relaxed)
    }

    /// Does `work` for each index in `order`. The error is the first one that happened.
    pub(super) fn each(
        &self,
        order: &[usize],
        work: &(dyn Fn(usize) -> Result<(), Error> + Sync),
    ) -> Result<(), Error> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let worker = || {
            while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !self.wanted() {
                    return;
                }
                if let Err(error) = work(*index) {
                    lock(&failure).get_or_insert(error);
                    self.stopped.store(true, Ordering::Relaxed);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.fetcher.options.parallel.min(order.len()) {
                scope.spawn(worker);
            }
            worker();
        });
        let failure = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        match failure {
            Some(error) => Err(error),
            None if !self.wanted() && !order.is_empty() => Err(Error::Interrupted),
            None => Ok(()),
        }
    }
}
