# SPDX-License-Identifier: Apache-2.0
"""Reads the stored configuration with the types that PyYAML gives: block mappings and lists, scalars plain or in double quotes. Anything
else is an error, so that a file that PyYAML might read in another way fails the test."""
import json
import re

WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None, "~": None, "": None}
INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)$")
FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9_]+)([eE][-+][0-9]+)?$")


def scalar(text):
    if text.startswith('"'):
        return json.loads(text)
    if text in ("{}", "[]"):
        return json.loads(text)
    if text[:1] in set("'{[&*!|>%@`"):
        raise ValueError(f"not a plain scalar: {text}")
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if INT.match(text):
        return int(text.replace("_", ""))
    if FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


def parse(text):
    lines = [(len(line) - len(line.lstrip(" ")), line.strip()) for line in text.splitlines() if line.strip()]
    value, rest = block(lines, 0)
    if rest:
        raise ValueError(f"cannot read from '{rest[0][1]}' on")
    return value


def block(lines, indent):
    """The value whose lines begin at indent, and the lines behind it."""
    if len(lines) == 1 and lines[0][1] in ("{}", "[]"):
        return scalar(lines[0][1]), []
    is_list = lines[0][1].startswith("- ")
    items = [] if is_list else {}
    while lines and lines[0][0] == indent and lines[0][1].startswith("- ") == is_list:
        text, lines = lines[0][1], lines[1:]
        if is_list:
            items.append(scalar(text[2:]))
            continue
        key, colon, value = text.partition(":")
        if not colon or key in items:
            raise ValueError(f"not one new key: '{text}'")
        if value.strip():
            items[key] = scalar(value.strip())
        else:
            if not lines or lines[0][0] <= indent:
                raise ValueError(f"nothing below '{key}'")
            items[key], lines = block(lines, lines[0][0])
    if lines and lines[0][0] > indent:
        raise ValueError(f"indentation of '{lines[0][1]}'")
    return items, lines
