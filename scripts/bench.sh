#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Measures: scripts/bench.sh all | quick | wire. Needs root; installs the enforcers that it compares with.
#
# "all" leaves its results in tests/bench/results and writes them into docs/performance.md; the others print only.
# SEED=N draws other prefixes and packets; ROUNDS=N takes medians of so many.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${BUILD:-build}
bench=("$build/tests/bench/bench" --seed "${SEED:-1}" ${ROUNDS:+--rounds "$ROUNDS"})
wire=("$build/tests/bench/wire" --seed "${SEED:-1}")
results=tests/bench/results
export PATH="$PATH:/usr/sbin:/sbin"

if [ "$(id -u)" -ne 0 ]; then
  echo "bench.sh: it loads BPF programs and makes network namespaces: run it with sudo" >&2
  exit 1
fi
# What can't be installed is named in the tables.
scripts/setup.sh bench || true

case ${1:-} in
all)
  mkdir -p "$results" "$build/bench"
  "${bench[@]}" --json "$build/bench/bench.json" | tee "$build/bench/bench.md"
  echo
  "${wire[@]}" --json "$build/bench/wire.json" | tee "$build/bench/wire.md"
  # A run that failed half-way leaves the old results.
  cp "$build"/bench/{bench,wire}.{json,md} "$results/"
  /usr/bin/python3 -B tests/bench/report.py "$results" docs
  ;;
quick)
  "${bench[@]}" --quick
  echo
  "${wire[@]}" --quick
  ;;
wire)
  "${wire[@]}"
  ;;
*)
  echo "bench.sh: all, quick or wire" >&2
  exit 2
  ;;
esac
