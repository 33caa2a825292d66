# SPDX-License-Identifier: BSD-2-Clause
"""What the command says when it can't, and that what was enforced stays: applies that fail, missing
rights, no BPF file system, interfaces that are not there."""

import json
import os
import pathlib
import shutil
import tempfile

import pytest

from namespaces import (BPF_FS, HAS_TCX, PROGRAM, ROOT, address, both, close, is_readable, site,
                        transfer)


# ---------------------------------------------------------------- applies that fail


def expect_unchanged(net, before):
    """The same policy in the same generation, and enforced: a row passes and its neighbour does not."""
    status = net.json("status")
    # Each apply that fails has taken a number; what is in force keeps its own.
    assert status["interfaces"] == before["interfaces"]
    assert status["whole"] and status["step"] == "idle"
    engine = address("engine")
    with net.host.listen(engine, 9005) as listener, net.host.listen(engine, 9999) as closed:
        outside = net.peer.connect(address("portal"), engine, 9005)
        inside, _ = listener.accept()
        transfer(inside, outside, 1000)
        close(inside, outside)
        counters = net.counters()
        attempt = net.peer.begin(address("portal"), engine, 9999)
        net.wait_for_drop(counters, "closed-port")
        attempt.close()
        assert not is_readable(closed)


def broken(**changes):
    """A site with a rule that would open port 9999, and something wrong."""
    return {**site(), **changes}


OTHER_RULE = [{"id": "extra", "from": both("stranger"), "to": "engine", "allow": "tcp/9999"}]
# What is wrong, the exit status, and what the message must name.
FAILURES = {
    "no YAML": ("site: [}\n", 3, ["site.yaml:1:8"]),
    "an unknown key": (broken(flows=OTHER_RULE, mangement=[]), 3, ["mangement", "management"]),
    "an unknown flow": (broken(flows=OTHER_RULE, without=[{"flow": "cyara/voice-99",
                                                         "because": "x"}]), 3, ["voice-99", "voice-9"]),
    "no such VLAN": (broken(flows=OTHER_RULE, host={"vlan": 4095}), 3, ["site.yaml:", "vlan", "4094"]),
    "too few flows": (broken(flows=OTHER_RULE, bounds={"flows": "1"}), 3, ["64"]),
    "no such interface": (broken(flows=OTHER_RULE, interfaces=["e0", "nonesuch"]), 1,
                          ["nonesuch", "e0"]),
    "no such catalog": (broken(flows=OTHER_RULE, catalogs=["nonesuch"]), 3, ["nonesuch"]),
    "loopback": (broken(flows=OTHER_RULE, interfaces=["lo"]), 1, ["lo"]),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_apply_that_fails_changes_nothing(net, failure):
    net.apply(site())
    before = net.json("status")
    policy, status, words = FAILURES[failure]
    done = net.apply(policy, status=status)
    assert all(word in done.stderr for word in words), done.stderr
    expect_unchanged(net, before)


def test_a_hook_that_is_taken(net, foreign):
    """Also a dry run says so, and before anything is loaded."""
    net.host.ip("link", "set", "e0", "xdp", "obj", str(foreign), "sec", "xdp")
    for options in (["--dry-run"], []):
        done = net.apply(site(), *options, status=1)
        assert "e0: the XDP hook is taken: native XDP program" in done.stderr, done.stderr
        assert not os.path.exists(net.pins)
    # What arrives is somebody else's business.
    net.apply(site(mode=("off", "audit")), "--dry-run")


@pytest.mark.skipif(HAS_TCX, reason="this kernel has tcx")
def test_a_kernel_without_tcx(net):
    """Who asks for it by name is told what to ask for; who does not gets clsact."""
    done = net.apply(site(), "--egress-hook", "tcx", status=1)
    assert "e0" in done.stderr and "Linux 6.6" in done.stderr and "clsact" in done.stderr
    assert not os.path.exists(net.pins)
    assert "clsact" not in net.host.run("tc", "qdisc", "show").stdout
    net.apply(site())
    assert net.json("status")["interfaces"][0]["egress"]["how"] == "clsact"


def test_a_site_without_management(net):
    """Nobody locks himself out by leaving it out; saying that there is none is an answer."""
    policy = site()
    del policy["management"]
    done = net.apply(policy, status=3)
    assert "management" in done.stderr and "[]" in done.stderr
    assert not os.path.exists(net.pins)
    policy["management"] = []
    net.apply(policy)


def test_a_machine_that_is_no_host_of_the_site(net):
    policy = site()
    policy["hosts"]["engine"]["addresses"] = ["198.51.100.7"]
    done = net.apply(policy, status=3)
    assert "--host" in done.stderr or "198.51.100.7" in done.stderr, done.stderr
    assert not os.path.exists(net.pins)


def test_another_program_at_the_hook(net, foreign):
    """First load: refused, named, and nothing of ours is left. Second interface: e0 stays as it was."""
    net.add_link("e1", "p1")
    net.host.ip("addr", "add", "198.51.100.10/24", "dev", "e1")
    net.host.run("ip", "link", "set", "dev", "e1", "xdpdrv", "obj", foreign, "sec", "xdp")
    both_interfaces = site(interfaces=["e0", "e1"])
    done = net.apply(both_interfaces, status=1)
    assert "e1" in done.stderr and "somebody_else" in done.stderr
    assert "xdp" not in net.host.link("e0") and not os.path.exists(net.pins)

    net.apply(site(interfaces=["e0"]))
    before = net.json("status")
    assert "somebody_else" in net.apply(both_interfaces, status=1).stderr
    expect_unchanged(net, before)
    attached = json.loads(net.host.run("ip", "-j", "-d", "link", "show", "e1").stdout)[0]["xdp"]
    assert attached["prog"]["name"] == "somebody_else", "theirs is left alone"


# ---------------------------------------------------------------- what it says when it can't


@pytest.fixture
def readable(net):
    """The program, its catalog and a site where a user without rights can read them."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-net-"))
    folder.chmod(0o755)
    shutil.copy(PROGRAM, folder / "sallyport")
    shutil.copy(ROOT / "policies" / "cyara.yaml", folder)
    (folder / "site.yaml").write_text(json.dumps(site()))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("command", ["apply", "detach", "metrics", "explain"])
def test_without_rights(net, readable, command):
    """It says what it needs, and what is enforced stays."""
    net.apply(site())
    before = net.json("status")
    words = {"apply": ["apply", readable / "site.yaml"],
             "explain": ["explain", "in", "tcp", "192.0.2.23", "192.0.2.10:9005"]}.get(
                 command, [command])
    done = net.host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        readable / "sallyport", "--pins", net.pins, *words, cwd=readable,
                        check=False)
    assert done.returncode == 1
    assert "root" in done.stderr or "CAP_" in done.stderr or "ermission" in done.stderr, done.stderr
    if command == "apply":
        assert "CAP_BPF" in done.stderr and "CAP_NET_ADMIN" in done.stderr
    expect_unchanged(net, before)


def test_without_a_bpf_file_system(net):
    """In a mount namespace of its own, where it was unmounted."""
    # Private from /sys on only: in a chroot / itself may be no mount, and what is unmounted must not spread.
    script = f'mount --make-rprivate /sys && umount -l {BPF_FS} && exec "$@"'
    done = net.host.run("unshare", "-m", "--propagation", "unchanged", "sh", "-c", script, "sh", *net.command(
        "apply", net.write(site())), check=False)
    assert done.returncode == 1
    assert "mount -t bpf" in done.stderr and BPF_FS in done.stderr, done.stderr
    assert "xdp" not in net.host.link("e0")


def test_an_interface_that_goes_away(net):
    """status says so and fails; the next apply says which interface is missing."""
    net.apply(site(interfaces=["e0"]))
    net.host.ip("link", "del", "e0")
    status = net.json("status", status=1)
    assert status["interfaces"][0]["state"] == "gone"
    done = net.apply(site(interfaces=["e0"]), "--host", "engine", status=1)
    assert "there is no interface e0" in done.stderr
    net.sallyport("detach")
    assert not os.path.exists(net.pins)


def test_auto_takes_no_interface_that_the_site_does_not_mean(net):
    """Those that carry the host's addresses of the file: not the network of a backup or a cluster."""
    net.add_link("e1", "p1")
    net.host.ip("addr", "add", "198.51.100.10/24", "dev", "e1")
    net.apply(site())
    assert [each["interface"] for each in net.json("status")["interfaces"]] == ["e0"]


def test_a_peer_known_by_name_alone(net):
    """Names are not followed on the wire: apply says so, unless addresses are given as well."""
    policy = site()
    policy["catalogs"].append("audiocodes-lpdm")
    policy["hosts"]["engine"]["roles"].append("audiocodes-lpdm/device-manager")
    policy["bind"]["audiocodes-lpdm/azure-blob"] = [{"domain": "*.blob.core.windows.net"}]
    done = net.apply(policy, status=3)
    assert "*.blob.core.windows.net" in done.stderr and "Give addresses" in done.stderr
    shown = net.json("show", net.write(policy), "--host", "engine")
    assert shown["domains"] == [{"role": "audiocodes-lpdm/azure-blob",
                                 "domain": "*.blob.core.windows.net", "has_addresses": False}]
    policy["bind"]["audiocodes-lpdm/azure-blob"].append("198.51.100.0/24")
    net.apply(policy)
    shown = net.json("show", net.write(policy), "--host", "engine")
    assert shown["domains"][0]["has_addresses"] is True
