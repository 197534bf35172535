//! RPM's words: EVR, NEVRA, architecture. Their order and equality are rpm's.

mod evr;
mod nevra;

pub use evr::{Evr, vercmp};
pub use nevra::{Nevra, NevraError};
