#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Shows sallyport at work: see --help below.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
Usage: sudo ./scripts/demo.sh [--help]

Installs what is missing (Debian 12), builds sallyport, and shows it at work: a Cyara call engine
whose firewall policy is enforced in native XDP and tc, its site, and a stranger, in network
namespaces of their own. Real SIP calls with RTP and the documented TCP flows go through it; port
scans, sprays, spoofed and broken packets must not. Takes under two minutes after the build, and
leaves nothing behind.

Exit status: 0 all that is legitimate passed and nothing else, 1 it did not, or something failed.

SALLYPORT_DEMO_SHELL=1 opens a shell on the call engine before it is all removed.
END
}

case "${1-}" in
  "") ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  echo "demo: network namespaces and BPF need root: sudo ./scripts/demo.sh" >&2
  exit 1
fi

program=$PWD/build/sallyport
site=$PWD/policies/sites/demo.yaml
here=$PWD/scripts/demo
prefix=sallyport-demo-$$
pins=/sys/fs/bpf/$prefix
work=$(mktemp -d "/tmp/$prefix.XXXXXX")
export PYTHONDONTWRITEBYTECODE=1 TERM=${TERM:-dumb}
# shellcheck source-path=SCRIPTDIR source=demo/network.sh
. "$here/network.sh"

cleanup() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  set +e
  if [ -e "/run/netns/$prefix-engine" ] && [ -d "$pins" ]; then
    at engine "$program" detach --pins "$pins" >/dev/null 2>&1
  fi
  remove_network
  rm -rf "$pins" "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# -------------------------------------------------------------------------------- helpers

steps=0
step() {
  steps=$((steps + 1))
  printf '\n%s\n' "$steps. $*"
}
say() { printf '   %s\n' "$*"; }
indent() { sed 's/^/   /'; }

# fail WORDS [LOG]: the end; the last lines of the log say why.
fail() {
  echo "demo: $1" >&2
  if [ -n "${2-}" ]; then tail -n 15 "$2" >&2; fi
  exit 1
}

# until_true SECONDS COMMAND...
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}

sallyport() { at engine "$program" --pins "$pins" "$@"; }

build() {
  # Two demos at once must not build the same tree at once.
  exec 9<scripts/demo.sh
  flock 9
  scripts/setup.sh build demo
  make -j"$(nproc)" >"$work/make.log" 2>&1 || fail "the build failed" "$work/make.log"
  exec 9<&-
}

# capture HOST INTERFACE NAME [FILTER]: to NAME.pcap until the end.
capture() {
  nsenter --net="/run/netns/$prefix-$1" tcpdump -i "$2" -nn -s 192 -B 32768 -U -Z root \
    -w "$work/$3.pcap" ${4+"$4"} 2>"$work/$3.log" &
  captures+=($!)
  until_true 10 grep -q 'listening on' "$work/$3.log" || fail "tcpdump did not start" "$work/$3.log"
}

stop_captures() {
  local name
  sleep 1 # for what is still under way
  kill "${captures[@]}" 2>/dev/null || true
  wait "${captures[@]}" || true
  for name in engine wire; do
    grep -q '^0 packets dropped by kernel' "$work/$name.log" ||
      fail "tcpdump missed packets, so nothing can be said about this run; try again" "$work/$name.log"
  done
}

is_answering() { at site ss -Hlun "sport = 5060" | grep -qF "$1"; } # ADDRESS:PORT

# place_calls FAMILY CALLS PACKETS: through sipp, each with PACKETS of RTP (20 ms) in both directions.
place_calls() {
  local family=$1 calls=$2 media=$3 engine gateway target port log=$work/sip-$1
  local completed status=0
  case $family in
    IPv4) engine=192.0.2.10 gateway=192.0.2.30 target=$gateway:5060 port=30000 ;;
    IPv6) engine=2001:db8:1::10 gateway=2001:db8:1::30 target=[$gateway]:5060 port=30100 ;;
  esac
  mkdir -p "$log" && cd "$log"
  head -c $((160 * media)) /dev/zero >speech.wav # G.711, 160 bytes a packet
  local padding limit=$((media / 50 + 20))
  padding=$(printf '%04000d' 0)
  at site sipp -sf "$here/answer.xml" -i "$gateway" -mi "$gateway" -p 5060 -mp $((port + 10000)) \
    -key padding "$padding" -m "$calls" -timeout "$limit" -timeout_error -nostdin \
    >answer.log 2>&1 </dev/null &
  local answering=$!
  until_true 10 is_answering "$target" || fail "sipp does not answer at the gateway" answer.log
  at engine sipp -sf "$here/call.xml" -i "$engine" -mi "$engine" -p 5060 -mp "$port" \
    -key padding "$padding" -m "$calls" -r 5 -d $((media * 20 + 1500)) -timeout "$limit" -timeout_error \
    -nostdin "$target" >call.log 2>&1 </dev/null || status=$?
  wait $answering || true
  completed=$(awk -F'|' '/Successful call/ { n = $3 } END { print n + 0 }' call.log)
  printf '%s\t%s\t%s\t%s\n' "$family" "$calls" "$completed" "$media" >>"$work/calls"
  say "$family: $completed of $calls calls completed, $media RTP packets each way in each"
  # 1: calls failed, 255: out of time. Ended by a signal it has nothing to say.
  if [ $status -eq 1 ] || [ $status -eq 255 ]; then tail -n 12 call.log | indent; fi
}

# place_all_calls CALLS PACKETS: IPv4 and IPv6 at the same time.
place_all_calls() {
  local four
  place_calls IPv4 "$@" &
  four=$!
  (place_calls IPv6 "$@")
  wait $four
}

# talk WORDS: the documented TCP flows.
talk() {
  local side result=complete
  for side in engine site; do
    at "$side" python3 "$here/talk.py" open "$side" >"$work/talk-$side.log" || result=incomplete
  done
  printf '%s\t%s\n' "$1" "$result" >>"$work/talks"
}

run_attack() { # NAME WHERE WORDS
  local sent answered=0
  sallyport metrics --json >"$work/$1.before"
  sent=$(at "$2" python3 "$here/attack.py" "$1" 2>"$work/$1.log") || answered=1
  [[ $sent =~ ^[0-9]+$ ]] || fail "the attack $1 could not run" "$work/$1.log"
  sallyport metrics --json >"$work/$1.after"
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$sent" "$answered" >>"$work/attacks"
  printf '   %-58s %6d sent; dropped: %s\n' "$3" "$sent" \
    "$(python3 "$here/report.py" attack "$work/$1.before" "$work/$1.after")"
}

# -------------------------------------------------------------------------------- the demo

echo "sallyport: what a vendor's firewall document allows, and nothing else, on the wire"
step "Install what is missing, and build"
build
say "$("$program" --version)"
began=$SECONDS

step "A call engine, its site and a stranger on one switch; policies/sites/demo.yaml is enforced"
build_network
say '$ sallyport check demo.yaml'
"$program" check "$site" 2>&1 | indent
say '$ sallyport apply demo.yaml'
sallyport apply "$site" 2>&1 | indent
say '$ sallyport status'
sallyport status | indent
captures=()
capture engine eth0 engine                               # behind XDP: what was let in
capture switch engine wire "ether src 02:00:00:00:00:10" # on the wire: what was let out
for side in engine site; do
  at "$side" python3 "$here/talk.py" serve "$side" >"$work/serve-$side.log" 2>&1 &
  until_true 10 grep -q ready "$work/serve-$side.log" ||
    fail "the servers of the $side did not start" "$work/serve-$side.log"
done

step "SIP calls from the call engine to the gateway over UDP, in INVITEs of 4 kB, with RTP both ways"
place_all_calls 5 100

step "The documented TCP flows"
talk "TCP flows"
cat "$work/talk-engine.log" "$work/talk-site.log"

step "The attacks, while ten calls go on"
place_all_calls 5 750 >"$work/busy.log" 2>&1 &
busy=$!
while IFS=$'\t' read -r name where words; do
  run_attack "$name" "$where" "$words"
done < <(python3 "$here/attack.py" list)
talk "TCP flows, under attack"
wait $busy || fail "the calls under attack could not run" "$work/busy.log"
cat "$work/busy.log"
stop_captures
sallyport metrics --json >"$work/metrics.json"

step "What passed, by which rule"
python3 "$here/report.py" rules "$work/metrics.json"

step "What was dropped, and why"
python3 "$here/report.py" drops "$work/metrics.json" "$program"
say '$ sallyport drops       (sampled, as they come; one of each reason)'
sallyport drops >"$work/drops"
grep -v " more since " "$work/drops" | awk '!shown[$3, $5]++' | tail -n 6 | indent

step "The same for Prometheus: curl http://127.0.0.1:9077/metrics"
sallyport serve >"$work/serve.log" 2>&1 &
until_true 10 at engine curl -fs http://127.0.0.1:9077/healthz ||
  fail "serve does not answer" "$work/serve.log"
at engine curl -fsS http://127.0.0.1:9077/metrics >"$work/page"
say "$(grep -c '^sallyport' "$work/page") samples; some that are not 0:"
shown='^sallyport_(enforcing|receive_(packets|dropped_packets)_total|rule_info.*voice-6"|flow_entries)'
grep -E "$shown" "$work/page" | grep -v ' 0$' | indent

step "The rules in the kernel: bpftool map dump pinned .../rule_info"
rules=$(find "$pins" -name rule_info | head -n 1)
bpftool map dump pinned "$rules" >"$work/rules"
head -n 25 "$work/rules" | indent
say "..."

step "Why? Three packets explained: a rule's, a stranger's, and one to a media port now that no call is up"
for packet in "tcp 192.0.2.23:40000 192.0.2.10:9005" "tcp 192.0.2.66:40000 192.0.2.10:9005" \
  "udp 192.0.2.30:40000 192.0.2.10:30000"; do
  say "\$ sallyport explain in $packet"
  # shellcheck disable=SC2086
  sallyport explain in $packet | indent
done

step "The verdict: what should have passed, and what should not"
verdict=0
python3 "$here/report.py" verdict "$work" || verdict=1

if [ "${SALLYPORT_DEMO_SHELL-}" = 1 ]; then
  echo
  say "a shell on the call engine; try: $program --pins $pins status. Leave it to end the demo."
  at engine bash || true
fi
echo
if [ $verdict -ne 0 ]; then
  echo "FAILED after $((SECONDS - began)) s: the lines that begin with FAIL say what is wrong"
  exit 1
fi
echo "PASSED in $((SECONDS - began)) s: all that the document allows, and nothing else"
