//! A document as a stream of tags pushed at a [`Visitor`], within the limits that a document from outside must keep.
//!
//! Nothing is expanded: a document type may name an external identifier (comps does; it is never read) and nothing
//! more, and only XML's own five entities and character references are understood. No tag or text is longer than
//! [`LONGEST`], whatever the document claims, because the reader underneath stops there.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::error::{Error, Fault, Place, quote};
use super::tag::{EMPTY_ROOM, End, Tag, attributes, local, plain, resolve, unescape};

/// The longest string, tag or comment.
pub(super) const LONGEST: usize = 1 << 20;
/// The deepest nesting; the formats use six.
const DEEPEST: usize = 16;

/// Who takes the tags. Names come without their prefix; the depth of the root element is 1.
pub(super) trait Visitor {
    /// The name of the root element.
    const ROOT: &'static str;
    /// The document's name in messages.
    const DOCUMENT: &'static str;

    /// An element begins.
    fn open(&mut self, depth: usize, tag: &Tag<'_>) -> Result<(), Fault>;

    /// An element ends; `text` is what stood between its last tag and this one.
    fn close(&mut self, depth: usize, name: &str, text: Text<'_>) -> Result<(), Fault>;

    /// What is being read, for messages: ``package `bash` ``, or nothing.
    fn subject(&self) -> Option<String> {
        None
    }
}

/// Character data, its references replaced when somebody asks for it: most of a document is of no interest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// What was read before the last piece; rarely anything.
    before: &'a str,
    /// The last piece, as it is written.
    raw: &'a str,
}

impl<'a> Text<'a> {
    /// The text.
    pub(super) fn get(self) -> Result<Cow<'a, str>, Fault> {
        if self.before.len() + self.raw.len() > LONGEST {
            return Err(Fault::Length(LONGEST));
        }
        let last = unescape(self.raw)?;
        if self.before.is_empty() { Ok(last) } else { Ok(Cow::Owned(format!("{}{last}", self.before))) }
    }

    /// The text of a name or a number: without white space around it, and without control characters.
    pub(super) fn word(self) -> Result<Cow<'a, str>, Fault> {
        let word = match self.get()? {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
            Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
        };
        plain(&word)?;
        Ok(word)
    }
}

/// Reads a whole document.
pub(super) fn read<V: Visitor>(repo: &str, input: impl BufRead, visitor: &mut V) -> Result<(), Error> {
    let mut reader = Reader::from_reader(Meter { input, left: LONGEST });
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk::new(visitor);
    let mut buffer = Vec::new();
    let mut last = String::new();
    let end = loop {
        buffer.clear();
        reader.get_mut().left = LONGEST;
        let step = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break walk.end().map_err(Failure::Fault),
            Ok(event) => {
                if let Event::Start(start) = &event {
                    local(start.name().into_inner()).clone_into(&mut last);
                }
                step(&mut walk, event).map_err(Failure::Fault)
            }
            Err(error) => Err(failure(error, reader.error_position())),
        };
        if step.is_err() {
            break step;
        }
    };
    let offset = reader.error_position().max(reader.buffer_position());
    end.map_err(|failure| walk.error(repo, failure, (&last, offset)))
}

fn step<V: Visitor>(walk: &mut Walk<'_, V>, event: Event<'_>) -> Result<(), Fault> {
    match event {
        Event::Start(start) => open(walk, &start),
        Event::End(end) => walk.close(end.name().into_inner(), ""),
        Event::Text(text) => walk.text(&text.into_inner()),
        Event::CData(text) => walk.text(&text.into_inner()),
        Event::GeneralRef(name) => walk.text(resolve(&name.into_inner())?.encode_utf8(&mut [0; 4])),
        Event::DocType(text) => document_type(&text.into_inner()),
        Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
    }
}

fn open<V: Visitor>(walk: &mut Walk<'_, V>, start: &BytesStart<'_>) -> Result<(), Fault> {
    let mut room = EMPTY_ROOM;
    match attributes(start.attributes_raw(), &mut room)? {
        (count, End::Between) => walk.open(&Tag::new(start.name().into_inner(), &room[..count])),
        _ => Err(syntax("a tag that does not end")),
    }
}

/// A document type may name its definition, and declare nothing itself.
pub(super) fn document_type(text: &str) -> Result<(), Fault> {
    if text.contains('[') { Err(Fault::Declarations) } else { Ok(()) }
}

/// What both readers of documents have in common: the rules that need to know where in the document we are.
pub(super) struct Walk<'a, V> {
    visitor: &'a mut V,
    /// The element that the visitor refused.
    name: String,
    text: String,
    depth: usize,
    roots: usize,
}

/// Why reading ended before the document did.
pub(super) enum Failure {
    /// The document is at fault.
    Fault(Fault),
    /// Its bytes could not be had.
    Read(io::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<'a, V: Visitor> Walk<'a, V> {
    pub(super) fn new(visitor: &'a mut V) -> Self {
        Self { visitor, name: String::new(), text: String::new(), depth: 0, roots: 0 }
    }

    /// An element begins.
    #[inline]
    pub(super) fn open(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.depth += 1;
        self.text.clear();
        let checked = if self.depth == 1 { self.root(tag.name()) } else { Ok(()) };
        if self.depth > DEEPEST {
            return Err(Fault::Depth(DEEPEST));
        }
        let result = checked.and_then(|()| self.visitor.open(self.depth, tag));
        if result.is_err() {
            tag.name().clone_into(&mut self.name);
        }
        result
    }

    fn root(&mut self, name: &str) -> Result<(), Fault> {
        self.roots += 1;
        if name != V::ROOT {
            return Err(Fault::Root { found: quote(name), expected: V::ROOT });
        }
        if self.roots > 1 {
            return Err(Fault::Twice { what: "root element", id: V::ROOT.to_owned() });
        }
        Ok(())
    }

    /// An element ends; `last` is the text before its closing tag, as it is written.
    #[inline]
    pub(super) fn close(&mut self, name: &str, last: &str) -> Result<(), Fault> {
        let name = local(name);
        let result = self.visitor.close(self.depth, name, Text { before: &self.text, raw: last });
        if result.is_err() {
            name.clone_into(&mut self.name);
        }
        self.depth = self.depth.saturating_sub(1);
        self.text.clear();
        result
    }

    /// Character data, its references already replaced.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.depth == 0 {
            let blank = text.trim_ascii().is_empty();
            return if blank { Ok(()) } else { Err(syntax("text outside of the root element")) };
        }
        if self.text.len() + text.len() > LONGEST {
            return Err(Fault::Length(LONGEST));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Character data before an opening tag: it is in nobody's text, but has to be text.
    #[inline]
    pub(super) fn between(&mut self, text: &str) -> Result<(), Fault> {
        if text.bytes().all(|byte| byte.is_ascii_whitespace()) { Ok(()) } else { self.text(&unescape(text)?) }
    }

    /// The document ends.
    pub(super) fn end(&self) -> Result<(), Fault> {
        let message = match (self.depth, self.roots) {
            (0, 1) => return Ok(()),
            (0, _) => "the document is empty",
            _ => "the document ends inside an element",
        };
        Err(syntax(message))
    }

    /// The failure, with its place: the element that the visitor refused, or the one that the reader was in.
    pub(super) fn error(&self, repo: &str, failure: Failure, (within, offset): (&str, u64)) -> Error {
        let name = if self.name.is_empty() { within } else { &self.name };
        let element = match (name, self.visitor.subject()) {
            ("", subject) => subject.unwrap_or_default(),
            (name, Some(subject)) => format!("{subject}, element `{}`", quote(name)),
            (name, None) => format!("element `{}`", quote(name)),
        };
        let place = Place { repo: repo.to_owned(), document: V::DOCUMENT, element };
        match failure {
            Failure::Fault(Fault::Syntax { message, .. }) => {
                Error::Refused { place, fault: Fault::Syntax { offset, message } }
            }
            Failure::Fault(fault) => Error::Refused { place, fault },
            Failure::Read(source) => Error::Read { place, offset, source },
        }
    }
}

/// A breach of XML's rules; where it is, is filled in by [`Walk::error`].
pub(super) fn syntax(message: &str) -> Fault {
    Fault::Syntax { offset: 0, message: message.to_owned() }
}

fn failure(error: quick_xml::Error, offset: u64) -> Failure {
    match error {
        quick_xml::Error::Io(error) => match error.get_ref() {
            Some(inner) if inner.is::<TooLong>() => Failure::Fault(Fault::Length(LONGEST)),
            _ => Failure::Read(io::Error::new(error.kind(), error)),
        },
        quick_xml::Error::Encoding(_) => Failure::Fault(Fault::NotUtf8 { offset }),
        error => Failure::Fault(Fault::Syntax { offset, message: error.to_string() }),
    }
}

/// Gives out so many bytes and no more, so that one event cannot grow without end.
struct Meter<R> {
    input: R,
    left: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("a string without end")]
struct TooLong;

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(TooLong));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}
