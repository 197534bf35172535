use super::*;
use crate::package::RelationFlags;

fn relation(name: &str, flags: RelationFlags) -> Relation {
    Relation { name: name.to_owned(), flags, evr: String::new() }
}

/// `name: need need! (weak)`: `!` is needed by `%post`, `?` is recommended.
fn facts(lines: &[&str]) -> Vec<Facts> {
    let facts = |line: &&str| {
        let (name, needs) = line.split_once(':').unwrap();
        let want = |need: &str| {
            let (kind, name, flags) = match (need.strip_suffix('!'), need.strip_suffix('?')) {
                (Some(need), _) => (RelationKind::Requires, need, RelationFlags::SCRIPT_POST),
                (_, Some(need)) => (RelationKind::Recommends, need, RelationFlags::default()),
                _ => (RelationKind::Requires, need, RelationFlags::default()),
            };
            Want { kind, relation: relation(name, flags), color: 0 }
        };
        let wants = needs.split(',').map(str::trim).filter(|need| !need.is_empty()).map(want).collect();
        let file = format!("/usr/bin/{name}");
        Facts { provides: vec![relation(name, RelationFlags::EQUAL)], wants, files: vec![file], color: 0 }
    };
    lines.iter().map(facts).collect()
}

fn ordered(lines: &[&str]) -> String {
    let packages = facts(lines);
    let mut links = Links::default();
    links.add("/bin", "usr/bin");
    let order = order(&packages, Colors::of("x86_64"), &links, Age::Counts);
    let name = |index: usize| packages[index].provides[0].name.clone();
    order.into_iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn needed_packages_come_first_and_loops_stay_together() {
    let table: &[(&[&str], &str)] = &[
        (&["a: b", "b: c", "c:"], "c b a"),
        (&["a:", "b:", "c: b"], "b c a"),
        (&["a: (b or c)", "b:", "c:"], "c b a"),
        (&["a: (b if c)", "c: a", "b:"], "b a c"),
        (&["a: /bin/b", "b:"], "b a"),
        (&["a: /usr/bin/b, missing", "b:"], "b a"),
        (&["a: b?", "b: a"], "a b"),
        (&["a: b!", "b: a", "c: a", "d:"], "b a c d"),
        (&["a: b", "b: c!", "c: a", "d: b"], "a c b d"),
    ];
    for (lines, expected) in table {
        assert_eq!(ordered(lines), *expected, "{lines:?}");
    }
}

#[test]
fn links_are_followed_in_directories_only() {
    let mut links = Links::default();
    for (path, target) in [("/bin", "usr/bin"), ("/usr/lib64", "/lib"), ("/a", "/b"), ("/b", "/a")] {
        links.add(path, target);
    }
    let table = [
        ("/bin/sh", "/usr/bin/sh"),
        ("/usr/lib64/x", "/lib/x"),
        ("/bin", "/bin"),
        ("/bin/../x", "/usr/x"),
        ("/usr//bin/./x", "/usr/bin/x"),
    ];
    for (path, expected) in table {
        assert_eq!(links.canonical(path), expected, "{path}");
    }
    assert!(links.canonical("/a/x").ends_with("/x"), "a circle ends");
}

#[test]
fn every_package_is_ordered_once_whatever_the_loops() {
    let mut lines =
        (0..60).map(|n| format!("p{n}: p{}, p{}!", (n * 7) % 60, (n * 13 + 5) % 60)).collect::<Vec<_>>();
    lines.push("q: p1".to_owned());
    let lines = lines.iter().map(String::as_str).collect::<Vec<_>>();
    let packages = facts(&lines);
    let mut order = order(&packages, Colors::of("x86_64"), &Links::default(), Age::Counts);
    order.sort_unstable();
    assert_eq!(order, (0..packages.len()).collect::<Vec<_>>());
}

#[test]
fn rich_dependencies_of_any_length_order_and_those_nested_too_deeply_do_not() {
    let nested = |depth: usize| format!("a: {}b{}", "(".repeat(depth), ")".repeat(depth));
    let long = format!("a: ({}b)", "c and ".repeat(50_000));
    let table = [(nested(32), "b a c"), (nested(33), "a b c"), (nested(200_000), "a b c"), (long, "b c a")];
    for (line, expected) in table {
        assert_eq!(ordered(&["c:", "b:", &line]), expected, "{}", &line[..40]);
    }
}
