//! The system call filter: a table of what is not allowed, and a compiler from the table to the kernel's filter
//! machine.
//!
//! Calls newer than the table do not exist for a build (`ENOSYS`), as on an older kernel: programs then fall back,
//! which they do not when told `EPERM`. Every architecture that the kernel runs has its own section, because a filter
//! for one alone is passed by programs of the other (`int 0x80` on `x86_64`); a section that is missing kills.

mod program;
mod table;

use crate::plan::{Machine, Nesting, Phase, Syncs, Tier};
use crate::sys::seccomp::Instruction;
use program::{Program, Section};
use table::{Arch, NEWEST, ROWS, Row};

/// What a line of the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// `EPERM`.
    Refuse,
    /// `EPERM` in a build, unless sandboxes may be made in it.
    RefuseInBuild,
    /// `EPERM`, unless sandboxes may be made inside.
    Nested,
    /// `ENOSYS`.
    Absent,
    /// `EPERM` when a flag asks for a new namespace.
    Namespaces,
    /// `EPERM` when the request types into a terminal.
    Ioctl,
    /// `EAFNOSUPPORT` for families that reach outside the network namespace or that nobody needs.
    Family,
    /// `ENOSYS` where 32-bit programs are guests; allowed where they are what the root is made of.
    Multiplexed,
    /// Success without effect where syncs are ignored.
    Sync,
    /// Success without effect where there is one id only, while installing.
    Owner,
    /// The same for nodes of devices; other nodes are made.
    Node,
}

/// What decides the filter besides the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profile {
    /// Install or build.
    pub phase: Phase,
    /// Whether the root is a 32-bit one.
    pub machine: Machine,
    /// Whether syncs do anything.
    pub syncs: Syncs,
    /// How ids are mapped.
    pub tier: Tier,
    /// Whether sandboxes can be made inside.
    pub nesting: Nesting,
}

/// The filter for this machine. On one that the table does not know, it lets nothing run.
pub(super) fn filter(profile: Profile) -> Vec<Instruction> {
    let machine = MACHINES.iter().find(|(name, _)| *name == std::env::consts::ARCH);
    compile(machine.map_or(&[], |(_, arches)| arches), profile)
}

/// The architectures whose programs run on a machine, by the machine's name.
const MACHINES: &[(&str, &[Arch])] = &[
    ("x86_64", &[Arch::X86_64, Arch::I386]),
    ("aarch64", &[Arch::Aarch64]),
    ("powerpc64", &[Arch::Ppc64le]),
    ("riscv64", &[Arch::Riscv64]),
    ("s390x", &[Arch::S390x]),
];

impl Arch {
    /// `AUDIT_ARCH_*`.
    fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xC000_003E,
            Self::I386 => 0x4000_0003,
            Self::Aarch64 => 0xC000_00B7,
            Self::Ppc64le => 0xC000_0015,
            Self::Riscv64 => 0xC000_00F3,
            Self::S390x => 0x8000_0016,
        }
    }
}

fn compile(arches: &[Arch], profile: Profile) -> Vec<Instruction> {
    let mut program = Program::new();
    for arch in arches {
        let mut section = Section::new(*arch, NEWEST);
        for row in ROWS {
            if let Some(number) = row.number(*arch) {
                add(&mut section, row, number, profile);
            }
        }
        program.append_section(arch.audit(), &section);
    }
    program.finish()
}

/// Every flag of `clone` that makes a namespace.
const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP) as u32;
/// A flag of `unshare` only; for `clone` the bit is part of a signal's number.
const NEW_TIME: u32 = 0x80;
/// `TIOCSTI` puts characters into a terminal's input, `TIOCLINUX` pastes on a console.
const TYPING: &[u32] = &[0x5412, 0x541C];

fn add(section: &mut Section, row: &Row, number: u32, profile: Profile) {
    let installing = profile.phase == Phase::Install;
    let flat = profile.nesting == Nesting::Refused;
    let one_id = profile.tier == Tier::SingleId && installing;
    match row.verdict {
        Verdict::Refuse => section.answer(number, libc::EPERM),
        Verdict::Nested if flat => section.answer(number, libc::EPERM),
        Verdict::RefuseInBuild if !installing && flat => section.answer(number, libc::EPERM),
        Verdict::Absent => section.answer(number, libc::ENOSYS),
        Verdict::Namespaces if flat => {
            let flags = if row.name == "unshare" { NEW_NAMESPACES | NEW_TIME } else { NEW_NAMESPACES };
            // s390x has the stack first.
            let argument = u8::from(row.name == "clone" && section.arch() == Arch::S390x);
            section.answer_if_any_bit(number, argument, flags, libc::EPERM);
        }
        Verdict::Ioctl => section.answer_if_equal(number, 1, TYPING, libc::EPERM),
        Verdict::Family => section.answer_unless_family(number),
        Verdict::Multiplexed if section.arch() == Arch::S390x => {}
        Verdict::Multiplexed if profile.machine == Machine::Native => section.answer(number, libc::ENOSYS),
        Verdict::Sync if profile.syncs == Syncs::Ignored => section.answer(number, 0),
        Verdict::Owner if one_id => section.answer(number, 0),
        Verdict::Node if one_id => section.answer_if_device(number, if row.name == "mknod" { 1 } else { 2 }),
        Verdict::RefuseInBuild
        | Verdict::Nested
        | Verdict::Namespaces
        | Verdict::Multiplexed
        | Verdict::Sync
        | Verdict::Owner
        | Verdict::Node => {}
    }
}

#[cfg(test)]
mod tests;
