//! Dependencies as test cases write them, `A >= 1`, `(A & B) | C`, `A <IF> B`, as RPM writes them.

/// The operators between expressions, and RPM's words for them.
const WORDS: &[(&str, &str)] = &[
    ("&", "and"),
    ("|", "or"),
    ("+", "with"),
    ("-", "without"),
    ("<IF>", "if"),
    ("<UNLESS>", "unless"),
    ("<ELSE>", "else"),
];

/// RPM's way to write it; none if RPM has none.
pub(crate) fn rpm(text: &str) -> Option<String> {
    if !WORDS.iter().any(|(sign, _)| text.contains(&format!(" {sign} "))) {
        return (!text.starts_with("namespace:") && !text.contains(" : ")).then(|| text.to_owned());
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().collect();
    // A parenthesis that belongs to a name, such as `libc.so()(64bit)`, is not read here.
    tokens.reverse();
    let expression = expression(&mut tokens)?;
    tokens.is_empty().then_some(expression)
}

fn expression(tokens: &mut Vec<&str>) -> Option<String> {
    let mut left = operand(tokens)?;
    let mut last = "";
    while let Some(sign) = tokens.last().copied().filter(|token| *token != ")") {
        let word = WORDS.iter().find(|(known, _)| *known == sign)?.1;
        tokens.pop();
        let right = operand(tokens)?;
        let goes_on = word == last || word == "else" && matches!(last, "if" | "unless");
        left = match left.strip_suffix(')').filter(|_| goes_on) {
            Some(open) => format!("{open} {word} {right})"),
            None => format!("({left} {word} {right})"),
        };
        last = word;
    }
    Some(left)
}

fn operand(tokens: &mut Vec<&str>) -> Option<String> {
    let first = tokens.pop()?;
    if first == "(" {
        let inner = expression(tokens)?;
        return (tokens.pop()? == ")").then_some(inner);
    }
    match tokens.last() {
        Some(&("=" | "<" | ">" | "<=" | ">=")) => {
            Some(format!("{first} {} {}", tokens.pop()?, tokens.pop()?))
        }
        _ => Some(first.to_owned()),
    }
}

#[test]
fn signs_become_words() {
    for (text, expected) in [
        ("A >= 2", "A >= 2"),
        ("A & B & C", "(A and B and C)"),
        ("(A & B) | (C = 1 & D)", "((A and B) or (C = 1 and D))"),
        ("A <IF> B <ELSE> C", "(A if B else C)"),
        ("A <IF> (B & C)", "(A if (B and C))"),
        ("A + B - C", "((A with B) without C)"),
        ("libc.so()(64bit)", "libc.so()(64bit)"),
    ] {
        assert_eq!(rpm(text).as_deref(), Some(expected), "{text}");
    }
    assert_eq!(rpm("namespace:language(de)"), None);
}
