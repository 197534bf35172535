//! Dependencies as edges between the packages of a transaction.

use crate::package::{Relation, RelationFlags, RelationKind, Rich};
use crate::plan::Age;
use crate::plan::order::providers::{Links, Providers};
use crate::plan::order::{Colors, Facts, Want, rich};

/// One end of an edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    /// The package at the other end.
    pub(super) other: usize,
    /// Whether a scriptlet needs it.
    pub(super) pre: bool,
}

/// A package in the graph. Both lists are read from their ends: the latest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The packages that wait for this one.
    pub(super) waiting: Vec<Edge>,
    /// The packages that this one waits for.
    pub(super) needs: Vec<Edge>,
}

/// Which way a range of versions opens.
const RANGE: RelationFlags = RelationFlags::LESS.or(RelationFlags::GREATER).or(RelationFlags::EQUAL);
/// Dependencies of these alone do not order anything …
const UNORDERED: RelationFlags = RelationFlags::RPMLIB
    .or(RelationFlags::CONFIG)
    .or(RelationFlags::PRETRANS)
    .or(RelationFlags::POSTTRANS)
    .or(RelationFlags::PREUNTRANS)
    .or(RelationFlags::POSTUNTRANS)
    .or(RelationFlags::SCRIPT_VERIFY)
    .or(RelationFlags::META);
/// … unless one of these is set too.
const FORCED: RelationFlags = RelationFlags::SCRIPT_PRE
    .or(RelationFlags::SCRIPT_POST)
    .or(RelationFlags::SCRIPT_PREUN)
    .or(RelationFlags::SCRIPT_POSTUN);
/// A scriptlet needs it when installing.
const INSTALL: RelationFlags = RelationFlags::SCRIPT_PRE
    .or(RelationFlags::SCRIPT_POST)
    .or(RelationFlags::RPMLIB)
    .or(RelationFlags::KEYRING)
    .or(RelationFlags::PRETRANS)
    .or(RelationFlags::POSTTRANS);
/// Everything that says who needs a dependency; `PreReq:` alone is the old way to say all scriptlets do.
const QUALIFIED: RelationFlags = FORCED
    .or(UNORDERED)
    .or(RelationFlags::INTERP)
    .or(RelationFlags::FIND_REQUIRES)
    .or(RelationFlags::KEYRING)
    .or(RelationFlags::PREREQ)
    .or(RelationFlags::MISSINGOK);

/// The graph of a transaction.
pub(super) fn graph(packages: &[Facts], colors: Colors, links: &Links, age: Age) -> Vec<Node> {
    let mut builder = Builder {
        providers: Providers::new(packages, colors, links),
        nodes: vec![Node::default(); packages.len()],
        age,
    };
    for (index, package) in packages.iter().enumerate() {
        for want in &package.wants {
            builder.add(index, want, 0);
        }
    }
    builder.nodes
}

struct Builder<'a> {
    providers: Providers<'a>,
    nodes: Vec<Node>,
    age: Age,
}

impl Builder<'_> {
    /// `depth` is how many rich dependencies it is in.
    fn add(&mut self, index: usize, want: &Want, depth: usize) {
        let flags = want.relation.flags;
        if flags.any(UNORDERED) && !flags.any(FORCED) {
            return;
        }
        if want.relation.name.starts_with('(') {
            self.add_rich(index, want, depth);
        } else if let Some(provider) = self.providers.best(index, want).filter(|found| *found != index) {
            self.connect(index, provider, want);
        }
    }

    /// One that is nested deeper than rich dependencies may be does not order.
    fn add_rich(&mut self, index: usize, want: &Want, depth: usize) {
        if depth == Rich::DEEPEST {
            return;
        }
        for text in rich::ordering(&want.relation.name) {
            let (name, sign, evr) = if text.starts_with('(') { (text, "", "") } else { rich::simple(text) };
            let outer = want.relation.flags.0 & !(RANGE.0 | RelationFlags::MISSINGOK.0);
            let flags = sign.bytes().fold(RelationFlags(outer), |flags, byte| {
                flags.or(match byte {
                    b'<' => RelationFlags::LESS,
                    b'>' => RelationFlags::GREATER,
                    _ => RelationFlags::EQUAL,
                })
            });
            let relation = Relation { name: name.to_owned(), flags, evr: evr.to_owned() };
            self.add(index, &Want { kind: want.kind, relation, color: 0 }, depth + 1);
        }
    }

    /// Weak dependencies never count as a scriptlet's. Since rpm 4.20 they only order where a scriptlet needs them.
    fn connect(&mut self, index: usize, provider: usize, want: &Want) {
        let flags = want.relation.flags;
        let legacy = flags.0 & QUALIFIED.0 == RelationFlags::PREREQ.0;
        let mut pre = legacy || flags.any(INSTALL);
        let weak = want.kind != RelationKind::Requires || flags.any(RelationFlags::MISSINGOK);
        if weak && self.age < Age::Counts {
            pre = false;
        } else if weak && want.kind != RelationKind::Order {
            if !pre {
                return;
            }
            pre = false;
        }
        let reversed = matches!(want.kind, RelationKind::Supplements | RelationKind::Enhances);
        let (waits, needed) = if reversed { (provider, index) } else { (index, provider) };
        // Relations of one package are added together, so a second one between the same two is the latest.
        let known = if reversed {
            self.nodes[needed].needs.last().is_some_and(|last| last.other == waits)
        } else {
            self.nodes[needed].waiting.last().is_some_and(|last| last.other == waits)
        };
        if known {
            let set = |list: &mut Vec<Edge>, other| {
                if let Some(found) = list.iter_mut().rev().find(|relation| relation.other == other) {
                    found.pre |= pre;
                }
            };
            set(&mut self.nodes[needed].waiting, waits);
            set(&mut self.nodes[waits].needs, needed);
        } else {
            self.nodes[needed].waiting.push(Edge { other: waits, pre });
            self.nodes[waits].needs.push(Edge { other: needed, pre });
        }
    }
}
