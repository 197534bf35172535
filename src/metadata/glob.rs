//! Patterns with `*`, `?` and `[…]`, as fnmatch reads them, over whole names.

/// A pattern.
#[derive(Debug, Clone)]
pub struct Glob {
    pieces: Vec<Piece>,
    fold: bool,
}

#[derive(Debug, Clone)]
enum Piece {
    Letter(char),
    Any,
    Many,
    Set { ranges: Vec<(char, char)>, not: bool },
}

impl Glob {
    /// A pattern that minds case.
    pub fn new(pattern: &str) -> Self {
        Self { pieces: pieces(pattern), fold: false }
    }

    /// A pattern that does not mind case.
    pub fn ignoring_case(pattern: &str) -> Self {
        Self { pieces: pieces(&pattern.to_lowercase()), fold: true }
    }

    /// Whether text has a character that a pattern gives a meaning to.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Whether the whole of a text fits. The time is the product of both lengths at worst.
    pub fn matches(&self, text: &str) -> bool {
        if self.fold { self.fits(&text.to_lowercase()) } else { self.fits(text) }
    }

    fn fits(&self, text: &str) -> bool {
        let (mut at, mut rest) = (0, text.chars());
        // The last `*`, and the text that it has not yet swallowed.
        let mut star: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if let Some(Piece::Many) = self.pieces.get(at) {
                at += 1;
                star = Some((at, rest.clone()));
                continue;
            }
            let before = rest.clone();
            match (self.pieces.get(at), rest.next()) {
                (None, None) => return true,
                (Some(piece), Some(letter)) if piece.takes(letter) => at += 1,
                (_, None) if before.as_str().is_empty() && star.is_none() => return false,
                _ => {
                    let Some((after, swallowed)) = &mut star else { return false };
                    if swallowed.next().is_none() {
                        return false;
                    }
                    at = *after;
                    rest = swallowed.clone();
                }
            }
        }
    }
}

impl Piece {
    fn takes(&self, letter: char) -> bool {
        match self {
            Self::Letter(own) => *own == letter,
            Self::Any => true,
            Self::Many => false,
            Self::Set { ranges, not } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *not
            }
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars();
    while let Some(letter) = rest.next() {
        pieces.push(match letter {
            '*' => Piece::Many,
            '?' => Piece::Any,
            '[' => match set(rest.as_str()) {
                Some((set, after)) => {
                    rest = after.chars();
                    set
                }
                None => Piece::Letter('['),
            },
            letter => Piece::Letter(letter),
        });
    }
    pieces
}

/// A set after its opening bracket, and what follows its closing one.
fn set(text: &str) -> Option<(Piece, &str)> {
    let (not, inner) = match text.strip_prefix(['!', '^']) {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    // A bracket that comes first stands for itself.
    let close = inner.char_indices().skip(1).find(|(_, letter)| *letter == ']')?.0;
    let letters: Vec<char> = inner[..close].chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        if at + 2 < letters.len() && letters[at + 1] == '-' {
            ranges.push((letters[at], letters[at + 2]));
            at += 3;
        } else {
            ranges.push((letters[at], letters[at]));
            at += 1;
        }
    }
    Some((Piece::Set { ranges, not }, &inner[close + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names() {
        for (pattern, text, expected) in [
            ("bash", "bash", true),
            ("bash", "bash2", false),
            ("*", "", true),
            ("*", "x", true),
            ("", "", true),
            ("", "x", false),
            ("ba?h", "bash", true),
            ("ba?h", "bah", false),
            ("*-devel", "zlib-devel", true),
            ("*-devel", "zlib-devel-static", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("perl-[A-C]*", "perl-Bar", true),
            ("perl-[!A-C]*", "perl-Bar", false),
            ("x[]]y", "x]y", true),
            ("x[y", "x[y", true),
            ("**a", "ba", true),
            ("é?", "éé", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert!(Glob::ignoring_case("DEV*").matches("Development Tools"));
    }

    #[test]
    fn a_pattern_of_stars_does_not_take_for_ever() {
        let pattern = "*a".repeat(100);
        assert!(!Glob::new(&pattern).matches(&"a".repeat(99)));
        assert!(!Glob::new(&format!("{pattern}b")).matches(&"a".repeat(5000)));
    }
}
