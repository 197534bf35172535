#!/bin/sh
# Installs the peers and oracles that the tests use, where they are missing. kiln itself needs none of them.
set -eu

packages="rpm dnf createrepo-c libsolv-tools bubblewrap uidmap cpio zstd dpkg-dev debian-archive-keyring hyperfine strace tmux libcap2-bin attr xfsprogs btrfs-progs openssl gdb python3"

missing=
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "the tests need these packages:$missing" >&2
    echo "install them: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "installing for the tests:$missing" >&2
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
