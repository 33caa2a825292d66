# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Sourced by demo.sh: a switch and three hosts, each a network namespace of this run alone.
#
#   engine    192.0.2.10  the call engine, where sallyport enforces
#   site      192.0.2.20  message bus; .21 voice scheduler, .22 storage, .23 web portal,
#                         .30 SIP gateway, .5 management
#   stranger  192.0.2.66  whom no document names
# and the same last numbers in 2001:db8:1::/64. demo/site_plan.py and policies/sites/demo.yaml say it too.

# at HOST COMMAND...: not "ip netns exec", which hides the BPF file system.
at() {
  local host=$1
  shift
  nsenter --net="/run/netns/$prefix-$host" "$@"
}

build_network() {
  local host number address
  for host in switch engine site stranger; do
    ip netns add "$prefix-$host"
    at "$host" ip link set lo up
  done
  # A switch has no addresses and says nothing of its own.
  at switch sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
  at switch ip link add bridge type bridge forward_delay 0 mcast_snooping 0
  at switch ip link set bridge up
  for host in engine:10 site:20 stranger:66; do
    number=${host#*:} host=${host%:*}
    at switch ip link add "$host" type veth peer name eth0 \
      address "02:00:00:00:00:$number" netns "$prefix-$host"
    # A tag that waits in metadata would be seen by no XDP program: on this wire it stands in the frame.
    at switch ethtool -K "$host" tx-vlan-hw-insert off tx-vlan-stag-hw-insert off
    at switch ip link set "$host" master bridge up
    at "$host" ip link set eth0 addrgenmode none
    at "$host" ip link set eth0 up
  done
  for address in engine:10 site:5 site:20 site:21 site:22 site:23 site:30 stranger:66; do
    host=${address%:*} number=${address#*:}
    at "$host" ip address add "192.0.2.$number/24" dev eth0
    at "$host" ip address add "2001:db8:1::$number/64" dev eth0 nodad
  done
  # What a new namespace may have from this machine: it forwards, or it filters what the switch carries.
  at engine sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
  # shellcheck disable=SC2016
  at switch sh -c 'for key in /proc/sys/net/bridge/bridge-nf-call-*; do
    if [ -e "$key" ]; then echo 0 >"$key"; fi; done'
}

# Ends every process in the namespaces of this run, then the namespaces.
remove_network() {
  local host signal
  for signal in TERM KILL; do
    for host in engine site stranger switch; do
      if [ -e "/run/netns/$prefix-$host" ]; then
        ip netns pids "$prefix-$host" | xargs -r kill -s "$signal" 2>/dev/null
      fi
    done
    sleep 0.2
  done
  for host in engine site stranger switch; do
    if [ -e "/run/netns/$prefix-$host" ]; then ip netns delete "$prefix-$host"; fi
  done
}
