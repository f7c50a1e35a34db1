#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Caps on files and functions: lines of a file, lines and complexity of a function (pmccabe), width of a line, banned calls."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES, FUNCTION_LINES, COMPLEXITY, WIDTH = 600, 90, 20, 140
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gmtime|localtime|atoi|atol|system|rand|alloca|gets)\s*\(")
FOLDERS = ["core", "sdk", "plugins", "examples"]


def sources():
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.[ch]"))


def file_problems(path):
    lines = path.read_text().splitlines()
    name = path.relative_to(ROOT)
    if len(lines) > FILE_LINES:
        yield f"{name}: {len(lines)} lines, {FILE_LINES} are allowed"
    # REUSE-IgnoreStart
    if "SPDX-License-Identifier: Apache-2.0" not in (lines[0] if lines else ""):
        # REUSE-IgnoreEnd
        yield f"{name}:1: no SPDX line"
    for number, line in enumerate(lines, 1):
        if len(line) > WIDTH:
            yield f"{name}:{number}: {len(line)} columns, {WIDTH} are allowed"
        if BANNED.search(line) and not line.lstrip().startswith(("*", "/*")):
            yield f"{name}:{number}: banned call '{BANNED.search(line).group(1)}'"


def function_problems():
    files = [str(p) for p in sources() if p.suffix == ".c"]
    out = subprocess.run(["pmccabe", *files], capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        modified, _, _, _, length, place = row.split("\t")[:6]
        place = place.replace(str(ROOT) + "/", "")
        if int(length) > FUNCTION_LINES:
            yield f"{place}: {length} lines, {FUNCTION_LINES} are allowed"
        if int(modified) > COMPLEXITY:
            yield f"{place}: complexity {modified}, {COMPLEXITY} is allowed"


def main():
    problems = [p for path in sources() for p in file_problems(path)]
    problems += list(function_problems())
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
