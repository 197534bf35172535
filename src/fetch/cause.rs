//! What one attempt at one mirror came to: the words for it, and whether asking again may help.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use crate::fetch::openpgp::SignatureFault;
use crate::sys::SysError;
use crate::unit::{Bytes, Digest};

/// Why one attempt failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The server answered with a status that is not success; `wait` is what it asked for (`Retry-After`).
    Status {
        /// The status code.
        code: u16,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
    },
    /// No connection.
    Connect(String),
    /// The server's certificate is not trusted.
    Certificate(String),
    /// Nothing, or next to nothing, came for this long.
    Stalled(Duration),
    /// The connection broke in the middle.
    Broken(String),
    /// It ended before all was there.
    Short {
        /// Bytes that came.
        got: u64,
        /// Bytes that were to come.
        promised: u64,
    },
    /// It went on after all was there; the rest was not read.
    Long {
        /// Bytes that were to come.
        promised: u64,
    },
    /// The server says that the file has another size.
    Size {
        /// Bytes it has.
        got: u64,
        /// Bytes it was to have.
        promised: u64,
    },
    /// The bytes are not the promised ones.
    Digest {
        /// What came.
        got: Digest,
        /// What was to come.
        promised: Vec<Digest>,
    },
    /// A redirect that is not followed.
    Redirect(String),
    /// The server does not speak HTTP as it should.
    Protocol(String),
    /// The content is not what its place is for.
    Content(String),
    /// There is no signature, and there must be one.
    Unsigned,
    /// The signature does not count.
    Signature(SignatureFault),
    /// The network must not be used.
    Offline,
    /// A file of this host that cannot be read.
    Local(SysError),
}

impl Cause {
    /// Whether the same server may do better a moment later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500..=599),
            Self::Connect(_) | Self::Stalled(_) | Self::Broken(_) | Self::Short { .. } => true,
            _ => false,
        }
    }

    /// How long the server wants to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status { wait, .. } => *wait,
            _ => None,
        }
    }

    /// What a failed request or a broken body came to.
    pub(super) fn of(error: &reqwest::Error, stall: Duration) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            if let Some(tls) = certificate(source) {
                return Self::Certificate(tls);
            }
            text = source.to_string();
            next = source.source();
        }
        match error {
            _ if error.is_redirect() => Self::Redirect(text),
            _ if error.is_connect() && error.is_timeout() => Self::Connect("no answer".to_owned()),
            _ if error.is_connect() => Self::Connect(text),
            _ if error.is_timeout() => Self::Stalled(stall),
            _ if error.is_builder() => Self::Protocol(text),
            _ => Self::Broken(text),
        }
    }

    /// What a failed read of a body came to.
    pub(super) fn of_read(error: &std::io::Error, stall: Duration) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
        inner.map_or_else(|| Self::Broken(error.to_string()), |error| Self::of(error, stall))
    }
}

/// What is wrong with a server's certificate, if that is the error. An error of input may have another one inside, which
/// is not its source.
fn certificate(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_)).then(|| tls.to_string());
    }
    certificate(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { code, .. } => write!(f, "HTTP {code}{}", reason(*code)),
            Self::Connect(text) => write!(f, "no connection: {text}"),
            Self::Stalled(time) => write!(f, "stalled for {} s", time.as_secs_f64()),
            Self::Broken(text) => write!(f, "connection broken: {text}"),
            Self::Short { got, promised } => {
                write!(f, "ended after {} of {}", Bytes(*got), Bytes(*promised))
            }
            Self::Long { promised } => write!(f, "longer than the promised {}", Bytes(*promised)),
            Self::Size { got, promised } => write!(f, "has {got} bytes, promised {promised}"),
            Self::Digest { got, promised } => {
                write!(f, "wrong bytes: {got}, promised")?;
                promised.iter().take(3).try_for_each(|digest| write!(f, " {digest}"))
            }
            Self::Redirect(text) => write!(f, "redirect refused: {text}"),
            Self::Protocol(text) => write!(f, "not proper HTTP: {text}"),
            Self::Certificate(text) | Self::Content(text) => f.write_str(text),
            Self::Unsigned => f.write_str("there is no signature (repomd.xml.asc), and repo_gpgcheck is on"),
            Self::Signature(fault) => fault.fmt(f),
            Self::Offline => f.write_str("the network is off"),
            Self::Local(error) => error.fmt(f),
        }
    }
}

fn reason(code: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(String::new, |reason| format!(" {}", reason.to_ascii_lowercase()))
}

/// What each place that was asked said last, in the order in which they were asked.
#[derive(Debug)]
pub struct Answers(pub(super) Vec<(String, Cause)>);

impl Answers {
    /// Keeps what `url` said last.
    pub(super) fn note(&mut self, url: String, cause: Cause) {
        self.0.retain(|(earlier, _)| *earlier != url);
        self.0.push((url, cause));
    }

    /// What the places said.
    pub fn causes(&self) -> impl Iterator<Item = &Cause> {
        self.0.iter().map(|(_, cause)| cause)
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (url, cause)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{url}: {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Answers {}
