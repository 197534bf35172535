//! Which word was meant.

/// Keys of dnf, yum and mock that have another name here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("chroot_setup_cmd", "packages"),
    ("dist", "macros"),
    ("env", "environment"),
    ("exclude", "excludepkgs"),
    ("gpgkey", "keys"),
    ("includepkg", "includepkgs"),
    ("inherits", "extends"),
    ("install_weak_deps", "weak"),
    ("rpmbuild_timeout", "timeout"),
    ("ram", "memory"),
    ("target_arch", "arch"),
    ("url", "baseurl"),
];

/// The one candidate that `word` was probably meant to be: what it is called elsewhere, else the candidate that is
/// a few slips of the finger away. Case, `-` and `_` do not count.
pub(super) fn nearest<'w>(word: &str, candidates: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    likeliest(word, candidates).first().copied()
}

/// The candidates that `word` was equally probably meant to be.
pub(super) fn likeliest<'w>(word: &str, candidates: impl IntoIterator<Item = &'w str>) -> Vec<&'w str> {
    let plain = folded(word);
    let other = ELSEWHERE.iter().find(|row| folded(row.0) == plain).map(|row| row.1);
    let slips = plain.chars().count() / 3 + 1;
    let distance = |candidate: &str| match other {
        Some(other) if other == candidate => 0,
        _ => strsim::damerau_levenshtein(&plain, &folded(candidate)),
    };
    let mut near: Vec<_> = candidates.into_iter().map(|word| (distance(word), word)).collect();
    near.retain(|(distance, _)| *distance <= slips);
    let best = near.iter().map(|(distance, _)| *distance).min();
    near.into_iter().filter(|(distance, _)| Some(*distance) == best).map(|(_, word)| word).collect()
}

fn folded(word: &str) -> String {
    word.chars().filter(|char| !matches!(char, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let keys = ["id", "baseurl", "metalink", "keys", "gpgcheck", "repo_gpgcheck", "excludepkgs", "cost"];
        let table = [
            ("baseurls", Some("baseurl")),
            ("base_url", Some("baseurl")),
            ("metalnik", Some("metalink")),
            ("GPGCheck", Some("gpgcheck")),
            ("gpgkey", Some("keys")),
            ("exclude", Some("excludepkgs")),
            ("fastestmirror", None),
            ("", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, keys), meant, "{word}");
        }
    }
}
