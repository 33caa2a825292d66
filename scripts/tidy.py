#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Style that the compilers do not look at, as a test: make lint.

Function and file length, licence lines, which stage includes which, files that nothing builds, trailing blanks,
and generated files that no longer equal what their generator makes.
"""
import pathlib
import re
import subprocess
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 900
# The pipeline as the Makefile lists it: a stage includes only itself and those before it.
STAGES = ["PARSE", "RESOLVE", "COMPILE", "JUDGE", "KERNEL", "ATTACH", "ACCOUNT", "COMMANDS"]
# Only these may see libbpf.
BPF_STAGES = {"KERNEL", "ATTACH", "ACCOUNT", "COMMANDS"}
LICENCES = {
    "bpf": "GPL-2.0-only",
    "vmlinux": "GPL-2.0-only",
    "include": "GPL-2.0-only OR BSD-2-Clause",
    "user": "BSD-2-Clause",
    "tests": "BSD-2-Clause",
    "scripts": "BSD-2-Clause",
}
GENERATED = [("tests/policy/cyara.jsonl", ["/usr/bin/python3", "tests/policy/generate_cyara.py", "-"])] + [
    (f"tests/policy/{name}.jsonl", ["/usr/bin/python3", "tests/policy/generate_catalogs.py", name])
    for name in ("audiocodes-lpdm", "genesys-cloud", "voss")] + [
    (f"tests/policy/genesys-client-port.{ending}",
     ["/usr/bin/python3", "tests/policy/generate_client_ports.py", what])
    for ending, what in (("yaml", "site"), ("jsonl", "packets"))]

findings = []


def find(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def tracked():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True,
                           text=True).stdout.split("\n")
    return [pathlib.Path(name) for name in names if name and pathlib.Path(name).exists()]


def check_functions(path, lines):
    start, name = None, ""
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
            for before in reversed(lines[:number - 1]):
                if before and not before[0].isspace():
                    name = before.split("(")[0].split()[-1].lstrip("*") if "(" in before else before
                    break
        elif line == "}" and start:
            if number - start - 1 > FUNCTION_LINES_MAX:
                find(path, start, f"{name} has {number - start - 1} lines, more than {FUNCTION_LINES_MAX}")
            start = None


def check_text(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            find(path, number, "blanks at the end of the line")
    if path.suffix in (".c", ".h", ".py", ".sh", ".scd") and len(lines) > FILE_LINES_MAX:
        find(path, len(lines), f"{len(lines)} lines, more than {FILE_LINES_MAX}: is it still one noun?")


def check_licence(path, lines):
    wanted = LICENCES.get(path.parts[0])
    if not wanted or path.suffix not in (".c", ".h", ".py", ".sh"):
        return
    found = re.search(r"SPDX-License-Identifier: (.*?)\s*(\*/)?$", "\n".join(lines[:3]), re.M)
    expected = "GPL-2.0-only" if path.name.endswith(".bpf.c") else wanted
    if not found or found.group(1) != expected:
        find(path, 1, f"wants an SPDX line with {expected}")


def stages():
    makefile = pathlib.Path("Makefile").read_text().replace("\\\n", " ")
    stage_of = {}
    for index, stage in enumerate(STAGES):
        for module in re.search(rf"^{stage} := (.*)$", makefile, re.M).group(1).split():
            stage_of[module] = index
    return stage_of


def check_includes(paths):
    stage_of = stages()
    stage_of["main"] = len(STAGES)
    for path in paths:
        if path.parts[0] != "user" or path.suffix not in (".c", ".h"):
            continue
        if path.suffix == ".c" and path.stem not in stage_of:
            find(path, 1, "is in no list of the Makefile: nothing builds it")
            continue
        if path.stem not in stage_of:
            continue
        mine = stage_of[path.stem]
        for number, line in enumerate(path.read_text().split("\n"), 1):
            include = re.match(r'#include ([<"])(.*?)[>"]', line)
            if not include:
                continue
            if include.group(1) == '"':
                theirs = stage_of.get(pathlib.Path(include.group(2)).stem)
                if theirs is not None and theirs > mine:
                    find(path, number, f"stage {STAGES[mine]} includes {include.group(2)} of the later "
                                       f"{STAGES[theirs]}")
            elif include.group(2).startswith("bpf/") and mine < len(STAGES) and STAGES[mine] not in BPF_STAGES:
                find(path, number, f"stage {STAGES[mine]} has nothing to do with libbpf")


def check_generated():
    for name, command in GENERATED:
        made = subprocess.run(command, check=True, capture_output=True).stdout
        if made != pathlib.Path(name).read_bytes():
            find(name, 1, "is not what " + " ".join(command) + " makes: run it, and read the difference")


def main():
    paths = tracked()
    for path in paths:
        if path.suffix not in (".c", ".h", ".py", ".sh", ".scd", ".md", ".yaml") or "golden" in path.parts:
            continue
        lines = path.read_text().split("\n")
        check_text(path, lines)
        check_licence(path, lines)
        if path.suffix in (".c", ".h") and path.name != "vmlinux.h":
            check_functions(path, lines)
    check_includes(paths)
    check_generated()
    for finding in sorted(findings):
        print(finding)
    print(f"tidy: {len(paths)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
