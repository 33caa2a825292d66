# SPDX-License-Identifier: BSD-2-Clause
"""Reloads under traffic, applies that fail, detach, and what the command says when it can't."""

import json
import os
import pathlib
import shutil
import tempfile
import threading
import time

import pytest

from namespaces import (BPF_FS, PROGRAM, ROOT, V4, address, both, close, is_readable,
                        receive_exactly, run, site, transfer, wait_for)

RELOADS = 20


class Stream:
    """Datagrams with sequence numbers, like RTP: one every few milliseconds until it is stopped."""

    def __init__(self, sender, receiver, where, source=None):
        self.sender, self.receiver, self.where = sender, receiver, where
        self.source = source
        self.sent = 0
        self.stopped = threading.Event()
        self.received = []
        self.threads = [threading.Thread(target=self.send), threading.Thread(target=self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.stopped.wait(0.003):
            self.sender.sendto(self.sent.to_bytes(4, "big") + bytes(160), self.where)
            self.sent += 1

    def receive(self):
        """Until the last number is there, or what is missing will not come."""
        while not (self.stopped.is_set() and len(self.received) >= self.sent):
            try:
                data = self.receiver.recv(1 << 16)
            except TimeoutError:
                return
            self.received.append(int.from_bytes(data[:4], "big"))

    def stop(self):
        self.stopped.set()
        self.threads[0].join()
        # The receiver may wait for a packet while all have come: one that tells nothing new.
        self.sender.sendto((1 << 31).to_bytes(4, "big"), self.where)
        self.threads[1].join()
        self.received = [number for number in self.received if number < 1 << 31]


class Transfer:
    """A TCP connection that never rests."""

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.chunk = os.urandom(8192)
        self.sent = self.received = 0
        self.wrong = False
        self.error = None
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.send), threading.Thread(target=self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        try:
            # A pause, so that one connection does not fill the queue of a veth.
            while not self.stopped.wait(0.003):
                self.sender.sendall(self.chunk)
                self.sent += 1
            self.sender.shutdown(1)
        except OSError as error:
            self.error = error

    def receive(self):
        try:
            while self.receiver.recv(1, 2):  # MSG_PEEK: the end of it is an empty answer
                self.wrong |= receive_exactly(self.receiver, len(self.chunk)) != self.chunk
                self.received += 1
        except OSError as error:
            self.error = error

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        assert self.error is None and not self.wrong
        assert self.received == self.sent > 0


def test_reload_under_traffic(net, family, lookup):
    """Two sites that both allow it, twenty times: no packet lost, no connection broken, none uncounted."""
    engine, gateway = address("engine", family), address("gateway", family)
    bus, collector = address("bus", family), address("collector", family)
    portal = address("portal", family)
    # The stream to the collector has another rule in each; its flow is judged again at each reload.
    policies = [site(lookup=lookup, flows=[(f"feed-{name}", "engine", collector, "udp/7000")])
                for name in ("a", "b")]
    policies[1]["sets"] = {"more": ["198.51.100.0/24"]}
    policies[1]["bind"]["cyara/asr"] = "$more"
    feeds = ("site/feed-a", "site/feed-b")
    net.apply(policies[1])
    net.apply(policies[0])

    media = net.host.udp(engine, 30000), net.peer.udp(gateway, 40000)
    feed = net.host.udp(engine, 20000), net.peer.udp(collector, 7000)
    with net.peer.listen(bus, 5672) as listener:
        inside = net.host.connect(engine, bus, 5672)
        outside, _ = listener.accept()
    with net.host.listen(engine, 9005) as listener:
        other_outside = net.peer.connect(portal, engine, 9005)
        other_inside, _ = listener.accept()
    streams = [Stream(media[1], media[0], (engine, 30000)),
               Stream(media[0], media[1], (gateway, 40000)),
               Stream(feed[0], feed[1], (collector, 7000)),
               Stream(feed[1], feed[0], (engine, 20000))]
    # An answer to a feed that has not begun is none: it starts with the first packet out.
    transfers = [Transfer(inside, outside), Transfer(other_outside, other_inside)]

    seen = net.counters()
    for turn in range(1, RELOADS + 1):
        net.apply(policies[turn % 2])
        now = net.counters()
        for name, labels, value in seen.samples:
            if name.endswith("_total"):
                assert now.sum(name, **labels) >= value, f"{name} {labels} went back"
        rules = ["cyara/voice-6-back", "cyara/voice-4", "cyara/web-5"]
        assert all(now.rule(rule, way) > seen.rule(rule, way) for rule in rules
                   for way in ("receive", "transmit")), "they go on"
        seen = now
    assert net.json("status")["interfaces"][0]["generation"] == RELOADS + 2

    for each in (*streams, *transfers):
        each.stop()
    for stream in streams[:3]:
        assert stream.received == list(range(stream.sent)), "lost, doubled or out of order"
    # The answers: all but those that came before what they answer.
    answers = streams[3].received
    assert answers == list(range(answers[0], streams[3].sent))
    after = net.counters()
    # One more each: the packet that ends a stream.
    assert after.rule("cyara/voice-6-back") == streams[0].sent + 1
    assert after.rule("cyara/voice-6-back", "transmit") == streams[1].sent + 1
    assert sum(after.rule(rule, "transmit") for rule in feeds) == streams[2].sent + 1
    assert sum(after.rule(rule) for rule in feeds) == len(answers) + 1
    assert min(after.rule(rule, "transmit") for rule in feeds) > 0
    assert sum(after.rule(rule, unit="bytes") for rule in feeds) == \
        len(answers) * (14 + (28 if family == V4 else 48) + 164) + 14 + (
            28 if family == V4 else 48) + 4
    assert after.lost("transmit") == {}
    assert sum(after.lost().values()) == answers[0]
    assert {path.name for path in pathlib.Path(net.pins, "e0").glob("generation-*")} == {
        f"generation-{RELOADS + 2}"}
    close(inside, outside, other_inside, other_outside, *media, *feed)


def open_pairs(net, family):
    """A TCP connection and a UDP flow of the host's own, and a TCP connection that was let in."""
    engine = address("engine", family)
    with net.peer.listen(address("bus", family), 5672) as listener:
        inside = net.host.connect(engine, address("bus", family), 5672)
        own = inside, listener.accept()[0]
    with net.host.listen(engine, 9005) as listener:
        outside = net.peer.connect(address("portal", family), engine, 9005)
        let_in = listener.accept()[0], outside
    inside = net.host.udp(engine, 20000)
    outside = net.peer.udp(address("gateway", family), 5060)
    inside.connect((address("gateway", family), 5060))
    outside.connect((engine, 20000))
    inside.send(b"open")
    assert outside.recv(10) == b"open"
    return own, let_in, (inside, outside)


def test_a_policy_without_the_rule_blocks_and_its_return_restores(net, family, lookup):
    net.apply(site(lookup=lookup))
    own, let_in, datagrams = open_pairs(net, family)
    for pair in (own, let_in):
        transfer(*pair, 20_000)
    net.apply(site(lookup=lookup, without=["cyara/voice-4", "cyara/web-5", "cyara/voice-18",
                                          "cyara/voice-6"]))
    flows = net.json("status")["flows"]["used"]
    counters = net.counters()
    # Each end in turn; what it sends is refused for a reason that tells why.
    for one, direction, reason in ((own[0], "transmit", "flow-blocked"),
                                   (own[1], "receive", "flow-blocked"),
                                   (let_in[1], "receive", "no-flow"),
                                   (let_in[0], "transmit", "no-flow"),
                                   (datagrams[0], "transmit", "flow-blocked"),
                                   (datagrams[1], "receive", "flow-blocked")):
        one.send(b"blocked")
        counters = net.wait_for_drop(counters, reason, direction)
    assert not any(is_readable(end) for pair in (own, let_in, datagrams) for end in pair)
    assert net.json("status")["flows"]["used"] == flows, "blocked, not deleted"

    net.apply(site(lookup=lookup))
    for pair in (own, let_in):
        assert pair[0].recv(100) == pair[1].recv(100) == b"blocked", "sent again by the stack"
        transfer(*pair, 20_000)
    for one, other in (datagrams, reversed(datagrams)):
        one.send(b"again")
        assert other.recv(100) == b"again"
    for pair in (own, let_in, datagrams):
        close(*pair)


# ---------------------------------------------------------------- applies that fail


def expect_unchanged(net, before):
    """The same policy in the same generation, and enforced: a row passes and its neighbour does not."""
    status = net.json("status")
    # Each apply that fails has taken a number; what is in force keeps its own.
    assert status["interfaces"] == before["interfaces"]
    assert status["whole"] and status["step"] == "idle"
    engine = address("engine")
    with net.host.listen(engine, 9005) as listener, net.host.listen(engine, 9999) as closed:
        outside = net.peer.connect(address("portal"), engine, 9005)
        inside, _ = listener.accept()
        transfer(inside, outside, 1000)
        close(inside, outside)
        counters = net.counters()
        attempt = net.peer.begin(address("portal"), engine, 9999)
        net.wait_for_drop(counters, "closed-port")
        attempt.close()
        assert not is_readable(closed)


def broken(**changes):
    return {**site(), **changes}


OTHER_RULE = [{"id": "extra", "from": both("stranger"), "to": "engine", "allow": "tcp/9999"}]
# What is wrong, the exit status, and what the message must name. All of them would open port 9999.
FAILURES = {
    "no YAML": ("site: [", 3, ["site.yaml:1:"]),
    "an unknown key": (broken(flows=OTHER_RULE, mangement=[]), 3, ["mangement", "management"]),
    "an unknown flow": (broken(flows=OTHER_RULE, without=[{"flow": "cyara/voice-99",
                                                         "because": "x"}]), 3, ["cyara/voice-99"]),
    "a key of later": (broken(flows=OTHER_RULE, forbid=[]), 3, ["forbid", "not supported yet"]),
    "too few flows": (broken(flows=OTHER_RULE, bounds={"flows": "1"}), 3, ["64"]),
    "no such interface": (broken(flows=OTHER_RULE, interfaces=["e0", "nonesuch"]), 1,
                          ["nonesuch", "e0"]),
    "no such catalog": (broken(flows=OTHER_RULE, catalogs=["nonesuch"]), 3, ["nonesuch"]),
    "loopback": (broken(flows=OTHER_RULE, interfaces=["lo"]), 1, ["lo"]),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_apply_that_fails_changes_nothing(net, failure):
    net.apply(site())
    before = net.json("status")
    policy, status, words = FAILURES[failure]
    done = net.apply(policy, status=status)
    assert all(word in done.stderr for word in words), done.stderr
    expect_unchanged(net, before)


def test_a_site_without_management(net):
    """Nobody locks himself out by leaving it out; saying that there is none is an answer."""
    policy = site()
    del policy["management"]
    done = net.apply(policy, status=3)
    assert "management" in done.stderr and "[]" in done.stderr
    assert not os.path.exists(net.pins)
    policy["management"] = []
    net.apply(policy)


def test_a_machine_that_is_no_host_of_the_site(net):
    policy = site()
    policy["hosts"]["engine"]["addresses"] = ["198.51.100.7"]
    done = net.apply(policy, status=3)
    assert "--host" in done.stderr or "198.51.100.7" in done.stderr, done.stderr
    assert not os.path.exists(net.pins)


@pytest.fixture
def foreign(tmp_path):
    """An XDP program of somebody else."""
    source, made = tmp_path / "foreign.bpf.c", tmp_path / "foreign.bpf.o"
    source.write_text('__attribute__((section("xdp"), used)) int somebody_else(void *c) { return 2; }\n'
                      '__attribute__((section("license"), used)) char LICENSE[] = "GPL";\n')
    run("clang", "-target", "bpf", "-O2", "-g", "-c", source, "-o", made)
    return made


def test_another_program_at_the_hook(net, foreign):
    """First load: refused, named, and nothing of ours is left. Second interface: e0 stays as it was."""
    net.add_link("e1", "p1")
    net.host.ip("addr", "add", "198.51.100.10/24", "dev", "e1")
    net.host.run("ip", "link", "set", "dev", "e1", "xdpdrv", "obj", foreign, "sec", "xdp")
    both_interfaces = site(interfaces=["e0", "e1"])
    done = net.apply(both_interfaces, status=1)
    assert "e1" in done.stderr and "somebody_else" in done.stderr
    assert "xdp" not in net.host.link("e0") and not os.path.exists(net.pins)

    net.apply(site())
    before = net.json("status")
    assert "somebody_else" in net.apply(both_interfaces, status=1).stderr
    expect_unchanged(net, before)
    attached = json.loads(net.host.run("ip", "-j", "-d", "link", "show", "e1").stdout)[0]["xdp"]
    assert attached["prog"]["name"] == "somebody_else", "theirs is left alone"


# ---------------------------------------------------------------- detach


def objects(net):
    """Every program, link and map of ours in the kernel: what is pinned, and what that leads to."""
    programs, links, maps = set(), set(), set()
    for folder, _, names in os.walk(net.pins):
        for name in names:
            path = os.path.join(folder, name)
            for kind, found in (("prog", programs), ("link", links), ("map", maps)):
                done = run("bpftool", "-j", kind, "show", "pinned", path, check=False)
                if done.returncode == 0:
                    found.add(json.loads(done.stdout)["id"])
                    break
            else:
                raise AssertionError(f"what is {path}?")
    for link in links:
        programs.add(json.loads(run("bpftool", "-j", "link", "show", "id", link).stdout)["prog_id"])
    for program in programs:
        shown = json.loads(run("bpftool", "-j", "prog", "show", "id", program).stdout)
        maps.update(shown["map_ids"])
    return ({("prog", number) for number in programs} | {("link", number) for number in links} |
            {("map", number) for number in maps})


def existing(kind):
    """The kernel's objects by id -> name; a link has none."""
    listed = json.loads(run("bpftool", "-j", kind, "list").stdout)
    return {each["id"]: each.get("name", "") for each in listed}


@pytest.mark.parametrize("hook", ["tcx", "clsact"])
def test_detach_leaves_nothing_behind(net, hook):
    """After reloads, with flows: no program, map, link, pin, filter or qdisc."""
    qdiscs = net.host.run("tc", "qdisc", "show").stdout
    ours = set()
    for reload in range(3):
        net.apply(site(lookup=["flat", "maps"][reload % 2]), "--egress-hook", hook)
        ours |= objects(net)
    assert {kind for kind, _ in ours} == {"prog", "link", "map"}
    names = {existing("prog").get(number) for kind, number in ours if kind == "prog"}
    assert {"xdp_ingress", "tc_egress", "sweep"} <= names
    if hook == "clsact":
        assert "clsact" in net.host.run("tc", "qdisc", "show").stdout
        assert "bpf" in net.host.run("tc", "filter", "show", "dev", "e0", "egress").stdout
    pair = open_pairs(net, V4)
    done = net.sallyport("detach")
    assert "e0" in done.stdout and "every packet passes" in done.stdout
    assert not os.path.exists(net.pins)
    assert net.host.run("tc", "qdisc", "show").stdout == qdiscs
    assert net.host.run("tc", "filter", "show", "dev", "e0", "egress", check=False).stdout == ""
    assert "xdp" not in net.host.link("e0")
    shown = json.loads(net.host.run("bpftool", "-j", "net", "show", "dev", "e0").stdout)[0]
    assert not any(shown[kind] for kind in ("xdp", "tc")), shown

    # The kernel frees them when nobody looks any more, a moment later.
    def left():
        return {(kind, number) for kind, number in ours if number in existing(kind)}

    wait_for(lambda: not left(), "programs, maps and links to go")
    # And everything passes again, what was open goes on.
    for inside, outside in pair[:2]:
        transfer(inside, outside, 1000)
    with net.host.listen(address("engine"), 9999) as listener:
        close(net.peer.connect(address("stranger"), address("engine"), 9999), listener.accept()[0])
    assert "nothing" in (done := net.sallyport("detach")).stdout + done.stderr
    for each in pair:
        close(*each)


def test_detach_leaves_what_is_not_ours(net):
    """A clsact qdisc, and a filter in it, that were there before."""
    net.host.run("tc", "qdisc", "add", "dev", "e0", "clsact")
    net.host.run("tc", "filter", "add", "dev", "e0", "ingress", "pref", "7", "matchall",
                 "action", "ok")
    net.apply(site(), "--egress-hook", "clsact")
    net.sallyport("detach")
    assert "clsact" in net.host.run("tc", "qdisc", "show", "dev", "e0").stdout
    assert "matchall" in net.host.run("tc", "filter", "show", "dev", "e0", "ingress").stdout
    assert net.host.run("tc", "filter", "show", "dev", "e0", "egress").stdout == ""


# ---------------------------------------------------------------- what it says when it can't


@pytest.fixture
def readable(net):
    """The program, its catalog and a site where a user without rights can read them."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-net-"))
    folder.chmod(0o755)
    shutil.copy(PROGRAM, folder / "sallyport")
    shutil.copy(ROOT / "policies" / "cyara.yaml", folder)
    (folder / "site.yaml").write_text(json.dumps(site()))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("command", ["apply", "detach", "metrics", "explain"])
def test_without_rights(net, readable, command):
    """It says what it needs, and what is enforced stays."""
    net.apply(site())
    before = net.json("status")
    words = {"apply": ["apply", readable / "site.yaml"],
             "explain": ["explain", "in", "tcp", "192.0.2.23", "192.0.2.10:9005"]}.get(
                 command, [command])
    done = net.host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        readable / "sallyport", "--pins", net.pins, *words, cwd=readable,
                        check=False)
    assert done.returncode == 1
    assert "root" in done.stderr or "CAP_" in done.stderr or "ermission" in done.stderr, done.stderr
    if command == "apply":
        assert "CAP_BPF" in done.stderr and "CAP_NET_ADMIN" in done.stderr
    expect_unchanged(net, before)


def test_without_a_bpf_file_system(net):
    """In a mount namespace of its own, where it was unmounted."""
    script = f'umount -l {BPF_FS} && exec "$@"'
    done = net.host.run("unshare", "-m", "sh", "-c", script, "sh", *net.command(
        "apply", net.write(site())), check=False)
    assert done.returncode == 1
    assert "mount -t bpf" in done.stderr and BPF_FS in done.stderr, done.stderr
    assert "xdp" not in net.host.link("e0")


def test_an_interface_that_goes_away(net):
    """status says so and fails; the next apply says which interface is missing."""
    net.apply(site(interfaces=["e0"]))
    net.host.ip("link", "del", "e0")
    status = net.json("status", status=1)
    assert status["interfaces"][0]["state"] == "gone"
    done = net.apply(site(interfaces=["e0"]), status=1)
    assert "there is no interface e0" in done.stderr
    net.sallyport("detach")
    assert not os.path.exists(net.pins)
