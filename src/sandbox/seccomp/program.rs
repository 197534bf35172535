//! Programs of the kernel's filter machine, from statements a reviewer can follow. Jumps are short because every rule
//! ends in a verdict of its own.

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

/// A program, or the section of one architecture.
#[derive(Debug)]
pub(super) struct Program {
    arch: Option<Arch>,
    code: Vec<Instruction>,
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
    /// A whole program: sections are appended.
    pub(super) fn new() -> Self {
        Self { arch: None, code: vec![statement(LOAD, ARCH)] }
    }

    /// A section; it starts with the call's number loaded.
    pub(super) fn for_arch(arch: Arch) -> Self {
        Self { arch: Some(arch), code: vec![statement(LOAD, NUMBER)] }
    }

    /// Whose section this is.
    pub(super) fn arch(&self) -> Option<Arch> {
        self.arch
    }

    /// Calls after `newest` do not exist; those of x32, which have a high bit set, are among them.
    pub(super) fn refuse_newer_than(&mut self, newest: u32) {
        self.code.extend([branch(JUMP_GREATER, newest, 0, 1), errno(libc::ENOSYS)]);
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

    /// What no rule was about is allowed.
    pub(super) fn allow(&mut self) {
        self.code.push(statement(RETURN, ALLOW));
    }

    /// Adds the section for calls of one architecture.
    pub(super) fn append_section(&mut self, audit: u32, section: Self) {
        self.code.push(branch(JUMP_EQUAL, audit, 1, 0));
        self.code.push(statement(JUMP, section.code.len() as u32));
        self.code.extend(section.code);
    }

    /// The whole program; calls of an architecture without a section kill.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        self.code.push(statement(RETURN, KILL_PROCESS));
        self.code
    }

    /// The low half of an argument.
    fn load(&self, argument: u8) -> Instruction {
        let low = if self.arch == Some(Arch::S390x) { 4 } else { 0 };
        statement(LOAD, ARGUMENTS + 8 * u32::from(argument) + low)
    }

    fn rule(&mut self, call: u32, body: &[Instruction]) {
        self.code.push(branch(JUMP_EQUAL, call, 0, body.len() as u8));
        self.code.extend_from_slice(body);
    }
}
