//! dnf, as a process that answers questions, and the file that keeps its answers.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use kiln::unit::Digest;

use super::Arguments;
use super::repository::Repository;

const SCRIPT: &str = include_str!("oracle.py");

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
    /// What the script is started with: the platform or `-`, and the repositories.
    words: Vec<String>,
    home: tempfile::TempDir,
    process: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    known: BTreeMap<Question, Answer>,
    file: PathBuf,
    new: bool,
}

impl Oracle {
    /// Reads the answers that are kept; dnf starts when another one is needed.
    pub(crate) fn new(
        arguments: &Arguments,
        repos: &[Repository],
        platform: Option<&str>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut key = format!("{SCRIPT}{platform:?}");
        let mut words = vec![platform.unwrap_or("-").to_owned()];
        for repo in repos {
            let repomd = std::fs::read(repo.directory.join("repodata/repomd.xml"))?;
            write!(key, "{}{}{}", repo.metadata.repo(), repo.spec, Digest::sha256(&repomd).hex())?;
            words.push(repo.spec.at(&repo.directory));
        }
        let file = arguments.answers.join(format!("{}.jsonl", &Digest::sha256(key.as_bytes()).hex()[..16]));
        let mut known = BTreeMap::new();
        for line in std::fs::read_to_string(&file).unwrap_or_default().lines() {
            let (question, answer): (Question, Answer) = serde_json::from_str(line)?;
            known.insert(question, answer);
        }
        let (python, home) = (arguments.python.clone(), tempfile::tempdir()?);
        Ok(Self { python, words, home, process: None, known, file, new: false })
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
        std::fs::write(&script, SCRIPT)?;
        let mut child = Command::new(&self.python)
            .arg(script)
            .arg(self.home.path())
            .args(&self.words)
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
        if self.new {
            std::fs::create_dir_all(self.file.parent().ok_or("no directory for answers")?)?;
            let line = |pair: (&Question, &Answer)| serde_json::to_string(&pair);
            let lines = self.known.iter().map(line).collect::<Result<Vec<_>, _>>()?;
            std::fs::write(&self.file, lines.join("\n") + "\n")?;
        }
        self.home.close()?;
        Ok(())
    }
}
