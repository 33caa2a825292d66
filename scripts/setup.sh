#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Installs with apt what building, the demo and the tests need, and only what is missing. Debian 12.
#
#   scripts/setup.sh build demo test kernel bench     any of them; needs root if something is missing
set -euo pipefail

declare -A packages=(
  [build]="gcc make clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libyaml-dev libjansson-dev
           libmicrohttpd-dev libcurl4-openssl-dev pkg-config scdoc"
  [demo]="iproute2 sip-tester procps curl util-linux python3 tcpdump kmod ethtool"
  [test]="libcmocka-dev clang-format clang-tidy mandoc nftables python3-pytest python3-pytest-xdist python3-scapy
          netcat-openbsd git graphviz"
  [kernel]="qemu-system-x86 busybox-static cpio kmod xz-utils"
  [bench]="iproute2 nftables iptables ipset xdp-tools ethtool util-linux procps python3"
)

say() { printf '%s\n' "setup: $*" >&2; }

missing=()
for group in "${@:-build}"; do
  if [ -z "${packages[$group]:-}" ]; then
    say "there is no group '$group': build, demo, test, kernel or bench"
    exit 2
  fi
  for package in ${packages[$group]}; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
  done
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    say "these packages are missing: ${missing[*]}"
    say "run this as root, or: sudo apt-get install ${missing[*]}"
    exit 1
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! { apt-get -q update && apt-get -qy install --no-install-recommends "${missing[@]}"; } \
      >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt could not install them (its last words are above)"
    exit 1
  fi
fi

# promtool comes with Debian's Prometheus server, which nobody wants to have started: only the tool is unpacked.
if [[ " $* " == *" test "* ]] && ! command -v promtool >/dev/null &&
    [ ! -x build/tools/usr/bin/promtool ]; then
  say "unpacking promtool into build/tools"
  mkdir -p build/tools
  # apt drops to a user of its own for downloads, who may not write here.
  (cd build/tools && apt-get -q -o APT::Sandbox::User=root download prometheus >/dev/null &&
    dpkg -x prometheus_*.deb . && rm -f prometheus_*.deb)
fi

# The BPF file system holds the pins; systemd mounts it at boot, a chroot has none.
if [[ " $* " == *" test "* || " $* " == *" demo "* ]] && ! mountpoint -q /sys/fs/bpf; then
  say "mounting the BPF file system on /sys/fs/bpf"
  mount -t bpf -o mode=0700 bpf /sys/fs/bpf
fi
