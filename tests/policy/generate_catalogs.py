#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes CATALOG.jsonl: for every role of a document, what it may do and what comes close to it.

    python3 tests/policy/generate_catalogs.py CATALOG > tests/policy/CATALOG.jsonl

Reads tests/data/CATALOG-rows.csv, which was written from the document, and the addresses of
tests/policy/CATALOG.yaml, which binds every role to one address of each family; never the catalog.
A packet is an opener, alone: state is forgotten before each.
"""

import csv
import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# Own source port of an opener, outside every range of the documents.
CLIENT_PORT = 10000
ANY = [(0, 65535)]
STRANGER = {4: "203.0.113.99", 6: "2001:db8:ffff::99"}

# Flows behind switches that are off, and those whose ports the site must say.
OFF = {"voss": {"list-http", "list-snmp", "list-https", "list-database", "list-application", "ssh-udp"}}
# One printed name for several roles.
GROUPS = {
    "genesys-cloud": {"clients": ["edge", "webrtc-client", "hard-phone"]},
    "voss": {"all nodes": ["proxy", "unified", "application", "database", "standalone"],
             "platform": ["proxy", "unified", "application", "database", "standalone"],
             "cluster nodes": ["proxy", "unified", "application", "database"]},
}
# Any destination port, from a range of source ports: the one rule of that kind.
SOURCE_ONLY = {"edge-webrtc"}


def fold(name):
    return re.sub(r"[^0-9a-z\u00c0-\uffff]+", " ", name.lower().replace("\u2019", " ")).strip()


class Rule:
    def __init__(self, source, destination, protocol, ports, source_ports):
        self.source, self.destination = source, destination
        self.protocol, self.ports, self.source_ports = protocol, ports, source_ports

    def opens(self, source, destination, protocol, source_port, port):
        return (self.source == source and self.destination == destination and
                self.protocol == protocol and holds(self.ports, port) and
                holds(self.source_ports, source_port))


def holds(ranges, port):
    return any(first <= port <= last for first, last in ranges)


def ranges(text):
    return [(int(first), int(last or first)) for first, _, last in
            (part.partition("-") for part in text.split())]


def read_rules(catalog):
    with open(TOP / f"tests/data/{catalog}-names.csv", encoding="utf-8", newline="") as file:
        names = {fold(row["name"]): [row["role"]] for row in csv.DictReader(file)}
    names.update(GROUPS.get(catalog, {}))
    with open(TOP / f"tests/data/{catalog}-rows.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rules = []
    for row in rows:
        becomes = row["becomes"].split()
        if becomes[0] in ("excluded:", "forbid") or set(becomes) <= OFF.get(catalog, set()):
            continue
        ports = ranges(row["ports"])
        if not ports and set(becomes) & SOURCE_ONLY:
            ports = ANY
        if not ports:
            continue  # the site must say it
        ways = [(row["from"], row["to"])]
        if row["ways"] == "both":
            ways.append((row["to"], row["from"]))
        for first, second in ways:
            for source in names[fold(first)]:
                for destination in names[fold(second)]:
                    for protocol in row["protocols"].split():
                        rules.append(Rule(source, destination, protocol, ports,
                                          ranges(row["source ports"]) or ANY))
    return rules


def read_addresses(catalog):
    text = (TOP / f"tests/policy/{catalog}.yaml").read_text(encoding="utf-8")
    return {role: {4: four, 6: six} for role, four, six in
            re.findall(rf'^  {catalog}/([a-z0-9-]+): \[([0-9.]+), "([0-9a-f:]+)"\]$', text, re.M)}


class Lines:
    """One role's packets, each with what the rows say of it."""

    def __init__(self, rules, addresses, role):
        self.rules, self.addresses, self.role = rules, addresses, role
        self.seen = set()

    def expect(self, direction, peer, protocol, source_port, port):
        """Of an opener that arrives from the peer or leaves for it."""
        ends = (peer, self.role) if direction == "in" else (self.role, peer)
        if any(rule.opens(*ends, protocol, source_port, port) for rule in self.rules):
            return "pass"
        # UDP that leaves from a port at which the peer may open: the mirror.
        if direction == "out" and protocol == "udp" and any(
                rule.opens(peer, self.role, protocol, port, source_port) for rule in self.rules):
            return "pass"
        return "drop"

    def print(self, direction, peer, protocol, source_port, port):
        if not 0 < port < 65536 or not 0 < source_port < 65536:
            return
        for family in (4, 6):
            other = self.addresses[peer][family] if peer else STRANGER[family]
            own = self.addresses[self.role][family]
            key = (direction, other, protocol, source_port, port)
            if key in self.seen:
                continue
            self.seen.add(key)
            line = {"id": f"{self.role} {direction} {peer or 'stranger'} {protocol}/{port}",
                    "direction": direction, "l4": protocol,
                    "source": other if direction == "in" else own, "source_port": source_port,
                    "destination": own if direction == "in" else other, "destination_port": port}
            if protocol == "tcp":
                line["tcp_flags"] = "SYN"
            line["expect"] = self.expect(direction, peer, protocol, source_port, port)
            print('{"reset":true}')
            print(json.dumps(line, separators=(",", ":")))

    def around(self, rule, direction, peer):
        """What the rule lets pass, and what comes close to it."""
        other = {"tcp": "udp", "udp": "tcp"}[rule.protocol]
        client = CLIENT_PORT if holds(rule.source_ports, CLIENT_PORT) else rule.source_ports[0][0]
        against = {"in": "out", "out": "in"}[direction]
        for first, last in rule.ports:
            for port in {first, last, (first + last) // 2, first - 1, last + 1}:
                self.print(direction, peer, rule.protocol, client, port)
            self.print(direction, peer, other, client, first)
            self.print(against, peer, rule.protocol, client, first)
            self.print(direction, None, rule.protocol, client, max(first, 1))
        for first, last in rule.source_ports:
            if (first, last) != ANY[0]:
                for port in (first - 1, first, last, last + 1):
                    self.print(direction, peer, rule.protocol, port, 5000)


def main():
    catalog = sys.argv[1]
    rules, addresses = read_rules(catalog), read_addresses(catalog)
    for role in addresses:
        print(json.dumps({"role": f"{catalog}/{role}"}, separators=(",", ":")))
        lines = Lines(rules, addresses, role)
        for rule in rules:
            if rule.source == rule.destination:
                continue  # the peer would be this host itself
            if rule.source == role:
                lines.around(rule, "out", rule.destination)
            if rule.destination == role:
                lines.around(rule, "in", rule.source)


main()
