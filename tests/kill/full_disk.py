# SPDX-License-Identifier: Apache-2.0
"""full_disk.py BUILD FOLDER: saves checkpoints into FOLDER, a small file system, until it is full. The run fails; what was complete verifies and
loads; cleaning finds nothing, or what had no room to be removed; after removing a checkpoint saving goes on."""
import pathlib
import sys

from kill_rounds import Round


def fails(one, *ways):
    try:
        one.dlfw("run", one.config, *ways)
    except AssertionError as why:
        if "No space left" not in str(why) and "no space" not in str(why).lower():
            raise
        return
    raise AssertionError("a full disk made no error")


def main():
    build, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    one = Round(build, folder)
    results = pathlib.Path(sys.argv[1]).resolve() / "full-disk-results"
    for ways in (["++checkpoint.compress=none"], ["++checkpoint.compress=zstd"], ["++checkpoint.compress=none", "++checkpoint.fsync=True"]):
        fails(one, *ways, f"++output.folder={results}")
        names = [c["name"] for c in one.listed()]
        if len(names) < 3:
            raise AssertionError(f"only {names} in 16 MiB")
        one.dlfw("checkpoint", "verify", one.store, "--all")
        one.dlfw("clean", one.store)
        known = [f for f in one.files() if not one.names_of([f]) <= set(names)]
        if known:
            raise AssertionError(f"left: {known}")
        one.dlfw("checkpoint", "rm", one.store, names[0])
        one.dlfw("run", one.config, "++checkpoint.num_checkpoints_write=1", *ways, f"++output.folder={results}")
        one.dlfw("checkpoint", "rm", one.store, "--all")
    print("full disk: good")


if __name__ == "__main__":
    main()
