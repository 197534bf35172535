//! Source packages: a spec file and its sources, which go where rpmbuild looks for them. This runs inside a sandbox, as
//! the build user: the package is the build's own, and as hostile as it.

use crate::install::unpack::{Reason, digests, write_files};
use crate::package::FileEntry;
use crate::package::FileKind;
use crate::package::file::PackageFile;
use crate::sys::flat::Flat;
use crate::sys::fs;

/// Unpacks a source package's files, each into the directory that `place` says. `scratch` is a directory that is made
/// and removed meanwhile, on the same file system.
pub fn source(
    package: &PackageFile<'_>,
    scratch: &str,
    place: impl Fn(&FileEntry) -> String,
) -> Result<(), Reason> {
    digests::verify(package)?;
    fs::create_dir(scratch, 0o700)?;
    write_files(package, Flat::open(scratch)?, None)?;
    for file in package.header.files()? {
        let name = file.path.relative();
        if file.kind != FileKind::Regular || name.contains('/') {
            return Err(Reason::File {
                path: file.path.to_string(),
                why: "a source package has plain files in one directory".to_owned(),
            });
        }
        fs::rename(format!("{scratch}/{}", file.index), format!("{}/{name}", place(&file)))?;
    }
    Ok(fs::remove_dir_all(scratch)?)
}
