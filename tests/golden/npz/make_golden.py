#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the npz and npy files of this folder with numpy, and expected.txt, which says what a reader must find in them.

Run once by hand; the results are committed. Lines of expected.txt:
  ok FILE MEMBER SAMPLES ITEM_BYTES SAMPLE_BYTES CRC32      CRC-32 of all samples' items, one sample after the other
  fail FILE MEMBER SAMPLES STATUS WORD                      reading fails so, WORD is in the message
MEMBER is the option "member", "-" when it is not set.
"""
import io
import os
import zipfile
import zlib

import numpy as np
from numpy.lib import format as npf

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = []


def values(shape, dtype):
    count = int(np.prod(shape, dtype=np.int64))
    return (np.arange(count, dtype=np.int64) * 7919 % 251).astype(dtype).reshape(shape)


def npy(array, version=None):
    out = io.BytesIO()
    npf.write_array(out, array, version=version)
    return out.getvalue()


def expect(name, array, samples=1, member="-"):
    order = "F" if np.isfortran(array) else "C"  # items come as they are stored
    if samples > 1:
        data = b"".join(array[..., k].tobytes(order) for k in range(samples))
    else:
        data = array.tobytes(order)
    lines.append(f"ok {name} {member} {samples} {array.itemsize} {len(data) // samples} {zlib.crc32(data):08x}")


def refuse(name, status, word, samples=1, member="-"):
    lines.append(f"fail {name} {member} {samples} {status} {word}")


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that zipfile writes data descriptors."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


def write_zip(name, members, comment=b"", method=zipfile.ZIP_STORED, pipe=False, zip64=False):
    out = Pipe() if pipe else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for member, data in members:
            info = zipfile.ZipInfo(member)
            info.compress_type = method
            with z.open(info, "w", force_zip64=zip64) as f:
                f.write(data)
        z.comment = comment
    with open(name, "wb") as f:
        f.write(out.data if pipe else out.getvalue())


x1 = values((8, 9, 1), "u1")
y1 = np.zeros(1, "i8")
np.savez("stored.npz", x=x1, y=y1)
expect("stored.npz", x1)
x4 = values((4, 3, 4), "u1")
np.savez("stored_n4.npz", x=x4, y=np.zeros(4, "i8"))
expect("stored_n4.npz", x4, 4)
expect("stored_n4.npz", x4, 1)
refuse("stored_n4.npz", "UNSUPPORTED", "(4, 3, 4)", 5)
np.savez_compressed("deflated.npz", x=values((40, 50, 1), "u1"), y=y1)
expect("deflated.npz", values((40, 50, 1), "u1"))
np.savez_compressed("deflated_n3.npz", x=values((10, 20, 3), "<f4"), y=np.zeros(3, "i8"))
expect("deflated_n3.npz", values((10, 20, 3), "<f4"), 3)
multi = {"weights": values((3, 5), "<f8"), "x": values((6, 2), "<i2"), "bias": values((5,), "<f8")}
np.savez("multi.npz", **multi)
expect("multi.npz", multi["x"])
expect("multi.npz", multi["weights"], member="weights")
expect("multi.npz", multi["bias"], member="bias.npy")
refuse("multi.npz", "NOT_FOUND", "nothere", member="nothere")
np.savez("no_x.npz", data=values((7,), "u1"), labels=y1)
expect("no_x.npz", values((7,), "u1"))
np.savez("y_first.npz", y=y1, x=x1)
expect("y_first.npz", x1)
many = {f"array_{i:02d}": values((i % 5,), "u1") for i in range(40)}
np.savez("many.npz", **many, x=x1)
expect("many.npz", x1)
for dtype in ("<f4", "<i8", "|b1", ">f8", "<c16", "<f2"):
    name = {"|b1": "bool", "<c16": "complex128", ">f8": "float64_big"}.get(dtype, np.dtype(dtype).name)
    array = values((3, 4, 2), dtype)
    np.savez(f"{name}.npz", x=array, y=np.zeros(2, "i8"))
    expect(f"{name}.npz", array, 2)
array = np.asfortranarray(values((5, 4, 3), "<i4"))
np.savez("fortran.npz", x=array, y=np.zeros(3, "i8"))
expect("fortran.npz", array, 3)
np.savez("scalar.npz", x=np.float32(1.5), y=y1)
expect("scalar.npz", np.array(1.5, "<f4"))
refuse("scalar.npz", "UNSUPPORTED", "()", 2)
np.savez("empty.npz", x=np.zeros((4, 0, 2), "<f4"), y=np.zeros(2, "i8"))
expect("empty.npz", np.zeros((4, 0, 2), "<f4"), 2)
write_zip("npy_v2.npz", [("x.npy", npy(x1, (2, 0))), ("y.npy", npy(y1))])
expect("npy_v2.npz", x1)
write_zip("npy_v3.npz", [("x.npy", npy(x1, (3, 0))), ("y.npy", npy(y1))])
expect("npy_v3.npz", x1)
write_zip("comment.npz", [("x.npy", npy(x1)), ("y.npy", npy(y1))], comment=b"made for a test. " * 100)
expect("comment.npz", x1)
write_zip("descriptor.npz", [("x.npy", npy(x1)), ("y.npy", npy(y1))], pipe=True)
expect("descriptor.npz", x1)
write_zip("descriptor_deflated.npz", [("x.npy", npy(x1)), ("y.npy", npy(y1))], pipe=True, method=zipfile.ZIP_DEFLATED)
expect("descriptor_deflated.npz", x1)
limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 40, 1  # so that every record is a ZIP64 one
write_zip("zip64.npz", [("x.npy", npy(x1)), ("y.npy", npy(y1))], zip64=True)
write_zip("zip64_comment.npz", [("x.npy", npy(x4)), ("y.npy", npy(np.zeros(4, "i8")))], zip64=True, comment=b"c" * 1500)
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits
expect("zip64.npz", x1)
expect("zip64_comment.npz", x4, 4)
write_zip("bzip2.npz", [("x.npy", npy(x1))], method=zipfile.ZIP_BZIP2)
refuse("bzip2.npz", "UNSUPPORTED", "method")
np.savez("objects.npz", x=np.array([{"a": 1}, None], dtype=object), y=y1)
refuse("objects.npz", "UNSUPPORTED", "pickled")
np.savez("text.npz", x=np.array(["ab", "c"]), y=y1)
refuse("text.npz", "UNSUPPORTED", "'<U2'")
np.savez("records.npz", x=np.zeros(3, dtype=[("a", "<i4"), ("b", "<f4")]), y=y1)
refuse("records.npz", "UNSUPPORTED", "records")
write_zip("no_arrays.npz", [("readme.txt", b"nothing here")])
refuse("no_arrays.npz", "NOT_FOUND", "readme.txt")
write_zip("nothing.npz", [])
refuse("nothing.npz", "NOT_FOUND", "empty")
write_zip("not_an_array.npz", [("x.npy", b"plain text, not an array")])
refuse("not_an_array.npz", "CORRUPT", "magic")

for name, array, samples in (
    ("plain", x1, 1),
    ("n4", x4, 4),
    ("fortran", np.asfortranarray(values((5, 4, 3), "<i4")), 3),
    ("float64", values((2, 3, 2), "<f8"), 2),
    ("scalar", np.array(7, "<i8"), 1),
    ("empty", np.zeros((0, 2), "<f4"), 1),
    ("vector", values((11,), "<u2"), 1),
):
    np.save(f"{name}.npy", array)
    expect(f"{name}.npy", array, samples)
with open("v3.npy", "wb") as f:
    f.write(npy(x4, (3, 0)))
expect("v3.npy", x4, 4)
np.save("objects.npy", np.array([None], dtype=object))
refuse("objects.npy", "UNSUPPORTED", "pickled")

with open("expected.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
