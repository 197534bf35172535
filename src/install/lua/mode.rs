//! File modes as text: `rwxr-xr-x`, `0755`, `u+x,go-w`.

/// The nine letters of a mode; set-id and sticky bits change the letters for execution.
pub(super) fn letters(mode: u32) -> String {
    let mut text = String::with_capacity(9);
    for (class, special) in [(6, (0o4000, 's')), (3, (0o2000, 's')), (0, (0o1000, 't'))] {
        let bits = mode >> class;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (bits & 1 != 0, mode & special.0 != 0) {
            (true, true) => special.1,
            (false, true) => special.1.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The mode that a text makes of another one; nothing where it is not a mode.
pub(super) fn apply(mode: u32, text: &str) -> Option<u32> {
    let bytes = text.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return u32::from_str_radix(text, 8)
            .ok()
            .filter(|new| *new <= 0o7777)
            .map(|new| mode & !0o7777 | new);
    }
    if bytes.len() == 9 && bytes.iter().all(|byte| b"rwxstST-".contains(byte)) {
        return from_letters(text).map(|new| mode & !0o7777 | new);
    }
    text.split(',').try_fold(mode, clause)
}

fn from_letters(text: &str) -> Option<u32> {
    let mut mode = 0;
    for (at, letter) in text.chars().enumerate() {
        let bit = 1 << (8 - at);
        let special = [0o4000, 0o2000, 0o1000][at / 3];
        mode |= match (letter, at % 3) {
            ('-', _) => 0,
            ('r', 0) | ('w', 1) | ('x', 2) => bit,
            ('s', 2) if at < 8 => bit | special,
            ('t', 2) if at == 8 => bit | special,
            ('S', 2) if at < 8 => special,
            ('T', 2) if at == 8 => special,
            _ => return None,
        };
    }
    Some(mode)
}

/// `[ugoa…][+-=][rwxst…]`
fn clause(mode: u32, clause: &str) -> Option<u32> {
    let at = clause.find(['+', '-', '='])?;
    let (who, rest) = clause.split_at(at);
    let mut classes = who.chars().try_fold(0, |classes, who| {
        Some(
            classes
                | match who {
                    'u' => 0o4700,
                    'g' => 0o2070,
                    'o' => 0o1007,
                    'a' => 0o7777,
                    _ => return None,
                },
        )
    })?;
    if classes == 0 {
        classes = 0o7777;
    }
    let bits = rest[1..].chars().try_fold(0, |bits, what| {
        Some(
            bits | match what {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                _ => return None,
            },
        )
    })? & classes;
    Some(match &rest[..1] {
        "+" => mode | bits,
        "-" => mode & !bits,
        _ => mode & !(classes & 0o777) | bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_and_read_in_every_form() {
        for (mode, text) in
            [(0o755, "rwxr-xr-x"), (0o4711, "rws--x--x"), (0o1777, "rwxrwxrwt"), (0o2640, "rw-r-S---")]
        {
            assert_eq!(letters(mode), text);
            assert_eq!(apply(0, text), Some(mode), "{text}");
        }
        let table = [
            (0o644, "0755", Some(0o755)),
            (0o644, "4755", Some(0o4755)),
            (0o644, "u+x", Some(0o744)),
            (0o644, "+x,go-r", Some(0o711)),
            (0o755, "go=r", Some(0o744)),
            (0o755, "u+s", Some(0o4755)),
            (0o10_0644, "0600", Some(0o10_0600)),
            (0o644, "u*x", None),
            (0o644, "99", None),
            (0o644, "", None),
        ];
        for (mode, text, expected) in table {
            assert_eq!(apply(mode, text), expected, "{text}");
        }
    }
}
