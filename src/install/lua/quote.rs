//! `rpm.splitargs` and `rpm.unsplitargs`: words with quotes.

/// The words of a text; quotes keep white space together, a backslash takes the next character as it is.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_with(String::new);
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (_, '\\') if quote != Some('\'') => {
                word.get_or_insert_with(String::new).extend(characters.next());
            }
            _ => word.get_or_insert_with(String::new).push(character),
        }
    }
    words.extend(word);
    words
}

/// Words as one text that [`split`] takes apart again.
pub(super) fn join(words: &[String]) -> String {
    let quoted = |word: &String| {
        if word.is_empty() || word.contains([' ', '\t', '"', '\'', '\\']) {
            format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            word.clone()
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_and_joined() {
        let table: &[(&str, &[&str])] = &[
            ("a b\tc", &["a", "b", "c"]),
            ("a \"b c\" ''", &["a", "b c", ""]),
            ("a\\ b 'c\\d'", &["a b", "c\\d"]),
            ("", &[]),
        ];
        for (text, words) in table {
            assert_eq!(split(text), *words, "{text}");
            assert_eq!(split(&join(&split(text))), *words, "{text}");
        }
    }
}
