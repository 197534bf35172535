//! Small packages with the harder features of RPM, which no converted package has: so that a test can see each of them happen.
//!
//! Every script appends a line to `/var/lib/clay/log`. The packages are in the wider set only.

use rpm::{Dependency, DependencyFlags, FileFlags, Scriptlet, ScriptletFlags};

use crate::recipe::{Content, DEFAULT_PRIORITY, File, On, Phase, Recipe, Relates, Trigger};

/// All of them.
pub fn packages() -> Vec<Recipe> {
    let mut all = vec![scripts(), expansion(), triggers(), files()];
    all.extend(solving());
    all
}

fn shell(line: &str) -> Scriptlet {
    Scriptlet::new(format!("echo \"{line}\" >>/var/lib/clay/log\n"))
}

fn lua(body: &str, line: &str) -> Scriptlet {
    let text = format!(
        "{body}local log = io.open('/var/lib/clay/log', 'a')\nlog:write('{line} ' .. tostring(arg[2]) .. '\\n')\nlog:close()\n"
    );
    Scriptlet::new(text).prog(vec!["<lua>"])
}

/// Scriptlets of every phase, two of them Lua, and files that belong to an account made by one of them.
fn scripts() -> Recipe {
    let mut recipe = Recipe::own("clay-scripts", "1", "Scriptlets of every phase");
    let directories =
        "for _, path in ipairs({'/var', '/var/lib', '/var/lib/clay'}) do posix.mkdir(path) end\n";
    let account = "groupadd -r clay\nuseradd -r -g clay -d /var/lib/clay -s /usr/sbin/nologin clay\necho \"pre $1\" >>/var/lib/clay/log\n";
    recipe.scripts = vec![
        (Phase::PreTrans, lua(directories, "pretrans")),
        (Phase::Pre, Scriptlet::new(account)),
        (Phase::Post, lua("assert(posix.stat('/var/lib/clay/state', 'type') == 'regular')\n", "post")),
        (Phase::PostTrans, shell("posttrans $1").prog(vec!["/bin/bash"])),
        (Phase::PreUn, shell("preun $1")),
        (Phase::PostUn, Scriptlet::new("userdel clay\n")),
    ];
    for package in ["passwd", "login", "coreutils"] {
        recipe.require_for(DependencyFlags::SCRIPT_PRE, package);
    }
    recipe.directory("/var/lib/clay", 0o755);
    recipe.text("/var/lib/clay/log", "").flags = FileFlags::GHOST;
    let state = recipe.text("/var/lib/clay/state", "mine\n");
    (state.mode, state.user, state.group) = (0o640, "clay".into(), "clay".into());
    recipe
}

/// Scriptlets that rpm expands before they run: as macros, and as a query of the package's own header.
fn expansion() -> Recipe {
    let mut recipe = Recipe::own("clay-expansion", "1", "Scriptlets that are expanded before they run");
    let expand =
        shell("expanded %{_sysconfdir} %{?nothing:never}%{!?nothing:100%%}").flags(ScriptletFlags::EXPAND);
    let query = shell("queried %{NAME}-%{VERSION}").flags(ScriptletFlags::QFORMAT);
    recipe.scripts = vec![(Phase::Post, expand), (Phase::PostTrans, query)];
    recipe.relations.push((Relates::Requires, Dependency::rpmlib("ScriptletExpansion", "4.9.0-1")));
    recipe.require_for(DependencyFlags::SCRIPT_POST, "clay-scripts");
    recipe
}

/// Triggers on a package, on files one package at a time, and on files at the end of the transaction.
fn triggers() -> Recipe {
    let mut recipe = Recipe::own("clay-triggers", "1", "Triggers on packages and files");
    let list =
        Scriptlet::new("while read -r file; do echo \"transaction $file\" >>/var/lib/clay/log; done\n");
    let each = Scriptlet::new("while read -r file; do echo \"file $file\" >>/var/lib/clay/log; done\n");
    for (on, target, priority, script) in [
        (On::Package, "clay-files", DEFAULT_PRIORITY, shell("package $1 $2")),
        (On::File, "/usr/share/clay/t", DEFAULT_PRIORITY, each),
        (On::Transaction, "/usr/share/clay/t", 500, list),
        (On::Transaction, "/usr/share/clay/", 3_000_000, shell("transaction first")),
    ] {
        recipe.triggers.push(Trigger { on, target, priority, script });
    }
    recipe.require_for(DependencyFlags::SCRIPT_POST, "clay-scripts");
    recipe
}

/// Files of every kind that a package can have.
fn files() -> Recipe {
    let mut recipe = Recipe::own("clay-files", "1", "Files of every kind");
    recipe.arch = "x86_64";
    recipe.directory("/usr/share/clay", 0o755);
    recipe.directory("/usr/share/clay/t", 0o2775).group = "mail".into();
    recipe.text("/usr/share/clay/t/one", "one\n");
    recipe.text("/usr/share/clay/t/two", "two\n");
    recipe.text("/usr/share/clay/empty", "");
    recipe.text("/usr/share/clay/name with space and \u{fc}", "umlaut\n");
    recipe.text(&format!("/usr/share/clay/{}", "long-".repeat(48)), "long\n");
    recipe.link("/usr/share/clay/dangling", "nowhere");
    for name in ["first", "second", "third"] {
        recipe.text(&format!("/usr/share/clay/hardlink-{name}"), "three names\n").hardlink =
            Some("names".into());
    }
    let program = |recipe: &mut Recipe, name: &str, mode: u16| {
        recipe.files.insert(
            format!("/usr/bin/{name}"),
            File::new(Content::Bytes(b"#!/bin/sh\nid\n".to_vec()), mode, crate::own::DATE),
        );
    };
    program(&mut recipe, "clay-setuid", 0o4755);
    program(&mut recipe, "clay-setgid", 0o2755);
    program(&mut recipe, "clay-capable", 0o755);
    for (path, change) in [
        ("/usr/bin/clay-setgid", (|file: &mut File| file.group = "tty".into()) as fn(&mut File)),
        ("/usr/bin/clay-capable", |file: &mut File| file.capabilities = Some("cap_net_raw=ep")),
    ] {
        recipe.files.get_mut(path).map(change);
    }
    for (path, flags) in [
        ("/etc/clay/kept.conf", FileFlags::CONFIG | FileFlags::NOREPLACE),
        ("/etc/clay/replaced.conf", FileFlags::CONFIG),
        ("/etc/clay/optional.conf", FileFlags::CONFIG | FileFlags::MISSINGOK),
        ("/var/log/clay.log", FileFlags::GHOST),
        ("/usr/share/doc/clay-files/README", FileFlags::DOC),
    ] {
        recipe.text(path, "text\n").flags = flags;
    }
    recipe.text("/usr/share/locale/de/LC_MESSAGES/clay.mo", "de\n").language = Some("de".into());
    recipe.text("/usr/share/locale/fr/LC_MESSAGES/clay.mo", "fr\n").language = Some("fr".into());
    recipe.require_for(DependencyFlags::SCRIPT_PRE, "filesystem");
    recipe
}

/// Relations for a solver: rich, weak, obsolete, and a choice.
fn solving() -> Vec<Recipe> {
    let any = |kind, name: &str| (kind, Dependency::any(name));
    let versioned = |kind, name: &str, version: &str| (kind, Dependency::eq(name, version));
    let rows = [
        (
            "clay-rich",
            vec![
                any(Relates::Requires, "(clay-choice if setup else clay-missing)"),
                any(Relates::Requires, "(clay-missing or (clay-renamed and setup))"),
            ],
        ),
        ("clay-choice-a", vec![versioned(Relates::Provides, "clay-choice", "1")]),
        ("clay-choice-b", vec![versioned(Relates::Provides, "clay-choice", "2")]),
        ("clay-old", vec![]),
        (
            "clay-renamed",
            vec![
                (Relates::Obsoletes, Dependency::less("clay-old", "2")),
                versioned(Relates::Provides, "clay-old", "2"),
                any(Relates::Recommends, "clay-choice-b"),
            ],
        ),
        ("clay-supplement", vec![any(Relates::Supplements, "(clay-rich and clay-renamed)")]),
    ];
    let recipe =
        |(name, relations)| Recipe { relations, ..Recipe::own(name, "1", "Relations for the solver") };
    rows.map(recipe).into()
}
