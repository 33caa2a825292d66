# SPDX-License-Identifier: BSD-2-Clause
"""What passes on a link besides rules, and what links there are: pings, VLANs, link protocols, router
advertisements, multicast groups, jumbo frames, several interfaces, bonds."""

import contextlib
import socket
import struct
import time

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                                ICMPv6ND_RA, IPv6)
from scapy.layers.l2 import ARP, LLC, STP, Dot1AD, Dot1Q, Dot3
from scapy.packet import Raw

from namespaces import (V4, V6, address, both, close, frames_until, packed, ping, site, transfer,
                        wait_for)

GROUP = {V4: "224.0.0.18", V6: "ff02::12"}
VRRP = 112


def layer(family, source, destination, **more):
    return (IP if family == V4 else IPv6)(src=source, dst=destination, **more)


def echo_request(family, source, destination, identifier=1):
    kind = ICMP(id=identifier) if family == V4 else ICMPv6EchoRequest(id=identifier)
    return layer(family, source, destination) / kind


# ---------------------------------------------------------------- pings


def test_pings_from_anybody(net, family, lookup):
    """They are answered as far as the limit goes, and no further; a rule's are not charged."""
    net.apply(site(lookup=lookup, host={"icmp-echo": {"per-second": 2, "burst": 5}}))
    stranger, engine = address("stranger", family), address("engine", family)
    ping(net.peer, stranger, engine, 1)
    counters = net.counters()
    assert counters.exempt("icmp-echo") == counters.exempt("icmp-echo", "transmit") == 1
    frame = net.frame(echo_request(family, stranger, engine))
    before, number, started = net.counters(), 1000, time.monotonic()
    with net.peer.packets("p0") as wire:
        for _ in range(number):
            wire.send(frame)
    seconds = int(time.monotonic() - started) + 2
    after = net.wait_for_sum(before, number)
    let_in = after.exempt("icmp-echo") - before.exempt("icmp-echo")
    assert let_in + after.dropped(reason="limited") == number
    assert 1 <= let_in <= 5 + 2 * seconds
    ping(net.peer, address("jump", family), engine, 3)


def test_pings_that_are_not_offered(net, family):
    """Not from an own address, not to a group; and none where the site says off."""
    net.apply(site(host={"icmp-echo": 5}))
    engine, stranger = address("engine", family), address("stranger", family)
    before = net.counters()
    net.inject(echo_request(family, engine, engine))
    net.wait_for_drop(before, "spoofed")
    before = net.counters()
    net.inject(echo_request(family, stranger, "224.0.0.1" if family == V4 else "ff02::1"))
    net.wait_for_drop(before, "unknown-peer")
    net.apply(site(host={"icmp-echo": "off"}))
    before = net.counters()
    net.inject(echo_request(family, stranger, engine))
    net.wait_for_drop(before, "unknown-peer")
    assert net.counters().exempt("icmp-echo") == 0


# ---------------------------------------------------------------- VLANs


def keep_tags(net):
    for namespace, device in ((net.host, "e0"), (net.peer, "p0")):
        namespace.run("ethtool", "-K", device, "txvlan", "off", "rxvlan", "off")


def media(family=V4, port=30000):
    return layer(family, address("gateway", family), address("engine", family)) / UDP(
        sport=4000, dport=port) / Raw(bytes([0x80]) + bytes(11))


@pytest.mark.parametrize("lookup", ["flat", "maps"])
def test_vlans_that_are_not_named(net, family, lookup):
    """The outer tag decides, of both kinds; a priority alone is no tag; ARP is judged by it too."""
    keep_tags(net)
    net.apply(site(lookup=lookup, host={"vlan": [5, 7]}))
    ear = net.host.udp(address("engine", family), 30000)  # its port is open while it is bound
    rule = "cyara/voice-6-back"
    packet = media(family)
    net.inject(Dot1Q(vlan=5) / packet, Dot1AD(vlan=7) / packet,
               Dot1AD(vlan=5) / Dot1Q(vlan=99) / packet, Dot1Q(vlan=7, prio=5) / packet)
    wait_for(lambda: net.counters().rule(rule) == 4, "the named VLANs")
    before = net.counters()
    net.inject(packet, Dot1Q(vlan=6) / packet, Dot1AD(vlan=6) / packet,
               Dot1Q(vlan=99) / Dot1Q(vlan=5) / packet, Dot1Q(vlan=0, prio=5) / packet,
               ARP(psrc=address("gateway"), pdst=address("engine")),
               Dot1Q(vlan=6) / Dot1Q(vlan=7) / Dot1Q(vlan=8) / packet)
    after = net.wait_for_drop(before, "vlan", number=7)
    assert after.rule(rule) == 4
    net.apply(site(lookup=lookup, host={"vlan": ["untagged", 6]}))
    net.inject(packet, Dot1Q(vlan=6) / packet, Dot1Q(vlan=0, prio=5) / packet)
    wait_for(lambda: net.counters().rule(rule) == 7, "untagged, and another VLAN")
    before = net.counters()
    net.inject(Dot1Q(vlan=5) / packet)
    net.wait_for_drop(before, "vlan")
    ear.close()


def add_vlan_interface(net, parent, identifier):
    made = net.host.run("ip", "link", "add", "link", parent, "name", f"{parent}.{identifier}",
                        "type", "vlan", "id", identifier, check=False)
    if made.returncode:
        pytest.skip("this kernel has no VLAN interfaces: " + made.stderr.strip())
    net.host.ip("link", "set", f"{parent}.{identifier}", "up")


@pytest.mark.parametrize("offload", ["on", "off"])
def test_vlans_of_what_leaves(net, offload):
    """The tag is read where the NIC is to write it, and where it is in the frame already."""
    add_vlan_interface(net, "e0", 5)
    add_vlan_interface(net, "e0", 6)
    net.host.run("ethtool", "-K", "e0", "txvlan", offload, "rxvlan", "off")
    net.apply(site(host={"vlan": [5]}, interfaces=["e0"]))
    gateway = address("gateway")
    wire = net.peer.packets("p0")
    before = net.counters()
    for identifier in (6, 5):
        device = f"e0.{identifier}"
        # A /32, so that neither VLAN takes the other's answers.
        net.host.ip("route", "replace", f"{gateway}/32", "dev", device, "src", address("engine"))
        net.host.ip("neigh", "replace", gateway, "lladdr", net.peer.link("p0")["address"], "dev",
                    device)
        with net.host.udp(address("engine"), 20000) as inside, contextlib.suppress(OSError):
            inside.sendto(b"from VLAN %d" % identifier, (gateway, 30000))
    seen = frames_until(wire, lambda frame: b"from VLAN 5" in frame)
    assert not [frame for frame in seen if b"from VLAN 6" in frame]
    after = net.counters()
    assert after.dropped("transmit", reason="vlan") > before.dropped("transmit", reason="vlan")
    assert after.rule("cyara/voice-6", "transmit") == 1
    wire.close()


def test_tags_that_the_nic_takes_off(net):
    """apply and status say so; without the filter there is nothing to say."""
    net.host.run("ethtool", "-K", "e0", "rxvlan", "on")
    warning = "ethtool -K e0 rxvlan off"
    assert warning not in net.apply(site()).stderr
    assert not net.json("status")["interfaces"][0]["vlan_stripped"]
    policy = site(host={"vlan": ["untagged", 5]})
    assert warning in net.apply(policy).stderr
    assert net.json("status")["interfaces"][0]["vlan_stripped"]
    assert warning in net.sallyport("status").stdout
    keep_tags(net)
    assert warning not in net.apply(policy).stderr
    assert warning not in net.sallyport("status").stdout


def test_a_vlan_interface_is_enforced_on_its_parent(net):
    """Its address is not on the parent, so auto does not find that; the message does."""
    add_vlan_interface(net, "e0", 5)
    for part in (address("engine"), address("engine", V6)):
        net.host.ip("addr", "del", f"{part}/{24 if '.' in part else 64}", "dev", "e0")
        net.host.add_address("e0.5", part, 24 if "." in part else 64)
    refused = net.apply(site(), status=1)
    assert "e0.5 is a VLAN interface" in refused.stderr and "interfaces: [e0]" in refused.stderr
    keep_tags(net)
    net.apply(site(interfaces=["e0"], host={"vlan": 5}))
    ear = net.host.udp(address("engine"), 30000)
    net.inject(Dot1Q(vlan=5) / media())
    wait_for(lambda: net.counters().rule("cyara/voice-6-back") == 1, "by the parent")
    ear.close()


# ---------------------------------------------------------------- link protocols


def link_frames(net):
    """word -> frame."""
    peer = net.peer.link("p0")["address"]
    spanning = Dot3(dst="01:80:c2:00:00:00", src=peer) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()
    group = bytes.fromhex("0180c200000e") + bytes.fromhex(peer.replace(":", ""))
    return {"stp": bytes(spanning), "lacp": group + b"\x88\x09" + bytes(50),
            "lldp": group + b"\x88\xcc" + bytes(50), "eapol": group + b"\x88\x8e" + bytes(50)}


@pytest.mark.parametrize("chosen", [None, [], ["stp"], ["lacp", "lldp", "eapol", "stp"]])
def test_link_protocols(net, chosen):
    """The chosen ones pass, tags or no tags to judge; the others are no IP like any."""
    host = {"vlan": [5]} if chosen is None else {"link-control": chosen}
    net.apply(site(host=host))
    passing = ["lacp", "lldp", "eapol"] if chosen is None else chosen
    refused = "ethertype"
    before, frames = net.counters(), link_frames(net)
    with net.peer.packets("p0") as wire:
        for frame in frames.values():
            wire.send(frame)
    after = net.wait_for_sum(before, len(frames))
    assert after.exempt("link-control") - before.exempt("link-control") == len(passing)
    assert (after.dropped(reason=refused) - before.dropped(reason=refused) ==
            len(frames) - len(passing))


# ---------------------------------------------------------------- routers and groups


@pytest.mark.parametrize("choice", ["auto", "yes", "no"])
@pytest.mark.parametrize("accept", [0, 1])
def test_router_advertisements(net, choice, accept):
    """auto follows the interface; yes and no do not."""
    net.host.sysctl(**{"net.ipv6.conf.e0.accept_ra": accept})
    net.apply(site(host={"router-advertisements": choice}))
    before = net.counters()
    net.inject(layer(V6, "fe80::1", "ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800))
    if choice == "yes" or (choice == "auto" and accept):
        wait_for(lambda: net.counters().exempt("neighbour-discovery") >
                 before.exempt("neighbour-discovery"), "the advertisement")
    else:
        net.wait_for_drop(before, "neighbour-scope")


def vrrp_site(**more):
    policy = site(**more)
    policy["flows"] = [{"id": "vrrp", "from": ["engine", "scheduler"],
                        "to": [GROUP[V4], GROUP[V6]], "allow": ["proto/112"]}]
    return policy


def join(one, family, device, namespace):
    index = namespace.call(lambda: socket.if_nametoindex(device))
    if family == V4:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                       struct.pack("4s4si", packed(GROUP[V4]), bytes(4), index))
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                       struct.pack("4s4si", bytes(4), bytes(4), index))
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    else:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                       packed(GROUP[V6]) + struct.pack("I", index))
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)


def routers(net, family):
    """Raw sockets of two VRRP routers (RFC 5798), in the group on both sides."""
    made = []
    for namespace, device, part in ((net.host, "e0", "engine"), (net.peer, "p0", "scheduler")):
        one = namespace.socket(family, socket.SOCK_RAW, VRRP)
        one.bind((address(part, family), 0))
        join(one, family, device, namespace)
        made.append(one)
    return made


def test_vrrp_both_ways(net, family, lookup):
    """Advertisements of both routers reach each other's sockets; a stranger's reach nobody's."""
    net.apply(vrrp_site(lookup=lookup))
    # A socket that is bound to an address hears nothing sent to a group.
    inside, outside = routers(net, family)
    ear = net.host.socket(family, socket.SOCK_RAW, VRRP)
    join(ear, family, "e0", net.host)
    far_ear = net.peer.socket(family, socket.SOCK_RAW, VRRP)
    join(far_ear, family, "p0", net.peer)
    advertisement = bytes.fromhex("31010001000000640a000001")
    for _ in range(3):
        inside.sendto(advertisement, (GROUP[family], 0))
        assert far_ear.recv(100).endswith(advertisement)
        outside.sendto(advertisement, (GROUP[family], 0))
        assert ear.recv(100).endswith(advertisement)
    counters = net.counters()
    rules = [f"site/vrrp:{part}:{GROUP[family]}" for part in ("engine", "scheduler")]
    assert counters.rule(rules[0], "transmit") == 3
    assert counters.rule(rules[1]) == 3
    before = net.counters()
    proto = {"proto" if family == V4 else "nh": VRRP}
    net.inject(layer(family, address("stranger", family), GROUP[family], **proto) /
               Raw(advertisement))
    net.wait_for_drop(before, "unknown-peer")
    close(inside, outside, ear, far_ear)


def test_group_membership_where_a_rule_names_a_group(net, family):
    """The kernel's own reports leave, and a router's queries arrive, from 0.0.0.0 too."""
    reason = "multicast-membership"
    net.apply(site())
    before = net.counters()
    query = igmp_query("192.0.2.1") if family == V4 else mld_query("fe80::1")
    net.inject(query)
    net.wait_for_drop(before, "protocol" if family == V4 else "icmp-type")
    net.apply(vrrp_site())
    before = net.counters()
    one = net.host.socket(family, socket.SOCK_RAW, VRRP)
    join(one, family, "e0", net.host)
    wait_for(lambda: net.counters().exempt(reason, "transmit") >
             before.exempt(reason, "transmit"), "the report of who joined")
    before = net.counters()
    queries = [query, igmp_query("0.0.0.0") if family == V4 else mld_query("::")]
    net.inject(*queries)
    wait_for(lambda: net.counters().exempt(reason) >= before.exempt(reason) + 2, "the queries")
    before = net.counters()
    off_link = igmp_query("192.0.2.1", 2) if family == V4 else mld_query("fe80::1", 2)
    net.inject(off_link)
    net.wait_for_drop(before, "protocol" if family == V4 else "icmp-type")
    own = igmp_query(address("engine")) if family == V4 else mld_query(link_local(net))
    before = net.counters()
    net.inject(own)
    net.wait_for_drop(before, "spoofed")
    net.apply(vrrp_site(host={"multicast-membership": "no"}))
    before = net.counters()
    net.inject(query)
    net.wait_for_drop(before, "protocol" if family == V4 else "icmp-type")
    one.close()


def igmp_query(source, ttl=1):
    """RFC 3376 4.1, with the router alert option."""
    from scapy.layers.inet import IPOption_Router_Alert
    return IP(src=source, dst="224.0.0.1", ttl=ttl, proto=2, options=[IPOption_Router_Alert()]
              ) / Raw(bytes.fromhex("1164ec1e0000000002140000"))


def mld_query(source, hop_limit=1):
    """RFC 3810 5.1, with the router alert option."""
    from scapy.layers.inet6 import ICMPv6MLQuery, IPv6ExtHdrHopByHop, RouterAlert
    return IPv6(src=source, dst="ff02::1", hlim=hop_limit) / IPv6ExtHdrHopByHop(
        options=[RouterAlert()]) / ICMPv6MLQuery()


def link_local(net):
    for entry in net.host.ip("-6", "-o", "addr", "show", "dev", "e0", "scope",
                             "link").stdout.split():
        if entry.startswith("fe80:"):
            return entry.split("/")[0]
    raise AssertionError("e0 has no address of its link")


# ---------------------------------------------------------------- who pretends to be this host


def test_what_pretends_to_be_from_here(net, family):
    """ICMP errors and neighbour discovery from an own address, whatever they say."""
    net.apply(site())
    engine, gateway = address("engine", family), address("gateway", family)
    inside = net.host.udp(engine, 20000)
    inside.sendto(b"x", (gateway, 30000))
    quoted = layer(family, engine, gateway) / UDP(sport=20000, dport=30000)
    if family == V4:
        lies = [layer(V4, engine, engine) / ICMP(type=3, code=3) / quoted]
    else:
        lies = [layer(V6, engine, engine) / ICMPv6DestUnreach(code=4) / quoted,
                layer(V6, engine, engine, hlim=255) / ICMPv6ND_NS(tgt=engine),
                layer(V6, engine, engine, hlim=255) / ICMPv6ND_NA(tgt=gateway),
                layer(V6, link_local(net), engine, hlim=255) / ICMPv6ND_RA(routerlifetime=9)]
    before = net.counters()
    net.inject(*lies)
    after = net.wait_for_drop(before, "spoofed", number=len(lies))
    assert after.exempt("icmp-error") == 0
    inside.close()


def test_duplicate_addresses_are_found(net):
    """The one who has the address answers from that very address, and must be heard (RFC 4862)."""
    taken = "2001:db8:1::d"
    net.peer.add_address("p0", taken, 64)
    policy = site()
    policy["hosts"]["engine"]["addresses"].append(taken)
    net.apply(policy)
    net.host.sysctl(**{"net.ipv6.conf.all.accept_dad": 1, "net.ipv6.conf.e0.accept_dad": 1})
    net.host.ip("addr", "add", f"{taken}/64", "dev", "e0")
    wait_for(lambda: "dadfailed" in net.host.ip("-6", "addr", "show", "dev", "e0").stdout,
             "the duplicate")


# ---------------------------------------------------------------- jumbo frames


@pytest.mark.parametrize("mtu", [9000, 16000])
def test_jumbo_frames(net, family, lookup, mtu):
    """Native XDP, TCP in bulk and datagrams of the whole MTU, counted to the byte."""
    net.host.ip("link", "set", "e0", "mtu", mtu)
    net.peer.ip("link", "set", "p0", "mtu", mtu)
    net.apply(site(lookup=lookup))
    status = net.json("status")["interfaces"][0]
    assert status["xdp"]["how"] == "native"
    engine, gateway, portal = (address(part, family) for part in ("engine", "gateway", "portal"))
    listener = net.host.listen(engine, 9005)
    outside = net.peer.connect(portal, engine, 9005)
    inside, _ = listener.accept()
    transfer(outside, inside, 3_000_000)
    transfer(inside, outside, 3_000_000)
    close(inside, outside, listener)
    headers = 28 if family == V4 else 48
    data = bytes(mtu - headers)
    near, far = net.host.udp(engine, 30000), net.peer.udp(gateway, 20000)
    before = net.counters()
    for _ in range(5):
        far.sendto(data, (engine, 30000))
        assert near.recv(1 << 16) == data
        near.sendto(data, (gateway, 20000))
        assert far.recv(1 << 16) == data
    after = net.counters()
    rule = "cyara/voice-6-back"
    assert after.rule(rule, unit="bytes") - before.rule(rule, unit="bytes") == 5 * (mtu + 14)
    # A datagram of several frames, whose first is longer than one buffer.
    far.sendto(bytes(3 * mtu), (engine, 30000))
    assert len(near.recv(1 << 16)) == 3 * mtu
    assert net.counters().lost() == {}
    close(near, far)


def test_a_driver_without_frames_in_several_buffers(net):
    """tun has native XDP, and no support for them: the programs attach all the same."""
    made = net.host.run("ip", "tuntap", "add", "dev", "t0", "mode", "tap", check=False)
    if made.returncode:
        pytest.skip("this kernel has no tun driver: " + made.stderr.strip())
    net.host.ip("link", "set", "t0", "up")
    net.host.add_address("t0", "198.51.100.10", 24)
    policy = site(interfaces=["t0"])
    net.apply(policy)
    assert net.json("status")["interfaces"][0]["xdp"]["how"] == "native"


# ---------------------------------------------------------------- several interfaces


SECOND = {"engine": {V4: "198.51.100.10", V6: "2001:db8:2::10"},
          "gateway": {V4: "198.51.100.30", V6: "2001:db8:2::30"}}


def second_link(net):
    net.add_link("e1", "p1")
    for one, bits in ((V4, 24), (V6, 64)):
        net.host.add_address("e1", SECOND["engine"][one], bits)
        net.peer.add_address("p1", SECOND["gateway"][one], bits)
    policy = site()
    policy["hosts"]["engine"]["addresses"] += SECOND["engine"].values()
    policy["bind"]["cyara/sip-or-media-gateway"] += SECOND["gateway"].values()
    return policy


def generations(net):
    return {one["interface"]: one["generation"] for one in net.json("status")["interfaces"]}


def test_two_interfaces(net, family, lookup):
    """One policy on both: each has its traffic, a reload takes both, flows live on."""
    policy = {**second_link(net), "lookup": lookup}
    net.apply(policy)
    assert sorted(generations(net)) == ["e0", "e1"]
    pairs = [(address("engine", family), address("gateway", family)),
             (SECOND["engine"][family], SECOND["gateway"][family])]
    sockets = [(net.host.udp(engine, 20000), net.peer.udp(gateway, 30000), gateway)
               for engine, gateway in pairs]

    def talk():
        for inside, outside, gateway in sockets:
            inside.sendto(b"question", (gateway, 30000))
            data, source = outside.recvfrom(100)
            outside.sendto(data, source)
            assert inside.recv(100) == b"question"

    talk()
    first = generations(net)
    policy["parameters"]["cyara/gateway-rtp-back"] = "off"
    net.apply(policy)
    second = generations(net)
    assert len(set(second.values())) == 1 and second["e0"] > first["e0"]
    talk()
    counters = net.counters()
    for device in ("e0", "e1"):
        assert counters.sum("transmit_packets_total", interface=device, rule="cyara/voice-6") == 2
    # What is bound elsewhere is no peer here either.
    before = net.counters()
    stray = net.peer.udp(address("stranger", family), 30000)
    stray.sendto(b"x", (address("engine", family), 20000))
    net.wait_for_sum(before, 1)
    for inside, outside, _ in sockets:
        close(inside, outside)
    stray.close()


def test_a_flow_may_answer_on_the_other_interface(net, family):
    """Flows belong to the host, not to an interface: the way back need not be the way out."""
    policy = second_link(net)
    net.apply(policy)
    engine, gateway = address("engine", family), SECOND["gateway"][family]
    inside, outside = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
    net.host.sysctl(**{"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.e0.rp_filter": 0,
                       "net.ipv4.conf.e1.rp_filter": 0})
    net.peer.sysctl(**{"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.p0.rp_filter": 0,
                       "net.ipv4.conf.p1.rp_filter": 0})
    inside.sendto(b"out by e1", (gateway, 30000))
    assert outside.recv(100) == b"out by e1"
    outside.sendto(b"back by e0", (engine, 20000))
    assert inside.recv(100) == b"back by e0"
    counters = net.counters()
    assert counters.sum("transmit_packets_total", interface="e1", rule="cyara/voice-6") == 1
    assert counters.sum("receive_packets_total", interface="e0") >= 1
    close(inside, outside)


@pytest.mark.parametrize("mode", ["active-backup", "balance-rr"])
def test_a_bond(net, mode):
    """Enforced on the bond, whichever port a packet takes; a port alone is refused."""
    made = net.host.run("ip", "link", "add", "bond0", "type", "bond", "mode", mode, "miimon", 100,
                        check=False)
    if made.returncode:
        pytest.skip("this kernel has no bonds: " + made.stderr.strip())
    net.add_link("e1", "p1")
    for device in ("e0", "e1"):
        net.host.ip("link", "set", device, "down")
        net.host.ip("addr", "flush", "dev", device)
        net.host.ip("link", "set", device, "master", "bond0")
    net.host.ip("link", "set", "bond0", "up")
    net.peer.ip("link", "add", "br0", "type", "bridge")
    for part in both("portal"):
        net.peer.ip("addr", "flush", "dev", "p0")
    for device in ("p0", "p1"):
        net.peer.ip("link", "set", device, "master", "br0")
    net.peer.ip("link", "set", "br0", "up")
    net.host.add_address("bond0", address("engine"), 24)
    net.peer.add_address("br0", address("portal"), 24)
    assert "interfaces: [bond0]" in net.apply(site(interfaces=["e0"]), status=1).stderr
    net.apply(site())
    assert list(generations(net)) == ["bond0"]
    listener = net.host.listen(address("engine"), 9005)
    outside = net.peer.connect(address("portal"), address("engine"), 9005)
    inside, _ = listener.accept()
    transfer(outside, inside, 300_000)
    assert net.counters().rule("cyara/web-5") > 10
    close(inside, outside, listener)
