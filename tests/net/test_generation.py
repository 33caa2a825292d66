# SPDX-License-Identifier: BSD-2-Clause
"""Generations on real hooks: first load, reload, detach, failures, and kill -9 at every step.

Each test has namespaces of its own: a host with the interfaces e0 and e1, and a peer with p0 and p1.
The policy is a small one made by tests/net/crash_apply.c: tcp/PORT from the peer, and out to it.
"""

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from namespaces import BEST_HOOK, HAS_TCX, TCX, needs_tcx

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("CRASH_APPLY", os.path.join(ROOT, "build/tests/net/crash_apply"))
BPF_FS = "/sys/fs/bpf"
CLONE_NEWNET = 0x40000000
HOST = {"e0": "192.0.2.1", "e1": "192.0.2.129"}
PEER = {"p0": "192.0.2.2", "p1": "192.0.2.130"}
BOTH = ["--interface", "e0", "--interface", "e1"]
KILLED = -9


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def in_namespace(name, function):
    """Calls it in a thread that has entered the network namespace; its sockets stay there."""
    answer = []

    def enter():
        with open(f"/run/netns/{name}") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        answer.append(function())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert answer, "the thread failed"
    return answer[0]


class Net:
    """Two namespaces with two veth pairs, and the program that applies in the first."""

    def __init__(self):
        self.host = f"spgen{os.getpid()}h"
        self.peer = f"spgen{os.getpid()}p"
        self.pins = f"{BPF_FS}/sallyport-test-{os.getpid()}"
        self.listeners = []
        for name in (self.host, self.peer):
            run("ip", "netns", "add", name)
            run("nsenter", f"--net=/run/netns/{name}", "ip", "link", "set", "lo", "up")
        for i in (0, 1):
            self.add_link(i)
        self.in_host("sysctl", "-qw", "net.ipv4.ip_forward=0")
        self.in_host("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")

    def add_link(self, i):
        run("nsenter", f"--net=/run/netns/{self.host}", "ip", "link", "add", f"e{i}", "type", "veth",
            "peer", "name", f"p{i}", "netns", self.peer)
        run("nsenter", f"--net=/run/netns/{self.host}", "ip", "addr", "add", HOST[f"e{i}"] + "/25", "dev", f"e{i}")
        run("nsenter", f"--net=/run/netns/{self.peer}", "ip", "addr", "add", PEER[f"p{i}"] + "/25", "dev", f"p{i}")
        run("nsenter", f"--net=/run/netns/{self.host}", "ip", "link", "set", f"e{i}", "up")
        run("nsenter", f"--net=/run/netns/{self.peer}", "ip", "link", "set", f"p{i}", "up")

    def close(self):
        for listener in self.listeners:
            listener.close()
        self.call("detach")
        for name in (self.host, self.peer):
            run("ip", "netns", "del", name, check=False)
        # What a test damaged on purpose; the links went with their interfaces.
        shutil.rmtree(self.pins, ignore_errors=True)

    def in_host(self, *command, check=True):
        return run("nsenter", f"--net=/run/netns/{self.host}", *command, check=check)

    def call(self, verb, *options, pins=None):
        """Runs the program in the host's namespace; returns the completed process."""
        return self.in_host(PROGRAM, verb, "--pins", pins or self.pins, *map(str, options),
                            check=False)

    def apply(self, *options):
        done = self.call("apply", *options)
        assert done.returncode == 0, done.stderr
        return done

    def refuse(self, *options, verb="apply"):
        """The command fails; returns its message, the last line of standard error."""
        done = self.call(verb, *options)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr.strip().splitlines()[-1]

    def status(self):
        done = self.call("status")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def interfaces(self):
        return {each["name"]: each for each in self.status()["interfaces"]}

    def totals(self, interface="e0"):
        """(rule id, direction) -> (slot, received, transmitted)."""
        done = self.call("totals", "--interface", interface)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        return {(line[0], line[1]): tuple(map(int, line[2:])) for line in lines}

    def listen(self, port, namespace=None):
        def make():
            listener = socket.create_server(("", port), family=socket.AF_INET, backlog=64)
            return listener

        self.listeners.append(in_namespace(namespace or self.host, make))
        return self.listeners[-1]

    def connect(self, port, address=HOST["e0"], namespace=None):
        """A connection, or None if no answer came."""
        def make():
            try:
                return socket.create_connection((address, port), timeout=0.4)
            except (TimeoutError, ConnectionError):
                return None

        return in_namespace(namespace or self.peer, make)

    def reaches(self, port, address=HOST["e0"]):
        connection = self.connect(port, address)
        if connection:
            connection.close()
        return connection is not None

    def generations(self, interface):
        return sorted(int(name.split("-")[1]) for name in os.listdir(f"{self.pins}/{interface}")
                      if name.startswith("generation-"))

    def assert_nothing_left(self):
        assert not os.path.exists(self.pins)
        links = self.in_host("ip", "-d", "link", "show").stdout
        assert "xdp" not in links
        assert "clsact" not in self.in_host("tc", "qdisc", "show").stdout
        assert not self.status()["pinned"]
        for name in ("e0", "e1"):
            assert "id" not in self.in_host("bpftool", "net", "show", "dev", name).stdout

    def assert_whole(self, interfaces=("e0", "e1")):
        status = self.status()
        assert status["whole"], status
        assert status["journal"] == "idle"
        for name in interfaces:
            assert len(self.generations(name)) == 1


@pytest.fixture
def net():
    assert os.geteuid() == 0, "these tests attach programs: run them as root"
    if not run("stat", "-f", "-c", "%T", BPF_FS).stdout.startswith("bpf"):
        run("mount", "-t", "bpf", "bpf", BPF_FS)
    made = Net()
    yield made
    made.close()


def steps_of(done):
    return [line.split(": ", 1)[1] for line in done.stderr.splitlines()
            if line.startswith("step ")]


# ---------------------------------------------------------------- the ordinary way


def test_auto_takes_what_carries_own_addresses(net):
    net.apply("--own", HOST["e1"])
    assert list(net.interfaces()) == ["e1"]


def test_enforces_and_reloads(net):
    for port in (80, 81):
        net.listen(port)
    assert net.reaches(80) and net.reaches(81)
    first = net.apply("--port", 80, *BOTH)
    assert first.stdout == "generation 1\n"
    assert net.reaches(80) and not net.reaches(81)
    assert net.reaches(80, HOST["e1"]) is False, "192.0.2.129 is no own address of this policy"
    before = net.interfaces()["e0"]
    assert before["receive"]["kind"] == "native"
    assert before["transmit"]["kind"] == BEST_HOOK and before["first"] == HAS_TCX

    second = net.apply("--port", 81, *BOTH)
    assert second.stdout == "generation 2\n"
    assert net.reaches(81) and not net.reaches(80)
    after = net.interfaces()["e0"]
    assert after["receive"]["link"] == before["receive"]["link"], "updated, not attached anew"
    assert after["transmit"]["link"] == before["transmit"]["link"]
    assert after["receive"]["program"] != before["receive"]["program"]
    swaps = [step for step in steps_of(second) if step.startswith("swap")]
    assert swaps == ["swap egress of e0 to generation 2", "swap XDP of e0 to generation 2",
                     "swap egress of e1 to generation 2", "swap XDP of e1 to generation 2"]
    net.assert_whole()

    assert net.call("detach").stdout == "detached e0\ndetached e1\n"
    net.assert_nothing_left()
    assert net.reaches(80) and net.reaches(81)
    assert net.call("detach").returncode == 0, "nothing to detach is no error"


def test_pins_are_private(net):
    net.apply(*BOTH)
    for folder, _, files in os.walk(net.pins):
        assert os.stat(folder).st_mode & 0o777 == 0o700
        for name in files:
            assert os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0


def test_three_capabilities_suffice(net):
    """What the units give: no CAP_SYS_ADMIN, no CAP_DAC_OVERRIDE."""
    net.listen(80)
    for command in (["apply", "--port", "81", *BOTH], ["apply", "--port", "80", *BOTH],
                    ["status"], ["detach"]):
        done = net.in_host("setpriv", "--bounding-set=-all,+bpf,+net_admin,+perfmon", PROGRAM,
                           command[0], "--pins", net.pins, *command[1:], check=False)
        assert done.returncode == 0, done.stderr
        if command[0] == "status":
            assert json.loads(done.stdout)["whole"]
            assert net.reaches(80)
    net.assert_nothing_left()


def test_detach_one_keeps_the_other(net):
    net.apply(*BOTH)
    assert "e7 is not enforced" in net.refuse("--interface", "e0", "--interface", "e7",
                                              verb="detach")
    assert len(net.interfaces()) == 2, "nothing was detached"
    assert net.call("detach", "--interface", "e0").returncode == 0
    assert list(net.interfaces()) == ["e1"]
    net.assert_whole(["e1"])
    assert os.path.exists(f"{net.pins}/shared/flows")
    net.apply(*BOTH)
    net.assert_whole()
    assert {each["generation"] for each in net.interfaces().values()} == {2}


def test_flows_and_counters_live_on(net):
    """Reloads under traffic: no segment lost, nothing reset, in both directions."""
    server = net.listen(80)
    outer = net.listen(80, namespace=net.peer)
    net.apply("--port", 80)
    inbound = net.connect(80)
    accepted, _ = server.accept()
    outbound = net.connect(80, PEER["p0"], namespace=net.host)
    outer_accepted, _ = outer.accept()
    assert inbound and outbound
    seen = (0, 0)
    for turn in range(10):
        applied = threading.Thread(target=net.apply, args=("--port", 80, "--rules", turn))
        applied.start()
        while True:
            for one, other in ((inbound, accepted), (outbound, outer_accepted)):
                one.sendall(b"x")
                assert other.recv(1) == b"x"
                other.sendall(b"y")
                assert one.recv(1) == b"y"
            if not applied.is_alive():
                break
        applied.join()
        totals = net.totals()
        now = (totals[("test/in-80", "in")][1], totals[("test/in-80", "in")][2])
        assert now[0] > seen[0] and now[1] > seen[1], "monotonic, and going on"
        seen = now
    assert net.status()["generation"] == 11
    assert net.status()["flows_used"] == 1
    # struct tcp_info: tcpi_total_retrans stands at byte 100.
    for connection in (inbound, accepted, outbound, outer_accepted):
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        assert int.from_bytes(information[100:104], "little") == 0, "a packet was lost"
        connection.close()


def test_sweep_removes_what_expired(net):
    """The timer runs in the kernel, by the newest generation's program."""
    net.apply("--port", 80)
    net.apply("--port", 80)
    path = f"{net.pins}/shared/sweep_timer"

    def sweeps():
        dump = run("bpftool", "-j", "map", "dump", "pinned", path).stdout
        return json.loads(dump)[0]["formatted"]["value"]["sweeps"]

    before = sweeps()
    deadline = time.monotonic() + 30
    while sweeps() == before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sweeps() > before


def test_records_are_readable(net):
    net.apply("--port", 80, "--interface", "e0")
    folder = f"{net.pins}/e0/generation-1"
    dump = run("bpftool", "-j", "map", "dump", "pinned", f"{folder}/generation_info").stdout
    information = json.loads(dump)[0]["formatted"]["value"]
    assert information["site"] == "test" and information["mode_in"] == "enforce"
    assert information["xdp_mode"] == "native" and information["rules"] == 2
    dump = run("bpftool", "-j", "map", "dump", "pinned", f"{net.pins}/shared/rule_slots").stdout
    keys = [entry["formatted"]["key"] for entry in json.loads(dump)]
    assert {"id": "test/in-80", "direction": "in"} in keys


# ---------------------------------------------------------------- hooks


@pytest.mark.parametrize("options", [["--egress", "clsact"],
                                     pytest.param(["--egress", "tcx"], marks=needs_tcx),
                                     ["--xdp", "generic"]])
def test_hooks_that_are_asked_for(net, options):
    net.listen(80)
    net.apply("--port", 81, *BOTH, *options)
    net.apply("--port", 80, *BOTH, *options)
    kind = net.interfaces()["e0"]
    assert (kind["transmit" if options[0] == "--egress" else "receive"]["kind"]) == options[1]
    assert net.reaches(80)
    net.assert_whole()
    assert net.call("detach").returncode == 0
    net.assert_nothing_left()


def test_clsact_of_others_stays(net, foreign):
    net.in_host("tc", "qdisc", "add", "dev", "e0", "clsact")
    net.apply("--interface", "e0", "--egress", "clsact")
    assert net.call("detach").returncode == 0
    assert "clsact" in net.in_host("tc", "qdisc", "show", "dev", "e0").stdout
    net.in_host("tc", "qdisc", "del", "dev", "e0", "clsact")
    # Ours, but others came to use it.
    net.apply("--interface", "e0", "--egress", "clsact")
    net.in_host("tc", "filter", "add", "dev", "e0", "ingress", "pref", "7", "bpf", "da",
                "obj", foreign, "sec", "tc")
    assert net.call("detach").returncode == 0
    assert "pref 7" in net.in_host("tc", "filter", "show", "dev", "e0", "ingress").stdout
    assert net.in_host("tc", "filter", "show", "dev", "e0", "egress").stdout == ""


def test_hook_choice_stays_until_detach(net):
    net.apply("--interface", "e0", "--egress", "clsact")
    assert "attached by clsact" in net.refuse("--interface", "e0", "--egress", "tcx")
    net.apply("--interface", "e0")
    assert net.interfaces()["e0"]["transmit"]["kind"] == "clsact"
    done = net.apply("--interface", "e0", "--xdp", "generic")
    assert "attached in native mode and stays so" in done.stdout
    assert net.interfaces()["e0"]["receive"]["kind"] == "native"


@pytest.fixture
def foreign(tmp_path):
    """An XDP and a tc program of somebody else, as one object file."""
    source = tmp_path / "foreign.bpf.c"
    source.write_text(
        '#define SEC(name) __attribute__((section(name), used))\n'
        'SEC("xdp") int foreign_xdp(void *context) { return 2; }\n'
        'SEC("tc") int foreign_tc(void *context) { return -1; }\n'
        'char LICENSE[] SEC("license") = "GPL";\n')
    made = tmp_path / "foreign.bpf.o"
    run("clang", "-target", "bpf", "-O2", "-g", "-c", str(source), "-o", str(made))
    return str(made)


def test_says_who_holds_xdp(net, foreign):
    net.in_host("ip", "link", "set", "dev", "e1", "xdpdrv", "obj", foreign, "sec", "xdp")
    message = net.refuse(*BOTH)
    assert re.search(r"e1: the XDP hook is taken: native XDP program \d+ \(foreign_xdp\)", message)
    # e0 was swapped first: it is as before, and no pin is left.
    net.in_host("ip", "link", "set", "dev", "e1", "xdpdrv", "off")
    net.assert_nothing_left()


@needs_tcx  # Without it, the filter of clsact is what it meets first: the next test.
def test_says_which_link_holds_xdp(net):
    net.apply("--interface", "e0")
    link = net.interfaces()["e0"]["receive"]["link"]
    done = net.call("apply", "--interface", "e0", pins=net.pins + "-other")
    assert done.returncode == 1
    assert f"(xdp_ingress) by link {link}, held by no process (pinned" in done.stderr
    assert not os.path.exists(net.pins + "-other")
    net.assert_whole(["e0"])


def test_says_whose_filter_is_in_clsact(net):
    """That of another sallyport's, which goes on enforcing on both hooks; XDP is not asked for."""
    net.apply("--interface", "e0", "--egress", "clsact")
    done = net.call("apply", "--interface", "e0", "--egress", "clsact", "--in", "off", "--out", "audit",
                    pins=net.pins + "-other")
    assert done.returncode == 1
    assert "(tc_egress), which is not ours" in done.stderr
    assert not os.path.exists(net.pins + "-other")
    net.assert_whole(["e0"])


def test_failed_swap_keeps_the_old(net, foreign):
    """The second interface can't be attached: the first goes back to what it had."""
    for port in (80, 81):
        net.listen(port)
    net.apply("--port", 80, "--interface", "e0")
    net.in_host("ip", "link", "set", "dev", "e1", "xdpdrv", "obj", foreign, "sec", "xdp")
    assert "the XDP hook is taken" in net.refuse("--port", 81, *BOTH)
    assert net.reaches(80) and not net.reaches(81)
    assert list(net.interfaces()) == ["e0"]
    net.assert_whole(["e0"])
    assert net.generations("e0") == [1]
    tcx = net.in_host("bpftool", "net", "show", "dev", "e1").stdout
    assert "tc_egress" not in tcx


def test_foreign_filter_at_our_place(net, foreign):
    net.in_host("tc", "qdisc", "add", "dev", "e0", "clsact")
    net.in_host("tc", "filter", "add", "dev", "e0", "egress", "pref", "1", "handle", "0x5a11",
                "bpf", "da", "obj", foreign, "sec", "tc")
    message = net.refuse("--interface", "e0", "--egress", "clsact")
    assert "which is not ours" in message and "tc filter del dev e0" in message
    assert "foreign" in net.in_host("tc", "filter", "show", "dev", "e0", "egress").stdout


def test_interface_without_native_xdp(net):
    net.in_host("ip", "link", "add", "d0", "type", "bridge")
    net.in_host("ip", "link", "set", "d0", "up")
    message = net.refuse("--interface", "d0")
    assert "no native XDP" in message and "--xdp-mode generic" in message
    net.assert_nothing_left()
    net.apply("--interface", "d0", "--xdp", "generic")
    assert net.interfaces()["d0"]["receive"]["kind"] == "generic"


def test_modes_that_are_off(net):
    net.listen(22)
    net.apply("--interface", "e0", "--in", "off", "--out", "audit")
    status = net.interfaces()["e0"]
    assert not status["receive"]["attached"] and status["transmit"]["attached"]
    assert net.reaches(22)
    net.assert_whole(["e0"])
    net.apply("--interface", "e0", "--in", "enforce", "--out", "enforce")
    assert not net.reaches(22)
    net.apply("--interface", "e0", "--in", "off", "--out", "off")
    assert net.interfaces()["e0"]["receive"]["attached"], "an attached hook is never detached"
    assert net.reaches(22)
    net.assert_whole(["e0"])


# ---------------------------------------------------------------- refusals


def test_refuses_without_management(net):
    assert "management" in net.refuse("--management", "no")
    net.assert_nothing_left()


def test_refuses_interfaces(net):
    assert "looked for 198.51.100.1 on: e0, e1" in net.refuse("--own", "198.51.100.1")
    assert "there is no interface e9" in net.refuse("--interface", "e9")
    assert "loopback" in net.refuse("--interface", "lo")
    net.in_host("ip", "link", "add", "br0", "type", "bridge")
    net.in_host("ip", "link", "set", "e1", "master", "br0")
    assert "port of the bridge br0" in net.refuse("--interface", "e1")
    net.apply("--interface", "e1", "--forwarding", "drop")
    assert net.call("detach").returncode == 0
    net.assert_nothing_left()


def test_refuses_a_vlan_interface(net):
    made = net.in_host("ip", "link", "add", "link", "e0", "name", "e0.5", "type", "vlan", "id", "5",
                       check=False)
    if made.returncode:
        pytest.skip("this kernel has no VLAN interfaces: " + made.stderr.strip())
    assert "interfaces: [e0]" in net.refuse("--interface", "e0.5")


def test_refuses_a_forwarding_host(net):
    net.in_host("sysctl", "-qw", "net.ipv4.ip_forward=1")
    message = net.refuse("--interface", "e0")
    assert "net.ipv4.ip_forward" in message and "forwarding: pass" in message
    net.assert_nothing_left()
    net.apply("--interface", "e0", "--forwarding", "pass")


def test_names_that_bpffs_can_not_hold(net):
    net.in_host("ip", "link", "set", "e0", "down")
    net.in_host("ip", "link", "set", "e0", "name", "e.0")
    net.in_host("ip", "link", "set", "e1", "down")
    net.in_host("ip", "link", "set", "e1", "name", "shared")
    net.apply("--interface", "e.0", "--interface", "shared")
    assert sorted(net.interfaces()) == ["e.0", "shared"]
    assert net.status()["whole"]
    assert net.call("detach", "--interface", "shared").returncode == 0
    assert list(net.interfaces()) == ["e.0"]


def test_refuses_pins_elsewhere(net, tmp_path):
    done = net.call("apply", pins=str(tmp_path / "pins"))
    assert done.returncode == 1 and "mount -t bpf" in done.stderr
    done = net.call("apply", pins=str(tmp_path / "no/pins"))
    assert done.returncode == 1 and "is not there" in done.stderr


def test_refuses_pins_of_another_namespace(net):
    net.apply("--interface", "e0")
    done = run("nsenter", f"--net=/run/netns/{net.peer}", PROGRAM, "detach", "--pins", net.pins,
               check=False)
    assert done.returncode == 1 and "another network namespace" in done.stderr
    net.assert_whole(["e0"])


def test_layout_of_another_version(net):
    net.apply("--interface", "e0")
    path = f"{net.pins}/shared/meta"
    value = json.loads(run("bpftool", "-j", "map", "dump", "pinned", path).stdout)[0]["value"]
    value[0] = "0xee"
    run("bpftool", "map", "update", "pinned", path, "key", "0", "0", "0", "0", "value", *value)
    assert "another version" in net.refuse("--interface", "e0")
    assert net.call("detach").returncode == 0, "the way out works"
    net.assert_nothing_left()


def test_bounds_wait_until_detach(net):
    net.apply("--interface", "e0", "--flows", 1024)
    done = net.apply("--interface", "e0", "--flows", 2048, "--fragments", 128)
    assert "the one of 1024 entries stays until sallyport detach" in done.stdout
    assert "the one of 64 entries" in done.stdout
    assert net.status()["flows_bound"] == 1024
    assert net.call("detach").returncode == 0
    net.apply("--interface", "e0", "--flows", 2048)
    assert net.status()["flows_bound"] == 2048


def test_says_what_is_left_alone(net):
    net.apply(*BOTH)
    done = net.apply("--interface", "e0")
    assert "e1 is not among the policy's interfaces" in done.stdout
    assert "e1 carries an address" not in done.stdout, "it is enforced"
    assert {name: each["generation"] for name, each in net.interfaces().items()} == \
        {"e0": 2, "e1": 1}


def test_dry_run_changes_nothing(net):
    net.apply("--port", 80, "--interface", "e0", "--dry-run", "yes")
    net.assert_nothing_left()
    net.apply("--port", 80, "--interface", "e0")
    before = net.status()
    done = net.apply("--port", 81, "--interface", "e0", "--dry-run", "yes")
    assert done.stdout.splitlines()[-1] == "generation 2"
    assert net.status() == before


def test_an_interface_that_comes_back(net):
    """A veth made anew has no program: status says so, and apply attaches again."""
    net.listen(22)
    net.apply(*BOTH)
    run("nsenter", f"--net=/run/netns/{net.host}", "ip", "link", "del", "e0")
    assert net.interfaces()["e0"]["state"] == "gone"
    net.add_link(0)
    assert net.interfaces()["e0"]["state"] == "partial"
    assert not net.status()["whole"]
    net.apply(*BOTH)
    net.assert_whole()
    assert not net.reaches(22)


# ---------------------------------------------------------------- counters


def test_slots_run_out(net):
    """Totals of rules that lose their slot are folded, and a rule that returns counts on."""
    net.listen(20001)
    net.apply("--interface", "e0", "--rules", 3000, "--name", "a")
    assert net.reaches(20001)
    counted = net.totals()[("test/a-1", "in")]
    assert counted[1] >= 3 and counted[2] >= 2
    message = net.refuse("--interface", "e0", "--rules", 3000, "--name", "b")
    assert "RULE_SLOTS_MAX" in message
    assert net.reaches(20001), "the old policy stays"
    counted = net.totals()[("test/a-1", "in")]
    net.apply("--interface", "e0", "--rules", 1000, "--name", "b")
    assert net.totals()[("test/a-1", "in")] == counted, "left the policy, keeps its slot"
    net.apply("--interface", "e0", "--rules", 2900, "--name", "c")
    totals = net.totals()
    assert totals[("test/a-1", "in")] == (0,) + counted[1:], "lost its slot, kept its counts"
    slots = [value[0] for value in totals.values() if value[0]]
    assert len(slots) == len(set(slots)) and max(slots) < 4096
    assert sum(value[1] for key, value in totals.items() if key[0].startswith("test/c-")) == 0
    net.apply("--interface", "e0", "--rules", 1, "--name", "a")
    assert net.reaches(20001)
    after = net.totals()[("test/a-1", "in")]
    assert after[0] != 0 and after[1] >= counted[1] + 3 and after[2] >= counted[2] + 2


# ---------------------------------------------------------------- kill -9 at every step


def run_until_killed(net, verb, step, *options):
    """True if the command reached that step, and was killed there."""
    done = net.call(verb, "--kill-at", step, *options)
    if done.returncode == 0:
        return False
    assert done.returncode == KILLED, done.stderr
    return True


def assert_hooks_are_whole(net, generations):
    """Each attached hook holds one of these generations, as a whole, and status admits what it is."""
    status = net.status()
    for each in status["interfaces"]:
        held = [each[hook]["generation"] for hook in ("receive", "transmit")
                if each[hook]["attached"]]
        assert set(held) <= set(generations), each
        if len(set(held)) > 1:
            assert each["state"] == "mixed"
    if len({each["generation"] for each in status["interfaces"]}) > 1:
        assert not status["whole"]
    return status


@pytest.mark.parametrize("egress", [TCX, "clsact"])
def test_kill_during_reload(net, egress):
    for port in (22, 80, 81, 82):
        net.listen(port)
    reached = []
    for step in range(1, 100):
        old = net.apply("--port", 80, *BOTH, "--egress", egress)
        old = int(old.stdout.split()[-1])
        if not run_until_killed(net, "apply", step, "--port", 81, *BOTH, "--egress", egress):
            break
        status = assert_hooks_are_whole(net, (old, old + 1))
        assert len(status["interfaces"]) == 2
        assert all(each[hook]["attached"] for each in status["interfaces"]
                   for hook in ("receive", "transmit")), "enforced at every step"
        assert not net.reaches(22), "at every step"
        reached.append(tuple(each[hook]["generation"] - old for each in status["interfaces"]
                             for hook in ("transmit", "receive")))
        if step % 2:
            assert net.call("recover").returncode == 0
            net.assert_whole()
            assert net.reaches(80) != net.reaches(81)
        done = net.apply("--port", 82, *BOTH, "--egress", egress)
        assert int(done.stdout.split()[-1]) > old
        net.assert_whole()
        assert net.reaches(82) and not net.reaches(80) and not net.reaches(81)
    # Old on all hooks, then one after the other, then new on all.
    assert {(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0), (1, 1, 1, 1)} >= set(reached)
    assert {(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 1, 1)} <= set(reached)
    assert net.call("detach").returncode == 0
    net.assert_nothing_left()


@pytest.mark.parametrize("then", ["apply", "recover", "detach"])
def test_kill_during_first_apply(net, then):
    for port in (22, 80):
        net.listen(port)
    for step in range(1, 100):
        if not run_until_killed(net, "apply", step, "--port", 80, *BOTH, "--egress", "clsact"):
            break
        assert_hooks_are_whole(net, (1,))
        if then == "apply":
            net.apply("--port", 80, *BOTH)
            net.assert_whole()
            assert net.reaches(80) and not net.reaches(22)
        if then == "recover":
            assert net.call("recover").returncode == 0
            status = net.status()
            assert status["whole"] or not status["pinned"], "all or nothing"
            assert net.reaches(22) == (not status["pinned"])
        assert net.call("detach").returncode == 0
        net.assert_nothing_left()
    assert step > 10


def carries(connection):
    """Both ends still hear each other."""
    for sender, receiver in (connection, connection[::-1]):
        sender.sendall(b"?")
        if receiver.recv(1) != b"?":
            return False
    return True


@pytest.mark.parametrize("egress", [TCX, "clsact"])
def test_kill_while_connections_are_adopted(net, egress):
    """What this host had opened goes on at every step, and whatever the next command does about it."""
    listener = net.listen(80, net.peer)
    listener.settimeout(5)
    options = ["--port", 80, "--interface", "e0", "--egress", egress, "--adopt", 20]
    swap = steps_of(net.apply(*options)).index("journal: swap") + 1
    assert net.call("detach").returncode == 0
    for step in range(swap, 100):
        opened = net.connect(80, PEER["p0"], net.host)
        opened.settimeout(5)
        connection = opened, listener.accept()[0]
        connection[1].settimeout(5)
        killed = run_until_killed(net, "apply", step, *options)
        assert carries(connection), step
        if step % 2:
            assert net.call("recover").returncode == 0
            assert net.status()["pinned"]
        else:
            net.apply(*options)
        net.assert_whole(["e0"])
        assert carries(connection), step
        assert net.call("detach").returncode == 0
        net.assert_nothing_left()
        opened.close()
        if not killed:
            break
    assert step > swap + 6


def test_learning_comes_before_xdp(net):
    """The order of a first load, and that a reload has none of it."""
    steps = [text for text in steps_of(net.apply("--port", 80, *BOTH, "--adopt", 20))
             if text.startswith(("adopt", "attach", "wait"))]
    assert [text.split(" by ")[0].split(",")[0] for text in steps] == [
        "adopt TCP connections", "attach egress of e0", "attach egress of e1",
        "adopt TCP connections", "waiting 20ms while egress learns what this host has open (host: {adopt})",
        "adopt TCP connections", "attach XDP of e0", "attach XDP of e1"]
    again = steps_of(net.apply("--port", 80, *BOTH, "--adopt", 20))
    assert not [text for text in again if text.startswith(("adopt", "attach", "wait"))]


def test_kill_during_detach(net):
    for step in range(1, 100):
        net.apply("--port", 80, *BOTH)
        if not run_until_killed(net, "detach", step):
            break
        assert_hooks_are_whole(net, range(1, 3))
        if step % 2:
            net.apply("--port", 80, *BOTH)
            net.assert_whole()
        assert net.call("detach").returncode == 0
        net.assert_nothing_left()
    assert step > 6


def test_kill_during_recovery(net):
    """What is left of a swap is finished by a command that is killed too, and by a third."""
    for step in range(1, 100):
        net.apply("--port", 80, *BOTH)
        swap = next(number for number, text in
                    enumerate(steps_of(net.apply("--port", 80, *BOTH)), 1)
                    if text.startswith("swap XDP of e0"))
        assert run_until_killed(net, "apply", swap, "--port", 81, *BOTH)
        if not run_until_killed(net, "recover", step):
            break
        assert net.call("recover").returncode == 0
        net.assert_whole()
        assert len({each["generation"] for each in net.interfaces().values()}) == 1
    assert step > 3


def test_commands_take_turns(net):
    """The second waits for the first, and says for whom; it gives up in time."""
    command = ["nsenter", f"--net=/run/netns/{net.host}", PROGRAM, "apply", "--pins", net.pins,
               "--interface", "e0", "--stop-at", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        os.waitpid(first.pid, os.WUNTRACED)
        message = net.refuse("--interface", "e0", "--wait", 1)
        assert f"another command (process {first.pid})" in message
        assert net.status()["pinned"] is False, "status never waits"
        first.send_signal(18)
        assert first.communicate()[0].splitlines()[-1] == b"generation 1"
    net.apply("--interface", "e0")
    net.assert_whole(["e0"])
