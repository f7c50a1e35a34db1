#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the HDF5 files of this folder with h5py (3.7, HDF5 1.10.8), and expected.txt, which says what a reader must find.

Run once by hand; the results are committed. Lines of expected.txt:
  ok FILE DATASET SAMPLES BY ITEM_BYTES SAMPLE_BYTES CRC32   BY: dlfw or library reads the metadata; CRC-32 of all samples
  fail FILE DATASET SAMPLES STATUS WORD                      reading fails so, WORD is in the message
DATASET is the option "dataset", "-" when it is not set.
"""
import os
import zlib

import h5py
import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = []


def values(shape, dtype="u1"):
    count = int(np.prod(shape, dtype=np.int64))
    return (np.arange(count, dtype=np.int64) * 7919 % 251).astype(dtype).reshape(shape)


class File(h5py.File):
    """sets: name -> (array, how create_dataset makes it)."""

    def __init__(self, name, libver="earliest", **more):
        super().__init__(name, "w", libver=libver, **more)

    def put(self, name, array, **how):
        return self.create_dataset(name, data=array, **how)


def expect(name, *arrays, by="dlfw", dataset="-", samples=None):
    """Sample i is row i of every array; with samples=1 of one array that has more rows, all of it."""
    n = len(arrays[0]) if samples is None else samples
    rows = [a[i] if n == len(a) else a for i in range(n) for a in arrays]
    data = b"".join(np.ascontiguousarray(r).tobytes() for r in rows)
    lines.append(f"ok {name} {dataset} {n} {by} {arrays[0].itemsize} {len(data) // n} {zlib.crc32(data):08x}")


def refuse(name, status, word, dataset="-", samples=0):
    lines.append(f"fail {name} {dataset} {samples} {status} {word}")


def simple(name, array, libver="earliest", by="dlfw", **how):
    with File(name, libver) as f:
        f.put("records_0", array, **how)
        f.put("labels", np.zeros(len(array), "i8"))
    expect(name, array, by=by)


def low_level(name, array, libver="earliest", by="dlfw", write=True, **calls):
    """A data set made with property list calls that h5py's upper layer does not have."""
    with File(name, libver) as f:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        for call, words in calls.items():
            getattr(plist, call)(*words)
        made = h5py.h5d.create(f.id, b"records_0", h5py.h5t.py_create(array.dtype), h5py.h5s.create_simple(array.shape), plist)
        if write:
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(array))
    expect(name, array, by=by)


# layouts
simple("default.h5", values((4, 3, 5)))
simple("latest.h5", values((4, 3, 5)), "latest")
simple("tree.h5", values((40, 6, 6)), chunks=(1, 3, 3))
simple("tree_edges.h5", values((5, 7, 6), "<i2"), chunks=(2, 3, 4))
simple("fixed.h5", values((5, 7, 6), "<f4"), "latest", chunks=(2, 3, 4))
simple("fixed_rows.h5", values((7, 5)), "latest", chunks=(2, 5))
simple("fixed_parts.h5", values((3, 6, 4), "<i2"), "latest", chunks=(1, 2, 4))
with File("reversed.h5", "latest") as f:
    d = f.create_dataset("records_0", (3, 6, 4), "<i2", chunks=(1, 2, 4))
    for at in reversed(range(9)):
        d.id.write_direct_chunk((at // 3, at % 3 * 2, 0), values((3, 6, 4), "<i2")[at // 3, at % 3 * 2:][:2].tobytes())
expect("reversed.h5", values((3, 6, 4), "<i2"))
simple("paged.h5", values((1100,)), "latest", chunks=(1,))
simple("single.h5", values((4, 3, 5)), "latest", chunks=(4, 3, 5))
low_level("implicit.h5", values((5, 7)), "latest", set_chunk=((2, 3),), set_alloc_time=(h5py.h5d.ALLOC_TIME_EARLY,))
low_level("compact.h5", values((4, 3)), set_layout=(h5py.h5d.COMPACT,))
low_level("compact_latest.h5", values((4, 3)), "latest", set_layout=(h5py.h5d.COMPACT,))
low_level("never.h5", np.zeros((4, 5), "u1"), write=False)
with File("missing.h5") as f:
    d = f.create_dataset("records_0", (6, 4), "<i4", chunks=(2, 2), fillvalue=7)
    d[2:4, 1] = 9
    expect("missing.h5", d[...])
with File("missing_latest.h5", "latest") as f:
    d = f.create_dataset("records_0", (6, 4), "<i4", chunks=(2, 2), fillvalue=-7, compression="gzip")
    d[2:4, 1] = 9
    expect("missing_latest.h5", d[...])
for name, libver in (("resized.h5", "earliest"), ("resized_latest.h5", "latest")):
    with File(name, libver) as f:
        d = f.put("records_0", values((4, 3, 5)), maxshape=(None, 3, 5), chunks=(1, 3, 5))
        d.resize(9, 0)
        d[4:9] = values((5, 3, 5)) + 1
        d.resize(7, 0)
        expect(name, d[...], by="library" if libver == "latest" else "dlfw")
with File("fixed_max.h5", "latest") as f:
    d = f.put("records_0", values((4, 5)), maxshape=(10, 9), chunks=(2, 2))
    expect("fixed_max.h5", d[...])
simple("tree2.h5", values((6, 4)), "latest", by="library", maxshape=(None, None), chunks=(1, 3), compression="gzip")

# filters
simple("gzip.h5", values((4, 9, 9)), chunks=(2, 9, 9), compression="gzip")
simple("gzip_latest.h5", values((4, 9, 9)), "latest", chunks=(1, 4, 5), compression="gzip", compression_opts=9)
simple("gzip_single.h5", values((4, 9, 9)), "latest", chunks=(4, 9, 9), compression="gzip")
simple("shuffle_gzip.h5", values((4, 9, 9), "<f8"), chunks=(2, 5, 9), compression="gzip", shuffle=True)
simple("fletcher.h5", values((4, 9, 9)), chunks=(1, 9, 9), fletcher32=True)
simple("all_filters.h5", values((4, 9, 9), "<i4"), "latest", chunks=(3, 9, 4), compression="gzip", shuffle=True, fletcher32=True)
low_level("fletcher_first.h5", values((4, 9), "<i2"), set_chunk=((2, 9),), set_fletcher32=(), set_deflate=(3,))
simple("lzf.h5", values((4, 30, 30)) // 60, chunks=(2, 30, 30), compression="lzf", shuffle=True)
simple("lzf_stored.h5", np.random.default_rng(1).integers(0, 255, (4, 20), "u1"), chunks=(2, 20), compression="lzf")
simple("scaleoffset.h5", values((6, 5), "<i4"), by="library", chunks=(2, 5), scaleoffset=8)
simple("scaleoffset_latest.h5", values((6, 5), "<i4"), "latest", by="library", chunks=(2, 5), scaleoffset=8)

# types
simple("bool.h5", values((4, 5)) > 100)
simple("bool_latest.h5", values((4, 5)) > 100, "latest")
for dtype in ("i1", "<u2", "<u4", "<u8", "<i8", "<f2", "<f4"):
    simple(f"type_{dtype.strip('<')}.h5", values((3, 2)).astype(dtype), "latest" if dtype[1] == "u" else "earliest")


def refused_type(name, array, word, **how):
    with File(name) as f:
        f.put("records_0", array, **how)
    refuse(name, "UNSUPPORTED", word)


refused_type("big_endian.h5", values((4, 5), ">i4"), "big-endian")
refused_type("big_endian_float.h5", values((4, 5), ">f4"), "big-endian")
refused_type("string.h5", np.array([b"a", b"bc"]), "string")
refused_type("compound.h5", np.zeros(4, [("a", "i4"), ("b", "f8")]), "compound")
refused_type("vlen.h5", np.array(["a", "b"], object), "variable length", dtype=h5py.string_dtype())
with File("none.h5") as f:
    f.put("records_0", np.zeros((0, 5), "u1"), maxshape=(None, 5), chunks=(1, 5))
refuse("none.h5", "CORRUPT", "no items")

# groups and names
for name, libver, by in (("many.h5", "earliest", "dlfw"), ("many_latest.h5", "latest", "library")):
    arrays = [values((3, 4)) + i for i in range(12)]
    with File(name, libver) as f:
        for i in reversed(range(12)):
            f.put(f"records_{i}", arrays[i])
        f.put("labels", np.zeros(3, "i8"))
    expect(name, *arrays, by=by)
with File("two.h5") as f:
    f.put("records_0", values((4, 3)))
    f.put("records_1", values((4, 2, 2)), chunks=(3, 2, 1), compression="gzip")
    f.put("labels", np.zeros(4, "i8"))
expect("two.h5", values((4, 3)), values((4, 2, 2)))
with File("gap.h5") as f:
    f.put("records_0", values((4, 3)))
    f.put("records_2", values((4, 3)))
refuse("gap.h5", "CORRUPT", "missing")
with File("unequal.h5") as f:
    f.put("records_0", values((4, 3)))
    f.put("records_1", values((5, 3)))
refuse("unequal.h5", "UNSUPPORTED", "rows")
with File("foreign.h5", "latest") as f:
    f.put("full", values((4, 3, 2), "<f4"))
    f.put("name", np.array([b"a"]))
    f.create_group("group")
expect("foreign.h5", values((4, 3, 2), "<f4"))
expect("foreign.h5", values((4, 3, 2), "<f4"), samples=1)
expect("foreign.h5", values((4, 3, 2), "<f4"), dataset="full")
refuse("foreign.h5", "NOT_FOUND", "other", dataset="other")
refuse("foreign.h5", "UNSUPPORTED", "no data set", dataset="group")
refuse("foreign.h5", "CORRUPT", "5", samples=5)
with File("ambiguous.h5") as f:
    f.put("images", values((4, 3)))
    f.put("masks", values((4, 3)) + 1)
    f.create_group("inner/deep").create_dataset("x", data=values((4, 2)))
    f["soft"] = h5py.SoftLink("/inner/deep/x")
refuse("ambiguous.h5", "UNSUPPORTED", "'images', 'masks'")
expect("ambiguous.h5", values((4, 3)) + 1, dataset="masks")
expect("ambiguous.h5", values((4, 2)), dataset="inner/deep/x")
expect("ambiguous.h5", values((4, 2)), dataset="/inner/deep/x")
expect("ambiguous.h5", values((4, 2)), dataset="soft", by="library")
with File("chunked_foreign.h5") as f:
    f.put("data", values((5, 4)), chunks=(2, 4))
expect("chunked_foreign.h5", values((5, 4)), samples=1)
with File("empty.h5") as f:
    f.create_group("nothing")
refuse("empty.h5", "UNSUPPORTED", "no data set")
with File("named_type.h5") as f:
    f["t"] = np.dtype("<i2")
    f.create_dataset("records_0", data=values((4, 3), "<i2"), dtype=f["t"])
expect("named_type.h5", values((4, 3), "<i2"), by="library")
for name, libver in (("attributes.h5", "earliest"), ("attributes_latest.h5", "latest")):
    with File(name, libver) as f:
        d = f.put("records_0", values((4, 3)))
        for i in range(6):
            d.attrs[f"a{i}"] = "text " * i
            f.attrs[f"b{i}"] = i
    expect(name, values((4, 3)))
with File("user_block.h5", userblock_size=1024) as f:
    f.put("records_0", values((4, 3)))
    f.put("more", values((4, 3)), chunks=(1, 3))
expect("user_block.h5", values((4, 3)))
expect("user_block.h5", values((4, 3)), dataset="more")
with File("user_block_latest.h5", "latest", userblock_size=512) as f:
    f.put("records_0", values((6, 4)), chunks=(1, 4), maxshape=(None, 4), compression="gzip")
expect("user_block_latest.h5", values((6, 4)), by="library")
with File("virtual.h5", "latest") as f:
    layout = h5py.VirtualLayout((4, 3), "u1")
    layout[...] = h5py.VirtualSource("default.h5", "records_0", (4, 3, 5))[:, :, 0]
    f.create_virtual_dataset("records_0", layout)
refuse("virtual.h5", "UNSUPPORTED", "other files")
with File("external.h5") as f:
    f.create_dataset("records_0", (4, 3), "u1", external=[("elsewhere", 0, 12)])
refuse("external.h5", "UNSUPPORTED", "other files")
os.path.exists("elsewhere") and os.remove("elsewhere")

with open("expected.txt", "w") as out:
    out.write("\n".join(lines) + "\n")
