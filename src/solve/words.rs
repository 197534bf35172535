//! One numbering for the strings of several repositories.
//!
//! Each repository has a range of numbers; a string that an earlier repository has too goes by the number it has there,
//! which is looked up when it is first asked for. So a single repository costs nothing, and several cost what is used.
//! Strings that no repository has come last.

use std::cell::Cell;

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
    /// Where each repository's range begins, and where the last one ends.
    bases: Vec<u32>,
    /// For each repository after the first: our numbers by its own, plus one; 0 where nobody has asked yet.
    known: Vec<Vec<Cell<u32>>>,
    extra: Vec<String>,
}

impl<'a> Words<'a> {
    pub(super) fn new(tables: Vec<View<'a>>) -> Self {
        let mut bases = vec![0];
        for table in &tables {
            bases.push(bases[bases.len() - 1] + table.strings() as u32);
        }
        let known = tables.iter().skip(1).map(|table| vec![Cell::new(0); table.strings()]).collect();
        Self { tables, bases, known, extra: Vec::new() }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.end() + self.extra.len()
    }

    fn end(&self) -> usize {
        self.bases[self.tables.len()] as usize
    }

    /// The number of a repository's string.
    #[inline]
    pub(super) fn of(&self, repo: usize, local: metadata::Id) -> Word {
        if repo == 0 { Word(local.index() as u32) } else { self.of_later(repo, local) }
    }

    fn of_later(&self, repo: usize, local: metadata::Id) -> Word {
        let cell = &self.known[repo - 1][local.index()];
        if let Some(known) = cell.get().checked_sub(1) {
            return Word(known);
        }
        let earlier = self.find_in(self.tables[repo].text(local), repo);
        let word = earlier.unwrap_or(Word(self.bases[repo] + local.index() as u32));
        cell.set(word.0 + 1);
        word
    }

    /// The number that a repository has for a string, if it has it.
    pub(super) fn local(&self, repo: usize, word: Word) -> Option<metadata::Id> {
        match self.home(word) {
            Some((home, local)) if home == repo => Some(local),
            _ => self.tables[repo].find(self.text(word)),
        }
    }

    /// The repository whose number a string goes by, and its number there.
    fn home(&self, word: Word) -> Option<(usize, metadata::Id)> {
        let repo = (0..self.tables.len()).find(|repo| word.0 < self.bases[repo + 1])?;
        Some((repo, metadata::Id::from_index((word.0 - self.bases[repo]) as usize)))
    }

    pub(super) fn text(&self, word: Word) -> &str {
        match self.home(word) {
            Some((repo, local)) => self.tables[repo].text(local),
            None => &self.extra[word.index() - self.end()],
        }
    }

    /// A string's bytes, whose order is that of the strings.
    pub(super) fn bytes(&self, word: Word) -> &[u8] {
        match self.home(word) {
            Some((repo, local)) => self.tables[repo].bytes(local),
            None => self.extra[word.index() - self.end()].as_bytes(),
        }
    }

    /// The number of a string, if anything names it.
    pub(super) fn find(&self, text: &str) -> Option<Word> {
        let extra = || {
            let at = self.extra.iter().position(|extra| extra == text)?;
            Some(Word((self.end() + at) as u32))
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

    /// Looks in the repositories before one.
    fn find_in(&self, text: &str, before: usize) -> Option<Word> {
        (0..before).find_map(|repo| {
            let local = self.tables[repo].find(text)?;
            Some(Word(self.bases[repo] + local.index() as u32))
        })
    }
}
