//! Calls that fail and calls that do half of what was asked for: each is told, none breaks the store.
//!
//! The program is the one that is shipped. Its calls on files of the store are counted, in all of its processes, and
//! one of them gets another answer than the kernel's.

mod calls;
mod watch;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;

use rand::Rng as _;

use crate::support::{Place, User, rounds};
use calls::{Call, Class};
use watch::Answer;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// The call fails.
    Error(i32),
    /// It does half of it.
    Half,
}

use Wrong::{Error, Half};

/// What the store has when the run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// All but the layer.
    Packages,
    /// Metadata and package files, nothing unpacked.
    Files,
    Everything,
}

impl Before {
    fn prepare(self, place: &Place) {
        if self == Self::Nothing {
            let store = place.path("store");
            if store.exists() {
                std::fs::remove_dir_all(store).unwrap();
            }
            return;
        }
        place.run(&["init", "-q"]).expect(0);
        let store = place.path("store");
        let gone: &[&str] = match self {
            Self::Packages => &["layers"],
            Self::Files => &["layers", "packages", "locks"],
            _ => &[],
        };
        for directory in gone {
            for entry in std::fs::read_dir(store.join(directory)).unwrap() {
                let path = entry.unwrap().path();
                let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
            }
        }
    }
}

const FAULTS: &[(Class, Wrong)] = &[
    (Class::Read, Error(libc::EIO)),
    (Class::Write, Error(libc::EIO)),
    (Class::Write, Error(libc::ENOSPC)),
    (Class::Sync, Error(libc::EIO)),
    (Class::Rename, Error(libc::EIO)),
    (Class::Make, Error(libc::EIO)),
    (Class::Make, Error(libc::ENOSPC)),
    (Class::Open, Error(libc::EIO)),
    (Class::Change, Error(libc::EIO)),
    (Class::Look, Error(libc::EIO)),
    (Class::Read, Half),
    (Class::Write, Half),
];

/// One run with one fault, or with none.
#[derive(Debug, Default)]
struct Watched {
    /// How many calls of each class there were.
    calls: BTreeMap<Class, usize>,
    /// What the fault hit.
    place: Option<PathBuf>,
    /// What kiln said, and its exit code.
    code: Option<i32>,
    said: String,
}

/// Runs `kiln init`; a call of a class, counted from 0, goes wrong. `None` where this machine lets nobody watch.
fn init(place: &Place, fault: Option<(Class, Wrong, usize)>) -> Option<Watched> {
    let store = place.path("store");
    let mut command = place.kiln();
    command.args(["init", "-q"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let (mut child, listener) = watch::start(command)?;
    let mut watched = Watched::default();
    let mut decide = |call: Call| {
        let Some((found, path)) = call.about(&store) else { return Answer::Through };
        let count = watched.calls.entry(found).or_default();
        let answer = match fault {
            Some((class, wrong, nth)) if class == found && watched.place.is_none() && *count >= nth => {
                match wrong {
                    Error(error) => Answer::Fails(error),
                    Half => call.half().map_or(Answer::Through, Answer::Did),
                }
            }
            _ => Answer::Through,
        };
        *count += 1;
        if answer != Answer::Through {
            watched.place = Some(path);
        }
        answer
    };
    let mut output = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    });
    watch::answer(&listener, &mut decide);
    watched.code = child.wait().unwrap().code();
    watched.said = reader.join().unwrap();
    Some(watched)
}

/// What is wrong with how kiln took it.
fn problems(place: &Place, wrong: Wrong, watched: &Watched) -> Vec<String> {
    let mut problems = Vec::new();
    // A mark of what may not have reached the disk stands for everything where its names are missing.
    let mark = watched.place.as_ref().is_some_and(|path| path.starts_with(place.path("store/unsettled")));
    if mark && watched.code == Some(0) {
        return problems;
    }
    // Nothing of an overlay's work directory is kept: one that cannot be removed is left for the next run.
    let work = |part: std::path::Component<'_>| part.as_os_str().to_string_lossy().starts_with("work-");
    let is_left = watched.place.as_ref().is_some_and(|path| path.components().any(work));
    let expected: &[i32] = if wrong == Half { &[0] } else { &[20, 30] };
    if is_left && watched.code == Some(0) {
        problems.extend(unsound(place));
        return problems;
    }
    if !watched.code.is_some_and(|code| expected.contains(&code)) {
        problems.push(format!("exit code {:?}, not one of {expected:?}", watched.code));
    }
    if let (Error(error), Some(path)) = (wrong, &watched.place) {
        let words = if error == libc::EIO { "Input/output error" } else { "is full" };
        if !watched.said.contains(words) {
            problems.push(format!("nothing says `{words}`"));
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let store = place.path("store").to_string_lossy().into_owned();
        if !watched.said.contains(&name) && !watched.said.contains(&store) {
            problems.push(format!("nothing names {}", path.display()));
        }
    }
    problems.extend(unsound(place));
    problems
}

/// What is wrong with the store then, and with the next run.
fn unsound(place: &Place) -> Vec<String> {
    let mut problems = Vec::new();
    let verified = place.run(&["store", "verify", "-q"]);
    if !verified.succeeded() || !verified.text().is_empty() {
        problems.push(format!("the store is damaged: {}{}", verified.text(), verified.stderr()));
    }
    let again = place.run(&["init", "-q"]);
    if !again.succeeded() {
        problems.push(format!("the next run fails: {}", again.stderr()));
    }
    let verified = place.run(&["store", "verify", "-q"]);
    if !verified.succeeded() || !verified.text().is_empty() {
        problems.push(format!("then the store is damaged: {}{}", verified.text(), verified.stderr()));
    }
    problems
}

/// One fault, and how many calls there are that it can hit.
type Row = (Before, Class, Wrong, usize);

/// Every fault in every situation, with the calls counted; `None` where nobody may watch.
fn rows(place: &Place) -> Option<Vec<Row>> {
    use Before::{Everything, Files, Nothing, Packages};
    let mut rows = Vec::new();
    for before in [Nothing, Files, Packages, Everything] {
        before.prepare(place);
        let found = init(place, None)?;
        assert_eq!(found.code, Some(0), "{}", found.said);
        for (class, wrong) in FAULTS {
            let calls = found.calls.get(class).copied().unwrap_or(0);
            if calls > 0 {
                rows.push((before, *class, *wrong, calls));
            }
        }
    }
    Some(rows)
}

#[test]
fn a_call_that_fails_or_does_half_is_told_and_breaks_nothing() {
    let place = Place::small(User::Own);
    let mut random = rand::thread_rng();
    let Some(rows) = rows(&place) else {
        eprintln!("skipped: nobody may watch a program's calls here");
        return;
    };
    let (all, mut report, mut hit) = (rounds("KILN_FAULTS", 6), Vec::new(), 0);
    let first = random.gen_range(0..rows.len());
    for round in 0..all {
        let (before, class, wrong, calls) = rows[(first + round) % rows.len()];
        before.prepare(&place);
        let nth = random.gen_range(0..calls);
        let watched = init(&place, Some((class, wrong, nth))).unwrap();
        let Some(path) = &watched.place else { continue };
        hit += 1;
        let found = problems(&place, wrong, &watched);
        if !found.is_empty() {
            let (lines, path) = (found.join("\n  "), path.display());
            let what = format!("{class:?} {nth} of {calls}, {wrong:?}, over {before:?}, {path}");
            report.push(format!("{what}:\n  {lines}\n  said: {}", watched.said));
        }
    }
    eprintln!("counted: faults: {hit} of {all} calls failed or did half, {} badly taken", report.len());
    assert!(report.is_empty(), "{}", report.join("\n"));
    assert!(hit * 2 > all, "only {hit} of {all}");
}
