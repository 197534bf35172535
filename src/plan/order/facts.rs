//! What the order needs, read from a header.

use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::{FileEntry, RelationKind};
use crate::plan::order::{Facts, Want};

/// The lists that order packages, in the order in which rpm reads them.
const LISTS: &[RelationKind] = &[
    RelationKind::Requires,
    RelationKind::Recommends,
    RelationKind::Suggests,
    RelationKind::Supplements,
    RelationKind::Enhances,
    RelationKind::Order,
];

impl Facts {
    /// A package's facts; `files` are the header's own.
    pub fn new(header: &Header<'_>, files: &[FileEntry]) -> Result<Self, HeaderError> {
        let provides = header.relations(RelationKind::Provides)?;
        let mut wants = Vec::new();
        for kind in LISTS {
            for relation in header.relations(*kind)? {
                wants.push(Want { kind: *kind, relation, color: 0 });
            }
        }
        let mut facts = Self {
            provides,
            wants,
            files: files.iter().map(|file| file.path.to_string()).collect(),
            color: 0,
        };
        facts.paint(header, files)?;
        Ok(facts)
    }

    /// A dependency has the colours of the files that it was found in, the package those of its dependencies.
    fn paint(&mut self, header: &Header<'_>, files: &[FileEntry]) -> Result<(), HeaderError> {
        let starts = header.u32s(Tag::FILEDEPENDSX)?;
        let counts = header.u32s(Tag::FILEDEPENDSN)?;
        let dictionary = header.u32s(Tag::DEPENDSDICT)?;
        for (file, (start, count)) in files.iter().zip(starts.into_iter().zip(counts)) {
            let (start, count) = (start as usize, count as usize);
            for entry in dictionary.iter().skip(start).take(count).filter(|_| file.color != 0) {
                let index = (entry & 0x00ff_ffff) as usize;
                match char::from((entry >> 24) as u8) {
                    'P' if index < self.provides.len() => self.color |= file.color,
                    // Requirements come first in the list, in the header's order.
                    'R' => {
                        let want = self.wants.get_mut(index);
                        if let Some(want) = want.filter(|want| want.kind == RelationKind::Requires) {
                            want.color |= file.color;
                            self.color |= file.color;
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
