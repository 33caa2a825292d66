# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces for the end-to-end tests, and the program that enforces in one of them.

    host (e0) ---- veth ---- (p0) peer

The host is a Cyara call engine. The peer has the addresses of all other parts, and a stranger's. A
socket stays in the namespace that it was made in, so the tests are one process: Python's threads
enter a namespace only to make it.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SALLYPORT", str(ROOT / "build" / "sallyport"))
BPF_FS = "/sys/fs/bpf"
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33

# Nothing is measured by it: it only ends a test that waits for what will never come.
PATIENCE = 20
# Sockets that accept() returns take this one, not the listener's.
socket.setdefaulttimeout(PATIENCE)

# What a kernel has: tcx came with Linux 6.6, and older ones judge leaving packets in clsact.
HAS_TCX = tuple(int(part) for part in os.uname().release.split(".")[:2]) >= (6, 6)
BEST_HOOK = "tcx" if HAS_TCX else "clsact"
needs_tcx = pytest.mark.skipif(not HAS_TCX, reason="this kernel has no tcx")
TCX = pytest.param("tcx", marks=needs_tcx)

# The last part of each address, of both families.
PARTS = {"router": 1, "jump": 5, "engine": 10, "bus": 20, "scheduler": 21, "storage": 22,
         "portal": 23, "gateway": 30, "collector": 40, "stranger": 99}
V4, V6 = socket.AF_INET, socket.AF_INET6


def address(part, family=V4):
    return f"192.0.2.{PARTS[part]}" if family == V4 else f"2001:db8:1::{PARTS[part]}"


def both(part):
    return [address(part, V4), address(part, V6)]


def run(*command, check=True, **options):
    options.setdefault("timeout", 60)
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True,
                          text=True, **options)
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
    return done


def wait_for(condition, what):
    """Asks again and again, within bounds; returns the first answer that is true."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


def site(mode=("enforce", "enforce"), parameters=None, without=(), flows=(), **more):
    """A site of one call engine, as the program reads it (JSON is YAML). Its media ports are always open and
    let in any bytes, unless adjust says otherwise."""
    made = {
        "site": "net-test",
        "catalogs": ["cyara"],
        "mode": {"in": mode[0], "out": mode[1]},
        "management": [{"from": both("jump"), "allow": ["tcp/22", "icmp/echo"]}],
        "hosts": {
            "engine": {"addresses": both("engine"), "roles": ["cyara/call-engine"]},
            "bus": {"addresses": both("bus"), "roles": ["cyara/message-bus"]},
            "scheduler": {"addresses": both("scheduler"), "roles": ["cyara/voice-scheduler"]},
            "storage": {"addresses": both("storage"), "roles": ["cyara/storage"]},
            "portal": {"addresses": both("portal"), "roles": ["cyara/web-portal"]},
        },
        "bind": {"cyara/sip-or-media-gateway": both("gateway")},
        "parameters": {"cyara/gateway-rtp-back": "on", **(parameters or {})},
        "flows": [{"id": identifier, "from": source, "to": destination, "allow": allow,
                   **dict(*options)}
                  for identifier, source, destination, allow, *options in flows],
        "without": [{"flow": flow, "because": "the test says so"} for flow in without],
        "adjust": {"cyara/voice-6-back": {"live": "no", "shape": "none"}},
    }
    # What is open before the first load is test_adopt.py's business: the others need not wait.
    made["host"] = {"adopt": "0s", **more.pop("host", {})}
    made.update(more)
    return {key: value for key, value in made.items() if value}


class Namespace:
    """A network namespace, gone when it is closed."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        # No duplicate address detection and no router solicitations: tests need not wait for them.
        self.sysctl(**{"net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0,
                       "net.ipv6.conf.default.accept_dad": 0, "net.ipv6.conf.all.accept_dad": 0,
                       "net.ipv6.conf.default.accept_ra": 0})
        self.ip("link", "set", "lo", "up")

    def close(self):
        run("ip", "netns", "del", self.name, check=False)

    def command(self, *command):
        """Not by ip netns exec, which hides the BPF file system, nor ip -n, which fails in a chroot."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *map(str, command)]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def ip(self, *words):
        return self.run("ip", *words)

    def sysctl(self, **settings):
        self.run("sysctl", "-qw", *[f"{name}={value}" for name, value in settings.items()])

    def link(self, device):
        return json.loads(self.run("ip", "-s", "-j", "link", "show", device).stdout)[0]

    def add_address(self, device, text, bits):
        options = ["nodad"] if ":" in text else []
        self.ip("addr", "add", f"{text}/{bits}", "dev", device, *options)

    def call(self, function):
        """Calls it in a thread that has entered the namespace."""
        answers, errors = [], []

        def enter():
            try:
                with open(f"/run/netns/{self.name}", encoding="utf-8") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                answers.append(function())
            except BaseException as error:  # for the caller, whatever it is
                errors.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return answers[0]

    def socket(self, family=V4, kind=socket.SOCK_STREAM, protocol=0):
        made = self.call(lambda: socket.socket(family, kind, protocol))
        if family == V6 and kind != socket.SOCK_RAW:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.settimeout(PATIENCE)
        return made

    def udp(self, local, port=0):
        made = self.socket(family_of(local), socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        made.bind((local, port))
        return made

    def listen(self, local, port):
        made = self.socket(family_of(local))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((local, port))
        made.listen(64)
        return made

    def connect(self, source, destination, port, source_port=0):
        made = self.socket(family_of(source))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((source, source_port))
        made.connect((destination, port))
        return made

    def begin(self, source, destination, port):
        """A connection that is tried, without waiting for what becomes of it."""
        made = self.socket(family_of(source))
        made.bind((source, 0))
        made.setblocking(False)
        # BlockingIOError: under way; PermissionError: refused at once, on its way out.
        with contextlib.suppress(BlockingIOError, PermissionError):
            made.connect((destination, port))
        return made

    def packets(self, device):
        """A packet socket: frames as they are, in both directions."""
        made = self.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        made.bind((device, ETH_P_ALL))
        made.settimeout(PATIENCE)
        return made


def family_of(text):
    return V6 if ":" in text else V4


def is_readable(one):
    asked = select.poll()  # not select(), which knows the first 1,024 descriptors only
    asked.register(one, select.POLLIN)
    return bool(asked.poll(0))


def receive_exactly(one, length):
    parts = []
    while length:
        part = one.recv(min(length, 1 << 16))
        assert part, "the connection ended too early"
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def transfer(sender, receiver, length):
    """That many bytes through a TCP connection; they arrive as they were sent."""
    data = os.urandom(length)
    thread = threading.Thread(target=sender.sendall, args=(data,))
    thread.start()
    received = receive_exactly(receiver, length)
    thread.join()
    assert received == data


def packed(text):
    return socket.inet_pton(family_of(text), text)


def frames_until(wire, last):
    """Frames in the order they came, up to the first that is the last."""
    frames = []
    while True:
        frames.append(wire.recv(1 << 16))
        if last(frames[-1]):
            return frames


def close(*sockets):
    for one in sockets:
        one.close()


def ping(namespace, source, destination, number):
    """Echo requests, each of which is answered."""
    from scapy.layers.inet import ICMP  # costs a second: only where it is needed
    from scapy.layers.inet6 import ICMPv6EchoRequest
    four = ":" not in source
    protocol = socket.IPPROTO_ICMP if four else socket.IPPROTO_ICMPV6
    with namespace.socket(V4 if four else V6, socket.SOCK_RAW, protocol) as wire:
        wire.bind((source, 0))
        for sequence in range(number):
            kind = ICMP if four else ICMPv6EchoRequest
            wire.sendto(bytes(kind(id=7, seq=sequence)), (destination, 0))
            while True:
                answer = wire.recv(1 << 16)
                answer = answer[20:] if four else answer
                if answer[0] == (0 if four else 129):
                    break
            assert answer[4:8] == bytes([0, 7, 0, sequence])


class Counters:
    """One page of metrics: sums over the labels that are not asked for."""

    LINE = re.compile(r"^sallyport_(\w+?)(?:\{(.*)\})? (\S+)$")
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, page):
        self.page = page
        self.samples = []
        for line in page.splitlines():
            if not line.startswith("#"):
                name, labels, value = self.LINE.match(line).groups()
                self.samples.append((name, dict(self.LABEL.findall(labels or "")), float(value)))

    def select(self, name, **wanted):
        return [(labels, value) for each, labels, value in self.samples
                if each == name and wanted.items() <= labels.items()]

    def sum(self, name, **wanted):
        return int(sum(value for _, value in self.select(name, **wanted)))

    def rule(self, rule, direction="receive", unit="packets"):
        return self.sum(f"{direction}_{unit}_total", rule=rule)

    def dropped(self, direction="receive", **wanted):
        return self.sum(f"{direction}_dropped_packets_total", **wanted)

    def would_drop(self, direction="receive", **wanted):
        return self.sum(f"{direction}_would_drop_packets_total", **wanted)

    def exempt(self, reason, direction="receive"):
        return self.sum(f"{direction}_exempt_packets_total", reason=reason)

    def seen(self, direction="receive", unit="packets"):
        """Every packet is counted once."""
        return sum(self.sum(f"{direction}_{kind}{unit}_total")
                   for kind in ("", "exempt_", "dropped_", "would_drop_"))

    def lost(self, direction="receive"):
        """What was dropped: reason -> packets. Not the stack's own multicast reports (MLD, icmp-type),
        which come when they like and which no rule allows."""
        found = {}
        for labels, value in self.select(f"{direction}_dropped_packets_total"):
            if value and labels["reason"] != "icmp-type":
                found[labels["reason"]] = found.get(labels["reason"], 0) + int(value)
        return found

    def judged(self):
        """Every counter of packets but those that the stack moves by itself at any time."""
        return {(name, *sorted(labels.items())): value for name, labels, value in self.samples
                if name.endswith("_total") and "_exempt_" not in name
                and labels.get("reason") != "icmp-type"}


class Net:
    """A host that enforces, its peer, and the program that is asked to."""

    made = 0

    def __init__(self, folder):
        Net.made += 1
        self.folder = folder
        self.prefix = f"spnet{os.getpid()}n{Net.made}"
        self.pins = f"{BPF_FS}/sallyport-net-{os.getpid()}-{Net.made}"
        self.namespaces = []
        self.hardware = None
        self.processes = []
        self.host = self.add_namespace("h")
        self.peer = self.add_namespace("p")
        self.add_link("e0", "p0")
        for part in PARTS:
            namespace, device = (self.host, "e0") if part == "engine" else (self.peer, "p0")
            namespace.add_address(device, address(part, V4), 24)
            namespace.add_address(device, address(part, V6), 64)

    def add_namespace(self, suffix):
        made = Namespace(self.prefix + suffix)
        self.namespaces.append(made)
        return made

    def add_link(self, device, other, namespace=None, other_namespace=None):
        namespace, other_namespace = namespace or self.host, other_namespace or self.peer
        namespace.ip("link", "add", device, "type", "veth", "peer", "name", other,
                     "netns", other_namespace.name)
        namespace.ip("link", "set", device, "up")
        other_namespace.ip("link", "set", other, "up")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.host.run(PROGRAM, "--pins", self.pins, "detach", check=False)
        for namespace in self.namespaces:
            namespace.close()
        # What a test damaged on purpose; the links went with their interfaces.
        shutil.rmtree(self.pins, ignore_errors=True)

    def start(self, namespace, *command, **options):
        """A process that ends with the test at the latest."""
        process = subprocess.Popen(namespace.command(*command), text=True, **options)
        self.processes.append(process)
        return process

    def command(self, *arguments):
        return [PROGRAM, "--pins", self.pins, "--catalogs", ROOT / "policies", *arguments]

    def sallyport(self, *arguments, status=0, **options):
        done = self.host.run(*self.command(*arguments), check=False, **options)
        assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments, **options):
        return json.loads(self.sallyport(*arguments, "--json", **options).stdout)

    def write(self, policy):
        path = self.folder / "site.yaml"
        path.write_text(policy if isinstance(policy, str) else json.dumps(policy, indent=1))
        return path

    def apply(self, policy, *options, status=0):
        return self.sallyport("apply", self.write(policy), *options, status=status)

    def counters(self):
        return Counters(self.sallyport("metrics").stdout)

    def explain(self, direction, protocol, source, destination):
        """Each end is an address, or an address and a port."""
        return self.json("explain", direction, protocol, end_text(source), end_text(destination))

    def wait_for_drop(self, before, reason, direction="receive", number=1):
        """Waits until that many more were dropped for that reason; returns the counters."""
        old = before.dropped(direction, reason=reason)

        def grown():
            now = self.counters()
            return now if now.dropped(direction, reason=reason) >= old + number else None

        return wait_for(grown, f"{direction} drops as {reason}")

    def fate(self, rule, send, number=1):
        """What becomes of that many packets to a rule: how many it lets in, and reason -> how many
        are dropped."""
        before = self.counters()
        send()

        def judged():
            now = self.counters()
            passed = now.rule(rule) - before.rule(rule)
            dropped = {reason: count - before.lost().get(reason, 0)
                       for reason, count in now.lost().items()
                       if count > before.lost().get(reason, 0)}
            return (passed, dropped) if passed + sum(dropped.values()) >= number else None

        return wait_for(judged, f"{number} packets to {rule}")

    def wait_for_sum(self, before, number):
        """Waits until that many more have arrived, whatever became of them; returns the counters."""
        def arrived():
            now = self.counters()
            return now if now.seen() >= before.seen() + number else None

        return wait_for(arrived, f"{number} packets")

    def frame(self, packet, leaving=False):
        """A scapy packet as a frame from p0 to e0, or the other way."""
        from scapy.layers.l2 import Ether  # costs a second: only where it is needed
        if not self.hardware:
            self.hardware = [self.peer.link("p0")["address"], self.host.link("e0")["address"]]
        source, destination = reversed(self.hardware) if leaving else self.hardware
        return bytes(Ether(src=source, dst=destination) / packet)

    def inject(self, *packets):
        """Scapy packets, as the peer's frames to the host. Returns how many."""
        # Made before, so that they arrive close together: what they open lasts seconds only.
        frames = [self.frame(packet) for packet in packets]
        with self.peer.packets("p0") as wire:
            for frame in frames:
                wire.send(frame)
        return len(packets)

    def emit(self, *packets):
        """Scapy packets, as the host's own frames. What is refused on its way is ENOBUFS here."""
        with self.host.packets("e0") as wire:
            for packet in packets:
                with contextlib.suppress(OSError):
                    wire.send(self.frame(packet, leaving=True))


def end_text(end):
    if isinstance(end, str):
        return end
    return f"[{end[0]}]:{end[1]}" if ":" in end[0] else f"{end[0]}:{end[1]}"
