//! Which packages a root gets.
//!
//! A build root must have exactly the packages that dnf would put there, so the procedure is that of dnf's solver,
//! libsolv, written from its description: rules over packages (`rules`, `closure`, `rich`, `inferior`, `jobs`), a
//! search that decides, propagates and learns (`search`, `learn`, `decide`, `weak`), and a policy that orders
//! candidates (`policy`, `wishes`). Scope: packages to install into an empty root or beside packages that stay.
//!
//! The answer is a function of the request and the repositories' content: the order of packages in a file and of
//! repositories in a release does not reach it.

mod arch;
mod bits;
mod closure;
mod conflict;
mod decide;
mod explain;
mod explanation;
mod index;
mod inferior;
mod jobs;
mod learn;
mod lit;
mod minimal;
mod nearest;
mod policy;
mod pool;
mod prepare;
mod reason;
mod reasons;
mod request;
mod resolution;
mod rich;
mod rules;
mod run;
mod search;
mod spec;
#[cfg(test)]
mod tests;
mod weak;
mod whatprovides;
mod wishes;
mod words;

pub use conflict::Conflict;
pub use explanation::{Because, Explained, Explanation, Need, PassedOver, Why};
pub use request::{Best, Error, Files, RepoMetadata, Request, Weak};
pub use resolution::{Chosen, Resolution};
pub use run::{explain, solve};
