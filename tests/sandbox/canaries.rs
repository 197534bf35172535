//! What lives on the host while hostile code runs, and must not notice.

use std::io::Read as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

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

fn visit(bench: &Bench, phase: Phase, change: impl FnOnce(&mut SandboxSpec), at: (&str, u16)) -> String {
    let mut spec = sh(phase, "");
    spec.steps.push(Step::Bind {
        from: HostPath::new(std::env::current_exe().unwrap()),
        to: RootPath::new("/attack").unwrap(),
        access: Access::ReadOnly,
    });
    spec.environment.insert(ABSTRACT.to_owned(), at.0.to_owned());
    spec.environment.insert(PORT.to_owned(), at.1.to_string());
    let arguments = ["/attack", "--exact", "canaries::inside", "--nocapture"];
    spec.command = Command::Program { argv: arguments.map(str::to_owned).into() };
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
    canary.kill().unwrap();
    canary.wait().unwrap();
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
    let mut found = 0;
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
            }
        }
    }
    assert!(found >= 1, "the programs are there");
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
    let path = mark.path().display();
    let script = format!(
        "cat {path} /proc/1/root{path} /proc/self/root/../../..{path} ../../../..{path}; \
         for d in /proc/[0-9]*; do cat $d/root{path} $d/cwd{path}; done"
    );
    for phase in [Phase::Build, Phase::Install] {
        let (_, output) = bench.run(&sh(phase, &format!("({script}) 2>/dev/null")));
        assert!(!output.contains("mark"), "{phase:?}: {output}");
    }
    let mut text = String::new();
    std::fs::File::open(mark.path()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a mark of the host");
}
