# SPDX-License-Identifier: BSD-2-Clause
"""Reads tcpdump's files: just enough to tell who sent what to which port."""
import ipaddress
import struct
from dataclasses import dataclass

from frames import FRAGMENT, ICMP, ICMPV6, TCP, UDP

VLAN_TAGS = (0x8100, 0x88A8)
EXTENSIONS = (0, 43, 60)


@dataclass
class Packet:
    mac: str  # of the sender
    ethertype: int
    source: str = ""
    destination: str = ""
    protocol: int = 0
    source_port: int = 0
    port: int = 0  # ICMP: type and code stand in for the ports
    first_fragment: bool = False
    later_fragment: bool = False
    ident: int = 0
    hop_limit: int = 0


def packets(path):
    """Every frame of a pcap file as a Packet, which has only what can be read of it."""
    with open(path, "rb") as file:
        if file.read(24)[:4] != struct.pack("<I", 0xA1B2C3D4):
            raise ValueError(f"{path} is no pcap file of this machine")
        while header := file.read(16):
            yield read_frame(file.read(struct.unpack("<IIII", header)[2]))


def read_frame(frame):
    ethertype, at = struct.unpack_from("!H", frame, 12)[0], 14
    while ethertype in VLAN_TAGS and len(frame) >= at + 4:
        ethertype, at = struct.unpack_from("!H", frame, at + 2)[0], at + 4
    packet = Packet(frame[6:12].hex(":"), ethertype)
    try:
        if ethertype == 0x0800:
            read_ipv4(packet, frame[at:])
        elif ethertype == 0x86DD:
            read_ipv6(packet, frame[at:])
    except (struct.error, IndexError):
        pass  # cut short: the broken packets of the attacks, where they got through
    return packet


def read_ipv4(packet, data):
    _, _, _, packet.ident, fragment, packet.hop_limit, packet.protocol, _, source, destination = \
        struct.unpack_from("!BBHHHBBH4s4s", data)
    packet.source, packet.destination = words(source), words(destination)
    read_fragment(packet, fragment & 0x1FFF, fragment & 0x2000)
    read_ports(packet, data[(data[0] & 15) * 4:])


def read_ipv6(packet, data):
    _, _, following, packet.hop_limit, source, destination = struct.unpack_from("!IHBB16s16s", data)
    packet.source, packet.destination = words(source), words(destination)
    data = data[40:]
    while following in EXTENSIONS or following == FRAGMENT:
        if following == FRAGMENT:
            packet.ident = struct.unpack_from("!I", data, 4)[0]
            offset = struct.unpack_from("!H", data, 2)[0]
            read_fragment(packet, offset >> 3, offset & 1)
            following, data = data[0], data[8:]
            break
        following, data = data[0], data[(data[1] + 1) * 8:]
    packet.protocol = following
    read_ports(packet, data)


def words(address):
    return str(ipaddress.ip_address(address))


def read_fragment(packet, offset, more):
    packet.later_fragment = offset > 0
    packet.first_fragment = offset == 0 and bool(more)


def read_ports(packet, data):
    if packet.later_fragment:
        return
    if packet.protocol in (TCP, UDP):
        packet.source_port, packet.port = struct.unpack_from("!HH", data)
    elif packet.protocol in (ICMP, ICMPV6):
        packet.source_port, packet.port = data[0], data[1]
