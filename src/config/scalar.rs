//! Text that stands for a number with a unit, and names that must be names.

const UNITS: &[(char, u64)] = &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];

/// Seconds from `90`, `90s`, `15m`, `2h`, `1d`, `1w`; not 0.
pub fn duration(text: &str) -> Result<u64, String> {
    match period(text)? {
        0 => Err("there is nothing that takes no time; leave it out for no limit".to_owned()),
        seconds => Ok(seconds),
    }
}

/// Seconds from the same text, or 0.
pub(super) fn period(text: &str) -> Result<u64, String> {
    let wrong = || "write seconds, or a number with s, m, h, d or w, such as 2h".to_owned();
    let unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1));
    let number: u64 = number.trim_end().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).ok_or_else(wrong)
}

/// Whether `text` can be a variable: a letter or `_`, then letters, digits and `_`.
pub(super) fn is_identifier(text: &str) -> bool {
    let first = text.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A variable's name.
pub(super) fn variable_name(name: &str) -> Result<(), &'static str> {
    match name {
        "arch" => Err("it is what [release] says"),
        name if is_identifier(name) => Ok(()),
        _ => Err("a variable is named by letters, digits and `_`"),
    }
}

/// A macro's name, with its options where it takes arguments: `name`, `name(x:)`.
pub(super) fn macro_name(name: &str) -> Result<(), &'static str> {
    let (word, options) = name.split_once('(').unwrap_or((name, ")"));
    match () {
        () if name.starts_with('%') => Err("write it without the `%`"),
        () if !is_identifier(word) => Err("a macro is named by letters, digits and `_`"),
        () if !options.ends_with(')') => Err("its options do not end with `)`"),
        () => Ok(()),
    }
}

/// A name in an environment.
pub(super) fn environment_name(name: &str) -> Result<(), &'static str> {
    if is_identifier(name) {
        Ok(())
    } else {
        Err("an environment variable is named by letters, digits and `_`")
    }
}

/// A repository's id: what dnf takes.
pub(super) fn repo_id(id: &str) -> Result<(), &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte);
    match () {
        () if id.is_empty() || id.starts_with('.') => Err("an id begins with a letter, a digit, `-` or `_`"),
        () if !id.bytes().all(fits) => Err("an id is made of letters, digits and `-`, `_`, `.`, `:`, `+`"),
        () => Ok(()),
    }
}

/// A host name: labels of letters, digits and `-`, 64 characters as the kernel has it.
pub(super) fn hostname(name: &str) -> Result<(), &'static str> {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.len() <= 64 && name.split('.').all(label) {
        Ok(())
    } else {
        Err("a host name is at most 64 letters, digits, `-` and `.`")
    }
}

/// A fingerprint in its plain form: upper case, no spaces.
pub(super) fn fingerprint(text: &str) -> Result<String, &'static str> {
    let plain: String = text.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    let plain = plain.to_ascii_uppercase();
    match plain.len() {
        40 | 64 if plain.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(plain),
        _ => Err("a fingerprint is 40 or 64 hexadecimal digits; a key id is not enough"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_units() {
        let table =
            [("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("1w", 604_800)];
        for (text, seconds) in table {
            assert_eq!(period(text), Ok(seconds), "{text}");
        }
        for text in ["", "h", "-1", "1.5h", "2y", "99999999999999999w"] {
            assert!(period(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_whole_and_is_made_plain() {
        let spaced = "c6e7 f081 cf80 e131 4667  6e88 829b 6066 3164 5531";
        assert_eq!(fingerprint(spaced).unwrap(), "C6E7F081CF80E13146676E88829B606631645531");
        for text in ["829B606631645531", "", "zz", "C6E7F081CF80E13146676E88829B60663164553Z"] {
            assert!(fingerprint(text).is_err(), "{text}");
        }
    }
}
