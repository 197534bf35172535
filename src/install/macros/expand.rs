//! The expansion of a text, as far as it is plain.

use crate::install::macros::{Definition, MacroError, Macros};

/// rpm's own limit on nesting.
const DEEPEST: usize = 64;
/// Far more than any script is long.
const LARGEST: usize = 1 << 20;
/// How many bytes may be read, those of a macro's body each time that it is used: macros that call one another twice
/// would not end else, and may do so without a single byte of output.
const MOST_READ: usize = 64 << 20;

/// Names that rpm defines itself, and that do something.
const BUILT_IN: &[&str] = &[
    "P",
    "S",
    "basename",
    "define",
    "dirname",
    "dnl",
    "dump",
    "echo",
    "error",
    "exists",
    "expand",
    "expr",
    "getenv",
    "getncpus",
    "global",
    "gsub",
    "len",
    "load",
    "lower",
    "lua",
    "macrobody",
    "quote",
    "rep",
    "reverse",
    "rpmversion",
    "shescape",
    "shrink",
    "span",
    "sub",
    "suffix",
    "trace",
    "u2p",
    "uncompress",
    "undefine",
    "upper",
    "url2path",
    "verbose",
    "warn",
    "xdg",
];

pub(super) fn expand(macros: &Macros, text: &str) -> Result<String, MacroError> {
    let mut expansion = Expansion { macros, out: String::new(), depth: 0, read: 0 };
    expansion.text(text)?;
    Ok(expansion.out)
}

struct Expansion<'a> {
    macros: &'a Macros,
    out: String,
    depth: usize,
    read: usize,
}

/// Whether a macro is asked for its existence only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    None,
    Defined,
    Undefined,
}

impl Expansion<'_> {
    fn text(&mut self, text: &str) -> Result<(), MacroError> {
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            self.out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            match rest.as_bytes().first() {
                None => self.out.push('%'),
                Some(b'%') => {
                    self.out.push('%');
                    rest = &rest[1..];
                }
                Some(b'(' | b'[') => {
                    let (inner, _) = enclosed(rest)?;
                    return Err(MacroError::Unsupported { name: format!("%{}", shortened(inner)) });
                }
                Some(b'{') => {
                    let (inner, after) = enclosed(rest)?;
                    self.reads(inner)?;
                    let used = self.call(&inner[1..inner.len() - 1], Form::Braces)?;
                    rest = if used { after } else { rest };
                }
                Some(_) => {
                    let end = rest.find(|c| c != '?' && c != '!').unwrap_or(rest.len());
                    let length = rest[end..].find(|c: char| !is_name(c)).unwrap_or(rest.len() - end);
                    let used = self.call(&rest[..end + length], Form::Bare)?;
                    rest = if used { &rest[end + length..] } else { rest };
                }
            }
        }
        self.out.push_str(rest);
        Ok(())
    }

    /// Expands one call. What is no macro stays as it is written: then nothing is used but the percent sign.
    fn call(&mut self, call: &str, form: Form) -> Result<bool, MacroError> {
        let (condition, call) = condition(call);
        let end = match form {
            Form::Bare => call.len(),
            Form::Braces => call.find([' ', ':']).unwrap_or(call.len()),
        };
        let name = &call[..end];
        let argument = call[end..].strip_prefix(':').unwrap_or_default();
        if name.is_empty() {
            self.out.push('%');
            return Ok(false);
        }
        let unsupported = || MacroError::Unsupported { name: format!("%{}", shortened(call)) };
        let macros = self.macros;
        let definition = macros.table.get(name);
        if definition.is_none() && BUILT_IN.contains(&name) {
            return Err(unsupported());
        }
        match (condition, definition) {
            (Condition::None, None) if name.starts_with('-') => {}
            (Condition::None, None) => {
                self.out.push('%');
                return Ok(false);
            }
            (Condition::Defined, None) | (Condition::Undefined, Some(_)) => {}
            (Condition::Defined | Condition::Undefined, _) if !argument.is_empty() => {
                self.nested(name, argument)?;
            }
            (Condition::Undefined, None) => {}
            (_, Some(Definition::Plain(body))) => self.nested(name, body)?,
            (_, Some(Definition::Parametric)) => return Err(unsupported()),
        }
        Ok(true)
    }

    fn reads(&mut self, text: &str) -> Result<(), MacroError> {
        self.read += text.len();
        if self.read > MOST_READ {
            return Err(MacroError::TooDeep { name: shortened(text) });
        }
        Ok(())
    }

    fn nested(&mut self, name: &str, text: &str) -> Result<(), MacroError> {
        if self.depth == DEEPEST || self.out.len() > LARGEST {
            return Err(MacroError::TooDeep { name: name.to_owned() });
        }
        self.reads(text)?;
        self.depth += 1;
        let result = self.text(text);
        self.depth -= 1;
        result
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    Braces,
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `?` asks whether it is defined, `!` turns the question round; both may be there often.
fn condition(call: &str) -> (Condition, &str) {
    let end = call.find(|c| c != '?' && c != '!').unwrap_or(call.len());
    let (marks, rest) = call.split_at(end);
    let negated = marks.matches('!').count() % 2 == 1;
    let condition = match (marks.contains('?'), negated) {
        (false, _) => Condition::None,
        (true, false) => Condition::Defined,
        (true, true) => Condition::Undefined,
    };
    (condition, rest)
}

/// The text from an opening bracket to the one that closes it, and what follows.
pub(super) fn enclosed(text: &str) -> Result<(&str, &str), MacroError> {
    let bytes = text.as_bytes();
    let (open, close) = match bytes[0] {
        b'{' => (b'{', b'}'),
        b'(' => (b'(', b')'),
        _ => (b'[', b']'),
    };
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == open => depth += 1,
            byte if byte == close => {
                depth -= 1;
                if depth == 0 {
                    return Ok(text.split_at(at + 1));
                }
            }
            _ => {}
        }
        at += 1;
    }
    Err(MacroError::Unterminated { text: format!("%{}", shortened(text)) })
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
