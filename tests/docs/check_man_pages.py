# SPDX-License-Identifier: Apache-2.0
"""mandoc has nothing to say about any built page, and every page of ours that one refers to exists."""
import re
import subprocess

import tree

# scdoc puts a paragraph macro before every list and after every heading, where it does nothing.
NOISE = "skipping paragraph macro"


def problems():
    pages = sorted(p for p in (tree.BUILD / "docs").glob("*.[0-9]"))
    names = {p.name for p in pages}
    if not pages:
        yield "there are no pages; is scdoc installed?"
    for source in sorted((tree.ROOT / "docs/man").glob("*.scd")):
        if source.name.removesuffix(".scd") not in names:
            yield f"docs/man/{source.name} is not built; docs/CMakeLists.txt lists the pages"
    for page in pages:
        lint = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True, text=True)
        for line in (lint.stdout + lint.stderr).splitlines():
            if NOISE not in line:
                yield line
        for name, section in re.findall(r"\b(dlfw[a-z.-]*)\(([0-9])\)", tree.page_text(page.name)):
            if f"{name}.{section}" not in names:
                yield f"{page.name}: refers to {name}({section}), which does not exist"


tree.finish(list(problems()))
