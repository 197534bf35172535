//! Clay's own packages: the directories and accounts, the name of the distribution, and the macros with which rpm builds here.

use rpm::{DependencyFlags, FileFlags, FileVerifyFlags};

use crate::recipe::{Recipe, Relates};

/// The date of everything that has no date of its own.
pub const DATE: u32 = 1_700_000_000;

/// The version of Clay.
pub const VERSION: &str = "1";

/// All of them.
pub fn packages() -> Vec<Recipe> {
    vec![setup(), filesystem(), release(), rpm_config()]
}

/// The directories that every package may rely on, with their modes.
const DIRECTORIES: &[(&str, u16)] = &[
    ("/boot", 0o755),
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/etc/default", 0o755),
    ("/etc/ld.so.conf.d", 0o755),
    ("/etc/opt", 0o755),
    ("/etc/profile.d", 0o755),
    ("/etc/skel", 0o755),
    ("/home", 0o755),
    ("/media", 0o755),
    ("/mnt", 0o755),
    ("/opt", 0o755),
    ("/proc", 0o555),
    ("/root", 0o550),
    ("/run", 0o755),
    ("/run/lock", 0o755),
    ("/srv", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
    ("/usr", 0o755),
    ("/usr/bin", 0o755),
    ("/usr/games", 0o755),
    ("/usr/include", 0o755),
    ("/usr/include/x86_64-linux-gnu", 0o755),
    ("/usr/lib", 0o755),
    ("/usr/lib/debug", 0o755),
    ("/usr/lib/x86_64-linux-gnu", 0o755),
    ("/usr/lib/x86_64-linux-gnu/pkgconfig", 0o755),
    ("/usr/lib64", 0o755),
    ("/usr/libexec", 0o755),
    ("/usr/local", 0o755),
    ("/usr/local/bin", 0o755),
    ("/usr/local/etc", 0o755),
    ("/usr/local/include", 0o755),
    ("/usr/local/lib", 0o755),
    ("/usr/local/sbin", 0o755),
    ("/usr/local/share", 0o755),
    ("/usr/local/src", 0o755),
    ("/usr/sbin", 0o755),
    ("/usr/share", 0o755),
    ("/usr/share/aclocal", 0o755),
    ("/usr/share/bash-completion", 0o755),
    ("/usr/share/bash-completion/completions", 0o755),
    ("/usr/share/doc", 0o755),
    ("/usr/share/info", 0o755),
    ("/usr/share/locale", 0o755),
    ("/usr/share/man", 0o755),
    ("/usr/share/misc", 0o755),
    ("/usr/share/pkgconfig", 0o755),
    ("/usr/src", 0o755),
    ("/usr/src/debug", 0o755),
    ("/var", 0o755),
    ("/var/cache", 0o755),
    ("/var/lib", 0o755),
    ("/var/lib/misc", 0o755),
    ("/var/local", 0o755),
    ("/var/log", 0o755),
    ("/var/opt", 0o755),
    ("/var/spool", 0o755),
    ("/var/tmp", 0o1777),
];

const LINKS: &[(&str, &str)] = &[
    ("/bin", "usr/bin"),
    ("/sbin", "usr/sbin"),
    ("/lib", "usr/lib"),
    ("/lib64", "usr/lib64"),
    ("/var/run", "../run"),
    ("/var/lock", "../run/lock"),
    ("/var/spool/mail", "../mail"),
    ("/etc/mtab", "../proc/self/mounts"),
];

/// The numbers are Debian's, since files of its packages belong to these names.
const ACCOUNTS: &[(&str, u32, &str)] = &[
    ("root", 0, "/root"),
    ("daemon", 1, "/usr/sbin"),
    ("bin", 2, "/bin"),
    ("sys", 3, "/dev"),
    ("games", 5, "/usr/games"),
    ("man", 6, "/var/cache/man"),
    ("lp", 7, "/var/spool/lpd"),
    ("mail", 8, "/var/mail"),
    ("news", 9, "/var/spool/news"),
    ("uucp", 10, "/var/spool/uucp"),
    ("proxy", 13, "/bin"),
    ("www-data", 33, "/var/www"),
    ("backup", 34, "/var/backups"),
    ("list", 38, "/var/list"),
    ("nobody", 65534, "/nonexistent"),
];

const GROUPS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("man", 12),
    ("proxy", 13),
    ("kmem", 15),
    ("dialout", 20),
    ("cdrom", 24),
    ("floppy", 25),
    ("tape", 26),
    ("sudo", 27),
    ("audio", 29),
    ("www-data", 33),
    ("backup", 34),
    ("operator", 37),
    ("list", 38),
    ("src", 40),
    ("shadow", 42),
    ("utmp", 43),
    ("video", 44),
    ("staff", 50),
    ("games", 60),
    ("users", 100),
    ("nogroup", 65534),
];

/// Whether `filesystem` has this directory, or a link in its place.
pub fn owns_directory(path: &str) -> bool {
    path == "/var/mail"
        || DIRECTORIES.iter().any(|(found, _)| *found == path)
        || LINKS.iter().any(|(found, _)| *found == path)
}

fn filesystem() -> Recipe {
    let mut recipe =
        Recipe::own("filesystem", VERSION, "The directories and links that every package relies on");
    recipe.arch = "x86_64";
    for (path, mode) in DIRECTORIES {
        recipe.directory(path, *mode);
    }
    recipe.directory("/var/mail", 0o2775).group = "mail".into();
    for (path, target) in LINKS {
        recipe.link(path, target);
    }
    recipe.require_for(DependencyFlags::SCRIPT_PRE, "setup");
    recipe
}

/// The accounts come before everything that belongs to one of them, so they are not in `filesystem`.
fn setup() -> Recipe {
    let mut recipe =
        Recipe::own("setup", VERSION, "The accounts and the files of /etc that belong to no program");
    let group_of = |id: u32| GROUPS.iter().find(|(_, group)| *group == id).map_or(65534, |(_, group)| *group);
    let shell = |name: &str| if name == "root" { "/bin/bash" } else { "/usr/sbin/nologin" };
    let passwd: Vec<String> = ACCOUNTS
        .iter()
        .map(|(name, id, home)| format!("{name}:x:{id}:{}:{name}:{home}:{}", group_of(*id), shell(name)))
        .collect();
    let shadow: Vec<String> =
        ACCOUNTS.iter().map(|(name, ..)| format!("{name}:*:19000:0:99999:7:::")).collect();
    let group: Vec<String> = GROUPS.iter().map(|(name, id)| format!("{name}:x:{id}:")).collect();
    let gshadow: Vec<String> = GROUPS.iter().map(|(name, _)| format!("{name}:*::")).collect();
    let lines = |lines: Vec<String>| lines.join("\n") + "\n";
    for (path, text, mode) in [
        ("/etc/passwd", lines(passwd), 0o644),
        ("/etc/group", lines(group), 0o644),
        ("/etc/shadow", lines(shadow), 0o600),
        ("/etc/gshadow", lines(gshadow), 0o600),
        ("/etc/shells", "/bin/sh\n".to_owned(), 0o644),
    ] {
        let file = recipe.text(path, text);
        file.flags = FileFlags::CONFIG | FileFlags::NOREPLACE;
        file.verify = FileVerifyFlags::ALL_FLAGS
            & !(FileVerifyFlags::FILEDIGEST | FileVerifyFlags::FILESIZE | FileVerifyFlags::MTIME);
        file.mode = mode;
    }
    for (path, text) in [
        ("/etc/fstab", "# Clay has no disks.\n"),
        ("/etc/host.conf", "multi on\n"),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        (
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nprotocols: files\nservices: files\n",
        ),
        ("/etc/profile", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\nexport PATH\n"),
    ] {
        recipe.text(path, text).flags = FileFlags::CONFIG | FileFlags::NOREPLACE;
    }
    recipe
}

fn release() -> Recipe {
    let mut recipe =
        Recipe::own("clay-release", VERSION, "The name and version of Clay, the test distribution of kiln");
    recipe.text(
        "/usr/lib/os-release",
        "NAME=\"Clay\"\nID=clay\nVERSION_ID=1\nVERSION=\"1\"\nPRETTY_NAME=\"Clay 1\"\nPLATFORM_ID=\"platform:cl1\"\n",
    );
    recipe.link("/etc/os-release", "../usr/lib/os-release");
    recipe.text("/usr/lib/system-release", "Clay release 1\n");
    recipe.link("/etc/system-release", "../usr/lib/system-release");
    for (name, version) in
        [("system-release", "1"), ("system-release(releasever)", "1"), ("base-module(platform:cl1)", "")]
    {
        let dependency =
            if version.is_empty() { rpm::Dependency::any(name) } else { rpm::Dependency::eq(name, version) };
        recipe.relations.push((Relates::Provides, dependency));
    }
    recipe.require_for(DependencyFlags::SCRIPT_PRE, "filesystem");
    recipe
}

fn rpm_config() -> Recipe {
    let mut recipe =
        Recipe::own("clay-rpm-config", VERSION, "The macros with which rpm builds packages for Clay");
    recipe.text("/etc/rpm/macros.clay", include_str!("macros.clay"));
    for name in [
        "binutils",
        "bzip2",
        "cpio",
        "debugedit",
        "dwz",
        "elfutils",
        "file",
        "findutils",
        "gawk",
        "grep",
        "gzip",
        "patch",
        "rpm",
        "sed",
        "tar",
        "unzip",
        "xz-utils",
        "zstd",
    ] {
        recipe.relate(Relates::Requires, name);
    }
    recipe.relations.push((Relates::Provides, rpm::Dependency::eq("system-rpm-config", "1")));
    recipe.relations.push((Relates::Provides, rpm::Dependency::eq("redhat-rpm-config", "1")));
    recipe.require_for(DependencyFlags::SCRIPT_PRE, "filesystem");
    recipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_has_a_line_in_every_file() {
        let recipe = setup();
        let lines = |path: &str| match &recipe.files[path].content {
            crate::recipe::Content::Bytes(bytes) => String::from_utf8_lossy(bytes).lines().count(),
            _ => 0,
        };
        assert_eq!(lines("/etc/passwd"), ACCOUNTS.len());
        assert_eq!(lines("/etc/passwd"), lines("/etc/shadow"));
        assert_eq!(lines("/etc/group"), lines("/etc/gshadow"));
        assert!(
            owns_directory("/lib64") && owns_directory("/var/mail") && !owns_directory("/usr/share/perl")
        );
    }
}
