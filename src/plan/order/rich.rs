//! The little of a rich dependency that order needs: of its operands those whose providers come first.

/// The operands of `(left operator right …)` that order: the left side always, the right side where both may be wanted.
/// Where the parentheses or the words do not fit any more, the rest does not count.
pub(super) fn ordering(text: &str) -> Vec<&str> {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let mut rest = inner.unwrap_or_default().trim();
    let mut operands = Vec::new();
    while let Some((left, after)) = operand(rest) {
        let Some((operator, right)) = after.trim_start().split_once(' ') else {
            operands.extend(after.trim().is_empty().then_some(left));
            break;
        };
        if operator == "else" || operand(right).is_none() {
            break;
        }
        operands.push(left);
        if !matches!(operator, "and" | "or") {
            break;
        }
        rest = right.trim();
    }
    operands
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
    fn the_operands_that_order_are_found_up_to_the_first_condition() {
        let table: &[(&str, &[&str])] = &[
            ("(a or b)", &["a", "b"]),
            ("(a or b or c)", &["a", "b", "c"]),
            ("(a >= 1 if b < 2)", &["a >= 1"]),
            ("(a if b else c)", &["a"]),
            ("(a and b if c)", &["a", "b"]),
            ("(a and b else c)", &["a"]),
            ("((a and b) or libc.so.6(GLIBC_2.4)(64bit))", &["(a and b)", "libc.so.6(GLIBC_2.4)(64bit)"]),
            ("(a)", &["a"]),
            ("a or b", &[]),
            ("(a or", &[]),
            ("(", &[]),
            ("()", &[]),
            ("(a or )", &[]),
        ];
        for (text, operands) in table {
            assert_eq!(ordering(text), *operands, "{text}");
        }
    }
}
