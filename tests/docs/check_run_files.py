# SPDX-License-Identifier: Apache-2.0
"""Every run file in examples/run, and every complete one that the documentation shows, passes dlfw validate."""
import pathlib
import re
import tempfile

import tree


def is_complete(text):
    return re.search(r"^ *dataset:", text, re.M) and re.search(r"^ *reader:", text, re.M)


def shown():
    """(where, text) of each complete run file in a code block."""
    blocks = [(path, r"^```yaml\n(.*?)^```") for path in tree.markdown_files()]
    blocks += [(path, r"^```\n(.*?)^```") for path in sorted((tree.ROOT / "docs/man").glob("*.scd"))]
    for path, pattern in blocks:
        text = path.read_text()
        for block in re.finditer(pattern, text, re.M | re.S):
            if is_complete(block[1]):
                yield f"{path.relative_to(tree.ROOT)}:{text.count(chr(10), 0, block.start()) + 1}", block[1]


examples = sorted((tree.ROOT / "examples/run").glob("*.yaml"))
problems = [] if examples else ["examples/run is empty"]
with tempfile.TemporaryDirectory() as folder:
    for example in examples:
        print(example.name)
        tree.dlfw("validate", "--strict", example, cwd=folder)
    for where, text in shown():
        print(where)
        file = pathlib.Path(folder) / "shown.yaml"
        file.write_text(text)
        tree.dlfw("validate", file, cwd=folder)
tree.finish(problems)
