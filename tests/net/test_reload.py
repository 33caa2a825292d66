# SPDX-License-Identifier: BSD-2-Clause
"""Reloads while calls are up: a policy that allows what the old one did costs no packet, breaks no
connection and forgets no count; one that does not blocks, and can be taken back; one that fails changes
nothing."""

import contextlib
import socket
import struct
import threading

import pytest

from namespaces import (V4, V6, address, both, close, is_readable, needs_tcx, receive_exactly, site,
                        transfer, wait_for)

ROUNDS = 20
PACE = 0.002  # seconds between packets of a stream: some hundred a second
PAYLOAD = b"\x80\x08" + b"m" * 158  # as long as 20 ms of G.711


class Stream:
    """Numbered datagrams from a socket to another, until it is asked what became of them."""

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.sent = 0
        self.numbers = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def send(self):
        where = self.receiver.getsockname()[:2]
        while not self.ended.wait(PACE):
            self.sender.sendto(struct.pack("!Q", self.sent) + PAYLOAD, where)
            self.sent += 1
            # However long it goes on, the receiver's buffer does not fill up.
            while is_readable(self.receiver):
                self.take()

    def take(self):
        self.numbers.append(struct.unpack("!Q", self.receiver.recv(1 << 16)[:8])[0])

    def end(self):
        self.ended.set()
        self.thread.join()

    def assert_whole(self):
        """Every datagram arrived, once and in order. Returns how many there were."""
        self.end()
        while len(self.numbers) < self.sent:
            try:
                self.take()
            except TimeoutError:
                break
        missing = sorted(set(range(self.sent)) - set(self.numbers))
        assert not missing, f"lost {len(missing)} of {self.sent}, the first is {missing[0]}"
        assert self.numbers == list(range(self.sent))
        assert not is_readable(self.receiver)
        return self.sent


class Transfers:
    """A TCP connection that is never idle: blocks both ways, compared, until it is ended."""

    def __init__(self, one, other):
        self.ends = one, other
        self.blocks = 0
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.go)
        self.thread.start()

    def go(self):
        one, other = self.ends
        try:
            while not self.ended.wait(PACE):
                transfer(one, other, 30_000)
                transfer(other, one, 30_000)
                self.blocks += 1
        except (OSError, AssertionError) as error:
            self.error = error

    def end(self):
        self.ended.set()
        self.thread.join()

    def assert_whole(self):
        self.end()
        assert self.error is None
        transfer(*self.ends, 1000)


class Calls:
    """What is up during a reload: a stream each way by an in rule and its mirror, one each way in a
    flow that the host opened, and a TCP connection of each kind."""

    def __init__(self, net, family):
        engine, gateway = address("engine", family), address("gateway", family)
        bus, portal = address("bus", family), address("portal", family)
        self.media = net.host.udp(engine, 40000), net.peer.udp(gateway, 20000)
        self.own = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
        arriving, leaving = net.host.listen(engine, 9005), net.peer.listen(bus, 5672)
        outside = net.peer.connect(portal, engine, 9005)
        inside, _ = arriving.accept()
        opened = net.host.connect(engine, bus, 5672)
        answering, _ = leaving.accept()
        close(arriving, leaving)
        # The host opens its flow before anything can arrive in it; one count of the rule.
        self.own[0].sendto(b"first", (gateway, 30000))
        assert self.own[1].recv(100) == b"first"
        self.sockets = [*self.media, *self.own, outside, inside, opened, answering]
        self.streams = {
            ("cyara/voice-6-back", "receive"): Stream(self.media[1], self.media[0]),
            ("cyara/voice-6-back", "transmit"): Stream(*self.media),
            ("cyara/voice-6", "receive"): Stream(self.own[1], self.own[0]),
            ("cyara/voice-6", "transmit"): Stream(*self.own),
        }
        self.transfers = [Transfers(outside, inside), Transfers(opened, answering)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Whoever still waits for what was lost need not wait any longer.
        for one in self.transfers:
            one.ended.set()
            for end in one.ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for one in (*self.streams.values(), *self.transfers):
            one.end()
        close(*self.sockets)

    def go_on(self):
        """Waits until each of them has moved on: a step that is not over in no time."""
        marks = [(one, one.sent) for one in self.streams.values()]
        wait_for(lambda: all(one.sent >= mark + 3 for one, mark in marks), "the streams go on")
        marks = [(one, one.blocks) for one in self.transfers]
        wait_for(lambda: all(one.error or one.blocks > mark for one, mark in marks),
                 "the transfers go on")

    def assert_whole(self, net):
        """Nothing was lost, and each rule counted exactly what was sent by it."""
        for one in self.transfers:
            one.assert_whole()
        sent = {key: stream.assert_whole() for key, stream in self.streams.items()}
        sent["cyara/voice-6", "transmit"] += 1
        counters = net.counters()
        counted = {(rule, direction): counters.rule(rule, direction) for rule, direction in sent}
        assert counted == sent
        assert counters.lost() == counters.lost("transmit") == {}


def other_site():
    """Allows the same to the same, and is different in all else: rules before, between and behind, ports,
    peers and prefixes, so that no number of the tables stays what it was; and the other encoding."""
    return site(
        lookup="maps", without=["cyara/voice-3", "cyara/voice-18"],
        parameters={"cyara/rtp-ports": "30000-50000", "cyara/gateway-sip-back": "on"},
        management=[{"from": "198.51.100.0/24", "allow": ["tcp/22", "tcp/2222"]},
                    {"from": both("jump"), "allow": "udp/161"}],
        flows=[("everybody", "any", "engine", "tcp/7000-7999"),
               ("names", "engine", ["203.0.113.0/24", "2001:db8:53::/48"], "udp/53")])


def assert_no_count_fell(before, after):
    old, new = before.judged(), after.judged()
    fallen = {key: (value, new.get(key)) for key, value in old.items() if new.get(key, 0) < value}
    assert not fallen


def generation(net):
    return net.json("status")["interfaces"][0]


@pytest.mark.parametrize("hook, family", [pytest.param("tcx", V4, marks=needs_tcx),
                                          pytest.param("tcx", V6, marks=needs_tcx),
                                          ("clsact", V4), ("clsact", V6)],
                         ids=["tcx-v4", "tcx-v6", "clsact-v4", "clsact-v6"])
def test_reloads_under_traffic(net, hook, family):
    """Twenty reloads: not one packet lost, not one count."""
    net.apply(site(), "--egress-hook", hook)
    assert generation(net)["egress"]["how"] == hook
    with Calls(net, family) as calls:
        before, first = net.counters(), generation(net)["generation"]
        for number in range(ROUNDS):
            net.apply(other_site() if number % 2 == 0 else site(), "--egress-hook", hook)
            after = net.counters()
            assert_no_count_fell(before, after)
            before = after
        calls.go_on()
        assert generation(net)["generation"] >= first + ROUNDS
        calls.assert_whole(net)


def test_the_tables_are_swapped_for_real(net):
    """What only one of the two policies allows follows each reload, at once."""
    engine = address("engine")
    listener = net.host.listen(engine, 7777)
    for _ in range(2):
        net.apply(other_site())
        close(net.peer.connect(address("stranger"), engine, 7777), listener.accept()[0])
        net.apply(site())
        before = net.counters()
        attempt = net.peer.begin(address("stranger"), engine, 7777)
        net.wait_for_drop(before, "closed-port")
        attempt.close()
        assert not is_readable(listener)
    listener.close()


def test_a_reload_blocks_a_flow_and_gives_it_back(net, family):
    """Both ends see it: no datagram and no segment crosses while it is blocked, in either direction; and
    the same sockets go on afterwards."""
    strict = site(without=["cyara/voice-6", "cyara/voice-4"],
                  parameters={"cyara/gateway-rtp-back": "off"})
    net.apply(site(parameters={"cyara/gateway-rtp-back": "off"}))
    engine, gateway = address("engine", family), address("gateway", family)
    bus = address("bus", family)
    inside, outside = net.host.udp(engine, 20000), net.peer.udp(gateway, 30000)
    listener = net.peer.listen(bus, 5672)
    opened = net.host.connect(engine, bus, 5672)
    answering, _ = listener.accept()
    transfer(opened, answering, 1000)

    def exchange(data):
        inside.sendto(data, (gateway, 30000))
        assert outside.recv(100) == data
        outside.sendto(data, (engine, 20000))
        assert inside.recv(100) == data

    exchange(b"before")
    used = net.json("status")["flows"]["used"]
    for _ in range(2):
        net.apply(strict)
        before = net.counters()
        outside.sendto(b"blocked", (engine, 20000))
        after = net.wait_for_drop(before, "flow-blocked")
        inside.sendto(b"blocked", (gateway, 30000))
        after = net.wait_for_drop(after, "flow-blocked", "transmit")
        # And again, once it is marked.
        outside.sendto(b"blocked", (engine, 20000))
        after = net.wait_for_drop(after, "flow-blocked")
        opened.sendall(b"segment")
        after = net.wait_for_drop(after, "flow-blocked", "transmit")
        answering.sendall(b"answer")
        net.wait_for_drop(after, "flow-blocked")
        assert not any(map(is_readable, (inside, outside, opened, answering)))
        assert net.json("status")["flows"]["used"] == used, "blocked, not forgotten"

        net.apply(site(parameters={"cyara/gateway-rtp-back": "off"}))
        # The stack sends again what was refused; nobody connects anew.
        assert receive_exactly(answering, 7) == b"segment"
        assert receive_exactly(opened, 6) == b"answer"
        exchange(b"after")
    transfer(opened, answering, 1000)
    assert not is_readable(listener)
    close(inside, outside, opened, answering, listener)


# ---------------------------------------------------------------- what fails


def wider(**more):
    """A policy that would let the stranger in."""
    return site(flows=[("mistake", "any", "engine", "tcp/7777")], **more)


def policy_error(net, _):
    net.write(wider(bind={"cyara/sip-or-media-gatway": both("gateway")}))
    return 3, ["site.yaml:", "sip-or-media-gatway", "sip-or-media-gateway"]


def no_such_interface(net, _):
    net.write(wider(interfaces=["e0", "nowhere0"]))
    return 1, ["nowhere0"]


def held_by_another(net, foreign_object):
    """The second interface is the one that can't be had: the first must not be swapped alone."""
    net.add_link("e1", "p1")
    net.host.ip("link", "set", "dev", "e1", "xdpdrv", "obj", foreign_object, "sec", "xdp")
    net.write(wider(interfaces=["e0", "e1"]))
    program = net.host.link("e1")["xdp"]["prog"]["id"]
    return 1, ["e1", f"XDP program {program} (somebody_else)"]


@pytest.mark.parametrize("mishap", [policy_error, no_such_interface, held_by_another],
                         ids=lambda mishap: mishap.__name__)
def test_a_failed_apply_leaves_the_old_policy(net, foreign, mishap):
    """With calls up: it says why, no packet is lost, and what the new policy allows stays refused."""
    net.apply(site())
    engine = address("engine")
    listener = net.host.listen(engine, 7777)
    with Calls(net, V4) as calls:
        before, old = net.counters(), generation(net)
        status, words = mishap(net, foreign)
        for _ in range(3):
            done = net.sallyport("apply", net.folder / "site.yaml", status=status)
            for word in words:
                assert word in done.stderr
            calls.go_on()
        now = generation(net)
        assert now == old
        assert len(net.json("status")["interfaces"]) == 1
        after = net.counters()
        assert_no_count_fell(before, after)
        calls.assert_whole(net)
    attempt = net.peer.begin(address("stranger"), engine, 7777)
    wait_for(lambda: net.counters().dropped(reason="closed-port") >= 1, "the stranger is refused")
    attempt.close()
    assert not is_readable(listener)
    listener.close()
    if mishap is held_by_another:
        assert "xdp" in net.host.link("e1"), "the other program was not touched"
        net.host.ip("link", "set", "dev", "e1", "xdpdrv", "off")
        net.sallyport("apply", net.folder / "site.yaml")
        assert len(net.json("status")["interfaces"]) == 2


def test_status_does_not_take_a_reload_for_a_broken_one(net):
    """Asked at any moment of it: the old policy is whole, and then the new one is."""
    net.apply(site())
    over = threading.Event()

    def reload():
        try:
            for _ in range(6):
                net.apply(site())
        finally:
            over.set()

    thread = threading.Thread(target=reload)
    thread.start()
    asked = 0
    while not over.is_set():
        status = net.json("status")
        assert status["whole"], status
        asked += 1
    thread.join()
    assert asked > 20
