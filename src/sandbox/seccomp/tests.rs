use super::*;

const ALL: [Arch; 6] = [Arch::X86_64, Arch::I386, Arch::Aarch64, Arch::Ppc64le, Arch::Riscv64, Arch::S390x];
const BUILD: Profile = Profile {
    phase: Phase::Build,
    machine: Machine::Native,
    syncs: Syncs::Real,
    tier: Tier::Root,
    nesting: Nesting::Refused,
};
const INSTALL: Profile = Profile { phase: Phase::Install, syncs: Syncs::Ignored, ..BUILD };
const SINGLE: Profile = Profile { tier: Tier::SingleId, ..INSTALL };

/// What the program says: `Ok(())` allowed, an error number, or `KILL`.
fn verdict(program: &[Instruction], arch: Arch, call: u32, arguments: [u64; 3]) -> Result<(), i32> {
    let mut data = [0_u8; 64];
    let order = |word: u32| if arch == Arch::S390x { word.to_be_bytes() } else { word.to_le_bytes() };
    data[0..4].copy_from_slice(&call.to_ne_bytes());
    data[4..8].copy_from_slice(&arch.audit().to_ne_bytes());
    for (number, value) in arguments.into_iter().enumerate() {
        let bytes = if arch == Arch::S390x { value.to_be_bytes() } else { value.to_le_bytes() };
        data[16 + 8 * number..24 + 8 * number].copy_from_slice(&bytes);
    }
    let load = |offset: u32| {
        let bytes = data[offset as usize..offset as usize + 4].try_into().unwrap();
        let word = u32::from_ne_bytes(bytes);
        if offset < 16 { word } else { u32::from_ne_bytes(order(u32::from_le_bytes(bytes))) }
    };
    match run(program, load) {
        0x7FFF_0000 => Ok(()),
        0x8000_0000 => Err(KILL),
        answer => Err((answer & 0xFFFF) as i32),
    }
}

const KILL: i32 = -1;

/// The kernel's machine, as far as our programs use it.
fn run(program: &[Instruction], load: impl Fn(u32) -> u32) -> u32 {
    let (mut at, mut a) = (0, 0);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let mut jump = |condition: bool| at += usize::from(if condition { jt } else { jf });
        match code {
            0x20 => a = load(k),
            0x54 => a &= k,
            0x05 => at += k as usize,
            0x15 => jump(a == k),
            0x25 => jump(a > k),
            0x45 => jump(a & k != 0),
            0x06 => return k,
            _ => panic!("{code:#x}"),
        }
    }
}

fn number(name: &str, arch: Arch) -> u32 {
    ROWS.iter().find(|row| row.name == name).unwrap().number(arch).unwrap()
}

#[test]
fn every_refused_call_is_refused_on_every_architecture() {
    for arch in ALL {
        let program = compile(&[arch], BUILD);
        for row in ROWS {
            let Some(call) = row.number(arch) else { continue };
            let expected = match row.verdict {
                Verdict::Refuse | Verdict::RefuseInBuild | Verdict::Nested => Err(libc::EPERM),
                Verdict::Absent => Err(libc::ENOSYS),
                Verdict::Multiplexed if arch != Arch::S390x => Err(libc::ENOSYS),
                Verdict::Family => Err(libc::EAFNOSUPPORT),
                _ => Ok(()),
            };
            assert_eq!(verdict(&program, arch, call, [0; 3]), expected, "{} on {arch:?}", row.name);
        }
    }
}

#[test]
fn nesting_allows_mounts_and_namespaces_and_nothing_else() {
    for arch in ALL {
        let program = compile(&[arch], Profile { nesting: Nesting::Allowed, ..BUILD });
        for (call, flags) in
            [("mount", 0), ("setns", 0), ("chroot", 0), ("unshare", u64::from(NEW_NAMESPACES))]
        {
            assert_eq!(verdict(&program, arch, number(call, arch), [flags; 3]), Ok(()), "{call} on {arch:?}");
        }
        for row in ROWS.iter().filter(|row| matches!(row.verdict, Verdict::Refuse | Verdict::Absent)) {
            let Some(call) = row.number(arch) else { continue };
            assert!(verdict(&program, arch, call, [0; 3]).is_err(), "{} on {arch:?}", row.name);
        }
    }
}

#[test]
fn calls_newer_than_the_table_and_of_x32_do_not_exist() {
    let program = compile(&[Arch::X86_64, Arch::I386], BUILD);
    for call in [NEWEST + 1, 1000, 0x4000_0000, 0x4000_0027, u32::MAX] {
        assert_eq!(verdict(&program, Arch::X86_64, call, [0; 3]), Err(libc::ENOSYS), "{call}");
        assert_eq!(verdict(&program, Arch::I386, call, [0; 3]), Err(libc::ENOSYS), "{call}");
    }
    assert_eq!(verdict(&program, Arch::X86_64, NEWEST, [0; 3]), Ok(()));
}

#[test]
fn a_program_of_another_architecture_is_killed() {
    let program = compile(&[Arch::X86_64, Arch::I386], BUILD);
    assert_eq!(verdict(&program, Arch::Aarch64, 0, [0; 3]), Err(KILL));
    assert_eq!(verdict(&compile(&[Arch::X86_64], BUILD), Arch::I386, 20, [0; 3]), Err(KILL));
}

#[test]
fn new_namespaces_are_refused_by_flag_and_threads_are_not() {
    for arch in ALL {
        let program = compile(&[arch], INSTALL);
        let clone = |flags: u64| {
            let arguments =
                if arch == Arch::S390x { [0x7000_0000, flags, 0] } else { [flags, 0x7000_0000, 0] };
            verdict(&program, arch, number("clone", arch), arguments)
        };
        let thread = 0x003D_0F00_u64;
        assert_eq!(clone(thread), Ok(()), "{arch:?}");
        assert_eq!(clone(u64::from(libc::SIGCHLD as u32)), Ok(()));
        for flag in [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWNET, libc::CLONE_NEWCGROUP] {
            assert_eq!(clone(flag as u64 | libc::SIGCHLD as u64), Err(libc::EPERM), "{arch:?} {flag:#x}");
        }
        let unshare = |flags| verdict(&program, arch, number("unshare", arch), [flags, 0, 0]);
        assert_eq!(unshare(0x80), Err(libc::EPERM));
        assert_eq!(unshare(libc::CLONE_FILES as u64), Ok(()));
    }
}

#[test]
fn typing_into_a_terminal_is_refused_whatever_the_high_half_says() {
    for arch in ALL {
        let program = compile(&[arch], INSTALL);
        for request in [0x5412, 0x541C, 0x1_0000_5412, 0xFFFF_FFFF_0000_5412] {
            let answer = verdict(&program, arch, number("ioctl", arch), [0, request, 0]);
            assert_eq!(answer, Err(libc::EPERM), "{arch:?} {request:#x}");
        }
        assert_eq!(verdict(&program, arch, number("ioctl", arch), [0, 0x5401, 0]), Ok(()));
    }
}

#[test]
fn only_four_socket_families_exist() {
    for arch in ALL {
        let program = compile(&[arch], BUILD);
        for family in 0..64 {
            let expected = if [1, 2, 10, 16].contains(&family) { Ok(()) } else { Err(libc::EAFNOSUPPORT) };
            assert_eq!(
                verdict(&program, arch, number("socket", arch), [family, 1, 0]),
                expected,
                "{arch:?} {family}"
            );
        }
        let audit = [16, 3, 9];
        assert_eq!(verdict(&program, arch, number("socket", arch), audit), Err(libc::EAFNOSUPPORT));
    }
}

#[test]
fn a_32_bit_root_has_its_multiplexed_socket_calls() {
    let guest = compile(&[Arch::X86_64, Arch::I386], BUILD);
    let host = compile(&[Arch::X86_64, Arch::I386], Profile { machine: Machine::ThirtyTwoBit, ..BUILD });
    let call = number("socketcall", Arch::I386);
    assert_eq!(verdict(&guest, Arch::I386, call, [1, 0, 0]), Err(libc::ENOSYS));
    assert_eq!(verdict(&host, Arch::I386, call, [1, 0, 0]), Ok(()));
}

#[test]
fn syncs_are_ignored_while_installing_and_owners_only_with_a_single_id() {
    for arch in ALL {
        let says = |profile, name: &str, arguments| {
            verdict(&compile(&[arch], profile), arch, number(name, arch), arguments)
        };
        assert_eq!(says(INSTALL, "fsync", [0; 3]), Err(0));
        assert_eq!(says(BUILD, "fsync", [0; 3]), Ok(()));
        assert_eq!(says(INSTALL, "fchownat", [0; 3]), Ok(()));
        assert_eq!(says(SINGLE, "fchownat", [0; 3]), Err(0));
        assert_eq!(says(Profile { phase: Phase::Build, ..SINGLE }, "fchownat", [0; 3]), Ok(()));
        let mode = |kind: u32| [0, 0, u64::from(kind | 0o644)];
        assert_eq!(says(SINGLE, "mknodat", mode(libc::S_IFCHR)), Err(0));
        assert_eq!(says(SINGLE, "mknodat", mode(libc::S_IFBLK)), Err(0));
        assert_eq!(says(SINGLE, "mknodat", mode(libc::S_IFIFO)), Ok(()));
    }
}

#[test]
fn the_program_fits_the_kernel() {
    for profile in [BUILD, INSTALL, SINGLE] {
        let length = filter(profile).len();
        assert!(length < 1024, "{length} of 4096 instructions");
    }
}

#[test]
fn every_number_means_what_its_line_of_the_table_says_and_others_are_allowed() {
    for arch in ALL {
        let program = compile(&[arch], BUILD);
        for call in 0..=NEWEST {
            let rows: Vec<_> = ROWS.iter().filter(|row| row.number(arch) == Some(call)).collect();
            assert!(rows.len() <= 1, "{call} on {arch:?}: {rows:?}");
            let Some(row) = rows.first() else {
                assert_eq!(verdict(&program, arch, call, [0; 3]), Ok(()), "{call} on {arch:?}");
                continue;
            };
            let mut alone = Section::new(arch, NEWEST);
            add(&mut alone, row, call, BUILD);
            let mut of_it_alone = Program::new();
            of_it_alone.append_section(arch.audit(), &alone);
            let of_it_alone = of_it_alone.finish();
            for argument in [0, 1, 2, 16, 0x5412, 0x2000, 0x2_0000, 0x1000_0000] {
                let [both, one] = [&program, &of_it_alone].map(|it| verdict(it, arch, call, [argument; 3]));
                assert_eq!(both, one, "{} on {arch:?} with {argument:#x}", row.name);
            }
        }
    }
}
