# SPDX-License-Identifier: BSD-2-Clause
"""apply, status, explain, metrics, serve and detach on a real interface: what they say agrees with
what happened on the wire. Needs root."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SALLYPORT", str(ROOT / "build" / "sallyport"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

SITE = """
site: commands
catalogs: [cyara]
mode: {in: enforce, out: MODE}
management: [{from: 192.0.2.5, allow: [tcp/22]}]
hosts:
  engine: {addresses: [192.0.2.10, "2001:db8:1::10"], roles: cyara/call-engine}
  bus: {addresses: [192.0.2.20, "2001:db8:1::20"], roles: cyara/message-bus}
bind:
  cyara/sip-or-media-gateway: 192.0.2.30
"""

SEND = """
import socket, sys
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind((sys.argv[1], int(sys.argv[2])))
for _ in range(int(sys.argv[5])):
    end.sendto(b"x" * 10, (sys.argv[3], int(sys.argv[4])))
"""


def run(*command, check=True, **options):
    return subprocess.run([str(c) for c in command], check=check, capture_output=True, text=True,
                          timeout=60, **options)


class Net:
    """A host with e0 and a peer with p0, in namespaces of their own."""

    def __init__(self, folder):
        self.host, self.peer = f"spcmd{os.getpid()}h", f"spcmd{os.getpid()}p"
        self.pins = f"/sys/fs/bpf/sallyport-commands-{os.getpid()}"
        self.site = folder / "site.yaml"
        self.write_site("enforce")
        for name in (self.host, self.peer):
            run("ip", "netns", "add", name)
            run("nsenter", f"--net=/run/netns/{name}", "ip", "link", "set", "lo", "up")
        run("nsenter", f"--net=/run/netns/{self.host}", "ip", "link", "add", "e0", "type", "veth", "peer", "name", "p0",
            "netns", self.peer)
        run("nsenter", f"--net=/run/netns/{self.host}", "ip", "addr", "add", "192.0.2.10/24", "dev", "e0")
        for last in (5, 20, 30, 66):
            run("nsenter", f"--net=/run/netns/{self.peer}", "ip", "addr", "add", f"192.0.2.{last}/24", "dev", "p0")
        for name, interface in ((self.host, "e0"), (self.peer, "p0")):
            run("nsenter", f"--net=/run/netns/{name}", "ip", "link", "set", interface, "up")

    def write_site(self, mode):
        self.site.write_text(SITE.replace("MODE", mode))

    def inside(self, name, *command, **options):
        """Not by ip netns exec: that hides the BPF file system."""
        return run("nsenter", f"--net=/run/netns/{name}", *command, **options)

    def command(self, *arguments):
        return [PROGRAM, "--pins", self.pins, "--catalogs", ROOT / "policies", *arguments]

    def sallyport(self, *arguments, status=0):
        result = self.inside(self.host, *self.command(*arguments), check=False)
        assert result.returncode == status, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    def json(self, *arguments, status=0):
        return json.loads(self.sallyport(*arguments, "--json", status=status).stdout)

    def send(self, name, source, port, destination, destination_port, count=1):
        self.inside(name, "/usr/bin/python3", "-c", SEND, source, port, destination,
                    destination_port, count)

    def metric(self, name):
        for line in self.sallyport("metrics").stdout.splitlines():
            if line.startswith(name + " "):
                return int(line.split()[-1])
        return None

    def close(self):
        subprocess.run(["nsenter", f"--net=/run/netns/{self.host}", *map(str, self.command(
            "detach"))], check=False, capture_output=True)
        for name in (self.host, self.peer):
            subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture
def net(tmp_path):
    made = Net(tmp_path)
    yield made
    made.close()


DROPPED = 'sallyport_receive_dropped_packets_total{interface="e0",reason="%s",role="%s"}'
WOULD_DROP = 'sallyport_transmit_would_drop_packets_total{interface="e0",reason="%s",role="%s"}'


def test_from_apply_to_detach(net):
    assert "nothing is enforced" in net.sallyport("status", status=1).stdout
    assert net.json("apply", net.site, "--dry-run")["dry_run"] is True
    assert not os.path.exists(net.pins)

    answer = net.json("apply", net.site)
    assert (answer["site"], answer["host"]) == ("commands", "engine")
    assert [i["interface"] for i in answer["interfaces"]] == ["e0"]
    assert answer["interfaces"][0]["first"] is True
    assert answer["interfaces"][0]["xdp_mode"] == "native"

    status = net.json("status")
    assert status["whole"] is True
    assert status["interfaces"][0]["digest"] == answer["digest"]
    assert status["interfaces"][0]["timeouts_seconds"]["tcp"] == 7200
    table = net.sallyport("status").stdout
    assert "INTERFACE" in table
    assert "e0" in table

    assert net.json("detach") == {"detached": ["e0"]}
    assert not os.path.exists(net.pins)
    assert "nothing was in force" in net.sallyport("detach").stdout
    assert "nothing is enforced" in net.sallyport(
        "explain", "in", "tcp", "192.0.2.5", "192.0.2.10:22", status=1).stderr


def test_counters_are_what_was_sent_and_survive_reloads(net):
    net.sallyport("apply", net.site)
    net.send(net.peer, "192.0.2.66", 5555, "192.0.2.10", 9999, count=7)
    net.send(net.host, "192.0.2.10", 5060, "192.0.2.30", 5060, count=3)
    rule = 'sallyport_transmit_packets_total{interface="e0",rule="cyara/voice-6"}'
    assert net.metric(DROPPED % ("closed-port", "none")) == 7
    assert net.metric(rule) == 3
    assert net.metric("sallyport_flow_entries") == 1
    net.sallyport("apply", net.site)
    assert net.metric('sallyport_policy_generation{interface="e0"}') == 2
    assert net.metric(DROPPED % ("closed-port", "none")) == 7
    net.send(net.host, "192.0.2.10", 5060, "192.0.2.30", 5060, count=2)
    assert net.metric(rule) == 5
    everything = net.json("metrics")["interfaces"][0]
    voice = [r for r in everything["rules"] if r["rule"] == "cyara/voice-6"][0]
    assert (voice["transmit"]["packets"], voice["row"]) == (5, "6")


def test_audit_counts_what_it_lets_pass(net):
    net.write_site("audit")
    net.sallyport("apply", net.site)
    net.send(net.host, "192.0.2.10", 7777, "192.0.2.20", 7777, count=4)
    # The first one opens a flow that no rule allows, so that answers come in; the others are its.
    assert net.metric(WOULD_DROP % ("closed-port", "none")) == 1
    assert net.metric(
        'sallyport_transmit_exempt_packets_total{interface="e0",reason="flow"}') == 3
    answer = net.json("explain", "out", "udp", "192.0.2.10:7778", "192.0.2.20:7777")
    assert (answer["verdict"], answer["judged"]) == ("pass", "drop")


def test_explain_asks_the_live_flows_and_changes_nothing(net):
    net.sallyport("apply", net.site)
    packet = ["in", "udp", "192.0.2.30:5060", "192.0.2.10:5060"]
    assert net.json("explain", *packet)["verdict"] == "drop"
    net.send(net.host, "192.0.2.10", 5060, "192.0.2.30", 5060)
    answer = net.json("explain", *packet)
    assert (answer["verdict"], answer["reason"], answer["rule"]) == (
        "pass", "flow", "cyara/voice-6")
    assert net.json("explain", "out", "tcp", "192.0.2.10", "192.0.2.20:5672")["verdict"] == "pass"
    assert net.metric('sallyport_transmit_packets_total{interface="e0",rule="cyara/voice-4"}') == 0
    assert net.metric("sallyport_flow_entries") == 1
    assert "nothing is enforced on e9" in net.sallyport("explain", "-i", "e9", *packet,
                                                        status=1).stderr


def test_explain_asks_the_interface_that_has_the_address(net):
    net.inside(net.host, "ip", "link", "add", "e1", "type", "veth", "peer", "name", "e2")
    for device, address in [("e1", "198.51.100.10/24"), ("e2", "203.0.113.10/24"),
                            ("e1", "203.0.113.99/32"), ("e2", "203.0.113.99/32")]:
        net.inside(net.host, "ip", "link", "set", device, "up")
        net.inside(net.host, "ip", "addr", "add", address, "dev", device)
    net.site.write_text(net.site.read_text() + "interfaces: [e0, e1]\n")
    net.sallyport("apply", net.site)
    peer = "192.0.2.5:40000"
    assert net.json("explain", "in", "udp", peer, "192.0.2.10:9")["policy"] == "e0"
    assert net.json("explain", "in", "udp", peer, "198.51.100.10:9")["policy"] == "e1"
    assert net.json("explain", "out", "udp", "198.51.100.10:9", peer)["policy"] == "e1"
    assert net.json("explain", "-i", "e1", "in", "udp", peer, "192.0.2.10:9")["policy"] == "e1"
    # Not by the remote address, nor by one that only an interface without a policy has.
    for local, words in [("192.0.2.5:9", "none of them has"), ("203.0.113.10:9", "none of them has")]:
        refused = net.sallyport("explain", "in", "udp", "192.0.2.10:9", local, status=2).stderr
        assert words in refused and "such as --interface e0" in refused
    net.inside(net.host, "ip", "addr", "add", "203.0.113.99/32", "dev", "e0")
    assert "more than one of them has" in net.sallyport(
        "explain", "in", "udp", peer, "203.0.113.99:9", status=2).stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_accepts_the_scrape(net):
    net.sallyport("apply", net.site)
    net.send(net.peer, "192.0.2.66", 5555, "192.0.2.10", 9999)
    page = net.sallyport("metrics").stdout
    run("promtool", "check", "metrics", input=page)


def test_serve_knows_whether_it_is_enforced(net):
    """curl runs where the server does: loopback is the namespace's own."""
    command = ["nsenter", f"--net=/run/netns/{net.host}", *map(str, net.command(
        "serve", "--web.listen-address", "127.0.0.1:0"))]

    def curl(path):
        answer = net.inside(net.host, "curl", "-s", "-w", "\n%{http_code}",
                            f"http://{address}{path}").stdout
        body, _, code = answer.rpartition("\n")
        return int(code), body

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = json.loads(server.stdout.readline())["listening"]
            assert curl("/healthz")[0] == 503
            assert "sallyport_interfaces 0" in curl("/metrics")[1]
            net.sallyport("apply", net.site)
            assert curl("/healthz") == (200, "e0: site commands, in enforce, out enforce\n")
            assert 'sallyport_enforcing{interface="e0"} 1' in curl("/metrics")[1]
            net.sallyport("detach")
            assert curl("/healthz")[0] == 503
        finally:
            server.terminate()
            assert server.wait(timeout=30) == 0


def test_refusals_say_the_way_out(net):
    net.site.write_text(SITE.replace("MODE", "enforce").replace(
        "management: [{from: 192.0.2.5, allow: [tcp/22]}]", ""))
    assert "management" in net.sallyport("apply", net.site, status=3).stderr
    assert "e9 is not enforced" in net.sallyport("detach", "e9", status=1).stderr
    net.write_site("nonsense")
    assert f"{net.site}:" in net.sallyport("apply", net.site, status=3).stderr
    assert not os.path.exists(net.pins)


def refusal(net, text):
    net.site.write_text(text)
    answer = net.inside(net.host, *net.command("apply", net.site, "--json"), check=False)
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["error"] in answer.stderr
    return answer.stderr
