//! Both answers to each question.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use kiln::solve::{self, Best, RepoMetadata, Request, Weak};

use super::oracle::{Answer, Oracle, Question};
use super::repository::{Repository, hide_modules};
use super::sorted::Sorted;
use super::{Arguments, say};

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) asked: usize,
    pub(crate) same: usize,
    pub(crate) refused: usize,
    pub(crate) differ: usize,
    /// Of those that differ: dnf answers as kiln does once the packages are in kiln's order.
    pub(crate) by_order: usize,
    ours: Duration,
    slowest: Duration,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} the same ({} of them refused by both), {} differ ({} by the order of packages in the document); {:.1} \
             ms a question, {:.1} ms at most",
            self.same,
            self.asked,
            self.refused,
            self.differ,
            self.by_order,
            self.ours.as_secs_f64() * 1e3 / self.asked.max(1) as f64,
            self.slowest.as_secs_f64() * 1e3
        )
    }
}

/// Some repositories, for kiln and for dnf.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) repos: Vec<Repository>,
    oracle: Oracle,
    /// dnf over the same packages in kiln's order, once it is needed.
    sorted: Option<(Sorted, Oracle)>,
    platform: Option<String>,
}

impl Place {
    pub(crate) fn open(
        arguments: &Arguments,
        repos: &[String],
        platform: Option<&str>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut repos = repos.iter().map(|text| Repository::open(text)).collect::<Result<Vec<_>, _>>()?;
        if let Some(platform) = platform {
            hide_modules(&mut repos, platform)?;
        }
        let oracle = Oracle::new(arguments, &repos, platform)?;
        Ok(Self { repos, oracle, sorted: None, platform: platform.map(str::to_owned) })
    }

    /// Asks, and says where the answers differ.
    pub(crate) fn compare(
        &mut self,
        arguments: &Arguments,
        questions: &[Question],
    ) -> Result<Tally, Box<dyn Error>> {
        let mut tally = Tally { asked: questions.len(), ..Tally::default() };
        for (number, question) in questions.iter().enumerate() {
            let expected = self.oracle.answer(question)?;
            let started = processor_time();
            let found = self.ours(question)?;
            let took = processor_time().saturating_sub(started);
            tally.ours += took;
            tally.slowest = tally.slowest.max(took);
            if arguments.verbose {
                say(&format!(
                    "{number}: {:?} {:.1} ms: {found:?}",
                    question.install,
                    took.as_secs_f64() * 1e3
                ));
            }
            if agree(&expected, &found) {
                tally.same += 1;
                tally.refused += usize::from(matches!(found, Answer::Problem(_)));
                continue;
            }
            tally.differ += 1;
            say(&format!("{number}: {}", question.install.join(" ")));
            describe(&expected, &found);
            if agree(&self.sorted_answer(arguments, question)?, &found) {
                tally.by_order += 1;
                say(
                    "    cause: the order of packages in the document; dnf gives kiln's answer when they are sorted",
                );
            } else {
                say("    cause: not known; dnf gives another answer when they are sorted, too");
            }
        }
        Ok(tally)
    }

    fn sorted_answer(
        &mut self,
        arguments: &Arguments,
        question: &Question,
    ) -> Result<Answer, Box<dyn Error>> {
        if self.sorted.is_none() {
            let sorted = Sorted::make(&self.repos)?;
            let oracle = Oracle::new(arguments, &sorted.repos, self.platform.as_deref())?;
            self.sorted = Some((sorted, oracle));
        }
        let Some((_, oracle)) = &mut self.sorted else { return Err("dnf did not start".into()) };
        oracle.answer(question)
    }

    fn ours(&self, question: &Question) -> Result<Answer, Box<dyn Error>> {
        let metadata: Vec<RepoMetadata<'_>> = self.repos.iter().map(Repository::for_solver).collect();
        let mut request = Request {
            arch: "x86_64".to_owned(),
            install: question.install.clone(),
            weak: if question.weak { Weak::Install } else { Weak::Skip },
            best: if question.best { Best::Only } else { Best::Prefer },
            ..Request::default()
        };
        loop {
            match solve::solve(&metadata, &request) {
                Ok(resolution) => {
                    let mut packages: Vec<String> =
                        resolution.packages.iter().map(|it| it.nevra.to_string()).collect();
                    packages.sort();
                    return Ok(Answer::Packages(packages));
                }
                Err(solve::Error::NeedsFilelists(paths)) => {
                    for repo in &self.repos {
                        let owners = repo.owners(&paths)?;
                        request.files.add(repo.metadata.repo(), &paths, &owners);
                    }
                }
                Err(solve::Error::Conflict(conflict)) => return Ok(Answer::Problem(conflict.to_string())),
            }
        }
    }

    /// Keeps dnf's answers and ends it.
    pub(crate) fn close(self) -> Result<(), Box<dyn Error>> {
        self.oracle.close()?;
        if let Some((sorted, oracle)) = self.sorted {
            oracle.close()?;
            sorted.close()?;
        }
        Ok(())
    }
}

fn agree(expected: &Answer, found: &Answer) -> bool {
    match (expected, found) {
        (Answer::Packages(expected), Answer::Packages(found)) => expected == found,
        (Answer::Problem(_), Answer::Problem(_)) => true,
        _ => false,
    }
}

fn describe(expected: &Answer, found: &Answer) {
    match (expected, found) {
        (Answer::Packages(expected), Answer::Packages(found)) => {
            let only = |a: &[String], b: &[String]| {
                a.iter().filter(|nevra| !b.contains(nevra)).cloned().collect::<Vec<_>>().join(" ")
            };
            say(&format!("    only dnf:  {}", only(expected, found)));
            say(&format!("    only kiln: {}", only(found, expected)));
        }
        (Answer::Problem(problem), Answer::Packages(found)) => {
            say(&format!("    dnf refuses, kiln has {} packages: {problem}", found.len()));
        }
        (Answer::Packages(expected), Answer::Problem(problem)) => {
            say(&format!("    kiln refuses, dnf has {} packages: {problem}", expected.len()));
        }
        _ => {}
    }
}

/// What this thread has used of the processor: other programs on the machine do not count.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
