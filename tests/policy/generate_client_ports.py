#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the site or the packets of genesys-client-port: a client port for each pair that the document lists.

    python3 tests/policy/generate_client_ports.py site > tests/policy/genesys-client-port.yaml
    python3 tests/policy/generate_client_ports.py packets > tests/policy/genesys-client-port.jsonl

Reads tests/data/genesys-client-port-rows.csv and -names.csv, never the catalog. Every role is a host;
two roles that open to themselves have a second one. Every other entry gives its address too.
"""

import csv
import json
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CATALOG = "genesys-client-port"
LAYER = ["configuration-server", "configuration-server-proxy"]
# Whoever the document lets be connected to, but for HA partners and Interactive Insights' own parts.
SERVERS = ["configuration-server", "t-server", "media-t-server", "network-t-server", "sip-server", "stat-server",
           "custom-server", "db-server", "universal-contact-server", "interaction-server", "email-server",
           "chat-server", "sms-server", "social-messaging-server", "classification-server", "message-server",
           "solution-control-server", "protocol-adapter"]
GROUPS = {"configuration layer": LAYER, "all of its connections (every server)": SERVERS,
          "genesys components that support this feature": SERVERS}
FIRST_CLIENT_PORT = 20000
FIRST_SERVER_PORT = 4000
STRANGER = {4: "203.0.113.99", 6: "2001:db8:ffff::99"}


def read(kind):
    with open(TOP / f"tests/data/{CATALOG}-{kind}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


NAMES = {row["name"].lower(): row["role"] for row in read("names")}
ROLES = list(dict.fromkeys(NAMES.values()))
PORTS = {role: FIRST_SERVER_PORT + number for number, role in enumerate(ROLES)}


def roles_of(name):
    return GROUPS.get(name.lower()) or [NAMES[name.lower()]]


def pairs():
    found = {}
    for row in read("rows"):
        if row["becomes"].startswith("excluded") or row["becomes"] in ("ha-partners", "licensing"):
            continue
        for client in roles_of(row["from"]):
            for server in roles_of(row["to"]):
                found.setdefault((client, server))
    return list(found)


PAIRS = pairs()
SELVES = [client for client, server in PAIRS if client == server] + ["configuration-server-proxy"]
HOSTS = {host: role for role in ROLES for host in ([role, f"{role}-b"] if role in SELVES else [role])}
ADDRESSES = {host: {4: f"10.44.{number}.1", 6: f"2001:db8:44:{number:x}::1"}
             for number, host in enumerate(HOSTS, 1)}


class Entry:
    def __init__(self, number, client, server):
        self.client, self.server = client, server
        self.server_host = f"{server}-b" if client == server else server
        self.port = FIRST_CLIENT_PORT + 2 * number
        self.address = ADDRESSES[client][4] if number % 2 else None


ENTRIES = [Entry(number, *pair) for number, pair in enumerate(PAIRS)]


def print_site():
    print(f"# Every role of {CATALOG} as a host, and a client port for each pair that the document lists.")
    print("# Written by generate_client_ports.py.")
    print(f"site: {CATALOG}-packets\ncatalogs: [{CATALOG}]\nmode: {{in: enforce, out: enforce}}\nmanagement: []")
    print("hosts:")
    for host, role in HOSTS.items():
        partner = ", partner: configuration-server-proxy-b" if host == "configuration-server-proxy" else ""
        addresses = f'[{ADDRESSES[host][4]}, "{ADDRESSES[host][6]}"]'
        print(f"  {host}: {{addresses: {addresses}, roles: {CATALOG}/{role}{partner}}}")
    print("parameters:")
    for role in sorted({server for _, server in PAIRS} | {"license-server", "configuration-server-proxy"}):
        print(f"  {CATALOG}/{role}-port: {PORTS[role]}")
    print("client-ports:")
    for entry in ENTRIES:
        transport = f"port={entry.port}" + (f";address={entry.address}" if entry.address else "")
        print(f"  - {{client: {CATALOG}/{entry.client}, host: {entry.client}, server: {CATALOG}/{entry.server},")
        print(f'     server-host: {entry.server_host}, transport: "{transport}"}}')


class Packets:
    """Openers at one host, each alone."""

    def __init__(self, host):
        self.host = host
        print(json.dumps({"host": host}, separators=(",", ":")))

    def print(self, direction, peer, ports, expect, protocol="tcp", families=(4, 6)):
        for family in families:
            other = ADDRESSES[peer][family] if peer else STRANGER[family]
            own = ADDRESSES[self.host][family]
            arrives = direction == "in"
            line = {"id": f"{self.host} {direction} {peer or 'stranger'} {ports[0]}-{ports[1]}",
                    "direction": direction, "l4": protocol, "source": other if arrives else own,
                    "source_port": ports[0], "destination": own if arrives else other,
                    "destination_port": ports[1]}
            if protocol == "tcp":
                line["tcp_flags"] = "SYN"
            line["expect"] = expect
            print('{"reset":true}')
            print(json.dumps(line, separators=(",", ":")))

    def around(self, entry, direction, peer):
        port, server = entry.port, PORTS[entry.server]
        self.print(direction, peer, (port, server), "pass", families=(4,))
        self.print(direction, peer, (port, server), "drop" if entry.address else "pass", families=(6,))
        self.print(direction, peer, (port + 1, server), "drop", families=(4,))
        self.print(direction, peer, (port, server + 1000), "drop", families=(4,))
        self.print(direction, peer, (port, server), "drop", protocol="udp", families=(4,))
        self.print(direction, None, (port, server), "drop", families=(4,))


def print_packets():
    for host, role in HOSTS.items():
        packets = Packets(host)
        for entry in ENTRIES:
            if entry.client == host:
                packets.around(entry, "out", entry.server_host)
            if entry.server_host == host:
                packets.around(entry, "in", entry.client)
        # Licensing does not support the feature: from any port.
        if role == "license-server":
            packets.print("in", "stat-server", (50000, PORTS[role]), "pass")
            packets.print("in", None, (50000, PORTS[role]), "drop")
        else:
            packets.print("out", "license-server", (50000, PORTS["license-server"]), "pass")
            packets.print("out", "license-server", (50000, PORTS["license-server"] + 1000), "drop")
        # Nor do HA partners.
        if role == "configuration-server-proxy":
            partner = role if host != role else f"{role}-b"
            packets.print("out", partner, (50000, PORTS[role]), "pass")
            packets.print("in", partner, (50001, PORTS[role]), "pass")


if sys.argv[1] == "site":
    print_site()
else:
    print_packets()
