# SPDX-License-Identifier: BSD-2-Clause
"""Sources that can't be a peer on this link are dropped as such, on ports that are open to many."""

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from namespaces import V4, V6, address, close, is_readable, site, wait_for

# The host's own address is none of a peer's; the others are no host's.
FORGED = {
    V4: [address("engine"), "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "224.0.0.1",
         "239.255.255.255", "255.255.255.255"],
    V6: [address("engine", V6), "::1", "::", "ff02::1", "ff0e::5"],
}


@pytest.fixture
def open_to_any(net, lookup):
    """Any may reach these ports, and any is every address there is."""
    net.apply(site(lookup=lookup, flows=[("any", "any", "engine", ["udp/7777", "tcp/7777"])]))
    return net


def test_sources_that_can_not_be(open_to_any, family):
    net, engine = open_to_any, address("engine", family)
    layer = IP if family == V4 else IPv6
    inside, listener = net.host.udp(engine, 7777), net.host.listen(engine, 7777)
    before = net.counters()
    net.inject(*[layer(src=source, dst=engine) / transport / Raw(b"forged")
                 for source in FORGED[family]
                 for transport in (UDP(sport=7, dport=7777), TCP(sport=7, dport=7777))])
    number = 2 * len(FORGED[family])
    after = net.wait_for_drop(before, "spoofed", number=number)
    assert after.lost() == {"spoofed": number}
    # The one behind them has a source like any other's.
    with net.peer.udp(address("stranger", family)) as stranger:
        stranger.sendto(b"real", (engine, 7777))
        assert inside.recv(100) == b"real"
    assert not is_readable(inside) and not is_readable(listener)
    assert net.counters().rule("site/any") == 1
    close(inside, listener)


def test_the_nearest_that_are_peers(open_to_any, family):
    """The neighbours of those prefixes are addresses like any other."""
    net, engine = open_to_any, address("engine", family)
    layer = IP if family == V4 else IPv6
    near = (["1.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255"] if family == V4 else
            ["::2", "fe00::1", "feff:ffff::1"])
    net.inject(*[layer(src=source, dst=engine) / UDP(sport=7, dport=7777) for source in near])
    wait_for(lambda: net.counters().rule("site/any") == len(near), "all of them pass")
    assert net.counters().lost() == {}
