//! What kiln does beside what rpm itself does with the same packages. Where the host has no rpm, the cases are skipped
//! and say so.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says what it skipped")]

mod files;
mod hard;
mod known;
mod merged;
mod oracle;
mod order;
mod scale;
mod scripts;
mod support;
mod transaction;
mod tree;
mod users;
