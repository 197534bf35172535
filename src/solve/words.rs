//! One numbering for the strings of several repositories.
//!
//! The first repository's numbers are kept as they are, so that a single repository costs nothing; a string of a later
//! one gets the number it already has, or a new one. Strings that no repository has come last.

use crate::metadata::{self, View};

/// A string, whichever repository it is from. Equal strings have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Word(pub(super) u32);

impl Word {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// All strings.
#[derive(Debug)]
pub(super) struct Words<'a> {
    tables: Vec<View<'a>>,
    /// How many strings the first repository has.
    first: usize,
    /// For each repository after the first: its numbers to ours.
    maps: Vec<Vec<Word>>,
    /// Where the strings after the first repository's are: repository and number there.
    homes: Vec<(u32, metadata::Id)>,
    extra: Vec<String>,
}

impl<'a> Words<'a> {
    pub(super) fn new(tables: Vec<View<'a>>) -> Self {
        let first = tables.first().map_or(0, View::strings);
        let mut words = Self { tables, first, maps: Vec::new(), homes: Vec::new(), extra: Vec::new() };
        for repo in 1..words.tables.len() {
            let table = words.tables[repo];
            let mut map = Vec::with_capacity(table.strings());
            for local in (0..table.strings()).map(metadata::Id::from_index) {
                let known = words.find_in(table.text(local), repo);
                map.push(known.unwrap_or_else(|| {
                    words.homes.push((repo as u32, local));
                    Word((words.first + words.homes.len() - 1) as u32)
                }));
            }
            words.maps.push(map);
        }
        words
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.first + self.homes.len() + self.extra.len()
    }

    /// The number of a repository's string.
    #[inline]
    pub(super) fn of(&self, repo: usize, local: metadata::Id) -> Word {
        if repo == 0 { Word(local.index() as u32) } else { self.maps[repo - 1][local.index()] }
    }

    pub(super) fn text(&self, word: Word) -> &str {
        let Some(at) = word.index().checked_sub(self.first) else {
            return self.tables[0].text(metadata::Id::from_index(word.index()));
        };
        match self.homes.get(at) {
            Some((repo, local)) => self.tables[*repo as usize].text(*local),
            None => &self.extra[at - self.homes.len()],
        }
    }

    /// A string's bytes, whose order is that of the strings.
    pub(super) fn bytes(&self, word: Word) -> &[u8] {
        let Some(at) = word.index().checked_sub(self.first) else {
            return self.tables[0].bytes(metadata::Id::from_index(word.index()));
        };
        match self.homes.get(at) {
            Some((repo, local)) => self.tables[*repo as usize].bytes(*local),
            None => self.extra[at - self.homes.len()].as_bytes(),
        }
    }

    /// The number of a string, if anything names it.
    pub(super) fn find(&self, text: &str) -> Option<Word> {
        let extra = || {
            let at = self.extra.iter().position(|extra| extra == text)?;
            Some(Word((self.first + self.homes.len() + at) as u32))
        };
        self.find_in(text, self.tables.len()).or_else(extra)
    }

    /// The number of a string, new or known.
    pub(super) fn intern(&mut self, text: &str) -> Word {
        self.find(text).unwrap_or_else(|| {
            self.extra.push(text.to_owned());
            Word((self.len() - 1) as u32)
        })
    }

    fn find_in(&self, text: &str, repos: usize) -> Option<Word> {
        (0..repos).find_map(|repo| self.tables[repo].find(text).map(|local| self.of(repo, local)))
    }
}
