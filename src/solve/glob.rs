//! Shell patterns over names: `*`, `?`, `[a-z]`, `[!a-z]`; nothing is special about `/` and `.`.

use std::cmp::Ordering;

/// Whether a text is a pattern.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// A pattern.
#[derive(Debug)]
pub(super) struct Glob {
    pattern: Vec<char>,
    text: String,
    is_pattern: bool,
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        Self { pattern: text.chars().collect(), text: text.to_owned(), is_pattern: is_glob(text) }
    }

    /// Whether it says nothing.
    pub(super) fn any(&self) -> bool {
        self.text.is_empty() || self.text == "*"
    }

    /// Whether it is no pattern and an order finds it equal.
    pub(super) fn plain_equals(&self, text: &str, order: fn(&[u8], &[u8]) -> Ordering) -> bool {
        !self.is_pattern && order(self.text.as_bytes(), text.as_bytes()).is_eq()
    }

    /// Whether the whole text fits.
    pub(super) fn matches(&self, text: &str) -> bool {
        if !self.is_pattern {
            return self.text == text;
        }
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut pos) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while pos < text.len() {
            if self.pattern.get(at) == Some(&'*') {
                star = Some((at, pos));
                at += 1;
            } else if let Some(next) = self.one(at, text[pos]) {
                (at, pos) = (next, pos + 1);
            } else if let Some((star_at, star_pos)) = star {
                star = Some((star_at, star_pos + 1));
                (at, pos) = (star_at + 1, star_pos + 1);
            } else {
                return false;
            }
        }
        self.pattern[at..].iter().all(|left| *left == '*')
    }

    /// Where the pattern goes on if its element fits a character.
    fn one(&self, at: usize, found: char) -> Option<usize> {
        match *self.pattern.get(at)? {
            '?' => Some(at + 1),
            '[' => match self.class(at + 1, found) {
                Some((fits, next)) => fits.then_some(next),
                None => (found == '[').then_some(at + 1),
            },
            wanted => (wanted == found).then_some(at + 1),
        }
    }

    /// Whether a class has a character, and where the class ends; none if it does not end.
    fn class(&self, start: usize, found: char) -> Option<(bool, usize)> {
        let negated = matches!(self.pattern.get(start), Some('!' | '^'));
        let first = start + usize::from(negated);
        let mut at = first;
        let mut has = false;
        loop {
            let low = *self.pattern.get(at)?;
            if low == ']' && at > first {
                return Some((has != negated, at + 1));
            }
            let high = match (self.pattern.get(at + 1), self.pattern.get(at + 2)) {
                (Some('-'), Some(high)) if *high != ']' => {
                    at += 2;
                    *high
                }
                _ => low,
            };
            has |= (low..=high).contains(&found);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        let yes = [
            ("*", ""),
            ("gcc*", "gcc-c++"),
            ("*-devel", "zlib-devel"),
            ("p?th*3", "python3"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("a[]]b", "a]b"),
            ("*.so.[0-9]", "lib.so.6"),
            ("[x", "[x"),
            ("a*b*c", "aXbXbc"),
        ];
        for (pattern, text) in yes {
            assert!(Glob::new(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in [("gcc*", "agcc"), ("?", ""), ("[!a]x", "ax"), ("a*b", "abc"), ("[a-c]", "d")]
        {
            assert!(!Glob::new(pattern).matches(text), "{pattern} {text}");
        }
    }
}
