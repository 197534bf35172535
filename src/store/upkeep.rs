//! Work on the store's own trees. Their files belong to the sandbox's ids, so this runs inside the user namespace:
//! `remove` and `usage` are jobs, their directory is the store.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use crate::store::object::{self, Kind};
use crate::sys::tree;

/// How much of one kind there is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Of what.
    pub kind: Kind,
    /// How many things.
    pub items: u64,
    /// Bytes on disk. A file with several names counts once, for the first kind that has it.
    pub bytes: u64,
}

/// Job: what each kind takes, as a JSON list of [`Usage`]. No input.
pub fn usage(_input: &str) -> Result<String, String> {
    serde_json::to_string(&measure(Path::new("."))?).map_err(|error| error.to_string())
}

fn measure(store: &Path) -> Result<Vec<Usage>, String> {
    let mut met = BTreeSet::new();
    let mut list = Vec::new();
    for kind in Kind::all() {
        let directory = store.join(kind.directory());
        let mut bytes = 0;
        tree::walk(&directory, &mut |seen| {
            if seen.directory || met.insert(seen.identity) {
                bytes += seen.allocated;
            }
        })
        .map_err(|error| error.to_string())?;
        let items = match kind {
            Kind::Tmp => crate::sys::fs::list(&directory).map_or(0, |names| names.len()),
            _ => object::listed(store, kind).map_or(0, |listed| listed.objects.len()),
        };
        list.push(Usage { kind, items: items as u64, bytes });
    }
    Ok(list)
}

/// Job: removes trees of the store. The input is a JSON list of paths relative to it.
pub fn remove(input: &str) -> Result<String, String> {
    let paths: Vec<String> = serde_json::from_str(input).map_err(|error| error.to_string())?;
    for path in &paths {
        let mut parts = Path::new(path).components();
        let kind = parts.next().map(Component::as_os_str).unwrap_or_default();
        let known = Kind::all().any(|known| kind == known.directory());
        if !known || !matches!(parts.next(), Some(Component::Normal(_))) || parts.next().is_some() {
            return Err(format!("`{path}` is not something in the store"));
        }
        tree::remove(path).map_err(|error| error.to_string())?;
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_package_in_a_layer_counts_once() {
        let store = tempfile::tempdir().unwrap();
        for directory in ["packages/a", "layers/b"] {
            std::fs::create_dir_all(store.path().join(directory)).unwrap();
        }
        let content = store.path().join("packages/a/0");
        std::fs::write(&content, vec![1; 1 << 20]).unwrap();
        std::fs::hard_link(&content, store.path().join("layers/b/x")).unwrap();
        let usage = measure(store.path()).unwrap();
        let bytes = |kind| usage.iter().find(|row| row.kind == kind).unwrap().bytes;
        assert!(bytes(Kind::Packages) >= 1 << 20 && bytes(Kind::Layers) < 1 << 20);
    }

    #[test]
    fn only_things_in_the_store_can_be_removed() {
        for path in ["tmp", "/tmp/x", "../x", "tmp/../x", "tmp/a/b", "etc/x", "", "tmp/.."] {
            let input = serde_json::to_string(&[path]).unwrap();
            assert!(remove(&input).is_err(), "{path}");
        }
    }
}
