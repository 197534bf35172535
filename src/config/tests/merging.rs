//! Laws: merging is associative, and no text makes the parser panic.

use proptest::prelude::*;

use crate::config::ReleaseFile;
use crate::config::document::{Config, parse};
use crate::config::tests::SMALL;

fn read(text: &str) -> Config {
    match parse(ReleaseFile::Shipped(format!("{} bytes", text.len())), text) {
        Ok((_, config)) => config,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Some of these lines, with values from a small alphabet so that files write over each other.
fn lines(rows: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::option::of("[a-c]"), rows.len()).prop_map(move |values| {
        let written = rows.iter().zip(values);
        let written = written.filter_map(|(row, value)| Some(format!("{}\n", row.replace('?', &value?))));
        written.collect()
    })
}

fn repos() -> impl Strategy<Value = String> {
    let rows = &[
        "baseurl = ['?']",
        "metalink = '?'",
        "keys = [{ path = '?' }]",
        "keys_add = [{ url = '?' }]",
        "excludepkgs = ['?']",
        "excludepkgs_add = ['?', 'x']",
        "gpgcheck = false # ?",
    ];
    let ids = prop::sample::subsequence(vec!["one", "two", "three"], 0..=3).prop_shuffle();
    (ids, prop::collection::vec(lines(rows), 3)).prop_map(|(ids, bodies)| {
        ids.iter()
            .zip(bodies)
            .fold(String::new(), |text, (id, body)| text + "[[repo]]\nid = '" + id + "'\n" + &body)
    })
}

fn file() -> impl Strategy<Value = Config> {
    let root = lines(&["packages = ['?']", "packages_add = ['?', '?']", "languages_add = ['?']"]);
    let vars = lines(&["x = '?'", "y = '?'"]);
    let build = lines(&["macros = { m = '?' }", "environment = { E = '?' }", "timeout = '?'"]);
    (root, vars, build, repos()).prop_map(|(root, vars, build, repos)| {
        read(&format!("[root]\n{root}[vars]\n{vars}[build]\n{build}{repos}"))
    })
}

proptest! {
    #[test]
    fn merging_is_associative(a in file(), b in file(), c in file()) {
        let left = a.clone().merge(b.clone()).merge(c.clone());
        let right = a.merge(b.merge(c));
        prop_assert_eq!(left, right);
    }

    #[test]
    fn an_empty_file_changes_nothing(a in file()) {
        prop_assert_eq!(Config::default().merge(a.clone()), a.clone());
        prop_assert_eq!(a.clone().merge(Config::default()), a);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let _ = parse(ReleaseFile::CommandLine, &text);
    }

    #[test]
    fn no_damage_makes_the_parser_panic(at in 0..SMALL.len(), cut in 0_usize..40, put in "[\\[\\]{}\"'=.\n,é0-9a-z]{0,4}") {
        let end = (at + cut).min(SMALL.len());
        let damaged = format!("{}{put}{}", &SMALL[..at], &SMALL[end..]);
        let _ = crate::config::tests::loaded("/r.toml", &[("/r.toml", &damaged)]);
    }
}
