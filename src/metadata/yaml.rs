//! YAML documents as trees, for modules.yaml alone.
//!
//! Aliases are refused, because a few lines of them can stand for gigabytes; every scalar is the text that is written
//! (`10.10` is a stream's name and must not become a number).

use std::borrow::Cow;

use saphyr_parser::{Event, Parser};

use super::error::{Fault, quote};

/// The deepest nesting.
const DEEPEST: usize = 32;
/// The most scalars, lists and maps in one document.
const MOST_NODES: u64 = 1 << 20;

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Yaml<'a> {
    Text(Cow<'a, str>),
    List(Vec<Yaml<'a>>),
    Map(Vec<(Cow<'a, str>, Yaml<'a>)>),
}

impl<'a> Yaml<'a> {
    /// What a map has under a key; nothing if this is no map or has no such key.
    pub(super) fn get(&self, key: &str) -> Option<&Yaml<'a>> {
        self.entries().iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// What lies at the end of a path of keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Yaml<'a>> {
        path.iter().try_fold(self, |part, key| part.get(key))
    }

    /// The pairs of a map; none if it is none.
    pub(super) fn entries(&self) -> &[(Cow<'a, str>, Yaml<'a>)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The parts of a list; a scalar is a list of itself.
    pub(super) fn items(&self) -> &[Yaml<'a>] {
        match self {
            Self::Text(_) => std::slice::from_ref(self),
            Self::List(items) => items,
            Self::Map(_) => &[],
        }
    }

    /// The scalars of a list.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.items().iter().filter_map(Yaml::text)
    }
}

/// A list or a map whose end has not come.
enum Open<'a> {
    List(Vec<Yaml<'a>>),
    Map(Vec<(Cow<'a, str>, Yaml<'a>)>, Option<Cow<'a, str>>),
}

/// Calls back with each document of a text.
pub(super) fn read<'a>(
    text: &'a str,
    mut each: impl FnMut(&Yaml<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut open: Vec<Open<'a>> = Vec::new();
    let mut nodes = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event
            .map_err(|error| Fault::Yaml { line: error.marker().line(), message: error.info().to_owned() })?;
        let done = match event {
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Vec::new(), None));
                None
            }
            Event::Scalar(text, ..) => Some(Yaml::Text(text)),
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(close).transpose()?,
            Event::Alias(_) => return Err(Fault::Alias),
            Event::DocumentStart(_) => {
                nodes = 0;
                None
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => None,
        };
        nodes += 1;
        if nodes > MOST_NODES {
            return Err(Fault::Count { what: "parts of one document", limit: MOST_NODES });
        }
        if open.len() > DEEPEST {
            return Err(Fault::Depth(DEEPEST));
        }
        if let Some(part) = done {
            match open.last_mut() {
                Some(parent) => put(parent, part)?,
                None => each(&part)?,
            }
        }
    }
    Ok(())
}

fn put<'a>(parent: &mut Open<'a>, part: Yaml<'a>) -> Result<(), Fault> {
    match parent {
        Open::List(items) => items.push(part),
        Open::Map(entries, key) => {
            if let Some(key) = key.take() {
                entries.push((key, part));
            } else {
                let Yaml::Text(text) = part else { return Err(Fault::Missing("key of a map")) };
                *key = Some(text);
            }
        }
    }
    Ok(())
}

/// A whole list or map; no key may be there twice.
fn close(part: Open<'_>) -> Result<Yaml<'_>, Fault> {
    match part {
        Open::List(items) => Ok(Yaml::List(items)),
        Open::Map(entries, _) => {
            let mut keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
            keys.sort_unstable();
            match keys.windows(2).find(|pair| pair[0] == pair[1]) {
                Some(pair) => Err(Fault::Twice { what: "key", id: quote(pair[0]) }),
                None => Ok(Yaml::Map(entries)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documents(text: &str) -> Result<Vec<Yaml<'_>>, Fault> {
        let mut all = Vec::new();
        read(text, |document| {
            all.push(document.clone());
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn documents_are_trees_of_the_text_as_written() {
        let all = documents(
            "---\na: 1.10\nb: [x, 'y: z', \"\\u0041\"]\n...\n---\nc:\n- d: >-\n    e\n    f\n  g: ~\n",
        )
        .unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("a").unwrap().text(), Some("1.10"));
        assert_eq!(all[0].get("b").unwrap().texts().collect::<Vec<_>>(), ["x", "y: z", "A"]);
        assert_eq!(all[1].get("c").unwrap().items()[0].get("d").unwrap().text(), Some("e f"));
        assert_eq!(all[1].at(&["c", "d"]), None);
    }

    #[test]
    fn what_could_grow_is_refused() {
        assert_eq!(documents("a: &x [1]\nb: *x\n"), Err(Fault::Alias));
        assert_eq!(documents(&"[".repeat(100)), Err(Fault::Depth(DEEPEST)));
        assert!(matches!(documents("a: 1\na: 2\n"), Err(Fault::Twice { .. })));
        assert!(matches!(documents("a: [1\nb: 2"), Err(Fault::Yaml { .. })));
        assert_eq!(documents("[a]: b"), Err(Fault::Missing("key of a map")));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(
            pieces in prop::collection::vec("- |a|b:|: |\n|  |\\[|\\]|\\{|\\}|,|'|\"|&x |\\*x|!t |---\n|\\.\\.\\.\n|\\|\n|>-\n|#|%|\t|\\?|é", 0..30)
        ) {
            let _ = documents(&pieces.concat());
        }
    }
}
