//! Where kiln is not rpm, and why. Everything else that the comparisons find is a defect.

/// What, what rpm does, and why kiln does not.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "times of what scriptlets write, of directories, of installation",
        "the time of day",
        "SOURCE_DATE_EPOCH and the packages' own times: the same layer is the same bytes",
    ),
    (
        "device nodes",
        "rpm 4.18 makes character devices, and fails at block devices",
        "a user namespace cannot make them; they are left out with a warning, and the database has them",
    ),
    ("named pipes", "rpm 4.18 waits for ever for a writer", "kiln makes them"),
    (
        "hard-linked files whose last name is left out (documentation)",
        "an empty directory stays where that name would have been",
        "nothing wants it",
    ),
    (
        "a scriptlet that writes to a file of several names of an earlier transaction",
        "all names have what was written",
        "the name that was written to has it: files of lower layers are not copied for every scriptlet",
    ),
    (
        "a failing %pretrans, %pre or %triggerprein",
        "the package is left out, the rest goes on, the exit code says so",
        "a root without it is not the root that was asked for: the transaction fails",
    ),
    (
        "files below /proc, /sys and /dev",
        "written, unless %_netsharedpath names them",
        "the sandbox has its own file systems there; recorded as net shared",
    ),
    (
        "the caller's environment",
        "scriptlets get it",
        "scriptlets get a fixed one, so a root does not depend on who made it",
    ),
    (
        "accounts, /builddir, mount points, empty /etc/hosts and its kin",
        "not made",
        "what every root of a build needs",
    ),
];

/// Says all of them.
pub(crate) fn tell() {
    for (what, theirs, reason) in DIFFERENCES {
        println!("known difference: {what}\n    rpm: {theirs}\n    kiln: {reason}");
    }
}
