//! The little of a rich dependency that order needs: its first operand, its first operator and the rest of its chain.

/// A rich dependency, taken apart once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rich<'a> {
    /// The first operand.
    pub(super) left: &'a str,
    /// The first operator; empty where there is only one operand.
    pub(super) operator: &'a str,
    /// The operands after it, as one dependency.
    pub(super) right: String,
}

/// Takes `(left operator right …)` apart; nothing where the parentheses do not fit.
pub(super) fn split(text: &str) -> Option<Rich<'_>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    let (left, rest) = operand(inner)?;
    let Some((operator, rest)) = rest.trim_start().split_once(' ') else {
        return rest.trim().is_empty().then_some(Rich { left, operator: "", right: String::new() });
    };
    let (right, more) = operand(rest)?;
    let right = if more.trim().is_empty() { right.to_owned() } else { format!("({})", rest.trim()) };
    Some(Rich { left, operator, right })
}

/// A simple dependency `name [op version]` or one in parentheses, and what follows it.
fn operand(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut end = word(text)?;
    if text.starts_with('(') {
        return Some((&text[..end], &text[end..]));
    }
    let sign = text[end..].trim_start();
    if sign.starts_with(['<', '>', '=']) {
        end = text.len() - sign.len();
        end += word(sign)?;
        let version = text[end..].trim_start();
        end = text.len() - version.len() + word(version)?;
    }
    Some((&text[..end], &text[end..]))
}

/// The length of a word; spaces in its own parentheses belong to it.
fn word(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b' ' | b'\t' | b')' if depth == 0 => return (at > 0).then_some(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    (depth == 0 && !text.is_empty()).then_some(text.len())
}

/// A simple dependency's name, operator and version.
pub(super) fn simple(text: &str) -> (&str, &str, &str) {
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().unwrap_or_default();
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rich_dependency_is_taken_apart_at_its_first_operator() {
        let table = [
            ("(a or b)", "a", "or", "b"),
            ("(a or b or c)", "a", "or", "(b or c)"),
            ("(a >= 1 if b < 2)", "a >= 1", "if", "b < 2"),
            ("(a if b else c)", "a", "if", "(b else c)"),
            ("((a and b) or libc.so.6(GLIBC_2.4)(64bit))", "(a and b)", "or", "libc.so.6(GLIBC_2.4)(64bit)"),
            ("(a)", "a", "", ""),
        ];
        for (text, left, operator, right) in table {
            assert_eq!(split(text), Some(Rich { left, operator, right: right.to_owned() }), "{text}");
        }
        for text in ["a or b", "(a or", "(", "()", "(a or )"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
