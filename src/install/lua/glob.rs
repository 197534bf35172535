//! `rpm.glob`: paths that match a pattern with `*`, `?`, `[…]` and `{…,…}`, sorted.

use std::ffi::OsStr;

use crate::sys::{fs, posix};

/// The paths that match; none is no failure.
pub(super) fn glob(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    for pattern in braces(pattern) {
        let mut paths = if pattern.starts_with('/') { vec!["/".to_owned()] } else { vec![String::new()] };
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            paths = paths.iter().flat_map(|path| step(path, part)).collect();
        }
        let mut paths = paths.into_iter().map(|path| trimmed(&path)).collect::<Vec<_>>();
        paths.sort_unstable();
        found.extend(paths);
    }
    found
}

fn step(directory: &str, part: &str) -> Vec<String> {
    if !part.contains(['*', '?', '[']) {
        let path = format!("{directory}{part}");
        return if posix::lstat(OsStr::new(&path)).is_ok() { vec![separated(path)] } else { Vec::new() };
    }
    let place = if directory.is_empty() { "." } else { directory };
    let names = fs::list(place).unwrap_or_default();
    let names = names.iter().filter_map(|name| name.to_str());
    let names = names.filter(|name| part.starts_with('.') || !name.starts_with('.'));
    let names = names.filter(|name| matches(part.as_bytes(), name.as_bytes()));
    names.map(|name| separated(format!("{directory}{name}"))).collect()
}

/// A path that the next part can follow: a directory ends with `/` until the last part.
fn separated(path: String) -> String {
    path + "/"
}

fn trimmed(path: &str) -> String {
    let end = path.trim_end_matches('/');
    if end.is_empty() { path.to_owned() } else { end.to_owned() }
}

/// Whether a name fits a pattern.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skip| matches(rest, &name[skip..])),
        Some((b'[', rest)) => {
            match (rest.iter().skip(1).position(|byte| *byte == b']'), name.split_first()) {
                (Some(end), Some((first, others))) => {
                    in_set(&rest[..=end], *first) && matches(&rest[end + 2..], others)
                }
                (None, Some((b'[', others))) => matches(rest, others),
                _ => false,
            }
        }
        Some((b'\\', rest)) if !rest.is_empty() => {
            name.first() == rest.first() && matches(&rest[1..], &name[1..])
        }
        Some((expected, rest)) => match name.split_first() {
            Some((first, others)) => (*expected == b'?' || expected == first) && matches(rest, others),
            None => false,
        },
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let (negated, set) = match set.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    let mut at = 0;
    while at < set.len() {
        if let [from, b'-', to] = set[at..set.len().min(at + 3)] {
            found |= (from..=to).contains(&byte);
            at += 3;
        } else {
            found |= set[at] == byte;
            at += 1;
        }
    }
    found != negated
}

/// All readings of `{a,b}`.
fn braces(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else { return vec![pattern.to_owned()] };
    let mut depth = 0;
    let mut starts = vec![open + 1];
    for (at, byte) in pattern.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b',' if depth == 1 => starts.push(at + 1),
            b'}' if depth == 1 => {
                let ends = starts.iter().skip(1).map(|start| start - 1).chain([at]);
                let choices = starts.iter().zip(ends).map(|(start, end)| &pattern[*start..end]);
                let whole = |choice: &str| format!("{}{choice}{}", &pattern[..open], &pattern[at + 1..]);
                return choices.flat_map(|choice| braces(&whole(choice))).collect();
            }
            b'}' => depth -= 1,
            _ => {}
        }
    }
    vec![pattern.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_paths() {
        let root = tempfile::tempdir().unwrap();
        for name in ["usr/lib/a.so.1", "usr/lib/b.so", "usr/lib64/a.so.2", "usr/.hidden"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let root = root.path().to_str().unwrap();
        let table: &[(&str, &[&str])] = &[
            ("usr/lib/*.so*", &["usr/lib/a.so.1", "usr/lib/b.so"]),
            ("usr/{lib64,lib}/a*", &["usr/lib64/a.so.2", "usr/lib/a.so.1"]),
            ("usr/lib*/[ab].so.[0-9]", &["usr/lib/a.so.1", "usr/lib64/a.so.2"]),
            ("usr/*/[!a]*", &["usr/lib/b.so"]),
            ("usr/*hidden", &[]),
            ("usr/.h*", &["usr/.hidden"]),
            ("none/*", &[]),
            ("usr/lib", &["usr/lib"]),
        ];
        for (pattern, expected) in table {
            let expected = expected.iter().map(|path| format!("{root}/{path}")).collect::<Vec<_>>();
            assert_eq!(glob(&format!("{root}/{pattern}")), expected, "{pattern}");
        }
    }
}
