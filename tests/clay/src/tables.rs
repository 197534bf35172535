//! What Clay knows about single Debian packages, as rows: which to take, what to leave out, and what stands for the maintainer scripts.

use rpm::{Dependency, DependencyFlags, FileFlags, FileVerifyFlags, Scriptlet};

use crate::convert::USUAL;
use crate::recipe::{On, Payload, Phase, Recipe, Relates, Trigger};

/// The Debian packages that make a build root; with Clay's own they are the group `buildsys-build`.
pub const BUILD_ROOT: &[&str] = &[
    "bash",
    "binutils",
    "bzip2",
    "coreutils",
    "cpio",
    "dash",
    "debianutils",
    "debugedit",
    "diffutils",
    "dwz",
    "elfutils",
    "file",
    "findutils",
    "g++",
    "gawk",
    "gcc",
    "grep",
    "gzip",
    "hostname",
    "info",
    "libc-bin",
    "libc6-dev",
    "login",
    "make",
    "passwd",
    "patch",
    "perl-base",
    "rpm",
    "sed",
    "tar",
    "unzip",
    "util-linux",
    "xz-utils",
    "zstd",
];

/// What build requirements may ask for beyond that.
pub const WIDER: &[&str] = &[
    "autoconf",
    "automake",
    "autopoint",
    "bc",
    "bison",
    "ca-certificates",
    "cmake",
    "curl",
    "flex",
    "gettext",
    "git",
    "gnupg",
    "gperf",
    "groff",
    "intltool",
    "less",
    "libarchive-dev",
    "libbz2-dev",
    "libcap-dev",
    "libcurl4-openssl-dev",
    "libedit-dev",
    "libevent-dev",
    "libexpat1-dev",
    "libffi-dev",
    "libgdbm-dev",
    "libglib2.0-dev",
    "libgmp-dev",
    "libicu-dev",
    "libjpeg-dev",
    "libjson-c-dev",
    "liblz4-dev",
    "liblzma-dev",
    "libmagic-dev",
    "libmpfr-dev",
    "libncurses-dev",
    "libnghttp2-dev",
    "libonig-dev",
    "libpam0g-dev",
    "libpcre2-dev",
    "libpng-dev",
    "libpopt-dev",
    "libreadline-dev",
    "libselinux1-dev",
    "libsqlite3-dev",
    "libssh2-1-dev",
    "libssl-dev",
    "libtool",
    "libuv1-dev",
    "libxml2-dev",
    "libxslt1-dev",
    "libyaml-dev",
    "libzstd-dev",
    "lua5.4",
    "liblua5.4-dev",
    "m4",
    "man-db",
    "meson",
    "nasm",
    "ninja-build",
    "openssl",
    "perl",
    "pkgconf",
    "procps",
    "psmisc",
    "python3",
    "python3-dev",
    "python3-pip",
    "python3-pytest",
    "python3-setuptools",
    "python3-wheel",
    "rsync",
    "ruby",
    "strace",
    "swig",
    "tcl",
    "tcl-dev",
    "texinfo",
    "time",
    "vim-tiny",
    "wget",
    "xmlto",
    "yasm",
    "zip",
    "zlib1g-dev",
];

/// Debian's own machinery, which means nothing here: needing it is no need.
const DROPPED: &[&str] = &[
    "adduser",
    "base-files",
    "base-passwd",
    "cdebconf",
    "debconf",
    "debconf-2.0",
    "dpkg",
    "dpkg-dev",
    "emacsen-common",
    "init-system-helpers",
    "libdpkg-perl",
    "lsb-base",
    "mawk",
    "sensible-utils",
    "sysvinit-utils",
    "ucf",
];

/// Whether a need for it is ignored.
pub fn is_dropped(name: &str) -> bool {
    DROPPED.contains(&name)
}

/// The packages whose payload is not compressed as usual, one of each kind, all in the build root.
pub fn payload(name: &str) -> Payload {
    match name {
        "xz-utils" => Payload::Xz,
        "gzip" => Payload::Gzip,
        "bzip2" => Payload::Bzip2,
        "cpio" => Payload::Plain,
        _ => USUAL,
    }
}

/// Names that spec files written for other distributions ask for.
const ALIASES: &[(&str, &[&str])] = &[
    ("g++", &["gcc-c++"]),
    ("libc6", &["glibc"]),
    ("libc6-dev", &["glibc-devel", "glibc-headers"]),
    ("rpm", &["rpm-build"]),
    ("passwd", &["shadow-utils"]),
    ("xz-utils", &["xz"]),
    ("gnupg", &["gnupg2"]),
    ("perl", &["perl-interpreter", "perl-devel", "perl-generators"]),
    ("pkgconf", &["pkgconfig", "pkgconf-pkg-config"]),
    ("python3-dev", &["python3-devel"]),
    ("procps", &["procps-ng"]),
    ("debianutils", &["which"]),
    ("gettext", &["gettext-devel"]),
    ("zlib1g-dev", &["zlib-devel"]),
    ("libssl-dev", &["openssl-devel"]),
    ("libncurses-dev", &["ncurses-devel"]),
    ("libreadline-dev", &["readline-devel"]),
    ("libcurl4-openssl-dev", &["libcurl-devel", "curl-devel"]),
    ("libxml2-dev", &["libxml2-devel"]),
    ("libsqlite3-dev", &["sqlite-devel"]),
    ("libglib2.0-dev", &["glib2-devel"]),
    ("libexpat1-dev", &["expat-devel"]),
    ("libffi-dev", &["libffi-devel"]),
    ("libbz2-dev", &["bzip2-devel"]),
    ("liblzma-dev", &["xz-devel"]),
    ("libzstd-dev", &["libzstd-devel"]),
    ("libpcre2-dev", &["pcre2-devel"]),
    ("libonig-dev", &["oniguruma-devel"]),
    ("liblua5.4-dev", &["lua-devel"]),
    ("lua5.4", &["lua"]),
];

/// The other names of a package.
pub fn aliases(name: &str) -> &'static [&'static str] {
    row(ALIASES, name)
}

fn row<T>(table: &'static [(&str, &[T])], package: &str) -> &'static [T] {
    table.iter().find(|(name, _)| *name == package).map_or(&[], |(_, row)| row)
}

/// Links that Debian's alternatives system makes.
const LINKS: &[(&str, &[(&str, &str)])] = &[
    ("gawk", &[("/usr/bin/awk", "gawk"), ("/usr/bin/nawk", "gawk")]),
    ("gcc", &[("/usr/bin/cc", "gcc"), ("/usr/bin/c89", "c89-gcc"), ("/usr/bin/c99", "c99-gcc")]),
    ("g++", &[("/usr/bin/c++", "g++")]),
    ("debianutils", &[("/usr/bin/which", "which.debianutils")]),
    ("automake", &[("/usr/bin/automake", "automake-1.16"), ("/usr/bin/aclocal", "aclocal-1.16")]),
    ("bison", &[("/usr/bin/yacc", "bison.yacc")]),
    ("less", &[("/usr/bin/pager", "less")]),
    ("vim-tiny", &[("/usr/bin/vi", "vim.tiny"), ("/usr/bin/editor", "vim.tiny")]),
    ("lua5.4", &[("/usr/bin/lua", "lua5.4"), ("/usr/bin/luac", "luac5.4")]),
    ("tar", &[("/usr/sbin/rmt", "rmt-tar")]),
    ("tzdata", &[("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")]),
    ("xz-utils", &[("/usr/bin/lzma", "xz"), ("/usr/bin/unlzma", "xz"), ("/usr/bin/lzcat", "xz")]),
];

/// Provides that rpm's generators do not find.
const PROVIDES: &[(&str, &[&str])] =
    &[("libc6", &["rtld(GNU_HASH)"]), ("perl-base", &["perl(:MODULE_COMPAT_5.36.0)", "perl(:VERSION)"])];

/// Whether a path is taken into the package at all.
pub fn is_kept(path: &str, package: &str) -> bool {
    const LEFT_OUT: [&str; 5] = [
        "/usr/share/doc-base",
        "/usr/share/lintian",
        "/usr/share/bug",
        "/usr/share/menu",
        "/usr/share/reportbug",
    ];
    let below =
        |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if LEFT_OUT.iter().any(|root| below(root)) {
        return false;
    }
    match path.strip_prefix("/usr/share/doc/") {
        Some(rest) => rest.strip_prefix(package).is_some_and(|rest| rest == "/copyright"),
        None => true,
    }
}

/// What a path says about the file's role.
pub fn file_flags(path: &str) -> FileFlags {
    if path.starts_with("/usr/share/doc/") {
        FileFlags::LICENSE
    } else if path.starts_with("/usr/share/man/") || path.starts_with("/usr/share/info/") {
        FileFlags::DOC
    } else {
        FileFlags::empty()
    }
}

/// The language of a message catalogue or manual page.
pub fn language(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/usr/share/locale/").or_else(|| path.strip_prefix("/usr/share/man/"))?;
    rest.split_once('/').map(|(first, _)| first).filter(|first| !first.starts_with("man"))
}

/// Applies the rows for one package.
pub fn adjust(recipe: &mut Recipe) {
    for (path, target) in row(LINKS, &recipe.name) {
        recipe.link(path, target);
    }
    for name in row(PROVIDES, &recipe.name) {
        recipe.relate(Relates::Provides, name);
    }
    match recipe.name.as_str() {
        "libc-bin" => ldconfig(recipe),
        "dash" => shell(recipe, "dash"),
        "bash" => shell(recipe, "bash"),
        "ca-certificates" => certificates(recipe),
        "python3-minimal" => {
            let version = recipe.version.version.split('.').take(2).collect::<Vec<_>>().join(".");
            recipe.relations.push((Relates::Provides, Dependency::eq("python(abi)", version)));
        }
        _ => {}
    }
}

/// The cache of the dynamic linker is made once, at the end, before what else waits for the end.
fn ldconfig(recipe: &mut Recipe) {
    for on in [On::Transaction, On::TransactionRemoval] {
        for target in ["/usr/lib", "/lib"] {
            recipe.triggers.push(Trigger {
                on,
                target,
                priority: 2_000_000,
                script: Scriptlet::new("/sbin/ldconfig\n"),
            });
        }
    }
    let mut cache = crate::recipe::File::new(crate::recipe::Content::Bytes(Vec::new()), 0o644, recipe.date)
        .flagged(FileFlags::GHOST);
    cache.verify = FileVerifyFlags::empty();
    recipe.files.insert("/etc/ld.so.cache".into(), cache);
}

/// A shell is entered in /etc/shells when it is installed.
fn shell(recipe: &mut Recipe, name: &str) {
    let lines = format!(
        "for shell in /bin/{name} /usr/bin/{name}; do\n  grep -qx \"$shell\" /etc/shells || echo \"$shell\" >>/etc/shells\ndone\n"
    );
    recipe.scripts.push((Phase::Post, Scriptlet::new(lines)));
    recipe.require_for(DependencyFlags::SCRIPT_POST, "grep");
    recipe.require_for(DependencyFlags::SCRIPT_POST, "coreutils");
}

fn certificates(recipe: &mut Recipe) {
    let script = "cd /usr/share/ca-certificates && find . -name '*.crt' | sed 's,^\\./,,' | sort >/etc/ca-certificates.conf\nupdate-ca-certificates\n";
    recipe.scripts.push((Phase::Post, Scriptlet::new(script)));
    for package in ["coreutils", "debianutils", "findutils", "openssl", "sed"] {
        recipe.require_for(DependencyFlags::SCRIPT_POST, package);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_is_left_out_but_for_the_licence() {
        for (path, kept) in [
            ("/usr/share/doc/x/copyright", true),
            ("/usr/share/doc/x/README", false),
            ("/usr/share/doc/xy/copyright", false),
            ("/usr/share/lintian/overrides/x", false),
            ("/usr/share/bugle", true),
        ] {
            assert_eq!(is_kept(path, "x"), kept, "{path}");
        }
    }

    #[test]
    fn a_translation_knows_its_language() {
        assert_eq!(language("/usr/share/locale/pt_BR/LC_MESSAGES/x.mo"), Some("pt_BR"));
        assert_eq!(language("/usr/share/man/de/man1/x.1.gz"), Some("de"));
        assert_eq!(language("/usr/share/man/man1/x.1.gz"), None);
        assert_eq!(language("/usr/bin/x"), None);
    }
}
