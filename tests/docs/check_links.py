# SPDX-License-Identifier: Apache-2.0
"""Every relative link in a Markdown file leads to a file of the tree, and its #part to a heading of that file."""
import re
import urllib.parse

import tree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def headings(path):
    """The names that GitHub and GitLab give to headings."""
    lines = re.findall(r"^#+ +(.*)$", FENCE.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def problems():
    for path in tree.markdown_files():
        text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text()))
        for link in LINK.findall(text):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, part = urllib.parse.unquote(link).partition("#")
            target = path.parent / name if name else path
            if not target.exists():
                yield f"{path.relative_to(tree.ROOT)}: '{link}' leads nowhere"
            elif part and part not in headings(target):
                yield f"{path.relative_to(tree.ROOT)}: '{link}': there is no such heading"


tree.finish(list(problems()))
