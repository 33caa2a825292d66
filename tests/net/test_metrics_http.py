# SPDX-License-Identifier: BSD-2-Clause
"""The exporter over HTTP: Prometheus accepts the page, the numbers are what was sent, each rule leads back
to its row; and what is enforced does not depend on it."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from namespaces import (BEST_HOOK, ROOT, V4, V6, Counters, address, close, is_readable, run, site,
                        transfer, wait_for)

PORT = 9077
PROMTOOL = shutil.which("promtool") or shutil.which(
    "promtool", path=os.path.join(ROOT, "build/tools/usr/bin"))


class Exporter:
    """sallyport serve in the host's namespace, and a client there."""

    def __init__(self, net):
        self.net = net
        self.process = net.start(net.host, *net.command(
            "serve", "--web.listen-address", f"127.0.0.1:{PORT}"), stdout=subprocess.PIPE)
        self.listening = json.loads(self.process.stdout.readline())["listening"]

    def get(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        connection.sock = self.net.host.connect("127.0.0.1", "127.0.0.1", PORT)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def page(self):
        answer, text = self.get("/metrics")
        assert answer.status == 200
        return text


@pytest.fixture
def exporter(net):
    net.apply(site())
    return Exporter(net)


def some_of_everything(net, family=V4):
    """Traffic of each kind: by rules, both ways, dropped for several reasons."""
    engine, gateway = address("engine", family), address("gateway", family)
    inside, outside = net.host.udp(engine, 30000), net.peer.udp(gateway, 5060)
    with net.peer.udp(address("stranger", family), 5060) as stranger:
        before = net.counters()
        for _ in range(3):
            stranger.sendto(b"x", (engine, 30000))
            outside.sendto(b"x", (engine, 29999))
        net.wait_for_drop(before, "closed-port", number=3)
    outside.sendto(b"media", (engine, 30000))
    assert inside.recv(100) == b"media"
    inside.sendto(b"media", (gateway, 5060))
    assert outside.recv(100) == b"media"
    close(inside, outside)


def test_pages(exporter):
    assert exporter.listening == f"127.0.0.1:{PORT}"
    answer, text = exporter.get("/metrics")
    assert answer.getheader("Content-Type").startswith("text/plain; version=0.0.4")
    assert text.endswith("\n")
    answer, text = exporter.get("/")
    assert answer.status == 200 and 'href="/metrics"' in text
    assert answer.getheader("Content-Type").startswith("text/html")
    assert exporter.get("/healthz")[0].status == 200
    assert exporter.get("/nonesuch")[0].status == 404
    assert exporter.get("/metrics/")[0].status == 404
    assert exporter.get("/metrics", method="DELETE")[0].status == 405
    answer, text = exporter.get("/metrics", method="HEAD")
    assert answer.status == 200 and text == ""


@pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed")
def test_promtool_accepts_the_page(exporter):
    some_of_everything(exporter.net)
    done = run(PROMTOOL, "check", "metrics", input=exporter.page())
    assert done.stdout + done.stderr == "", "promtool has nothing to say"


def test_an_address_is_never_a_label(exporter):
    """Who talks to whom is not Prometheus' to keep, and would make as many series as there are peers."""
    some_of_everything(exporter.net)
    for _, labels, _ in Counters(exporter.page()).samples:
        for value in labels.values():
            assert not re.search(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::[0-9a-f]", value), labels


def test_counters_are_what_was_sent(exporter, family):
    """Packets and bytes of frames, each packet once, in each direction."""
    net = exporter.net
    engine, gateway = address("engine", family), address("gateway", family)
    inside, outside = net.host.udp(engine, 30000), net.peer.udp(gateway, 20000)
    stranger = net.peer.udp(address("stranger", family), 20000)
    headers = 14 + (20 if family == V4 else 40) + 8
    before = Counters(exporter.page())
    for length in range(100, 150):
        outside.sendto(bytes(length), (engine, 30000))
        inside.recv(1000)
        stranger.sendto(bytes(length), (engine, 30000))
    for length in range(200, 230):
        inside.sendto(bytes(length), (gateway, 20000))
        outside.recv(1000)
    rule = "cyara/voice-6-back"
    wait_for(lambda: Counters(exporter.page()).dropped(reason="unknown-peer") >= 50, "50 drops")
    after = Counters(exporter.page())
    assert after.rule(rule) - before.rule(rule) == 50
    assert after.rule(rule, unit="bytes") - before.rule(rule, unit="bytes") == sum(
        headers + length for length in range(100, 150))
    assert after.rule(rule, "transmit") - before.rule(rule, "transmit") == 30
    assert after.rule(rule, "transmit", "bytes") - before.rule(rule, "transmit", "bytes") == sum(
        headers + length for length in range(200, 230))
    assert after.sum("receive_dropped_packets_total", reason="unknown-peer", role="none") == 50
    assert after.sum("receive_dropped_bytes_total", reason="unknown-peer") == sum(
        headers + length for length in range(100, 150))
    close(inside, outside, stranger)


def test_a_drop_names_the_role_of_the_peer(exporter, family):
    net = exporter.net
    before = Counters(exporter.page())
    attempt = net.peer.begin(address("portal", family), address("engine", family), 22)
    after = net.wait_for_drop(before, "wrong-port")
    attempt.close()
    assert after.dropped(reason="wrong-port", role="cyara/web-portal") >= 1
    assert after.dropped(reason="wrong-port") == after.dropped(
        reason="wrong-port", role="cyara/web-portal")


def test_every_packet_is_counted_once(net):
    """The sum over all of them is what the wire carried to the interface."""
    net.peer.ip("link", "set", "p0", "down")
    net.apply(site())
    carried = net.peer.link("p0")["stats64"]["tx"]["packets"]
    assert net.counters().seen() == 0
    net.peer.ip("link", "set", "p0", "up")
    for part in ("jump", "portal", "gateway", "stranger", "bus"):
        net.peer.run("ip", "addr", "replace", f"{address(part, V6)}/64", "dev", "p0", "nodad")
    for family in (V4, V6):
        some_of_everything(net, family)
        engine, portal = address("engine", family), address("portal", family)
        with net.host.listen(engine, 9005) as listener:
            outside = net.peer.connect(portal, engine, 9005)
            inside, _ = listener.accept()
            transfer(outside, inside, 20_000)
            close(outside, inside)

    def agree():
        sent = net.peer.link("p0")["stats64"]["tx"]["packets"] - carried
        return net.counters().seen() == sent > 50

    wait_for(agree, "the counters and the wire to agree")


def test_rule_info_leads_to_the_document(exporter):
    """Each rule that is counted has a row, the row that show cites."""
    counters = Counters(exporter.page())
    counted = {labels["rule"] for name, labels, _ in counters.samples
               if name in ("receive_packets_total", "transmit_packets_total")}
    information = {labels["rule"]: labels for labels, value in counters.select("rule_info")
                   if value == 1}
    assert counted == set(information)
    shown = exporter.net.json("show", exporter.net.folder / "site.yaml")["rules"]
    assert {rule["id"] for rule in shown} == counted
    for rule in shown:
        first = rule["citations"][0]
        labels = information[rule["id"]]
        assert [labels[key] for key in ("document", "section", "row")] == [
            first[key] or "" for key in ("document", "section", "row")]
    assert information["cyara/voice-6"] == {
        "rule": "cyara/voice-6", "section": "Cyara Voice Components", "row": "6",
        "document": "Cyara Comprehensive Network and Firewall Advisory"}
    assert information["management/1"]["section"] == ""


def test_the_command_prints_the_same_page(exporter):
    some_of_everything(exporter.net)

    def same():
        # The stack may say something (neighbours, multicast reports) between the two.
        return exporter.net.sallyport("metrics").stdout == exporter.page()

    wait_for(same, "metrics and the page to be equal")


def test_json_says_the_same(exporter):
    """status, show and metrics as JSON, held against the page and each other."""
    net = exporter.net
    some_of_everything(net)
    counters, metrics = Counters(exporter.page()), net.json("metrics")
    interface = metrics["interfaces"][0]
    for rule in interface["rules"]:
        for direction in ("receive", "transmit"):
            assert rule[direction] == {unit: counters.rule(rule["rule"], direction, unit)
                                       for unit in ("packets", "bytes")}
    status, shown = net.json("status"), net.json("show", net.folder / "site.yaml")
    assert status["whole"] and status["flows"]["used"] == counters.sum("flow_entries")
    assert status["interfaces"][0]["digest"] == shown["digest"] == interface["digest"]
    assert counters.select("policy_info", digest=shown["digest"], site="net-test", host="engine",
                           mode_in="enforce", mode_out="enforce", interface="e0")
    assert counters.sum("policy_rules") == len(shown["rules"])
    assert counters.sum("policy_generation") == status["interfaces"][0]["generation"]
    assert counters.sum("flow_entries_bound") == status["flows"]["bound"]
    assert counters.select("attach_info", xdp_mode="native", egress_hook=BEST_HOOK)
    assert counters.sum("enforcing") == counters.sum("interfaces") == 1
    assert counters.sum("mixed") == counters.sum("lookup_disagreements_total") == 0


def test_the_exporter_follows_what_is_in_force(exporter):
    """It is started once: reloads, a detach and a new load show up by themselves."""
    net = exporter.net
    some_of_everything(net)
    first = Counters(exporter.page())
    net.apply(site(mode=("enforce", "audit"), lookup="maps"))
    second = Counters(exporter.page())
    assert second.sum("policy_generation") == first.sum("policy_generation") + 1
    assert second.select("policy_info", mode_out="audit", lookup="maps")
    assert not second.select("policy_info", mode_out="enforce")
    assert second.rule("cyara/voice-6-back") == first.rule("cyara/voice-6-back") == 1
    assert second.dropped(reason="closed-port") == first.dropped(reason="closed-port") == 3

    net.sallyport("detach")
    gone = Counters(exporter.page())
    assert gone.sum("interfaces") == 0 and not gone.select("policy_info")
    assert exporter.get("/healthz")[0].status == 503
    net.apply(site())
    assert exporter.get("/healthz")[0].status == 200
    assert Counters(exporter.page()).sum("interfaces") == 1


def test_health_when_the_interface_is_lost(exporter):
    exporter.net.host.ip("link", "del", "e0")
    answer, text = exporter.get("/healthz")
    assert answer.status == 503 and "e0" in text
    assert Counters(exporter.page()).sum("enforcing") == 0


def test_enforcing_depends_on_no_process(exporter):
    """kill -9 of the only one that there is; what passes, is dropped and is counted stays as it was."""
    net = exporter.net
    engine = address("engine")
    before = Counters(exporter.page())
    exporter.process.kill()
    assert exporter.process.wait(timeout=30) == -signal.SIGKILL
    with net.host.listen(engine, 9005) as listener, net.host.listen(engine, 9999) as closed:
        outside = net.peer.connect(address("portal"), engine, 9005)
        inside, _ = listener.accept()
        transfer(inside, outside, 20_000)
        attempt = net.peer.begin(address("stranger"), engine, 9999)
        after = net.wait_for_drop(before, "closed-port")
        assert not is_readable(closed)
        close(inside, outside, attempt)
    assert after.rule("cyara/web-5") > before.rule("cyara/web-5")
    again = Exporter(net)
    assert Counters(again.page()).rule("cyara/web-5") >= after.rule("cyara/web-5")
