//! Provides and requires found in a package's files, as rpm's generators find them: ELF sonames and versions,
//! pkg-config modules, Perl modules, the Python ABI.

use rpm::{Dependency, DependencyFlags};

use crate::elf;
use crate::recipe::{Content, Recipe, Relates};

/// Where Debian's perl looks for modules.
const PERL_DIRECTORIES: [&str; 6] = [
    "/usr/share/perl5/",
    "/usr/share/perl/5.36.0/",
    "/usr/share/perl/5.36/",
    "/usr/lib/x86_64-linux-gnu/perl5/5.36/",
    "/usr/lib/x86_64-linux-gnu/perl/5.36/",
    "/usr/lib/x86_64-linux-gnu/perl-base/",
];

/// Adds them.
pub fn add(recipe: &mut Recipe) {
    let mut found = Vec::new();
    for (path, file) in &recipe.files {
        let Content::Bytes(bytes) = &file.content else { continue };
        let name = path.rsplit('/').next().unwrap_or(path);
        if bytes.starts_with(b"\x7fELF") && !path.starts_with("/usr/lib/debug/") {
            let elf = elf::dependencies(name, file.mode, bytes);
            found.extend(elf.provides.into_iter().map(provide));
            found.extend(elf.requires.into_iter().map(require));
        }
        if let Some(module) = pkgconfig_module(path) {
            let text = String::from_utf8_lossy(bytes);
            let version = text.lines().find_map(|line| line.strip_prefix("Version:")).map(str::trim);
            found.push(with_version(format!("pkgconfig({module})"), version));
        }
        if let Some(module) = perl_module(path) {
            found.push(provide(format!("perl({module})")));
        }
    }
    recipe.relations.extend(found);
}

fn provide(name: String) -> (Relates, Dependency) {
    (Relates::Provides, Dependency { name, flags: DependencyFlags::FIND_PROVIDES, version: String::new() })
}

fn require(name: String) -> (Relates, Dependency) {
    (Relates::Requires, Dependency { name, flags: DependencyFlags::FIND_REQUIRES, version: String::new() })
}

fn with_version(name: String, version: Option<&str>) -> (Relates, Dependency) {
    match version.filter(|version| !version.is_empty() && !version.contains(['-', ' ', '$'])) {
        Some(version) => {
            let flags = DependencyFlags::FIND_PROVIDES | DependencyFlags::EQUAL;
            (Relates::Provides, Dependency { name, flags, version: version.to_owned() })
        }
        None => provide(name),
    }
}

fn pkgconfig_module(path: &str) -> Option<&str> {
    let (directory, name) = path.rsplit_once('/')?;
    name.strip_suffix(".pc").filter(|_| directory.ends_with("/pkgconfig"))
}

fn perl_module(path: &str) -> Option<String> {
    let relative = PERL_DIRECTORIES.iter().find_map(|directory| path.strip_prefix(directory))?;
    relative.strip_suffix(".pm").map(|module| module.replace('/', "::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_by_their_place() {
        assert_eq!(pkgconfig_module("/usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc"), Some("zlib"));
        assert_eq!(pkgconfig_module("/usr/share/doc/zlib.pc"), None);
        assert_eq!(perl_module("/usr/share/perl/5.36.0/File/Basename.pm").as_deref(), Some("File::Basename"));
        assert_eq!(perl_module("/usr/share/perl/5.36.0/x.pl"), None);
        assert_eq!(perl_module("/opt/File.pm"), None);
    }
}
