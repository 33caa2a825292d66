# SPDX-License-Identifier: BSD-2-Clause
"""live: a port is open while a socket of this namespace is bound to it, and no longer than a second
more. Real sockets, both families."""

import socket
import time

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6

from namespaces import V4, V6, address, both, close, site, transfer

MEDIA, SIGNALS = "site/media", "site/signals"
PORT, SIGNAL_PORT, FAR_PORT = 30000, 5061, 40000
# include/bounds.h, LIVE_ANSWER_MS: what was bound may count as bound for so long; and two ticks of
# the slowest clock, in which what was not bound may still count as that.
KEPT, TICKS = 1.0, 0.02

PASSED, NOT_BOUND = (1, {}), (0, {"not-bound": 1})


def live_site(options=None, **more):
    return site(flows=[
        ("media", "$far", "engine", ["udp/30000-30100"], options or {"live": "yes"}),
        ("signals", "$far", "engine", ["tcp/5061"], {"live": "yes"})],
        sets={"far": both("collector")}, **more)


def ip(family, source="collector"):
    return (IP if family == V4 else IPv6)(src=address(source, family),
                                          dst=address("engine", family))


def fate(net, family, port=PORT, far_port=FAR_PORT):
    """Of one datagram from the collector."""
    packet = ip(family) / UDP(sport=far_port, dport=port) / b"0123456789abcdef"
    return net.fate(MEDIA, lambda: net.inject(packet))


def fate_of_syn(net, family, far_port=FAR_PORT, flags="S"):
    packet = ip(family) / TCP(sport=far_port, dport=SIGNAL_PORT, flags=flags)
    return net.fate(SIGNALS, lambda: net.inject(packet))


def any_address(family):
    return "0.0.0.0" if family == V4 else "::"


def assert_opens_and_closes(net, family, make):
    """Closed, open at once when what make() returns is bound, closed again when it is gone."""
    assert fate(net, family) == NOT_BOUND
    made = make()
    time.sleep(TICKS)
    assert fate(net, family) == PASSED
    assert fate(net, family) == PASSED, "by the answer that was kept"
    made.close()
    time.sleep(KEPT)
    assert fate(net, family) == NOT_BOUND


def test_a_port_is_open_while_a_socket_is_bound_to_it(net, family, lookup):
    net.apply(live_site(lookup=lookup))
    for local in address("engine", family), any_address(family):
        assert_opens_and_closes(net, family, lambda to=local: net.host.udp(to, PORT))
    assert fate(net, family, PORT + 1) == NOT_BOUND


def test_what_passes_arrives(net, family):
    net.apply(live_site())
    inside = net.host.udp(address("engine", family), PORT)
    outside = net.peer.udp(address("collector", family))
    for _ in range(20):
        outside.sendto(b"speech", (address("engine", family), PORT))
        data, sender = inside.recvfrom(100)
        assert data == b"speech"
        inside.sendto(b"answer", sender)
        assert outside.recv(100) == b"answer"
    assert net.counters().lost() == {}
    close(inside, outside)


def test_a_socket_of_both_families(net, family):
    """Bound to :: without IPV6_V6ONLY, it takes IPv4 too; with it, it does not."""
    net.apply(live_site())

    def make(only):
        made = net.host.socket(V6, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        made.bind(("::", PORT))
        return made

    assert_opens_and_closes(net, family, lambda: make(0))
    with make(1):
        time.sleep(TICKS)
        assert fate(net, family) == (PASSED if family == V6 else NOT_BOUND)


def test_another_address_of_the_host(net, family):
    """A socket there opens nothing here, and here nothing there."""
    other = "192.0.2.11" if family == V4 else "2001:db8:1::11"
    net.host.add_address("e0", other, 24 if family == V4 else 64)
    net.apply(live_site())
    with net.host.udp(other, PORT):
        assert fate(net, family) == NOT_BOUND
        with net.host.udp(address("engine", family), PORT):
            time.sleep(TICKS)
            assert fate(net, family) == PASSED
        time.sleep(KEPT)
        assert fate(net, family) == NOT_BOUND


def test_two_sockets_that_share_a_port(net, family):
    """SO_REUSEPORT: open until the last of them is gone."""
    net.apply(live_site())

    def make():
        made = net.host.socket(family, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((address("engine", family), PORT))
        return made

    first, second = make(), make()
    assert fate(net, family) == PASSED
    first.close()
    time.sleep(KEPT)
    assert fate(net, family) == PASSED
    second.close()
    time.sleep(KEPT)
    assert fate(net, family) == NOT_BOUND


def test_a_socket_of_another_namespace(net, family):
    net.apply(live_site())
    with net.peer.udp(any_address(family), PORT), net.add_namespace("o").udp(
            any_address(family), PORT):
        assert fate(net, family) == NOT_BOUND


def test_a_socket_that_is_bound_to_a_device(net, family):
    net.apply(live_site())
    for device, expected in ("lo", NOT_BOUND), ("e0", PASSED):
        with net.host.socket(family, socket.SOCK_DGRAM) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            made.bind((any_address(family), PORT))
            time.sleep(TICKS)
            assert fate(net, family) == expected


def test_a_connected_socket_is_its_peers_alone(net, family):
    """And what another peer is told is nothing that its own peer would be told."""
    net.apply(live_site())
    one, two = (net.host.socket(family, socket.SOCK_DGRAM) for _ in range(2))
    for made, far_port in (one, FAR_PORT), (two, FAR_PORT + 1):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address("engine", family), PORT))
        made.connect((address("collector", family), far_port))
    for _ in range(3):
        assert fate(net, family) == PASSED
        assert fate(net, family, far_port=FAR_PORT + 2) == NOT_BOUND
        assert fate(net, family, far_port=FAR_PORT + 1) == PASSED
    with net.host.socket(family, socket.SOCK_DGRAM) as third:
        third.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        third.bind((address("engine", family), PORT))
        time.sleep(TICKS)
        for far_port in range(FAR_PORT, FAR_PORT + 4):
            assert fate(net, family, far_port=far_port) == PASSED
    close(one, two)


def test_a_listener(net, family, lookup):
    """A SYN needs one. A connection ends as its socket ends, however long its listener is gone."""
    net.apply(live_site(lookup=lookup))
    engine = address("engine", family)
    assert fate_of_syn(net, family) == NOT_BOUND
    listener = net.host.listen(engine, SIGNAL_PORT)
    time.sleep(TICKS)
    outside = net.peer.connect(address("collector", family), engine, SIGNAL_PORT)
    inside, _ = listener.accept()
    transfer(outside, inside, 100_000)
    listener.close()
    time.sleep(KEPT)
    assert fate_of_syn(net, family, FAR_PORT + 1) == NOT_BOUND
    transfer(outside, inside, 100_000)
    transfer(inside, outside, 100_000)
    close(outside, inside)


def test_a_bound_socket_that_does_not_listen(net, family):
    net.apply(live_site())
    with net.host.socket(family) as made:
        made.bind((address("engine", family), SIGNAL_PORT))
        assert fate_of_syn(net, family) == NOT_BOUND


def test_the_ports_of_a_connection_that_ended(net, family):
    """This end closed first and waits (TIME_WAIT): the same ports may connect again at once."""
    net.apply(live_site())
    engine = address("engine", family)
    listener = net.host.listen(engine, SIGNAL_PORT)
    for _ in range(3):
        outside = net.peer.connect(address("collector", family), engine, SIGNAL_PORT, FAR_PORT)
        inside, _ = listener.accept()
        inside.close()
        assert outside.recv(1) == b""
        outside.close()
        time.sleep(KEPT)
    assert net.counters().lost() == {}
    listener.close()


def test_audit_only_counts(net, family):
    net.apply(live_site(mode=("audit", "audit")))
    before = net.counters()
    assert net.counters().would_drop(reason="not-bound") == 0
    net.inject(ip(family) / UDP(sport=FAR_PORT, dport=PORT))
    after = net.wait_for_sum(before, 1)
    assert after.would_drop(reason="not-bound") == 1
    assert after.lost() == {}


def test_explain_asks_for_the_socket(net, family):
    net.apply(live_site())
    ends = (address("collector", family), FAR_PORT), (address("engine", family), PORT)
    answer = net.explain("in", "udp", *ends)
    assert (answer["verdict"], answer["reason"]) == ("drop", "not-bound")
    with net.host.udp(address("engine", family), PORT):
        assert net.explain("in", "udp", *ends)["verdict"] == "pass"


@pytest.mark.parametrize("kind", ["not said", "no live"])
def test_what_is_not_live_is_not_asked(net, family, kind):
    """The port of a rule without live is open whatever is bound."""
    net.apply(live_site({"live": "no"} if kind == "no live" else {"shape": "none"}))
    assert fate(net, family) == PASSED
