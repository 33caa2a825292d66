# SPDX-License-Identifier: BSD-2-Clause
"""export nft: the kernel's other firewall, given the same policy and the same packets, agrees."""

import ipaddress
import json
import random
import re

from namespaces import PARTS, V4, V6, address, both, run, site

SEED = 20261121
PACKETS = 600
SENDS = 300
PORTS = [22, 23, 53, 80, 5060, 5061, 5672, 8001, 9001, 9004, 9005, 9006, 29999, 30000, 45000, 65535]


def policy():
    made = site(sets={"gateway": both("gateway")},
                flows=[("ping", "$gateway", "engine", ["icmp/echo"]),
                       ("range", ["192.0.2.16/28", "2001:db8:1::20/124"], "engine", ["tcp/9000-9010"]),
                       ("names", "engine", both("router"), ["udp/53"])])
    made["flows"][1]["source-ports"] = "1024-65535"
    return made


def load(net, text):
    net.host.run("nft", "-f", "-", input=text)


def counters(net):
    """Chain -> what its comments begin with -> packets."""
    listed = json.loads(net.host.run("nft", "-j", "list", "table", "inet", "sallyport").stdout)
    found = {}
    for item in listed["nftables"]:
        rule = item.get("rule")
        if not rule or "comment" not in rule:
            continue
        name = re.split(": ", rule["comment"])[0]
        packets = sum(part["counter"]["packets"] for part in rule["expr"] if "counter" in part)
        chain = found.setdefault(rule["chain"], {})
        chain[name] = chain.get(name, 0) + packets
    return found


def lines(rng, count):
    """Openers that arrive, near what the policy allows."""
    for number in range(count):
        family = rng.choice([V4, V6])
        line = {"id": str(number), "direction": "in",
                "source": address(rng.choice([part for part in PARTS if part != "engine"]), family),
                "destination": address("engine", family)}
        if rng.random() < 0.1:
            line["l4"] = "icmp"
            line["icmp_type"] = 8 if family == V4 else 128
        else:
            line["l4"] = rng.choice(["tcp", "udp"])
            line["source_port"] = rng.choice([1, 1023, 1024, 40000, 65535])
            line["destination_port"] = rng.choice(PORTS)
            if line["l4"] == "tcp":
                line["tcp_flags"] = "SYN"
        yield line


def scapy_packet(line):
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    four = ipaddress.ip_address(line["source"]).version == 4
    packet = (IP if four else IPv6)(src=line["source"], dst=line["destination"])
    if line["l4"] == "icmp":
        return packet / (ICMP() if four else ICMPv6EchoRequest())
    layer = TCP(flags="S") if line["l4"] == "tcp" else UDP()
    layer.sport, layer.dport = line["source_port"], line["destination_port"]
    return packet / layer


def judged(net, asked):
    text = "".join(json.dumps(line) + "\n{\"reset\":true}\n" for line in asked)
    done = run(*net.command("trace", "--site", net.folder / "site.yaml", "--host", "engine", "--model"),
               input=text)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_arriving_openers_hit_the_same_rules(net):
    rng = random.Random(SEED)
    load(net, net.sallyport("export", "nft", net.write(policy()), "--host", "engine").stdout)
    asked = list(lines(rng, PACKETS))
    expected = {}
    for line in judged(net, asked):
        name = line.get("rule") or "no rule"
        expected[name] = expected.get(name, 0) + 1
    net.inject(*[scapy_packet(line) for line in asked])
    found = {name: packets for name, packets in counters(net)["input"].items() if packets}
    found.pop("neighbour-discovery", None)
    # The stack's own multicast reports, which no rule allows, come when they like.
    assert found.pop("no rule") >= expected.pop("no rule")
    assert found == expected
    assert len(expected) > 4


def test_leaving_openers_are_refused_alike(net):
    rng = random.Random(SEED)
    load(net, net.sallyport("export", "nft", net.write(policy()), "--host", "engine").stdout)
    asked, passed = [], []
    for number in range(SENDS):
        family = rng.choice([V4, V6])
        line = {"id": str(number), "direction": "out", "l4": "udp",
                "source": address("engine", family),
                "destination": address(rng.choice([part for part in PARTS if part != "engine"]), family),
                "destination_port": rng.choice(PORTS)}
        with net.host.udp(line["source"]) as sender:
            line["source_port"] = sender.getsockname()[1]
            try:
                sender.sendto(b"hello", (line["destination"], line["destination_port"]))
                passed.append(True)
            except PermissionError:
                passed.append(False)
        asked.append(line)
    assert [line["verdict"] == "pass" for line in judged(net, asked)] == passed
    assert 0 < sum(passed) < SENDS


def test_calls_work_both_ways_and_strangers_do_not(net):
    load(net, net.sallyport("export", "nft", net.write(policy()), "--host", "engine").stdout)
    for family in (V4, V6):
        listener = net.peer.listen(address("bus", family), 5672)
        one = net.host.connect(address("engine", family), address("bus", family), 5672)
        other, _ = listener.accept()
        other.sendall(b"answer")
        assert one.recv(10) == b"answer"
        inside = net.host.listen(address("engine", family), 9005)
        net.peer.connect(address("portal", family), address("engine", family), 9005).close()
        inside.accept()[0].close()
    before = counters(net)["input"]["no rule"]
    net.peer.begin(address("stranger"), address("engine"), 9005)
    assert counters(net)["input"]["no rule"] > before


def test_loading_again_replaces_it(net):
    text = net.sallyport("export", "nft", net.write(policy()), "--host", "engine").stdout
    load(net, text)
    load(net, text)
    assert net.host.run("nft", "list", "tables").stdout.split() == ["table", "inet", "sallyport"]


def test_audit_drops_nothing_and_counts(net):
    load(net, net.sallyport("export", "nft", net.write(site(mode=("audit", "audit"))), "--host",
                            "engine").stdout)
    listener = net.peer.listen(address("stranger"), 4444)
    with net.host.connect(address("engine"), address("stranger"), 4444):
        listener.accept()
    found = counters(net)
    assert found["output"]["no rule (would drop)"] > 0


def test_what_can_not_be_exported_is_said(net):
    done = net.sallyport("export", "iptables", net.write(policy()), status=2)
    assert "nft" in done.stderr
