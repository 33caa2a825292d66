# SPDX-License-Identifier: BSD-2-Clause
"""Drop events: what was dropped, as samples that no flood can hide, and the command that shows them."""

import datetime
import json
import os
import select
import signal
import subprocess
import threading

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from scapy.utils import PcapReader

from namespaces import PATIENCE, V4, V6, address, site, wait_for

# As include/bounds.h has them.
EVENTS_PER_SECOND, RING_EVENTS, FRAME_BYTES = 10, 16, 128


def packet(family, part, destination="engine"):
    return (IP if family == V4 else IPv6)(src=address(part, family), dst=address(destination, family))


def drops(net, *options):
    """What the rings hold, but for the stack's own multicast reports, which come when they like."""
    lines = net.sallyport("drops", "--json", *options).stdout.splitlines()
    return [drop for drop in map(json.loads, lines) if drop["reason"] != "icmp-type"]


class Follower:
    """sallyport drops -f --json, line by line."""

    def __init__(self, net, *options):
        self.process = net.start(net.host, *net.command("drops", "-f", "--json", *options),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.rest = b""

    def next(self, **wanted):
        """The next drop that has these values."""
        while True:
            while b"\n" not in self.rest:
                assert select.select([self.process.stdout], [], [], PATIENCE)[0], f"no {wanted}"
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                assert part, self.process.stderr.read()
                self.rest += part
            line, self.rest = self.rest.split(b"\n", 1)
            drop = json.loads(line)
            if wanted.items() <= drop.items():
                return drop

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def seconds(drop):
    return datetime.datetime.fromisoformat(drop["time"].replace("Z", "+00:00")).timestamp()


def test_a_flood_hides_nothing(net, family, lookup):
    """20,000 of one reason, and amid them three of another: those are all there, with their packets."""
    net.apply(site(lookup=lookup))
    before = net.counters()
    flood = net.frame(packet(family, "stranger") / UDP(sport=1, dport=9) / Raw(b"x" * 200))
    few = [net.frame(packet(family, "portal") / UDP(sport=40000 + i, dport=30000)) for i in range(3)]
    with net.peer.packets("p0") as wire:
        for number in range(20_000):
            wire.send(flood)
            if number % 8000 == 100:
                wire.send(few[number // 8000])
    net.wait_for_drop(before, "closed-port", number=20_000)
    net.wait_for_drop(before, "wrong-port", number=3)

    seen = drops(net)
    assert {drop["reason"] for drop in seen} == {"closed-port", "wrong-port"}
    assert [seconds(drop) for drop in seen] == sorted(seconds(drop) for drop in seen)
    wrong = [drop for drop in seen if drop["reason"] == "wrong-port"]
    assert [bytes.fromhex(drop["frame"]) for drop in wrong] == few
    assert [drop["more_since_last"] for drop in wrong] == [None, 0, 0]
    assert [drop["source_port"] for drop in wrong] == [40000, 40001, 40002]
    for drop in wrong:
        assert (drop["interface"], drop["direction"], drop["verdict"]) == ("e0", "in", "drop")
        assert (drop["l4"], drop["destination_port"]) == ("udp", 30000)
        assert drop["source"] == address("portal", family)
        assert drop["destination"] == address("engine", family)
        assert drop["role"] == "cyara/web-portal"
    closed = [drop for drop in seen if drop["reason"] == "closed-port"]
    assert 11 <= len(closed) <= RING_EVENTS
    for drop in closed:
        assert bytes.fromhex(drop["frame"]) == flood[:FRAME_BYTES]
        assert drop["length"] == len(flood)
        assert drop["role"] is None
    # Nothing goes untold: every drop between two events is counted by the later one.
    for earlier, later in zip(closed, closed[1:]):
        assert later["packets"] == earlier["packets"] + later["more_since_last"] + 1
    assert closed[-1]["packets"] <= 20_000
    # Nobody took anything away.
    again = drops(net, "--reason", "wrong-port")
    assert [drop["frame"] for drop in again] == [drop["frame"] for drop in wrong]


def test_the_last_line_tells_the_rest(net):
    """What came so fast that there is no sample of it is told too, by its number."""
    net.apply(site())
    before = net.counters()
    net.inject(*[packet(V4, "portal") / UDP(dport=30000)] * 500)
    net.wait_for_drop(before, "wrong-port", number=500)
    *lines, last = net.sallyport("drops", "--reason", "wrong-port").stdout.splitlines()
    told = drops(net, "--reason", "wrong-port")[-1]["packets"]
    assert len(lines) <= RING_EVENTS
    assert last == (f"e0 in drop wrong-port, peer cyara/web-portal: {500 - told} more since the last "
                    "of these")


def test_a_flood_makes_few_events(net):
    """From several CPUs at once, and however long it lasts: no stretch of its time has more events
    than are allowed."""
    net.apply(site())
    follower = Follower(net, "--reason", "closed-port")
    flood = net.frame(packet(V4, "stranger") / TCP(dport=9))
    enough = threading.Event()

    def send():
        with net.peer.packets("p0") as wire:
            while not enough.is_set():
                wire.send(flood)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        events = [follower.next() for _ in range(4 * EVENTS_PER_SECOND)]
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    times = [seconds(event) for event in events]
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            # A second's worth at once, and one; the clock has ticks of 10 ms at most.
            allowed = EVENTS_PER_SECOND * (1 + times[last] - start + 0.02) + 1
            assert last - first + 1 <= allowed, times[first:last + 1]
    assert {event["frame"] for event in events} == {flood.hex()}
    assert events[-1]["packets"] > 100 * len(events)
    assert follower.end(signal.SIGINT) == 0


def test_readers_share_and_reloads_go_on(net, family):
    """Two followers see the same drops, before a reload and after it; both end well."""
    net.apply(site())
    followers = [Follower(net), Follower(net, "--interface", "e0")]
    net.inject(packet(family, "stranger") / UDP(dport=9))
    first = [follower.next(reason="closed-port") for follower in followers]
    assert first[0] == first[1]
    net.apply(site(without=["cyara/web-5"]))
    net.inject(packet(family, "stranger") / UDP(dport=10))
    second = [follower.next(reason="closed-port") for follower in followers]
    for old, new in zip(first, second):
        assert new["destination_port"] == 10
        assert new["generation"] == old["generation"] + 1
        assert (new["packets"], new["more_since_last"]) == (old["packets"] + 1, 0)
    assert [drop["destination_port"] for drop in drops(net)] == [9, 10]
    assert followers[0].end(signal.SIGINT) == 0
    assert followers[1].end(signal.SIGTERM) == 0


def test_a_follower_waits_for_the_next_apply(net):
    net.apply(site())
    follower = Follower(net)
    net.inject(packet(V4, "stranger") / UDP(dport=9))
    follower.next(destination_port=9)
    net.sallyport("detach")
    assert select.select([follower.process.stderr], [], [], PATIENCE)[0]
    assert "nothing is enforced any more" in follower.process.stderr.readline()
    net.apply(site())
    net.inject(packet(V4, "stranger") / UDP(dport=10))
    assert follower.next(destination_port=10)["more_since_last"] is None
    assert follower.end(signal.SIGTERM) == 0


def test_captures(net, family, tmp_path):
    """What was dropped, in both directions, as scapy reads it: bytes, lengths and times."""
    path = tmp_path / "drops.pcap"
    net.apply(site())
    before = net.counters()
    arriving = packet(family, "stranger") / TCP(sport=7, dport=9, flags="S")
    leaving = packet(family, "engine", "stranger") / UDP(sport=7, dport=9) / Raw(bytes(range(250)))
    net.inject(arriving)
    net.wait_for_drop(before, "closed-port")
    net.emit(leaving)
    net.wait_for_drop(before, "closed-port", "transmit")
    done = net.sallyport("drops", "--reason", "closed-port", "--pcap", path)
    assert "2 frames written" in done.stderr
    assert [line.split()[2:5] for line in done.stdout.splitlines()] == [
        ["in", "drop", "closed-port"], ["out", "drop", "closed-port"]]
    assert path.stat().st_mode & 0o777 == 0o600
    with PcapReader(str(path)) as reader:
        assert reader.nano
        frames = list(reader)
    wanted = [net.frame(arriving), net.frame(leaving, leaving=True)]
    assert [bytes(frame) for frame in frames] == [frame[:FRAME_BYTES] for frame in wanted]
    assert [frame.wirelen for frame in frames] == [len(frame) for frame in wanted]
    for frame, drop in zip(frames, drops(net, "--reason", "closed-port")):
        assert abs(float(frame.time) - seconds(drop)) < 0.001
    # The same on standard output, and nothing else there.
    piped = subprocess.run(net.host.command(*net.command("drops", "--reason", "closed-port",
                                                         "--pcap", "-")),
                           check=True, capture_output=True, timeout=60)
    assert len(piped.stdout) == path.stat().st_size


def test_audit_tells_what_would_be_dropped(net, family):
    net.apply(site(mode=("audit", "audit")))
    before = net.counters()
    net.inject(packet(family, "stranger") / UDP(dport=9))
    net.emit(packet(family, "engine", "stranger") / TCP(sport=9, dport=9, flags="S"))
    assert wait_for(lambda: len(drops(net, "--reason", "closed-port")) == 2 or None, "both")
    for drop, direction in zip(drops(net, "--reason", "closed-port"), ("in", "out")):
        assert (drop["direction"], drop["verdict"], drop["judged"]) == (direction, "pass", "drop")
    assert "would-drop closed-port" in net.sallyport("drops").stdout
    assert net.counters().dropped() == before.dropped()


def test_asking_makes_no_events(net):
    """explain and trace judge by the real programs, but nothing was dropped."""
    net.apply(site())
    assert net.explain("in", "tcp", (address("stranger"), 1), (address("engine"), 9))["verdict"] == "drop"
    line = {"l4": "udp", "source": address("stranger"), "destination": address("engine"),
            "destination_port": 9}
    net.sallyport("trace", "--site", net.write(site()), "--host", "engine", input=json.dumps(line))
    assert drops(net) == []


def test_drops_of_fragments_and_odd_frames(net):
    """Each reason has its own ring; what is no IP packet is told by its Ethernet header."""
    from scapy.layers.inet import fragment
    net.apply(site())
    before = net.counters()
    parts = fragment(packet(V4, "stranger") / UDP(sport=1, dport=5060) / Raw(b"x" * 3000), 1480)
    net.inject(*parts[1:])
    net.wait_for_drop(before, "fragment-early", number=2)
    with net.peer.packets("p0") as wire:
        wire.send(bytes.fromhex("020000000001020000000002" "88b5" "cafe"))
    net.wait_for_drop(before, "ethertype")
    seen = {drop["reason"]: drop for drop in drops(net)}
    assert seen["fragment-early"]["fragment"]["offset"] == 2960
    assert "source_port" not in seen["fragment-early"]
    assert seen["ethertype"]["ethertype"] == 0x88b5
    assert "ethertype 0x88b5 02:00:00:00:00:02 > 02:00:00:00:00:01" in net.sallyport("drops").stdout


@pytest.mark.parametrize("options, status, words", [
    (["--reason", "closd-port"], 2, "did you mean closed-port?"),
    (["--reason", "arp"], 2, "packets pass for this reason"),
    (["--pcap", "-", "--json"], 2, "give one"),
    (["--pcap", "/nowhere/x.pcap"], 1, "/nowhere/x.pcap can't be written: No such file"),
    (["--interface", "e9"], 1, "nothing is enforced on e9"),
    (["-f", "--interface", "e9"], 1, "nothing is enforced on e9"),
])
def test_refusals(net, options, status, words):
    net.apply(site())
    assert words in net.sallyport("drops", *options, status=status).stderr


def test_nothing_is_enforced(net):
    assert "nothing is enforced: sallyport apply" in net.sallyport("drops", status=1).stderr


def test_nothing_was_dropped(net):
    net.apply(site())
    done = net.sallyport("drops", "--reason", "spoofed")
    assert done.stdout == "" and "nothing of the kind was dropped" in done.stderr
