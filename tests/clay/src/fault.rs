//! What can go wrong with a mirror, on demand: a fault strikes the paths that match its pattern, always or a number of times.

use std::str::FromStr;
use std::sync::Mutex;

/// How a reply goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A status instead of the file, as 404 or 503.
    Status(u16),
    /// The connection ends after so many bytes of the body.
    Truncate(u64),
    /// So many bytes a second.
    Slow(u64),
    /// Nothing more comes after so many bytes, and the connection stays open.
    Stall(u64),
    /// The right number of wrong bytes.
    Corrupt,
    /// A range is not understood: the whole file comes.
    NoRange,
}

/// A trouble and where it strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The trouble.
    pub trouble: Trouble,
    /// A pattern over the whole path; `*` is any text.
    pub pattern: String,
    /// How many requests it still strikes; none means all.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that strikes every request for a matching path.
    pub fn always(trouble: Trouble, pattern: &str) -> Self {
        Self { trouble, pattern: pattern.to_owned(), times: None }
    }

    /// A fault that goes away after some requests.
    pub fn times(times: u32, trouble: Trouble, pattern: &str) -> Self {
        Self { times: Some(times), ..Self::always(trouble, pattern) }
    }
}

/// `TROUBLE=PATTERN`, as in `404=*.rpm`, `truncate:1000=*primary*`, `503*2=*`.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (trouble, pattern) = text.split_once('=').ok_or("expected TROUBLE=PATTERN, as in 404=*.rpm")?;
        let (trouble, times) = match trouble.split_once('*') {
            Some((trouble, times)) => {
                (trouble, Some(times.parse().map_err(|_| format!("`{times}` is not a number of times"))?))
            }
            None => (trouble, None),
        };
        let (name, amount) = match trouble.split_once(':') {
            Some((name, amount)) => {
                (name, Some(amount.parse().map_err(|_| format!("`{amount}` is not a number of bytes"))?))
            }
            None => (trouble, None),
        };
        let trouble = match (name, name.parse::<u16>()) {
            (_, Ok(status @ 400..=599)) => Trouble::Status(status),
            ("truncate", _) => Trouble::Truncate(amount.unwrap_or(100)),
            ("slow", _) => Trouble::Slow(amount.unwrap_or(10_000)),
            ("stall", _) => Trouble::Stall(amount.unwrap_or(0)),
            ("corrupt", _) => Trouble::Corrupt,
            ("no-range", _) => Trouble::NoRange,
            _ => {
                return Err(format!(
                    "`{name}` is not a trouble: a status (404, 503), truncate, slow, stall, corrupt or no-range"
                ));
            }
        };
        Ok(Self { trouble, pattern: pattern.to_owned(), times })
    }
}

/// The faults of a server, which can be changed while it runs.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds a fault.
    pub fn add(&self, fault: Fault) {
        self.list().push(fault);
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.list().clear();
    }

    /// The trouble of a request for a path; counts it.
    pub fn strike(&self, path: &str) -> Option<Trouble> {
        let mut list = self.list();
        let fault = list.iter_mut().find(|fault| fault.times != Some(0) && matches(&fault.pattern, path))?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.trouble)
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether a pattern covers a whole text; `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_written_as_trouble_and_pattern() {
        assert_eq!("404=*.rpm".parse(), Ok(Fault::always(Trouble::Status(404), "*.rpm")));
        assert_eq!("truncate:7*2=/a".parse(), Ok(Fault::times(2, Trouble::Truncate(7), "/a")));
        assert_eq!("corrupt=*".parse(), Ok(Fault::always(Trouble::Corrupt, "*")));
        for wrong in ["404", "200=*", "melt=*", "slow:x=*", "404*x=*"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fault_strikes_what_matches_as_often_as_it_says() {
        let faults = Faults::default();
        faults.add(Fault::times(1, Trouble::Status(503), "/repo/*.rpm"));
        faults.add(Fault::always(Trouble::Corrupt, "*/b*"));
        let seen: Vec<_> = ["/repo/repomd.xml", "/repo/b.rpm", "/repo/b.rpm", "/repo/c.rpm"]
            .map(|path| faults.strike(path))
            .into();
        assert_eq!(seen, [None, Some(Trouble::Status(503)), Some(Trouble::Corrupt), None]);
        faults.clear();
        assert_eq!(faults.strike("/repo/b.rpm"), None);
    }
}
