#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the includes to the layers: core folders only include what lies below them, plugins only the SDK and their own folder."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ["dropin", "cmd", "sweep", "rules", "view", "train", "report", "loader", "ranks", "workload", "transfer", "io", "plugin", "config", "base"]
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def includes(path):
    return INCLUDE.findall(path.read_text())


def core_problem(path, include):
    folder = path.relative_to(ROOT / "core").parts[0]
    top = include.split("/")[0]
    if folder == "main.c":
        return None
    if top in ("dlfw", "host"):
        return None
    if top not in CORE:
        return None if (path.parent / include).exists() else f"includes '{include}', which is neither core nor SDK"
    if CORE.index(top) < CORE.index(folder):
        return f"includes '{include}', which lies above '{folder}'"
    return None


def plugin_problem(path, include):
    if include.startswith("dlfw/"):
        return None
    target = (path.parent / include).resolve()
    own = path.relative_to(ROOT / "plugins").parts[:2]
    if target.exists() and target.is_relative_to(ROOT / "plugins"):
        other = target.relative_to(ROOT / "plugins").parts[:2]
        if other == own or other[1] == "common":
            return None
    common = ROOT / "plugins" / own[0] / "common" / include.removeprefix("common/")
    if common.exists():
        return None
    return f"includes '{include}', which is neither the SDK's nor its own"


def sdk_problem(path, include):
    if (ROOT / "core" / include).exists() and not (path.parent / include).exists():
        return f"includes '{include}' of core"
    return None


def main():
    problems = []
    rules = [("core", core_problem), ("plugins", plugin_problem), ("sdk", sdk_problem)]
    for folder, rule in rules:
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            if "template" in path.parts:
                continue
            for include in includes(path):
                problem = rule(path, include)
                if problem:
                    problems.append(f"{path.relative_to(ROOT)}: {problem}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
