#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes cyara.jsonl: for every role of Cyara's document, what it may do and what comes close to it.

    python3 tests/policy/generate_cyara.py > tests/policy/cyara.jsonl

Reads tests/data/cyara-rows.csv, which was written from the document, and the addresses of
policies/sites/cyara-all.yaml; never the catalog, so that the catalog is tested against something
other than itself. What is expected follows docs/packet-path.md, as far as these packets go.
"""

import csv
import json
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# In force because the site binds users, though no row says so; stands behind the rows of its table.
USERS = [("users", "web-portal", "tcp", 80, 80), ("users", "web-portal", "tcp", 443, 443)]

STRANGER = {4: "10.20.200.9", 6: "2001:db8:20:200::9"}
# Own source port of an opener. No role of the document listens there.
CLIENT_PORT = 20000
OTHER_PROTOCOL = {"tcp": "udp", "udp": "tcp"}


class Rule:
    """One service between two roles, in the order of precedence in which the rules were made."""

    def __init__(self, flow, source, destination, protocol, first, last, suffix=""):
        self.id = f"cyara/{flow}{suffix}"
        self.flow = flow
        self.source = source
        self.destination = destination
        self.protocol = protocol
        self.first = first
        self.last = last

    def serves(self, protocol, port):
        return self.protocol == protocol and self.first <= port <= self.last


def read_rules():
    with open(TOP / "tests/data/cyara-rows.csv", encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    sources = {}
    for row in rows:
        sources.setdefault(row["flow"], set()).add(row["from"])
    rules = []
    backs = []
    users_due = False
    for row in rows:
        if row["section"] == "Cyara Web/Core Components":
            users_due = True
        elif users_due:
            rules += [Rule("web-users", *service) for service in USERS]
            users_due = False
        first, _, last = row["ports"].partition("-")
        ends = (row["from"], row["to"], row["protocol"], int(first), int(last or first))
        suffix = ":" + row["from"] if len(sources[row["flow"]]) > 1 else ""
        rules.append(Rule(row["flow"], *ends, suffix))
        if row["direction"] == "bidi":
            back = (row["to"], row["from"], *ends[2:])
            backs.append((len(rules), Rule(row["flow"], *back, suffix + ":back")))
    for offset, (place, rule) in enumerate(backs):
        rules.insert(place + offset, rule)
    return rules


def read_addresses():
    text = (TOP / "policies/sites/cyara-all.yaml").read_text(encoding="ascii")
    found = re.findall(r'^  cyara/(\S+): \[([0-9.]+), "([0-9a-f:]+)"\]$', text, re.MULTILINE)
    return {role: {4: v4, 6: v6} for role, v4, v6 in found}


class Host:
    """A host with one role, seen from the document: what it does with a packet, and why."""

    def __init__(self, role, rules):
        self.role = role
        self.inward = [rule for rule in rules if rule.destination == role]
        self.outward = [rule for rule in rules if rule.source == role]
        self.flows = {}

    def reset(self):
        self.flows = {}

    @staticmethod
    def refuse(rules, peers, peer, protocol, port):
        """The nearest reason why no rule of this direction allows it."""
        if not any(rule.serves(protocol, port) for rule in rules):
            return "icmp-type" if protocol.startswith("icmp") else "closed-port"
        return "wrong-port" if peer in peers else "unknown-peer"

    def arrive(self, peer, packet, key):
        protocol, flags, port = packet["l4"], packet.get("tcp_flags"), packet.get("destination_port", 0)
        reason = "no-flow"
        if flags != "SYN+ACK":
            for rule in self.inward:
                if rule.source == peer and rule.serves(protocol, port):
                    return "pass", "rule", rule
            peers = {rule.source for rule in self.inward}
            reason = self.refuse(self.inward, peers, peer, protocol, port)
            if reason == "closed-port" and flags not in (None, "SYN"):
                reason = "no-flow"
            if peer == self.role and reason not in ("closed-port", "no-flow", "icmp-type"):
                return "drop", "spoofed", None
        if flags != "SYN" and key in self.flows:
            return "pass", "flow", self.flows[key]
        return "drop", reason, None

    def leave(self, peer, packet, key):
        protocol, flags = packet["l4"], packet.get("tcp_flags")
        if flags != "SYN":
            for rule in self.inward:
                if rule.source == peer and rule.serves(protocol, packet.get("source_port", 0)):
                    return "pass", "mirror", rule
            if key in self.flows:
                return "pass", "flow", self.flows[key]
            if protocol == "tcp":
                return "drop", "no-flow", None
        port = packet.get("destination_port", 0)
        for rule in self.outward:
            if rule.destination == peer and rule.serves(protocol, port):
                self.flows[key] = rule
                return "pass", "rule", rule
        peers = {rule.destination for rule in self.outward}
        return "drop", self.refuse(self.outward, peers, peer, protocol, port), None


class Writer:
    def __init__(self, rules, addresses):
        self.rules = rules
        self.addresses = addresses
        self.roles = list(addresses)
        self.host = None
        self.number = 0
        self.seen = set()

    def address(self, role, family):
        return STRANGER[family] if role is None else self.addresses[role][family]

    @staticmethod
    def write(line):
        print(json.dumps(line, separators=(",", ":")))

    def play(self, role):
        self.host = Host(role, self.rules)
        self.seen = set()
        self.write({"role": f"cyara/{role}"})

    def reset(self):
        self.host.reset()
        self.write({"reset": True})

    def packet(self, what, direction, peer, family, protocol, own_port, peer_port, flags=None, **more):
        """One line; peer is a role, or None for somebody who has none."""
        self.number += 1
        own, other = self.address(self.host.role, family), self.address(peer, family)
        line = {"id": f"{self.number} {what}", "direction": direction, "l4": protocol}
        ports = {} if protocol.startswith("icmp") else {"own": own_port, "peer": peer_port}
        ends = (("source", own, "own"), ("destination", other, "peer"))
        if direction == "in":
            ends = (("source", other, "peer"), ("destination", own, "own"))
        for name, address, end in ends:
            line[name] = address
            if end in ports:
                line[name + "_port"] = ports[end]
        if flags:
            line["tcp_flags"] = flags
        line.update(more)
        judge = self.host.arrive if direction == "in" else self.host.leave
        line["expect"], line["reason"], rule = judge(peer, line, (protocol, family, peer, own_port, peer_port))
        if rule:
            line["rule"] = rule.id
        self.write(line)

    def attempt(self, what, direction, peer, family, protocol, port):
        """Opens a conversation to the service port; once for each role, since rows share services."""
        attempt = (direction, peer, family, protocol, port)
        if not 0 < port <= 65535 or attempt in self.seen:
            return
        self.seen.add(attempt)
        flags = "SYN" if protocol == "tcp" else None
        own, other = (port, 40001) if direction == "in" else (CLIENT_PORT, port)
        self.packet(what, direction, peer, family, protocol, own, other, flags)

    def converse(self, rule, direction, port, family):
        """What the row allows, with its answer and, over TCP, a third segment."""
        peer = rule.source if direction == "in" else rule.destination
        if (direction, peer, family, rule.protocol, port) in self.seen:
            return
        back = "out" if direction == "in" else "in"
        tcp = rule.protocol == "tcp"
        own, other = (port, 40001) if direction == "in" else (CLIENT_PORT, port)
        self.reset()
        self.attempt(f"{rule.flow} opens {port}", direction, peer, family, rule.protocol, port)
        self.packet(f"{rule.flow} answers", back, peer, family, rule.protocol, own, other,
                    "SYN+ACK" if tcp else None)
        if tcp:
            self.packet(f"{rule.flow} goes on", direction, peer, family, "tcp", own, other, "ACK")

    def near_misses(self, rule, direction, family):
        peer = rule.source if direction == "in" else rule.destination
        back = "out" if direction == "in" else "in"
        other = OTHER_PROTOCOL[rule.protocol]
        for port in (rule.first - 1, rule.last + 1):
            self.attempt(f"{rule.flow} beside the range", direction, peer, family, rule.protocol, port)
        self.attempt(f"{rule.flow} wrong protocol", direction, peer, family, other, rule.first)
        self.attempt(f"{rule.flow} stranger", direction, None, family, rule.protocol, rule.first)
        for wrong in self.wrong_peers(rule, direction):
            self.attempt(f"{rule.flow} {wrong}", direction, wrong, family, rule.protocol, rule.first)
        if direction == "in":
            self.attempt(f"{rule.flow} own address", "in", self.host.role, family, rule.protocol, rule.first)
        self.attempt(f"{rule.flow} turned round", back, peer, family, rule.protocol, rule.first)
        if rule.protocol == "tcp":
            self.reset()
            own, far = (rule.first, 40001) if direction == "in" else (CLIENT_PORT, rule.first)
            self.packet(f"{rule.flow} answer to nothing", "in", peer, family, "tcp", own, far, "SYN+ACK")
            self.packet(f"{rule.flow} ACK from nowhere", "in", None, family, "tcp", own, far, "ACK")

    def wrong_peers(self, rule, direction):
        """Roles that may not do this: one that has other business with this host, one that has none."""
        inward = direction == "in"
        rules = self.host.inward if inward else self.host.outward
        business = {other.source if inward else other.destination for other in rules}
        allowed = {other.source if inward else other.destination for other in rules
                   if other.serves(rule.protocol, rule.first)}
        known = [role for role in self.roles if role in business - allowed]
        unknown = [role for role in self.roles if role not in business and role != self.host.role]
        return known[:1] + unknown[:1]

    def unused(self):
        """What no row of the document mentions at all."""
        peer = self.host.outward[0].destination if self.host.outward else self.host.inward[0].source
        self.reset()
        for family, kind in ((4, 8), (6, 128)):
            for direction in ("in", "out"):
                self.packet("echo request", direction, peer, family, "icmp" if family == 4 else "icmpv6",
                            0, 0, icmp_type=kind, icmp_code=0)
        for direction in ("in", "out"):
            self.packet("SCTP", direction, peer, 4, "sctp", 5060, 5060)
            self.packet("SSH", direction, peer, 4, "tcp", 22, 22, "SYN")

    def role(self, role):
        self.play(role)
        ways = [("out", rule) for rule in self.host.outward] + [("in", rule) for rule in self.host.inward]
        for direction, rule in ways:
            for port in sorted({rule.first, rule.last}):
                for family in (4, 6):
                    self.converse(rule, direction, port, family)
        for number, (direction, rule) in enumerate(ways):
            self.reset()
            self.near_misses(rule, direction, (4, 6)[number % 2])
        self.unused()


def main():
    writer = Writer(read_rules(), read_addresses())
    for role in writer.roles:
        writer.role(role)


main()
