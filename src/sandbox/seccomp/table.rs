//! What the filter says about each system call that is not simply allowed, and its number on every architecture.
//! A call that is not listed is allowed when it is not newer than this table.

use super::Verdict::{
    self, Absent, Family, Ioctl, Multiplexed, Namespaces, Nested, Node, Owner, Refuse, RefuseInBuild, Sync,
};

/// The architectures, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    I386,
    Aarch64,
    Ppc64le,
    Riscv64,
    S390x,
}

/// One line: a call, the verdict, its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub name: &'static str,
    pub verdict: Verdict,
    numbers: [u32; 6],
}

impl Row {
    /// The call's number on an architecture that has it.
    pub(super) fn number(&self, arch: Arch) -> Option<u32> {
        Some(self.numbers[arch as usize]).filter(|number| *number != NO)
    }
}

/// The newest call that was known when this table was made, `file_setattr` of Linux 6.17; the numbers of new calls are
/// the same everywhere.
pub(super) const NEWEST: u32 = 469;

/// There is no such call.
const NO: u32 = u32::MAX;

const fn row(name: &'static str, verdict: Verdict, numbers: [u32; 6]) -> Row {
    Row { name, verdict, numbers }
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    //                             x86_64, i386, aarch64, ppc64le, riscv64, s390x
    // Modules, kernels, swap, the whole machine.
    row("init_module", Refuse, [175, 128, 105, 128, 105, 128]),
    row("finit_module", Refuse, [313, 350, 273, 353, 273, 344]),
    row("delete_module", Refuse, [176, 129, 106, 129, 106, 129]),
    row("create_module", Refuse, [174, 127, NO, 127, NO, 127]),
    row("kexec_load", Refuse, [246, 283, 104, 268, 104, 277]),
    row("kexec_file_load", Refuse, [320, NO, 294, 382, 294, 381]),
    row("reboot", Refuse, [169, 88, 142, 88, 142, 88]),
    row("swapon", Refuse, [167, 87, 224, 87, 224, 87]),
    row("swapoff", Refuse, [168, 115, 225, 115, 225, 115]),
    row("acct", Refuse, [163, 51, 89, 51, 89, 51]),
    row("quotactl", Refuse, [179, 131, 60, 131, 60, 131]),
    row("syslog", Refuse, [103, 103, 116, 103, 116, 103]),
    row("nfsservctl", Refuse, [180, 169, 42, 168, 42, 169]),
    row("uselib", Refuse, [134, 86, NO, 86, NO, 86]),
    row("sysfs", Refuse, [139, 135, NO, 135, NO, 135]),
    row("ustat", Refuse, [136, 62, NO, 62, NO, 62]),
    row("vhangup", Refuse, [153, 111, 58, 111, 58, 111]),
    row("lookup_dcookie", Refuse, [212, 253, 18, 235, 18, 110]),
    // Clocks.
    row("settimeofday", Refuse, [164, 79, 170, 79, 170, 79]),
    row("clock_settime", Refuse, [227, 264, 112, 245, 112, 259]),
    row("clock_settime64", Refuse, [NO, 404, NO, NO, NO, NO]),
    row("stime", Refuse, [NO, 25, NO, 25, NO, NO]),
    // Hardware.
    row("iopl", Refuse, [172, 110, NO, 110, NO, NO]),
    row("ioperm", Refuse, [173, 101, NO, 101, NO, NO]),
    row("modify_ldt", Refuse, [154, 123, NO, 123, NO, NO]),
    row("vm86", Refuse, [NO, 166, NO, 113, NO, NO]),
    row("vm86old", Refuse, [NO, 113, NO, NO, NO, NO]),
    row("pciconfig_read", Refuse, [NO, NO, NO, 198, NO, NO]),
    row("pciconfig_write", Refuse, [NO, NO, NO, 199, NO, NO]),
    row("pciconfig_iobase", Refuse, [NO, NO, NO, 200, NO, NO]),
    row("rtas", Refuse, [NO, NO, NO, 255, NO, NO]),
    row("spu_create", Refuse, [NO, NO, NO, 279, NO, NO]),
    row("spu_run", Refuse, [NO, NO, NO, 278, NO, NO]),
    row("s390_pci_mmio_read", Refuse, [NO, NO, NO, NO, NO, 353]),
    row("s390_pci_mmio_write", Refuse, [NO, NO, NO, NO, NO, 352]),
    // Tracing of the kernel, and paths around permissions.
    row("bpf", Refuse, [321, 357, 280, 361, 280, 351]),
    row("perf_event_open", Refuse, [298, 336, 241, 319, 241, 331]),
    row("userfaultfd", Refuse, [323, 374, 282, 364, 282, 355]),
    row("open_by_handle_at", Refuse, [304, 342, 265, 346, 265, 336]),
    row("fanotify_init", Refuse, [300, 338, 262, 323, 262, 332]),
    row("move_pages", Refuse, [279, 317, 239, 301, 239, 310]),
    row("migrate_pages", Refuse, [256, 294, 238, 258, 238, 287]),
    // Mounts and namespaces.
    row("mount", Nested, [165, 21, 40, 21, 40, 21]),
    row("umount", Nested, [NO, 22, NO, 22, NO, 22]),
    row("umount2", Nested, [166, 52, 39, 52, 39, 52]),
    row("pivot_root", Nested, [155, 217, 41, 203, 41, 217]),
    row("move_mount", Nested, [429, 429, 429, 429, 429, 429]),
    row("open_tree", Nested, [428, 428, 428, 428, 428, 428]),
    row("fsopen", Nested, [430, 430, 430, 430, 430, 430]),
    row("fsconfig", Nested, [431, 431, 431, 431, 431, 431]),
    row("fsmount", Nested, [432, 432, 432, 432, 432, 432]),
    row("fspick", Nested, [433, 433, 433, 433, 433, 433]),
    row("mount_setattr", Nested, [442, 442, 442, 442, 442, 442]),
    row("setns", Nested, [308, 346, 268, 350, 268, 339]),
    row("sethostname", Nested, [170, 74, 161, 74, 161, 74]),
    row("setdomainname", Nested, [171, 121, 162, 121, 162, 121]),
    // Large attack surface, or not divided by namespaces; programs have a way to do without.
    row("clone3", Absent, [435, 435, 435, 435, 435, 435]),
    row("add_key", Absent, [248, 286, 217, 269, 217, 278]),
    row("request_key", Absent, [249, 287, 218, 270, 218, 279]),
    row("keyctl", Absent, [250, 288, 219, 271, 219, 280]),
    row("io_uring_setup", Absent, [425, 425, 425, 425, 425, 425]),
    row("io_uring_enter", Absent, [426, 426, 426, 426, 426, 426]),
    row("io_uring_register", Absent, [427, 427, 427, 427, 427, 427]),
    row("quotactl_fd", Absent, [443, 443, 443, 443, 443, 443]),
    row("open_tree_attr", Absent, [467, 467, 467, 467, 467, 467]),
    row("_sysctl", Absent, [156, 149, NO, 149, NO, 149]),
    // A build has no reason to change its root.
    row("chroot", RefuseInBuild, [161, 61, 51, 61, 51, 61]),
    // New namespaces, by their flags.
    row("unshare", Namespaces, [272, 310, 97, 282, 97, 303]),
    row("clone", Namespaces, [56, 120, 220, 120, 220, 120]),
    // Typing into a terminal, by the request.
    row("ioctl", Ioctl, [16, 54, 29, 54, 29, 54]),
    // Socket families.
    row("socket", Family, [41, 359, 198, 326, 198, 359]),
    row("socketpair", Family, [53, 360, 199, 333, 199, 360]),
    // All socket calls in one, with the family out of sight.
    row("socketcall", Multiplexed, [NO, 102, NO, 102, NO, 102]),
    // Nothing that is thrown away has to be on disk.
    row("sync", Sync, [162, 36, 81, 36, 81, 36]),
    row("fsync", Sync, [74, 118, 82, 118, 82, 118]),
    row("fdatasync", Sync, [75, 148, 83, 148, 83, 148]),
    row("syncfs", Sync, [306, 344, 267, 348, 267, 338]),
    row("sync_file_range", Sync, [277, 314, 84, NO, 84, 307]),
    row("sync_file_range2", Sync, [NO, NO, NO, 308, NO, NO]),
    // One id only: owners cannot change, and installing must not fail for it.
    row("chown", Owner, [92, 182, NO, 181, NO, 212]),
    row("fchown", Owner, [93, 95, 55, 95, 55, 207]),
    row("lchown", Owner, [94, 16, NO, 16, NO, 198]),
    row("fchownat", Owner, [260, 298, 54, 289, 54, 291]),
    row("chown32", Owner, [NO, 212, NO, NO, NO, NO]),
    row("fchown32", Owner, [NO, 207, NO, NO, NO, NO]),
    row("lchown32", Owner, [NO, 198, NO, NO, NO, NO]),
    row("setgroups", Owner, [116, 81, 159, 81, 159, 206]),
    row("setgroups32", Owner, [NO, 206, NO, NO, NO, NO]),
    row("setuid", Owner, [105, 23, 146, 23, 146, 213]),
    row("setuid32", Owner, [NO, 213, NO, NO, NO, NO]),
    row("setgid", Owner, [106, 46, 144, 46, 144, 214]),
    row("setgid32", Owner, [NO, 214, NO, NO, NO, NO]),
    row("setreuid", Owner, [113, 70, 145, 70, 145, 203]),
    row("setreuid32", Owner, [NO, 203, NO, NO, NO, NO]),
    row("setregid", Owner, [114, 71, 143, 71, 143, 204]),
    row("setregid32", Owner, [NO, 204, NO, NO, NO, NO]),
    row("setresuid", Owner, [117, 164, 147, 164, 147, 208]),
    row("setresuid32", Owner, [NO, 208, NO, NO, NO, NO]),
    row("setresgid", Owner, [119, 170, 149, 169, 149, 210]),
    row("setresgid32", Owner, [NO, 210, NO, NO, NO, NO]),
    row("setfsuid", Owner, [122, 138, 151, 138, 151, 215]),
    row("setfsuid32", Owner, [NO, 215, NO, NO, NO, NO]),
    row("setfsgid", Owner, [123, 139, 152, 139, 152, 216]),
    row("setfsgid32", Owner, [NO, 216, NO, NO, NO, NO]),
    row("capset", Owner, [126, 185, 91, 184, 91, 185]),
    // One id only: device nodes cannot be made, by the file type.
    row("mknod", Node, [133, 14, NO, 14, NO, 14]),
    row("mknodat", Node, [259, 297, 33, 288, 33, 290]),
];
