//! Small repositories, made here, and what kiln makes of them: every form that metadata comes in, everything that a
//! release may say of a repository, and the command that shows the answer. None of them needs Clay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod filters;
mod forms;
mod hostile;
mod https;
mod modules;
mod proxies;
mod signatures;
mod solve;
mod support;
