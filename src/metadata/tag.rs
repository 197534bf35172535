//! Opening tags and character data: attributes, references, and the characters no name may have.

use std::borrow::Cow;

use super::error::{Fault, quote};
use super::xml::syntax;

/// The most attributes of one element; the formats use five.
const MOST: usize = 8;

/// An opening tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    name: &'a str,
    attributes: &'a [Attribute<'a>],
}

/// Room for the attributes of one element.
pub(super) type Room<'a> = [Attribute<'a>; MOST];

/// Room with nothing in it.
pub(super) const EMPTY_ROOM: Room<'static> = [Attribute { name: "", raw: "", escaped: false }; MOST];

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    /// The name, prefix and all.
    pub(super) name: &'a str,
    raw: &'a str,
    escaped: bool,
}

/// Where reading attributes came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After `>`, so many bytes in.
    Open(usize),
    /// After `/>`, so many bytes in.
    Empty(usize),
    /// At the end of the text, between attributes.
    Between,
    /// At the end of the text, inside an attribute.
    Inside,
}

impl<'a> Attribute<'a> {
    /// The value, its references replaced, without control characters.
    #[inline]
    pub(super) fn value(&self) -> Result<Cow<'a, str>, Fault> {
        if !self.escaped {
            return Ok(Cow::Borrowed(self.raw));
        }
        let value = unescape(self.raw)?;
        plain(&value)?;
        Ok(value)
    }
}

impl<'a> Tag<'a> {
    /// A tag from its name, prefix and all, and its attributes.
    #[inline]
    pub(super) fn new(name: &'a str, attributes: &'a [Attribute<'a>]) -> Self {
        Self { name: local(name), attributes }
    }

    /// The name without its prefix.
    #[inline]
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// The attributes in the order of the text.
    #[inline]
    pub(super) fn attributes(&self) -> &'a [Attribute<'a>] {
        self.attributes
    }

    /// One attribute's value.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        self.attributes().iter().find(|attribute| attribute.name == name).map(Attribute::value).transpose()
    }
}

/// Reads the text that follows an element's name; returns how many attributes it has, and where it ended.
#[inline]
pub(super) fn attributes<'a>(text: &'a str, room: &mut Room<'a>) -> Result<(usize, End), Fault> {
    let mut rest = text;
    let mut count = 0;
    loop {
        let trimmed = rest.trim_ascii_start();
        let at = text.len() - trimmed.len();
        match trimmed.as_bytes() {
            [b'>', ..] => return Ok((count, End::Open(at + 1))),
            [b'/', b'>', ..] => return Ok((count, End::Empty(at + 2))),
            [] => return Ok((count, End::Between)),
            [b'/'] => return Ok((count, End::Inside)),
            [b'/', ..] => return Err(syntax("a slash inside a tag")),
            _ if trimmed.len() == rest.len() => return Err(syntax("no space before an attribute")),
            _ => {}
        }
        let Some((attribute, after)) = attribute(trimmed)? else { return Ok((count, End::Inside)) };
        rest = after;
        let same =
            |known: &Attribute<'_>| known.name.len() == attribute.name.len() && known.name == attribute.name;
        if room[..count].iter().any(same) {
            return Err(Fault::Twice { what: "attribute", id: quote(attribute.name) });
        }
        let free = room.get_mut(count);
        *free.ok_or(Fault::Count { what: "attributes of one element", limit: MOST as u64 })? = attribute;
        count += 1;
    }
}

/// One attribute and what follows it; nothing if the text ends inside it.
#[inline]
fn attribute(text: &str) -> Result<Option<(Attribute<'_>, &str)>, Fault> {
    let (name, after) = text.split_at(name_length(text.as_bytes()));
    if name.is_empty() {
        return Err(syntax("an attribute without a name"));
    }
    let value = match after.as_bytes() {
        [b'=', b'"' | b'\'', ..] => &after[1..],
        _ => match equals(after)? {
            Some(value) => value,
            None => return Ok(None),
        },
    };
    let quote = value.as_bytes()[0];
    let Some(length) = memchr::memchr(quote, &value.as_bytes()[1..]) else { return Ok(None) };
    let (raw, after) = (&value[1..=length], &value[length + 2..]);
    let found = raw.bytes().fold(0, |found, byte| found | marks(byte));
    if found & LESS != 0 {
        return Err(syntax("a `<` inside a value"));
    }
    Ok(Some((Attribute { name, raw, escaped: found & (CONTROL | REFERENCE) != 0 }, after)))
}

/// From a quote on, what follows an equals sign with space around it; nothing if the text ends before it.
#[cold]
fn equals(text: &str) -> Result<Option<&str>, Fault> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return Ok(None);
    }
    let value =
        text.strip_prefix('=').ok_or_else(|| syntax("an attribute without a value"))?.trim_ascii_start();
    match value.as_bytes().first() {
        None => Ok(None),
        Some(b'"' | b'\'') => Ok(Some(value)),
        Some(_) => Err(syntax("an attribute's value without quotes")),
    }
}

const CONTROL: u8 = 1;
const REFERENCE: u8 = 2;
const LESS: u8 = 4;
const NAME_END: u8 = 8;
const SPACE: u8 = 16;

/// What a byte means to the reader of tags.
const MARKS: [u8; 256] = {
    let mut marks = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        marks[byte] = match byte as u8 {
            b'\t' | b'\n' | b'\r' => CONTROL | NAME_END | SPACE,
            0..0x20 | 0x7f => CONTROL,
            b' ' => NAME_END | SPACE,
            b'"' | b'\'' | b'>' | b'/' | b'=' => NAME_END,
            b'<' => LESS | NAME_END,
            b'&' => REFERENCE | NAME_END,
            _ => 0,
        };
        byte += 1;
    }
    marks
};

/// How long an element's name is, at the start of a text.
#[inline]
pub(super) fn name_length(text: &[u8]) -> usize {
    text.iter().position(|byte| marks(*byte) & NAME_END != 0).unwrap_or(text.len())
}

#[inline]
fn marks(byte: u8) -> u8 {
    MARKS[usize::from(byte)]
}

/// The value of each hexadecimal digit, and of each byte that is none.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0xff;

/// The bytes of a hexadecimal text, at most 64.
pub(super) fn unhex<'b>(text: &str, room: &'b mut [u8; 64]) -> Option<&'b [u8]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes = room.get_mut(..pairs.len())?;
    let mut wrong = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
        wrong |= high | low;
        *byte = high << 4 | low & 15;
    }
    if wrong & 0xf0 == 0 { Some(bytes) } else { None }
}

/// The name after its prefix.
#[inline]
pub(super) fn local(name: &str) -> &str {
    name.bytes().rposition(|byte| byte == b':').map_or(name, |colon| &name[colon + 1..])
}

/// Refuses NUL, line breaks and other control characters.
pub(super) fn plain(text: &str) -> Result<(), Fault> {
    let found = text.bytes().fold(0, |found, byte| found | marks(byte));
    if found & CONTROL == 0 { Ok(()) } else { Err(Fault::Control(quote(text))) }
}

/// Text with its references replaced. Only XML's own five entities exist, so nothing can expand to more than it is.
pub(super) fn unescape(raw: &str) -> Result<Cow<'_, str>, Fault> {
    let Some(first) = memchr::memchr(b'&', raw.as_bytes()) else { return Ok(Cow::Borrowed(raw)) };
    let mut text = raw[..first].to_owned();
    for piece in raw[first + 1..].split('&') {
        let (name, rest) = piece.split_once(';').ok_or_else(|| Fault::Entity(quote(piece)))?;
        text.push(resolve(name)?);
        text.push_str(rest);
    }
    Ok(Cow::Owned(text))
}

/// The character of a reference, the text between `&` and `;`.
pub(super) fn resolve(name: &str) -> Result<char, Fault> {
    let number = |digits: &str, radix| {
        let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).and_then(char::from_u32)
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(String, String)>, Fault> {
        let mut room = EMPTY_ROOM;
        let (count, end) = attributes(text, &mut room)?;
        if end != End::Between {
            return Err(syntax("not whole"));
        }
        let pair = |it: &Attribute<'_>| Ok((it.name.to_owned(), it.value()?.into_owned()));
        room[..count].iter().map(pair).collect()
    }

    #[test]
    fn hexadecimal_text_is_bytes() {
        let mut room = [0; 64];
        assert_eq!(unhex("00fFa9", &mut room), Some(&[0, 0xff, 0xa9][..]));
        for text in ["0", "0g", "-1", &"0".repeat(130)] {
            assert_eq!(unhex(text, &mut room), None, "{text}");
        }
    }

    #[test]
    fn attributes_are_pairs_with_their_references_replaced() {
        let found = pairs(" a=\"1\"\n b = '&lt;&#65;&#x42;&amp;' ").unwrap();
        let expected = [("a", "1"), ("b", "<AB&")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(Tag::new("rpm:entry", &[]).name(), "entry");
        for (text, expected) in [
            (">", End::Open(1)),
            (" a=\">\"/>x", End::Empty(8)),
            (" >", End::Open(2)),
            ("/", End::Inside),
            ("", End::Between),
            (" a", End::Inside),
            (" a=", End::Inside),
            (" a='", End::Inside),
            (" a='1' ", End::Between),
        ] {
            assert_eq!(attributes(text, &mut EMPTY_ROOM.clone()).unwrap().1, expected, "{text:?}");
        }
    }

    #[test]
    fn attributes_that_break_a_rule_are_refused() {
        for text in [
            "a=\"1\"",
            " a",
            " a=1",
            " a=\"1",
            " a=\"1\"b=\"2\"",
            " a=\"1\" a=\"2\"",
            " a=\"<\"",
            " a=\"&nbsp;\"",
            " a=\"&lt\"",
            " a=\"&#0;\"",
            " a=\"&#xD800;\"",
            " a=\"&#+65;\"",
            " a=\"x\ny\"",
            " a=\"x\0y\"",
            " a b=\"1\"",
            " a=\"1\" b=\"\" c=\"\" d=\"\" e=\"\" f=\"\" g=\"\" h=\"\" i=\"\"",
        ] {
            assert!(pairs(text).is_err(), "{text:?}");
        }
    }
}
