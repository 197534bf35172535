//! The kiln release file of Clay, and the key beside it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::key::Key;

/// The name of the release.
pub const NAME: &str = "clay-1-x86_64";

/// Where Clay is unless said otherwise: `clay` in cargo's target directory.
pub fn default_directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    target.unwrap_or_else(|| workspace.join("target")).join("clay")
}

/// The text of a release file for a repository at a URL.
pub fn text(baseurl: &str, key: &Path, fingerprint: &str) -> String {
    let key = key.display();
    format!(
        r#"[release]
description = "Clay 1, the test distribution"
arch = "x86_64"

[vars]
releasever = "1"

[root]
packages = ["@buildsys-build"]

[[repo]]
id = "clay"
name = "Clay {{releasever}}"
baseurl = ["{baseurl}"]
gpgcheck = true
repo_gpgcheck = true
# Clay may have been made again since it was last read.
metadata_expire = 0
keys = [{{ path = "{key}", fingerprint = "{fingerprint}" }}]

[build]
macros = {{ dist = ".cl{{releasever}}" }}
"#
    )
}

/// Writes a release file for a Clay that was made and is served at a URL.
pub fn write_for(baseurl: &str, directory: &Path, file: &Path) -> Result<(), Error> {
    let path = directory.join("fingerprint");
    let fingerprint = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let key = directory.join("RPM-GPG-KEY-clay");
    fs::write(file, text(baseurl, &key, fingerprint.trim())).map_err(Error::io("write", file))
}

/// Writes the public key, its fingerprint and a release file that reads the repository from disk.
pub fn write(directory: &Path, key: &Key) -> Result<(), Error> {
    let directory = fs::canonicalize(directory).map_err(Error::io("find", directory))?;
    let public = directory.join("RPM-GPG-KEY-clay");
    let baseurl = format!("file://{}", directory.join("repo").display());
    for (path, content) in [
        (directory.join("fingerprint"), format!("{}\n", key.fingerprint())),
        (directory.join(format!("{NAME}.toml")), text(&baseurl, &public, &key.fingerprint())),
        (public, key.public()?),
    ] {
        fs::write(&path, content).map_err(Error::io("write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_pins_the_key_and_keeps_its_variables() {
        let text = text("http://127.0.0.1:1", Path::new("/k"), "AB");
        for line in [
            "name = \"Clay {releasever}\"",
            "baseurl = [\"http://127.0.0.1:1\"]",
            "keys = [{ path = \"/k\", fingerprint = \"AB\" }]",
            "macros = { dist = \".cl{releasever}\" }",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }
}
