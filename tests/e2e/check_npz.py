#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Re-reads generated npz and npy files with numpy, the reference for both formats.

usage: check_npz.py DIR NAME=SHAPE,DTYPE,SIZE[,CRC32] ...

NAME is relative to DIR; SHAPE is that of the array with the sample axis last (64x64x1); SIZE is the
file's, "-" when it is not known ahead (compression); CRC32 is that of the array's bytes in C order.
DIR must hold exactly the named files. An npz must hold x and y in this order, y being int64 zeros,
one per sample. Every member's CRC is checked by reading it. Prints one line per file that is wrong;
exit status 1 then.
"""
import os
import sys
import zipfile
import zlib

import numpy as np


def load(path):
    if path.endswith(".npy"):
        return np.load(path, allow_pickle=False), None
    with zipfile.ZipFile(path) as z:
        names = z.namelist()
        bad = z.testzip()
    if names != ["x.npy", "y.npy"] or bad:
        raise ValueError(f"members {names}, damaged: {bad}")
    with np.load(path, allow_pickle=False) as f:
        return f["x"], f["y"]


def check(path, want):
    fields = want.split(",")
    shape = tuple(int(d) for d in fields[0].split("x"))
    dtype = np.dtype(fields[1])
    x, y = load(path)
    if x.shape != shape or x.dtype != dtype:
        return f"array {x.shape} {x.dtype}, expected {shape} {dtype}"
    if y is not None and (y.shape != shape[-1:] or y.dtype != np.int64 or y.any()):
        return f"labels {y.shape} {y.dtype}, expected {shape[-1:]} int64 zeros"
    if fields[2] != "-" and os.path.getsize(path) != int(fields[2]):
        return f"{os.path.getsize(path)} bytes, expected {fields[2]}"
    if len(fields) > 3 and zlib.crc32(x.tobytes()) != int(fields[3], 16):
        return "other array bytes than expected"
    return None


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    root = sys.argv[1]
    expected = dict(argument.split("=", 1) for argument in sys.argv[2:])
    found = {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}
    problems = [f"{name}: unexpected file" for name in sorted(found - expected.keys())]
    for name, want in expected.items():
        try:
            problem = check(os.path.join(root, name), want)
        except Exception as error:  # whatever numpy says is the finding
            problem = f"numpy cannot read it: {error}"
        if problem:
            problems.append(f"{name}: {problem}")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
