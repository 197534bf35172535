//! Rich dependencies: `(a or (b >= 2 with c))`, read as rpm reads them.
//!
//! ```text
//! rich    = "(" operand ")"
//!         | "(" operand { ("and" | "or" | "with") operand } ")"          one operator, repeated
//!         | "(" operand "without" operand ")"
//!         | "(" operand ("if" | "unless") operand [ "else" operand ] ")"
//! operand = rich | name [ comparison version ]
//! ```
//!
//! A name ends at white space, a comma, or a closing parenthesis that it did not open itself. Inside `with` and
//! `without` only `or`, `with` and `without` are allowed, since they speak of one package.

use std::fmt;

use super::dependency::{Dependency, DependencyError, Problem, Sense};

/// A dependency, simple or rich.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rich<'a> {
    /// A name, perhaps with a range.
    Simple(Dependency<'a>),
    /// All of them; two or more.
    And(Vec<Rich<'a>>),
    /// At least one of them; two or more.
    Or(Vec<Rich<'a>>),
    /// One package that answers all of them; two or more.
    With(Vec<Rich<'a>>),
    /// One package that answers the first and not the second.
    Without(Box<[Rich<'a>; 2]>),
    /// The first if the second is there, else the third.
    If(Box<[Rich<'a>; 2]>, Option<Box<Rich<'a>>>),
    /// The first unless the second is there, else the third.
    Unless(Box<[Rich<'a>; 2]>, Option<Box<Rich<'a>>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    With,
    Without,
    If,
    Unless,
    Else,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("and", Operator::And),
    ("or", Operator::Or),
    ("with", Operator::With),
    ("without", Operator::Without),
    ("if", Operator::If),
    ("unless", Operator::Unless),
    ("else", Operator::Else),
];

impl<'a> Rich<'a> {
    /// The deepest nesting of parentheses; real packages use three.
    pub const DEEPEST: usize = 32;

    /// Reads a rich dependency if the text begins with `(`, else a simple one.
    pub fn parse(text: &'a str) -> Result<Self, DependencyError> {
        if !text.starts_with('(') {
            return Dependency::parse(text).map(Self::Simple);
        }
        let mut parser = Parser { rest: text, depth: 0 };
        let rich = parser.group().map_err(|problem| DependencyError::new(text, problem))?;
        if parser.rest.is_empty() { Ok(rich) } else { Err(DependencyError::new(text, Problem::Junk)) }
    }

    /// The operands, left to right.
    fn operands(&self) -> Vec<&Rich<'a>> {
        match self {
            Self::Simple(_) => Vec::new(),
            Self::And(all) | Self::Or(all) | Self::With(all) => all.iter().collect(),
            Self::Without(pair) => pair.iter().collect(),
            Self::If(pair, other) | Self::Unless(pair, other) => {
                pair.iter().chain(other.as_deref()).collect()
            }
        }
    }

    /// Whether it speaks of one package only, so that `with` may hold it.
    fn of_one_package(&self) -> bool {
        match self {
            Self::Simple(_) => true,
            Self::Or(all) | Self::With(all) => all.iter().all(Self::of_one_package),
            Self::Without(pair) => pair.iter().all(Self::of_one_package),
            Self::And(_) | Self::If(..) | Self::Unless(..) => false,
        }
    }

    /// Calls back with each simple dependency, left to right.
    pub fn each(&self, visit: &mut impl FnMut(&Dependency<'a>)) {
        match self {
            Self::Simple(dependency) => visit(dependency),
            _ => self.operands().into_iter().for_each(|operand| operand.each(visit)),
        }
    }
}

impl fmt::Display for Rich<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Simple(dependency) => return dependency.fmt(f),
            Self::And(_) => "and",
            Self::Or(_) => "or",
            Self::With(_) => "with",
            Self::Without(_) => "without",
            Self::If(..) => "if",
            Self::Unless(..) => "unless",
        };
        let conditional = matches!(self, Self::If(..) | Self::Unless(..));
        f.write_str("(")?;
        for (at, operand) in self.operands().into_iter().enumerate() {
            match at {
                0 => {}
                2 if conditional => f.write_str(" else ")?,
                _ => write!(f, " {word} ")?,
            }
            operand.fmt(f)?;
        }
        f.write_str(")")
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// A parenthesis and what is in it.
    fn group(&mut self) -> Result<Rich<'a>, Problem> {
        self.depth += 1;
        if self.depth > Rich::DEEPEST {
            return Err(Problem::Depth);
        }
        self.rest = &self.rest[1..];
        let mut operands = vec![self.operand()?];
        let mut operators = Vec::new();
        while !self.closes()? {
            operators.push(self.operator()?);
            operands.push(self.operand()?);
        }
        self.rest = &self.rest[1..];
        self.depth -= 1;
        join(operands, &operators)
    }

    fn operand(&mut self) -> Result<Rich<'a>, Problem> {
        self.space();
        match self.rest.as_bytes().first() {
            None => Err(Problem::Unterminated),
            Some(b')') => Err(Problem::Operand),
            Some(b'(') => self.group(),
            Some(_) => self.simple().map(Rich::Simple),
        }
    }

    fn simple(&mut self) -> Result<Dependency<'a>, Problem> {
        let name = self.word();
        self.space();
        let before = self.rest;
        let Some(sense) = Sense::from_symbol(self.word()) else {
            self.rest = before;
            return Ok(Dependency { name, sense: Sense::ANY, evr: "" });
        };
        self.space();
        let evr = self.word();
        if evr.is_empty() { Err(Problem::Version) } else { Ok(Dependency { name, sense, evr }) }
    }

    fn operator(&mut self) -> Result<Operator, Problem> {
        let end = self.rest.find(|letter: char| letter.is_ascii_whitespace() || letter == ')');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        OPERATORS.iter().find(|row| row.0 == word).map(|row| row.1).ok_or(Problem::Operator)
    }

    fn closes(&mut self) -> Result<bool, Problem> {
        self.space();
        if self.rest.is_empty() { Err(Problem::Unterminated) } else { Ok(self.rest.starts_with(')')) }
    }

    fn space(&mut self) {
        self.rest =
            self.rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == ',');
    }

    /// Up to white space, a comma, or a closing parenthesis that was not opened in the word.
    fn word(&mut self) -> &'a str {
        let mut open = 0_usize;
        let end = self.rest.bytes().position(|byte| match byte {
            b'(' => {
                open += 1;
                false
            }
            b')' if open == 0 => true,
            b')' => {
                open -= 1;
                false
            }
            byte => byte.is_ascii_whitespace() || byte == b',',
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }
}

/// The operands of one parenthesis under its operators.
fn join<'a>(mut operands: Vec<Rich<'a>>, operators: &[Operator]) -> Result<Rich<'a>, Problem> {
    let first = operators.first().copied();
    let other = match (first, operators.get(1), operators.len()) {
        (Some(Operator::If | Operator::Unless), Some(Operator::Else), 2) => operands.pop().map(Box::new),
        (_, _, 0 | 1) => None,
        _ if operators.iter().any(|operator| Some(*operator) != first) => return Err(Problem::Mixed),
        (Some(Operator::And | Operator::Or | Operator::With), ..) => None,
        _ => return Err(Problem::Chain),
    };
    let rich = match first {
        None => return operands.pop().ok_or(Problem::Operand),
        Some(Operator::And) => Rich::And(operands),
        Some(Operator::Or) => Rich::Or(operands),
        Some(Operator::With) => Rich::With(operands),
        Some(Operator::Without) => Rich::Without(pair(operands)?),
        Some(Operator::If) => Rich::If(pair(operands)?, other),
        Some(Operator::Unless) => Rich::Unless(pair(operands)?, other),
        Some(Operator::Else) => return Err(Problem::Else),
    };
    if matches!(rich, Rich::With(_) | Rich::Without(_)) && !rich.of_one_package() {
        return Err(Problem::With);
    }
    Ok(rich)
}

fn pair(operands: Vec<Rich<'_>>) -> Result<Box<[Rich<'_>; 2]>, Problem> {
    <[Rich<'_>; 2]>::try_from(operands).map(Box::new).map_err(|_| Problem::Operand)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rich_dependency_reads_back_what_it_writes() {
        for text in [
            "(a)",
            "(a and b)",
            "(a or b >= 1:2-3 or c)",
            "(a with b with c)",
            "(feat >= 1.0 with feat < 3.0)",
            "(a without b)",
            "(a if b)",
            "(a if b else c)",
            "(a unless b else c)",
            "(a and (b or c) and (d if e))",
            "((a or b) with c)",
            "(a if (b and c))",
            "(glibc-langpack-en if glibc-common)",
            "(python3.9dist(requests) >= 2 with python3.9dist(requests) < 3~~)",
            "(pkg(a(b)c) or /usr/bin/d)",
        ] {
            let expected = if text == "(a)" { "a" } else { text };
            assert_eq!(Rich::parse(text).unwrap().to_string(), expected);
        }
        assert_eq!(Rich::parse("( a  and\tb, and c )").unwrap().to_string(), "(a and b and c)");
        assert_eq!(Rich::parse("foo >= 1").unwrap().to_string(), "foo >= 1");
    }

    #[test]
    fn what_rpm_refuses_is_refused() {
        for (text, problem) in [
            ("(", Problem::Unterminated),
            ("()", Problem::Operand),
            ("(a", Problem::Unterminated),
            ("(a and", Problem::Unterminated),
            ("(a and)", Problem::Operand),
            ("(a b)", Problem::Operator),
            ("(a xor b)", Problem::Operator),
            ("(a >= )", Problem::Version),
            ("(a) b", Problem::Junk),
            ("(a and b or c)", Problem::Mixed),
            ("(a if b if c)", Problem::Chain),
            ("(a without b without c)", Problem::Chain),
            ("(a if b else c else d)", Problem::Mixed),
            ("(a and b else c)", Problem::Mixed),
            ("(a else b)", Problem::Else),
            ("(a with (b and c))", Problem::With),
            ("((a or (b if c)) with d)", Problem::With),
            ("((a and b) without c)", Problem::With),
        ] {
            assert_eq!(Rich::parse(text).unwrap_err().problem, problem, "{text}");
        }
        let deep = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(Rich::parse(&deep).unwrap_err().problem, Problem::Depth);
    }

    #[test]
    fn its_simple_dependencies_come_left_to_right() {
        let mut names = Vec::new();
        Rich::parse("(a if (b or c > 1) else d)").unwrap().each(&mut |simple| names.push(simple.name));
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    /// Text by the grammar, to be read back.
    fn texts() -> impl Strategy<Value = String> {
        let simple =
            prop_oneof!["[a-z][a-z0-9.+_-]{0,8}", "[a-z]{1,4}\\([a-z]{1,4}\\)", "/[a-z]{1,5}/[a-z]{1,5}"];
        let ranged = (simple, prop_oneof!["", " = 1", " >= 1:2-3", " < 2~~"]).prop_map(|(a, b)| a + &b);
        ranged.prop_recursive(4, 24, 4, |operand| {
            let chain = (prop_oneof!["and", "or"], prop::collection::vec(operand.clone(), 2..4))
                .prop_map(|(word, all)| format!("({})", all.join(&format!(" {word} "))));
            let condition =
                (prop_oneof!["if", "unless"], operand.clone(), operand.clone(), prop::option::of(operand))
                    .prop_map(|(word, a, b, other)| match other {
                        Some(other) => format!("({a} {word} {b} else {other})"),
                        None => format!("({a} {word} {b})"),
                    });
            prop_oneof![chain, condition]
        })
    }

    proptest! {
        #[test]
        fn what_the_grammar_makes_is_read_and_written_back(text in texts()) {
            prop_assert_eq!(Rich::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = Rich::parse(&text);
        }

        #[test]
        fn what_is_read_from_noise_reads_back_the_same(text in "\\((a|b|and|or|if|else|with|without|\\(|\\)| |>=|1|,){1,24}") {
            if let Ok(rich) = Rich::parse(&text) {
                let written = rich.to_string();
                prop_assert_eq!(Rich::parse(&written).unwrap(), rich.clone());
            }
        }
    }
}
