//! `root.log`: what scriptlets write, each line with the package and the scriptlet that wrote it.

use std::io::Write;

use crate::install::Error;

/// How many of a scriptlet's last lines an error shows.
const TAIL: usize = 8;

/// A longer line is broken.
const LONGEST: usize = 8 << 10;

/// A log that is being written.
pub(super) struct Log<'a> {
    to: &'a mut dyn Write,
    prefix: String,
    line: Vec<u8>,
    tail: Vec<String>,
    failure: Option<std::io::Error>,
}

impl<'a> Log<'a> {
    pub(super) fn new(to: &'a mut dyn Write) -> Self {
        Self { to, prefix: String::new(), line: Vec::new(), tail: Vec::new(), failure: None }
    }

    /// A scriptlet begins.
    pub(super) fn begin(&mut self, package: &str, scriptlet: &str) -> Result<(), Error> {
        self.prefix = format!("{package} {scriptlet}: ");
        self.tail.clear();
        self.check()
    }

    /// Bytes that it wrote.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            if piece.ends_with(b"\n") || self.line.len() > LONGEST {
                self.put();
            }
        }
    }

    /// It has ended; its last lines.
    pub(super) fn end(&mut self) -> Result<Vec<String>, Error> {
        if !self.line.is_empty() {
            self.put();
        }
        self.prefix.clear();
        self.check()?;
        Ok(std::mem::take(&mut self.tail))
    }

    /// A line of kiln's own.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Error> {
        writeln!(self.to, "{text}").map_err(Error::Log)
    }

    fn put(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        if let Err(error) = writeln!(self.to, "{}{text}", self.prefix) {
            self.failure.get_or_insert(error);
        }
        if self.tail.len() == TAIL {
            self.tail.remove(0);
        }
        self.tail.push(text.into_owned());
    }

    fn check(&mut self) -> Result<(), Error> {
        self.failure.take().map_or(Ok(()), |error| Err(Error::Log(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_who_wrote_it() {
        let mut written = Vec::new();
        let mut log = Log::new(&mut written);
        log.begin("a-1-1.noarch", "%post").unwrap();
        log.write(b"one\ntw");
        log.write(b"o\n\nthree");
        assert_eq!(log.end().unwrap(), ["one", "two", "", "three"]);
        log.line("done").unwrap();
        let expected = "a-1-1.noarch %post: one\na-1-1.noarch %post: two\na-1-1.noarch %post: \na-1-1.noarch %post: three\ndone\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
