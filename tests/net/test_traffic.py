# SPDX-License-Identifier: BSD-2-Clause
"""Real sockets: what a document's row says passes, with data, both ways; what is near it does not, and
explain says the same as the wire."""

import socket

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,
                                ICMPv6Unknown, IPv6)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from namespaces import TCX, V4, V6, address, close, is_readable, ping, site, transfer, wait_for

BYTES = 200_000

# Who opens to the host, where, and by which rule.
ARRIVING = [("portal", 9005, "cyara/web-5"), ("storage", 9005, "cyara/voice-18"),
            ("gateway", 5060, "cyara/voice-6-sip-back"), ("jump", 22, "management/1")]
# Where the host opens to.
LEAVING = [("bus", 5672, "cyara/voice-4"), ("scheduler", 8001, "cyara/voice-3"),
           ("storage", 9001, "cyara/voice-5"), ("gateway", 5060, "cyara/voice-6"),
           ("portal", 80, "cyara/voice-7"), ("portal", 443, "cyara/voice-7")]
# Each is one step away from what is allowed.
REFUSED = [("portal", 9004, "closed-port"), ("portal", 9006, "closed-port"),
           ("portal", 22, "wrong-port"), ("gateway", 9005, "wrong-port"),
           ("portal", 5060, "wrong-port"), ("jump", 9005, "wrong-port"),
           ("bus", 9005, "unknown-peer"), ("stranger", 9005, "unknown-peer"),
           ("stranger", 22, "unknown-peer"), ("stranger", 23, "closed-port")]
REFUSED_LEAVING = [("bus", 5671, "closed-port"), ("bus", 8001, "wrong-port"),
                   ("portal", 9001, "wrong-port"), ("stranger", 5672, "unknown-peer")]


def engine_site(**more):
    more.setdefault("parameters", {"cyara/gateway-sip-back": "on"})
    return site(**more)


def assert_grew(before, after, rule, received, transmitted):
    """At least so many packets of that rule; the wire may have carried more, in acknowledgements."""
    assert after.rule(rule) - before.rule(rule) >= received
    assert after.rule(rule, "transmit") - before.rule(rule, "transmit") >= transmitted


def test_tcp_that_rows_allow_to_the_host(net, family, lookup):
    net.apply(engine_site(lookup=lookup))
    engine = address("engine", family)
    for part, port, rule in ARRIVING:
        before = net.counters()
        listener = net.host.listen(engine, port)
        outside = net.peer.connect(address(part, family), engine, port)
        inside, _ = listener.accept()
        transfer(outside, inside, BYTES)
        transfer(inside, outside, BYTES)
        close(outside, inside, listener)
        # A frame carries no more than 1500 bytes.
        assert_grew(before, net.counters(), rule, BYTES // 1500, BYTES // 1500)
    after = net.counters()
    assert after.rule("cyara/web-5", unit="bytes") > BYTES
    assert after.lost() == after.lost("transmit") == {}
    assert net.json("status")["flows"]["used"] == 0, "an in rule keeps no state"


def test_tcp_that_rows_allow_from_the_host(net, family, lookup):
    net.apply(engine_site(lookup=lookup))
    engine = address("engine", family)
    for part, port, rule in LEAVING:
        before = net.counters()
        listener = net.peer.listen(address(part, family), port)
        inside = net.host.connect(engine, address(part, family), port)
        outside, who = listener.accept()
        assert who[0] == engine
        transfer(inside, outside, BYTES)
        transfer(outside, inside, BYTES)
        close(outside, inside, listener)
        assert_grew(before, net.counters(), rule, BYTES // 1500, BYTES // 1500)
    assert net.counters().lost() == {}
    assert net.json("status")["flows"]["used"] == len(LEAVING)


def test_tcp_one_step_beside_what_is_allowed(net, family, lookup):
    net.apply(engine_site(lookup=lookup))
    engine = address("engine", family)
    listeners = {port: net.host.listen(engine, port) for port in {row[1] for row in REFUSED}}
    for part, port, reason in REFUSED:
        explained = net.explain("in", "tcp", (address(part, family), 40000), (engine, port))
        assert (explained["verdict"], explained["reason"]) == ("drop", reason), (part, port)
        before = net.counters()
        attempt = net.peer.begin(address(part, family), engine, port)
        net.wait_for_drop(before, reason)
        attempt.close()
        assert not is_readable(listeners[port]), f"{part} reached {port}"
    close(*listeners.values())


def test_tcp_from_the_host_one_step_beside(net, family, lookup):
    net.apply(engine_site(lookup=lookup))
    engine = address("engine", family)
    for part, port, reason in REFUSED_LEAVING:
        listener = net.peer.listen(address(part, family), port)
        explained = net.explain("out", "tcp", (engine, 40000), (address(part, family), port))
        assert (explained["verdict"], explained["reason"]) == ("drop", reason), (part, port)
        before = net.counters()
        attempt = net.host.begin(engine, address(part, family), port)
        net.wait_for_drop(before, reason, "transmit")
        attempt.close()
        assert not is_readable(listener), f"{part}:{port} was reached"
        listener.close()
    assert net.json("status")["flows"]["used"] == 0


def echo(one, other, where, data=b"media"):
    """A datagram there and back, between sockets."""
    one.sendto(data, where)
    received, who = other.recvfrom(1 << 16)
    assert received == data
    other.sendto(data[::-1], who)
    assert one.recv(1 << 16) == data[::-1]


def test_udp_both_ways(net, family, lookup):
    """Both edges of the RTP range, from outside and from inside; the port below is closed."""
    net.apply(engine_site(lookup=lookup))
    engine, gateway = address("engine", family), address("gateway", family)
    for port in (30000, 65535, 5060):
        inside, outside = net.host.udp(engine, port), net.peer.udp(gateway, 20000)
        echo(outside, inside, (engine, port))
        close(inside, outside)
        inside, outside = net.host.udp(engine, 20000), net.peer.udp(gateway, port)
        echo(inside, outside, (gateway, port))
        close(inside, outside)
    counters = net.counters()
    assert counters.rule("cyara/voice-6-back") == counters.rule("cyara/voice-6-back", "transmit") == 2
    assert counters.rule("cyara/voice-6-sip-back") == 1
    assert counters.rule("cyara/voice-6") == counters.rule("cyara/voice-6", "transmit") == 3

    inside, outside = net.host.udp(engine, 29999), net.peer.udp(gateway, 29999)
    before = counters
    outside.sendto(b"below", (engine, 29999))
    after = net.wait_for_drop(before, "closed-port")
    assert not is_readable(inside)
    inside.sendto(b"below", (gateway, 29999))
    net.wait_for_drop(after, "closed-port", "transmit")
    assert not is_readable(outside)
    close(inside, outside)


def test_an_answer_comes_only_from_where_it_was_asked(net, family):
    """A flow lets in its own 5-tuple and no other: not another port, not another address."""
    net.apply(engine_site(parameters={"cyara/gateway-rtp-back": "off"}))
    engine, gateway = address("engine", family), address("gateway", family)
    inside, outside = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
    others = [net.peer.udp(gateway, 30001), net.peer.udp(address("stranger", family), 30000)]
    echo(inside, outside, (gateway, 30000))
    before = net.counters()
    for other in others:
        other.sendto(b"forged", (engine, 20000))
    outside.sendto(b"forged", (engine, 20001))
    net.wait_for_drop(before, "closed-port", number=3)
    outside.sendto(b"real", (engine, 20000))
    assert inside.recv(100) == b"real", "and nothing before it"
    close(inside, outside, *others)


def test_what_arrives_changes_no_flow(net, family):
    """Forged SYN, RST and FIN of a live flow's 5-tuple: no new connection, and the old one lives."""
    net.apply(engine_site())
    engine, bus = address("engine", family), address("bus", family)
    listener = net.peer.listen(bus, 5672)
    inside = net.host.connect(engine, bus, 5672)
    outside, _ = listener.accept()
    transfer(inside, outside, 1000)
    before, state = net.counters(), net.json("status")["flows"]
    layer = (IP if family == V4 else IPv6)(src=bus, dst=engine)
    ends = {"sport": 5672, "dport": inside.getsockname()[1]}
    # Sequence numbers far outside of the window: the stack ignores them.
    net.inject(layer / TCP(flags="R", seq=1, **ends), layer / TCP(flags="FA", seq=1, **ends))
    net.inject(*[layer / TCP(flags="S", seq=1, **ends)] * 3)
    after = net.wait_for_drop(before, "closed-port", number=3)
    assert after.rule("cyara/voice-4") - before.rule("cyara/voice-4") >= 2, "RST and FIN are a flow's"
    transfer(outside, inside, 1000)
    transfer(inside, outside, 1000)
    assert net.json("status")["flows"] == state
    close(inside, outside, listener)


def test_echo_requests(net, family):
    """Management may ping, a stranger may not; the answer goes out by the mirror."""
    net.apply(engine_site())
    engine = address("engine", family)
    before = net.counters()
    ping(net.peer, address("jump", family), engine, 3)
    after = net.counters()
    assert after.rule("management/1") - before.rule("management/1") == 3
    assert after.rule("management/1", "transmit") - before.rule("management/1", "transmit") == 3
    assert net.explain("in", "icmp", address("jump", family), engine)["rule"] == "management/1"
    explained = net.explain("in", "icmp", address("stranger", family), engine)
    assert (explained["verdict"], explained["reason"]) == ("drop", "unknown-peer")
    layer = (IP if family == V4 else IPv6)(src=address("stranger", family), dst=engine)
    net.inject(layer / (ICMP(id=7) if family == V4 else ICMPv6EchoRequest(id=7)))
    net.wait_for_drop(after, "unknown-peer")


def test_the_host_pings_by_a_rule(net, family):
    """Its own echo requests open a flow; an answer that it did not ask for is refused."""
    net.apply(engine_site(flows=[("ping", "engine", address("bus", family), "icmp/echo")]))
    ping(net.host, address("engine", family), address("bus", family), 3)
    before = net.counters()
    assert before.rule("site/ping") == before.rule("site/ping", "transmit") == 3
    layer = (IP if family == V4 else IPv6)(src=address("bus", family), dst=address("engine", family))
    net.inject(layer / (ICMP(type=0, id=8) if family == V4 else ICMPv6EchoReply(id=8)))
    net.wait_for_drop(before, "no-flow")


def test_vlan_tags_are_read_through(net):
    """The same packet without a tag, with one, with two: one rule. A third is too many."""
    net.apply(engine_site())
    packet = (IP(src=address("gateway"), dst=address("engine")) / UDP(sport=4000, dport=30000) /
              Raw(b"tagged"))
    beside = (IP(src=address("gateway"), dst=address("engine")) / UDP(sport=4000, dport=29999))
    # A tag that travels beside the frame would be none to XDP.
    for namespace, device in ((net.host, "e0"), (net.peer, "p0")):
        namespace.run("ethtool", "-K", device, "txvlan", "off", "rxvlan", "off", check=False)
    tagged = Dot1Q(vlan=5)
    net.inject(packet, tagged / packet, Dot1Q(vlan=9, type=0x8100) / tagged / packet)
    wait_for(lambda: net.counters().rule("cyara/voice-6-back") == 3, "three packets by one rule")
    before = net.counters()
    net.inject(tagged / beside, tagged / tagged / beside)
    before = net.wait_for_drop(before, "closed-port", number=2)
    net.inject(tagged / tagged / tagged / packet)
    assert net.wait_for_drop(before, "ethertype").rule("cyara/voice-6-back") == 3


@pytest.mark.parametrize("hook", [TCX, "clsact"])
def test_explain_changes_nothing(net, family, hook):
    """It knows the live flows, and neither counts nor opens anything."""
    net.apply(engine_site(parameters={"cyara/gateway-rtp-back": "off"}), "--egress-hook", hook)
    engine, gateway = address("engine", family), address("gateway", family)
    answer = ("in", "udp", (gateway, 30000), (engine, 20000))
    explained = net.explain(*answer)
    assert (explained["verdict"], explained["reason"]) == ("drop", "closed-port")
    inside, outside = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
    echo(inside, outside, (gateway, 30000))
    before, state = net.counters(), net.json("status")["flows"]
    explained = net.explain(*answer)
    assert (explained["verdict"], explained["reason"], explained["rule"]) == \
        ("pass", "flow", "cyara/voice-6")
    assert "row 6" in explained["cite"]
    for direction, protocol, source, destination in (
            ("out", "udp", (engine, 20001), (gateway, 30001)),
            ("out", "tcp", (engine, 20001), (address("bus", family), 5672)),
            ("in", "tcp", (address("portal", family), 20001), (engine, 9005))):
        assert net.explain(direction, protocol, source, destination)["verdict"] == "pass"
    assert net.counters().judged() == before.judged()
    assert net.json("status")["flows"] == state
    # Nothing was opened by asking: the answer to it is refused.
    stray = net.peer.udp(gateway, 30001)
    stray.sendto(b"answer", (engine, 20001))
    net.wait_for_drop(before, "closed-port")
    close(inside, outside, stray)


def test_the_answer_of_a_closed_port(net):
    """No listener: the host's RST goes out by the mirror, and the peer learns it at once."""
    net.apply(engine_site())
    with pytest.raises(ConnectionRefusedError):
        net.peer.connect(address("portal"), address("engine"), 9005)
    with pytest.raises(ConnectionRefusedError):
        net.host.connect(address("engine"), address("bus"), 5672)


# ---------------------------------------------------------------- what never leaves


def never_leaving(family):
    """(reason, packet): each is refused at egress for its own reason."""
    engine = address("engine", family)
    kind = IP if family == V4 else IPv6

    def to(part, **fields):
        return kind(src=engine, dst=address(part, family), **fields)

    def icmp(number, code=0):
        return (ICMP(type=number, code=code) if family == V4 else
                ICMPv6Unknown(type=number, code=code, msgbody=b"\0" * 4))

    protocol = "proto" if family == V4 else "nh"
    quoted = Raw(bytes(kind(src=address("stranger", family), dst=engine) / UDP(sport=1, dport=2)))
    error = ICMP(type=3, code=3) if family == V4 else ICMPv6PacketTooBig(mtu=1280)
    return [
        ("closed-port", to("gateway") / UDP(sport=20000, dport=5061) / Raw(b"x")),
        ("closed-port", to("gateway") / UDP(sport=20000, dport=29999) / Raw(b"x")),
        ("closed-port", to("bus") / TCP(sport=20000, dport=5673, flags="S")),
        ("unknown-peer", to("stranger") / UDP(sport=20000, dport=5060) / Raw(b"x")),
        ("unknown-peer", to("stranger") / TCP(sport=20000, dport=5672, flags="S")),
        ("wrong-port", to("scheduler") / TCP(sport=20000, dport=5672, flags="S")),
        ("wrong-port", to("portal") / UDP(sport=20000, dport=30000) / Raw(b"x")),
        # Opens nothing: a scan with ACK, an answer nobody asked for, an end of no connection.
        ("no-flow", to("bus") / TCP(sport=20000, dport=5672, flags="A")),
        ("no-flow", to("bus") / TCP(sport=20000, dport=5672, flags="SA")),
        ("no-flow", to("bus") / TCP(sport=20000, dport=5672, flags="R")),
        ("protocol", to("bus", **{protocol: 47}) / Raw(b"x" * 40)),
        ("icmp-redirect", to("bus") / icmp(5 if family == V4 else 137)),
        ("icmp-unrelated", to("stranger") / error / quoted),
        ("icmp-type", to("bus") / icmp(8 if family == V4 else 128)),
        ("malformed", Raw(bytes(to("gateway") / UDP(sport=20000, dport=5060))[:-4])),
    ]


def test_what_no_out_rule_allows_never_leaves(net, family, lookup):
    """Seen from the other end of the cable; sockets, and frames that go around them."""
    net.apply(engine_site(lookup=lookup))
    engine, gateway = address("engine", family), address("gateway", family)
    packets = never_leaving(family)
    ether = Ether(src=net.host.link("e0")["address"], dst=net.peer.link("p0")["address"],
                  type=0x0800 if family == V4 else 0x86dd)
    inside = net.host.udp(engine, 20000)
    before = net.counters()
    with net.peer.packets("p0") as seen, net.host.packets("e0") as wire:
        other = Ether(src=ether.src, dst=ether.dst, type=0x88b5) / Raw(b"x" * 50)
        for frame in [ether / packet for _, packet in packets] + [other]:
            # ENOBUFS: how the kernel says that its own egress refused it.
            with pytest.raises(OSError, match="No buffer space"):
                wire.send(bytes(frame))
        inside.sendto(b"from a socket", (address("stranger", family), 5060))
        attempt = net.host.begin(engine, address("stranger", family), 443)
        inside.sendto(b"the end", (gateway, 5060))
        left = []
        while not left or not left[-1].endswith(b"the end"):
            frame = seen.recv(1 << 16)
            # Its own frames; ARP and neighbour discovery (58 behind hop limit 255) are for the link.
            if frame[6:12] == wire_address(ether.src) and not is_of_the_link(frame):
                left.append(frame)
    attempt.close()
    inside.close()
    assert len(left) == 1, [Ether(frame).summary() for frame in left]
    after = net.counters()
    expected = {"ethertype": 1}
    for reason in [reason for reason, _ in packets] + 2 * ["unknown-peer"]:
        expected[reason] = expected.get(reason, 0) + 1
    for reason, number in expected.items():
        grown = (after.dropped("transmit", reason=reason) -
                 before.dropped("transmit", reason=reason))
        # The stack's own multicast reports are of that reason too; the SYN may have been tried again.
        assert grown == number or (grown > number and reason in ("icmp-type", "unknown-peer")), reason
    assert after.lost("transmit").keys() == expected.keys() - {"icmp-type"}
    assert after.rule("cyara/voice-6", "transmit") == 1


def wire_address(text):
    return bytes.fromhex(text.replace(":", ""))


def is_of_the_link(frame):
    kind = frame[12:14]
    return kind == b"\x08\x06" or (kind == b"\x86\xdd" and frame[20] == 58 and frame[21] == 255 and
                                   frame[54] in range(133, 137))
