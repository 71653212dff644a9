#!/bin/sh
# Runs every test of the workspace: with nextest where it is installed, else with cargo's own runner.
set -eu
cd "$(dirname "$0")/.."
CARGO=${CARGO:-cargo}

# The examples and the command are driven as programs by the tests, so they are built first.
$CARGO build --locked --workspace --all-targets

if $CARGO nextest --version >/dev/null 2>&1; then
    $CARGO nextest run --locked --workspace --no-fail-fast
    $CARGO test --locked --workspace --doc
else
    $CARGO test --locked --workspace --no-fail-fast
fi
