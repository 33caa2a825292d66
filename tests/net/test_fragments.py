# SPDX-License-Identifier: BSD-2-Clause
"""Fragments: large SIP over UDP passes whole, both ways; what abuses fragments is dropped, each with
its own reason, and none of it reaches a socket."""

import contextlib
import itertools
import json
import os
import threading

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw

from namespaces import V4, V6, address, close, is_readable, site, wait_for

SIP = 6000
# A frame of 1500 bytes carries at most 1480 (v4) or 1448 (v6) of a datagram: five frames of 6008.
FRAMES = 5


@pytest.fixture
def enforced(net, lookup):
    apply_site(net, lookup=lookup)
    return net


def apply_site(net, **more):
    net.apply(site(parameters={"cyara/gateway-sip-back": "on"}, **more))


def ends(family):
    return address("gateway", family), address("engine", family)


def fragment(family, identification, offset, more, data, source="gateway", protocol=17):
    """A part of a datagram; offset in bytes."""
    source, destination = address(source, family), address("engine", family)
    if family == V4:
        return IP(src=source, dst=destination, id=identification, frag=offset // 8,
                  flags="MF" if more else 0, proto=protocol) / Raw(data)
    return (IPv6(src=source, dst=destination) /
            IPv6ExtHdrFragment(id=identification, offset=offset // 8, m=int(more), nh=protocol) /
            Raw(data))


def udp(port, length):
    """The first bytes of a UDP datagram of that length to a port."""
    return bytes(UDP(sport=5060, dport=port, len=length, chksum=0))


def tcp(port):
    return bytes(TCP(sport=4000, dport=port, flags="S"))


# ---------------------------------------------------------------- what must work


def test_large_sip_to_the_host(enforced, family):
    """It opens from outside: by the rule for calls from the gateway; and its answer by the mirror."""
    gateway, engine = ends(family)
    inside, outside = enforced.host.udp(engine, 5060), enforced.peer.udp(gateway, 5060)
    for _ in range(3):
        invite = os.urandom(SIP)
        outside.sendto(invite, (engine, 5060))
        assert inside.recv(1 << 16) == invite
        inside.sendto(invite[::-1], (gateway, 5060))
        assert outside.recv(1 << 16) == invite[::-1]
    counters = enforced.counters()
    assert counters.rule("cyara/voice-6-sip-back") == 3 * FRAMES
    assert counters.rule("cyara/voice-6-sip-back", "transmit") == 3 * FRAMES
    assert counters.rule("cyara/voice-6-sip-back", unit="bytes") > 3 * SIP
    assert counters.lost() == counters.lost("transmit") == {}
    close(inside, outside)


def test_large_sip_from_the_host(enforced, family):
    """Its own flow: the source port is in no rule."""
    gateway, engine = ends(family)
    inside, outside = enforced.host.udp(engine, 20000), enforced.peer.udp(gateway, 5060)
    for _ in range(3):
        invite = os.urandom(SIP)
        inside.sendto(invite, (gateway, 5060))
        assert outside.recv(1 << 16) == invite
        outside.sendto(invite[::-1], (engine, 20000))
        assert inside.recv(1 << 16) == invite[::-1]
    counters = enforced.counters()
    assert counters.rule("cyara/voice-6") == counters.rule("cyara/voice-6", "transmit") == 3 * FRAMES
    assert counters.lost() == counters.lost("transmit") == {}
    close(inside, outside)


def test_large_datagrams_that_are_not_allowed(enforced, family):
    """The first is refused for its port, and the later ones do not come in by themselves."""
    gateway, engine = ends(family)
    inside, outside = enforced.host.udp(engine, 5061), enforced.peer.udp(gateway, 5061)
    before = enforced.counters()
    outside.sendto(os.urandom(SIP), (engine, 5061))
    after = enforced.wait_for_drop(before, "fragment-early", number=FRAMES - 1)
    assert after.lost() == {"closed-port": 1, "fragment-early": FRAMES - 1}
    # The host's own stack gives a datagram up when its first fragment is refused.
    inside.sendto(os.urandom(SIP), (gateway, 5061))
    assert enforced.wait_for_drop(after, "closed-port", "transmit").lost("transmit").keys() <= {
        "closed-port", "fragment-early"}
    assert not is_readable(inside) and not is_readable(outside)
    close(inside, outside)


# ---------------------------------------------------------------- attacks

SHORT = b"\0" * 8
LONG = b"x" * 24

# name -> what is sent, as (identification, offset, more, data, changes), and what is dropped for what.
ATTACKS = {
    "a later one alone": (
        [(1, 1480, False, LONG, {})], {"fragment-early": 1}),
    "a later one before its first": (
        [(2, 24, False, LONG, {}), (2, 0, True, udp(5060, 48) + b"x" * 16, {})],
        {"fragment-early": 1}),
    "a later one of another identification": (
        [(3, 0, True, udp(5060, 48) + b"x" * 16, {}), (4, 24, False, LONG, {})],
        {"fragment-early": 1}),
    "a later one of another source": (
        [(5, 0, True, udp(5060, 48) + b"x" * 16, {}), (5, 24, False, LONG, {"source": "stranger"})],
        {"fragment-early": 1}),
    "a first of 8 bytes, where TCP has 20": (
        [(6, 0, True, tcp(5060)[:8], {"protocol": 6}), (6, 8, False, tcp(5060)[8:], {"protocol": 6})],
        {"fragment-tiny": 1, "fragment-early": 1}),
    "a second that writes over the TCP header": (
        [(7, 0, True, tcp(5060) + b"x" * 4, {"protocol": 6}),
         (7, 8, True, SHORT, {"protocol": 6}), (7, 16, False, LONG, {"protocol": 6})],
        {"fragment-overlap": 2}),
    "a refused first takes the entry away": (
        [(8, 0, True, udp(5060, 48) + b"x" * 16, {}), (8, 0, True, udp(5061, 48) + b"x" * 16, {}),
         (8, 24, False, LONG, {})],
        {"closed-port": 1, "fragment-early": 1}),
    "a first of a stranger": (
        [(9, 0, True, udp(5060, 48) + b"x" * 16, {"source": "stranger"}),
         (9, 24, False, LONG, {"source": "stranger"})],
        {"unknown-peer": 1, "fragment-early": 1}),
    "more to come, and no multiple of 8": (
        [(10, 0, True, udp(5060, 48) + b"x" * 15, {}), (10, 24, False, LONG, {})],
        {"malformed": 1, "fragment-early": 1}),
    "more to come, and empty": (
        [(11, 24, True, b"", {})], {"malformed": 1}),
    "past the end of a datagram": (
        [(12, 65528, False, LONG, {})], {"malformed": 1}),
}


def test_attacks(net, family):
    """One after the other, each with an identification of its own."""
    apply_site(net)
    _, engine = ends(family)
    inside = net.host.udp(engine, 5060)
    for attack, (packets, dropped) in ATTACKS.items():
        before = net.counters()
        sent = net.inject(*[fragment(family, *packet[:4], **packet[4]) for packet in packets])
        wait_for(lambda: judged(net.counters()) == judged(before) + sent, attack)
        after = net.counters()
        assert lost_since(before, after) == dropped, attack
        # Nothing of it was put together.
        assert not is_readable(inside), attack
    inside.close()


def judged(counters):
    return counters.sum("receive_packets_total") + sum(counters.lost().values())


def lost_since(before, after):
    old = before.lost()
    grown = {reason: number - old.get(reason, 0) for reason, number in after.lost().items()}
    return {reason: number for reason, number in grown.items() if number}


def test_neighbour_discovery_in_fragments(net):
    """RFC 6980: never, not even as a first fragment of one that would pass."""
    apply_site(net)
    engine = address("engine", V6)
    whole = bytes(IPv6(src=address("gateway", V6), dst=engine, hlim=255) /
                  ICMPv6ND_NS(tgt=engine))[40:]
    packet = fragment(V6, 1, 0, True, whole, protocol=58)
    packet[IPv6].hlim = 255
    before = net.counters()
    net.inject(packet)
    net.wait_for_drop(before, "neighbour-scope")


def test_a_full_table_of_fragments(net, family):
    """bounds: {fragments}: a further datagram is dropped as such, and the live ones are finished."""
    apply_site(net, bounds={"fragments": "16"})
    gateway, engine = ends(family)
    inside, outside = net.host.udp(engine, 5060), net.peer.udp(gateway, 5060)
    half = [(number, 0, True, udp(5060, 8) + b"x" * 16) for number in range(100, 140)]
    before = net.counters()
    net.inject(*[fragment(family, *each) for each in half])
    after = net.wait_for_drop(before, "fragment-table-full", number=24)
    assert after.rule("cyara/voice-6-sip-back") == 16
    assert net.json("status")["fragments"] == {"used": 16, "bound": 16}
    told = net.json("explain", json.dumps({
        "direction": "in", "l4": "udp", "source": gateway, "source_port": 5060, "destination": engine,
        "destination_port": 5060, "fragment": {"id": 999, "offset": 0, "more": True},
        "payload": "00" * 16}))
    assert (told["verdict"], told["reason"]) == ("drop", "fragment-table-full")
    # What is no fragment does not care.
    outside.sendto(b"whole", (engine, 5060))
    assert inside.recv(100) == b"whole"
    close(inside, outside)


def test_a_flood_of_late_fragments_costs_no_call(net, family):
    """What comes without its first takes no entry, so it can't crowd out a real one."""
    apply_site(net, bounds={"fragments": "16"})
    gateway, engine = ends(family)
    inside, outside = net.host.udp(engine, 5060), net.peer.udp(gateway, 5060)
    before = net.counters()
    net.inject(*[fragment(family, number, 1480, True, LONG, source="stranger")
                 for number in range(500)])
    after = net.wait_for_drop(before, "fragment-early", number=500)
    assert net.json("status")["fragments"]["used"] == 0
    invite = os.urandom(SIP)
    outside.sendto(invite, (engine, 5060))
    assert inside.recv(1 << 16) == invite
    assert net.counters().lost() == after.lost()
    close(inside, outside)


def hostile(family):
    """Frames without end that would put something together, or fill the table, if they could. None of the gateway's:
    it might number a datagram as the kernel does one of its own."""
    for number in itertools.cycle(range(1000, 1256)):
        yield fragment(family, number, 1480, True, LONG, source="stranger")
        yield fragment(family, number, 0, True, udp(5060, 48) + b"x" * 16, source="stranger")
        yield fragment(family, number, 1480, True, LONG, source="portal")
        yield fragment(family, number, 0, True, udp(5061, 48) + b"x" * 16, source="portal")
        yield fragment(family, number, 0, True, tcp(5060)[:8], source="portal", protocol=6)


@contextlib.contextmanager
def flooded(net, family):
    """The host, while fragments come in as fast as a thread can send them."""
    frames = [net.frame(packet) for packet in itertools.islice(hostile(family), 1280)]
    over, sent = threading.Event(), [0]

    def send():
        with net.peer.packets("p0") as wire:
            for frame in itertools.cycle(frames):
                if over.is_set():
                    return
                # A full queue of the link is the flood's own loss.
                with contextlib.suppress(OSError):
                    wire.send(frame)
                    sent[0] += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        wait_for(lambda: sent[0] > len(frames), "the flood runs")
        yield sent
    finally:
        over.set()
        thread.join()


def test_large_sip_while_fragments_flood(net, family, lookup):
    """In rules and own flows, each INVITE arrives whole; and nothing of the flood takes an entry."""
    apply_site(net, lookup=lookup)
    gateway, engine = ends(family)
    # By the rule for calls from the gateway, and by a flow of the host's own.
    called, caller = net.host.udp(engine, 5060), net.host.udp(engine, 20000)
    outside = net.peer.udp(gateway, 5060)
    with flooded(net, family) as sent:
        before, calls = sent[0], 0
        while calls < 25 or sent[0] < before + 1000:
            calls += 1
            for inside, port in ((called, 5060), (caller, 20000)):
                invite = os.urandom(SIP)
                inside.sendto(invite, (gateway, 5060))
                assert outside.recv(1 << 16) == invite
                outside.sendto(invite[::-1], (engine, port))
                assert inside.recv(1 << 16) == invite[::-1]
    # Two datagrams each way.
    assert net.json("status")["fragments"]["used"] <= 4 * calls
    counters = net.counters()
    assert counters.lost().keys() == {"fragment-early", "unknown-peer", "closed-port",
                                      "fragment-tiny"}
    assert counters.rule("cyara/voice-6-sip-back") == calls * FRAMES
    assert counters.lost("transmit") == {}
    close(called, caller, outside)


def test_reloads_do_not_put_off_the_sweep(net):
    """Applies that follow each other faster than the sweep: expired fragments give their room back."""
    apply_site(net, bounds={"fragments": "16"})
    half = [fragment(V4, number, 0, True, udp(5060, 8) + b"x" * 16) for number in range(16)]
    net.inject(*half)
    wait_for(lambda: net.json("status")["fragments"]["used"] == 16, "the table is full")

    def swept():
        apply_site(net, bounds={"fragments": "16"})
        return net.json("status")["fragments"]["used"] == 0

    wait_for(swept, "what has expired goes while policies are applied")
