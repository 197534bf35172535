#!/usr/bin/env bash
# Runs the tests of limits in a virtual machine: as root and as an ordinary user over control groups of version 2, which a
# host with version 1 cannot show, and under the kernel of Debian 12, the oldest that is supported. The machine is emulated,
# which takes minutes; KILN_VM_ACCELERATOR=kvm uses the host's processor.
#
# usage: tests/vm.sh [TEST]      a part of the names of the sandbox's tests; `limits` by default
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

need() { command -v "$1" >/dev/null || { echo "vm: installing $2" >&2; apt-get install -y --no-install-recommends "$2" >/dev/null; }; }
need qemu-system-x86_64 qemu-system-x86
need mke2fs e2fsprogs
need cpio cpio

# The kernel and a shell for the first steps, unpacked and not installed.
cache=target/vm; mkdir -p "$cache"
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
if [ ! -d "$cache/$kernel" ]; then
    (cd "$work" && apt-get download "$kernel" busybox-static 2>/dev/null)
    for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
    mv "$work/unpacked" "$cache/$kernel"
fi
version=${kernel#linux-image-}
modules="$cache/$kernel/lib/modules/$version/kernel"

cargo build --quiet
tests=$(cargo test --no-run --test sandbox 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')

# The machine's root: the tests, kiln, and the programs that they use, from this host.
root="$work/root"; mkdir -p "$root"/{dev,proc,sys,tmp,run,etc/alternatives,root,var/tmp,home/ordinary,mnt}
for directory in usr/bin usr/lib usr/lib64 usr/sbin; do mkdir -p "$root/$directory"; done
for name in bin lib lib64 sbin; do ln -s "usr/$name" "$root/$name"; done
programs="sh bash cat ls mkdir chmod chown chgrp ln cp mv rm touch id head tail seq sleep wc grep sed cut tr sort uniq true false
    readlink stat stty tty setsid dd df du find kill mount umount mknod uname env hostname od expr tee timeout getent
    date yes unshare ps setpriv chrt nice ionice renice prlimit ipcs ipcmk setarch getfacl su chroot bwrap newuidmap newgidmap
    install script python3 perl awk mawk xargs diff cmp getfattr setfattr setcap getcap strace gdb ip ping mkfifo nproc free"
copy() { [ -e "$root$1" ] || { mkdir -p "$root$(dirname "$1")"; cp -L "$1" "$root$1"; }; }
libraries() { { ldd "$1" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do copy "$(realpath -s "$library" | sed 's,^/lib,/usr/lib,')"; done || true; }
for program in $programs; do
    path=$(PATH=/usr/sbin:/usr/bin type -P "$program" || true); [ -n "$path" ] && [ -f "$path" ] || continue
    path=$(realpath -s "$path" | sed 's,^/bin,/usr/bin,; s,^/sbin,/usr/sbin,')
    copy "$path"; libraries "$path"
done
chmod u+s "$root"/usr/bin/newuidmap "$root"/usr/bin/newgidmap "$root"/usr/bin/su 2>/dev/null || true
python=$(realpath -m /usr/lib/python3*/os.py | head -n 1 | xargs dirname)
[ ! -d "$python" ] || { mkdir -p "$root$python"; cp -r "$python"/. "$root$python/"; find "$root$python" -name test -prune -exec rm -rf {} +; }
cp "$tests" "$root/root/tests"; cp target/debug/kiln "$root/root/kiln"; chmod 755 "$root/root" "$root"/root/*
libraries "$tests"; libraries target/debug/kiln
for library in /lib/x86_64-linux-gnu/libnss_files.so.2 /lib/x86_64-linux-gnu/libgcc_s.so.1; do [ ! -e $library ] || copy "/usr$library"; done
printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\nordinary:x:1000:1000::/home/ordinary:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\nordinary:x:1000:\n' > "$root/etc/group"
echo ordinary:100000:65536 | tee "$root/etc/subuid" > "$root/etc/subgid"
cat > "$root/root/run" <<'END'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin TMPDIR=/tmp HOME=/root KILN_TEST_PROGRAM=/root/kiln RUST_BACKTRACE=0 KILN_TEST_PATIENCE=10
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup; chmod 1777 /tmp /var/tmp; chmod 666 /dev/null; ip link set lo up 2>/dev/null
filter=$(sed -n 's/.*kiln.filter=\([^ ]*\).*/\1/p' /proc/cmdline)
echo "vm: $(uname -r), control groups: $(cat /sys/fs/cgroup/cgroup.controllers)"
cd /root
# Root's own group must have no processes of its own when it gives its controllers on.
mkdir /sys/fs/cgroup/machine; echo $$ > /sys/fs/cgroup/machine/cgroup.procs
for controller in cpu memory pids io cpuset; do echo +$controller > /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; done
./tests $filter --test-threads 2 --skip ordinary; result=$?
# A user whose group was delegated, as a session manager does it.
mkdir -p /sys/fs/cgroup/user/session; chown -R ordinary:ordinary /sys/fs/cgroup/user
for controller in cpu memory pids; do echo +$controller > /sys/fs/cgroup/user/cgroup.subtree_control 2>/dev/null; done
(echo $BASHPID > /sys/fs/cgroup/user/session/cgroup.procs; HOME=/home/ordinary setpriv --reuid 1000 --regid 1000 --init-groups ./tests $filter --test-threads 2 --skip ordinary); [ $? = 0 ] || result=1
echo "vm: result $result"
echo o > /proc/sysrq-trigger; sleep 10
END
chmod 755 "$root/root/run"
size=$(( $(du -sm "$root" | cut -f1) + 600 ))
mke2fs -q -t ext4 -d "$root" "$work/disk" "${size}m"

# The first steps: what the disk needs, in this order, then the disk.
needed="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk overlay"
first="$work/first"; mkdir -p "$first"/{bin,dev,proc,disk,modules}
cp "$cache/$kernel/bin/busybox" "$first/bin/"
for module in $needed; do
    file=$(find "$modules" -name "$module.ko" | head -n 1); [ -z "$file" ] || cp "$file" "$first/modules/"
done
cat > "$first/init" <<END
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev; /bin/busybox mount -t proc proc /proc
for module in $needed; do
    [ ! -e /modules/\$module.ko ] || /bin/busybox insmod /modules/\$module.ko
done
/bin/busybox mount -t ext4 /dev/vda /disk || exec /bin/busybox sh
/bin/busybox umount /proc
exec /bin/busybox switch_root /disk /root/run
END
chmod 755 "$first/init"
(cd "$first" && find . | cpio -o -H newc --quiet) | gzip -1 > "$work/initrd"

# A host that is itself a virtual machine often has a KVM that cannot run this, so it is used only where it is asked for.
accelerator=${KILN_VM_ACCELERATOR:-tcg}
timeout 1500 qemu-system-x86_64 -machine q35,accel=$accelerator -cpu max -smp 2 -m 2048 -nographic -no-reboot -nic none \
    -kernel "$cache/$kernel/boot/vmlinuz-$version" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet panic=-1 kiln.filter=${1:-limits}" \
    -drive "file=$work/disk,format=raw,if=virtio" | tee "$work/log"
grep -q "vm: result 0" "$work/log"
