//! dnf, as a process that answers questions, and the file that keeps its answers.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::Arguments;
use super::repository::Repository;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) install: Vec<String>,
    pub(crate) weak: bool,
    pub(crate) best: bool,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    /// NEVRAs, sorted.
    Packages(Vec<String>),
    /// Why not.
    Problem(String),
}

/// dnf.
#[derive(Debug)]
pub(crate) struct Oracle {
    python: PathBuf,
    repos: Vec<String>,
    home: tempfile::TempDir,
    process: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    known: BTreeMap<Question, Answer>,
    file: Option<PathBuf>,
    new: bool,
}

impl Oracle {
    /// Reads the answers that are kept; dnf starts when another one is needed.
    pub(crate) fn new(arguments: &Arguments, repos: &[Repository]) -> Result<Self, Box<dyn Error>> {
        let mut known = BTreeMap::new();
        if let Some(text) = arguments.answers.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) {
            for line in text.lines() {
                let (question, answer): (Question, Answer) = serde_json::from_str(line)?;
                known.insert(question, answer);
            }
        }
        let option = |repo: &Repository| format!("{}={}", repo.metadata.repo(), repo.directory.display());
        Ok(Self {
            python: arguments.python.clone(),
            repos: repos.iter().map(option).collect(),
            home: tempfile::tempdir()?,
            process: None,
            known,
            file: arguments.answers.clone(),
            new: false,
        })
    }

    /// dnf's answer.
    pub(crate) fn answer(&mut self, question: &Question) -> Result<Answer, Box<dyn Error>> {
        if let Some(known) = self.known.get(question) {
            return Ok(known.clone());
        }
        if self.process.is_none() {
            self.process = Some(self.start()?);
        }
        let Some((_, input, output)) = &mut self.process else { return Err("dnf did not start".into()) };
        writeln!(input, "{}", serde_json::to_string(question)?)?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let answer: Answer = serde_json::from_str(&line)?;
        self.known.insert(question.clone(), answer.clone());
        self.new = true;
        Ok(answer)
    }

    fn start(&self) -> Result<(Child, ChildStdin, BufReader<ChildStdout>), Box<dyn Error>> {
        let script = self.home.path().join("oracle.py");
        std::fs::write(&script, include_str!("oracle.py"))?;
        let mut child = Command::new(&self.python)
            .arg(script)
            .arg(self.home.path())
            .args(&self.repos)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes to dnf".into());
        };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                return Err("dnf could not load the repositories".into());
            }
        }
        Ok((child, input, output))
    }

    /// Keeps the answers and ends dnf.
    pub(crate) fn close(mut self) -> Result<(), Box<dyn Error>> {
        if let Some((mut child, input, _)) = self.process.take() {
            drop(input);
            child.wait()?;
        }
        if let Some(file) = self.file.filter(|_| self.new) {
            let line = |pair: (&Question, &Answer)| serde_json::to_string(&pair);
            let lines = self.known.iter().map(line).collect::<Result<Vec<_>, _>>()?;
            std::fs::write(file, lines.join("\n") + "\n")?;
        }
        self.home.close()?;
        Ok(())
    }
}
