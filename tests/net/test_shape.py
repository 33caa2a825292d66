# SPDX-License-Identifier: BSD-2-Clause
"""shape: rtp. What media sends arrives at a real socket; what is no media does not."""

import random
import struct

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from namespaces import V4, address, both, is_readable, site

RULE = "site/media"
PORT = 30000
LAST = b"\x80\x00the last of all"

SIP = "{} sip:agent@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.40\r\nContent-Length: 0\r\n\r\n"


def stun(kind=1, attributes=b""):
    return struct.pack("!HHL", kind, len(attributes), 0x2112a442) + b"transaction1" + attributes


def channel(data, number=0x4000):
    return struct.pack("!HH", number, len(data)) + data


def rtp(payload=b"\xd5" * 160, kind=8, sequence=1):
    return struct.pack("!BBHLL", 0x80, kind, sequence, 160 * sequence, 0xcafe) + payload


MEDIA = {
    "RTP": rtp(),
    "RTP with its marker": rtp(kind=0x80 | 96),
    "comfort noise": rtp(b"\x40", 13),
    "RTP without a payload": rtp(b""),
    "RTCP sender report": struct.pack("!BBHL", 0x80, 200, 6, 0xcafe) + bytes(20),
    "RTCP receiver report": struct.pack("!BBHL", 0x80, 201, 1, 0xcafe),
    "RTCP bye": struct.pack("!BBHL", 0x81, 203, 1, 0xcafe),
    "STUN binding request": stun(),
    "STUN answer": stun(0x0101, b"\x00\x20\x00\x08\x00\x01" + bytes(6)),
    "STUN of RFC 3489": struct.pack("!HH", 1, 0) + b"sixteen random b",
    "DTLS hello": b"\x16\xfe\xff" + bytes(8) + b"\x00\x10" + bytes(16),
    "DTLS 1.3 record": b"\x2f" + bytes(40),
    "ZRTP hello": b"\x10\x00\x00\x01ZRTP\x00\x00\xca\xfe" + bytes(20),
    "channel of TURN": channel(rtp()),
    "empty channel": channel(b""),
}

OTHERS = {
    "nothing": b"",
    "SIP INVITE": SIP.format("INVITE").encode(),
    "SIP OPTIONS": SIP.format("OPTIONS").encode(),
    "SIP ACK": SIP.format("ACK").encode(),
    "SIP REGISTER": SIP.format("REGISTER").encode(),
    "SIP SUBSCRIBE": SIP.format("SUBSCRIBE").encode(),
    "SIP UPDATE": SIP.format("UPDATE").encode(),
    "SIP answer": b"SIP/2.0 200 OK\r\n\r\n",
    "keep-alive of SIP": b"\r\n\r\n",
    "DNS": bytes(DNS(id=0x5001, qd=DNSQR(qname="example.com"))),
    "text": b"what media never says",
    "version 1 of RTP": b"\x40" + rtp()[1:3],
    "version 3 of RTP": b"\xc0" + rtp()[1:],
    "RTP cut short": rtp()[:11],
    "channel cut short": channel(rtp())[:-1],
    "STUN cut short": stun()[:19],
    "zero": b"\x00",
}


def media_site(options, **more):
    return site(flows=[("media", "$far", "engine", ["udp/30000-30100"], options)],
                sets={"far": both("collector")}, **more)


def datagram(family, payload):
    ip = (IP if family == V4 else IPv6)(src=address("collector", family),
                                        dst=address("engine", family))
    return ip / UDP(sport=40000, dport=PORT) / Raw(payload)


def test_media_arrives_and_nothing_else(net, family, lookup):
    net.apply(media_site({"shape": "rtp"}, lookup=lookup))
    inside = net.host.udp(address("engine", family), PORT)
    payloads = list(MEDIA.values()) + list(OTHERS.values())
    random.Random(1).shuffle(payloads)
    passed, dropped = net.fate(RULE, lambda: net.inject(
        *[datagram(family, each) for each in payloads]), len(payloads))
    assert (passed, dropped) == (len(MEDIA), {"shape": len(OTHERS)})
    arrived = [inside.recv(1000) for _ in range(passed)]
    assert arrived == [each for each in payloads if each in MEDIA.values()]
    assert not is_readable(inside)
    inside.close()


@pytest.mark.parametrize("name", MEDIA)
def test_kinds_of_media(net, name):
    """Each by itself, so that a failure says which."""
    net.apply(media_site({"shape": "rtp"}))
    assert net.fate(RULE, lambda: net.inject(datagram(V4, MEDIA[name]))) == (1, {})


def test_what_is_random_seldom_passes(net, family):
    """Of 256 first bytes RFC 7983 names 132; the others never pass."""
    net.apply(media_site({"shape": "rtp"}))
    chance = random.Random(2)
    packets = [datagram(family, bytes([first]) + chance.randbytes(40)) for first in range(256)]
    passed, dropped = net.fate(RULE, lambda: net.inject(*packets), len(packets))
    assert sum(dropped.values()) == dropped["shape"] == 256 - passed
    assert passed <= 4 + 4 + 44 + 16 + 64


def test_turned_off(net, family):
    net.apply(media_site({"shape": "none"}))
    number = len(MEDIA) + len(OTHERS)
    assert net.fate(RULE, lambda: net.inject(
        *[datagram(family, each) for each in {**MEDIA, **OTHERS}.values()]), number) == (number, {})


@pytest.mark.parametrize("options", [{"live": "yes", "shape": "rtp"}, {"limit": {"per-second": 1, "burst": 1}}],
                         ids=["media", "limit"])
def test_what_the_host_opens_is_answered(net, family, lookup, options):
    """From any of its ports, also those of media: a resolver's answers are no media."""
    net.apply(site(flows=[("media", "any", "engine", ["udp/30000-65535"], options),
                          ("names", "engine", "$far", ["udp/53"])],
                   sets={"far": both("collector")}, lookup=lookup))
    engine, far = address("engine", family), address("collector", family)
    outside = net.peer.udp(far, 53)
    inside = [net.host.udp(engine, port) for port in range(40000, 40020)]
    for turn in range(3):
        for one in inside:
            question = b"question %d of port %d" % (turn, one.getsockname()[1])
            one.sendto(question, (far, 53))
            heard, asker = outside.recvfrom(1000)
            assert heard == question
            outside.sendto(b"what media never says", asker)
            assert one.recv(1000) == b"what media never says"
    counters = net.counters()
    # It left as an answer of the in rule; what a limit lets in passes by that rule too.
    assert counters.rule("site/media", "transmit") == 60
    assert counters.rule("site/names") + counters.rule("site/media") == 60
    assert counters.rule("site/media") <= (0 if "shape" in options else 10)
    assert counters.lost() == counters.lost("transmit") == {}
    # Another port of the resolver's is a stranger's.
    reason = "shape" if "shape" in options else "limited"
    stranger = net.peer.udp(far, 5353)
    for _ in range(20):
        stranger.sendto(b"what media never says", (engine, 40000))
    assert net.wait_for_drop(counters, reason, number=10).lost().keys() == {reason}
    # And what the host sends without a rule of its own is still the answer of the in rule.
    before = net.counters()
    inside[0].sendto(rtp(), (far, 5353))
    assert stranger.recv(1000) == rtp()
    assert net.counters().rule("site/media", "transmit") == before.rule("site/media", "transmit") + 1
    for one in [*inside, outside, stranger]:
        one.close()
