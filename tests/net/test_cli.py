# SPDX-License-Identifier: BSD-2-Clause
"""The command line, as far as it needs no privilege: help, usage errors, exit codes, and what check,
show, trace, test and explain say about good and bad input."""

import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SALLYPORT", str(ROOT / "build" / "sallyport"))
POLICIES = ROOT / "policies"
CATALOG = POLICIES / "cyara.yaml"
SITE = POLICIES / "sites" / "cyara-small.yaml"

DONE, FAILED, USAGE, POLICY = 0, 1, 2, 3

COMMANDS = ["check", "show", "matrix", "graph", "who", "apply", "diff", "detach", "status",
            "export", "explain", "drops", "import", "feed", "trace", "test", "metrics", "serve",
            "reasons", "help"]
COMMON = ["--catalogs", "--pins", "--feeds", "--json", "--pretty", "--verbose", "--help", "--version"]


def sallyport(*arguments, stdin="", **options):
    """Runs it with nothing of the caller's environment that could change the output."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    environment.update(options.pop("environment", {}))
    return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, env=environment, cwd=ROOT, timeout=60, check=False, **options)


def expect(status, *arguments, stdin="", **options):
    result = sallyport(*arguments, stdin=stdin, **options)
    assert result.returncode == status, f"{arguments}: {result.stdout}{result.stderr}"
    return result


def usage_error(*arguments):
    result = expect(USAGE, *arguments)
    assert result.stdout == ""
    assert "--help" in result.stderr
    return result.stderr


# ---------------------------------------------------------------- help and usage


def test_help_lists_every_command():
    text = expect(DONE, "--help").stdout
    assert re.findall(r"^  ([a-z]+)  ", text, re.M) == COMMANDS
    assert expect(DONE, "help").stdout == text
    assert expect(DONE, "-h").stdout == text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    text = expect(DONE, command, "--help").stdout
    assert text == expect(DONE, "help", command).stdout
    assert f"Usage: sallyport {command}" in text
    examples = text.split("Examples:\n")[1].splitlines()
    assert examples
    assert all(line.startswith("  sallyport ") for line in examples)
    for option in COMMON:
        assert option in text
    assert max(len(line) for line in text.splitlines()) <= 100


def options_of(command):
    text = expect(DONE, command, "--help").stdout
    return re.findall(r"^  (?:-\w, |    )(--[a-z.-]+)", text, re.M)


def test_the_manual_names_every_command_and_option():
    manual = (ROOT / "man" / "sallyport.8.scd").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\n*{command}*" in manual
        for option in options_of(command):
            assert f"*{option}*" in manual, option


def test_the_manual_names_every_metric():
    manual = (ROOT / "man" / "sallyport-metrics.7.scd").read_text(encoding="utf-8")
    source = (ROOT / "user" / "metrics.c").read_text(encoding="utf-8")
    table = source[source.index("static const struct metric metrics[]"):]
    names = re.findall(r'\{"([a-z_]+)", "(?:gauge|counter)"', table)
    assert len(names) > 20
    for name in names:
        # One entry stands for both directions, and for packets and bytes.
        name = name.replace("transmit_", "receive_").replace("_bytes_", "_packets_")
        assert f"*sallyport_{name}*" in manual, name


def test_version():
    assert re.fullmatch(r"sallyport \d+\.\d+\.\d+\n", expect(DONE, "--version").stdout)
    assert expect(DONE, "status", "-V").stdout == expect(DONE, "-V").stdout


def test_unknown_commands():
    assert "which command?" in usage_error()
    assert 'there is no command "chekc": did you mean check?' in usage_error("chekc", "x")
    assert 'there is no command "zzzzzz"\n' in usage_error("zzzzzz")
    assert "did you mean apply" in usage_error("help", "aply")


def test_unknown_options():
    assert "unknown option --hots: did you mean --host?" in usage_error("show", "--hots=a", SITE)
    assert "unknown option --versoin: did you mean --version?" in usage_error("--versoin")
    assert "unknown option -x" in usage_error("check", "-x", SITE)
    assert "it has no option --model" in usage_error("show", "--model", SITE)
    assert "--json takes no value" in usage_error("show", "--json=yes", SITE)


def test_wrong_arguments():
    assert "it needs FILE..." in usage_error("check")
    assert "one argument too many" in usage_error("show", SITE, "another")
    assert 'it takes no argument, but "now" was given' in usage_error("status", "now")
    assert "--host needs a value: HOST" in usage_error("show", SITE, "--host")
    assert "--host needs a value: HOST" in usage_error("show", SITE, "--host", "")
    assert "--host is given twice" in usage_error("show", SITE, "--host", "a", "--host", "b")
    assert "exclude each other" in usage_error("show", SITE, "--host", "a", "--role", "b")
    assert "--lookup fast: it must be one of maps|flat" in usage_error(
        "trace", "--site", SITE, "--lookup", "fast")
    assert "--xdp-mode" in usage_error("apply", SITE, "--xdp-mode", "offload")
    assert "it needs --site SITE" in usage_error("trace", "--model")
    assert "leave --model or --lookup out" in usage_error(
        "trace", "--site", SITE, "--model", "--lookup", "maps")
    assert "--print takes one FILE" in usage_error("check", "--print", SITE, CATALOG)
    for command in "matrix", "graph":
        assert "exclude each other" in usage_error(command, SITE, "--json", "--format", "csv")


def test_options_may_stand_before_the_command():
    before = expect(DONE, "--json", "reasons").stdout
    assert before == expect(DONE, "reasons", "--json").stdout
    assert json.loads(before) == json.loads(expect(DONE, "-p", "reasons").stdout)


def test_output_that_can_not_be_written_is_a_failure():
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([PROGRAM, "reasons"], stdout=full, stderr=subprocess.PIPE,
                                text=True, check=False)
    assert result.returncode == FAILED
    assert "can't write the output" in result.stderr


def test_no_colour_where_it_is_no_terminal():
    assert "\033" not in expect(POLICY, "check", "/nonexistent",
                                environment={"TERM": "xterm"}).stdout


# ---------------------------------------------------------------- reasons


def test_reasons_are_those_of_the_header():
    header = (ROOT / "include" / "reasons.h").read_text(encoding="utf-8")
    rows = re.findall(r'X\(\w+, "([a-z-]+)", (PASS|DROP),[\s\\]*"([^"]+)"\)', header)
    reasons = json.loads(expect(DONE, "reasons", "--json").stdout)
    assert [(r["reason"], r["verdict"].upper(), r["meaning"]) for r in reasons] == rows[1:]
    table = expect(DONE, "reasons").stdout.splitlines()
    assert table[0].split() == ["REASON", "VERDICT", "MEANING"]
    assert [line.split()[0] for line in table[1:]] == [r["reason"] for r in reasons]


# ---------------------------------------------------------------- check


def test_check_of_good_files():
    result = expect(DONE, "check", CATALOG, SITE)
    assert "catalog cyara" in result.stdout
    assert "site cyara-small" in result.stdout
    assert result.stdout.count(": 0 errors") == 2


def test_check_of_sites_named_as_catalogs():
    """voss.yaml beside it is a site: the catalog is found in the next place."""
    for one in sorted((POLICIES / "sites").glob("*.yaml")):
        assert ": 0 errors" in expect(DONE, "check", one).stdout


def test_check_finds_every_error(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("site: a\ncatalogs: [cyara]\nmode: {in: enforce, out: enforc}\nmanagment: []\n")
    result = expect(POLICY, "check", "--catalogs", POLICIES, bad)
    assert f"{bad}:3:" in result.stderr
    assert f"{bad}:4:1: error" in result.stderr
    assert "`management`" in result.stderr
    findings = json.loads(expect(POLICY, "check", "--json", "--catalogs", POLICIES, bad).stdout)
    assert {f["line"] for f in findings if f["severity"] == "error"} >= {3, 4}
    assert all(f["file"] == str(bad) and f["message"] for f in findings)


@pytest.mark.parametrize("text", ["", "- a\n", "foo: bar\n", "catalog: [\n", "\0"])
def test_check_of_what_is_no_policy(tmp_path, text):
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    assert str(bad) in expect(POLICY, "check", bad).stderr
    assert expect(POLICY, "check", "--print", bad).stdout == ""


def test_check_of_what_can_not_be_read(tmp_path):
    assert "No such file" in expect(POLICY, "check", tmp_path / "none.yaml").stderr
    assert str(tmp_path) in expect(POLICY, "check", tmp_path).stderr


def test_one_bad_file_does_not_hide_the_others(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("foo: bar\n")
    result = expect(POLICY, "check", bad, SITE)
    assert "site cyara-small" in result.stdout


@pytest.mark.parametrize("path", [CATALOG, SITE])
def test_the_canonical_text_prints_as_itself(tmp_path, path):
    first = expect(DONE, "check", "--print", path).stdout
    again = tmp_path / path.name
    again.write_text(first)
    assert expect(DONE, "check", "--print", again).stdout == first


# What the manual's parts of a site file stand in.
AROUND = """\
site: around
catalogs: [{catalog: ports, as: genesys}, {catalog: nodes, as: voss}]
mode: {in: enforce, out: enforce}
hosts:
  ts-1: {addresses: 10.0.5.7, roles: genesys/t-server}
  cs-1: {addresses: 10.0.1.1, roles: genesys/configuration-server, parameters: {genesys/configuration-server-port: 2020}}
"""


def test_the_examples_of_the_manual_are_right(tmp_path):
    manual = (ROOT / "man" / "sallyport-policy.5.scd").read_text(encoding="utf-8")
    examples = re.findall(r"^```\n(.*?)^```", manual, re.M | re.S)
    for number, text in enumerate(examples):
        example = tmp_path / f"{number}.yaml"
        whole = text.startswith(("site:", "catalog:"))
        example.write_text(text if whole else AROUND + text)
        expect(DONE, "check", "--catalogs", POLICIES if whole else ROOT / "tests" / "policy", example)
    assert len(examples) == 4


# ---------------------------------------------------------------- show


def test_show_lists_the_hosts_where_this_machine_is_none():
    result = expect(DONE, "show", SITE)
    assert "choose it with --host" in result.stdout
    assert "engine-1" in result.stdout
    hosts = json.loads(expect(DONE, "show", SITE, "--json").stdout)
    engine = [h for h in hosts["hosts"] if h["host"] == "engine-1"][0]
    assert engine["roles"] == ["cyara/call-engine"]
    assert "10.20.2.11" in engine["addresses"]
    assert {b["role"] for b in hosts["bind"]} == {"cyara/sip-or-media-gateway", "cyara/users"}


def test_show_cites_every_rule():
    text = expect(DONE, "show", SITE, "--host", "engine-1").stdout
    assert "cyara/voice-4" in text
    assert "Cyara Voice Components, row 4" in text
    json.loads(expect(DONE, "show", SITE, "--host", "engine-1", "--json").stdout)


def test_show_finds_a_host_by_address_and_a_role_by_name():
    by_host = expect(DONE, "show", SITE, "--host", "engine-1").stdout
    assert expect(DONE, "show", SITE, "--address", "10.20.2.11").stdout == by_host
    assert expect(DONE, "show", SITE, "--address", "2001:db8:20:2::11").stdout == by_host
    by_id = expect(DONE, "show", SITE, "--role", "cyara/call-engine").stdout
    assert expect(DONE, "show", SITE, "--role", "Cyara Call Engine").stdout == by_id


def test_show_of_nobody():
    assert "nobody" in expect(USAGE, "show", SITE, "--host", "nobody").stderr
    assert "it must be one IPv4 or IPv6 address" in usage_error("show", SITE, "--address", "web-1")


# ---------------------------------------------------------------- what is demanded and forbidden

GOLDEN = ["--catalogs", ROOT / "tests" / "golden" / "accept"]
KEPT_APART = """site: kept-apart
catalogs: [demands]
mode: {in: enforce, out: enforce}
management: []
hosts:
  edge-1: {addresses: 10.0.0.2, roles: demands/edge}
  client-1: {addresses: 10.0.0.1, roles: demands/client}
bind: {demands/cloud: 198.51.100.0/24}
"""


def test_a_drop_cites_what_forbids_it(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(KEPT_APART)
    host = ["--site", site, *GOLDEN, "--host", "edge-1", "--model"]
    packet = ["in", "tcp", "198.51.100.9:40000", "10.0.0.2:443"]
    text = expect(DONE, "explain", *host, *packet).stdout
    assert "forbid  demands/no-inbound, in: demands/cloud to demands/ours, any" in text
    assert "cite    Rules (Acme Guide, line 6)" in text
    answer = json.loads(expect(DONE, "explain", *host, "--json", *packet).stdout)
    assert (answer["rule"], answer["forbid"]) == (None, "demands/no-inbound")
    passed = ["out", "tcp", "10.0.0.2:40000", "198.51.100.9:443"]
    assert json.loads(expect(DONE, "explain", *host, "--json", *passed).stdout)["forbid"] is None
    shown = expect(DONE, "show", site, *GOLDEN, "--host", "edge-1")
    assert "forbidden (no flow may open it): 1" in shown.stdout
    shown = json.loads(expect(DONE, "show", site, *GOLDEN, "--host", "edge-1", "--json").stdout)
    assert [forbid["id"] for forbid in shown["forbids"]] == ["demands/no-inbound"]
    assert shown["forbids"][0]["matches"] == [{"local": ["10.0.0.2"], "remote": ["198.51.100.0/24"]}]


def test_apply_refuses_what_a_document_demands_otherwise(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(KEPT_APART + "parameters: {demands/stun: off, demands/stun2: off}\n")
    for arguments in (["check"], ["apply", "--dry-run", "--host", "edge-1"]):
        error = expect(POLICY, *arguments, *GOLDEN, site).stderr
        assert "site.yaml:9:28: error: none of the flows `demands/stun`, `demands/stun2` is in force" in error
    # What is judged is the same all the same.
    expect(DONE, "show", site, *GOLDEN, "--host", "edge-1")


# ---------------------------------------------------------------- trace, test, explain

MODEL = ["--site", SITE, "--host", "engine-1", "--model"]
GOOD = {"id": "good", "l4": "tcp", "source": "10.20.1.11", "destination": "10.20.2.11",
        "destination_port": 9005}
STRANGE = {"id": "strange", "l4": "tcp", "source": "198.51.100.9", "destination": "10.20.2.11",
           "destination_port": 9005}


def lines(*packets):
    return "".join(json.dumps(packet) + "\n" for packet in packets)


def test_trace_answers_each_line():
    result = expect(DONE, "trace", *MODEL, stdin=lines(GOOD, STRANGE))
    good, strange = map(json.loads, result.stdout.splitlines())
    assert good["id"] == "good"
    assert (good["verdict"], good["judged"], good["reason"]) == ("pass", "pass", "rule")
    assert good["rule"] == "cyara/web-5"
    assert "Cyara Web/Core Components, row 5" in good["cite"]
    assert (strange["verdict"], strange["reason"]) == ("drop", "unknown-peer")


def test_trace_of_bad_lines():
    result = expect(POLICY, "trace", *MODEL, stdin=lines(GOOD) + "{bad\n" + lines({"l4": "tcp"}))
    assert len(result.stdout.splitlines()) == 1
    assert "<stdin>:2:" in result.stderr
    assert "<stdin>:3:" in result.stderr


def test_trace_of_a_bad_site(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("site: a\n")
    result = expect(POLICY, "trace", "--site", bad, "--model", stdin=lines(GOOD))
    assert result.stdout == ""
    assert str(bad) in result.stderr


def test_policy_tests(tmp_path):
    file = tmp_path / "calls.jsonl"
    file.write_text(lines({"host": "engine-1"}, dict(GOOD, expect="pass", rule="cyara/web-5"),
                          dict(GOOD, source="web-1", destination="engine-1", expect="pass")))
    expect(DONE, "test", file, "--site", SITE, "--model")
    file.write_text(file.read_text() + lines(dict(STRANGE, expect="pass")))
    result = expect(FAILED, "test", file, "--site", SITE, "--model")
    assert f"{file}:4:" in result.stdout
    score = json.loads(expect(FAILED, "test", file, "--site", SITE, "--model", "--json").stdout)
    assert score == {"tests": 3, "failures": 1}
    assert "can't read" in expect(FAILED, "test", "/nonexistent", "--site", SITE, "--model").stderr


def test_explain_by_a_policy_file():
    text = expect(DONE, "explain", *MODEL, "in", "tcp", "10.20.1.11", "10.20.2.11:9005").stdout
    assert text.startswith("pass ")
    assert "cyara/web-5" in text
    assert "Cyara Web/Core Components, row 5" in text
    text = expect(DONE, "explain", *MODEL, "in", "tcp", "198.51.100.9:1", "10.20.2.11:9005").stdout
    assert "unknown-peer: the other end is in no rule of this direction" in text
    answer = json.loads(expect(DONE, "explain", *MODEL, "--json", "out", "udp",
                               "[2001:db8:20:2::11]:5060", "[2001:db8:20:3::1]:5060").stdout)
    assert (answer["verdict"], answer["rule"]) == ("pass", "cyara/voice-6")
    assert "row 6" in answer["cite"]
    assert json.loads(expect(DONE, "explain", *MODEL, "--json", json.dumps(GOOD)).stdout)[
        "rule"] == "cyara/web-5"


def test_explain_of_bad_packets():
    assert "the direction is in" in usage_error("explain", *MODEL, "up", "tcp", "a", "b")
    assert "the protocol is tcp, udp or icmp" in usage_error("explain", *MODEL, "in", "x", "a", "b")
    assert "four words" in usage_error("explain", *MODEL, "in", "tcp", "10.20.1.11")
    assert '"x" is no port' in usage_error("explain", *MODEL, "in", "tcp", "10.20.1.11:x", "b")
    assert "is no port" in usage_error("explain", *MODEL, "in", "tcp", "10.20.1.11:70000", "b")
    assert "[2001:db8::1]:5060" in usage_error("explain", *MODEL, "in", "udp", "[2001:db8::1", "b")
    for text, right in [("fd77::2:6", "needs brackets, such as [fd77::2]:6\n"),
                        ("fd77::2", "needs brackets, such as [fd77::2]:443\n"),
                        ("[fd77::2]", "such as [fd77::2]:443\n"),
                        ("10.20.2.11", "write 10.20.2.11:PORT")]:
        assert right in usage_error("explain", *MODEL, "in", "udp", "fd77::1:5", text)
    expect(DONE, "explain", *MODEL, "in", "icmp", "fd77::1", "fd77::2")
    assert "give --site SITE too" in usage_error("explain", "--model", "in", "tcp", "a", "b")
    expect(POLICY, "explain", *MODEL, "in", "tcp", "nobody", "10.20.2.11:9005")
    expect(POLICY, "explain", *MODEL, '{"l4":"tcp"}')
    expect(POLICY, "explain", *MODEL, "{bad")


# ---------------------------------------------------------------- serve


def test_serve_refuses_bad_addresses():
    for address, words in [("9077", "write HOST:PORT"), ("foo", "write HOST:PORT"),
                           ("127.0.0.1:x", "is no port"), ("::1:9077", "in brackets")]:
        assert words in usage_error("serve", "--web.listen-address", address)
    result = expect(FAILED, "serve", "--web.listen-address", "192.0.2.1:0")
    assert "no interface here" in result.stderr


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_cleanly(end, tmp_path):
    """With pins that it can't have: pages answer all the same, health and metrics say why not."""
    command = [PROGRAM, "serve", "--web.listen-address", "127.0.0.1:0", "--pins", tmp_path / "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = json.loads(server.stdout.readline())["listening"]
        with urllib.request.urlopen(f"http://{address}/", timeout=30) as page:
            assert 'href="/metrics"' in page.read().decode()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{address}/healthz", timeout=30)
        assert refused.value.code == 503
        server.send_signal(end)
        assert server.wait(timeout=30) == DONE


# ---------------------------------------------------------------- pictures


def test_svg_needs_graphviz():
    result = expect(FAILED, "graph", SITE, "--format", "svg", environment={"PATH": "/nowhere"})
    assert result.stdout == ""
    assert "svg needs Graphviz" in result.stderr and "--format dot or mermaid" in result.stderr


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
@pytest.mark.parametrize("path", [SITE, POLICIES / "sites" / "demo.yaml", CATALOG, POLICIES / "voss.yaml"])
def test_svg_is_a_picture_of_every_role(path):
    root = xml.etree.ElementTree.fromstring(expect(DONE, "graph", path, "--format", "svg").stdout)
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for box in json.loads(expect(DONE, "graph", path, "--json").stdout)["boxes"]:
        assert box["name"].split("/")[-1] in texts
    assert "Legend" in texts


@pytest.mark.parametrize("command", ["matrix", "graph"])
def test_pictures_of_a_catalog_alone(command):
    own = expect(DONE, command, CATALOG, "--json").stdout
    assert "cyara/nuance-license-server" in own
    assert expect(POLICY, command, "/nowhere/at.yaml").stdout == ""


def test_html_of_the_matrix_is_whole():
    page = expect(DONE, "matrix", SITE, "--format", "html").stdout
    opened = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "br"):
                opened.append(tag)
            assert not any(name in ("src", "href") for name, _ in attrs)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Reader().feed(page)
    assert opened == []


# ---------------------------------------------------------------- completion


def complete(*words):
    """What bash offers for the last word."""
    script = (f"source {ROOT}/scripts/completion/sallyport.bash; compopt() {{ :; }}; "
              f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
              '_sallyport; printf "%s\\n" "${COMPREPLY[@]}"')
    path = f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                            env={"PATH": path, "HOME": "/"})
    return result.stdout.split()


@pytest.mark.skipif(os.path.basename(PROGRAM) != "sallyport", reason="it calls sallyport by name")
def test_completion():
    assert complete("sallyport", "''") == COMMANDS
    assert complete("sallyport", "exp") == ["export", "explain"]
    assert complete("sallyport", "trace", "--mod") == ["--model"]
    assert complete("sallyport", "--catalogs", "policies", "sho") == ["show"]
    assert complete("sallyport", "apply", "--xdp-mode", "g") == ["generic"]
    assert complete("sallyport", "graph", "--format", "s") == ["svg"]
    assert complete("sallyport", "matrix", "--format", "m") == ["markdown"]
    assert complete("sallyport", "who", "re") == ["reach", "reaches"]
    assert set(complete("sallyport", "show", "--")) == set(options_of("show"))
