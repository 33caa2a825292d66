#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the demo shows: report.py attack|rules|drops|verdict FILE...

attack BEFORE AFTER  what the metrics (JSON) counted in between, as one line
rules METRICS        what passed by which rule, and the row of the document it comes from
drops METRICS        what was dropped, and why
verdict FOLDER       holds the captures and what was sent against what is due; exits with 1 if they differ
"""
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from captures import packets
from frames import ICMP, ICMPV6, TCP, UDP
from site_plan import (ENGINE, GATEWAY, IPV4, IPV6, MAC_ENGINE, MAC_INTRUDER, MAC_STRANGER, RTP_PORTS,
                       SIP_PORT, TCP_FLOWS)

NEIGHBOUR_DISCOVERY = range(133, 137)
ICMP_ERRORS = {ICMP: (3, 11, 12), ICMPV6: (1, 2, 3, 4)}
DIRECTIONS = (("receive", "in"), ("transmit", "out"))


def interface(path):
    return json.loads(Path(path).read_text())["interfaces"][0]


def drops(path):
    """(direction, reason, role) -> packets that were dropped."""
    counts = Counter()
    for entry in interface(path)["reasons"]:
        if entry["verdict"] == "drop":
            for direction, _ in DIRECTIONS:
                counts[direction, entry["reason"], entry["role"]] += entry[direction]["packets"]
    return counts


def show_attack(before, after):
    difference = drops(after) - drops(before)
    by_reason = Counter()
    for (_, reason, _), count in difference.items():
        by_reason[reason] += count
    print(", ".join(f"{reason} {count:,}" for reason, count in by_reason.most_common()) or "nothing")


def table(rows, right=()):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [cell.rjust(width) if i in right else cell.ljust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("   " + "  ".join(cells).rstrip())
        if number == 0:
            print("   " + "  ".join("-" * width for width in widths))


def show_rules(path):
    rows = [("rule", "packets in", "packets out", "from > to: services", "the document says so in")]
    for rule in sorted(interface(path)["rules"], key=lambda rule: rule["rule"]):
        place = f"{rule['section']}, row {rule['row']}" if rule["section"] else "(the site file)"
        ends = f"{rule['from']} > {rule['to']}: {rule['services']}".replace("cyara/", "")
        rows.append((rule["rule"], f"{rule['receive']['packets']:,}", f"{rule['transmit']['packets']:,}",
                     ends if len(ends) < 64 else ends.replace("2001:db8:1::5", "…"), place))
    table(rows, right=(1, 2))
    exempt = [entry for entry in interface(path)["reasons"] if entry["verdict"] == "pass"]
    passed = [f"{e['reason']} {e['receive']['packets']:,} in, {e['transmit']['packets']:,} out"
              for e in exempt if e["receive"]["packets"] or e["transmit"]["packets"]]
    print("   without a rule: " + "; ".join(passed))


def show_drops(path, meanings):
    rows = [("dropped", "packets", "reason", "meaning", "posing as")]
    found = sorted(drops(path).items(), key=lambda item: (item[0][0], -item[1]))
    for (direction, reason, role), count in found:
        if count:
            rows.append((dict(DIRECTIONS)[direction], f"{count:,}", reason, meanings.get(reason, ""),
                         "" if role == "none" else role))
    table(rows, right=(1,))


def reason_meanings(sallyport):
    text = subprocess.run([sallyport, "reasons", "--json"], check=True, capture_output=True, text=True)
    return {entry["reason"]: entry["meaning"] for entry in json.loads(text.stdout)}


# ---------------------------------------------------------------------- verdict


def allowed_tuples():
    """What the document allows the call engine, written down by hand: this is not the policy compiler's word.

    (protocol, peer) -> functions of (local port, peer's port)
    """
    allowed = {}

    def add(protocol, host, test):
        for family in (IPV4, IPV6):
            allowed.setdefault((protocol, family % host), []).append(test)

    for _, opener, source, destination, port in TCP_FLOWS:
        if opener == "engine":
            add(TCP, destination, lambda local, remote, port=port: remote == port)
        else:
            add(TCP, source, lambda local, remote, port=port: local == port)
    add(UDP, GATEWAY, lambda local, remote: remote == SIP_PORT)
    add(UDP, GATEWAY, lambda local, remote: local in RTP_PORTS and remote in RTP_PORTS)
    return allowed


class Judge:
    """Says whether a packet that was seen behind the enforcer may be there."""

    def __init__(self):
        self.allowed = allowed_tuples()
        self.peers = {peer for _, peer in self.allowed}
        self.fragmented = set()

    def may_pass(self, packet):
        if packet.ethertype == 0x0806:
            return True
        if packet.ethertype not in (0x0800, 0x86DD):
            return False
        if packet.protocol == ICMPV6 and packet.source_port in NEIGHBOUR_DISCOVERY:
            return packet.hop_limit == 255
        if packet.mac in (MAC_STRANGER, MAC_INTRUDER):
            return False
        own = packet.source in (IPV4 % ENGINE, IPV6 % ENGINE)
        peer = packet.destination if own else packet.source
        if packet.protocol in ICMP_ERRORS:
            return peer in self.peers and packet.source_port in ICMP_ERRORS[packet.protocol]
        datagram = (packet.source, packet.destination, packet.ident)
        if packet.later_fragment:
            return datagram in self.fragmented
        if packet.first_fragment:
            self.fragmented.add(datagram)
        ports = (packet.source_port, packet.port) if own else (packet.port, packet.source_port)
        return any(test(*ports) for test in self.allowed.get((packet.protocol, peer), ()))


class Verdict:
    def __init__(self):
        self.failed = False

    def hold(self, is_right, words):
        self.failed |= not is_right
        print(f"   {'ok  ' if is_right else 'FAIL'}  {words}")


def is_media(packet):
    gateway = (IPV4 % GATEWAY, IPV6 % GATEWAY)
    return (packet.protocol == UDP and packet.source_port in RTP_PORTS and packet.port in RTP_PORTS
            and (packet.source in gateway or packet.destination in gateway))


def look_at(path, wanted):
    """Goes through one capture: how many packets, the strangers among them, RTP, large SIP messages."""
    judge, seen, strangers = Judge(), Counter(), Counter()
    for packet in packets(path):
        if not wanted(packet):
            continue
        seen["packets"] += 1
        if not judge.may_pass(packet):
            ends = f"{packet.source} > {packet.destination} protocol {packet.protocol}"
            strangers[f"{packet.mac} {ends}"] += 1
        family = "IPv6" if packet.ethertype == 0x86DD else "IPv4"
        if is_media(packet):
            seen["RTP", family] += 1
        if packet.first_fragment and SIP_PORT in (packet.source_port, packet.port):
            seen["large SIP", family] += 1
    return seen, strangers


def read_lines(path):
    return [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []


def judge_calls(verdict, folder, arrived, left):
    placed, rtp = Counter(), Counter()
    for family, calls, done, media in read_lines(folder / "calls"):
        verdict.hold(calls == done, f"SIP {family}: {done} of {calls} calls completed")
        placed[family] += int(calls)
        rtp[family] += int(calls) * int(media)
    for family, due in rtp.items():
        for words, seen in (("gateway to call engine", arrived), ("call engine to gateway", left)):
            got = seen["RTP", family]
            verdict.hold(due == got > 0, f"RTP {family}, {words}: {due:,} due, {got:,} received")
        calls = placed[family]
        verdict.hold(left["large SIP", family] == arrived["large SIP", family] == calls > 0,
                     f"SIP {family} larger than the MTU: {left['large SIP', family]} INVITEs out, "
                     f"{arrived['large SIP', family]} answers in, in fragments, {calls} each are due")
    verdict.hold(bool(rtp), "calls were placed at all")


def judge_attacks(verdict, folder):
    """Each packet must be counted as dropped: what never reached the enforcer proves nothing."""
    attacks = read_lines(folder / "attacks")
    bad = 0
    for name, where, sent, answered in attacks:
        direction = "transmit" if where == "engine" else "receive"
        difference = drops(folder / f"{name}.after") - drops(folder / f"{name}.before")
        counted = sum(count for key, count in difference.items() if key[0] == direction)
        if counted < int(sent) or answered != "0":
            bad += 1
            verdict.hold(False, f"attack {name}: {int(sent):,} sent, {counted:,} counted as dropped"
                         + (", and it was answered" if answered != "0" else ""))
    if not bad:
        sent = sum(int(attack[2]) for attack in attacks)
        verdict.hold(sent > 0, f"{sent:,} packets of {len(attacks)} attacks: each dropped, none answered")


def show_verdict(folder):
    verdict = Verdict()
    inside = look_at(folder / "engine.pcap", lambda packet: packet.mac != MAC_ENGINE)
    outside = look_at(folder / "wire.pcap", lambda packet: packet.mac == MAC_ENGINE)
    judge_calls(verdict, folder, inside[0], outside[0])
    for words, flows in read_lines(folder / "talks"):
        verdict.hold(flows == "complete", f"{words}: {flows}")
    judge_attacks(verdict, folder)
    for words, (seen, strangers) in (("arrived behind", inside), ("left through", outside)):
        verdict.hold(seen["packets"] > 0 and not strangers,
                     f"{seen['packets']:,} packets {words} the enforcer: "
                     f"{strangers.total():,} of them are in no row")
        for example, count in strangers.most_common(5):
            print(f"         {count:,} x {example}")
    return verdict.failed


def main():
    what, *arguments = sys.argv[1:]
    if what == "attack":
        return show_attack(*arguments)
    if what == "rules":
        return show_rules(*arguments)
    if what == "drops":
        return show_drops(arguments[0], reason_meanings(arguments[1]))
    return show_verdict(Path(arguments[0]))


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
