#!/usr/bin/env bash
# All that is compared with rpm and dnf, and all that is done to a store: piece by piece, and the counts of all at the end.
# Where root may mount and the memory is large enough, it happens on a file system in memory: disks are slow at what rpm and
# sqlite do to be sure. Needs root.
#
# usage: tests/conformance.sh [PIECE]...      one or more of the names below; all by default
set -uo pipefail
cd "$(dirname "$0")/.."

# Name, test program, and what cargo test is told after it. A word with `=` is for the environment.
pieces() { cat <<'PIECES'
files       conformance   --skip hard:: --skip scale::
hard        conformance   KILN_CONFORMANCE_CASES=500 hard::
roots       conformance   --include-ignored scale::
kills       store         KILN_CRASHES=304 crash::
faults      store         KILN_FAULTS=150 faults::
full        store         KILN_FULL=50 full::
races       store         KILN_RACES=100 races::
stores      store         filesystems:: verify:: prune::
network     repositories  faults::
PIECES
}

if [ "$(id -u)" != 0 ]; then echo "conformance: only root can install with rpm" >&2; exit 1; fi

# What a piece prints is kept here; the file system in memory is mounted where nobody else sees it.
if [ -z "${KILN_CONFORMANCE_WORK:-}" ]; then
    cargo test --quiet --no-run --test conformance --test store --test repositories || exit 1
    work=$(mktemp -d "${TMPDIR:-/tmp}/kiln-conformance-XXXXXX"); chmod 0755 "$work"
    trap 'rm -rf "$work"' EXIT
    KILN_CONFORMANCE_WORK=$work unshare --mount --propagation private "$0" "$@"
    exit $?
fi
work=$KILN_CONFORMANCE_WORK
mkdir "$work/logs" "$work/scratch"
free=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
if [ "$free" -ge 12 ] && mount -t tmpfs -o mode=1777,size=$((free * 3 / 4))g tmpfs "$work/scratch"; then
    where="memory"
else
    chmod 1777 "$work/scratch"; where="disk"
fi
export TMPDIR="$work/scratch"

failed=0; began=$(date +%s)
run() {
    local name=$1 program=$2; shift 2
    local environment=() words=()
    for word in "$@"; do case $word in [A-Z]*=*) environment+=("$word");; *) words+=("$word");; esac; done
    local from; from=$(date +%s)
    echo "== $name"
    env "${environment[@]}" cargo test --quiet --test "$program" -- --nocapture --test-threads 1 "${words[@]}" 2>&1 |
        tee "$work/logs/$name"
    local status=${PIPESTATUS[0]} tests
    tests=$(sed -n 's/^test result:.* \([0-9]*\) passed; \([0-9]*\) failed.*/\1 passed, \2 failed/p' "$work/logs/$name")
    [ "$status" = 0 ] || failed=1
    printf '%-9s %s  %5d s   %s\n' "$name" "$([ "$status" = 0 ] && echo ok || echo FAILED)" \
        $(($(date +%s) - from)) "${tests:-it did not run}" >>"$work/summary"
}

chosen=" $* "
while read -r name program words; do
    # The words are separate arguments.
    # shellcheck disable=SC2086
    if [ "$chosen" = "  " ] || [[ $chosen == *" $name "* ]]; then run "$name" "$program" $words </dev/null; fi
done < <(pieces)
[ -s "$work/summary" ] || { echo "conformance: no piece is called so; there are: $(pieces | cut -d' ' -f1 | xargs)" >&2; exit 1; }

echo
echo "conformance: what was compared and tried, in $((($(date +%s) - began) / 60)) min, stores and roots in $where"
cat "$work/summary"
echo
sed -n 's/.*counted: //p' "$work"/logs/*
skipped=$(sed -n 's/.*\(skipped: .*\)/\1/p' "$work"/logs/* | sort -u)
[ -z "$skipped" ] || { echo; echo "$skipped"; }
known=$(sed -n '/known difference: /{s/.*known difference: //;p;n;p;n;p}' "$work"/logs/* | sed 's/^    /      /; t; s/^/   /')
[ -z "$known" ] || { echo; echo "where kiln differs from rpm on purpose, which the comparisons allow for:"; echo "$known"; }
echo
if [ "$failed" = 0 ]; then echo "conformance: no difference that is not listed above"; else echo "conformance: FAILED"; fi
exit "$failed"
