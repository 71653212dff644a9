# Two commands for newcomers: `make quickstart` and `make test`. CONTRIBUTING.md has the rest.

CARGO ?= cargo

.PHONY: quickstart test test-tools bench-serve lint doc fmt

## Build the release binary and watch it push, attach, discover, copy and pull.
quickstart:
	$(CARGO) build --release --locked --package oras-cli
	./scripts/quickstart.sh target/release/oras

## Install what the tests need, then run everything.
test: test-tools
	./scripts/test.sh

## The peers that the tests talk to: a registry and a second client.
test-tools:
	@missing=""; \
	command -v docker-registry >/dev/null || missing="$$missing docker-registry"; \
	command -v skopeo >/dev/null || missing="$$missing skopeo"; \
	command -v umoci >/dev/null || missing="$$missing umoci"; \
	command -v htpasswd >/dev/null || missing="$$missing apache2-utils"; \
	if [ -n "$$missing" ]; then \
		sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

## Measure `oras serve` beside docker-registry on two cores, in about five minutes on a machine that does nothing else.
## BENCH="--rounds 3 --seconds 1" makes it shorter.
bench-serve: test-tools
	$(CARGO) build --release --locked --package oras-cli --package xtask
	taskset --cpu-list 0,1 target/release/xtask bench-serve $(BENCH)

## What CI checks before the tests.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

fmt:
	$(CARGO) fmt --all
