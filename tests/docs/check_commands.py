# SPDX-License-Identifier: Apache-2.0
"""Every command has a manual page that mentions every option of its --help, completion offers the same options, and dlfw(1) names all."""
import re

import tree

OPTION = re.compile(r"--[a-z][a-z-]+")


def commands():
    return re.findall(r"^  ([a-z-]+) +\S", tree.dlfw("help"), re.M)


def offered(command):
    """Options that completion knows for a command, whatever its sub-command."""
    usage = tree.dlfw(command, "--help")
    subs = set(re.findall(rf"dlfw {command} ([a-z]+)\b", usage))
    words = set(tree.dlfw("complete", command, "--").split())
    for sub in subs:
        words |= set(tree.dlfw("complete", command, sub, "--").split())
    return words - {"--help"}


def problems():
    overview = tree.page_text("dlfw.1") or ""
    names = commands()
    if len(names) < 5:
        yield f"dlfw help lists only {names}"
    for name in names:
        options = set(OPTION.findall(tree.dlfw(name, "--help")))
        if not re.search(rf"^ +{name}\b", overview, re.M):
            yield f"dlfw(1) does not name '{name}'"
        if name == "complete":  # for the shells' scripts; dlfw(1) says all
            continue
        page = tree.page_text(f"dlfw-{name}.1")
        if page is None:
            yield f"there is no dlfw-{name}(1)"
            continue
        known = set(OPTION.findall(page))
        # dlfw-generate(1) refers to dlfw-run(1) for what they share
        if "dlfw-run(1)" in page:
            known |= set(OPTION.findall(tree.page_text("dlfw-run.1")))
        for option in sorted(options - known):
            yield f"dlfw-{name}(1) does not mention {option}"
        for option in sorted(options ^ offered(name)):
            yield f"'{name}': {option} is in --help or in completion, not in both"


tree.finish(list(problems()))
