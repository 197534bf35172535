//! Text that came out of a sandbox, made safe to show: a build must not drive the terminal that shows its log.

use std::borrow::Cow;

/// The line with control characters, escape sequences and bidirectional overrides shown as escapes. Tabs stay.
pub(super) fn printable(line: &str) -> Cow<'_, str> {
    let harmless = |c: char| c == '\t' || !(c.is_control() || is_bidirectional(c));
    if line.chars().all(harmless) {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if harmless(c) { text.push(c) } else { text.extend(c.escape_unicode()) }
    }
    Cow::Owned(text)
}

/// Characters that reorder the text around them (Unicode Standard Annex 9).
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_drive_the_terminal() {
        let table = [
            ("plain\ttext é", "plain\ttext é"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\rb", "a\\u{d}b"),
        ];
        for (line, shown) in table {
            assert_eq!(printable(line), shown);
        }
    }
}
