# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark runs, with whichever other enforcers are installed, and its report is written. Nothing is said of its
figures: a benchmark is no test."""

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

from namespaces import ROOT, run

BENCH = ROOT / "build" / "tests" / "bench"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """As `make bench` leaves them, of the shortest run there is."""
    assert os.geteuid() == 0, "the benchmark loads programs: run it as root"
    folder = tmp_path_factory.mktemp("results")
    for name in ("bench", "wire"):
        done = run(BENCH / name, "--smoke", "--seed", "3", "--json", folder / f"{name}.json", timeout=300)
        (folder / f"{name}.md").write_text(done.stdout)
    return folder


def read(results, name):
    return json.loads((results / f"{name}.json").read_text())


def test_everybody_who_is_there_is_measured(results):
    found = read(results, "bench")
    for family in (4, 6):
        measured = {(result["contender"], result["way"]) for result in found["results"]
                    if result["family"] == family and "total_ns" in result}
        assert {("XDP floor", "program"), ("flat", "program"), ("maps", "program")} <= measured
        # A kernel without nf_tables, a machine without a command: that is said.
        for name, way in (("stack", "stack"), ("flat", "stack"), ("nft netdev", "stack"),
                          ("nft conntrack", "stack"), ("iptables + ipset", "stack"), ("xdp-filter", "program")):
            assert (name, way) in measured or any(name in absent or "in the stack" in absent
                                                  for absent in found["absent"]), name


def test_every_goal_is_told(results):
    found = read(results, "bench")
    assert {goal["goal"] for goal in found["goals"]} == {str(number) for number in range(1, 11)}
    for goal in found["goals"]:
        assert ("met" in goal) != ("not_measured" in goal)


def test_the_table_says_where_and_how_it_was_measured(results):
    text = (results / "bench.md").read_text()
    assert os.uname().release in text and "Seed 3" in text
    assert "| in rule |" in text and "| unknown peer |" in text and "not met" in text


def test_calls_and_floods_over_the_wire(results):
    found = read(results, "wire")
    sent = {row["sent"] for row in found["rows"]}
    assert len(sent) == 5
    for row in found["rows"]:
        assert row["received_pps"] > 0, row


def test_the_report_is_written(results, tmp_path):
    page = tmp_path / "performance.md"
    shutil.copy(ROOT / "docs" / "performance.md", page)
    run("/usr/bin/python3", "-B", ROOT / "tests" / "bench" / "report.py", results, tmp_path)
    text = page.read_text()
    assert "Seed 3" in text and text.count("<!-- bench -->") == text.count("<!-- /bench -->") == 1
    picture = xml.etree.ElementTree.parse(tmp_path / "performance.svg").getroot()
    assert picture.tag.endswith("svg")


def test_wrong_words_are_refused():
    for name in ("bench", "wire"):
        done = subprocess.run([BENCH / name, "--fast"], check=False, capture_output=True, text=True)
        assert done.returncode == 2 and "usage:" in done.stderr
