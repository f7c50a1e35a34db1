#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the Parquet files of this folder with pyarrow, and expected.txt, which says what decode: columns must find in them.

Run once by hand; the results are committed. Lines of expected.txt:
  ok FILE SELECT UNITS ROWS ROW_BYTES CRC32     CRC-32 of all rows: per row the selected columns' values in the schema's order, little endian
  fail FILE SELECT STATUS WORD                  reading fails so, WORD is in the message
SELECT is the option "select", "-" when it is not set.
"""
import decimal
import os
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = []
rng = np.random.default_rng(4)

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]


def column(dtype, rows, items=1, distinct=None):
    """Any bits: every value of the type may come up, NaN included."""
    width = np.dtype(dtype).itemsize
    if distinct:
        return rng.choice(column(dtype, distinct), rows * items)
    return np.frombuffer(rng.bytes(rows * items * width), dtype)


def rows_of(columns, rows):
    """columns: arrays of rows * items values."""
    return np.hstack([np.ascontiguousarray(c).view(np.uint8).reshape(rows, -1) for c in columns]).tobytes()


def expect(name, columns, rows, groups, select="-"):
    data = rows_of(columns, rows)
    lines.append(f"ok {name} {select} {groups} {rows} {len(data) // rows} {zlib.crc32(data):08x}")


def refuse(name, status, word, select="-"):
    lines.append(f"fail {name} {select} {status} {word}")


def write(name, table, **options):
    pq.write_table(table, name, **options)


def scalars(rows, distinct=None):
    arrays = {t: column(t, rows, distinct=distinct) for t in DTYPES}
    flags = rng.integers(0, 2, rows, dtype=np.uint8)
    table = pa.table({**{t: pa.array(a) for t, a in arrays.items()}, "bool": pa.array(flags.astype(bool))})
    return table, [*arrays.values(), flags]


def every_codec_and_page():
    for codec in ("none", "snappy", "gzip", "zstd"):
        for version in ("1.0", "2.0"):
            for dictionary in (False, True):
                table, arrays = scalars(40, distinct=9 if dictionary else None)
                name = f"{codec}_v{version[0]}_{'dictionary' if dictionary else 'plain'}.parquet"
                write(name, table, compression=codec, data_page_version=version, use_dictionary=dictionary, write_page_checksum=True)
                expect(name, arrays, 40, 1)
                expect(name, [arrays[1], arrays[9]], 40, 1, "int8,float32")
    for codec in ("lz4", "brotli"):
        write(f"{codec}.parquet", scalars(10)[0], compression=codec)
        refuse(f"{codec}.parquet", "UNSUPPORTED", "SNAPPY")


def row_groups_and_pages():
    table, arrays = scalars(25)
    write("groups.parquet", table, row_group_size=7)
    expect("groups.parquet", arrays, 25, 4)
    table = pa.table({"x": pa.array(column("int32", 3000)), "y": pa.array(column("float64", 3000))})
    arrays = [table[c].to_numpy() for c in ("x", "y")]
    write("pages.parquet", table, data_page_size=1000, write_batch_size=50, use_dictionary=False, write_page_checksum=True, write_page_index=True)
    expect("pages.parquet", arrays, 3000, 1)
    same = np.full(100000, 7, np.int64)
    write("constant.parquet", pa.table({"x": pa.array(same)}))
    expect("constant.parquet", [same], 100000, 1)
    write("no_rows.parquet", pa.table({"x": pa.array([], pa.int32())}))
    lines.append("empty no_rows.parquet -")


def nulls():
    for version in ("1.0", "2.0"):
        for dictionary in (False, True):
            name = f"nulls_v{version[0]}_{'dictionary' if dictionary else 'plain'}.parquet"
            arrays, table = [], {}
            for i, dtype in enumerate(("int16", "float32", "int64", "uint8")):
                values, gone = column(dtype, 60, distinct=20).copy(), rng.random(60) < (0, 0.3, 0.9, 1)[i]
                table[dtype] = pa.array(values, mask=gone)
                values[gone] = 0
                arrays.append(values)
            flags, gone = rng.integers(0, 2, 60, dtype=np.uint8), rng.random(60) < 0.5
            table["bool"] = pa.array(flags.astype(bool), mask=gone)
            flags[gone] = 0
            arrays.append(flags)
            write(name, pa.table(table), data_page_version=version, use_dictionary=dictionary, row_group_size=33)
            expect(name, arrays, 60, 2)


def lists():
    for items in (1, 2, 3, 40):
        for version in ("1.0", "2.0"):
            values, small = column("float32", 30, items), column("uint8", 30, items)
            table = pa.table({"f": pa.FixedSizeListArray.from_arrays(pa.array(values), items),
                              "u": pa.FixedSizeListArray.from_arrays(pa.array(small), items),
                              "s": pa.array(np.arange(30, dtype=np.int32))})
            name = f"list{items}_v{version[0]}.parquet"
            write(name, table, data_page_version=version, row_group_size=20, compression="none", use_dictionary=items != 40)
            expect(name, [values, small, np.arange(30, dtype=np.int32)], 30, 2)
            expect(name, [values], 30, 2, "f")
    values = column("int32", 200, 6)
    table = pa.table({"l": pa.ListArray.from_arrays(np.arange(0, 1201, 6, dtype=np.int32), pa.array(values))})
    write("list_pages.parquet", table, data_page_size=100, write_batch_size=8, use_dictionary=False)
    expect("list_pages.parquet", [values], 200, 1)
    holes = [[1, None, 3], [None, None, None], [7, 8, 9], [10, 11, None]]
    write("list_nulls.parquet", pa.table({"l": pa.array(holes, pa.list_(pa.int32(), 3))}))
    expect("list_nulls.parquet", [np.array([[v or 0 for v in row] for row in holes], np.int32)], 4, 1)
    write("list_uneven.parquet", pa.table({"l": pa.array([[1], [2, 3], [4, 5, 6]], pa.list_(pa.int32()))}))
    refuse("list_uneven.parquet", "UNSUPPORTED", "length")
    write("list_odd.parquet", pa.table({"l": pa.array([[1], [2, 3], [4]], pa.list_(pa.int32()))}))
    refuse("list_odd.parquet", "UNSUPPORTED", "length")
    write("list_null.parquet", pa.table({"l": pa.array([[1], None, [4]], pa.list_(pa.int32()))}))
    expect("list_null.parquet", [np.array([1, 0, 4], np.int32)], 3, 1)
    write("nested.parquet", pa.table({"l": pa.array([[[1, 2]], [[3, 4]]], pa.list_(pa.list_(pa.int32())))}))
    refuse("nested.parquet", "UNSUPPORTED", "lists")


def other_types():
    rows = 12
    stamps = rng.integers(0, 2**60, rows)
    days = rng.integers(0, 20000, rows).astype(np.int32)
    cents = [decimal.Decimal(int(v)).scaleb(-2) for v in rng.integers(-10**9, 10**9, rows)]
    table = pa.table({"t": pa.array(stamps, pa.timestamp("ns")), "d": pa.array(days, pa.date32()),
                      "c": pa.array(cents, pa.decimal128(20, 2)), "b": pa.array([rng.bytes(5) for _ in range(rows)], pa.binary(5))})
    write("types.parquet", table)
    cents = b"".join(int(v.scaleb(2)).to_bytes(9, "big", signed=True) for v in cents)
    expect("types.parquet", [stamps, days, np.frombuffer(cents, np.uint8), np.frombuffer(b"".join(table["b"].to_pylist()), np.uint8)], rows, 1)
    write("int96.parquet", pa.table({"t": pa.array(stamps, pa.timestamp("ns"))}), use_deprecated_int96_timestamps=True)
    day = 86400 * 10**9
    expect("int96.parquet", [np.frombuffer(b"".join(struct.pack("<qi", int(v) % day, int(v) // day + 2440588) for v in stamps), np.uint8)], rows, 1)
    struct_type = pa.struct([("x", pa.int16()), ("y", pa.struct([("z", pa.float64())]))])
    records = [{"x": 1, "y": {"z": 1.5}}, None, {"x": None, "y": None}, {"x": 4, "y": {"z": 2.5}}]
    write("struct.parquet", pa.table({"s": pa.array(records, struct_type), "n": pa.array([1, 2, 3, 4], pa.int8())}))
    x, z, n = np.array([1, 0, 0, 4], np.int16), np.array([1.5, 0, 0, 2.5]), np.array([1, 2, 3, 4], np.int8)
    expect("struct.parquet", [x, z, n], 4, 1)
    expect("struct.parquet", [x, z], 4, 1, "s")
    expect("struct.parquet", [z], 4, 1, "s.y.z")
    write("text.parquet", pa.table({"s": pa.array(["a", "bc"]), "n": pa.array([1, 2], pa.int32())}))
    refuse("text.parquet", "UNSUPPORTED", "byte arrays")
    expect("text.parquet", [np.array([1, 2], np.int32)], 2, 1, "n")
    refuse("text.parquet", "NOT_FOUND", "'missing'", "n,missing")


def encodings():
    for dtype in ("int32", "int64", "int16"):
        ascending = np.cumsum(rng.integers(-5, 100, 500)).astype(dtype)
        for name, values in ((f"delta_{dtype}", ascending), (f"delta_wild_{dtype}", column(dtype, 500))):
            write(f"{name}.parquet", pa.table({"x": pa.array(values)}), use_dictionary=False, column_encoding={"x": "DELTA_BINARY_PACKED"})
            expect(f"{name}.parquet", [values], 500, 1)
    arrays = {t: column(t, 50) for t in ("float32", "float64", "int32", "int64", "float16", "uint8")}
    write("split.parquet", pa.table(arrays), use_dictionary=False, column_encoding={t: "BYTE_STREAM_SPLIT" for t in arrays})
    expect("split.parquet", list(arrays.values()), 50, 1)
    flags = np.repeat(rng.integers(0, 2, 20, dtype=np.uint8), 10)
    write("bool_rle.parquet", pa.table({"b": pa.array(flags.astype(bool))}), use_dictionary=False, column_encoding={"b": "RLE"})
    expect("bool_rle.parquet", [flags], 200, 1)
    fixed = [rng.bytes(4) for _ in range(9)]
    write("delta_bytes.parquet", pa.table({"b": pa.array(fixed, pa.binary(4))}), use_dictionary=False, column_encoding={"b": "DELTA_BYTE_ARRAY"})
    refuse("delta_bytes.parquet", "UNSUPPORTED", "DELTA_BYTE_ARRAY")
    values = column("int32", 3000, distinct=2000)
    write("dictionary_full.parquet", pa.table({"x": pa.array(values)}), dictionary_pagesize_limit=1000, data_page_size=1000, write_batch_size=100)
    expect("dictionary_full.parquet", [values], 3000, 1)


every_codec_and_page()
row_groups_and_pages()
nulls()
lists()
other_types()
encodings()
with open("expected.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
