# Thin on purpose: what each target does is said by the command it runs.
CARGO ?= cargo

.PHONY: all demo test test-vm conformance soak lint parity bench parts fuzz deps

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

# What kiln installs beside what rpm and dnf install: hard packages in 500 random sets, whole roots of Clay; kiln killed at 300
# random moments, calls that fail, 50 disks that are too small, 100 rounds of kilns that disturb each other. Needs root.
# PIECES names some of them: `make conformance PIECES="hard races"`.
conformance: deps
	$(CARGO) run --quiet --package clay -- make
	tests/conformance.sh $(PIECES)

# The tests of limits in a virtual machine with control groups of version 2 and Debian 12's kernel, as root and as a user with
# a delegated group; emulated, some minutes. VM is a part of the tests' names.
test-vm:
	tests/vm.sh $(VM)

# 200 builds in a row and 200 more, eight at once, as root and as an ordinary user: nothing of the host grows.
soak: deps
	$(CARGO) run --quiet --package clay -- make
	KILN_SOAK=200 $(CARGO) test --quiet --test build -- soak --nocapture

lint:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

# Asks kiln's solver and the host's dnf 1,000 random questions over each of two distributions, and every build root that
# releases begin with; exit 1 below 99.8 % equal answers. DATA is a directory with repositories, see `parity --help`; more
# arguments, such as `--seed 2 --weak --best`, go into PARITY. dnf's answers are kept in target/parity.
DATA ?= ../shared/data
parity:
	$(CARGO) run --quiet --profile measure --package parity -- --data $(DATA) $(PARITY)

# kiln beside the programs that people use today, as a table; as root, since dnf makes roots only for root.
# BENCH says more: rows, `--runs 3`, `--list`, `--scale DIR` (a whole distribution's repository).
bench: deps
	$(CARGO) build --quiet --release --workspace --bin kiln --bin bench
	"$${CARGO_TARGET_DIR:-target}/release/bench" $(BENCH)

# The parts alone: reading metadata, comparing versions, solving, reading headers, unpacking.
parts:
	$(CARGO) run --quiet --package clay -- make
	$(CARGO) bench --quiet --package bench

# What the tests compare with and a new machine lacks. kiln itself needs none of it.
deps:
	tests/deps.sh

# Every parser against made-up input, FUZZ_SECONDS (60) each; needs a C++ compiler, and the network for what it is built of.
fuzz:
	tests/fuzz/run.sh
