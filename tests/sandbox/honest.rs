//! What honest builds do, and what must work for them in both phases.

use kiln::plan::{Access, Command, Phase, SandboxSpec, Step};
use kiln::sandbox::Status;
use kiln::unit::{HostPath, RootPath};

use crate::support::{Bench, copy_program, sh};

/// A line of shell, and what it must print in both phases.
const LINES: &[(&str, &str)] = &[
    ("setarch -R true && echo ok", "ok"),
    ("setsid true && nice -n 5 true && echo ok", "ok"),
    ("mkfifo /builddir/f && test -p /builddir/f && echo ok", "ok"),
    ("touch /builddir/s && chmod 4755 /builddir/s && test -u /builddir/s && echo ok", "ok"),
    ("bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' 2>&1 | grep -o refused | head -n 1", "refused"),
    ("bash -c 'exec 3<>/dev/tcp/::1/9' 2>&1 | grep -o refused | head -n 1", "refused"),
    ("script -qec true /dev/null && echo ok", "ok"),
    ("getconf _NPROCESSORS_ONLN >/dev/null && echo ok", "ok"),
    ("ln -s a /builddir/l && mv /builddir/l /builddir/m && echo ok", "ok"),
    ("cd /builddir && mkdir -p a/b && mv a c && rm -r c && echo ok", "ok"),
    ("cp /usr/bin/true /tmp/true && /tmp/true && echo ok", "ok"),
    ("strace -f -o /tmp/trace sh -c 'true; /usr/bin/true' && grep -q exited /tmp/trace && echo ok", "ok"),
    ("python3 -c 'import multiprocessing as m; print(sum(m.Pool(2).map(abs, [-1, -2])))'", "3"),
    (
        "python3 -c 'import socket; s=socket.create_server((\"::1\", 0), family=socket.AF_INET6); \
      c=socket.create_connection(s.getsockname()[:2]); print(\"ok\")'",
        "ok",
    ),
    ("python3 -c 'import socket; a,b=socket.socketpair(); a.send(b\"ok\"); print(b.recv(2).decode())'", "ok"),
    (
        "python3 -c 'import pty,os; m,s=pty.openpty(); os.write(s,b\"ok\"); print(os.read(m,2).decode())'",
        "ok",
    ),
    (
        "python3 -c 'import os; fd=os.memfd_create(\"x\"); os.write(fd, open(\"/usr/bin/true\",\"rb\").read()); \
      print(os.spawnv(os.P_WAIT, f\"/proc/self/fd/{fd}\", [\"true\"]))'",
        "0",
    ),
    (
        "python3 -c 'import threading,time; t=[threading.Thread(target=time.sleep,args=(0,)) for _ in range(50)]; \
      [x.start() for x in t]; [x.join() for x in t]; print(\"ok\")'",
        "ok",
    ),
    ("ipcmk -M 4096 -Q -S 2 | grep -c id:", "3"),
    ("echo x > /dev/shm/x && cat /dev/shm/x", "x"),
    (
        "script -qec 'tty && test -t 0 && stty size >/dev/null && echo sized' /dev/null | tail -n 1 | tr -d '\\r'",
        "sized",
    ),
    ("(setsid sleep 0.1 & wait $!) && echo ok", "ok"),
    ("bash -c 'ulimit -s unlimited; ulimit -n 4096; ulimit -n'", "4096"),
    ("taskset -c $(taskset -cp $$ | grep -o '[0-9]*$') true && echo ok", "ok"),
    ("timeout 5 sleep 0 && echo ok", "ok"),
    ("getent hosts build | grep -c build", "1"),
    ("grep -c processor /proc/cpuinfo | sed 's/[1-9][0-9]*/some/'", "some"),
    ("head -c 4 /dev/urandom | wc -c", "4"),
];

/// `gdb` stops a program of its own and looks into it.
const DEBUGGER: &str = "HOME=/tmp gdb -q -nx -batch -ex 'starti' -ex 'info registers rip' -ex kill /usr/bin/true 2>&1 | grep -q '^rip' && echo ok";

#[test]
fn what_honest_builds_need_works() {
    let bench = Bench::new();
    for phase in [Phase::Build, Phase::Install] {
        let lines = LINES.iter().copied().chain([(DEBUGGER, "ok")]);
        let script =
            lines.clone().fold(String::new(), |script, (line, _)| script + "(" + line + "); echo ===; ");
        let (_, output) = bench.run(&sh(phase, &script));
        for ((line, expected), answer) in lines.zip(output.split("===\n")) {
            assert_eq!(answer.trim(), expected, "{phase:?}: {line}");
        }
    }
    assert_eq!(bench.run(&sh(Phase::Build, "id -u")).1, "1000\n");
}

/// A program of i386: `_exit(42)` by `int 0x80`, with the smallest header that the kernel takes.
const I386: &[u8] = &[
    0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // 32 bits, little endian
    2, 0, 3, 0, 1, 0, 0, 0, 0x54, 0x80, 0x04, 0x08, 0x34, 0, 0, 0, // an executable of i386, its entry
    0, 0, 0, 0, 0, 0, 0, 0, 0x34, 0, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 0, // one program header
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x04, 0x08, 0, 0x80, 0x04, 0x08, // load the whole file
    0x60, 0, 0, 0, 0x60, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0, // read and execute
    0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80, // mov eax, 1; mov ebx, 42; int 0x80
];

#[test]
#[cfg(target_arch = "x86_64")]
fn programs_of_32_bits_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (bytes, file) = (place.path().join("bytes"), place.path().join("small"));
    std::fs::write(&bytes, I386).unwrap();
    copy_program(&bytes, &file, "755");
    for phase in [Phase::Build, Phase::Install] {
        let mut spec = sh(phase, "");
        spec.steps.push(Step::Bind {
            from: HostPath::new(&file),
            to: RootPath::new("/small").unwrap(),
            access: Access::ReadOnly,
        });
        spec.command = Command::Program { argv: vec!["/small".to_owned()] };
        assert_eq!(bench.run(&spec).0.status, Status::Exited(42), "{phase:?}");
        let machine = kiln::plan::Machine::of("i686");
        assert_eq!(bench.run(&SandboxSpec { machine, ..sh(phase, "uname -m") }).1, "i686\n", "{phase:?}");
    }
}

/// The filter answers in the kernel's place, so a call with a descriptor that is none succeeds.
#[test]
fn syncs_do_nothing_while_installing_and_where_a_build_asks_for_it() {
    use kiln::plan::Syncs;
    let bench = Bench::new();
    let script = "python3 -c 'import os
try:
    os.fsync(99)
    print(\"ignored\")
except OSError:
    print(\"real\")'";
    assert_eq!(bench.run(&sh(Phase::Install, script)).1, "ignored\n");
    let mut build = sh(Phase::Build, script);
    assert_eq!(bench.run(&build).1, "real\n");
    build.syncs = Syncs::Ignored;
    assert_eq!(bench.run(&build).1, "ignored\n");
}
