//! Opening tags and character data: attributes, references, and the characters no name may have.

use std::borrow::Cow;

use super::error::{Fault, quote};
use super::xml::syntax;

/// An opening tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
}

/// An attribute: its name, and its value without references.
pub(super) type Attribute<'a> = (&'a str, Cow<'a, str>);

impl<'a> Tag<'a> {
    /// A tag from the text of its name, prefix and all, and the text of its attributes.
    pub(super) fn new(name: &'a str, attributes: &'a str) -> Self {
        Self { name: local(name), attributes }
    }

    /// The name without its prefix.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// The attributes in the order of the text. A value has no control characters.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.attributes, seen: [""; 8], count: 0 }
    }

    /// One attribute's value.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        let mut found = None;
        for attribute in self.attributes() {
            let (key, value) = attribute?;
            if key == name {
                found = Some(value);
            }
        }
        Ok(found)
    }
}

/// The attributes that are left.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    rest: &'a str,
    seen: [&'a str; 8],
    count: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let space = self.rest.bytes().take_while(u8::is_ascii_whitespace).count();
        if space == self.rest.len() {
            return None;
        }
        let attribute = if space > 0 {
            self.read(&self.rest[space..])
        } else {
            Err(syntax("no space before an attribute"))
        };
        if attribute.is_err() {
            self.rest = "";
        }
        Some(attribute)
    }
}

impl<'a> Attributes<'a> {
    /// One attribute, byte by byte: it is short, and there are millions.
    fn read(&mut self, text: &'a str) -> Result<Attribute<'a>, Fault> {
        let equals = text.bytes().position(|byte| byte == b'=' || marks(byte) & NAME_END != 0);
        let (name, value) = text.split_at(equals.ok_or_else(|| syntax("an attribute without a value"))?);
        let value = value
            .trim_ascii_start()
            .strip_prefix('=')
            .ok_or_else(|| syntax("an attribute without a value"))?;
        let value = value.trim_ascii_start();
        let quote = value.bytes().next().filter(|byte| matches!(byte, b'"' | b'\''));
        let quote = quote.ok_or_else(|| syntax("an attribute's value without quotes"))?;
        if name.is_empty() {
            return Err(syntax("an attribute without a name"));
        }
        let mut found = 0;
        let length = value.bytes().skip(1).position(|byte| {
            found |= marks(byte);
            byte == quote
        });
        let length = length.ok_or_else(|| syntax("an attribute's value without its closing quote"))?;
        let raw = &value[1..=length];
        self.note(name)?;
        self.rest = &value[length + 2..];
        if found & (CONTROL | REFERENCE | LESS) == 0 {
            return Ok((name, Cow::Borrowed(raw)));
        }
        if found & LESS != 0 {
            return Err(syntax("a `<` inside a value"));
        }
        let value = unescape(raw)?;
        plain(&value)?;
        Ok((name, value))
    }

    /// Refuses a name that was there before, and more attributes than any format has.
    fn note(&mut self, name: &'a str) -> Result<(), Fault> {
        let same = |seen: &&str| seen.len() == name.len() && *seen == name;
        if self.seen[..self.count].iter().any(same) {
            return Err(Fault::Twice { what: "attribute", id: super::error::quote(name) });
        }
        let limit = self.seen.len();
        let free = self.seen.get_mut(self.count);
        *free.ok_or(Fault::Count { what: "attributes of one element", limit: limit as u64 })? = name;
        self.count += 1;
        Ok(())
    }
}

const CONTROL: u8 = 1;
const REFERENCE: u8 = 2;
const LESS: u8 = 4;
const NAME_END: u8 = 8;

/// What a byte means to the reader of attributes.
const MARKS: [u8; 256] = {
    let mut marks = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        marks[byte] = match byte as u8 {
            b'\t' | b'\n' | b'\r' => CONTROL | NAME_END,
            0..0x20 | 0x7f => CONTROL,
            b' ' | b'"' | b'\'' | b'>' => NAME_END,
            b'<' => LESS | NAME_END,
            b'&' => REFERENCE | NAME_END,
            _ => 0,
        };
        byte += 1;
    }
    marks
};

fn marks(byte: u8) -> u8 {
    MARKS[usize::from(byte)]
}

/// The bytes of a hexadecimal text.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The name after its prefix.
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

    fn attributes(text: &str) -> Result<Vec<(String, String)>, Fault> {
        Tag::new("rpm:entry", text)
            .attributes()
            .map(|pair| pair.map(|(name, value)| (name.to_owned(), value.into_owned())))
            .collect()
    }

    #[test]
    fn attributes_are_pairs_with_their_references_replaced() {
        let found = attributes(" a=\"1\"\n b = '&lt;&#65;&#x42;&amp;' ").unwrap();
        let expected = [("a", "1"), ("b", "<AB&")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(Tag::new("rpm:entry", "").name(), "entry");
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
            assert!(attributes(text).is_err(), "{text:?}");
        }
    }
}
