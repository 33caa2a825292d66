# SPDX-License-Identifier: BSD-2-Clause
"""What leaves: nothing that no out rule allows, seen from the other end of the wire. And the table of
flows when it is full."""

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NA, IPv6, IPv6ExtHdrRouting
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw

from namespaces import (TCX, V4, V6, address, close, frames_until, is_readable, site, transfer,
                        wait_for)

MARK = b"what may not leave"
LAST = b"the last of all"


def layer(family, source="engine", destination="stranger", **more):
    return (IP if family == V4 else IPv6)(src=address(source, family),
                                          dst=address(destination, family), **more)


def forbidden(family):
    """reason -> packets that are dropped for it."""
    echo = ICMP(id=3) if family == V4 else ICMPv6EchoRequest(id=3)
    return {
        "closed-port": [layer(family) / UDP(sport=1, dport=53), layer(family) / TCP(dport=4444),
                        layer(family, destination="bus") / TCP(dport=5671)],
        "unknown-peer": [layer(family) / TCP(dport=5672), layer(family) / UDP(dport=5060)],
        "wrong-port": [layer(family, destination="bus") / TCP(dport=8001),
                       layer(family, destination="gateway") / TCP(dport=5672)],
        "no-flow": [layer(family, destination="bus") / TCP(dport=5672, flags="A"),
                    layer(family, destination="bus") / TCP(dport=5672, flags="SA"),
                    layer(family) / TCP(dport=5672, flags="R")],
        "icmp-type": [layer(family) / echo],
        "protocol": [layer(family, **{"proto" if family == V4 else "nh": 47})],
        "malformed": [layer(family, **({"ihl": 4} if family == V4 else {"version": 5})) /
                      UDP(sport=1, dport=5060)],
        "ethertype": [Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / layer(family)],
    }


@pytest.mark.parametrize("hook", [TCX, "clsact"])
def test_what_no_rule_allows_never_leaves(net, family, lookup, hook):
    """Each packet carries a mark; the wire carries none of them, and the counters all of them."""
    net.apply(site(lookup=lookup), "--egress-hook", hook)
    wire = net.peer.packets("p0")
    packets = forbidden(family)
    before = net.counters()
    for each in packets.values():
        net.emit(*[packet / Raw(MARK) for packet in each])
    net.emit(layer(family, destination="gateway") / UDP(sport=7, dport=5060) / Raw(LAST))
    seen = frames_until(wire, lambda frame: LAST in frame)
    assert not [frame for frame in seen if MARK in frame]
    after = net.counters()
    grown = {reason: after.dropped("transmit", reason=reason) - before.dropped(
        "transmit", reason=reason) for reason in packets if reason != "icmp-type"}
    assert grown == {reason: len(each) for reason, each in packets.items()
                     if reason != "icmp-type"}
    assert after.dropped("transmit", reason="icmp-type") > before.dropped(
        "transmit", reason="icmp-type")
    assert after.rule("cyara/voice-6", "transmit") == before.rule("cyara/voice-6", "transmit") + 1
    wire.close()


def test_scope_of_neighbour_discovery(net):
    """It leaves as it must, and not with a hop limit that a receiver would refuse."""
    net.apply(site())
    wire = net.peer.packets("p0")
    answer = ICMPv6ND_NA(tgt=address("engine", V6), R=0, S=1)
    before = net.counters()
    net.emit(layer(V6, hlim=64) / answer)
    net.wait_for_drop(before, "neighbour-scope", "transmit")
    net.emit(layer(V6, hlim=255) / answer)
    # Byte 21 of a frame is IPv6's hop limit, byte 54 the type of an ICMPv6 message.
    seen = frames_until(wire, lambda frame: frame[12:14] == b"\x86\xdd" and frame[54] == 136)
    assert seen[-1][21] == 255
    wire.close()


def test_the_host_uses_its_own_addresses(net, family):
    """A rule's local side is the role's addresses: another source matches no rule."""
    net.apply(site())
    before = net.counters()
    net.emit(layer(family, source="portal", destination="bus") / TCP(dport=5672))
    after = net.wait_for_drop(before, "wrong-port", "transmit")
    assert after.rule("cyara/voice-4", "transmit") == before.rule("cyara/voice-4", "transmit")


def test_headers_that_hide_the_port(net):
    """Extension headers are walked: the port behind them decides."""
    net.apply(site())
    wire = net.peer.packets("p0")
    before = net.counters()
    hidden = IPv6ExtHdrRouting(type=4) / UDP(sport=9, dport=5061) / Raw(MARK)
    net.emit(layer(V6, destination="gateway") / hidden)
    net.wait_for_drop(before, "closed-port", "transmit")
    net.emit(layer(V6, destination="gateway") / IPv6ExtHdrRouting(type=4) /
             UDP(sport=9, dport=5060) / Raw(LAST))
    assert not [frame for frame in frames_until(wire, lambda frame: LAST in frame) if MARK in frame]
    wire.close()


def test_what_only_passes_through(net, family):
    """A forwarding host is refused unless the site says what to do; with drop nothing passes, nor does
    a passing packet open a flow."""
    behind = net.add_namespace("b")
    net.add_link("e1", "b0", net.host, behind)
    net.host.add_address("e1", "198.51.100.1", 24)
    net.host.add_address("e1", "2001:db8:2::1", 64)
    inner = "198.51.100.2" if family == V4 else "2001:db8:2::2"
    behind.add_address("b0", inner, 24 if family == V4 else 64)
    kind = "-4" if family == V4 else "-6"
    behind.ip(kind, "route", "add", "default", "via",
              "198.51.100.1" if family == V4 else "2001:db8:2::1")
    net.peer.ip(kind, "route", "add", inner, "via", address("engine", family))
    net.host.sysctl(**{"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
    assert "forwarding" in net.apply(site(), status=1).stderr

    bus = address("bus", family)
    net.apply(site(host={"forwarding": "drop"}, interfaces=["e0"]))
    with net.peer.udp(bus, 4000) as outside, behind.udp(inner, 4000) as inside:
        before = net.counters()
        inside.sendto(b"from behind", (bus, 4000))
        net.wait_for_drop(before, "transit", "transmit")
        outside.sendto(b"to behind", (inner, 4000))
        net.wait_for_drop(before, "closed-port")
        assert net.json("status")["flows"]["used"] == 0
        assert not is_readable(outside) and not is_readable(inside)

        net.apply(site(host={"forwarding": "pass"}, interfaces=["e0"]))
        before = net.counters()
        inside.sendto(b"from behind", (bus, 4000))
        assert outside.recv(100) == b"from behind"
        outside.sendto(b"to behind", (inner, 4000))
        assert inside.recv(100) == b"to behind"
        after = net.counters()
        assert after.exempt("forwarded") == before.exempt("forwarded") + 1
        assert after.exempt("forwarded", "transmit") == before.exempt("forwarded", "transmit") + 1
        assert net.json("status")["flows"]["used"] == 0


# ---------------------------------------------------------------- the table of flows

COLLECTORS = ["collector", "storage", "scheduler", "portal"]


def small_table(family):
    flows = [(f"feed-{part}", "engine", address(part, family), "udp/7000")
             for part in (*COLLECTORS, "stranger")]
    return site(flows=flows, bounds={"flows": "64"})


def test_a_full_table_of_flows(net, family):
    """Openers are refused, each for its reason. Live flows go on, and management gets in."""
    net.apply(small_table(family))
    engine = address("engine", family)
    sinks = {part: net.peer.udp(address(part, family), 7000) for part in (*COLLECTORS, "stranger")}
    live = net.host.udp(engine, 20000)
    live.sendto(b"first", (address(COLLECTORS[0], family), 7000))
    assert sinks[COLLECTORS[0]].recv(100) == b"first"

    # One rule and peer hold a quarter of the table, and no more.
    before = net.counters()
    net.emit(*[layer(family, destination=COLLECTORS[0]) / UDP(sport=port, dport=7000)
               for port in range(20001, 20021)])
    after = net.wait_for_drop(before, "flow-peer-full", "transmit", number=5)
    assert after.dropped("transmit", reason="flow-peer-full") == 5
    assert net.json("status")["flows"] == {"used": 16, "bound": 64}
    told = net.explain("out", "udp", (engine, 20999), (address(COLLECTORS[0], family), 7000))
    assert (told["verdict"], told["reason"]) == ("drop", "flow-peer-full")
    told = net.explain("out", "udp", (engine, 20999), (address("stranger", family), 7000))
    assert (told["verdict"], told["reason"]) == ("pass", "rule")
    for part in COLLECTORS[1:]:
        net.emit(*[layer(family, destination=part) / UDP(sport=port, dport=7000)
                   for port in range(20000, 20016)])
    assert net.json("status")["flows"] == {"used": 64, "bound": 64}
    before = net.counters()
    assert before.lost("transmit") == {"flow-peer-full": 5}
    told = net.explain("out", "udp", (engine, 20999), (address("stranger", family), 7000))
    assert (told["verdict"], told["reason"]) == ("drop", "flow-table-full")
    told = net.explain("out", "udp", (engine, 20000), (address(COLLECTORS[0], family), 7000))
    assert (told["verdict"], told["reason"]) == ("pass", "flow")
    assert net.json("status")["flows"] == {"used": 64, "bound": 64}

    # Full: a new flow is not let out, be it UDP or TCP.
    with net.host.udp(engine, 20000 + 100) as other:
        other.sendto(b"late", (address("stranger", family), 7000))
        after = net.wait_for_drop(before, "flow-table-full", "transmit")
    with net.peer.listen(address("bus", family), 5672) as listener:
        attempt = net.host.begin(engine, address("bus", family), 5672)
        after = net.wait_for_drop(after, "flow-table-full", "transmit")
        attempt.close()
        assert not is_readable(listener)
    assert not is_readable(sinks["stranger"])

    # The live one still speaks and hears, with the room that it has.
    live.sendto(b"second", (address(COLLECTORS[0], family), 7000))
    wait_for(lambda: b"second" == sinks[COLLECTORS[0]].recv(100), "it is live")
    sinks[COLLECTORS[0]].sendto(b"answer", (engine, 20000))
    assert live.recv(100) == b"answer"

    # What is let in needs no room in the table.
    with net.host.listen(engine, 22) as listener:
        outside = net.peer.connect(address("jump", family), engine, 22)
        inside, _ = listener.accept()
        transfer(inside, outside, 20_000)
        transfer(outside, inside, 20_000)
        close(inside, outside)
    assert net.json("status")["flows"] == {"used": 64, "bound": 64}
    close(live, *sinks.values())


def test_arriving_packets_take_no_room(net, family):
    """Ten thousand openers from outside, allowed and not: not one entry."""
    net.apply(small_table(family))
    engine, gateway = address("engine", family), address("gateway", family)
    frames = [net.frame((IP if family == V4 else IPv6)(src=gateway, dst=engine) /
                        UDP(sport=5060, dport=port)) for port in (30000, 29999)]
    before = net.counters()
    with net.peer.packets("p0") as wire:
        for _ in range(5000):
            for frame in frames:
                wire.send(frame)
    after = net.wait_for_drop(before, "closed-port", number=5000)
    assert after.rule("cyara/voice-6-back") >= 5000
    assert net.json("status")["flows"]["used"] == 0
    status = net.json("status")["fragments"]
    assert status["used"] == 0


def test_an_expired_flow_gives_its_room_back(net, family):
    """The sweep runs in the kernel: no process of ours has to."""
    policy = small_table(family)
    policy["host"] = {"timeouts": {"udp-new": "1s", "udp": "1s"}}
    net.apply(policy)
    engine, collector = address("engine", family), address("collector", family)
    with net.host.udp(engine, 20000) as inside, net.peer.udp(collector, 7000) as outside:
        inside.sendto(b"question", (collector, 7000))
        assert outside.recv(100) == b"question"
        wait_for(lambda: net.json("status")["flows"]["used"] == 0, "the sweep")
        before = net.counters()
        outside.sendto(b"too late", (engine, 20000))
        net.wait_for_drop(before, "closed-port")
        assert not is_readable(inside)
