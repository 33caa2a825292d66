# SPDX-License-Identifier: BSD-2-Clause
"""The first load under traffic: what was open before and is allowed goes on, every packet of it; what no
rule allows is listed, and cut."""

import contextlib
import resource
import signal
import socket
import subprocess

import pytest

from namespaces import V4, V6, address, close, is_readable, receive_exactly, site, wait_for
from test_reload import Stream, Transfers

HUNDREDS = 1040  # connections of each family and each direction
LEARN = {"adopt": "2s"}
# Of the Cyara catalog: the engine opens to the bus, the portal to the engine.
OUT_RULE, IN_RULE = "cyara/voice-4", "cyara/web-5"
OUT_PORT, IN_PORT = 5672, 9005


@pytest.fixture(autouse=True)
def descriptors():
    """Both ends of some thousand connections are in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def open_many(opener, answerer, source, destination, port, number):
    """That many connections as (opener's end, answerer's end)."""
    listener = answerer.listen(destination, port)

    def connect():
        pairs = []
        for _ in range(number):
            made = socket.socket(listener.family)
            made.bind((source, 0))
            made.connect((destination, port))
            pairs.append((made, listener.accept()[0]))
        return pairs

    pairs = opener.call(connect)
    close(listener)
    return pairs


def open_out(net, family=V4, number=1, part="bus", port=OUT_PORT):
    return open_many(net.host, net.peer, address("engine", family), address(part, family), port,
                     number)


def open_in(net, family=V4, number=1, part="portal", port=IN_PORT):
    return open_many(net.peer, net.host, address(part, family), address("engine", family), port,
                     number)


def talk(*pairs):
    """A byte each way through every connection."""
    for sender, receiver in (*pairs, *(pair[::-1] for pair in pairs)):
        sender.sendall(b"?")
    for sender, receiver in (*pairs, *(pair[::-1] for pair in pairs)):
        assert receive_exactly(receiver, 1) == b"?"


def adoption(net, policy, **options):
    """Applies, and returns what it says about connections."""
    return net.json("apply", net.write(policy), **options)["adoption"]


def listed(answer):
    return {(one["remote"], one["remote_port"], one["lacks"], one["cut"])
            for one in answer["unadopted"]}


def flows_in_use(net):
    return net.json("status")["flows"]["used"]


# ---------------------------------------------------------------- under load


def streams(net, family):
    """RTP both ways by an in rule and its mirror, and both ways in a flow that the host opened."""
    engine, gateway = address("engine", family), address("gateway", family)
    media = net.host.udp(engine, 40000), net.peer.udp(gateway, 20000)
    own = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
    return [Stream(*media), Stream(*media[::-1]), Stream(*own), Stream(*own[::-1])]


@contextlib.contextmanager
def traffic(*moving):
    """Ends it, whatever comes."""
    try:
        yield moving
    finally:
        for one in moving:
            one.end()


def test_first_load_under_traffic(net):
    """Thousands of TCP connections and live media of both families: not one packet is lost."""
    pairs = {family: open_out(net, family, HUNDREDS) for family in (V4, V6)}
    admitted = [pair for family in (V4, V6) for pair in open_in(net, family, HUNDREDS)]
    with traffic(*streams(net, V4), *streams(net, V6)) as media, \
            traffic(Transfers(*pairs[V4].pop()), Transfers(*pairs[V6].pop()),
                    Transfers(*admitted.pop())) as busy:
        wait_for(lambda: all(one.sent for one in media) and all(one.blocks for one in busy),
                 "all of it moves")
        answer = adoption(net, site(host=LEARN))
        marks = [(one, one.sent) for one in media]
        wait_for(lambda: all(one.sent >= mark + 50 for one, mark in marks), "the streams go on")
        for one in (*media, *busy):
            one.assert_whole()
    assert answer["adopted"] == 2 * HUNDREDS
    assert answer["rules"] == [{"rule": OUT_RULE, "connections": 2 * HUNDREDS}]
    assert answer["admitted"] == 2 * HUNDREDS
    assert answer["unadopted"] == []
    talk(*pairs[V4], *pairs[V6], *admitted)
    counters = net.counters()
    assert counters.lost() == counters.lost("transmit") == {}
    assert counters.rule(OUT_RULE) >= 2 * HUNDREDS, "their flows have the rule's counter"


def test_shares_are_counted(net):
    """What was adopted counts among the flows that a rule holds to a peer, and is given back."""
    pairs = open_out(net, number=20)
    assert adoption(net, site(bounds={"flows": 64}))["adopted"] == 20, "more than a share of 16"
    assert flows_in_use(net) == 20
    listener = net.peer.listen(address("bus"), OUT_PORT)
    before = net.counters()
    refused = net.host.begin(address("engine"), address("bus"), OUT_PORT)
    net.wait_for_drop(before, "flow-peer-full", "transmit")
    talk(*pairs)
    close(refused, listener)


# ---------------------------------------------------------------- kinds of connections


def mapped(text):
    return f"::ffff:{text}"


def test_mapped_addresses(net):
    """IPv6 sockets that speak IPv4, at either end."""
    def connect():
        made = socket.socket(V6)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind((mapped(address("engine")), 0))
        made.connect((mapped(address("bus")), OUT_PORT))
        return made

    def listen():
        made = socket.socket(V6)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(("::", IN_PORT))
        made.listen()
        return made

    listener = net.peer.listen(address("bus"), OUT_PORT)
    opened = net.host.call(connect), listener.accept()[0]
    both_families = net.host.call(listen)
    arrived = net.peer.connect(address("portal"), address("engine"), IN_PORT), both_families.accept()[0]
    answer = adoption(net, site())
    assert answer["rules"] == [{"rule": OUT_RULE, "connections": 1}]
    assert (answer["admitted"], answer["unadopted"]) == (1, [])
    talk(opened, arrived)
    assert net.counters().lost() == {}


def test_half_closed(net, family):
    """One that this host has shut, and one that its peer has: the other half goes on."""
    (shut, open_end), (open_host, shut_peer) = open_out(net, family, 2)
    shut.shutdown(socket.SHUT_WR)
    shut_peer.shutdown(socket.SHUT_WR)
    assert open_end.recv(1) == open_host.recv(1) == b""
    assert adoption(net, site())["adopted"] == 2
    open_end.sendall(b"down")
    open_host.sendall(b"up")
    assert receive_exactly(shut, 4) == b"down"
    assert receive_exactly(shut_peer, 2) == b"up"
    assert net.counters().lost() == net.counters().lost("transmit") == {}


def test_one_that_is_tried(net):
    """A SYN that nobody has answered yet."""
    net.peer.ip("addr", "del", address("bus") + "/24", "dev", "p0")
    net.host.ip("neigh", "replace", address("bus"), "dev", "e0", "lladdr",
                net.peer.link("p0")["address"])
    tried = net.host.begin(address("engine"), address("bus"), OUT_PORT)
    refused = net.host.begin(address("engine"), address("bus"), OUT_PORT + 1)
    answer = adoption(net, site())
    assert (answer["adopted"], answer["unadopted"]) == (1, []), "what is tried can't be cut"
    net.peer.add_address("p0", address("bus"), 24)
    listener = net.peer.listen(address("bus"), OUT_PORT)
    answering, _ = listener.accept()
    tried.setblocking(True)
    talk((tried, answering))
    close(tried, refused, answering, listener)


def test_own_addresses_are_on_no_wire(net):
    """Connections of the host with itself: neither adopted nor listed."""
    engine = address("engine")
    pairs = [*open_many(net.host, net.host, engine, engine, 7000, 1),
             *open_many(net.host, net.host, "127.0.0.1", "127.0.0.2", 7000, 1),
             *open_many(net.host, net.host, "::1", "::1", 7000, 1)]
    answer = adoption(net, site())
    assert (answer["adopted"], answer["admitted"], answer["unadopted"]) == (0, 0, [])
    talk(*pairs)


# ---------------------------------------------------------------- what is not adopted


def test_what_no_rule_allows_is_listed_and_cut(net, family):
    stranger = address("stranger", family)
    opened, arrived = open_out(net, family, 1, "stranger", 9998)[0], open_in(net, family, 1, "stranger")[0]
    allowed = open_out(net, family)[0]
    policy = site()
    dry = net.json("apply", net.write(policy), "--dry-run")["adoption"]
    talk(opened, arrived, allowed)
    done = net.apply(policy).stdout
    assert "adopted 1 TCP connection that this host had open: 1 by cyara/voice-4" in done
    assert "2 TCP connections are without a rule or room:" in done
    assert "(established) and 1 more with this peer: cut, as no rule allows it (closed-port)" in done
    remote_port = arrived[0].getsockname()[1]
    assert listed(dry) == {(stranger, 9998, "rule", True), (stranger, remote_port, "rule", True)}
    assert {one["reason"] for one in dry["unadopted"]} == {"closed-port"}
    assert dry["adopted"] == 1
    before = net.counters()
    opened[0].sendall(b"!")
    arrived[1].sendall(b"!")
    net.wait_for_drop(before, "no-flow", "transmit", 2)
    opened[1].sendall(b"!")
    arrived[0].sendall(b"!")
    net.wait_for_drop(before, "no-flow", number=1)
    talk(allowed)
    assert not any(is_readable(end) for end in (*opened, *arrived))


def test_a_full_table(net):
    """What finds no room is listed; nothing that has some loses it."""
    pairs = open_out(net, number=80)
    policy = site(bounds={"flows": 64})
    answer = adoption(net, policy)
    without = {one["local_port"] for one in answer["unadopted"]}
    assert {one["lacks"] for one in answer["unadopted"]} == {"room"}
    assert answer["adopted"] == flows_in_use(net) == 64
    assert len(without) == 16
    talk(*(pair for pair in pairs if pair[0].getsockname()[1] not in without))


def test_audit_adopts_by_no_rule(net, family):
    """What out: enforce would cut is said, goes on, and is cut by it."""
    opened = open_out(net, family, 1, "stranger", 9998)[0]
    allowed = open_out(net, family)[0]
    answer = adoption(net, site(("enforce", "audit")))
    assert answer["rules"] == [{"rule": None, "connections": 1}, {"rule": OUT_RULE, "connections": 1}]
    assert listed(answer) == {(address("stranger", family), 9998, "rule", False)}
    talk(opened, allowed)
    assert net.counters().lost() == {}
    assert adoption(net, site()) is None, "a reload adopts nothing"
    before = net.counters()
    opened[0].sendall(b"!")
    net.wait_for_drop(before, "flow-blocked", "transmit")
    talk(allowed)


# ---------------------------------------------------------------- when


def test_from_off_to_enforce(net, family):
    """Egress was there, XDP comes now: what egress has forgotten meanwhile is adopted."""
    pairs = open_out(net, family, 3)
    policy = site(("off", "audit"), host={"timeouts": {"tcp": "1s"}})
    assert adoption(net, policy)["adopted"] == 3
    wait_for(lambda: not flows_in_use(net), "the flows expire")
    answer = adoption(net, site())
    assert answer["rules"] == [{"rule": OUT_RULE, "connections": 3}]
    talk(*pairs)
    assert net.counters().lost() == net.counters().lost("transmit") == {}


def test_a_second_interface(net):
    """What is enforced already goes on while another interface learns."""
    net.apply(site())
    net.add_link("e1", "p1")
    net.host.add_address("e1", "198.51.100.1", 24)
    net.peer.add_address("p1", "198.51.100.2", 24)
    pairs = open_out(net, number=3)
    other = open_many(net.host, net.peer, "198.51.100.1", "198.51.100.2", 4000, 1)
    policy = site(interfaces=["e0", "e1"], flows=[("other", "engine", "198.51.100.2", "tcp/4000")])
    policy["hosts"]["engine"]["addresses"].append("198.51.100.1")
    answer = adoption(net, policy)
    assert answer["rules"] == [{"rule": "site/other", "connections": 1}], "the others had flows"
    talk(*pairs, *other)
    assert net.counters().lost() == {}


def start_learning(net, how_long):
    """An apply that is at it: returns the process when it waits."""
    policy = net.write(site(host={"adopt": how_long}))
    process = net.start(net.host, *net.command("apply", policy), stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE)
    assert "while egress learns" in process.stderr.readline()
    return process


def test_a_signal_ends_learning(net):
    """Nothing is enforced then, and nothing left behind."""
    pair = open_out(net, part="stranger")[0]
    process = start_learning(net, "10m")
    process.send_signal(signal.SIGINT)
    assert "while egress learned" in process.communicate()[1]
    assert process.returncode == 1
    assert net.json("status", status=1)["interfaces"] == []
    talk(pair)


def test_kill_while_it_learns(net, family):
    """The next command adopts what was opened since, and finishes."""
    pairs = open_out(net, family, 3)
    process = start_learning(net, "1s")
    process.kill()
    process.communicate()
    assert net.json("status", status=1)["interrupted"]
    assert "run sallyport apply again" in net.sallyport("status", status=1).stdout
    talk(*pairs)
    pairs += open_out(net, family)
    done = net.apply(site()).stdout
    assert "finished the swap to generation 1" in done
    talk(*pairs)
    assert net.counters().lost() == net.counters().lost("transmit") == {}
    assert net.json("status")["whole"]


def test_what_leaves_elsewhere_is_not_listed(net):
    """A login by an interface that is not enforced goes on, and nobody need worry about it."""
    net.add_link("e1", "p1")
    net.host.add_address("e1", "198.51.100.1", 24)
    net.peer.add_address("p1", "198.51.100.2", 24)
    login = open_many(net.peer, net.host, "198.51.100.2", "198.51.100.1", 2222, 1)
    stranger = open_out(net, V4, 1, "stranger", 9998)
    policy = site(interfaces=["e0"])
    for options in (["--dry-run"], []):
        answer = net.json("apply", net.write(policy), *options)["adoption"]
        assert listed(answer) == {(address("stranger"), 9998, "rule", True)}
    talk(*login)
    close(*stranger[0])


@pytest.mark.parametrize("mode, cut", [(("enforce", "audit"), True), (("audit", "audit"), False)])
def test_who_came_in_without_a_rule(net, mode, cut):
    """Where out only looks, a connection to a port that this host serves is not taken for its own."""
    listener = net.host.listen(address("engine"), 7777)
    arrived = net.peer.connect(address("stranger"), address("engine"), 7777)
    inside, _ = listener.accept()
    answer = adoption(net, site(mode))
    remote_port = arrived.getsockname()[1]
    assert listed(answer) == {(address("stranger"), remote_port, "rule", cut)}
    assert answer["adopted"] == flows_in_use(net) == 0
    if not cut:
        talk((arrived, inside))
        return
    before = net.counters()
    arrived.sendall(b"!")
    net.wait_for_drop(before, "no-flow")
    assert not is_readable(inside)
