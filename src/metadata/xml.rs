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

    /// An element ends; `text` is what stood before its closing tag.
    fn close(&mut self, depth: usize, name: &str, text: &str) -> Result<(), Fault>;

    /// What is being read, for messages: ``package `bash` ``, or nothing.
    fn subject(&self) -> Option<String> {
        None
    }
}

/// An opening tag.
#[derive(Debug)]
pub(super) struct Tag<'a>(BytesStart<'a>);

impl Tag<'_> {
    /// The name without its prefix.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().into_inner())
    }

    /// Calls back with each attribute: its name, and its value without references and control characters.
    pub(super) fn attributes(
        &self,
        mut each: impl FnMut(&str, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for attribute in self.0.attributes() {
            let attribute =
                attribute.map_err(|error| Fault::Syntax { offset: 0, message: error.to_string() })?;
            let value = unescape(&attribute.value)?;
            plain(&value)?;
            each(attribute.key.into_inner(), &value)?;
        }
        Ok(())
    }
}

/// Reads a whole document.
pub(super) fn read<V: Visitor>(repo: &str, input: impl BufRead, visitor: &mut V) -> Result<(), Error> {
    let mut reader = Reader::from_reader(Meter { input, left: LONGEST });
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk { visitor, name: String::new(), text: String::new(), depth: 0, roots: 0 };
    let mut buffer = Vec::new();
    let end = loop {
        buffer.clear();
        reader.get_mut().left = LONGEST;
        let step = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break walk.end(),
            Ok(event) => walk.step(event).map_err(Failure::from),
            Err(error) => Err(failure(error, reader.error_position())),
        };
        if step.is_err() {
            break step;
        }
    };
    end.map_err(|failure| {
        let place = Place { repo: repo.to_owned(), document: V::DOCUMENT, element: walk.element() };
        match failure {
            Failure::Fault(Fault::Syntax { message, .. }) => {
                let offset = reader.error_position().max(reader.buffer_position());
                Error::Refused { place, fault: Fault::Syntax { offset, message } }
            }
            Failure::Fault(fault) => Error::Refused { place, fault },
            Failure::Read(source) => Error::Read { place, offset: reader.buffer_position(), source },
        }
    })
}

struct Walk<'a, V> {
    visitor: &'a mut V,
    name: String,
    text: String,
    depth: usize,
    roots: usize,
}

impl<V: Visitor> Walk<'_, V> {
    fn step(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(start) => return self.open(&Tag(start)),
            Event::End(end) => {
                self.visitor.close(self.depth, local(end.name().into_inner()), &self.text)?;
                self.depth = self.depth.saturating_sub(1);
                self.text.clear();
            }
            Event::Text(text) => self.text.push_str(&text.into_inner()),
            Event::CData(text) => self.text.push_str(&text.into_inner()),
            Event::GeneralRef(name) => self.text.push(resolve(&name.into_inner())?),
            Event::DocType(text) if text.contains('[') => return Err(Fault::Declarations),
            Event::Empty(_)
            | Event::DocType(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::Eof => {}
        }
        if self.text.len() > LONGEST { Err(Fault::Length(LONGEST)) } else { Ok(()) }
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        self.depth += 1;
        self.text.clear();
        self.name.clear();
        self.name.push_str(tag.name());
        if self.depth > DEEPEST {
            return Err(Fault::Depth(DEEPEST));
        }
        if self.depth == 1 {
            self.roots += 1;
            if tag.name() != V::ROOT {
                return Err(Fault::Root { found: quote(tag.name()), expected: V::ROOT });
            }
            if self.roots > 1 {
                return Err(Fault::Twice { what: "root element", id: V::ROOT.to_owned() });
            }
        }
        self.visitor.open(self.depth, tag)
    }

    fn end(&self) -> Result<(), Failure> {
        let message = match (self.depth, self.roots) {
            (0, 1) => return Ok(()),
            (0, _) => "the document is empty",
            _ => "the document ends inside an element",
        };
        Err(Failure::Fault(Fault::Syntax { offset: 0, message: message.to_owned() }))
    }

    fn element(&self) -> String {
        let element =
            if self.name.is_empty() { String::new() } else { format!("element `{}`", quote(&self.name)) };
        match self.visitor.subject() {
            Some(subject) => format!("{subject}, {element}"),
            None => element,
        }
    }
}

enum Failure {
    Fault(Fault),
    Read(io::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn failure(error: quick_xml::Error, offset: u64) -> Failure {
    match error {
        quick_xml::Error::Io(error) => match error.get_ref() {
            Some(inner) if inner.is::<TooLong>() => Fault::Length(LONGEST).into(),
            _ => Failure::Read(io::Error::new(error.kind(), error)),
        },
        quick_xml::Error::Encoding(_) => Fault::NotUtf8 { offset }.into(),
        error => Fault::Syntax { offset, message: error.to_string() }.into(),
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Refuses NUL, line breaks and other control characters.
pub(super) fn plain(text: &str) -> Result<(), Fault> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err(Fault::Control(quote(text)));
    }
    Ok(())
}

fn unescape(raw: &str) -> Result<Cow<'_, str>, Fault> {
    let Some(first) = raw.find('&') else { return Ok(Cow::Borrowed(raw)) };
    let mut text = raw[..first].to_owned();
    for piece in raw[first + 1..].split('&') {
        let (name, rest) = piece.split_once(';').ok_or_else(|| Fault::Entity(quote(piece)))?;
        text.push(resolve(name)?);
        text.push_str(rest);
    }
    Ok(Cow::Owned(text))
}

/// The character of a reference, the text between `&` and `;`.
fn resolve(name: &str) -> Result<char, Fault> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(digits), _) => number(digits, 16),
            (_, Some(digits)) => number(digits, 10),
            _ => None,
        },
    };
    found.ok_or_else(|| Fault::Entity(quote(name)))
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
