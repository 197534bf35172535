//! Which packages a root gets.
//!
//! A build root must have exactly the packages that dnf would put there, so the procedure is that of dnf's solver,
//! libsolv, written from its description: rules over packages (`rules`, `closure`, `rich`, `inferior`, `jobs`), a
//! search that decides, propagates and learns (`search`, `learn`, `decide`, `weak`), and a policy that orders
//! candidates (`policy`, `wishes`). Scope: packages to install into an empty root or beside packages that stay.
//!
//! The answer is a function of the request and the repositories' content: the order of packages in a file and of
//! repositories in a release does not reach it.
//!
//! # The rule of choice
//!
//! Where several packages would do, this decides, and nothing else does.
//!
//! **Who is a candidate.** For a text such as `zlib`, the packages of that name and those that obsolete one of them; for
//! `zlib-1.3`, `zlib.i686` or a pattern, the packages it matches; else the packages that provide it or own the path. For
//! a requirement, every package that provides it. What an exclude, an include or a module filter keeps out is seen, and
//! cannot be taken. With [`Best::Only`], only what survives steps 1 to 4 will do for a text that was asked for.
//!
//! **Which candidate is taken.** Candidates are dropped step by step:
//!
//! 1. those of a repository with a lower priority (a higher number) than another candidate's;
//! 2. those of a worse architecture than another's; `noarch` is neither better nor worse;
//! 3. of each name, all but the newest version; of equal ones that of the cheaper repository stays;
//! 4. those that another candidate, of another name, obsoletes;
//! 5. those that nothing in the root recommends, if something in it recommends others (or they supplement what is there).
//!
//! What is left is put in order, a later step weighing more: by name; those that are not the newest of their name, or not
//! from the best repository that has the name, to the end; those that provide older versions of what others provide too,
//! behind those; what something in the root suggests, or what enhances it, to the front. The first is taken.
//!
//! **When it is taken.** First the texts, in the order in which they were asked. Then requirements whose candidates are
//! down to one after steps 1 to 5, each followed by its consequences, until only real choices are left; then one real
//! choice, and again. Requirements are visited from the package with the highest number down; numbers go by name, version,
//! architecture and repository. libsolv numbers packages as their document lists them, which for repositories made by
//! `createrepo_c` is nearly the same order; where the documents are in another order, this is the one place where dnf may
//! answer otherwise. What is recommended comes last, if it is wanted at all ([`Weak::Install`]), and only where it fits.
//!
//! **What is taken back.** A choice that leads to a contradiction is undone, and what was learnt from it forbids the way
//! there. At the end, a choice whose alternative is in the root anyway, or is recommended by what came later while the one
//! taken is not, is made again the other way.
//!
//! **Architectures.** Two architectures of one name may be in a root only if they share no colour (32 and 64 bits do not),
//! and the worse one only beside the same version of the better one, unless it was asked for by name.
//!
//! [`explain`] tells for every package of an answer which of these brought it in, and what was passed over at which step.

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
