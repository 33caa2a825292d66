# SPDX-License-Identifier: BSD-2-Clause
"""Banks: what a reload writes into the kernel, what it leaves alone, and that no packet sees half of it.

Each test runs with lookup: flat and with lookup: maps.
"""

import json
import os
import re
import socket
import threading

import pytest

from namespaces import ROOT, address, close, run

CRASH = os.environ.get("CRASH_APPLY", str(ROOT / "build/tests/net/crash_apply"))
TRIES = ["ipv4_classes", "ipv6_classes"]
FLAT = ["flat_classes", "flat_ipv4", "flat_ipv6"]


def many(count, first=0):
    """Addresses of which no two make a prefix: 10.x and 2001:db8:9::, nine of ten IPv4."""
    return [f"2001:db8:9::{2 * i >> 16:x}:{2 * i & 0xffff:x}" if i % 10 == 0 else f"10.{2 * i >> 16}.{2 * i >> 8 & 255}.{2 * i & 255}"
            for i in range(first, first + count)]


def policy(lookup, peers, folder, **more):
    """Port 5000 for the peers, which come from a list."""
    (folder / "peers.txt").write_text("\n".join([*peers, ""]))
    made = {
        "site": "banks", "catalogs": ["cyara"], "mode": {"in": "enforce", "out": "enforce"},
        "lookup": lookup, "management": [{"from": address("jump"), "allow": ["tcp/22"]}],
        "sets": {"many": {"feed": "list", "file": "peers.txt"}},
        "hosts": {"engine": {"addresses": [address("engine")], "roles": []}},
        "flows": [{"id": "many", "from": "$many", "to": "engine", "allow": ["udp/5000"]}],
    }
    made.update(more)
    return made


def apply(net, site):
    return net.json("apply", net.write(site))


def counts(report, name):
    """(added, changed, removed, kept) and the source of one map."""
    one = next(each for each in report["tables"] if each["map"] == name)
    return one["source"], tuple(one.get(key) for key in ("added", "changed", "removed", "kept"))


def map_ids(net, report):
    """The ids of the tables' maps of the generation in force."""
    folder = f"{net.pins}/e0/generation-{report['generation']}"
    return {name: json.loads(run("bpftool", "-j", "map", "show", "pinned", f"{folder}/{name}").stdout)["id"]
            for name in TRIES + FLAT}


def dump(path):
    """Key (prefix length and address) to value, as people read it."""
    return {(entry["formatted"]["key"]["prefix_length"], *entry["formatted"]["key"]["address"]):
            entry["formatted"]["value"]
            for entry in json.loads(run("bpftool", "-j", "map", "dump", "pinned", path).stdout)}


def banks(net):
    found = [sorted(os.listdir(f"{net.pins}/shared/{folder}"))
             for folder in os.listdir(f"{net.pins}/shared") if folder.startswith("bank-")]
    return [each for each in found if each]


# ---------------------------------------------------------------- what is written


def test_a_feed_update_writes_only_what_changed(net, lookup):
    first = apply(net, policy(lookup, many(100000), net.folder))
    assert counts(first, "ipv4_classes")[0] == "made"
    held = map_ids(net, first)
    second = apply(net, policy(lookup, many(100200), net.folder))
    ids = map_ids(net, second)
    source, (added, changed, removed, kept) = counts(second, "ipv4_classes")
    assert (source, added, changed, removed) == ("updated", 180, 0, 0)
    assert kept >= 90000 and ids["ipv4_classes"] != held["ipv4_classes"]
    source, (added, changed, removed, kept) = counts(second, "ipv6_classes")
    assert (source, added, changed, removed) == ("updated", 20, 0, 0) and kept >= 10000
    # The bank that is idle now is two updates behind.
    third = apply(net, policy(lookup, many(100210), net.folder))
    assert counts(third, "ipv4_classes")[:1] == ("updated",)
    assert counts(third, "ipv4_classes")[1][:3] == (180 + 9, 0, 0)
    assert map_ids(net, third)["ipv4_classes"] == held["ipv4_classes"]
    back = apply(net, policy(lookup, many(100000), net.folder))
    assert counts(back, "ipv4_classes")[1][:3] == (0, 0, 180)
    assert banks(net) == [TRIES, TRIES], "two of each, whatever happens"
    assert sorted(net.json("status")["interfaces"][0]["banks"]) == TRIES
    assert net.json("status")["interfaces"][0]["banks"]["ipv4_classes"] == 2, "they take turns"
    assert {"parse", "compile", "tries_read", "tries_write", "swap"} <= back["timings_ms"].keys()
    entries = dump(f"{net.pins}/e0/generation-{back['generation']}/ipv4_classes")
    assert len(entries) == kept_and_added(back, "ipv4_classes")
    assert (32, 10, 0, 0, 2) in entries and (32, 10, 3, 13, 68) not in entries


def kept_and_added(report, name):
    _, (added, changed, _, kept) = counts(report, name)
    return added + changed + kept


def test_what_is_unchanged_is_used_again(net, lookup):
    first = apply(net, policy(lookup, many(1000), net.folder))
    again = apply(net, policy(lookup, many(1000), net.folder))
    assert again["generation"] == first["generation"] + 1
    for name in TRIES:
        assert counts(again, name)[0] == "kept"
    for name in FLAT:
        assert counts(again, name)[0] == ("kept" if lookup == "flat" else "unused")
    ids = map_ids(net, again)
    third = apply(net, policy(lookup, many(1000), net.folder))
    assert {name: map_ids(net, third)[name] for name in TRIES} == {name: ids[name] for name in TRIES}
    if lookup == "flat":
        assert map_ids(net, third) == ids
    # Another port changes no address: the tries stay, and the index of addresses.
    moved = policy(lookup, many(1000), net.folder)
    moved["flows"][0]["allow"] = ["udp/5001"]
    other = apply(net, moved)
    assert counts(other, "ipv4_classes")[0] == "kept" and counts(other, "ipv6_classes")[0] == "kept"
    if lookup == "flat":
        assert counts(other, "flat_ipv4")[0] == "kept"
        assert counts(other, "flat_classes")[0] == "made"
    # One family changes: the other's maps stay.
    source, _ = counts(apply(net, policy(lookup, [*many(1000), "10.99.0.1"], net.folder)), "ipv6_classes")
    assert source == "kept"


def test_switching_the_lookup_keeps_the_tries(net):
    first = apply(net, policy("flat", many(1000), net.folder))
    ids = map_ids(net, first)
    second = apply(net, policy("maps", many(1000), net.folder))
    assert {name: map_ids(net, second)[name] for name in TRIES} == {name: ids[name] for name in TRIES}
    third = apply(net, policy("flat", many(1000), net.folder))
    assert counts(third, "flat_ipv4")[0] == "made", "the live index was the empty one"


def test_interfaces_share_the_maps(net, lookup):
    net.add_link("e1", "p1")
    site = policy(lookup, many(1000), net.folder, interfaces=["e0", "e1"])
    report = apply(net, site)
    ids = [json.loads(run("bpftool", "-j", "map", "show", "pinned",
                          f"{net.pins}/{name}/generation-1/{each}").stdout)["id"]
           for name in ("e0", "e1") for each in TRIES]
    assert ids[:2] == ids[2:]
    # One goes on alone; what the other still uses is not touched.
    held = dump(f"{net.pins}/e1/generation-{report['generation']}/ipv4_classes")
    for count in (1100, 1200, 1300):
        apply(net, policy(lookup, many(count), net.folder, interfaces=["e0"]))
        assert dump(f"{net.pins}/e1/generation-1/ipv4_classes") == held
    net.sallyport("detach", "e1")
    apply(net, policy(lookup, many(1400), net.folder, interfaces=["e0"]))
    apply(net, policy(lookup, many(1500), net.folder, interfaces=["e0"]))
    assert banks(net) == [TRIES, TRIES], "the third went"
    net.sallyport("detach")
    assert not os.path.exists(net.pins)


def test_dry_run_touches_no_bank(net, lookup):
    report = apply(net, policy(lookup, many(1000), net.folder))
    folders = [f"{net.pins}/shared/bank-{number}/ipv4_classes" for number in (1, 2)]
    before = [dump(path) for path in folders]
    assert before[0] == before[1], "the spare begins as the live one"
    dry = net.json("apply", net.write(policy(lookup, many(2000), net.folder)), "--dry-run")
    assert counts(dry, "ipv4_classes")[0] == "made"
    assert [dump(path) for path in folders] == before
    assert report["generation"] == net.json("status")["interfaces"][0]["generation"]


# ---------------------------------------------------------------- under traffic


def exchanged(lookup, folder, turn):
    """
    The gateway may send to port 5000 and the stranger to port 6000, whatever the turn; but from turn
    to turn each has the class of the other, so that one's trie with the other's decisions lets the
    stranger in and shuts the gateway out.
    """
    flows = [{"id": "good", "from": "$good", "to": "engine", "allow": ["udp/5000"]},
             {"id": "bad", "from": "$bad", "to": "engine", "allow": ["udp/6000"]}]
    site = policy(lookup, [*many(8000, first=turn % 4 * 500), address("gateway")], folder)
    site["sets"]["good"] = site["sets"].pop("many")
    site["sets"]["bad"] = [address("stranger")]
    site["flows"] = flows[::-1] if turn % 2 else flows
    return site


def test_no_packet_sees_mixed_tables(net, lookup):
    apply(net, exchanged(lookup, net.folder, 0))
    server = net.host.udp(address("engine"), 5000)
    server.settimeout(1)
    good = net.peer.udp(address("gateway"))
    bad = net.peer.udp(address("stranger"))
    sent, stop, all_sent = [0], threading.Event(), threading.Event()

    def send():
        while not stop.wait(0.0002):
            for _ in range(4):
                sent[0] += 1
                good.sendto(sent[0].to_bytes(4, "big"), (address("engine"), 5000))
                bad.sendto(bytes(4), (address("engine"), 5000))

    received = []

    def receive():
        while not all_sent.is_set() or len(received) < sent[0]:
            try:
                data, (source, _) = server.recvfrom(64)
            except TimeoutError:
                if all_sent.is_set():
                    return
                continue  # a slow machine: the sender has not had its turn
            received.append((source, int.from_bytes(data, "big")))

    threads = [threading.Thread(target=each) for each in (send, receive)]
    for thread in threads:
        thread.start()
    classes = set()
    for turn in range(1, 9):
        report = apply(net, exchanged(lookup, net.folder, turn))
        assert counts(report, "ipv4_classes")[0] == "updated"
        entries = dump(f"{net.pins}/e0/generation-{report['generation']}/ipv4_classes")
        classes.add((turn % 2, entries[(32, *socket.inet_aton(address("gateway")))]["class_id"],
                     entries[(32, *socket.inet_aton(address("stranger")))]["class_id"]))
    stop.set()
    threads[0].join()
    all_sent.set()
    threads[1].join()
    close(server, good, bad)
    by_turn = dict((turn, (one, other)) for turn, one, other in classes)
    assert by_turn[0] == by_turn[1][::-1], "the classes were exchanged, so mixed tables would show"
    assert {source for source, _ in received} == {address("gateway")}, "the stranger got in"
    assert [number for _, number in received] == list(range(1, sent[0] + 1)), "packets were lost"


# ---------------------------------------------------------------- kill -9


def crash(net, verb, *options):
    return net.host.run(CRASH, verb, "--pins", net.pins, "--own", address("engine"), "--interface", "e0",
                        "--peer", address("gateway"), *map(str, options), check=False)


@pytest.mark.parametrize("step", ["entries to put", "entries put"])
def test_killed_while_a_bank_is_brought_up(net, step):
    """Some of the new entries are in the idle bank, the live one is as it was; the next apply goes on from there."""
    assert crash(net, "apply", "--prefixes", 1000).returncode == 0
    live = dump(f"{net.pins}/e0/generation-1/ipv4_classes")
    for number in range(1, 60):
        done = crash(net, "apply", "--prefixes", 100000, "--first", "11.0.0.0", "--kill-at", number)
        assert done.returncode == -9
        if done.stderr.rstrip().endswith(step) or f" {step}, " in done.stderr:
            break
        assert crash(net, "recover").returncode == 0
    assert dump(f"{net.pins}/e0/generation-1/ipv4_classes") == live
    held = sorted(len(dump(f"{net.pins}/shared/bank-{bank}/ipv4_classes")) for bank in (1, 2))
    if step == "entries put":
        assert held[0] == len(live) < 65536 <= held[1] < 100000, "half-way"
    else:
        assert held == [len(live)] * 2
    assert crash(net, "recover").returncode == 0
    assert generation(net) == 1
    done = crash(net, "apply", "--prefixes", 100000, "--first", "11.0.0.0")
    assert done.returncode == 0
    if step == "entries put":
        assert int(re.search(r"ipv4_classes: (\d+) entries to put, 0 to remove", done.stderr)[1]) < 40000
    entries = dump(f"{net.pins}/e0/generation-{generation(net)}/ipv4_classes")
    assert len(entries) == len(live) - 1000 + 100000
    assert (32, 11, 0, 0, 0) in entries and (32, 10, 0, 0, 0) not in entries


def generation(net):
    return max(int(name.split("-")[1]) for name in os.listdir(f"{net.pins}/e0")
               if name.startswith("generation-"))


# ---------------------------------------------------------------- size


def test_a_million_prefixes(net, lookup):
    first = apply(net, policy(lookup, many(999000), net.folder))
    assert first["prefixes"] >= 999000
    second = apply(net, policy(lookup, many(999200), net.folder))
    assert counts(second, "ipv4_classes")[1][:3] == (180, 0, 0)
    assert counts(second, "ipv6_classes")[1][:3] == (20, 0, 0)
    for source, verdict in (("10.30.121.212", "pass"), ("10.30.121.213", "drop"), ("2001:db8:9::2", "drop"),
                            ("10.0.0.2", "pass")):
        if "." in source:
            answer = net.explain("in", "udp", (source, 40000), (address("engine"), 5000))
            assert answer["verdict"] == verdict, (source, answer)
