//! rpm's macros, as far as an installation needs them: where the target's package database lies and which form it has, and the
//! text of scriptlets that ask for expansion (`-e`).
//!
//! The definitions are read from the target's own macro files, in rpm's order. What is expanded are plain macros with conditions;
//! whatever would run a program or a script (`%(…)`, `%{lua:…}`, macros with parameters) is an error that names it, not a guess.

mod expand;
mod packaged;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use packaged::PackagedMacros;

/// Why a macro was not expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacroError {
    /// It needs more of rpm than kiln has.
    #[error("the macro `{name}` needs rpm itself to be expanded")]
    Unsupported {
        /// As written.
        name: String,
    },
    /// A parenthesis is not closed.
    #[error("the macro that begins with `{text}` does not end")]
    Unterminated {
        /// Its beginning.
        text: String,
    },
    /// Macros that contain each other, or grow without end.
    #[error("the macro `{name}` is nested too deeply or grows too large")]
    TooDeep {
        /// The macro that was one too many.
        name: String,
    },
    /// A value that kiln does not know what to do with.
    #[error("the root's macro `{name}` is `{value}`: {why}")]
    Value {
        /// The macro.
        name: String,
        /// Its value.
        value: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl MacroError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { .. } => {
                Some("install the package with the target's own rpm, inside a root that has it".to_owned())
            }
            _ => None,
        }
    }
}

/// Gives the target's files by path.
pub trait MacroFiles {
    /// Why one that is there cannot be had.
    type Error;

    /// The paths of all regular files below a directory of the root.
    fn below(&self, directory: &str) -> Result<Vec<String>, Self::Error>;

    /// The content of a file; bytes that are not UTF-8 replaced.
    fn read(&self, path: &str) -> Result<Option<String>, Self::Error>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Definition {
    Plain(String),
    Parametric,
}

/// Macro definitions; a later one replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Macros {
    table: BTreeMap<String, Definition>,
}

/// Where the target's package database lies, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Database {
    /// The directory in the root.
    pub directory: crate::unit::RootPath,
    /// Its form.
    pub backend: Backend,
}

/// The forms of rpm's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// One sqlite file, written by kiln.
    Sqlite,
    /// rpm's own `Packages.db`, filled by the target's `rpmdb`.
    Ndb,
    /// Berkeley DB, filled by the target's `rpmdb`.
    Bdb,
}

const CONFIGURATION: &str = "/usr/lib/rpm";

impl Macros {
    /// The definitions of a root: those that rpm has of itself for the architecture, then its files.
    pub fn load<F: MacroFiles>(arch: &str, files: &F) -> Result<Self, F::Error> {
        let mut macros = Self::default();
        let own = [
            ("_target", format!("{arch}-linux")),
            ("_target_cpu", arch.to_owned()),
            ("_target_os", "linux".to_owned()),
            ("_arch", arch.to_owned()),
            ("_os", "linux".to_owned()),
            ("getconfdir", CONFIGURATION.to_owned()),
        ];
        for (name, value) in own {
            macros.define(name, &value);
        }
        for path in ordered(arch, files)? {
            if let Some(text) = files.read(&path)? {
                macros.read(&text);
            }
        }
        Ok(macros)
    }

    /// Defines a macro.
    pub fn define(&mut self, name: &str, body: &str) {
        self.table.insert(name.to_owned(), Definition::Plain(body.to_owned()));
    }

    /// Reads a macro file.
    pub fn read(&mut self, text: &str) {
        let mut lines = text.split_inclusive('\n');
        while let Some(first) = lines.next() {
            let first = first.trim_start_matches([' ', '\t']);
            if !first.starts_with('%') {
                continue;
            }
            let mut definition = first.to_owned();
            while is_open(&definition) {
                match lines.next() {
                    Some(more) => definition.push_str(more),
                    None => break,
                }
            }
            self.take(&definition[1..]);
        }
    }

    /// Takes over one definition: a name, perhaps options in parentheses, a body.
    fn take(&mut self, definition: &str) {
        let definition = definition.trim_end_matches(['\r', '\n']);
        let end =
            definition.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(definition.len());
        let (name, rest) = definition.split_at(end);
        if name.is_empty() {
            return;
        }
        if rest.starts_with('(') {
            self.table.insert(name.to_owned(), Definition::Parametric);
            return;
        }
        let body = body(rest.trim_start_matches([' ', '\t']));
        if !body.is_empty() {
            self.define(name, &body);
        }
    }

    /// Whether a macro of this name is known.
    pub fn is_defined(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether a macro takes parameters, so that it is known and cannot be expanded.
    pub fn is_parametric(&self, name: &str) -> bool {
        matches!(self.table.get(name), Some(Definition::Parametric))
    }

    /// The expanded value of a macro; nothing where it is not defined.
    pub fn value(&self, name: &str) -> Result<Option<String>, MacroError> {
        if self.table.contains_key(name) { self.expand(&format!("%{{{name}}}")).map(Some) } else { Ok(None) }
    }

    /// A macro's value as rpm takes it for a number: nothing, or text, is 0.
    pub fn number(&self, name: &str) -> Result<i64, MacroError> {
        let value = self.value(name)?.unwrap_or_default();
        Ok(value.trim().parse().unwrap_or(0))
    }

    /// Expands a text.
    pub fn expand(&self, text: &str) -> Result<String, MacroError> {
        expand::expand(self, text)
    }

    /// Where the package database lies and which form it has. A root without macro files has no rpm that could disagree,
    /// and gets rpm's own defaults.
    pub fn database(&self) -> Result<Database, MacroError> {
        let value = |name: &str, missing: &str| {
            Ok::<_, MacroError>(self.value(name)?.unwrap_or_else(|| missing.to_owned()).trim().to_owned())
        };
        let path = value("_dbpath", "/var/lib/rpm")?;
        let directory = crate::unit::RootPath::new(path.trim_end_matches('/')).map_err(|_| {
            let why = "it is not an absolute path";
            MacroError::Value { name: "_dbpath".to_owned(), value: path.clone(), why }
        })?;
        let backend = value("_db_backend", "sqlite")?;
        let backend = match backend.as_str() {
            "sqlite" => Backend::Sqlite,
            "ndb" => Backend::Ndb,
            "bdb" | "bdb_ro" => Backend::Bdb,
            _ => {
                let why = "kiln knows sqlite, ndb and bdb";
                return Err(MacroError::Value { name: "_db_backend".to_owned(), value: backend, why });
            }
        };
        Ok(Database { directory, backend })
    }
}

/// The body of a definition: what is in braces, if it begins with one; else all of it, without the backslashes that
/// escape, and without white space at the end.
fn body(text: &str) -> String {
    if text.starts_with('{') {
        return expand::enclosed(text)
            .map_or_else(|_| String::new(), |(inner, _)| inner[1..inner.len() - 1].to_owned());
    }
    let mut body = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => body.push(characters.next().unwrap_or(c)),
            _ => body.push(c),
        }
    }
    body.truncate(body.trim_end_matches([' ', '\t', '\r', '\n']).len());
    body
}

/// Whether a definition goes on in the next line: after a backslash, or inside braces, parentheses or brackets that
/// a macro opened.
fn is_open(definition: &str) -> bool {
    let body = definition.trim_end_matches(['\r', '\n']);
    let mut open = [0_u32; 3];
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let next = bytes.get(at + 1);
        match (bytes[at], next) {
            (b'\\', Some(_)) | (b'%', Some(b'%')) => at += 1,
            (b'%', Some(bracket @ (b'{' | b'(' | b'['))) => {
                open[kind(*bracket).unwrap_or(0)] += 1;
                at += 1;
            }
            (byte @ (b'{' | b'(' | b'['), _) => {
                let count = &mut open[kind(byte).unwrap_or(0)];
                *count += u32::from(*count > 0);
            }
            (byte @ (b'}' | b')' | b']'), _) => {
                let count = &mut open[kind(byte).unwrap_or(0)];
                *count = count.saturating_sub(1);
            }
            _ => {}
        }
        at += 1;
    }
    definition.ends_with('\n') && (body.ends_with('\\') || open != [0; 3])
}

fn kind(bracket: u8) -> Option<usize> {
    [(b'{', b'}'), (b'(', b')'), (b'[', b']')].iter().position(|pair| bracket == pair.0 || bracket == pair.1)
}

/// The root's macro files, in the order in which rpm reads them.
fn ordered<F: MacroFiles>(arch: &str, files: &F) -> Result<Vec<String>, F::Error> {
    let mut configuration = files.below(CONFIGURATION)?;
    let mut local = files.below("/etc/rpm")?;
    configuration.sort();
    local.sort();
    let is = |expected: String| move |path: &str| path == expected;
    let plain = |directory: &'static str, prefix: &'static str| {
        move |path: &str| {
            path.strip_prefix(directory).is_some_and(|name| name.starts_with(prefix) && !name.contains('/'))
        }
    };
    let vendor = |path: &str| {
        let rest = path.strip_prefix("/usr/lib/rpm/").and_then(|rest| rest.strip_suffix("/macros"));
        rest.is_some_and(|name| !name.contains('/'))
    };
    let chosen = |list: &[String], wanted: &dyn Fn(&str) -> bool| {
        list.iter().filter(|path| wanted(path)).cloned().collect::<Vec<_>>()
    };
    let all = [
        chosen(&configuration, &is(format!("{CONFIGURATION}/macros"))),
        chosen(&configuration, &plain("/usr/lib/rpm/macros.d/", "macros.")),
        chosen(&configuration, &is(format!("{CONFIGURATION}/platform/{arch}-linux/macros"))),
        chosen(&configuration, &vendor),
        chosen(&local, &plain("/etc/rpm/", "macros.")),
        chosen(&local, &is("/etc/rpm/macros".to_owned())),
        chosen(&local, &is(format!("/etc/rpm/{arch}-linux/macros"))),
    ];
    Ok(all.concat())
}
