# SPDX-License-Identifier: Apache-2.0
"""Where the tree and the build lie, the program, and the manual pages as built. TEST_BUILD is the build folder."""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TEST_BUILD"])
DLFW = BUILD / "dlfw"


def dlfw(*arguments, cwd=None, status=0):
    """Standard output of dlfw; another exit status than the one expected ends the test with what the program said."""
    run = subprocess.run([DLFW, *arguments], cwd=cwd, capture_output=True, text=True)
    if status is not None and run.returncode != status:
        sys.exit(f"dlfw {' '.join(map(str, arguments))}: exit status {run.returncode}\n{run.stdout}{run.stderr}")
    return run.stdout


def dlfw_json(*arguments):
    return json.loads(dlfw(*arguments))


def markdown_files():
    """Every *.md of the tree, without build folders and what runs leave behind."""
    for path in sorted(ROOT.rglob("*.md")):
        if path.relative_to(ROOT).parts[0] not in ("build", ".git", "data", "hydra_log"):
            yield path


def page_text(name):
    """A built manual page as plain text on endless lines; None when there is no such page."""
    page = BUILD / "docs" / name
    if not page.is_file():
        return None
    text = subprocess.run(["mandoc", "-Tutf8", "-Owidth=1000", page], capture_output=True, text=True, check=True).stdout
    return re.sub(".\b", "", text)


def finish(problems):
    """Prints the problems, one per line; the exit status says whether there are any."""
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
