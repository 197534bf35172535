//! Builds: one beside rpmbuild alone, several at once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::contest::Contestant;
use crate::error::Error;
use crate::lab::Lab;
use crate::result::{Goal, Measured, Outcome, Unit};
use crate::rows::root::{against, bwrap, duel};
use crate::sample::finish;

/// GNU hello, and what is left when everything but rpmbuild is taken away.
pub(super) fn hello(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let store = lab.store()?;
    let source = lab.source("hello")?;
    let result = lab.path("result");
    let build = || builds(lab, store, &source, &result);
    // Its layer is made here, so that the build is warm.
    finish(&mut build())?;
    let peer = match lab.has("bwrap") {
        Ok(()) => Ok(lab.root()?),
        Err(why) => Err(why),
    };
    let peer = peer.map(|root| {
        let rebuild = || {
            let mut command = bwrap(root);
            command.args(["rpmbuild", "--define", "_topdir /rpmbuild", "-bb", "/rpmbuild/SPECS/hello.spec"]);
            command
        };
        Contestant::new("rpmbuild in bubblewrap", || lay_out(lab, &root.join("rpmbuild")), rebuild)
    });
    let ours = Contestant::new("kiln build", || lab.bury(&result), build);
    let (ours, peer) = duel(lab, ours, peer, lab.runs)?;
    let what = "`kiln build` of hello, warm, over rpmbuild alone in bubblewrap on the same root";
    Ok(vec![against("build", what, &ours, &peer).bar(Goal::AtMostTimes(1.05)).aim(Goal::AtMostTimes(1.01))])
}

/// Spec file and sources where rpmbuild looks for them, and nothing of an earlier build.
fn lay_out(lab: &Lab, topdir: &Path) -> Result<(), Error> {
    lab.bury(topdir)?;
    for (from, to) in [(lab.path("sources"), "SOURCES"), (Lab::specs(), "SPECS")] {
        let to = topdir.join(to);
        std::fs::create_dir_all(&to).map_err(Error::io("make", &to))?;
        for entry in std::fs::read_dir(&from).map_err(Error::io("list", &from))?.flatten() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(Error::io("copy to", &to))?;
        }
    }
    Ok(())
}

fn builds(lab: &Lab, store: &Path, source: &Path, result: &Path) -> Command {
    let mut command = lab.kiln(store);
    command.arg("build").arg("--result").arg(result).arg(source);
    command
}

/// Builds at once. However many there are, they need as long as one alone, and as long as the processors need for the work
/// of all; waiting for locks would show as more.
pub(super) fn scaling(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let store = lab.store()?;
    let source = lab.source("tree")?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let result = |number: usize| lab.path(&format!("result-{number}"));
    finish(&mut builds(lab, store, &source, &result(0)))?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut alone: f64 = 0.0;
    for count in [1_usize, 2, 4, 8] {
        let mut measured = Measured::new(&format!("{count} builds"));
        for _ in 0..lab.runs {
            let results: Vec<PathBuf> = (0..count).map(result).collect();
            results.iter().try_for_each(|result| lab.bury(result))?;
            measured.samples.push(lab.clock.around(|| at_once(lab, store, &source, &results))?);
        }
        if count == 1 {
            alone = measured.wall();
        }
        let permitted = alone.max(measured.cpu() / processors as f64);
        let peer =
            format!("what {processors} processors permit (one alone, or all processor time / {processors})");
        outcomes.push(Outcome {
            row: "scaling".to_owned(),
            what: format!("{count} builds of tree at once"),
            unit: Unit::Seconds,
            ours: measured.wall(),
            peer: Some((peer, permitted)),
            remarks: Vec::new(),
            bar: Some(Goal::AtMostTimes(1.10)),
            aim: None,
            runs: vec![measured],
        });
    }
    Ok(outcomes)
}

fn at_once(lab: &Lab, store: &Path, source: &Path, results: &[PathBuf]) -> Result<(), Error> {
    let mut running = Vec::new();
    for result in results {
        let mut command = builds(lab, store, source, result);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        running.push(command.spawn().map_err(Error::io("run", &lab.kiln))?);
    }
    for mut process in running {
        let status = process.wait().map_err(Error::io("run", &lab.kiln))?;
        if !status.success() {
            return Err(Error::broken("a build", status));
        }
    }
    Ok(())
}
