# SPDX-License-Identifier: BSD-2-Clause
"""detach leaves nothing of ours behind, and leaves alone what is not ours."""

import json
import os

import pytest

from namespaces import TCX, V4, address, close, run, site, transfer, wait_for


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


@pytest.mark.parametrize("hook", [TCX, "clsact"])
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


def test_detach_leaves_what_is_not_ours(net, foreign):
    """A clsact qdisc, and a filter in it, that were there before."""
    net.host.run("tc", "qdisc", "add", "dev", "e0", "clsact")
    net.host.run("tc", "filter", "add", "dev", "e0", "ingress", "pref", "7", "bpf", "da",
                 "obj", foreign, "sec", "tc")
    net.apply(site(), "--egress-hook", "clsact")
    net.sallyport("detach")
    assert "clsact" in net.host.run("tc", "qdisc", "show", "dev", "e0").stdout
    assert "their_filter" in net.host.run("tc", "filter", "show", "dev", "e0", "ingress").stdout
    assert net.host.run("tc", "filter", "show", "dev", "e0", "egress").stdout == ""
