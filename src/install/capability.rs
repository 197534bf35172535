//! File capabilities: the text in a header ─► the attribute that the kernel reads.
//!
//! The text is libcap's: clauses of capability names, an operator and flags, such as `cap_net_admin,cap_net_raw+ep`.

/// The attribute that holds them.
pub(super) const ATTRIBUTE: &str = "security.capability";

/// The kernel's names, in the order of their numbers.
const NAMES: &[&str] = &[
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// `VFS_CAP_REVISION_2`: the kernel adds the namespace's root id itself.
const REVISION: u32 = 0x0200_0000;
/// `VFS_CAP_FLAGS_EFFECTIVE`.
const EFFECTIVE: u32 = 1;

/// Effective, inheritable and permitted capabilities.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sets {
    effective: u64,
    inheritable: u64,
    permitted: u64,
}

/// The attribute of a text; nothing where it is not such a text, or where the kernel has no way to say it of a file.
pub(super) fn encode(text: &str) -> Option<Vec<u8>> {
    let mut sets = Sets::default();
    for clause in text.split_ascii_whitespace() {
        sets.apply(clause)?;
    }
    // For a file, effective is one bit: all or nothing.
    let all = sets.permitted | sets.inheritable;
    if sets.effective != 0 && sets.effective != all {
        return None;
    }
    let magic = REVISION | if sets.effective == 0 { 0 } else { EFFECTIVE };
    let halves = [sets.permitted, sets.inheritable, sets.permitted >> 32, sets.inheritable >> 32];
    let words = std::iter::once(magic).chain(halves.map(|half| half as u32));
    Some(words.flat_map(u32::to_le_bytes).collect())
}

impl Sets {
    fn apply(&mut self, clause: &str) -> Option<()> {
        let start = clause.find(['=', '+', '-'])?;
        let (names, mut rest) = clause.split_at(start);
        let mask = mask(names)?;
        // A list of nothing can only be set to something, not added to.
        if names.is_empty() && !rest.starts_with('=') {
            return None;
        }
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['=', '+', '-']).map_or(rest.len(), |at| at + 1);
            let flags = &rest[1..end];
            if operator == '=' {
                self.change("eip", |set| set & !mask)?;
            }
            self.change(flags, |set| if operator == '-' { set & !mask } else { set | mask })?;
            rest = &rest[end..];
        }
        Some(())
    }

    fn change(&mut self, flags: &str, work: impl Fn(u64) -> u64) -> Option<()> {
        for flag in flags.chars() {
            let set = match flag {
                'e' => &mut self.effective,
                'i' => &mut self.inheritable,
                'p' => &mut self.permitted,
                _ => return None,
            };
            *set = work(*set);
        }
        Some(())
    }
}

/// The capabilities of a list; no list and `all` are all of them.
fn mask(names: &str) -> Option<u64> {
    if names.is_empty() || names.eq_ignore_ascii_case("all") {
        return Some((1 << NAMES.len()) - 1);
    }
    names.split(',').try_fold(0, |mask, name| {
        let number = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some(mask | 1 << number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<u32>> {
        let bytes = encode(text)?;
        let word = |four: &[u8]| u32::from_le_bytes(four.try_into().unwrap());
        Some(bytes.chunks(4).map(word).collect())
    }

    #[test]
    fn texts_of_libcap_become_the_kernels_attribute() {
        let table: &[(&str, [u32; 5])] = &[
            ("cap_net_raw=p", [0x0200_0000, 1 << 13, 0, 0, 0]),
            ("cap_net_raw+ep", [0x0200_0001, 1 << 13, 0, 0, 0]),
            ("= cap_net_raw,cap_net_admin+ep", [0x0200_0001, 3 << 12, 0, 0, 0]),
            ("cap_net_admin,cap_net_raw=eip", [0x0200_0001, 3 << 12, 3 << 12, 0, 0]),
            ("cap_syslog=ep", [0x0200_0001, 0, 0, 1 << 2, 0]),
            ("cap_chown+pe cap_chown-e", [0x0200_0000, 1, 0, 0, 0]),
            ("CAP_SETUID=ep", [0x0200_0001, 1 << 7, 0, 0, 0]),
        ];
        for (text, expected) in table {
            assert_eq!(words(text), Some(expected.to_vec()), "{text}");
        }
        for text in ["cap_nothing=ep", "cap_chown", "cap_chown=x", "+ep", "cap_chown=ep cap_kill=p"] {
            assert_eq!(encode(text), None, "{text}");
        }
    }
}
