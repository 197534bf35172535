#!/bin/sh
# Runs every fuzz target, or those that are named, for FUZZ_SECONDS each (60). A finding ends the run with the input's path.
#
# libFuzzer needs the coverage that rustc can put in on stable, and a C++ compiler for itself; cargo-fuzz and a nightly
# compiler are not needed (and work, too: `cargo fuzz run TARGET` in this directory).
set -eu

cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"

command -v c++ >/dev/null || { echo "libFuzzer needs a C++ compiler: install g++ or clang" >&2; exit 1; }
# With --target the flags do not reach build scripts, which are not to be fuzzed.
RUSTFLAGS="--cfg fuzzing -Cdebug-assertions $coverage" cargo build --quiet --target "$host"

[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml | grep -vx -e kiln-fuzz -e seeds)
for target in "$@"; do
    echo "$target: $seconds s"
    mkdir -p "corpus/$target"
    seeds=
    [ ! -d "seeds/$target" ] || seeds="seeds/$target"
    # shellcheck disable=SC2086
    "target/$host/debug/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=16384 \
        -artifact_prefix="corpus/finding-$target-" -print_final_stats=1 -verbosity=0 "corpus/$target" $seeds 2>corpus/log-$target ||
        { tail -n 40 "corpus/log-$target" >&2; exit 1; }
    sed -n 's/^stat::number_of_executed_units: *\(.*\)/    \1 inputs/p' "corpus/log-$target"
done
