//! The table, as Markdown.

use std::fmt::Write as _;

use crate::result::{Goal, Outcome, Results, Unit};

/// The whole table with where and when.
pub(crate) fn markdown(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "Measured on {}, {} × {}, {:.0} GiB, {}, Linux {}, commit {}; medians of {} runs, pairs in turn; load before: {}.\n\n",
        machine.date,
        machine.processors,
        machine.processor,
        machine.memory as f64 / f64::from(1 << 30),
        machine.system,
        machine.kernel,
        machine.commit,
        results.runs,
        machine.load,
    );
    text.push_str("| what | kiln | peer | ratio | bar | aim |\n|---|---|---|---|---|---|\n");
    for outcome in &results.outcomes {
        let peer = outcome.peer.as_ref();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            outcome.what,
            value(outcome.ours, outcome.unit),
            peer.map_or_else(
                || "–".to_owned(),
                |(name, found)| format!("{name}: {}", value(*found, outcome.unit))
            ),
            ratio(outcome),
            goal(outcome, outcome.bar),
            goal(outcome, outcome.aim),
        );
    }
    let remarks: Vec<_> = results
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.remarks.iter().map(|text| (&outcome.what, text)))
        .collect();
    for (number, (what, remark)) in remarks.iter().enumerate() {
        let _ = write!(text, "{}* {what}: {remark}", if number == 0 { "\n" } else { "" });
        text.push('\n');
    }
    text
}

/// One row, for whoever watches.
pub(crate) fn line(outcome: &Outcome) -> String {
    format!(
        "{}: {} ({}); bar {}, aim {}",
        outcome.what,
        value(outcome.ours, outcome.unit),
        ratio(outcome),
        goal(outcome, outcome.bar),
        goal(outcome, outcome.aim)
    )
}

fn value(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if number < 0.01 => format!("{:.2} ms", number * 1e3),
        Unit::Seconds if number < 1.0 => format!("{:.1} ms", number * 1e3),
        Unit::Seconds => format!("{number:.2} s"),
        Unit::Bytes => format!("{:.1} MB", number / 1e6),
        Unit::Ratio => format!("{number:.2}"),
    }
}

/// As it reads best: how much less kiln needs, or how many times as much.
fn ratio(outcome: &Outcome) -> String {
    let Some((_, peer)) = &outcome.peer else { return "–".to_owned() };
    let less = peer / outcome.ours;
    match outcome.bar {
        Some(Goal::AtMostTimes(_)) => format!("{:.3} ×", outcome.ours / peer),
        _ if less >= 1.0 => format!("{less:.1} × less"),
        _ => format!("{:.2} × as much", 1.0 / less),
    }
}

fn goal(outcome: &Outcome, wanted: Option<Goal>) -> String {
    let Some(goal) = wanted else { return "–".to_owned() };
    let text = match goal {
        Goal::Less(times) => format!("{times} × less"),
        Goal::AtMostTimes(times) => format!("≤ {times} ×"),
        Goal::AtMost(most) => format!("≤ {}", value(most, outcome.unit)),
    };
    match outcome.reaches(wanted) {
        Some(true) => format!("{text}: met"),
        Some(false) => format!("{text}: **not met**"),
        None => format!("{text}: not compared"),
    }
}
