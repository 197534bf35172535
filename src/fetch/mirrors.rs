//! Several places for the same files. One that failed is tried last from then on, for every file; no place gets more
//! than its share of connections, and when the best one is full the next one is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use reqwest::Url;

use crate::fetch::Error;
use crate::fetch::client::TICK;
use crate::fetch::url::{self, Base};

/// The directories a repository can be had from, best first. Clones share what is known about failures.
#[derive(Debug, Clone)]
pub struct Mirrors(Arc<List>);

#[derive(Debug)]
struct List {
    bases: Vec<Base>,
    failures: Mutex<Vec<u32>>,
}

/// One place of one file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) url: Url,
    mirror: usize,
}

impl Place {
    /// The only place of a file.
    pub(super) fn only(url: Url) -> Self {
        Self { url, mirror: 0 }
    }
}

impl Mirrors {
    /// Mirrors from their URLs, best first.
    pub fn new<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let bases = urls.into_iter().map(Base::directory).collect::<Result<Vec<_>, _>>()?;
        let failures = Mutex::new(vec![0; bases.len()]);
        Ok(Self(Arc::new(List { bases, failures })))
    }

    /// The URLs, best first as they were given.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.0.bases.iter().map(Base::text)
    }

    /// Where `location` may be, best first; what has failed least comes first.
    pub(super) fn places(&self, location: &str) -> Result<Vec<Place>, Error> {
        let failures = lock(&self.0.failures).clone();
        let mut order: Vec<usize> = (0..self.0.bases.len()).collect();
        order.sort_by_key(|mirror| failures[*mirror]);
        order
            .into_iter()
            .map(|mirror| Ok(Place { url: self.0.bases[mirror].join(location)?, mirror }))
            .collect()
    }

    /// The same mirror's place of another file.
    pub(super) fn beside(&self, place: &Place, location: &str) -> Result<Url, Error> {
        self.0.bases[place.mirror].join(location)
    }

    /// The URL of the mirror that a place is on.
    pub(super) fn base(&self, place: &Place) -> &str {
        self.0.bases[place.mirror].text()
    }

    /// Remembers a failure.
    pub(super) fn blame(&self, place: &Place) {
        if let Some(count) = lock(&self.0.failures).get_mut(place.mirror) {
            *count += 1;
        }
    }
}

/// Connections by host.
#[derive(Debug)]
pub(super) struct Hosts {
    limit: usize,
    busy: Mutex<BTreeMap<String, usize>>,
    freed: Condvar,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    hosts: &'a Hosts,
    host: Option<String>,
}

impl Hosts {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), busy: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits until one of the places has a connection to spare, and takes the first such. `None` when nobody wants
    /// it any more.
    pub(super) fn take(&self, places: &[Place], wanted: &dyn Fn() -> bool) -> Option<(usize, Permit<'_>)> {
        let hosts: Vec<Option<String>> = places.iter().map(|place| url::host(&place.url)).collect();
        let mut busy = lock(&self.busy);
        while wanted() {
            let spare = |host: &Option<String>| match host {
                Some(host) => busy.get(host).copied().unwrap_or(0) < self.limit,
                None => true,
            };
            if let Some(index) = hosts.iter().position(spare) {
                let host = hosts[index].clone();
                if let Some(host) = &host {
                    *busy.entry(host.clone()).or_default() += 1;
                }
                return Some((index, Permit { hosts: self, host }));
            }
            busy = self.freed.wait_timeout(busy, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut busy = lock(&self.hosts.busy);
        if let Some(count) = self.host.as_ref().and_then(|host| busy.get_mut(host)) {
            *count -= 1;
        }
        drop(busy);
        self.hosts.freed.notify_all();
    }
}

/// The lock of a mutex that a panic elsewhere cannot have left half-changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_that_failed_is_tried_last() {
        let mirrors = Mirrors::new(["http://a", "http://b", "http://c"]).unwrap();
        let hosts = |mirrors: &Mirrors| -> Vec<String> {
            let places = mirrors.places("x").unwrap();
            places.iter().map(|place| place.url.host_str().unwrap().to_owned()).collect()
        };
        let first = mirrors.places("x").unwrap().remove(0);
        mirrors.clone().blame(&first);
        assert_eq!(hosts(&mirrors), ["b", "c", "a"]);
    }

    #[test]
    fn a_full_host_is_passed_over() {
        let mirrors = Mirrors::new(["http://a", "http://b"]).unwrap();
        let places = mirrors.places("x").unwrap();
        let hosts = Hosts::new(1);
        let (first, held) = hosts.take(&places, &|| true).unwrap();
        let (second, _also) = hosts.take(&places, &|| true).unwrap();
        assert_eq!((first, second), (0, 1));
        let calls = std::cell::Cell::new(0);
        let gives_up = || calls.replace(calls.get() + 1) < 2;
        assert!(hosts.take(&places, &gives_up).is_none());
        drop(held);
        assert_eq!(hosts.take(&places, &|| true).unwrap().0, 0);
    }
}
