//! Who keeps which limit here. What the kernel does not keep is said, not hidden.

use std::collections::BTreeMap;

use crate::unit::Limits;

/// Who keeps a limit where no control group does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    /// kiln itself, always: it has to do with time and output.
    Kiln,
    /// kiln looks at what is used, again and again.
    Watchdog,
    /// A limit of each user id.
    Rlimit,
    /// The choice of processors.
    Affinity,
    /// Nobody.
    Nobody,
}

/// One limit.
struct Row {
    name: &'static str,
    is_set: fn(&Limits) -> bool,
    otherwise: Otherwise,
}

macro_rules! row {
    ($field:ident, $otherwise:ident) => {
        Row {
            name: stringify!($field),
            is_set: |limits| limits.$field.is_some(),
            otherwise: Otherwise::$otherwise,
        }
    };
}

const ROWS: &[Row] = &[
    row!(memory, Watchdog),
    row!(memory_high, Nobody),
    row!(swap, Nobody),
    row!(cpus, Affinity),
    row!(cpu_weight, Nobody),
    row!(cpuset, Affinity),
    row!(io_weight, Nobody),
    row!(io_bandwidth, Nobody),
    row!(pids, Rlimit),
    row!(disk, Watchdog),
    row!(inodes, Watchdog),
    row!(log, Kiln),
    row!(time, Kiln),
    row!(silence, Kiln),
];

impl Otherwise {
    fn word(self) -> &'static str {
        match self {
            Self::Kiln => "kiln",
            Self::Watchdog => "watchdog",
            Self::Rlimit => "rlimit",
            Self::Affinity => "affinity",
            Self::Nobody => "nobody",
        }
    }

    /// What is lost when the kernel does not keep the limit.
    fn loss(self, name: &str) -> Option<String> {
        match self {
            Self::Kiln => None,
            Self::Watchdog => Some(format!(
                "{name} limit is watched, not enforced by the kernel: it can be passed for a moment"
            )),
            Self::Rlimit => {
                Some(format!("{name} limit holds for each user id of the sandbox, not for all of it"))
            }
            Self::Affinity => {
                Some(format!("{name} limit chooses processors, and a process can choose others"))
            }
            Self::Nobody => Some(format!("{name} limit is not enforced here")),
        }
    }
}

/// Who keeps each of the limits that are set, and what is lost by it. `kernel` says whether control groups keep a
/// limit; `word` is what they are called.
pub(super) fn enforcers(
    limits: &Limits,
    word: &str,
    kernel: impl Fn(&str) -> bool,
) -> (BTreeMap<String, String>, Vec<String>) {
    let mut by = BTreeMap::new();
    let mut losses = Vec::new();
    for row in ROWS.iter().filter(|row| (row.is_set)(limits)) {
        let kept = row.otherwise != Otherwise::Kiln && kernel(row.name);
        let who = if kept { word } else { row.otherwise.word() };
        by.insert(row.name.to_owned(), who.to_owned());
        losses.extend(row.otherwise.loss(row.name).filter(|_| !kept));
    }
    (by, losses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Bytes;

    #[test]
    fn a_limit_that_the_kernel_keeps_is_no_loss() {
        let limits = Limits {
            memory: Some(Bytes(1)),
            pids: Some(1),
            cpus: Some(1.0),
            disk: Some(Bytes(1)),
            io_weight: Some(1),
            time: Some(1),
            ..Limits::default()
        };
        let words = |word, kernel: fn(&str) -> bool| {
            let (by, losses) = enforcers(&limits, word, kernel);
            (
                by.into_iter().map(|(name, who)| format!("{name}={who}")).collect::<Vec<_>>().join(" "),
                losses.len(),
            )
        };
        assert_eq!(
            words("v2", |name| name != "disk" && name != "io_weight"),
            ("cpus=v2 disk=watchdog io_weight=nobody memory=v2 pids=v2 time=kiln".to_owned(), 2)
        );
        assert_eq!(
            words("none", |_| false),
            (
                "cpus=affinity disk=watchdog io_weight=nobody memory=watchdog pids=rlimit time=kiln"
                    .to_owned(),
                5
            )
        );
        assert_eq!(enforcers(&Limits::default(), "none", |_| false), (BTreeMap::new(), Vec::new()));
    }
}
