//! The fast reader of documents, for the two that have a million elements.
//!
//! It reads the XML that repositories are written in: elements, attributes, character data, comments, CDATA,
//! processing instructions and a document type without declarations; everything else is refused. The window over the
//! input is one string, checked for UTF-8 as it is filled, so that a tag is cut out of it and not copied. A test reads
//! random documents with this reader and with the general one ([`super::xml`]) and compares what they report.

use std::io::Read;

use super::error::{Error, Fault};
use super::tag::{EMPTY_ROOM, End, Tag, attributes, local, name_length, unescape};
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

/// What became of the next tag in the window.
enum Step {
    /// Dealt with, so many bytes.
    Done(usize),
    /// Neither opening nor closing; it begins so many bytes from here.
    Other(usize),
    /// It is not there as a whole.
    More,
}

impl<R: Read> Scanner<R> {
    fn innermost(&self) -> &str {
        self.starts.last().map_or("", |start| &self.names[*start..])
    }

    fn run<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<(), Failure> {
        loop {
            match self.step(walk)? {
                Step::Done(length) => self.window.at += length,
                Step::Other(length) => {
                    walk.text(&unescape(self.window.take(length))?)?;
                    self.other(walk)?;
                }
                Step::More if self.window.fill()? => {}
                Step::More if memchr::memchr(b'<', self.window.rest().as_bytes()).is_some() => {
                    return Err(unfinished());
                }
                Step::More => {
                    walk.text(self.window.rest())?;
                    return Ok(walk.end()?);
                }
            }
        }
    }

    /// The text up to the next tag, and the tag.
    #[inline]
    fn step<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<Step, Fault> {
        let rest = &self.window.text[self.window.at..];
        let Some(start) = memchr::memchr(b'<', rest.as_bytes()) else { return Ok(Step::More) };
        let (text, tag) = (&rest[..start], &rest[start + 1..]);
        match tag.as_bytes().first() {
            None => Ok(Step::More),
            Some(b'!' | b'?') => Ok(Step::Other(start)),
            Some(b'/') => {
                let Some(end) = memchr::memchr(b'>', tag.as_bytes()) else { return Ok(Step::More) };
                let name = tag[1..end].trim_ascii_end();
                let start_of_name =
                    *self.starts.last().ok_or_else(|| syntax("an element ends that did not begin"))?;
                if self.names[start_of_name..] != *name {
                    return Err(syntax("an element ends inside another"));
                }
                walk.close(name, text)?;
                self.names.truncate(start_of_name);
                self.starts.pop();
                Ok(Step::Done(start + 1 + end + 1))
            }
            Some(_) => {
                let (name, after) = tag.split_at(name_length(tag.as_bytes()));
                if name.is_empty() {
                    return Err(syntax("an element's name is not one"));
                }
                let mut room;
                let (attributes, end) = if after.starts_with('>') {
                    (&[][..], End::Open(1))
                } else {
                    room = EMPTY_ROOM;
                    let (count, end) = attributes(after, &mut room)?;
                    (&room[..count], end)
                };
                let (end, body) = match end {
                    End::Open(end) => (end, Some(&after[end..])),
                    End::Empty(end) => (end, None),
                    End::Between | End::Inside => return Ok(Step::More),
                };
                walk.between(text)?;
                walk.open(&Tag::new(name, attributes))?;
                let before = start + 1 + name.len() + end;
                let Some(body) = body else {
                    walk.close(name, "")?;
                    return Ok(Step::Done(before));
                };
                if let Some((text, length)) = leaf(name, body) {
                    walk.close(name, text)?;
                    return Ok(Step::Done(before + length));
                }
                self.starts.push(self.names.len());
                self.names.push_str(name);
                Ok(Step::Done(before))
            }
        }
    }

    /// A comment, CDATA, a document type or a processing instruction.
    fn other<V: Visitor>(&mut self, walk: &mut Walk<'_, V>) -> Result<(), Failure> {
        match self.window.peek(9)? {
            start if start.starts_with("<?") => {
                self.window.through("?>", 2)?;
            }
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

/// The text of an element that has nothing but text, and the length through its closing tag: most have, and need no
/// place among the open ones.
#[inline]
fn leaf<'a>(name: &str, body: &'a str) -> Option<(&'a str, usize)> {
    let length = memchr::memchr(b'<', body.as_bytes())?;
    let closing = body.as_bytes()[length + 1..].strip_prefix(b"/")?.strip_prefix(name.as_bytes())?;
    closing.starts_with(b">").then(|| (&body[..length], length + 2 + name.len() + 1))
}

/// A part of the input as text.
struct Window<R> {
    input: R,
    text: String,
    /// What of it has been taken.
    at: usize,
    /// Where bytes are read to; the first of them are the beginning of a character.
    raw: Box<[u8]>,
    kept: usize,
    /// How much of the document lies before the window.
    before: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    fn new(input: R) -> Self {
        let raw = vec![0; CHUNK].into_boxed_slice();
        Self { input, text: String::new(), at: 0, raw, kept: 0, before: 0, ended: false }
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
        if self.text.len() > LONGEST {
            return Err(Fault::Length(LONGEST).into());
        }
        let count = loop {
            match self.input.read(&mut self.raw[self.kept..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result.map_err(Failure::Read)?,
            }
        };
        self.ended = count == 0;
        let bytes = &self.raw[..self.kept + count];
        let valid = match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.text.push_str(text);
                bytes.len()
            }
            Err(error) if error.error_len().is_none() && !self.ended => {
                let valid = error.valid_up_to();
                self.text.push_str(std::str::from_utf8(&bytes[..valid]).unwrap_or_default());
                valid
            }
            Err(error) => {
                let offset = self.before + (self.text.len() + error.valid_up_to()) as u64;
                return Err(Fault::NotUtf8 { offset }.into());
            }
        };
        self.raw.copy_within(valid..self.kept + count, 0);
        self.kept = self.kept + count - valid;
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
