# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the end-to-end tests: a host and its peer, made anew for each test and gone after it."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from namespaces import BPF_FS, V4, V6, Net, run  # noqa: E402


def pytest_configure():
    """A run that is told to end takes its namespaces with it, like one that is interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture
def net(tmp_path):
    assert os.geteuid() == 0, "these tests attach programs: run them as root"
    if run("stat", "-f", "-c", "%T", BPF_FS).stdout.strip() != "bpf_fs":
        run("mount", "-t", "bpf", "bpf", BPF_FS)
    made = Net(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=[V4, V6], ids=["v4", "v6"])
def family(request):
    return request.param


@pytest.fixture(params=["flat", "maps"])
def lookup(request):
    """Both encodings of the tables."""
    return request.param


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    """Programs of somebody else, one for XDP and one for tc, as one object file."""
    folder = tmp_path_factory.mktemp("foreign")
    source, made = folder / "foreign.bpf.c", folder / "foreign.bpf.o"
    source.write_text(
        "#define SEC(name) __attribute__((section(name), used))\n"
        'SEC("xdp") int somebody_else(void *context) { return 2; }\n'
        'SEC("tc") int their_filter(void *context) { return -1; }\n'
        'char LICENSE[] SEC("license") = "GPL";\n')
    run("clang", "-target", "bpf", "-O2", "-g", "-c", source, "-o", made)
    return made
