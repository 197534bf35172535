//! Values as they were written: with their place, and with the two ways of writing a list.

use crate::config::{Error, Place};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl Written<String> {
    /// The error that this is not a value for `key`.
    pub(super) fn wrong(&self, key: &str, reason: impl Into<String>) -> Error {
        Error::WrongValue {
            place: self.place.clone(),
            key: key.to_owned(),
            value: self.value.clone(),
            reason: reason.into(),
        }
    }
}

/// A list: `x = [...]` replaces what was inherited, `x_add = [...]` goes behind it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edited<T> {
    pub(super) set: Option<Vec<T>>,
    pub(super) add: Vec<T>,
}

impl<T> Default for Edited<T> {
    fn default() -> Self {
        Self { set: None, add: Vec::new() }
    }
}

impl<T> Edited<T> {
    /// This list, with `over` written over it.
    pub(super) fn merge(mut self, over: Self) -> Self {
        if over.set.is_some() {
            return over;
        }
        self.add.extend(over.add);
        self
    }

    /// Whether anybody wrote it.
    pub(super) fn is_written(&self) -> bool {
        self.set.is_some() || !self.add.is_empty()
    }

    /// The list that comes out.
    pub(super) fn into_items(self) -> Vec<T> {
        let mut items = self.set.unwrap_or_default();
        items.extend(self.add);
        items
    }
}
