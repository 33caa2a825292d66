# SPDX-License-Identifier: BSD-2-Clause
"""Modes: audit judges and counts, and lets everything pass; what was opened meanwhile lives on under
enforce where a rule allows it. out: audit and out: off still let answers in."""

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from namespaces import V4, address, close, is_readable, site, transfer, wait_for

AUDIT, OFF, ENFORCE = "audit", "off", "enforce"


def connection(net, opener, family, port, part):
    """An open TCP connection between the host and a part: (host's end, the other end)."""
    engine, other = address("engine", family), address(part, family)
    if opener == "peer":
        with net.host.listen(engine, port) as listener:
            outside = net.peer.connect(other, engine, port)
            return listener.accept()[0], outside
    with net.peer.listen(other, port) as listener:
        inside = net.host.connect(engine, other, port)
        return inside, listener.accept()[0]


def test_audit_lets_everything_pass_and_says_what_it_would_drop(net, family, lookup):
    net.apply(site(mode=(AUDIT, AUDIT), lookup=lookup))
    before = net.counters()
    pairs = [connection(net, "peer", family, 9999, "stranger"),
             connection(net, "host", family, 9998, "stranger"),
             connection(net, "peer", family, 9005, "portal")]
    for inside, outside in pairs:
        transfer(inside, outside, 20_000)
        transfer(outside, inside, 20_000)
    after = net.counters()
    assert after.dropped() == after.dropped("transmit") == 0
    # The stranger's opener, and what answers and follows it: no rule, no flow.
    assert after.would_drop(reason="closed-port") > 0
    assert after.would_drop("transmit", reason="closed-port") > 0
    assert after.would_drop("transmit") > after.would_drop("transmit", reason="closed-port")
    # What a rule allows is counted by its rule, as if it were enforced.
    assert after.rule("cyara/web-5") - before.rule("cyara/web-5") > 15
    explained = net.explain("in", "tcp", (address("stranger", family), 1), (address(
        "engine", family), 9999))
    assert (explained["judged"], explained["verdict"]) == ("drop", "pass")
    for pair in pairs:
        close(*pair)


def test_audit_lets_odd_packets_pass(net, family):
    """A late fragment and an unknown UDP port: counted as would-drop, one each."""
    net.apply(site(mode=(AUDIT, AUDIT)))
    engine, stranger = address("engine", family), address("stranger", family)
    with net.host.udp(engine, 9) as inside, net.peer.udp(stranger, 9) as outside:
        before = net.counters()
        outside.sendto(b"x" * 4000, (engine, 9))
        assert len(inside.recv(1 << 16)) == 4000, "fragments of what would be dropped too"
        after = net.counters()
        # The first is judged, the two others share its fate and its reason.
        assert after.would_drop(reason="closed-port") - before.would_drop(reason="closed-port") == 3
        assert after.dropped() == 0


def test_from_audit_to_enforce(net, family):
    """What a rule allows goes on without a hitch; what none allows stops."""
    net.apply(site(mode=(AUDIT, AUDIT)))
    allowed = [connection(net, "host", family, 5672, "bus"),
               connection(net, "peer", family, 9005, "portal")]
    refused_out = connection(net, "host", family, 9998, "stranger")
    refused_in = connection(net, "peer", family, 9999, "stranger")
    for inside, outside in (*allowed, refused_out, refused_in):
        transfer(inside, outside, 1000)
    net.apply(site())
    for inside, outside in allowed:
        transfer(inside, outside, 20_000)
        transfer(outside, inside, 20_000)

    before = net.counters()
    assert before.lost() == {}
    refused_out[0].sendall(b"blocked")
    after = net.wait_for_drop(before, "flow-blocked", "transmit")
    refused_out[1].sendall(b"blocked")
    after = net.wait_for_drop(after, "flow-blocked")
    refused_in[1].sendall(b"blocked")
    after = net.wait_for_drop(after, "no-flow")
    refused_in[0].sendall(b"blocked")
    net.wait_for_drop(after, "no-flow", "transmit")
    assert not any(is_readable(end) for end in (*refused_out, *refused_in))

    # Back in audit all of them are heard again: nothing was torn down.
    net.apply(site(mode=(AUDIT, AUDIT)))
    for pair in (refused_out, refused_in):
        assert pair[0].recv(100) == pair[1].recv(100) == b"blocked"
    for pair in (*allowed, refused_out, refused_in):
        close(*pair)


@pytest.mark.parametrize("out", [AUDIT, OFF])
def test_answers_come_in_where_out_is_not_enforced(net, family, out):
    """in: enforce. The host may open whatever it likes, and hears the answer; nobody opens to it."""
    net.apply(site(mode=(ENFORCE, out)))
    engine, stranger = address("engine", family), address("stranger", family)
    inside, outside = connection(net, "host", family, 9998, "stranger")
    transfer(inside, outside, 20_000)
    transfer(outside, inside, 20_000)
    with net.host.udp(engine, 4000) as one, net.peer.udp(stranger, 4001) as other:
        one.sendto(b"question", (stranger, 4001))
        assert other.recv(100) == b"question"
        other.sendto(b"answer", (engine, 4000))
        assert one.recv(100) == b"answer"
    counters = net.counters()
    assert counters.lost() == counters.lost("transmit") == {}
    assert counters.exempt("flow") > 14, "answers by no rule"
    if out == AUDIT:
        assert counters.would_drop("transmit", reason="closed-port") >= 2
    else:
        assert counters.would_drop("transmit") == 0
        assert counters.exempt("not-judged", "transmit") >= 2
    with net.host.listen(engine, 9999) as listener:
        attempt = net.peer.begin(stranger, engine, 9999)
        net.wait_for_drop(counters, "closed-port")
        assert not is_readable(listener)
        attempt.close()
    # From out: audit to enforce, the flow is judged anew.
    net.apply(site())
    before = net.counters()
    outside.sendall(b"blocked")
    net.wait_for_drop(before, "flow-blocked")
    assert not is_readable(inside)
    close(inside, outside)


def test_in_off_is_not_attached(net, family):
    net.apply(site(mode=(OFF, AUDIT)))
    assert not net.json("status")["interfaces"][0]["xdp"]["attached"]
    pair = connection(net, "peer", family, 9999, "stranger")
    transfer(*pair, 20_000)
    assert net.counters().would_drop("transmit") > 0, "out is audited"
    close(*pair)


@pytest.mark.parametrize("arriving", [AUDIT, OFF])
def test_out_is_never_enforced_alone(net, arriving):
    """Its answers could not be told from strangers' packets: refused, with the line."""
    done = net.apply(site(mode=(arriving, ENFORCE)), status=3)
    assert "site.yaml:" in done.stderr and "enforce" in done.stderr
    assert net.json("status", status=1)["interfaces"] == []


def test_a_flow_of_audit_that_never_ends(net, family):
    """Audit keeps every flow that it sees, within bounds: a full table only forgets, it never drops."""
    net.apply(site(mode=(ENFORCE, AUDIT), bounds={"flows": "64"}))
    engine, stranger = address("engine", family), address("stranger", family)
    layer = (IP if family == V4 else IPv6)(src=engine, dst=stranger)
    before = net.counters()
    with net.peer.udp(stranger, 4001) as outside:
        net.emit(*[layer / UDP(sport=port, dport=4001) for port in range(20000, 20100)])
        for _ in range(100):
            outside.recv(100)
    after = net.counters()
    assert after.dropped("transmit") == before.dropped("transmit")
    assert after.would_drop("transmit") - before.would_drop("transmit") >= 100
    wait_for(lambda: net.json("status")["flows"] == {"used": 64, "bound": 64}, "a full table")
