//! Why there is no root.

use std::fmt;

use super::search::{Refuted, Search};

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    NoPackage { asked: String },
    Unreadable { dependency: String, needed_by: Option<String> },
    InstalledUnknown { nevra: String },
    Clause { text: String },
}

/// No set of packages satisfies the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    problems: Vec<Problem>,
}

impl std::error::Error for Conflict {}

impl Conflict {
    pub(super) fn one(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            match problem {
                Problem::NoPackage { asked } => write!(f, "nothing provides `{asked}`")?,
                Problem::Unreadable { dependency, needed_by: None } => {
                    write!(f, "`{dependency}` is not a dependency that can be read")?;
                }
                Problem::Unreadable { dependency, needed_by: Some(by) } => {
                    write!(f, "{by} needs `{dependency}`, which cannot be read")?;
                }
                Problem::InstalledUnknown { nevra } => {
                    write!(f, "{nevra} is in the root, but no repository has it")?;
                }
                Problem::Clause { text } => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

impl Search<'_, '_> {
    /// Explains why rules contradict each other.
    pub(super) fn conflict(&self, refuted: &Refuted, jobs: &[String]) -> Conflict {
        let mut problems = Vec::new();
        for rule in &refuted.0 {
            if let Some(job) = rule.0.checked_sub(self.rules.jobs.start).and_then(|at| jobs.get(at as usize))
            {
                problems.push(Problem::Clause { text: format!("asked for {job}") });
                continue;
            }
            let literals = self.rules.get(*rule).literals(&self.pool.lists);
            let text = |literal: super::lit::Lit| {
                let sign = if literal.is_no() { "not " } else { "" };
                format!("{sign}{}", self.pool.nevra(literal.id()))
            };
            problems.push(Problem::Clause { text: literals.map(text).collect::<Vec<_>>().join(" or ") });
        }
        Conflict { problems }
    }
}
