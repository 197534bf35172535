//! Reading one TOML table: a key that is asked for is a key that is known, and `finish` refuses the rest. So the keys
//! are listed once, in the code that reads them, and a hint can name the nearest.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::written::{Edited, Written};
use crate::config::{Error, Place, ReleaseFile};

type Result<T> = std::result::Result<T, Error>;
type Value<'t> = Spanned<DeValue<'t>>;

/// A file's text, for turning offsets into places.
#[derive(Debug, Clone)]
pub(super) struct Text<'t> {
    pub(super) file: Arc<ReleaseFile>,
    pub(super) text: &'t str,
}

impl Text<'_> {
    /// The place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: Arc::clone(&self.file),
            line: before.matches('\n').count() as u32 + 1,
            column: before[line_start..].chars().count() as u32 + 1,
        }
    }
}

/// A table being read.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t Text<'t>,
    table: &'t DeTable<'t>,
    /// What messages call the table.
    pub(super) name: String,
    /// Where it begins.
    pub(super) place: Place,
    asked: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    /// Reads a whole file's table.
    pub(super) fn new(text: &'t Text<'t>, table: &'t DeTable<'t>) -> Self {
        let place = Place::whole(&text.file);
        Self { text, table, name: "the file".to_owned(), place, asked: Vec::new() }
    }

    fn get(&mut self, key: &'static str) -> Option<&'t Value<'t>> {
        self.asked.push(key);
        self.table.get(key)
    }

    fn place_of(&self, value: &Value<'_>) -> Place {
        self.text.place(value.span().start)
    }

    fn wrong_type(&self, key: &str, expected: &'static str, value: &Value<'_>) -> Error {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        Error::WrongType { place: self.place_of(value), key: key.to_owned(), expected, found }
    }

    fn written<T>(&self, value: &Value<'_>, read: T) -> Written<T> {
        Written { value: read, place: self.place_of(value) }
    }

    fn text_of(&self, key: &str, value: &Value<'_>) -> Result<Written<String>> {
        let text = value.get_ref().as_str().ok_or_else(|| self.wrong_type(key, "a string", value))?;
        let text = self.written(value, text.to_owned());
        if text.value.contains('\0') {
            return Err(text.wrong(key, "it has a NUL character"));
        }
        Ok(text)
    }

    /// `key = "text"`.
    pub(super) fn string(&mut self, key: &'static str) -> Result<Option<Written<String>>> {
        self.get(key).map(|value| self.text_of(key, value)).transpose()
    }

    /// A string or a number, as its text; `expected` is said when it is neither.
    pub(super) fn scalar(
        &mut self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Option<Written<String>>> {
        self.get(key).map(|value| self.scalar_of(key, expected, value)).transpose()
    }

    fn scalar_of(&self, key: &str, expected: &'static str, value: &Value<'_>) -> Result<Written<String>> {
        match value.get_ref() {
            DeValue::String(_) => self.text_of(key, value),
            DeValue::Integer(number) if number.radix() == 10 => {
                Ok(self.written(value, number.as_str().to_owned()))
            }
            DeValue::Float(number) => Ok(self.written(value, number.as_str().to_owned())),
            _ => Err(self.wrong_type(key, expected, value)),
        }
    }

    /// `key = true`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Result<Option<Written<bool>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let read = value.get_ref().as_bool().ok_or_else(|| self.wrong_type(key, "true or false", value))?;
        Ok(Some(self.written(value, read)))
    }

    /// `key = 17`, in the range of `N`.
    pub(super) fn integer<N: std::str::FromStr>(&mut self, key: &'static str) -> Result<Option<Written<N>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.get_ref().as_integer().ok_or_else(|| self.wrong_type(key, "an integer", value))?;
        let text = self.written(value, number.as_str().to_owned());
        let read = text.value.parse().map_err(|_| text.wrong(key, "it is out of range"))?;
        Ok(Some(self.written(value, read)))
    }

    /// `key = "text"` or `key = ["text", ...]`.
    pub(super) fn one_or_many(&mut self, key: &'static str) -> Result<Option<Vec<Written<String>>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(_) => Ok(Some(vec![self.text_of(key, value)?])),
            DeValue::Array(_) => self.items(key, "a string or a list of strings", value).map(Some),
            _ => Err(self.wrong_type(key, "a string or a list of strings", value)),
        }
    }

    fn items(&self, key: &str, expected: &'static str, value: &'t Value<'t>) -> Result<Vec<Written<String>>> {
        let items = value.get_ref().as_array().ok_or_else(|| self.wrong_type(key, expected, value))?;
        items.iter().map(|item| self.text_of(key, item)).collect()
    }

    /// `key = ["text", ...]` and `key_add = ["text", ...]`.
    pub(super) fn strings(
        &mut self,
        key: &'static str,
        add: &'static str,
    ) -> Result<Edited<Written<String>>> {
        let mut list =
            |key| self.get(key).map(|value| self.items(key, "a list of strings", value)).transpose();
        Ok(Edited { set: list(key)?, add: list(add)?.unwrap_or_default() })
    }

    /// `key = { anything = "text", ... }`; `naming` says what is wrong with a name.
    pub(super) fn map(
        &mut self,
        key: &'static str,
        naming: fn(&str) -> std::result::Result<(), &'static str>,
    ) -> Result<BTreeMap<String, Written<String>>> {
        let Some(value) = self.get(key) else { return Ok(BTreeMap::new()) };
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong_type(key, "a table", value))?;
        let mut map = BTreeMap::new();
        for (name, value) in table {
            let written =
                Written { value: name.get_ref().to_string(), place: self.text.place(name.span().start) };
            naming(&written.value).map_err(|reason| Error::WrongName {
                place: written.place.clone(),
                table: key,
                name: written.value.clone(),
                reason,
            })?;
            let text = self.scalar_of(&written.value, "a string or a number", value)?;
            map.insert(written.value, text);
        }
        Ok(map)
    }

    /// `[key]`.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Option<Reader<'t>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        self.below(key, format!("[{key}]"), value).map(Some)
    }

    /// `[[key]]`, or `key = [{...}, ...]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Result<Option<Vec<Reader<'t>>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let list =
            value.get_ref().as_array().ok_or_else(|| self.wrong_type(key, "a list of tables", value))?;
        list.iter().map(|item| self.below(key, format!("[[{key}]]"), item)).collect::<Result<_>>().map(Some)
    }

    fn below(&self, key: &str, name: String, value: &'t Value<'t>) -> Result<Reader<'t>> {
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong_type(key, "a table", value))?;
        Ok(Reader { text: self.text, table, name, place: self.place_of(value), asked: Vec::new() })
    }

    /// Every key must have been asked for.
    pub(super) fn finish(self) -> Result<()> {
        let unknown = |key: &&Spanned<_>| !self.asked.iter().any(|asked| *asked == key.get_ref());
        let first = self.table.keys().filter(unknown).min_by_key(|key| key.span().start);
        match first {
            None => Ok(()),
            Some(key) => Err(Error::UnknownKey {
                place: self.text.place(key.span().start),
                key: key.get_ref().to_string(),
                table: self.name,
                known: self.asked,
            }),
        }
    }
}
