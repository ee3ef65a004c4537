# Building, running and testing on a machine that has git, make and a Rust compiler (rustup's, or none at all: Debian's
# is installed). `make` prints what there is.

# Where cargo puts what it builds and what it installs (bpf-linker).
TARGET  := $(or $(CARGO_TARGET_DIR),target)
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

# Root runs things directly, everybody else by sudo.
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)
# Builds as the user, runs the tests as root.
AS_ROOT := $(if $(SUDO),--config 'target."cfg(all())".runner = "sudo -E"')

# What the binary is built for that runs on any Linux. Its C is musl's.
STATIC  := $(shell uname -m)-unknown-linux-musl
export CC_$(subst -,_,$(STATIC)) := musl-gcc

# The crates that build for this machine; the exporter's build script builds the one for BPF.
CRATES  := --workspace --exclude doubleslit-ebpf
ARGS    :=
# How long each fuzz target runs.
FUZZ_SECONDS := 60

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run build static test unit-test kernel-test fuzz check docs bench deb setup setup-static setup-test clean

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## install what is missing, build, start the exporter: make run ARGS='--web.listen-address=…'
	@exec $(SUDO) $(TARGET)/release/doubleslit run $(ARGS)

build: setup ## install what is missing, build
	@cargo build --release --package doubleslit

static: setup setup-static ## install what is missing, build one file that runs on any Linux
	@cargo build --release --package doubleslit --target $(STATIC)
	@echo $(TARGET)/$(STATIC)/release/doubleslit

test: setup-test unit-test kernel-test ## install what is missing, run every test, those on a real kernel as root

# Unit tests with overflow checks and debug assertions, kernel tests with the exporter as it is shipped. One profile for
# both would save a quarter of the building: a minute and a half instead of two on 2 cores.
unit-test: setup
	@cargo test --no-fail-fast $(CRATES)

# The commands in README and docs are run as well. What they build is there then: the exporter without what tests add to its
# libraries, and xtask.
kernel-test: build setup-test
	@cargo build --release --package xtask
	@cargo build --release --package doubleslit --examples
	@if scripts/setup-static --can; then $(MAKE) --no-print-directory static; fi
	@cargo $(AS_ROOT) test --release --no-fail-fast --package doubleslit --test runtimes --test rollout --test kernel -- --ignored --test-threads=1

# The files that some targets write again and again are in memory.
fuzz: setup ## try the parsers with made-up bytes; needs cargo-fuzz, a nightly and a C++ compiler: make fuzz FUZZ_SECONDS=60
	@cd fuzz && export TMPDIR=$$(mktemp --directory --tmpdir=/dev/shm) && trap 'rm -rf "$$TMPDIR"' EXIT && \
	targets=$$(cargo +nightly fuzz list) && for target in $$targets; do \
	    mkdir -p "corpus/$$target" && \
	    cargo +nightly fuzz run "$$target" "corpus/$$target" "../exporter/tests/fixtures/parsers/$$target" \
	        -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 || exit 1; \
	done

check: setup ## what a change must pass besides the tests: format, lints, generated documents, dependencies
	@cargo fmt --all --check
	@cargo clippy --quiet $(CRATES) --all-targets -- -D warnings
	@cargo metadata --no-deps --format-version=1 --manifest-path=fuzz/Cargo.toml >/dev/null
	@cargo xtask docs --check
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; fi

docs: setup ## write the generated documents
	@cargo xtask docs

deb: build ## make a Debian package
	@scripts/package-deb $(TARGET)/release/doubleslit $(TARGET)

bench: setup ## measure costs, write docs/benchmarks.md: make bench ARGS='--only cost'
	@scripts/setup-test-runtimes
	@cargo build --release --package doubleslit
	@cargo $(AS_ROOT) run --quiet --release --package xtask -- bench $(ARGS)

setup:
	@scripts/setup-bpf-toolchain

setup-static:
	@scripts/setup-static

setup-test: setup
	@scripts/setup-test-runtimes
	@scripts/setup-otel-collector
	@scripts/setup-helm
	@scripts/setup-test-browser

clean: ## remove what was built; what was installed stays
	@cargo clean --quiet
