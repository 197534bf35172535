//! What was measured.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::machine::Machine;
use crate::sample::Sample;

/// Everything of one run of this program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) runs: usize,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Results {
    pub(crate) fn new(machine: Machine, runs: usize) -> Self {
        Self { machine, runs, outcomes: Vec::new() }
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(Error::io("make", parent))?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::broken("results", error))?;
        std::fs::write(path, text).map_err(Error::io("write", path))
    }
}

/// A program and its runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
}

impl Measured {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), samples: Vec::new() }
    }

    /// Median seconds.
    pub(crate) fn wall(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.wall))
    }

    /// Median seconds of the processors.
    pub(crate) fn cpu(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.cpu))
    }
}

/// The middle value, or the mean of the two in the middle; nothing has none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    Ratio,
}

/// What a row wants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Goal {
    /// The peer needs at least so many times as much as kiln.
    Less(f64),
    /// kiln needs at most so many times as much as the peer.
    AtMostTimes(f64),
    /// kiln needs at most so much.
    AtMost(f64),
}

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) row: String,
    pub(crate) what: String,
    pub(crate) unit: Unit,
    /// kiln's value.
    pub(crate) ours: f64,
    /// The peer, and its value.
    pub(crate) peer: Option<(String, f64)>,
    /// Why there is no peer, and other things that a reader should know.
    pub(crate) remarks: Vec<String>,
    pub(crate) bar: Option<Goal>,
    pub(crate) aim: Option<Goal>,
    /// Every run.
    pub(crate) runs: Vec<Measured>,
}

impl Outcome {
    /// A line about wall time: kiln's runs and perhaps a peer's.
    pub(crate) fn times(row: &str, what: &str, ours: &Measured, peer: Option<&Measured>) -> Self {
        let runs = std::iter::once(ours).chain(peer).cloned().collect();
        Self {
            row: row.to_owned(),
            what: what.to_owned(),
            unit: Unit::Seconds,
            ours: ours.wall(),
            peer: peer.map(|peer| (peer.name.clone(), peer.wall())),
            remarks: Vec::new(),
            bar: None,
            aim: None,
            runs,
        }
    }

    pub(crate) fn bar(mut self, goal: Goal) -> Self {
        self.bar = Some(goal);
        self
    }

    pub(crate) fn aim(mut self, goal: Goal) -> Self {
        self.aim = Some(goal);
        self
    }

    pub(crate) fn remark(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(text.into());
        self
    }

    /// Whether a goal is reached; nothing where there is no goal or nothing to compare with.
    pub(crate) fn reaches(&self, goal: Option<Goal>) -> Option<bool> {
        let peer = self.peer.as_ref().map(|(_, value)| *value);
        match goal? {
            Goal::Less(times) => Some(peer? >= times * self.ours),
            Goal::AtMostTimes(times) => Some(self.ours <= times * peer?),
            Goal::AtMost(most) => Some(self.ours <= most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn goals_compare_with_the_peer_or_say_nothing() {
        let measured =
            |name: &str, wall| Measured { name: name.into(), samples: vec![Sample { wall, cpu: 0.0 }] };
        let (ours, peer) = (measured("kiln", 1.0), measured("peer", 6.0));
        let with = Outcome::times("x", "x", &ours, Some(&peer));
        let without = Outcome::times("x", "x", &ours, None);
        for (goal, found, alone) in [
            (Goal::Less(5.0), Some(true), None),
            (Goal::Less(7.0), Some(false), None),
            (Goal::AtMostTimes(0.1), Some(false), None),
            (Goal::AtMost(1.0), Some(true), Some(true)),
        ] {
            assert_eq!((with.reaches(Some(goal)), without.reaches(Some(goal))), (found, alone), "{goal:?}");
        }
    }
}
