//! What a person reads who wrote something wrong.

use insta::assert_snapshot;

use crate::config::tests::{Memory, SMALL, complaint, directories, loaded};
use crate::config::{Error, Overrides, load};

/// The complaints about files with these texts.
fn wrong(texts: &[&str]) -> String {
    let complain = |text: &&str| complaint(&loaded("/r.toml", &[("/r.toml", text)]).unwrap_err());
    texts.iter().map(complain).collect::<Vec<_>>().join("\n")
}

/// The complaints about a right file with something wrong at its end.
fn spoiled(additions: &[&str]) -> String {
    let texts: Vec<_> = additions.iter().map(|addition| format!("{SMALL}{addition}")).collect();
    wrong(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same, at the end of a new repository.
fn repository(additions: &[&str]) -> String {
    let texts: Vec<_> =
        additions.iter().map(|addition| format!("[[repo]]\nid = \"x\"\n{addition}\n")).collect();
    spoiled(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(wrong(&[
        "[release]\narch = x86_64\n",
        "[release\n",
        "[root]\ndocs = true\ndocs = false\n",
        "\u{1}",
    ]), @r#"
    error: /r.toml:2:8: not valid TOML: string values must be quoted, expected literal string
    error: /r.toml:1:9: not valid TOML: unclosed table, expected `]`
    error: /r.toml:3:1: not valid TOML: duplicate key
    error: /r.toml:1:2: not valid TOML: key with no value, expected `=`
    "#);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    assert_snapshot!(spoiled(&[
        "[sandbox]\nnetwrok = \"host\"\n",
        "[limits]\nram = \"8G\"\n",
        "[biuld]\nmacros = {}\n",
        "[build]\npackages = []\n",
    ]), @r#"
    error: /r.toml:13:1: unknown key `netwrok` in [sandbox]
    hint: did you mean `network`?
    error: /r.toml:13:1: unknown key `ram` in [limits]
    hint: did you mean `memory`?
    error: /r.toml:12:2: unknown key `biuld` in the file
    hint: did you mean `build`?
    error: /r.toml:13:1: unknown key `packages` in [build]
    hint: it belongs in [root]
    "#);
    assert_snapshot!(repository(&[
        "baseurls = [\"https://example.org\"]",
        "gpgkey = \"/keys/x\"",
        "keys = [{ path = \"/k\", fingerprnt = \"\" }]",
    ]), @r#"
    error: /r.toml:14:1: unknown key `baseurls` in repository `x`
    hint: did you mean `baseurl`?
    error: /r.toml:14:1: unknown key `gpgkey` in repository `x`
    hint: did you mean `keys`?
    error: /r.toml:14:24: unknown key `fingerprnt` in a key
    hint: did you mean `fingerprint`?
    "#);
}

#[test]
fn a_value_of_another_type() {
    assert_snapshot!(wrong(&[
        "[build]\ntimeout = true\n",
        "[root]\npackages = \"bash\"\n",
        "[root]\npackages = [\n  \"bash\",\n  1,\n]\n",
        "release = \"x\"\n",
        "[repo]\nid = \"x\"\n",
        "[build]\nmacros = { dist = [] }\n",
    ]), @r#"
    error: /r.toml:2:11: `timeout` must be seconds, or a duration such as "2h", not a boolean
    error: /r.toml:2:12: `packages` must be a list of strings, not a string
    error: /r.toml:4:3: `packages` must be a string, not an integer
    error: /r.toml:1:11: `release` must be a table, not a string
    error: /r.toml:1:1: `repo` must be a list of tables, not a table
    error: /r.toml:2:19: `dist` must be a string or a number, not a list
    "#);
    assert_snapshot!(repository(&["gpgcheck = \"no\"", "priority = 1.5", "baseurl = 2000-01-01"]), @r#"
    error: /r.toml:14:12: `gpgcheck` must be true or false, not a string
    error: /r.toml:14:12: `priority` must be an integer, not a float
    error: /r.toml:14:11: `baseurl` must be a string or a list of strings, not a date
    "#);
}

#[test]
fn a_proxy_or_a_secret_that_makes_no_sense() {
    assert_snapshot!(repository(&[
        "gpgcheck = false\nbaseurl = \"http://x\"\nproxy = \"socks5://proxy:1080\"",
        "gpgcheck = false\nbaseurl = \"http://x\"\nproxy = \"proxy:3128\"",
        "gpgcheck = false\nbaseurl = \"http://x\"\npassword = \"secret\"",
        "gpgcheck = false\nbaseurl = \"http://x\"\nproxy_username = \"me\"",
        "gpgcheck = false\nbaseurl = \"http://x\"\nproxy = \"http://proxy:3128\"\nproxy_password = \"secret\"",
    ]), @r#"
    error: /r.toml:16:9: `proxy` cannot be `socks5://proxy:1080`: a proxy is http://HOST:PORT or https://HOST:PORT, or `_none_` for none
    error: /r.toml:16:9: `proxy` cannot be `proxy:3128`: a proxy is http://HOST:PORT or https://HOST:PORT, or `_none_` for none
    error: /r.toml:16:12: `password` cannot be `...`: there is no `username` that it belongs to
    error: /r.toml:16:18: `proxy_username` cannot be `me`: there is no `proxy` that it is for
    error: /r.toml:17:18: `proxy_password` cannot be `...`: there is no `proxy_username` that it belongs to
    "#);
}

#[test]
fn a_value_that_makes_no_sense() {
    assert_snapshot!(spoiled(&[
        "[limits]\nmemory = \"lots\"\n",
        "[limits]\ncpus = 0\n",
        "[build]\ntimeout = \"2 years\"\n",
        "[build]\nmacros = { \"%dist\" = \".x\" }\n",
        "[sandbox]\nnetwork = \"bridge\"\n",
        "[sandbox]\nhostname = \"a b\"\n",
    ]), @r#"
    error: /r.toml:13:10: `memory` cannot be `lots`: write a number of bytes with an optional K, M, G or T, such as 4G
    error: /r.toml:13:8: `cpus` cannot be `0`: write a number above 0, such as 2 or 1.5
    error: /r.toml:13:11: `timeout` cannot be `2 years`: write seconds, or a number with s, m, h, d or w, such as 2h
    error: /r.toml:13:12: `%dist` cannot be a name in `macros`: write it without the `%`
    error: /r.toml:13:11: `network` cannot be `bridge`: it is `none` or `host`
    error: /r.toml:13:12: `hostname` cannot be `a b`: a host name is at most 64 letters, digits, `-` and `.`
    "#);
    assert_snapshot!(wrong(&["[release]\narch = \"x86-64\"\n", "[[repo]]\nid = \"a/b\"\n"]), @r#"
    error: /r.toml:2:8: `arch` cannot be `x86-64`: there is no such architecture; did you mean x86_64?
    error: /r.toml:2:6: `id` cannot be `a/b`: an id is made of letters, digits and `-`, `_`, `.`, `:`, `+`
    "#);
    assert_snapshot!(repository(&[
        "cost = -1",
        "gpgcheck = false\nbaseurl = \"ftp://example.org\"",
        "gpgcheck = false\nbaseurl = [\"https://\"]",
        "gpgcheck = false\nbaseurl = \"https://a.example https://b.example\"",
        "keys = [{ path = \"/k\", fingerprint = \"31645531\" }]",
        "keys = [{ url = \"https://example.org/k\" }]",
        "keys = [{ url = \"file:///k\" }]",
        "keys = [{}]",
        "gpgcheck = false\nbaseurl = \"https://example.org\"\nmetadata_expire = \"soon\"",
    ]), @r#"
    error: /r.toml:14:8: `cost` cannot be `-1`: it is out of range
    error: /r.toml:15:11: `baseurl` cannot be `ftp://example.org`: an address begins with http://, https:// or file://, or is a path
    error: /r.toml:15:12: `baseurl` cannot be `https://`: it ends where the address should begin
    error: /r.toml:15:11: `baseurl` cannot be `https://a.example https://b.example`: a URL has no white space in it; several are written as a list
    error: /r.toml:14:38: `fingerprint` cannot be `31645531`: a fingerprint is 40 or 64 hexadecimal digits; a key id is not enough
    error: /r.toml:14:9: a key of repository `x` has no `fingerprint`
    hint: a key that is downloaded, or accepted though it expired, must be pinned: write `fingerprint = "..."`
    error: /r.toml:14:17: `url` cannot be `file:///k`: a file of this machine is written as `path`
    error: /r.toml:14:9: a key of repository `x` has no `path`
    hint: write `path = "/..."` or `url = "https://..."`
    error: /r.toml:16:19: `metadata_expire` cannot be `soon`: write seconds, or a number with s, m, h, d or w, such as 2h, or "never"
    "#);
}

#[test]
fn a_repository_that_is_incomplete() {
    assert_snapshot!(repository(&[
        "baseurl = \"https://example.org\"",
        "gpgcheck = false\nrepo_gpgcheck = true",
        "gpgcheck = false",
        "gpgcheck = false\nbaseurl = \"https://a.example\"\nmetalink = \"https://b.example\"",
    ]), @r#"
    error: /r.toml:13:6: repository `x` has `gpgcheck` on and no keys
    hint: add `keys = [{ path = "...", fingerprint = "..." }]`, or write `gpgcheck = false` to go without
    error: /r.toml:13:6: repository `x` has `repo_gpgcheck` on and no keys
    hint: add `keys = [{ path = "...", fingerprint = "..." }]`, or write `repo_gpgcheck = false` to go without
    error: /r.toml:13:6: repository `x` has none of `baseurl`, `mirrorlist` and `metalink`
    hint: give it exactly one of `baseurl`, `mirrorlist` and `metalink`
    error: /r.toml:13:6: repository `x` has `baseurl` and `metalink`, but only one can be used
    hint: give it exactly one of `baseurl`, `mirrorlist` and `metalink`
    "#);
    assert_snapshot!(spoiled(&[
        "[[repo]]\nbaseurl = \"https://example.org\"\n",
        "[[repo]]\nid = \"main\"\n",
    ]), @r#"
    error: /r.toml:12:1: [[repo]] has no `id`
    hint: write `id = "..."` as its first line
    error: /r.toml:13:6: repository `main` is already at line 9
    "#);
}

#[test]
fn a_release_that_is_incomplete() {
    assert_snapshot!(wrong(&["[root]\npackages = [\"bash\"]\n", "[release]\narch = \"x86_64\"\n"]), @r#"
    error: /r.toml: [release] has no `arch`
    hint: write `arch = "x86_64"` in [release]; a family file cannot be used by itself
    error: /r.toml: [root] has no `packages`
    hint: write `packages = ["@buildsys-build"]` in [root], or `packages = []` for an empty root
    "#);
}

#[test]
fn variables() {
    assert_snapshot!(spoiled(&[
        "[build]\nmacros = { dist = \".x{relasever}\" }\n",
        "[build]\nmacros = { words = \"%(awk '{print}')\" }\n",
        "[[repo]]\nid = \"x\"\ngpgcheck = false\nbaseurl = \"https://a.example/$infra\"\n",
    ]), @r#"
    error: /r.toml:13:19: unknown variable `relasever` in `.x{relasever}`
    hint: did you mean `releasever`? For the text itself write {{relasever}}
    error: /r.toml:13:20: unknown variable `print` in `%(awk '{print}')`
    hint: define it in [vars]; known: arch, basearch, releasever, releasever_major, releasever_minor For the text itself write {{print}}
    error: /r.toml:15:11: unknown variable `infra` in `https://a.example/$infra`
    hint: define it in [vars]; known: arch, basearch, releasever, releasever_major, releasever_minor
    "#);
    assert_snapshot!(wrong(&[
        "[release]\narch = \"x86_64\"\n[vars]\na = \"{b}\"\nb = \"{a}\"\n",
        "[vars]\narch = \"x86_64\"\n",
    ]), @r#"
    error: /r.toml:5:5: variables in a circle: a -> b -> a
    error: /r.toml:2:1: `arch` cannot be a name in `vars`: it is what [release] says
    "#);
}

#[test]
fn files_that_are_not_there() {
    let names = ["fedora-43", "fedora-43-x86-64", "plan-9", "/x/fedora-44-x86_64.toml"];
    let complaints = names.map(|name| complaint(&loaded(name, &[]).unwrap_err()));
    assert_snapshot!(complaints.join("\n"), @r#"
    error: no release `fedora-43`
    hint: did you mean fedora-43-aarch64 or fedora-43-x86_64? searched /home/me/.config/kiln/fedora-43.toml, /etc/kiln/fedora-43.toml, <shipped>/fedora-43.toml
    error: no release `fedora-43-x86-64`
    hint: did you mean fedora-43-x86_64? searched /home/me/.config/kiln/fedora-43-x86-64.toml, /etc/kiln/fedora-43-x86-64.toml, <shipped>/fedora-43-x86-64.toml
    error: no release `plan-9`
    hint: searched /home/me/.config/kiln/plan-9.toml, /etc/kiln/plan-9.toml, <shipped>/plan-9.toml; `kiln releases` lists what there is
    error: no release `/x/fedora-44-x86_64.toml`
    hint: did you mean fedora-44-x86_64? searched /x/fedora-44-x86_64.toml
    "#);
    assert_snapshot!(wrong(&["extends = \"family/fedoar.toml\"\n", "unreadable"]), @r#"
    error: /r.toml:1:11: there is no file `family/fedoar.toml` to extend
    hint: searched /family/fedoar.toml, /home/me/.config/kiln/family/fedoar.toml, /etc/kiln/family/fedoar.toml, <shipped>/family/fedoar.toml
    error: cannot read the release file /r.toml
    because: permission denied
    "#);
}

#[test]
fn files_that_extend_each_other() {
    let files = [
        ("/d/a.toml", "extends = \"a.toml\""),
        ("/d/c.toml", "\nextends = [\"b.toml\", \"d\"]"),
        ("/d/b.toml", ""),
        ("/d/d.toml", "extends = \"./c.toml\""),
    ];
    let complaints = ["/d/a.toml", "/d/c.toml"].map(|name| complaint(&loaded(name, &files).unwrap_err()));
    assert_snapshot!(complaints.join("\n"), @r#"
    error: /d/a.toml:1:11: there is no file `a.toml` to extend
    hint: searched /home/me/.config/kiln/a.toml, /etc/kiln/a.toml, <shipped>/a.toml
    error: /d/d.toml:1:11: files extend each other in a circle: /d/c.toml -> /d/d.toml -> /d/./c.toml
    "#);
}

#[test]
fn the_command_line() {
    let mut overrides = Overrides::default();
    let errors: Vec<Error> = vec![
        overrides.repo("https://example.org").unwrap_err(),
        overrides.define("dist").unwrap_err(),
        overrides.limit("memory=4G,cpu=2").unwrap_err(),
        overrides.limit("memory=4Gi8").unwrap_err(),
    ];
    let mut complaints: Vec<String> = errors.iter().map(complaint).collect();
    let files = [("/r.toml", SMALL)];
    let mut with = |overrides: &Overrides| {
        let loaded = load("/r.toml", &Memory::new(&files), &directories(), overrides);
        complaints.push(complaint(&loaded.unwrap_err()));
    };
    overrides.repo("new=example.org/repo").unwrap();
    with(&overrides);
    let mut overrides = Overrides::default();
    overrides.disable("mian");
    with(&overrides);
    assert_snapshot!(complaints.join("\n"), @r#"
    error: command line: `--repo` cannot be `https://example.org`: it is written ID=URL
    error: command line: `--define` cannot be `dist`: it is written "NAME VALUE"
    error: command line: `--limit` cannot be `cpu=2`: limits are memory, memory_high, swap, cpus, cpu_weight, cpuset, io_weight, io_bandwidth, pids, disk, inodes, log, time, silence
    error: command line: `--limit` cannot be `memory=4Gi8`: write a number of bytes with an optional K, M, G or T, such as 4G
    error: command line: `baseurl` cannot be `example.org/repo`: a relative path is relative to a file on disk; write it absolute
    error: release `r` has no repository `mian`
    hint: did you mean `main`?
    "#);
}

#[test]
fn module_streams_are_written_with_their_module() {
    assert_snapshot!(spoiled(&[
        "[solve]\nenable_modules = [\"perl\"]\n",
        "[solve]\nenable_modules = [\"perl:\"]\n",
        "[solve]\nenable_modules = [\"perl:5:32\"]\n",
        "[solve]\nenable_modules = [\"perl:5.32\"]\ndisable_modules = [\"perl\"]\n",
    ]), @r#"
    error: /r.toml:13:19: `enable_modules` cannot be `perl`: it is written "module:stream"
    error: /r.toml:13:19: `enable_modules` cannot be `perl:`: it is written "module:stream"
    error: /r.toml:13:19: `enable_modules` cannot be `perl:5:32`: it is written "module:stream"
    error: /r.toml:13:19: `enable_modules` cannot be `perl:5.32`: the module is in `disable_modules` too
    "#);
}
