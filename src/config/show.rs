//! A release as text: what `kiln config show` prints. It reads back to the same release.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use toml::Value;

use crate::config::limits::LIMITS;
use crate::config::release::{
    Build, Check, Connection, Expired, NEVER, Nesting, Origin, Proxy, Release, Repo, SandboxOptions,
    SolveOptions, Syncs,
};
use crate::config::variables::escaped;
use crate::unit::Limits;

/// The release as one release file that extends nothing and has no variable to put in. Above each table stands which
/// files had a say in it. Paths are as the release has them: write the text to wherever is convenient.
pub fn show(release: &Release) -> String {
    let mut page = Page { text: format!("# {}\n", release.name), release };
    page.table("release", |lines| {
        lines.text("description", &release.description);
        lines.plain("arch", &release.arch);
        if !release.family.is_empty() {
            lines.plain("family", &release.family);
        }
    });
    let vars = release.vars.iter().filter(|(name, _)| *name != "arch");
    page.table("vars", |lines| vars.for_each(|(name, value)| lines.text(name, value)));
    page.table("root", |lines| {
        lines.list("packages", &release.root.packages);
        lines.list("languages", &release.root.languages);
        lines.value("docs", release.root.docs);
    });
    page.table("solve", |lines| solve(lines, &release.solve));
    page.table("build", |lines| build(lines, &release.build));
    if release.limits != Limits::default() {
        page.table("limits", |lines| limits(lines, &release.limits));
    }
    page.table("sandbox", |lines| sandbox(lines, &release.sandbox));
    for one in &release.repos {
        page.repo(one, Enabled::Yes);
    }
    for one in &release.disabled {
        page.repo(one, Enabled::No);
    }
    page.text
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Enabled {
    Yes,
    No,
}

struct Page<'r> {
    text: String,
    release: &'r Release,
}

impl Page<'_> {
    fn table(&mut self, name: &str, write: impl FnOnce(&mut Lines)) {
        self.headed(name, &format!("[{name}]"), write);
    }

    fn repo(&mut self, one: &Repo, enabled: Enabled) {
        self.headed(&format!("repo {}", one.id), "[[repo]]", |lines| repo(lines, one, enabled));
    }

    fn headed(&mut self, table: &str, heading: &str, write: impl FnOnce(&mut Lines)) {
        let files = self.release.tables.get(table).map(Vec::as_slice).unwrap_or_default();
        let files: Vec<String> =
            files.iter().map(|file| file.to_string().escape_debug().to_string()).collect();
        let from = if files.is_empty() { "defaults".to_owned() } else { files.join(", ") };
        let mut lines = Lines(String::new());
        write(&mut lines);
        let _ = write!(self.text, "\n# {from}\n{heading}\n{}", lines.0);
    }
}

/// Lines of one table.
struct Lines(String);

impl Lines {
    fn value(&mut self, key: &str, value: impl Into<Value>) {
        let _ = writeln!(self.0, "{} = {}", quoted_key(key), value.into());
    }

    /// A string in which variables count.
    fn text(&mut self, key: &str, text: &str) {
        self.value(key, escaped(text));
    }

    /// A string in which they do not.
    fn plain(&mut self, key: &str, text: &str) {
        self.value(key, text);
    }

    fn number(&mut self, key: &str, number: impl fmt::Display) {
        let _ = writeln!(self.0, "{key} = {number}");
    }

    fn list(&mut self, key: &str, items: &[String]) {
        self.value(key, items.iter().map(|item| escaped(item)).collect::<Vec<_>>());
    }

    fn map(&mut self, key: &str, map: &BTreeMap<String, String>) {
        for (name, value) in map {
            let _ = writeln!(self.0, "{key}.{} = {}", quoted_key(name), Value::from(escaped(value)));
        }
    }
}

/// A key, in quotes where a bare one would not do.
fn quoted_key(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { Value::from(key).to_string() }
}

fn solve(lines: &mut Lines, solve: &SolveOptions) {
    lines.value("best", solve.best);
    lines.value("weak", solve.weak);
    lines.list("excludepkgs", &solve.excludepkgs);
    if let Some(id) = &solve.module_platform_id {
        lines.text("module_platform_id", id);
    }
    let enabled = solve.enable_modules.iter().map(|(module, stream)| format!("{module}:{stream}"));
    for (key, modules) in [
        ("enable_modules", enabled.collect()),
        ("disable_modules", Vec::from_iter(solve.disable_modules.clone())),
    ] {
        if !modules.is_empty() {
            lines.list(key, &modules);
        }
    }
}

fn build(lines: &mut Lines, build: &Build) {
    lines.map("macros", &build.macros);
    lines.map("environment", &build.environment);
    if let Some(timeout) = build.timeout {
        lines.number("timeout", timeout);
    }
}

fn limits(lines: &mut Lines, limits: &Limits) {
    for row in LIMITS {
        if let Some(value) = (row.shown)(limits) {
            lines.number(row.key, value);
        }
    }
}

fn sandbox(lines: &mut Lines, sandbox: &SandboxOptions) {
    lines.plain("network", sandbox.network.as_str());
    lines.plain("hostname", &sandbox.hostname);
    if sandbox.nesting == Nesting::Allowed {
        lines.list("allow", &[Nesting::WORD.to_owned()]);
    }
    if sandbox.syncs == Syncs::Ignored {
        lines.plain("syncs", sandbox.syncs.as_str());
    }
}

fn repo(lines: &mut Lines, repo: &Repo, enabled: Enabled) {
    lines.plain("id", &repo.id);
    lines.text("name", &repo.name);
    match &repo.origin {
        Origin::Baseurl(urls) => lines.list("baseurl", urls),
        Origin::Mirrorlist(url) => lines.text("mirrorlist", url),
        Origin::Metalink(url) => lines.text("metalink", url),
    }
    lines.value("gpgcheck", repo.gpgcheck == Check::On);
    lines.value("repo_gpgcheck", repo.repo_gpgcheck == Check::On);
    keys(lines, repo);
    lines.value("enabled", enabled == Enabled::Yes);
    lines.number("priority", repo.priority);
    lines.number("cost", repo.cost);
    for (key, globs) in [("includepkgs", &repo.includepkgs), ("excludepkgs", &repo.excludepkgs)] {
        if !globs.is_empty() {
            lines.list(key, globs);
        }
    }
    lines.value("skip_if_unavailable", repo.skip_if_unavailable);
    lines.value("module_hotfixes", repo.module_hotfixes);
    if repo.connection.servers == Check::Off {
        lines.value("sslverify", false);
    }
    let Connection { authorities, certificate, key, proxy, .. } = &repo.connection;
    for (name, path) in [("sslcacert", authorities), ("sslclientcert", certificate), ("sslclientkey", key)] {
        if let Some(path) = path {
            lines.text(name, &path.to_string());
        }
    }
    match proxy {
        Proxy::Environment => {}
        Proxy::None => lines.plain("proxy", "_none_"),
        Proxy::Url(url) => lines.text("proxy", url),
    }
    match repo.metadata_expire {
        NEVER => lines.plain("metadata_expire", "never"),
        seconds => lines.number("metadata_expire", seconds),
    }
}

fn keys(lines: &mut Lines, repo: &Repo) {
    lines.0.push_str("keys = [");
    for key in &repo.keys {
        let (kind, place) = key.location.written();
        let _ = write!(lines.0, "\n    {{ {kind} = {}", Value::from(escaped(&place)));
        if let Some(fingerprint) = &key.fingerprint {
            let _ = write!(lines.0, ", fingerprint = {}", Value::from(fingerprint.as_str()));
        }
        if key.expired == Expired::Accepted {
            lines.0.push_str(", accept_expired = true");
        }
        lines.0.push_str(" },");
    }
    lines.0.push_str(if repo.keys.is_empty() { "]\n" } else { "\n]\n" });
}
