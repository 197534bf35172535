//! Dependencies as edges between the packages of a transaction.

use crate::plan::order::providers::{Links, Providers};
use crate::plan::order::{Colors, Dependency, Facts, Kind, flag, rich};

/// One end of an edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relation {
    /// The package at the other end.
    pub(super) other: usize,
    /// Whether a scriptlet needs it.
    pub(super) pre: bool,
}

/// A package in the graph. Both lists are read from their ends: the latest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The packages that wait for this one.
    pub(super) waiting: Vec<Relation>,
    /// The packages that this one waits for.
    pub(super) needs: Vec<Relation>,
}

/// What makes a dependency need a scriptlet's turn when installing.
const INSTALL: u32 = flag::PRE | flag::POST | flag::RPMLIB | flag::KEYRING | flag::PRETRANS | flag::POSTTRANS;
/// Dependencies of these alone do not order anything …
const UNORDERED: u32 = flag::RPMLIB
    | flag::CONFIG
    | flag::PRETRANS
    | flag::POSTTRANS
    | flag::PREUNTRANS
    | flag::POSTUNTRANS
    | flag::VERIFY
    | flag::META;
/// … unless one of these is set too.
const FORCED: u32 = flag::PRE | flag::POST | flag::PREUN | flag::POSTUN;
/// Everything that says who needs a dependency; `PreReq:` alone is the old way to say all scriptlets do.
const QUALIFIED: u32 =
    flag::INTERP | FORCED | UNORDERED | flag::FIND_REQUIRES | flag::KEYRING | flag::PREREQ | flag::MISSINGOK;

/// The graph of a transaction.
pub(super) fn graph(packages: &[Facts], colors: Colors, links: &Links) -> Vec<Node> {
    let mut builder = Builder {
        providers: Providers::new(packages, colors, links),
        nodes: vec![Node::default(); packages.len()],
    };
    for (index, package) in packages.iter().enumerate() {
        for (kind, want) in &package.wants {
            builder.add(index, *kind, want);
        }
    }
    builder.nodes
}

struct Builder<'a> {
    providers: Providers<'a>,
    nodes: Vec<Node>,
}

impl Builder<'_> {
    fn add(&mut self, index: usize, kind: Kind, want: &Dependency) {
        if want.flags & UNORDERED != 0 && want.flags & FORCED == 0 {
            return;
        }
        if want.name.starts_with('(') {
            self.add_rich(index, kind, want);
        } else if let Some(provider) = self.providers.best(index, want).filter(|found| *found != index) {
            self.connect(index, provider, kind, want);
        }
    }

    /// Of a rich dependency the left side orders always, the right side where both sides may be wanted.
    fn add_rich(&mut self, index: usize, kind: Kind, want: &Dependency) {
        let Some(parts) = rich::split(&want.name) else { return };
        let part = |text: &str| {
            let flags = want.flags & !(flag::SENSE | flag::MISSINGOK);
            let (name, sign, evr) = if text.starts_with('(') { (text, "", "") } else { rich::simple(text) };
            let sense = sign.bytes().fold(0, |bits, byte| {
                bits | match byte {
                    b'<' => flag::LESS,
                    b'>' => flag::GREATER,
                    _ => flag::EQUAL,
                }
            });
            Dependency { name: name.to_owned(), flags: flags | sense, evr: evr.to_owned(), color: 0 }
        };
        if parts.operator != "else" {
            self.add(index, kind, &part(parts.left));
        }
        if matches!(parts.operator, "and" | "or") {
            self.add(index, kind, &part(&parts.right));
        }
    }

    /// Weak dependencies order only where a scriptlet needs them, and then as if none did.
    fn connect(&mut self, index: usize, provider: usize, kind: Kind, want: &Dependency) {
        let legacy = want.flags & QUALIFIED == flag::PREREQ;
        let mut pre = legacy || want.flags & INSTALL != 0;
        let weak = kind != Kind::Requires || want.flags & flag::MISSINGOK != 0;
        if weak && kind != Kind::Order {
            if !pre {
                return;
            }
            pre = false;
        }
        let reversed = matches!(kind, Kind::Supplements | Kind::Enhances);
        let (waits, needed) = if reversed { (provider, index) } else { (index, provider) };
        // Relations of one package are added together, so a second one between the same two is the latest.
        let known = if reversed {
            self.nodes[needed].needs.last().is_some_and(|last| last.other == waits)
        } else {
            self.nodes[needed].waiting.last().is_some_and(|last| last.other == waits)
        };
        if known {
            let set = |list: &mut Vec<Relation>, other| {
                if let Some(found) = list.iter_mut().rev().find(|relation| relation.other == other) {
                    found.pre |= pre;
                }
            };
            set(&mut self.nodes[needed].waiting, waits);
            set(&mut self.nodes[waits].needs, needed);
        } else {
            self.nodes[needed].waiting.push(Relation { other: waits, pre });
            self.nodes[waits].needs.push(Relation { other: needed, pre });
        }
    }
}
