#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs test suites and adds up what they say: scripts/suites.sh SUITE...
# Each suite's full output goes to build/tests/SUITE.log; what failed is shown here.
set -uo pipefail
cd "$(dirname "$0")/.."

build=${BUILD:-build}
passed=0 failed=0 skipped=0
mkdir -p "$build/tests"

# add SUITE PASSED FAILED SKIPPED
add() {
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  printf '%-14s %6d passed %4d failed %4d skipped\n' "$1" "$2" "$3" "$4"
}

show_failure() { # LOG
  sed 's/^/    /' "$1" | grep -vE '^    (ok |\[ +(OK|RUN) +\])' | tail -n "${2:-40}"
}

# cmocka programs, in TAP. A program that dies in the middle counts as one more failure.
run_cmocka() { # SUITE PROGRAM...
  local suite=$1 log=$build/tests/$1.log p=0 f=0 s=0 program out
  shift
  : >"$log"
  for program in "$@"; do
    out=$(mktemp)
    CMOCKA_MESSAGE_OUTPUT=TAP "$program" >"$out" 2>&1
    local status=$? ok bad skip
    # What is skipped is "ok" or "not ok", by cmocka's version; the line before says why.
    skip=$(grep -cE '^(not )?ok .*# SKIP' "$out")
    ok=$(grep -E '^ok ' "$out" | grep -cv '# SKIP')
    bad=$(grep -E '^not ok ' "$out" | grep -cv '# SKIP')
    if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
      echo "not ok - $program ended with status $status" >>"$out"
      bad=1
    fi
    if [ "$bad" -gt 0 ]; then
      echo "  $program:"
      show_failure "$out"
    fi
    if [ "$skip" -gt 0 ]; then
      grep -B 1 '# SKIP' "$out" | sed "s|^|SKIPPED ${program##*/}: |"
    fi
    p=$((p + ok)) f=$((f + bad)) s=$((s + skip))
    { echo "# $program"; cat "$out"; } >>"$log"
    rm -f "$out"
  done
  add "$suite" $p $f $s
}

# A program whose exit status is the result of one test.
run_one() { # SUITE COMMAND...
  local suite=$1 log=$build/tests/$1.log
  shift
  if "$@" >"$log" 2>&1; then
    add "$suite" 1 0 0
  else
    show_failure "$log"
    add "$suite" 0 1 0
  fi
}

# A program that ends with a line "...: N passed, N failed".
run_counted() { # SUITE COMMAND...
  local suite=$1 log=$build/tests/$1.log p f
  shift
  "$@" >"$log" 2>&1
  local status=$?
  p=$(sed -n 's/^.*: \([0-9]*\) passed, [0-9]* failed.*/\1/p' "$log" | paste -sd+ | bc_sum)
  f=$(sed -n 's/^.*: [0-9]* passed, \([0-9]*\) failed.*/\1/p' "$log" | paste -sd+ | bc_sum)
  if [ $status -ne 0 ] && [ "$f" -eq 0 ]; then
    f=1
  fi
  [ "$f" -eq 0 ] || show_failure "$log"
  add "$suite" "$p" "$f" 0
}
bc_sum() { local sum; read -r sum || sum=0; echo $((${sum:-0})); }

# Most tests wait most of the time: two files at a time, each in namespaces of its own.
run_pytest() { # SUITE PATH...
  local suite=$1 log=$build/tests/$1.log line
  shift
  /usr/bin/python3 -B -m pytest -p no:cacheprovider -q -rs -n 2 --dist loadfile "$@" >"$log" 2>&1
  local status=$?
  line=$(tail -n 1 "$log")
  number() { grep -oE "[0-9]+ $1" <<<"$line" | grep -oE '^[0-9]+' || echo 0; }
  local p f s
  p=$(number passed) s=$(number skipped)
  f=$(($(number failed) + $(number error)))
  [ $status -eq 0 ] || [ "$f" -gt 0 ] || f=1
  [ "$f" -eq 0 ] || show_failure "$log" 80
  grep -E '^SKIPPED' "$log"
  add "$suite" "$p" "$f" "$s"
}

# Every packet line of tests/policy counts, by the model and by both encodings.
policy_tests() {
  local failed=0 name site mode said
  for name in all:cyara options:cyara-options links:links options:options link:on-the-link base:base genesys-cloud:genesys-cloud \
    genesys-client-port:genesys-client-port audiocodes-lpdm:audiocodes-lpdm voss:voss; do
    site=policies/sites/cyara-all.yaml
    [ "${name%%:*}" = all ] || site=tests/policy/${name##*:}.yaml
    for mode in --model "--lookup maps" "--lookup flat"; do
      # shellcheck disable=SC2086
      said=$("$build/sallyport" --catalogs policies test "tests/policy/${name##*:}.jsonl" --site "$site" $mode 2>&1) ||
        failed=1
      printf '# %s %s\n%s\n' "${name##*:}" "$mode" "$said"
      tail -n 1 <<<"$said" | sed -nE 's/^(.*): [0-9]+ packets, ([0-9]+) as expected, ([0-9]+) not.*/\1: \2 passed, \3 failed/p'
    done
  done
  return $failed
}

suite() {
  case $1 in
  lint) run_one lint make lint ;;
  unit) run_cmocka unit $(find "$build/tests/unit" -name "test_*" -executable -type f | sort) ;;
  packet) run_cmocka packet $(find "$build/tests/packet" -name "test_*" -executable -type f | sort) ;;
  golden) run_counted golden tests/golden/run.sh "$build/sallyport" ;;
  policy) run_counted policy policy_tests ;;
  differential)
    run_one differential "$build/tests/differential/differential" \
      --packets "${N:-200000}" ${SEED:+--seed "$SEED"}
    grep -E '^(seed|reason)' "$build/tests/differential.log" | head -n 1
    ;;
  net) run_pytest net tests/net ;;
  *) echo "suites.sh: there is no suite '$1'" >&2; exit 2 ;;
  esac
}

for name in "$@"; do
  started=$SECONDS
  suite "$name"
  printf '%-14s %6d s\n' '' $((SECONDS - started)) >>"$build/tests/times.log"
done
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
