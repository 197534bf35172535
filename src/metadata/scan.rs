//! The fast reader of documents, for the two that have a million elements.
//!
//! It reads the XML that repositories are written in: elements, attributes, character data, comments, CDATA,
//! processing instructions and a document type without declarations; everything else is refused. The window over the
//! input is one string, checked for UTF-8 as it is filled, so that a tag is cut out of it and not copied. A test reads
//! random documents with this reader and with the general one ([`super::xml`]) and compares what they report.

use std::io::Read;

use super::error::{Error, Fault};
use super::tag::{local, unescape};
use super::xml::{Failure, LONGEST, Visitor, Walk, document_type, syntax};

/// How much is read at once.
const CHUNK: usize = 1 << 16;

/// Reads a whole document.
pub(super) fn read<V: Visitor>(repo: &str, input: impl Read, visitor: &mut V) -> Result<(), Error> {
    let mut walk = Walk::new(visitor);
    let mut scanner = Scanner { window: Window::new(input), names: String::new(), starts: Vec::new() };
    let result = scanner.run(&mut walk);
    result
        .map_err(|failure| walk.error(repo, failure, (local(scanner.innermost()), scanner.window.position())))
}

/// The document and the elements that are open in it.
struct Scanner<R> {
    window: Window<R>,
    names: String,
    starts: Vec<usize>,
}

impl<R: Read> Scanner<R> {
    fn innermost(&self) -> &str {
        self.starts.last().map_or("", |start| &self.names[*start..])
    }

    fn run<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<(), Failure> {
        while let Some(length) = self.window.find("<", 0)? {
            let text = self.window.take(length);
            walk.text(&unescape(text)?)?;
            match self.window.peek(2)? {
                "</" => self.close(walk)?,
                "<!" => self.declaration(walk)?,
                "<?" => {
                    self.window.through("?>", 2)?;
                }
                _ => self.open(walk)?,
            }
        }
        walk.text(self.window.rest())?;
        Ok(walk.end()?)
    }

    /// `<name …>` or `<name …/>`.
    fn open<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<(), Failure> {
        let tag = self.window.tag()?;
        let (inner, empty) = match tag.strip_suffix('/') {
            Some(inner) => (inner, true),
            None => (tag, false),
        };
        let end = inner.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(end);
        if name.is_empty() || name.bytes().any(|byte| b"\"'<=&/".contains(&byte)) {
            return Err(syntax("an element's name is not one").into());
        }
        walk.open(name, attributes)?;
        if empty {
            walk.close(name)?;
        } else {
            self.starts.push(self.names.len());
            self.names.push_str(name);
        }
        Ok(())
    }

    /// `</name>`.
    fn close<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<(), Failure> {
        let name = self.window.through(">", 2)?.trim_ascii_end();
        let start = *self.starts.last().ok_or_else(|| syntax("an element ends that did not begin"))?;
        if self.names[start..] != *name {
            return Err(syntax("an element ends inside another").into());
        }
        self.names.truncate(start);
        self.starts.pop();
        Ok(walk.close(name)?)
    }

    /// A comment, CDATA or a document type.
    fn declaration<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<(), Failure> {
        match self.window.peek(9)? {
            start if start.starts_with("<!--") => {
                self.window.through("-->", 4)?;
            }
            "<![CDATA[" if !self.starts.is_empty() => walk.text(self.window.through("]]>", 9)?)?,
            start if start.starts_with("<!DOCTYPE") => document_type(self.window.through(">", 9)?)?,
            _ => return Err(syntax("a declaration that is none of XML's").into()),
        }
        Ok(())
    }
}

/// A part of the input as text.
struct Window<R> {
    input: R,
    text: String,
    /// What of it has been taken.
    at: usize,
    /// Bytes that are not yet text: the beginning of a character.
    raw: Vec<u8>,
    /// How much of the document lies before the window.
    before: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    fn new(input: R) -> Self {
        Self { input, text: String::new(), at: 0, raw: Vec::new(), before: 0, ended: false }
    }

    fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Takes so many bytes, which must be there and end a character.
    fn take(&mut self, length: usize) -> &str {
        let start = self.at;
        self.at += length;
        &self.text[start..self.at]
    }

    /// The next bytes, fewer at the end of the document; never part of a character.
    fn peek(&mut self, length: usize) -> Result<&str, Failure> {
        while self.text.len() - self.at < length && self.fill()? {}
        Ok(self.rest().get(..length).unwrap_or_default())
    }

    /// How far away a mark is, looked for after so many bytes.
    fn find(&mut self, mark: &str, skip: usize) -> Result<Option<usize>, Failure> {
        let mut from = skip;
        loop {
            let rest = self.rest();
            if let Some(found) = rest.as_bytes().get(from..).and_then(|rest| memmem(rest, mark.as_bytes())) {
                return Ok(Some(from + found));
            }
            if rest.len() > LONGEST {
                return Err(Fault::Length(LONGEST).into());
            }
            // The mark may begin in what is there already.
            from = from.max(rest.floor_char_boundary((rest.len() + 1).saturating_sub(mark.len())));
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Takes everything through a mark; returns what lies between the skipped bytes and the mark.
    fn through(&mut self, mark: &str, skip: usize) -> Result<&str, Failure> {
        let end = self.find(mark, skip)?.ok_or_else(unfinished)?;
        Ok(&self.take(end + mark.len())[skip..end])
    }

    /// Takes an opening tag; returns what lies between `<` and `>`. A `>` inside quotes does not end it.
    fn tag(&mut self) -> Result<&str, Failure> {
        let mut from = 1;
        loop {
            let end = self.find(">", from)?.ok_or_else(unfinished)?;
            if balanced(&self.rest()[..end]) {
                return Ok(&self.take(end + 1)[1..end]);
            }
            from = end + 1;
        }
    }

    /// Reads more; false at the end of the document.
    fn fill(&mut self) -> Result<bool, Failure> {
        if self.ended {
            return Ok(false);
        }
        if self.at > 0 {
            self.before += self.at as u64;
            self.text.drain(..self.at);
            self.at = 0;
        }
        let kept = self.raw.len();
        self.raw.resize(kept + CHUNK, 0);
        let count = loop {
            match self.input.read(&mut self.raw[kept..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result.map_err(Failure::Read)?,
            }
        };
        self.raw.truncate(kept + count);
        self.ended = count == 0;
        let valid = match std::str::from_utf8(&self.raw) {
            Ok(text) => {
                self.text.push_str(text);
                self.raw.len()
            }
            Err(error) if error.error_len().is_none() && !self.ended => {
                let valid = error.valid_up_to();
                self.text.push_str(std::str::from_utf8(&self.raw[..valid]).unwrap_or_default());
                valid
            }
            Err(error) => {
                let offset = self.before + (self.text.len() + error.valid_up_to()) as u64;
                return Err(Fault::NotUtf8 { offset }.into());
            }
        };
        self.raw.drain(..valid);
        if self.before == 0 && self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        Ok(!self.ended)
    }
}

/// Where a mark begins.
fn memmem(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let (first, rest) = mark.split_first()?;
    memchr::memchr_iter(*first, bytes).find(|at| bytes[at + 1..].starts_with(rest))
}

fn unfinished() -> Failure {
    syntax("the document ends inside a tag").into()
}

/// Whether every quote is closed. Two counts without a branch settle all tags but those that mix both quotes.
fn balanced(tag: &str) -> bool {
    let count = |quote: u8| tag.bytes().filter(|byte| *byte == quote).count();
    let (double, single) = (count(b'"'), count(b'\''));
    if double == 0 || single == 0 {
        return (double + single) % 2 == 0;
    }
    let mut open = None;
    for byte in tag.bytes() {
        match open {
            None if matches!(byte, b'"' | b'\'') => open = Some(byte),
            Some(quote) if quote == byte => open = None,
            _ => {}
        }
    }
    open.is_none()
}
