# SPDX-License-Identifier: BSD-2-Clause
"""What keeps a network alive under default deny: path-MTU discovery through a real router, ICMP errors
that belong to a conversation, neighbour discovery and ARP. What only looks like them is dropped."""

import contextlib
import errno
import socket
import threading
import time

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6MLReport, ICMPv6ND_NA,
                                ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6PacketTooBig,
                                IPv6)

from namespaces import (V4, V6, address, close, frames_until, packed, site, transfer,
                        wait_for)

SMALL_MTU = 1300
FAR = {V4: "198.51.100.20", V6: "2001:db8:2::20"}
FAR_ROUTER = {V4: "198.51.100.1", V6: "2001:db8:2::1"}


def layer(family, source, destination, **more):
    return (IP if family == V4 else IPv6)(src=source, dst=destination, **more)


# ---------------------------------------------------------------- path-MTU discovery


@pytest.fixture
def routed(net, family):
    """host ---- peer, which forwards ---- far, behind a link with a smaller MTU."""
    far = net.add_namespace("f")
    net.add_link("r0", "f0", net.peer, far)
    net.peer.sysctl(**{"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
    net.peer.add_address("r0", FAR_ROUTER[V4], 24)
    net.peer.add_address("r0", FAR_ROUTER[V6], 64)
    net.peer.ip("link", "set", "r0", "mtu", SMALL_MTU)
    for one in (V4, V6):
        far.add_address("f0", FAR[one], 24 if one == V4 else 64)
        kind = "-4" if one == V4 else "-6"
        far.ip(kind, "route", "add", "default", "via", FAR_ROUTER[one])
        net.host.ip(kind, "route", "add", "default", "via", address("router", one))
    net.far = far
    policy = site()
    policy["hosts"]["bus"]["addresses"] = [FAR[V4], FAR[V6]]
    policy["hosts"]["portal"]["addresses"] = [f"{FAR[V4][:-2]}21", f"{FAR[V6][:-2]}21"]
    for one in (V4, V6):
        far.add_address("f0", policy["hosts"]["portal"]["addresses"][one == V6],
                        24 if one == V4 else 64)
    net.portal = policy["hosts"]["portal"]["addresses"][family == V6]
    net.policy = policy
    return net


def path_mtu(connection, family):
    if family == V4:
        return connection.getsockopt(socket.IPPROTO_IP, 14)  # IP_MTU
    return connection.getsockopt(socket.IPPROTO_IPV6, 24)  # IPV6_MTU


@pytest.mark.parametrize("opener", ["host", "peer"])
def test_path_mtu_discovery(routed, family, lookup, opener):
    """The host sends more than the way takes, in a flow of its own and in one that was let in."""
    routed.policy["lookup"] = lookup
    routed.apply(routed.policy)
    engine = address("engine", family)
    if opener == "host":
        listener, rule = routed.far.listen(FAR[family], 5672), "cyara/voice-4"
        inside = routed.host.connect(engine, FAR[family], 5672)
        outside, _ = listener.accept()
    else:
        listener, rule = routed.host.listen(engine, 9005), "cyara/web-5"
        outside = routed.far.connect(routed.portal, engine, 9005)
        inside, _ = listener.accept()
    assert path_mtu(inside, family) == 1500, "not known yet"
    before = routed.counters()
    transfer(inside, outside, 300_000)
    assert path_mtu(inside, family) == SMALL_MTU, "learnt from the router's ICMP error"
    after = routed.counters()
    assert after.rule(rule) > before.rule(rule)
    assert after.lost() == {}
    close(inside, outside, listener)


# Of no network that a test's peers and routers are in.
STRANGER = {V4: "203.0.113.99", V6: "2001:db8:bad::99"}


@contextlib.contextmanager
def flood(net, frame, a_second=2000):
    """That frame again and again, as if the peer sent it, until the end of the block."""
    over = threading.Event()

    def send():
        with net.peer.packets("p0") as wire:
            while not over.wait(0.01):
                for _ in range(a_second // 100):
                    wire.send(frame)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("opener", ["host", "peer"])
def test_path_mtu_discovery_in_a_flood(routed, family, opener):
    """A stranger tells of an allowed conversation, 2,000 times a second: he spends what is his, and the
    router's word still gets in, about a flow of the host's own and about one that was let in."""
    routed.apply(routed.policy)
    engine = address("engine", family)
    if opener == "host":
        listener = routed.far.listen(FAR[family], 5672)
        inside = routed.host.connect(engine, FAR[family], 5672)
        outside, _ = listener.accept()
    else:
        listener = routed.host.listen(engine, 9005)
        outside = routed.far.connect(routed.portal, engine, 9005)
        inside, _ = listener.accept()
    quoted = layer(family, engine, routed.portal) / TCP(sport=9005, dport=9)
    frame = routed.frame(unreachable(family, STRANGER[family], engine, quoted))
    assert path_mtu(inside, family) == 1500, "not known yet"
    with flood(routed, frame):
        before = routed.wait_for_drop(routed.counters(), "icmp-limited", number=500)
        transfer(inside, outside, 300_000)
        assert path_mtu(inside, family) == SMALL_MTU, "learnt from the router's ICMP error"
        routed.wait_for_drop(before, "icmp-limited", number=500)
    assert set(routed.counters().lost()) == {"icmp-limited"}
    close(inside, outside, listener)


def test_path_mtu_is_learnt_by_datagrams(routed, family, lookup):
    """A UDP sender that fragments nothing is told what the way takes, and then fits it."""
    routed.policy["lookup"] = lookup
    routed.policy["bind"]["cyara/sip-or-media-gateway"] = [FAR[V4], FAR[V6]]
    routed.apply(routed.policy)
    inside = routed.host.udp(address("engine", family), 20000)
    outside = routed.far.udp(FAR[family], 5060)
    if family == V4:
        inside.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
    else:
        inside.setsockopt(socket.IPPROTO_IPV6, 23, 2)  # IPV6_MTU_DISCOVER
    inside.connect((FAR[family], 5060))
    inside.send(bytes(1400))

    def is_too_long(length):
        """An error that came in about an earlier one is told by the next call."""
        try:
            inside.send(bytes(length))
        except OSError as error:
            assert error.errno == errno.EMSGSIZE
            return True
        return False

    wait_for(lambda: is_too_long(1400), "EMSGSIZE")
    assert path_mtu(inside, family) == SMALL_MTU
    headers = 28 if family == V4 else 48
    wait_for(lambda: not is_too_long(SMALL_MTU - headers), "what fits")
    assert is_too_long(SMALL_MTU - headers + 1)
    assert len(outside.recv(2000)) == SMALL_MTU - headers
    counters = routed.counters()
    assert counters.rule("cyara/voice-6", "transmit") > 0 and counters.lost() == {}
    close(inside, outside)


def test_path_mtu_is_not_learnt_from_forgers(net, family):
    """The same error about a conversation that is not: the route keeps its MTU."""
    net.apply(site())
    engine, bus = address("engine", family), address("bus", family)
    listener = net.peer.listen(bus, 5672)
    inside = net.host.connect(engine, bus, 5672)
    port = inside.getsockname()[1]
    quotes = [layer(family, engine, bus) / TCP(sport=port, dport=5671),
              layer(family, engine, bus) / TCP(sport=port ^ 1, dport=5672),
              layer(family, engine, address("stranger", family)) / TCP(sport=port, dport=5672),
              # Not what this host sent, but what it received.
              layer(family, bus, engine) / TCP(sport=5672, dport=port),
              # Not from an address of this host.
              layer(family, address("portal", family), bus) / TCP(sport=port, dport=5672)]
    before = net.counters()
    net.inject(*[too_big(family, bus, engine, quote) for quote in quotes])
    after = net.wait_for_drop(before, "icmp-unrelated", number=len(quotes))
    assert path_mtu(inside, family) == 1500
    assert after.dropped(reason="icmp-unrelated") - before.dropped(reason="icmp-unrelated") == len(quotes)
    # The true one passes, and is counted where its conversation is.
    net.inject(too_big(family, bus, engine, layer(family, engine, bus) /
                       TCP(sport=port, dport=5672)))
    wait_for(lambda: net.counters().rule("cyara/voice-4") == after.rule("cyara/voice-4") + 1,
             "the error passes by its rule")
    close(inside, listener)


def too_big(family, source, destination, quoted):
    if family == V4:
        return layer(V4, source, destination) / ICMP(type=3, code=4, nexthopmtu=SMALL_MTU) / quoted
    return layer(V6, source, destination) / ICMPv6PacketTooBig(mtu=SMALL_MTU) / quoted


# ---------------------------------------------------------------- other errors


def test_unreachable_ports_are_learnt_both_ways(net, family):
    """The peer's error comes in about what the host sent, and the host's own goes out."""
    net.apply(site())
    engine, gateway = address("engine", family), address("gateway", family)
    inside = net.host.udp(engine, 20000)
    inside.connect((gateway, 30000))
    inside.send(b"nobody listens")
    with pytest.raises(ConnectionRefusedError):
        inside.recv(100)
    outside = net.peer.udp(gateway, 20000)
    outside.connect((engine, 30000))
    outside.send(b"nobody listens")
    with pytest.raises(ConnectionRefusedError):
        outside.recv(100)
    counters = net.counters()
    assert counters.rule("cyara/voice-6") == counters.rule("cyara/voice-6", "transmit") == 1
    assert counters.rule("cyara/voice-6-back") == counters.rule("cyara/voice-6-back", "transmit") == 1
    assert counters.lost() == counters.lost("transmit") == {}
    close(inside, outside)


def unreachable(family, source, destination, quoted):
    if family == V4:
        return layer(V4, source, destination) / ICMP(type=3, code=3) / quoted
    return layer(V6, source, destination) / ICMPv6DestUnreach(code=4) / quoted


def test_the_host_says_nothing_about_what_was_dropped(net, family):
    """An error about a packet that no rule lets in does not leave: the host stays silent."""
    net.apply(site())
    engine, stranger = address("engine", family), address("stranger", family)
    wire = net.peer.packets("p0")
    quoted = layer(family, stranger, engine) / UDP(sport=40000, dport=9)
    before = net.counters()
    net.emit(unreachable(family, engine, stranger, quoted))
    net.wait_for_drop(before, "icmp-unrelated", "transmit")
    gateway = address("gateway", family)
    quoted = layer(family, gateway, engine) / UDP(sport=40000, dport=30000)
    net.emit(unreachable(family, engine, gateway, quoted))
    seen = frames_until(wire, lambda frame: packed(gateway) in frame[14:54])
    assert not [frame for frame in seen if packed(stranger) in frame[14:54]]
    wire.close()


def test_errors_are_bounded_a_second(net, family):
    """Errors about a live conversation, at a rate that no path needs: most go, the flow lives. They are about a
    flow of the host's own: one bucket, of ten a second and at once."""
    net.apply(site())
    engine, gateway = address("engine", family), address("gateway", family)
    inside, outside = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
    inside.sendto(b"x", (gateway, 30000))
    assert outside.recv(10) == b"x"
    quoted = layer(family, engine, gateway) / UDP(sport=20000, dport=30000)
    frame = net.frame(unreachable(family, gateway, engine, quoted))
    before, started, number = net.counters(), time.monotonic(), 2000
    with net.peer.packets("p0") as wire:
        for _ in range(number):
            wire.send(frame)
    passed = net.wait_for_sum(before, number)
    seconds = time.monotonic() - started
    limited = passed.dropped(reason="icmp-limited")
    let_in = passed.rule("cyara/voice-6") - before.rule("cyara/voice-6")
    assert let_in + limited == number
    assert 10 <= let_in <= 10 + 10 * seconds + 1
    outside.sendto(b"y", (engine, 20000))
    wait_for(lambda: net.counters().rule("cyara/voice-6") == passed.rule("cyara/voice-6") + 1,
             "the flow lives")
    close(inside, outside)


def test_redirects_are_dropped(net, family):
    """Even a true one, from the router: the host's routes do not change."""
    net.apply(site())
    engine, gateway = address("engine", family), address("gateway", family)
    quoted = layer(family, engine, gateway) / UDP(sport=30000, dport=5060)
    if family == V4:
        packet = layer(V4, address("router"), engine) / ICMP(type=5, code=1, gw=address(
            "stranger")) / quoted
    else:
        link = "fe80::1"
        packet = layer(V6, link, engine, hlim=255) / ICMPv6ND_Redirect(
            tgt=address("stranger", V6), dst=gateway)
    before = net.counters()
    net.inject(packet)
    net.wait_for_drop(before, "icmp-redirect")


# ---------------------------------------------------------------- neighbours


def test_neighbours_are_found_under_default_deny(net, family):
    """Both sides forget each other; each finds the other again, by ARP or neighbour discovery."""
    net.apply(site())
    engine, bus = address("engine", family), address("bus", family)
    kind = "arp" if family == V4 else "neighbour-discovery"
    inbound, outbound = net.host.listen(engine, 9005), net.peer.listen(bus, 5672)
    for _ in range(3):
        before = net.counters()
        net.host.ip("neigh", "flush", "all")
        net.peer.ip("neigh", "flush", "all")
        outside = net.peer.connect(address("portal", family), engine, 9005)
        net.host.ip("neigh", "flush", "all")
        net.peer.ip("neigh", "flush", "all")
        inside = net.host.connect(engine, bus, 5672)
        for listener in (inbound, outbound):
            accepted, _ = listener.accept()
            accepted.close()
        close(inside, outside)
        after = net.counters()
        for direction in ("receive", "transmit"):
            assert after.exempt(kind, direction) - before.exempt(kind, direction) >= 2
    close(inbound, outbound)


OFF_LINK = {
    "solicitation": lambda engine: ICMPv6ND_NS(tgt=engine),
    "advertisement": lambda engine: ICMPv6ND_NA(tgt=address("router", V6), O=1),
}


@pytest.mark.parametrize("message", OFF_LINK)
def test_neighbour_discovery_from_off_the_link(net, message):
    """A hop limit below 255 says that a router passed it on (RFC 4861 6.1, 7.1)."""
    net.apply(site())
    engine = address("engine", V6)
    before = net.counters()
    net.inject(layer(V6, address("stranger", V6), engine, hlim=254) / OFF_LINK[message](engine))
    after = net.wait_for_drop(before, "neighbour-scope")
    net.inject(layer(V6, address("stranger", V6), engine, hlim=255) / OFF_LINK[message](engine))
    wait_for(lambda: net.counters().exempt("neighbour-discovery") >
             after.exempt("neighbour-discovery"), "the same from this link passes")


def test_router_advertisements_where_none_are_taken(net):
    """The interface does not use SLAAC (accept_ra is 0): nobody becomes its router."""
    net.apply(site())
    before = net.counters()
    net.inject(layer(V6, "fe80::bad", "ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800))
    net.wait_for_drop(before, "neighbour-scope")
    assert "default" not in net.host.ip("-6", "route").stdout


def test_other_messages(net):
    """Timestamp requests, multicast reports, an answer to no question: none is in a rule."""
    net.apply(site())
    engine, jump = address("engine"), address("jump")
    before = net.counters()
    net.inject(layer(V4, jump, engine) / ICMP(type=13), layer(V4, jump, engine) / ICMP(type=17),
               layer(V6, address("jump", V6), address("engine", V6)) / ICMPv6MLReport())
    net.wait_for_drop(before, "icmp-type", number=3)
    net.inject(layer(V4, jump, engine) / ICMP(type=0, id=5),
               layer(V6, address("jump", V6), address("engine", V6)) / ICMPv6EchoReply(id=5))
    net.wait_for_drop(before, "no-flow", number=2)
