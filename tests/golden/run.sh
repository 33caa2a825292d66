#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Golden tests of what policy files mean to the parser.
#
#   accept/NAME.yaml prints as accept/NAME.out, and that prints as itself
#   reject/NAME.yaml is refused (exit 3) with exactly the diagnostics of reject/NAME.err
#   commands/NAME.cmd, the words of a command line, prints commands/NAME.out: its output, what it said
#   on stderr after "--- stderr", and its exit code if that is not 0
#
# usage: run.sh PROGRAM [-update]    -update writes .out and .err anew: read the difference
set -u

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
	echo "usage: $0 PROGRAM [-update]" >&2
	exit 2
fi
program=$(realpath "$1")
update=${2:-}
cd "$(dirname "$0")" || exit 2
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT INT TERM
passed=0
failed=0

fails() {
	failed=$((failed + 1))
	echo "FAIL $1: $2"
}

# Whether file $3 holds what is expected in $2; with -update it becomes that.
same() {
	if [ "$update" = -update ]; then
		cp "$3" "$2"
	elif [ ! -f "$2" ]; then
		fails "$1" "there is no $2; -update makes it"
		return 1
	elif ! diff -u "$2" "$3"; then
		fails "$1" "differs from $2"
		return 1
	fi
}

accept() {
	name=$(basename "$1" .yaml)
	if ! "$program" check --print "$1" >"$scratch/out" 2>"$scratch/err"; then
		cat "$scratch/err"
		fails "$1" "was refused"
		return
	fi
	if [ -s "$scratch/err" ]; then
		cat "$scratch/err"
		fails "$1" "has findings"
		return
	fi
	same "$1" "accept/$name.out" "$scratch/out" || return
	cp "$scratch/out" "$scratch/$name.yaml"
	"$program" check --print "$scratch/$name.yaml" >"$scratch/again" 2>&1
	if ! diff -u "$scratch/out" "$scratch/again"; then
		fails "$1" "does not print as itself"
		return
	fi
	passed=$((passed + 1))
}

reject() {
	name=$(basename "$1" .yaml)
	NO_COLOR=1 "$program" check --catalogs accept "$1" >/dev/null 2>"$scratch/err"
	code=$?
	if [ $code -ne 3 ]; then
		cat "$scratch/err"
		fails "$1" "exit code $code, not 3"
		return
	fi
	same "$1" "reject/$name.err" "$scratch/err" || return
	passed=$((passed + 1))
}

# The words are evaluated as a shell reads them, in the top folder of the sources.
command_line() {
	name=$(basename "$1" .cmd)
	(cd ../.. && eval "NO_COLOR=1 COLUMNS=120 '$program' --catalogs policies $(cat "tests/golden/$1")") \
		>"$scratch/out" 2>"$scratch/err"
	code=$?
	if [ -s "$scratch/err" ]; then
		echo "--- stderr" >>"$scratch/out"
		cat "$scratch/err" >>"$scratch/out"
	fi
	[ $code -eq 0 ] || echo "--- exit $code" >>"$scratch/out"
	same "$1" "commands/$name.out" "$scratch/out" || return
	passed=$((passed + 1))
}

for file in accept/*.yaml; do
	accept "$file"
done
for file in reject/*.yaml; do
	reject "$file"
done
for file in commands/*.cmd; do
	command_line "$file"
done
echo "golden: $passed passed, $failed failed"
[ $failed -eq 0 ]
