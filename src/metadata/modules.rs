//! modules.yaml: streams of packages of which at most one a module is active, and what that hides.
//!
//! The rule is dnf's. A package that a stream names is a candidate only while that stream is active. An active stream
//! also hides, in all repositories but hot-fix ones, the other packages that have or provide a name of its own packages,
//! unless the stream has given the name up (`demodularized`). Active are the streams that a release enables, the
//! default streams of the other modules, and what those require; a default that cannot be had is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::error::{Error, Fault, Place, quote};
use super::yaml::{self, Yaml};

/// The largest modules.yaml.
const LARGEST: u64 = 64 << 20;

/// What one repository or several say about modules.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    pub(super) builds: Vec<Build>,
    /// Each module's default stream, with the time it was set; empty where repositories disagree.
    pub(super) defaults: BTreeMap<String, (u64, String)>,
}

/// One build of one stream of a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Build {
    pub(super) module: String,
    pub(super) stream: String,
    pub(super) version: u64,
    /// For each module needed, the streams that will do (none: any) and those that will not.
    pub(super) requires: BTreeMap<String, Streams>,
    pub(super) artifacts: Vec<String>,
    pub(super) demodularized: Vec<String>,
}

/// Which streams of a module will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Streams {
    pub(super) one_of: BTreeSet<String>,
    pub(super) none_of: BTreeSet<String>,
}

impl Modules {
    /// Reads modules.yaml; `input` is already decompressed.
    pub fn parse(repo: &str, input: impl Read) -> Result<Self, Error> {
        let mut place = Place { repo: repo.to_owned(), document: "modules", element: String::new() };
        let mut bytes = Vec::new();
        if let Err(source) = input.take(LARGEST + 1).read_to_end(&mut bytes) {
            return Err(Error::Read { place, offset: bytes.len() as u64, source });
        }
        let mut modules = Self::default();
        match modules.read(&bytes, &mut place.element) {
            Ok(()) => Ok(modules),
            Err(fault) => Err(Error::Refused { place, fault }),
        }
    }

    /// Whether there are no modules.
    pub fn is_empty(&self) -> bool {
        self.builds.is_empty()
    }

    /// Adds another repository's. Where defaults differ the newer one stands; of the same age, none does.
    pub fn merge(&mut self, other: Self) {
        self.builds.extend(other.builds);
        for (module, default) in other.defaults {
            self.add_default(module, default);
        }
    }

    fn add_default(&mut self, module: String, (modified, stream): (u64, String)) {
        let known = self.defaults.entry(module).or_insert_with(|| (modified, stream.clone()));
        if modified > known.0 {
            *known = (modified, stream);
        } else if modified == known.0 && stream != known.1 {
            known.1.clear();
        }
    }

    fn read(&mut self, bytes: &[u8], element: &mut String) -> Result<(), Fault> {
        if bytes.len() as u64 > LARGEST {
            return Err(Fault::Size { size: bytes.len() as u64, cap: LARGEST });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Fault::NotUtf8 { offset: error.valid_up_to() as u64 })?;
        let mut number = 0;
        yaml::read(text, |document| {
            number += 1;
            *element = format!("document number {number}");
            let kind = document.get("document").and_then(Yaml::text).ok_or(Fault::Missing("document"))?;
            let version = document.get("version").and_then(Yaml::text).ok_or(Fault::Missing("version"))?;
            let data = document.get("data").ok_or(Fault::Missing("data"))?;
            match (kind, version) {
                ("modulemd", "2") => {
                    if let (Some(module), Some(stream)) = (field(data, "name"), field(data, "stream")) {
                        *element = format!("module `{}:{}`", quote(module), quote(stream));
                    }
                    self.builds.push(build(data)?);
                }
                ("modulemd-defaults", "1") => {
                    let module = field(data, "module").ok_or(Fault::Missing("module"))?;
                    *element = format!("defaults of module `{}`", quote(module));
                    let modified =
                        field(data, "modified").map(|text| number_of("modified", text)).transpose()?;
                    let stream = field(data, "stream").unwrap_or_default();
                    self.add_default(module.to_owned(), (modified.unwrap_or(0), stream.to_owned()));
                }
                ("modulemd" | "modulemd-stream", version) => {
                    return Err(Fault::Word {
                        field: "version of a modulemd document",
                        value: quote(version),
                    });
                }
                // Obsoletes, translations and packagers' forms say nothing about what is a candidate.
                _ => {}
            }
            element.clear();
            Ok(())
        })
    }
}

fn field<'a>(data: &'a Yaml<'_>, name: &str) -> Option<&'a str> {
    data.get(name).and_then(Yaml::text).filter(|text| !text.is_empty())
}

fn number_of(field: &'static str, text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::Number { field, value: quote(text) })
}

fn build(data: &Yaml<'_>) -> Result<Build, Fault> {
    let text = |name| field(data, name).ok_or(Fault::Missing(name)).map(str::to_owned);
    let list = |path: &[&str]| {
        data.at(path).map(|list| list.texts().map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default()
    };
    let mut requires: BTreeMap<String, Streams> = BTreeMap::new();
    for dependency in data.get("dependencies").map(Yaml::items).unwrap_or_default() {
        for (module, streams) in dependency.get("requires").map(Yaml::entries).unwrap_or_default() {
            let needed = requires.entry(module.to_string()).or_default();
            for stream in streams.texts() {
                match stream.strip_prefix('-') {
                    Some(other) => needed.none_of.insert(other.to_owned()),
                    None => needed.one_of.insert(stream.to_owned()),
                };
            }
        }
    }
    Ok(Build {
        module: text("name")?,
        stream: text("stream")?,
        version: number_of("version", field(data, "version").ok_or(Fault::Missing("version"))?)?,
        requires,
        artifacts: list(&["artifacts", "rpms"]),
        demodularized: list(&["demodularized", "rpms"]),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{ModuleChoice, ModuleError};
    use super::*;

    pub(in super::super) fn document(stream: &str, version: u64, rest: &str) -> String {
        let (module, stream) = stream.split_once(':').unwrap();
        format!(
            "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {module}\n  stream: {stream}\n  version: {version}\n  context: c\n{rest}...\n"
        )
    }

    fn requires(needs: &str) -> String {
        format!("  dependencies:\n  - requires: {needs}\n")
    }

    pub(in super::super) fn artifacts(all: &[&str]) -> String {
        let lines: Vec<String> = all.iter().map(|text| format!("    - {text}\n")).collect();
        format!("  artifacts:\n    rpms:\n{}", lines.concat())
    }

    fn defaults(module: &str, stream: &str, modified: u64) -> String {
        format!(
            "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: {module}\n  modified: {modified}\n{stream}...\n"
        )
    }

    pub(in super::super) fn choice(enabled: &[(&str, &str)], disabled: &[&str]) -> ModuleChoice {
        ModuleChoice {
            enabled: enabled
                .iter()
                .map(|(module, stream)| ((*module).to_owned(), (*stream).to_owned()))
                .collect(),
            disabled: disabled.iter().map(|module| (*module).to_owned()).collect(),
            platform: Some("platform:el9".to_owned()),
        }
    }

    fn active(text: &str, choice: &ModuleChoice) -> Result<(Vec<String>, Vec<String>), ModuleError> {
        let modules = Modules::parse("clay", text.as_bytes()).unwrap();
        modules.activate(choice).map(|active| (active.streams, active.passed_over))
    }

    #[test]
    fn active_are_the_enabled_the_default_and_what_they_require() {
        let text = [
            document("perl:5.30", 1, ""),
            document("perl:5.32", 1, &requires("{platform: [el9]}")),
            document("perl:5.10", 1, ""),
            document("dbi:1", 1, &requires("{perl: [5.30, 5.32]}")),
            document("app:1", 1, &requires("{dbi: [], platform: []}")),
            document("old:1", 1, &requires("{platform: [el8]}")),
            document("picky:1", 1, &requires("{perl: [-5.30]}")),
            defaults("perl", "  stream: 5.30\n", 1),
            defaults("old", "  stream: 1\n", 1),
        ]
        .concat();
        let names = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (enabled, disabled, streams, passed_over) in [
            (&[][..], &[][..], &["perl:5.30"][..], &["old:1"][..]),
            (&[("app", "1")], &[], &["app:1", "dbi:1", "perl:5.30"], &["old:1"]),
            (&[("app", "1"), ("perl", "5.32")], &["old"], &["app:1", "dbi:1", "perl:5.32"], &["old:1"]),
            (&[("picky", "1")], &[], &["perl:5.32", "picky:1"], &["old:1", "perl:5.30"]),
            (
                &[("picky", "1"), ("dbi", "1")],
                &["old"],
                &["dbi:1", "perl:5.32", "picky:1"],
                &["old:1", "perl:5.30"],
            ),
        ] {
            let found = active(&text, &choice(enabled, disabled));
            assert_eq!(found, Ok((names(streams), names(passed_over))), "{enabled:?}");
        }
        let refused = |enabled: &[(&str, &str)]| active(&text, &choice(enabled, &[])).unwrap_err();
        assert_eq!(refused(&[("app", "2")]).hint().as_deref(), Some("known streams: 1"));
        for enabled in
            [&[("dbi", "1"), ("perl", "5.10")][..], &[("old", "1")], &[("picky", "1"), ("perl", "5.30")]]
        {
            assert!(matches!(refused(enabled), ModuleError::Conflict(_)), "{enabled:?}");
        }
    }

    #[test]
    fn the_newer_default_stands_and_of_the_same_age_none() {
        let stream = |name: &str, modified| defaults("a", &format!("  stream: {name}\n"), modified);
        let all = [document("a:1", 1, ""), document("a:2", 1, "")].concat();
        for (more, expected) in [
            (stream("1", 1) + &stream("2", 2), &["a:2"][..]),
            (stream("1", 2) + &stream("2", 1), &["a:1"]),
            (stream("1", 1) + &stream("2", 1), &[]),
            (defaults("a", "", 1), &[]),
        ] {
            assert_eq!(active(&(all.clone() + &more), &choice(&[], &[])).unwrap().0, expected, "{more}");
        }
    }

    #[test]
    fn modules_that_require_each_other_do_not_take_for_ever() {
        let mut text = String::new();
        for module in 0..40 {
            for stream in 0..4 {
                let needs =
                    requires(&format!("{{m{}: [], m{}: [-{stream}]}}", (module + 1) % 40, (module + 7) % 40));
                text += &document(&format!("m{module}:{stream}"), 1, &needs);
            }
        }
        text += &document("m40:0", 1, &requires("{m0: [], m41: [0]}"));
        let _ = active(&text, &choice(&[("m0", "0")], &[]));
        assert!(active(&text, &choice(&[("m40", "0")], &[])).is_err());
    }

    #[test]
    fn what_is_not_modules_is_refused_by_name() {
        let refused = |text: &str| Modules::parse("clay", text.as_bytes()).unwrap_err().to_string();
        insta::assert_snapshot!([
            refused("a: [b"),
            refused("a: &x b\nc: *x"),
            refused("document: modulemd\nversion: 2\n"),
            refused("document: modulemd\nversion: 9\ndata: {}\n"),
            refused(&document("a:1", 1, "").replace("version: 1", "version: -1")),
            refused(&document("a:1", 1, "").replace("name: a", "name: []")),
            refused(&document("a:1", 1, "  version: 2\n")),
            Modules::parse("clay", &b"a: \xff"[..]).unwrap_err().to_string(),
        ].join("\n"), @r"
    modules of repository `clay`: not YAML at line 2: while parsing a flow sequence, expected ',' or ']'
    modules of repository `clay`: an alias, which could expand without end
    modules of repository `clay`, document number 1: no data
    modules of repository `clay`, document number 1: version of a modulemd document is `9`, which the format does not know
    modules of repository `clay`, module `a:1`: version is `-1`, not a number it can hold
    modules of repository `clay`, document number 1: no name
    modules of repository `clay`: key `version` twice
    modules of repository `clay`: bytes that are not UTF-8 at byte 3
    ");
    }
}
