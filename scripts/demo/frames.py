# SPDX-License-Identifier: BSD-2-Clause
"""Ethernet frames by hand, right ones and wrong ones. Whatever is not given is computed correctly."""
import ipaddress
import struct

TCP, UDP, ICMP, ICMPV6, FRAGMENT = 6, 17, 1, 58, 44
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MORE_FRAGMENTS = 0x2000


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pack(address):
    return ipaddress.ip_address(address).packed


def with_checksum(source, destination, protocol, segment, at):
    """Fills in an L4 checksum that stands at byte `at` of the segment."""
    pseudo = pack(source) + pack(destination) + struct.pack("!II", len(segment), protocol)
    value = checksum(pseudo + segment) or 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def ethernet(source, destination, ethertype, payload):
    macs = bytes.fromhex((destination + source).replace(":", ""))
    return macs + struct.pack("!H", ethertype) + payload


def ipv4(source, destination, protocol, payload, version=4, ihl=5, total=None, ident=0, fragment=0):
    total = 20 + len(payload) if total is None else total
    header = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, total, ident, fragment, 64,
                         protocol, 0, pack(source), pack(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(source, destination, following, payload, length=None, hop_limit=64):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB16s16s", 6 << 28, length, following, hop_limit, pack(source),
                       pack(destination)) + payload


def ip(source, destination, protocol, payload):
    """The family follows from the addresses; gives (EtherType, packet)."""
    if ":" in source:
        return 0x86DD, ipv6(source, destination, protocol, payload)
    return 0x0800, ipv4(source, destination, protocol, payload)


def tcp(source, destination, source_port, port, flags, payload=b"", offset=5):
    header = struct.pack("!HHIIBBHHH", source_port, port, 1000, 2000, offset << 4, flags, 64240, 0, 0)
    return with_checksum(source, destination, TCP, header + payload, 16)


def udp(source, destination, source_port, port, payload=b"", length=None):
    length = 8 + len(payload) if length is None else length
    header = struct.pack("!HHHH", source_port, port, length, 0)
    return with_checksum(source, destination, UDP, header + payload, 6)


def icmp(kind, code, rest=b"\0\0\0\0", payload=b""):
    message = struct.pack("!BBH", kind, code, 0) + rest + payload
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def icmpv6(source, destination, kind, code, rest=b"\0\0\0\0", payload=b""):
    message = struct.pack("!BBH", kind, code, 0) + rest + payload
    return with_checksum(source, destination, ICMPV6, message, 2)


def rtp(sequence):
    """20 ms of G.711 silence."""
    return struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, 7) + b"\xff" * 160
