# SPDX-License-Identifier: Apache-2.0
"""docs/configuration.md mentions every key of the run file, dlfw.yaml(5) every key with its default, and neither a key that is none."""
import pathlib
import re
import tempfile

import tree


DERIVED = {"reader.data_loader"}  # the default depends on another key


def defaults():
    """{key: default}, from the program."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "run.yaml"
        file.write_text("framework: tensorflow\n")  # the default
        return {key: entry["value"] for key, entry in tree.dlfw_json("config", "show", "--json", file).items()}


def same(written, value):
    """Whether a default as text is the program's value."""
    if isinstance(value, bool) or value is None:
        return written == {True: "true", False: "false", None: None}[value]
    try:
        return float(written) == float(value)
    except (TypeError, ValueError):
        return written == str(value)


def page_problems(keys):
    """The page states each key as '*a.b* (facts, default x)' at the beginning of a line."""
    text = (tree.ROOT / "docs/man/dlfw.yaml.5.scd").read_text().replace("\\", "")
    listed = {}
    for key, facts in re.findall(r"^\*([a-z0-9_.]+)\*(?: \((.*)\))?$", text, re.M):
        default = re.search(r"^(?:.*, )?default (\S+)$", facts)
        listed[key] = default[1] if default else None
    for key, value in keys.items():
        if key not in listed:
            yield f"dlfw.yaml.5.scd: there is no '{key}'"
        elif key not in DERIVED and not same(listed[key], value):
            yield f"dlfw.yaml.5.scd: the default of '{key}' is {value}, not {listed[key]}"
    for key in sorted(listed.keys() - keys.keys()):
        yield f"dlfw.yaml.5.scd: '{key}' is no key"


def mentions(text):
    """What stands in backticks, split into words, so that `a.b`, `.b` and `c.*` are seen."""
    words = set()
    for quoted in re.findall(r"`([^`\n]+)`", text):
        words.update(re.findall(r"[A-Za-z0-9_.*]+", quoted))
    return words


def document_problems(keys):
    """Below the heading that names a section its keys may stand alone; elsewhere with the section in front."""
    text = (tree.ROOT / "docs/configuration.md").read_text()
    everywhere = mentions(text)
    sections = {}
    for heading, body in re.findall(r"^#{2,3} +(.*)\n((?:(?!^#{1,3} ).*\n?)*)", text, re.M):
        for word in re.findall(r"\w+", heading):
            sections.setdefault(word, set()).update(mentions(body))
    for key in keys:
        section, _, rest = key.partition(".")
        here = sections.get(section, set())
        last = key.rpartition(".")[2]
        parents = [rest[:i] for i, c in enumerate(rest) if c == "."]
        alone = {rest, f".{last}"} | {f"{parent}.*" for parent in parents} if rest else set()
        if key not in everywhere and not here & alone:
            yield f"configuration.md: '{key}' is not mentioned"


keys = defaults()
tree.finish(list(page_problems(keys)) + list(document_problems(keys)))
