//! What lives on the host while hostile code runs, and must not notice.

use std::io::Read as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;

use kiln::plan::{Access, Command, Network, Phase, SandboxSpec, Step, Tier};
use kiln::unit::{HostPath, RootPath};

use crate::support::{Bench, sh};

const ABSTRACT: &str = "KILN_TEST_ABSTRACT";
const PORT: &str = "KILN_TEST_PORT";

/// What runs inside: tries to reach what lives outside.
#[test]
fn inside() {
    let (Ok(name), Ok(port)) = (std::env::var(ABSTRACT), std::env::var(PORT)) else { return };
    let address = SocketAddr::from_abstract_name(name).unwrap();
    let errno = |error: std::io::Error| error.raw_os_error().unwrap_or(-1);
    println!("abstract {:?}", UnixStream::connect_addr(&address).map(drop).map_err(errno));
    let port = port.parse().unwrap();
    println!("tcp {:?}", std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(errno));
}

/// The name of a file of the host's that nobody inside may find.
const MARK: &str = "KILN_TEST_MARK";

/// What runs inside: the oldest way out of a changed root, which only the root of a mount namespace ends.
#[test]
fn inside_out() {
    let Ok(mark) = std::env::var(MARK) else { return };
    let quote = |error: std::io::Error| error.raw_os_error().unwrap_or(-1);
    let outside = std::fs::File::open("/").unwrap();
    std::fs::create_dir_all("/tmp/jail").unwrap();
    println!("chroot {:?}", std::os::unix::fs::chroot("/tmp/jail").map_err(quote));
    rustix::process::fchdir(&outside).unwrap();
    for _ in 0..64 {
        std::env::set_current_dir("..").unwrap();
    }
    println!("again {:?}", std::os::unix::fs::chroot(".").map_err(quote));
    println!("sees attack {}, mark {}", Path::new("attack").exists(), Path::new(&mark[1..]).exists());
}

#[test]
fn whoever_leaves_a_changed_root_is_still_inside() {
    let bench = Bench::new();
    let mark = tempfile::NamedTempFile::new().unwrap();
    for (phase, may) in [(Phase::Build, "Err(1)"), (Phase::Install, "Ok(())")] {
        let mut spec = program("canaries::inside_out", phase);
        spec.environment.insert(MARK.to_owned(), mark.path().to_str().unwrap().to_owned());
        let output = bench.run(&spec).1;
        for line in [&format!("chroot {may}"), &format!("again {may}"), "sees attack true, mark false"] {
            assert!(output.contains(line), "{phase:?}: {line}: {output}");
        }
    }
}

/// A sandbox that runs a test of this program.
fn program(test: &str, phase: Phase) -> SandboxSpec {
    let mut spec = sh(phase, "");
    spec.steps.push(Step::Bind {
        from: HostPath::new(std::env::current_exe().unwrap()),
        to: RootPath::new("/attack").unwrap(),
        access: Access::ReadOnly,
    });
    let arguments = ["/attack", "--exact", test, "--nocapture"];
    spec.command = Command::Program { argv: arguments.map(str::to_owned).into() };
    spec
}

fn visit(bench: &Bench, phase: Phase, change: impl FnOnce(&mut SandboxSpec), at: (&str, u16)) -> String {
    let mut spec = program("canaries::inside", phase);
    spec.environment.insert(ABSTRACT.to_owned(), at.0.to_owned());
    spec.environment.insert(PORT.to_owned(), at.1.to_string());
    change(&mut spec);
    let output = bench.run(&spec).1;
    let lines = output.lines().filter_map(|line| {
        let at = ["abstract ", "tcp "].iter().find_map(|word| line.find(word))?;
        Some(&line[at..])
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn listeners_of_the_host_are_not_reached() {
    let bench = Bench::new();
    let name = format!("kiln-canary-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let canary = UnixListener::bind_addr(&address).unwrap();
    canary.set_nonblocking(true).unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = (name.as_str(), tcp.local_addr().unwrap().port());
    for phase in [Phase::Build, Phase::Install] {
        assert_eq!(visit(&bench, phase, |_| {}, at), "abstract Err(111); tcp Err(111)", "{phase:?}");
        assert!(canary.accept().is_err(), "nobody came");
        // With the host's network its services are given up; abstract sockets are not.
        let host = |spec: &mut SandboxSpec| spec.network = Network::Host;
        assert_eq!(visit(&bench, phase, host, at), "abstract Err(1); tcp Ok(())", "{phase:?}");
        assert!(canary.accept().is_err(), "nobody came");
        #[cfg(debug_assertions)]
        {
            let open = |spec: &mut SandboxSpec| {
                spec.network = Network::Host;
                spec.without = vec![kiln::plan::Guard::Landlock];
            };
            assert_eq!(visit(&bench, phase, open, at), "abstract Ok(()); tcp Ok(())", "{phase:?}");
            assert!(canary.accept().is_ok(), "the canary can be reached");
        }
    }
}

#[test]
fn a_process_with_the_same_ids_survives() {
    let bench = Bench::new();
    // The ids that the command has on the host, as far as this user can start a process with them.
    let map = bench.keeper.ids();
    let outside = map.uids[0].outside;
    let mut command = std::process::Command::new("sleep");
    command.arg("1000").stdin(std::process::Stdio::null());
    if map.tier == Tier::Root {
        std::os::unix::process::CommandExt::uid(&mut command, outside + 1000);
    }
    let mut canary = command.spawn().unwrap();
    for phase in [Phase::Build, Phase::Install] {
        let script = format!("kill -9 {}; kill -9 -1; sleep 10", canary.id());
        bench.run(&sh(phase, &script));
        assert!(canary.try_wait().unwrap().is_none(), "{phase:?} killed it");
    }
    #[cfg(debug_assertions)]
    assert!(is_killed_without_protection(map.tier, canary.id()), "it could be killed by nobody");
    let _ = canary.kill();
    canary.wait().unwrap();
}

/// Whether somebody with a process's ids kills it where he sees it: two layers keep him from it, and each is enough.
#[cfg(debug_assertions)]
fn is_killed_without_protection(tier: Tier, canary: u32) -> bool {
    use kiln::plan::Guard::{Landlock, ProcessNamespace};
    let attempt = |without: &[kiln::plan::Guard]| {
        let phase = if tier == Tier::SubordinateIds { Phase::Install } else { Phase::Build };
        let mut spec = sh(phase, &format!("kill -9 {canary} 2>/dev/null && echo killed"));
        spec.without = without.to_vec();
        Bench::new().run(&spec).1.contains("killed")
    };
    assert!(!attempt(&[ProcessNamespace]) && !attempt(&[Landlock]));
    attempt(&[ProcessNamespace, Landlock])
}

#[test]
fn set_id_programs_and_capabilities_that_a_build_leaves_are_of_no_use_to_the_host() {
    let bench = Bench::new();
    let script = "cp /usr/bin/id /builddir/s && chmod 4755 /builddir/s; \
                  setcap cap_setuid+ep /builddir/s 2>/dev/null; ls -l /builddir/s";
    for phase in [Phase::Build, Phase::Install] {
        let (_, output) = bench.run(&sh(phase, script));
        assert!(output.starts_with("-rwsr-xr-x"), "{phase:?}: {output}");
    }
    let mode = std::fs::metadata(&bench.store).unwrap().permissions().mode();
    assert_eq!(mode & 0o77, 0, "nobody else enters the store");
    let (mut found, mut capable) = (0, 0);
    let mut waiting = vec![bench.store.join("tmp")];
    while let Some(directory) = waiting.pop() {
        // What belongs to other ids may be closed to this user.
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.path().symlink_metadata() else { continue };
            if metadata.is_dir() {
                waiting.push(entry.path());
            } else if metadata.mode() & 0o4000 != 0 {
                found += 1;
                assert_ne!(metadata.uid(), 0, "{:?}", entry.path());
                if let Some(root) = root_of_capability(&entry.path()) {
                    // Of revision 3: it counts only where this id is root.
                    assert_eq!(root, bench.keeper.ids().uids[0].outside, "{:?}", entry.path());
                    capable += 1;
                }
            }
        }
    }
    assert!(found >= 1, "the programs are there");
    // An ordinary user is shown the attribute of its own namespace's root only.
    assert!(capable >= 1 || bench.keeper.ids().tier != Tier::Root, "a capability is there");
}

/// The root for whom a file's capability counts; the host's own where it is not said.
fn root_of_capability(path: &Path) -> Option<u32> {
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(path, "security.capability", &mut value).ok()?;
    Some(value[..length].get(20..24).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().unwrap())))
}

#[test]
fn a_tree_of_6000_levels_is_removed() {
    let bench = Bench::new();
    let script = "python3 -c 'import os
os.chdir(\"/builddir\")
for i in range(6000):
    os.mkdir(\"d\" * 100)
    os.chdir(\"d\" * 100)
open(\"x\", \"w\").close()
print(\"made\")'; mkdir -m 0 /builddir/closed";
    let (_, output) = bench.run(&sh(Phase::Build, script));
    assert_eq!(output, "made\n");
    bench.keeper.remove("tmp").unwrap();
    assert!(!bench.store.join("tmp").exists());
}

#[test]
fn a_sandbox_sees_nothing_of_another_one() {
    let bench = Bench::new();
    let first = bench.start(&sh(Phase::Build, "echo secret > /tmp/x; echo secret > /dev/shm/x; sleep 1000"));
    let script = "sleep 0.3; cat /tmp/* /dev/shm/* /builddir/* 2>/dev/null; ls /proc | grep -c '^[0-9]*$'";
    let (_, output) = bench.run(&sh(Phase::Build, script));
    assert!(!output.contains("secret"), "{output}");
    assert!(output.trim().parse::<u32>().unwrap() < 8, "{output}");
    drop(first);
}

#[test]
fn a_file_with_a_mark_outside_the_store_is_not_found() {
    let bench = Bench::new();
    let mut mark = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut mark, b"a mark of the host").unwrap();
    std::fs::set_permissions(mark.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let path = mark.path().display();
    let script = format!(
        "cat {path} /proc/1/root{path} /proc/self/root/../../..{path} ../../../..{path}; \
         for d in /proc/[0-9]*; do cat $d/root{path} $d/cwd{path}; done"
    );
    for phase in [Phase::Build, Phase::Install] {
        let (_, output) = bench.run(&sh(phase, &format!("({script}) 2>/dev/null")));
        assert!(!output.contains("mark"), "{phase:?}: {output}");
        let mut spec = sh(phase, &script);
        spec.steps.push(Step::Bind {
            from: HostPath::new(mark.path()),
            to: RootPath::new(mark.path().to_str().unwrap()).unwrap(),
            access: Access::ReadOnly,
        });
        assert!(bench.run(&spec).1.contains("a mark"), "{phase:?}: it is not even found where it is shown");
    }
    let mut text = String::new();
    std::fs::File::open(mark.path()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a mark of the host");
}
