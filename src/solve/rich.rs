//! Rich dependencies as rules.
//!
//! A requirement is brought into a conjunction of clauses; a conflict into a disjunction, each of whose terms may not
//! be. Both are nested lists of literals, the inner ones sorted. How an expression opens: `a if b` is a or not b;
//! `a if b else c` is (a or not b) and (c or b); `a unless b` is a and not b; `a unless b else c` is (a and not b) or
//! (c and b); `with` and `without` are about one package and are therefore sets of packages, not rules.

use std::rc::Rc;

use super::lit::Lit;
use super::pool::{Dep, Pool};
use super::whatprovides::Found;
use super::words::Word;
use crate::package::{self, Sense};

/// An expression over dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A plain dependency.
    Dep(Dep),
    And(Rc<Node>, Rc<Node>),
    Or(Rc<Node>, Rc<Node>),
    /// What, when, and what else.
    If(Rc<Node>, Rc<Node>, Option<Rc<Node>>),
    /// What, when not, and what then.
    Unless(Rc<Node>, Rc<Node>, Option<Rc<Node>>),
    With(Rc<Node>, Rc<Node>),
    Without(Rc<Node>, Rc<Node>),
}

impl Node {
    /// Whether it takes more than a set of packages to say it.
    pub(super) fn is_complex(&self) -> bool {
        match self {
            Self::Dep(_) | Self::With(..) | Self::Without(..) => false,
            Self::And(..) | Self::If(..) | Self::Unless(..) => true,
            Self::Or(a, b) => a.is_complex() || b.is_complex(),
        }
    }
}

/// Expressions parsed so far, by their text; `None` is text that is not one.
#[derive(Debug, Default)]
pub(super) struct Rich {
    parsed: std::collections::BTreeMap<Word, Option<Rc<Node>>>,
}

/// Which normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A conjunction of disjunctions.
    Clauses,
    /// A disjunction of conjunctions.
    Terms,
}

impl Form {
    fn other(self) -> Self {
        if self == Self::Clauses { Self::Terms } else { Self::Clauses }
    }
}

/// A normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Normal {
    /// Never true.
    Never,
    /// Always true.
    Always,
    /// More than can be written down here.
    TooLarge,
    /// Sorted lists of literals.
    Blocks(Vec<Vec<Lit>>),
}

/// How many literals an expression may open into.
const LARGEST: usize = 1 << 20;

impl Normal {
    fn invert(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Always => Self::Never,
            Self::TooLarge => Self::TooLarge,
            Self::Blocks(mut blocks) => {
                for block in &mut blocks {
                    for literal in block.iter_mut() {
                        *literal = literal.opposite();
                    }
                    block.reverse();
                }
                Self::Blocks(blocks)
            }
        }
    }

    fn or(self, other: Self, form: Form) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::TooLarge, _) | (_, Self::TooLarge) => Self::TooLarge,
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::Blocks(a), Self::Blocks(b)) if form == Form::Clauses => distribute(&a, &b, Self::Always),
            (Self::Blocks(a), Self::Blocks(b)) => Self::Blocks([a, b].concat()),
        }
    }

    fn and(self, other: Self, form: Form) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::TooLarge, _) | (_, Self::TooLarge) => Self::TooLarge,
            (Self::Always, other) | (other, Self::Always) => other,
            (Self::Blocks(a), Self::Blocks(b)) if form == Form::Terms => distribute(&a, &b, Self::Never),
            (Self::Blocks(a), Self::Blocks(b)) => Self::Blocks([a, b].concat()),
        }
    }
}

/// Each block of one joined with each of the other; a block with a literal and its opposite says nothing.
fn distribute(a: &[Vec<Lit>], b: &[Vec<Lit>], nothing: Normal) -> Normal {
    let mut blocks = Vec::new();
    let mut literals = 0;
    for left in a {
        for right in b {
            let mut block: Vec<Lit> = left.iter().chain(right).copied().collect();
            block.sort_unstable();
            block.dedup();
            literals += block.len();
            if literals > LARGEST {
                return Normal::TooLarge;
            }
            let says_nothing = block
                .iter()
                .take_while(|literal| literal.is_no())
                .any(|literal| block.binary_search(&literal.opposite()).is_ok());
            if !says_nothing {
                blocks.push(block);
            }
        }
    }
    if blocks.is_empty() { nothing } else { Normal::Blocks(blocks) }
}

impl Pool<'_> {
    /// The expression of a dependency, if it is a rich one that can be read.
    pub(super) fn rich_node(&mut self, dep: Dep) -> Option<Rc<Node>> {
        if dep.sense != Sense::ANY || !self.words.text(dep.name).starts_with('(') {
            return None;
        }
        if let Some(known) = self.rich.parsed.get(&dep.name) {
            return known.clone();
        }
        let text = self.words.text(dep.name).to_owned();
        let node = self.parse_rich(&text).map(Rc::new);
        self.rich.parsed.insert(dep.name, node.clone());
        node
    }

    fn parse_rich(&mut self, text: &str) -> Option<Node> {
        package::Rich::parse(text).ok().map(|rich| self.node(&rich))
    }

    fn node(&mut self, rich: &package::Rich<'_>) -> Node {
        match rich {
            package::Rich::Simple(simple) => Node::Dep(self.dep(simple)),
            package::Rich::And(all) => self.chain(all, Node::And),
            package::Rich::Or(all) => self.chain(all, Node::Or),
            package::Rich::With(all) => self.chain(all, Node::With),
            package::Rich::Without(pair) => Node::Without(self.shared(&pair[0]), self.shared(&pair[1])),
            package::Rich::If(pair, other) => {
                let other = other.as_ref().map(|other| self.shared(other));
                Node::If(self.shared(&pair[0]), self.shared(&pair[1]), other)
            }
            package::Rich::Unless(pair, other) => {
                let other = other.as_ref().map(|other| self.shared(other));
                Node::Unless(self.shared(&pair[0]), self.shared(&pair[1]), other)
            }
        }
    }

    fn shared(&mut self, rich: &package::Rich<'_>) -> Rc<Node> {
        Rc::new(self.node(rich))
    }

    fn chain(&mut self, all: &[package::Rich<'_>], join: fn(Rc<Node>, Rc<Node>) -> Node) -> Node {
        let mut nodes: Vec<Node> = all.iter().map(|rich| self.node(rich)).collect();
        let last = nodes.pop().unwrap_or(Node::Dep(Dep::any(Word(0))));
        nodes.into_iter().rev().fold(last, |right, left| join(Rc::new(left), Rc::new(right)))
    }

    /// A dependency in our numbers.
    pub(super) fn dep(&mut self, simple: &package::Dependency<'_>) -> Dep {
        let evr = simple.evr.strip_prefix("0:").unwrap_or(simple.evr);
        Dep { name: self.words.intern(simple.name), evr: self.words.intern(evr), sense: simple.sense }
    }

    /// Whether a dependency is written as a rich one but cannot be read.
    pub(super) fn is_unreadable(&mut self, dep: Dep) -> bool {
        dep.sense == Sense::ANY && self.words.text(dep.name).starts_with('(') && self.rich_node(dep).is_none()
    }

    /// The expression, if it must become several rules.
    pub(super) fn complex_node(&mut self, dep: Dep) -> Option<Rc<Node>> {
        self.rich_node(dep).filter(|node| node.is_complex())
    }

    /// What must hold, clause by clause.
    pub(super) fn required(&mut self, node: &Node) -> Normal {
        self.normal(node, Form::Clauses)
    }

    /// What must hold so that the expression does not, clause by clause.
    pub(super) fn forbidden(&mut self, node: &Node) -> Normal {
        self.normal(node, Form::Terms).invert()
    }

    fn normal(&mut self, node: &Node, form: Form) -> Normal {
        match node {
            Node::Or(a, b) if node.is_complex() => self.normal(a, form).or(self.normal(b, form), form),
            Node::And(a, b) => self.normal(a, form).and(self.normal(b, form), form),
            Node::If(then, when, other) => {
                let kept = self.normal(then, form).or(self.normal(when, form.other()).invert(), form);
                match other {
                    None => kept,
                    Some(other) => kept.and(self.normal(when, form).or(self.normal(other, form), form), form),
                }
            }
            Node::Unless(then, when, other) => {
                let kept = self.normal(then, form).and(self.normal(when, form.other()).invert(), form);
                match other {
                    None => kept,
                    Some(other) => kept.or(self.normal(when, form).and(self.normal(other, form), form), form),
                }
            }
            Node::Dep(_) | Node::Or(..) | Node::With(..) | Node::Without(..) => self.normal_set(node, form),
        }
    }

    fn normal_set(&mut self, node: &Node, form: Form) -> Normal {
        let list = match self.node_providers(node) {
            Found::Always => return Normal::Always,
            Found::Packages(list) => self.lists.get(list),
        };
        match form {
            _ if list.is_empty() => Normal::Never,
            Form::Clauses => Normal::Blocks(vec![list.to_vec()]),
            Form::Terms => Normal::Blocks(list.iter().map(|literal| vec![*literal]).collect()),
        }
    }
}
