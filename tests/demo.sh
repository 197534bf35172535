#!/bin/sh
# Builds GNU hello, with its tests, in a root made of Clay, and says where the package is and what each stage took.
set -eu
cd "$(dirname "$0")/.."

cargo build --quiet --package kiln --package clay
target=${CARGO_TARGET_DIR:-target}
kiln=$target/debug/kiln
clay=$target/clay

echo "== Clay, the test distribution" >&2
"$target/debug/clay" make >/dev/null
source=$("$target/debug/clay" sources hello)

export KILN_RELEASE="$clay/clay-1-x86_64.toml" KILN_STORE="${KILN_STORE:-$target/demo-store}"
work=$target/demo
rm -rf "$work"
mkdir -p "$work/sources"
cp "$source" "$work/sources/"

echo "== the source package" >&2
"$kiln" srpm --spec tests/build/specs/hello.spec --sources "$work/sources" --result "$work/source" >/dev/null

echo "== the build" >&2
"$kiln" build --result "$work/result" "$work"/source/hello-*.src.rpm >/dev/null

package=$(ls "$work"/result/hello-2*.x86_64.rpm)
echo "== the package greets from a fresh root" >&2
"$kiln" run --install "$package" -- hello >&2

echo "== stages" >&2
cat "$work/result/state.log" >&2
echo "$package"
