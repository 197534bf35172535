//! A store on each file system that the kernel and the host's tools can make.

use std::process::Command;

use crate::support::{Place, User};

/// How each is made and mounted on `$KILN_STORE`, in a mount namespace of its own; `$IMAGE` is an empty file.
const TABLE: &[(&str, &str)] = &[
    ("ext4", "mkfs.ext4 -q $IMAGE && mount -o loop $IMAGE $KILN_STORE"),
    ("xfs", "mkfs.xfs -q -m reflink=1 $IMAGE && mount -o loop $IMAGE $KILN_STORE"),
    ("btrfs", "mkfs.btrfs -q $IMAGE && mount -o loop $IMAGE $KILN_STORE"),
    ("tmpfs", "mount -t tmpfs tmpfs $KILN_STORE"),
    (
        "overlay",
        "mount -t tmpfs tmpfs $BASE && mkdir $BASE/lower $BASE/upper $BASE/work && \
         mount -t overlay -o lowerdir=$BASE/lower,upperdir=$BASE/upper,workdir=$BASE/work overlay $KILN_STORE",
    ),
];

/// What is done there. ext4 and its kin have a directory of their own at the top.
const USE: &str = "\nchmod 0700 $KILN_STORE; rmdir $KILN_STORE/lost+found 2>/dev/null\n\
    $KILN run -q --install clay-files -- sed --version >/dev/null && $KILN store verify -q && \
    $KILN run -q --offline --install clay-files -- sed --version >/dev/null && \
    $KILN export -q -o $BASE.tar && $KILN store prune --all -q >/dev/null && $KILN init -q >/dev/null && \
    $KILN store verify -q && cksum <$BASE.tar";

#[test]
fn a_store_can_lie_on_any_of_them_and_gives_the_same_root() {
    let place = Place::small(User::Own);
    let known = std::fs::read_to_string("/proc/filesystems").unwrap();
    std::fs::create_dir(place.path("store")).unwrap();
    std::fs::create_dir(place.path("base")).unwrap();
    let mut sums = std::collections::BTreeMap::new();
    for (name, make) in TABLE {
        if !known.lines().any(|line| line.split_whitespace().next_back() == Some(name)) {
            eprintln!("skipped: {name}: the kernel does not have it");
            continue;
        }
        let image = place.path("image");
        std::fs::File::create(&image).unwrap().set_len(600 << 20).unwrap();
        let kiln = place.kiln();
        let mut command = Command::new("unshare");
        let script = format!("{{ {make}; }} >&2 || exit 99{USE}");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
        command
            .env_clear()
            .env("KILN", kiln.get_program())
            .env("IMAGE", &image)
            .env("BASE", place.path("base"));
        command.envs(kiln.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(99) || said.contains("unshare:") {
            eprintln!("skipped: {name}: {}", said.lines().next().unwrap_or("it cannot be mounted"));
            continue;
        }
        if *name == "overlay" {
            // The kernel refuses an overlay's upper directory there; then at least say what helps.
            assert!(output.status.success() || said.contains("put the store on a volume"), "{said}");
            continue;
        }
        assert!(output.status.success(), "{name}: {:?}\n{said}", output.status);
        sums.insert(String::from_utf8_lossy(&output.stdout).into_owned(), *name);
        eprintln!("counted: a store on {name}: sound, with the same root");
    }
    assert!(sums.len() <= 1, "the roots differ: {sums:?}");
}
