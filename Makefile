# Thin on purpose: what each target does is said by the command it runs.
CARGO ?= cargo

.PHONY: all demo test lint bench deps

all:
	$(CARGO) build --release

# Builds GNU hello in a root made of Clay, the test distribution, and says where the package is.
demo: deps
	tests/demo.sh

# Everything, as root and as an ordinary user; needs no network but the host's Debian archive, for Clay.
test: deps
	$(CARGO) run --quiet --package clay -- make
	$(CARGO) run --quiet --package clay -- sources
	$(CARGO) test --workspace --quiet

lint:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

bench:
	@echo "kiln has no benchmarks yet" >&2; exit 1

# What the tests compare with and a new machine lacks. kiln itself needs none of it.
deps:
	tests/deps.sh
