#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs test suites under another kernel of Debian's, in a virtual machine on this one's own files:
#
#   scripts/kernel-test.sh VERSION [SUITE...]       VERSION is 6.1, 6.12, or a release such as 6.1.0-50-amd64
#   scripts/kernel-test.sh VERSION -- COMMAND...    runs that instead of scripts/suites.sh
#
# The kernel comes from apt, as it is configured here, and is kept in build/kernels. The machine sees this one's
# root, read-only, below a file system of its own in memory: what runs is what was built here. It has no network.
# N, SEED and PYTEST_ADDOPTS reach the suites; ACCELERATOR=kvm|tcg and LIMIT=SECONDS are for the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

repository=$PWD
say() { printf '%s\n' "kernel-test: $*" >&2; }

# --- in the virtual machine ---

# As its first process, in the root that init put together: exec'd with the run's folder.
inside() {
  local folder=$1 status=0
  trap 'echo o >/proc/sysrq-trigger; sleep 60' EXIT
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
  mount -t proc proc /proc
  mount -t sysfs sys /sys
  mount -t devtmpfs dev /dev
  mkdir -p /dev/pts /dev/shm /lib/modules
  mount -t devpts devpts /dev/pts
  mount -t tmpfs shm /dev/shm
  mount -t tmpfs run /run
  mount -t bpf -o mode=0700 bpf /sys/fs/bpf
  mount -t cgroup2 cgroup /sys/fs/cgroup
  mount -t tracefs tracing /sys/kernel/tracing
  ln -s /proc/self/fd /dev/fd
  mount --bind "${folder%/run}/root/lib/modules" /lib/modules
  mount -t 9p -o trans=virtio,version=9p2000.L run "$folder"
  ip link set lo up
  rm -f build/tests/*.log
  bash "$folder/command" </dev/null || status=$?
  cp build/tests/*.log "$folder" 2>/dev/null || true
  echo $status >"$folder/status"
}

if [ "${1:-}" = --inside ]; then
  inside "$2"
  exit
fi

# --- on this machine ---

usage() { sed -n '/^#   /s/^# *//p' "$0" >&2; exit 2; }

# The newest package of a version that apt knows; a release names its package itself.
package_of() { # VERSION
  local version=${1//./\\.} found
  found=$(apt-cache pkgnames linux-image- |
    grep -E "^linux-image-($version\.[0-9][^-]*(-[0-9]+)?-amd64|$version)$" | sort -V | tail -n 1) || true
  if [ -z "$found" ]; then
    say "apt has no kernel $1: 'apt-get update', or another release of Debian in apt's sources, may bring one"
    exit 1
  fi
  echo "$found"
}

# Downloads and unpacks the package, once: root/boot/vmlinuz-RELEASE, root/lib/modules/RELEASE.
unpack() { # PACKAGE FOLDER
  [ ! -e "$2/root/complete" ] || return 0
  say "downloading $1"
  rm -rf "$2/root"
  mkdir -p "$2/root"
  # apt drops to a user of its own for downloads, who may not write here.
  (cd "$2" && apt-get -q -o APT::Sandbox::User=root download "$1" >apt.log 2>&1) ||
    { tail -n 3 "$2/apt.log" >&2; say "apt could not download $1: is 'apt-get update' due?"; exit 1; }
  dpkg -x "$2"/linux-image-*.deb "$2/root"
  rm -f "$2"/linux-image-*.deb
  # Where the modules are since /usr is one; depmod and modprobe look below /lib.
  [ -e "$2/root/lib" ] || ln -s usr/lib "$2/root/lib"
  depmod -b "$2/root" "${1#linux-image-}"
  touch "$2/root/complete"
}

# What it takes to reach this machine's root; all else is loaded when it is asked for.
make_initramfs() { # RELEASE FOLDER
  local tree=$2/initramfs module name number=100
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,modules,proc,dev,lower,memory,new}
  cp "$(command -v busybox)" "$tree/bin/"
  for name in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$2/root" -S "$1" --show-depends "$name"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
    number=$((number + 1))
    case $module in
    *.xz) xz -dc "$module" >"$tree/modules/$number" ;;
    *) cp "$module" "$tree/modules/$number" ;;
    esac
  done
  cat >"$tree/init" <<INIT
#!/bin/busybox sh
set -e
alias mount='/bin/busybox mount'
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do /bin/busybox insmod \$module; done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 root /lower
mount -t tmpfs -o size=75% memory /memory
/bin/busybox mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work overlay /new
/bin/busybox umount /dev /proc
exec /bin/busybox chroot /new /bin/bash '$repository/scripts/kernel-test.sh' --inside '$2/run'
INIT
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$2/initramfs.gz"
}

# Called in shells of timeout's.
# shellcheck disable=SC2317
machine() { # RELEASE FOLDER ACCELERATOR OPTION...
  local release=$1 folder=$2 accelerator=$3
  shift 3
  qemu-system-x86_64 -M q35 -accel "$accelerator" -cpu max -smp "$(nproc)" -m "${MEMORY:-4096}" \
    -nodefaults -serial stdio -display none -no-reboot -kernel "$folder/root/boot/vmlinuz-$release" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr" "$@" </dev/null
}

# KVM counts as there if a kernel gets under it as far as the panic that it has no root: inside another virtual
# machine, /dev/kvm may be there and hang.
accelerator() { # RELEASE FOLDER
  if [ -n "${ACCELERATOR:-}" ]; then
    echo "$ACCELERATOR"
  elif [ -w /dev/kvm ] && timeout -k 1 10 bash -c "$(declare -f machine); machine $1 $2 kvm" >/dev/null 2>&1; then
    echo kvm
  else
    echo tcg
  fi
}

main() {
  local version=${1:-} package release folder command with
  [[ $version == [0-9]* ]] || usage
  shift
  if [ "$(id -u)" -ne 0 ]; then
    say "the machine reads this one's files as root does: run it with sudo"
    exit 1
  fi
  scripts/setup.sh build demo test kernel
  export PATH=$PATH:/usr/sbin:/sbin
  make -j"$(nproc)" all tests

  package=$(package_of "$version")
  release=${package#linux-image-}
  folder=$repository/build/kernels/$release
  mkdir -p "$folder/run"
  unpack "$package" "$folder"
  make_initramfs "$release" "$folder"

  if [ "${1:-}" = -- ]; then
    shift
    command=$(printf '%q ' "$@")
  else
    [ $# -gt 0 ] || set -- unit policy packet differential net
    command="exec scripts/suites.sh $(printf '%q ' "$@")"
  fi
  rm -f "$folder/run"/*
  {
    printf 'export N=%q SEED=%q PYTEST_ADDOPTS=%q\n' "${N:-20000}" "${SEED:-}" "${PYTEST_ADDOPTS:-}"
    # shellcheck disable=SC2016
    echo 'export PATH="$PWD/build/tools/usr/bin:$PATH"; uname -r'
    echo "$command"
  } >"$folder/run/command"

  with=$(accelerator "$release" "$folder")
  say "$release under qemu's $with; the suites' logs will be in ${folder#"$repository"/}/run"
  timeout "${LIMIT:-3600}" bash -c "$(declare -f machine)"'; machine "$@"' - "$release" "$folder" "$with" \
    -initrd "$folder/initramfs.gz" \
    -virtfs "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap" \
    -virtfs "local,path=$folder/run,mount_tag=run,security_model=none" || true
  if [ ! -s "$folder/run/status" ]; then
    say "the machine ended before its command did (or LIMIT, ${LIMIT:-3600} s, was reached)"
    exit 1
  fi
  exit "$(cat "$folder/run/status")"
}

main "$@"
