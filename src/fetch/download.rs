//! One file from several places: in turn, each at most as often as it pays, going on where the last one stopped.

use std::thread;
use std::time::{Duration, Instant};

use reqwest::Url;

use crate::fetch::batch::Batch;
use crate::fetch::client::{Ask, Stop, TICK, Validators};
use crate::fetch::mirrors::{Mirrors, Place};
use crate::fetch::{Answers, Cause, Error, url};
use crate::sys::SysError;
use crate::sys::part::Part;
use crate::unit::{Algorithm, Digest, Hasher};

/// At most so many places are asked for one file.
const PLACES: usize = 10;
/// However long a server wants to be left alone.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a file could not be had.
#[derive(Debug)]
pub(super) enum Failure {
    /// Every place was asked.
    Answers(Answers),
    /// The store cannot be written.
    Store(SysError),
    /// Nobody wants it any more.
    Unwanted,
}

impl Failure {
    /// The failure to get `what`, as the module's error.
    pub(super) fn of(self, what: impl Into<String>) -> Error {
        match self {
            Self::Answers(answers) if answers.causes().all(|cause| matches!(cause, Cause::Offline)) => {
                Error::Offline { what: what.into() }
            }
            Self::Answers(answers) => Error::Unavailable { what: what.into(), answers },
            Self::Store(error) => Error::Store(error),
            Self::Unwanted => Error::Interrupted,
        }
    }
}

/// A file to be had, and what is known of it before it comes.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) mirrors: &'a Mirrors,
    pub(super) location: &'a str,
    pub(super) digest: &'a Digest,
    /// Its exact size, where it is known.
    pub(super) size: Option<u64>,
    /// What it may have at most.
    pub(super) limit: u64,
}

/// A file as far as it came.
pub(super) struct Growing {
    part: Part,
    hasher: Hasher,
    from: Option<(Url, String)>,
}

impl Growing {
    /// Goes on with `part`, whose content is taken into the digest.
    pub(super) fn new(mut part: Part, algorithm: Algorithm) -> Result<Self, SysError> {
        let mut hasher = Hasher::new(algorithm);
        part.replay(&mut |bytes| hasher.update(bytes))?;
        Ok(Self { part, hasher, from: None })
    }

    pub(super) fn into_part(self) -> Part {
        self.part
    }

    fn reset(&mut self) -> Result<(), SysError> {
        self.hasher = Hasher::new(self.hasher.clone().finish().algorithm());
        self.from = None;
        self.part.reset()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SysError> {
        self.hasher.update(bytes);
        self.part.append(bytes)
    }

    /// Whether all is there. What cannot become right is thrown away.
    fn settle(&mut self, order: &Order<'_>) -> Result<(), Stop> {
        let got = self.part.length();
        let short = order.size.filter(|size| got < *size);
        if let Some(promised) = short {
            return Err(Cause::Short { got, promised }.into());
        }
        let digest = self.hasher.clone().finish();
        if digest == *order.digest {
            return Ok(());
        }
        self.reset().map_err(Stop::Store)?;
        Err(Cause::Digest { got: digest, promised: vec![order.digest.clone()] }.into())
    }
}

impl Batch<'_> {
    /// Asks place after place until one succeeds; then those again whose failure may have passed, after a while.
    pub(super) fn first<T>(
        &self,
        mut places: Vec<Place>,
        blame: &dyn Fn(&Place),
        attempt: &mut dyn FnMut(&Place) -> Result<T, Stop>,
    ) -> Result<T, Failure> {
        let mut answers = Answers(Vec::new());
        places.truncate(PLACES);
        for round in 0..=self.fetcher.options.retries {
            let mut again = Vec::new();
            let mut wait = self.fetcher.options.timeouts.back_off * 2_u32.saturating_pow(round);
            while !places.is_empty() {
                let wanted = || self.wanted();
                let (index, permit) = self.fetcher.hosts.take(&places, &wanted).ok_or(Failure::Unwanted)?;
                let place = places.remove(index);
                let result = attempt(&place);
                drop(permit);
                let cause = match result {
                    Ok(value) => return Ok(value),
                    Err(Stop::Unwanted) => return Err(Failure::Unwanted),
                    Err(Stop::Store(error)) => return Err(Failure::Store(error)),
                    Err(Stop::Failed(cause)) => cause,
                };
                tracing::debug!(url = url::shown(&place.url), %cause, round, "attempt failed");
                blame(&place);
                wait = wait.max(cause.wait().unwrap_or_default());
                if cause.passes() {
                    again.push(place.clone());
                }
                answers.note(url::shown(&place.url), cause);
            }
            places = again;
            if places.is_empty() || round == self.fetcher.options.retries {
                break;
            }
            self.sleep(wait.min(LONGEST_WAIT))?;
        }
        Err(Failure::Answers(answers))
    }

    fn sleep(&self, time: Duration) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < time {
            if !self.wanted() {
                return Err(Failure::Unwanted);
            }
            thread::sleep(TICK.min(time));
        }
        Ok(())
    }

    /// A file with a promised digest, from any mirror. `watch` hears how far it is.
    pub(super) fn file(
        &self,
        order: &Order<'_>,
        growing: &mut Growing,
        watch: &dyn Fn(u64),
    ) -> Result<(), Error> {
        match order.size {
            Some(size) if size == growing.part.length() && growing.settle(order).is_ok() => return Ok(()),
            Some(size) if size <= growing.part.length() => growing.reset().map_err(Error::Store)?,
            _ => {}
        }
        let places = order.mirrors.places(order.location)?;
        let mut attempt = |place: &Place| self.fill(growing, &place.url, order, watch);
        self.first(places, &|place| order.mirrors.blame(place), &mut attempt)
            .map_err(|failure| failure.of(format!("`{}`", order.location)))
    }

    fn fill(
        &self,
        growing: &mut Growing,
        url: &Url,
        order: &Order<'_>,
        watch: &dyn Fn(u64),
    ) -> Result<(), Stop> {
        let resumed = growing.part.length() > 0;
        match self.stretch(growing, url, order, watch) {
            // What an earlier attempt left may be what is wrong: once more, from the start.
            Err(Stop::Failed(
                Cause::Digest { .. }
                | Cause::Long { .. }
                | Cause::Protocol(_)
                | Cause::Status { code: 416, .. },
            )) if resumed => {
                growing.reset().map_err(Stop::Store)?;
                self.stretch(growing, url, order, watch)
            }
            other => other,
        }
    }

    fn stretch(
        &self,
        growing: &mut Growing,
        url: &Url,
        order: &Order<'_>,
        watch: &dyn Fn(u64),
    ) -> Result<(), Stop> {
        let same = growing.from.as_ref().filter(|(from, _)| from == url);
        let if_range = same.map(|(_, etag)| etag.clone());
        let ask = Ask { from: growing.part.length(), if_range, known: Validators::default() };
        let wanted = || self.wanted();
        let (head, mut body) =
            self.fetcher.client.get_url(url, &ask, (&self.fetcher.options, self.connection), &wanted)?;
        if head.from != growing.part.length() {
            growing.reset().map_err(Stop::Store)?;
        }
        let most = order.size.unwrap_or(order.limit);
        match (head.length, order.size) {
            (Some(got), Some(promised)) if got != promised => {
                return Err(Cause::Size { got, promised }.into());
            }
            (Some(got), None) if got > most => return Err(Cause::Long { promised: most }.into()),
            _ => {}
        }
        growing.from = head.validators.strong().map(|etag| (url.clone(), etag.to_owned()));
        while let Some(piece) = body.next()? {
            if growing.part.length() + piece.len() as u64 > most {
                growing.reset().map_err(Stop::Store)?;
                return Err(Cause::Long { promised: most }.into());
            }
            growing.append(&piece).map_err(Stop::Store)?;
            watch(growing.part.length());
        }
        growing.settle(order)
    }

    /// A small file without a promise, whole, in memory: at most `limit` bytes. `known` makes it conditional: `None`
    /// says that nothing changed.
    pub(super) fn small(
        &self,
        url: &Url,
        limit: u64,
        known: Validators,
    ) -> Result<Option<(Vec<u8>, Validators)>, Stop> {
        let ask = Ask { known, ..Ask::default() };
        let wanted = || self.wanted();
        let (head, mut body) =
            self.fetcher.client.get_url(url, &ask, (&self.fetcher.options, self.connection), &wanted)?;
        if head.unchanged {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        while let Some(piece) = body.next()? {
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(Cause::Long { promised: limit }.into());
            }
            bytes.extend_from_slice(&piece);
        }
        let got = bytes.len() as u64;
        match head.length {
            Some(promised) if got < promised => Err(Cause::Short { got, promised }.into()),
            _ => Ok(Some((bytes, head.validators))),
        }
    }

    /// The same from its only place, asked again as often as it pays.
    pub(super) fn text(&self, url: &Url, limit: u64, what: &str) -> Result<Vec<u8>, Error> {
        let mut attempt = |place: &Place| self.small(&place.url, limit, Validators::default());
        let got = self.first(vec![Place::only(url.clone())], &|_| {}, &mut attempt);
        let (bytes, _) = got.map_err(|failure| failure.of(what))?.unwrap_or_default();
        Ok(bytes)
    }
}
