//! Programs of the kernel's filter machine, from statements a reviewer can follow.
//!
//! A call finds its rule by halves, in seven steps and not in a hundred: when a filter is installed, the kernel runs it
//! once for every call that there is.

use std::collections::BTreeMap;

use super::table::Arch;
use crate::sys::seccomp::Instruction;

// Opcodes of classic BPF, as far as they are used.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

// Verdicts of seccomp.
const ALLOW: u32 = 0x7FFF_0000;
const ERRNO: u32 = 0x0005_0000;
const KILL_PROCESS: u32 = 0x8000_0000;

// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

const AF_UNIX: u32 = libc::AF_UNIX as u32;
const AF_INET: u32 = libc::AF_INET as u32;
const AF_INET6: u32 = libc::AF_INET6 as u32;
const AF_NETLINK: u32 = libc::AF_NETLINK as u32;
const NETLINK_ROUTE: u32 = libc::NETLINK_ROUTE as u32;

/// A whole program.
#[derive(Debug)]
pub(super) struct Program {
    code: Vec<Instruction>,
}

/// What becomes of the calls of one architecture. What no rule is about is allowed.
#[derive(Debug)]
pub(super) struct Section {
    arch: Arch,
    newest: u32,
    /// Every rule ends in a verdict.
    rules: BTreeMap<u32, Vec<Instruction>>,
}

fn statement(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

/// Goes `yes` instructions further when true, `no` when not.
fn branch(code: u16, k: u32, yes: u8, no: u8) -> Instruction {
    Instruction { code, jt: yes, jf: no, k }
}

fn errno(number: i32) -> Instruction {
    statement(RETURN, ERRNO | number as u32)
}

impl Program {
    /// One without a section.
    pub(super) fn new() -> Self {
        Self { code: vec![statement(LOAD, ARCH)] }
    }

    /// Adds the section for calls of one architecture.
    pub(super) fn append_section(&mut self, audit: u32, section: &Section) {
        let mut code = vec![statement(LOAD, NUMBER)];
        code.extend(search(&section.ranges()));
        self.code.push(branch(JUMP_EQUAL, audit, 1, 0));
        self.code.push(statement(JUMP, code.len() as u32));
        self.code.extend(code);
    }

    /// The whole program; calls of an architecture without a section kill.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        self.code.push(statement(RETURN, KILL_PROCESS));
        self.code
    }
}

/// Numbers from this one on, up to the next range, and what becomes of them.
type Range = (u32, Vec<Instruction>);

/// Goes to the range that holds the number which is loaded.
fn search(ranges: &[Range]) -> Vec<Instruction> {
    let (lower, upper) = match ranges {
        [] => return Vec::new(),
        [(_, body)] => return body.clone(),
        _ => ranges.split_at(ranges.len() / 2),
    };
    let last = upper[0].0 - 1;
    let lower = search(lower);
    let mut code = match u8::try_from(lower.len()) {
        Ok(length) => vec![branch(JUMP_GREATER, last, length, 0)],
        Err(_) => vec![branch(JUMP_GREATER, last, 0, 1), statement(JUMP, lower.len() as u32)],
    };
    code.extend(lower);
    code.extend(search(upper));
    code
}

impl Section {
    /// One without rules. Calls after `newest` do not exist; those of x32, which have a high bit set, are among them.
    pub(super) fn new(arch: Arch, newest: u32) -> Self {
        Self { arch, newest, rules: BTreeMap::new() }
    }

    /// Whose section this is.
    pub(super) fn arch(&self) -> Arch {
        self.arch
    }

    /// The call fails with `number`, or succeeds without effect when that is zero.
    pub(super) fn answer(&mut self, call: u32, number: i32) {
        self.rule(call, &[errno(number)]);
    }

    /// The same when one of `bits` is set in an argument.
    pub(super) fn answer_if_any_bit(&mut self, call: u32, argument: u8, bits: u32, number: i32) {
        let load = self.load(argument);
        self.rule(call, &[load, branch(JUMP_ANY_BIT, bits, 0, 1), errno(number), statement(RETURN, ALLOW)]);
    }

    /// The same when the low half of an argument is one of `values`; the high half is ignored as the kernel does.
    pub(super) fn answer_if_equal(&mut self, call: u32, argument: u8, values: &[u32], number: i32) {
        let mut body = vec![self.load(argument)];
        for value in values {
            body.extend([branch(JUMP_EQUAL, *value, 0, 1), errno(number)]);
        }
        body.push(statement(RETURN, ALLOW));
        self.rule(call, &body);
    }

    /// Sockets other than unix, inet, inet6 and netlink's routes are of no known family.
    pub(super) fn answer_unless_family(&mut self, call: u32) {
        let body = [
            self.load(0),
            branch(JUMP_EQUAL, AF_UNIX, 6, 0),
            branch(JUMP_EQUAL, AF_INET, 5, 0),
            branch(JUMP_EQUAL, AF_INET6, 4, 0),
            branch(JUMP_EQUAL, AF_NETLINK, 0, 2),
            self.load(2),
            branch(JUMP_EQUAL, NETLINK_ROUTE, 1, 0),
            errno(libc::EAFNOSUPPORT),
            statement(RETURN, ALLOW),
        ];
        self.rule(call, &body);
    }

    /// Making a node of a device succeeds without effect.
    pub(super) fn answer_if_device(&mut self, call: u32, mode_argument: u8) {
        let body = [
            self.load(mode_argument),
            statement(AND, libc::S_IFMT),
            branch(JUMP_EQUAL, libc::S_IFCHR, 1, 0),
            branch(JUMP_EQUAL, libc::S_IFBLK, 0, 1),
            errno(0),
            statement(RETURN, ALLOW),
        ];
        self.rule(call, &body);
    }

    /// All numbers there can be, in order.
    fn ranges(&self) -> Vec<Range> {
        let allowed = || vec![statement(RETURN, ALLOW)];
        let mut starts = BTreeMap::from([(0, allowed())]);
        starts.extend(self.rules.keys().map(|call| (call + 1, allowed())));
        starts.extend(self.rules.clone());
        starts.retain(|call, _| *call <= self.newest);
        starts.insert(self.newest + 1, vec![errno(libc::ENOSYS)]);
        let mut ranges: Vec<_> = starts.into_iter().collect();
        ranges.dedup_by(|next, last| next.1 == last.1);
        ranges
    }

    /// The low half of an argument.
    fn load(&self, argument: u8) -> Instruction {
        let low = if self.arch == Arch::S390x { 4 } else { 0 };
        statement(LOAD, ARGUMENTS + 8 * u32::from(argument) + low)
    }

    fn rule(&mut self, call: u32, body: &[Instruction]) {
        self.rules.insert(call, body.to_vec());
    }
}
