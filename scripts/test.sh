#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# From a fresh Debian 12 to all tests passed: installs what is missing, builds, runs every suite.
# Ends with a line "N passed, N failed, N skipped"; exit 0 only if nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
  echo "test.sh: the tests load BPF programs and make network namespaces: run it with sudo" >&2
  exit 1
fi
scripts/setup.sh build demo test
export PATH="$PWD/build/tools/usr/bin:$PATH:/usr/sbin:/sbin"
make -j"$(nproc)" all tests
exec scripts/suites.sh lint unit golden policy packet differential net "$@"
