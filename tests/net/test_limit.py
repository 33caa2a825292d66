# SPDX-License-Identifier: BSD-2-Clause
"""limit: so many new connections, or packets where there are none, a second and source."""

import time

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from namespaces import V4, address, both, close, site, transfer

RULE = "site/limited"
# Refills so slowly that a burst is all there is, however slow the machine; a rule for what refills.
LIMIT = {"per-second": 1, "burst": 50}
WIDE = {**LIMIT, "v4": 24, "v6": 64}


def limited_site(limit, **more):
    peers = [each for part in ("collector", "portal", "bus") for each in both(part)]
    return site(flows=[("limited", "$far", "engine", ["tcp/443", "udp/443", "icmp/echo"],
                        {"limit": limit})], sets={"far": peers}, **more)


def ip(family, source="collector"):
    return (IP if family == V4 else IPv6)(src=address(source, family),
                                          dst=address("engine", family))


def syns(family, number, source="collector"):
    return [ip(family, source) / TCP(sport=20000 + i, dport=443) for i in range(number)]


def fate(net, packets):
    return net.fate(RULE, lambda: net.inject(*packets), len(packets))


def assert_is_burst(met, number, slack=5):
    """A burst of 50 and what refills while so many packets are sent: seconds at most."""
    passed, dropped = met
    assert 50 <= passed <= 50 + slack
    assert dropped == {"limited": number - passed}


def test_a_burst_and_then_the_rate(net, family, lookup):
    net.apply(limited_site({"per-second": 10, "burst": 20}, lookup=lookup))
    passed, dropped = fate(net, syns(family, 200))
    assert passed >= 20
    assert dropped == {"limited": 200 - passed}
    # Ten seconds' worth is not more than a burst.
    time.sleep(2.1)
    passed, dropped = fate(net, syns(family, 200))
    assert passed >= 20
    assert dropped["limited"] == 200 - passed


def test_a_second_later_there_is_one_more(net, family):
    net.apply(limited_site(LIMIT))
    assert_is_burst(fate(net, syns(family, 100)), 100)
    time.sleep(1.1)
    passed, dropped = fate(net, syns(family, 20))
    assert 1 <= passed <= 5
    assert dropped == {"limited": 20 - passed}


def test_sources_are_addresses(net, family):
    net.apply(limited_site({**LIMIT, "v6": 128}))
    for source in "collector", "portal", "bus":
        assert_is_burst(fate(net, syns(family, 100, source)), 100)


def test_sources_are_prefixes(net, family):
    """All of a /24, or of a /64, have one bucket."""
    net.apply(limited_site(WIDE))
    assert_is_burst(fate(net, syns(family, 100)), 100)
    for source in "portal", "bus":
        passed, _ = fate(net, syns(family, 20, source))
        assert passed <= 5


def test_packets_where_there_are_no_connections(net, family):
    net.apply(limited_site({**LIMIT, "v6": 128}))
    assert_is_burst(fate(net, [ip(family) / UDP(sport=9, dport=443)] * 100), 100)
    echo = ICMP(id=1) if family == V4 else ICMPv6EchoRequest(id=1)
    assert_is_burst(fate(net, [ip(family, "portal") / echo] * 100), 100)


def test_connections_that_are_there_go_on(net, family):
    net.apply(limited_site(LIMIT))
    engine = address("engine", family)
    listener = net.host.listen(engine, 443)
    outside = net.peer.connect(address("collector", family), engine, 443)
    inside, _ = listener.accept()
    net.inject(*syns(family, 200))
    before = net.counters()
    transfer(outside, inside, 2_000_000)
    transfer(inside, outside, 2_000_000)
    assert net.counters().rule(RULE) - before.rule(RULE) > 500
    close(outside, inside, listener)


def test_audit_charges_nothing(net, family):
    net.apply(limited_site(LIMIT, mode=("audit", "audit")))
    assert fate(net, syns(family, 200)) == (200, {})


def test_explain_charges_nothing(net, family):
    """And says when there is nothing left."""
    net.apply(limited_site({"per-second": 1, "burst": 2}))
    ends = (address("collector", family), 9), (address("engine", family), 443)
    for _ in range(5):
        assert net.explain("in", "udp", *ends)["reason"] == "rule"
    fate(net, syns(family, 300))
    net.inject(*syns(family, 300))
    assert net.explain("in", "udp", *ends)["reason"] in ("limited", "rule")


def test_a_reload_begins_anew(net, family):
    net.apply(limited_site(LIMIT))
    assert_is_burst(fate(net, syns(family, 100)), 100)
    net.apply(limited_site(LIMIT))
    assert_is_burst(fate(net, syns(family, 100)), 100)
