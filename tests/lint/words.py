#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Words that must not be in the tree: unfinished work, machine paths."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = re.compile(r"""\b(TODO|FIXME|XXX|HACK)\b|(^|[\s"'=:])/(work|root)/""")
SKIP = {"tests/lint/words.py"}


def main():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    problems = []
    for name in files:
        path = ROOT / name
        if name in SKIP or name.startswith("tests/fuzz/corpus/") or not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if WORDS.search(line):
                problems.append(f"{name}:{number}: {line.strip()}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
