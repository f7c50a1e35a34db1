#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the csv files of this folder with numpy, Python's csv module and gzip, and expected.txt, which says what a reader must find in them.

Run once by hand; the results are committed. Lines of expected.txt:
  ok FILE OPTION DTYPE SAMPLES SAMPLE_BYTES CRC32     CRC-32 of all samples' items, one sample after the other
  fail FILE OPTION DTYPE SAMPLES STATUS WORD          reading fails so, WORD is in the message
OPTION is one option as name=value, "-" when there is none.
"""
import csv
import gzip
import os
import zlib

import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = []


def ok(name, array, samples, option="-"):
    data = np.ascontiguousarray(array).tobytes()
    lines.append(f"ok {name} {option} {array.dtype.name} {samples} {len(data) // samples} {zlib.crc32(data):08x}")


def fail(name, dtype, samples, status, word, option="-"):
    lines.append(f"fail {name} {option} {dtype} {samples} {status} {word}")


def values(dtype, rows=6, columns=9):
    rng = np.random.default_rng(7)
    if np.dtype(dtype).kind == "f":
        return (rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-12, 12, (rows, columns))).astype(dtype)
    info = np.iinfo(dtype)
    array = rng.integers(info.min, info.max, (rows, columns), dtype=dtype, endpoint=True)
    array[0, :3] = [info.min, info.max, 0]
    return array


# numpy.savetxt: integers as such, floats with its default of 18 digits behind the point
for dtype in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
    array = values(dtype)
    np.savetxt(f"savetxt_{dtype}.csv", array, fmt="%d", delimiter=",")
    ok(f"savetxt_{dtype}.csv", array, 6)
    ok(f"savetxt_{dtype}.csv", array, 1)
for dtype in ("float32", "float64"):
    array = values(dtype)
    np.savetxt(f"savetxt_{dtype}.csv", array, delimiter=",")
    ok(f"savetxt_{dtype}.csv", array, 6)
half = np.clip(values("float64"), -60000, 60000).astype("float16")
np.savetxt("savetxt_float16.csv", half, delimiter=",")
ok("savetxt_float16.csv", half, 6)
special = np.array([[np.nan, np.inf, -np.inf, -0.0], [5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1e22]])
special[0, 0] = np.float64(np.nan)  # the positive quiet one
np.savetxt("special.csv", special, delimiter=",", fmt="%.17g")
ok("special.csv", special, 2)
fail("savetxt_int64.csv", "int32", 6, "CORRUPT", ":1:1: '-9223372036854775808' is more than the type can hold (int32)")
fail("savetxt_int8.csv", "uint8", 6, "CORRUPT", ":1:1: '-128' is negative, which the type cannot hold (uint8)")
fail("savetxt_float64.csv", "int32", 6, "CORRUPT", "is no integer (int32)")
fail("savetxt_uint8.csv", "uint8", 5, "CORRUPT", "holds 6 rows, the run file says 5 samples")
fail("savetxt_uint8.csv", "uint8", 7, "CORRUPT", "truncated: holds 6 rows, the run file says 7 samples")

# Python's csv module, and so most tables of others: CRLF, shortest floats
array = values("float64")
with open("writer_crlf.csv", "w", newline="") as out:
    csv.writer(out).writerows(array.tolist())
ok("writer_crlf.csv", array, 6)
with open("writer_bool.csv", "w", newline="") as out:
    csv.writer(out, lineterminator="\n").writerows([[True, False], [False, True]])
ok("writer_bool.csv", np.array([[True, False], [False, True]]), 2)
with open("writer_quoted.csv", "w", newline="") as out:
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([[1, 2], [3, 4]])
fail("writer_quoted.csv", "uint8", 2, "CORRUPT", ":1:1: '\"1\"' is quoted, which is not read")
with open("header.csv", "w") as out:
    out.write("width,height\n1,2\n3,4\n")
fail("header.csv", "uint8", 3, "CORRUPT", ":1:1: 'width' is no integer (uint8)")
with open("dataframe.csv", "w") as out:  # an index column and missing values, as data frames are written by default
    out.write("0,1.5,\n1,,2.5\n")
fail("dataframe.csv", "float64", 2, "CORRUPT", ":1:7: '' is no value (float64)")

# by hand: spaces, tabs, plus signs, leading zeros, no last newline
with open("spaces.csv", "w") as out:
    out.write(" 1,\t2 , +3\n0004,  5 ,6\r\n")
ok("spaces.csv", np.array([[1, 2, 3], [4, 5, 6]], "int16"), 2)
with open("unended.csv", "w") as out:
    out.write("1,2,3\n4,5,67")
ok("unended.csv", np.array([[1, 2, 3], [4, 5, 67]], "uint8"), 2, "last_newline=optional")
fail("unended.csv", "uint8", 2, "CORRUPT", "the last line has no end: truncated, or whole")
with open("ragged.csv", "w") as out:
    out.write("1,2,3\n4,5\n6,7,8\n")
fail("ragged.csv", "uint8", 3, "CORRUPT", ":2:4: a row of 2 values where the first has 3 (at offset 9)")
with open("blank.csv", "w") as out:
    out.write("1,2,3\n\n4,5,6\n")
fail("blank.csv", "uint8", 3, "CORRUPT", ":2:1: an empty line (at offset 6)")

# gzip behind the plain name
array = values("uint8", 40, 30)
np.savetxt("plain.tmp", array, fmt="%d", delimiter=",")
with open("plain.tmp", "rb") as source, open("gzip.csv", "wb") as out:
    out.write(gzip.compress(source.read(), mtime=0))
os.unlink("plain.tmp")
ok("gzip.csv", array, 40, "compression=gzip")
ok("savetxt_uint8.csv", values("uint8"), 6, "compression=gzip")
fail("gzip.csv", "uint8", 40, "UNSUPPORTED", "no text, but gzip: set dataset.compression: gzip")
packed = open("gzip.csv", "rb").read()
with open("gzip_truncated.csv", "wb") as out:
    out.write(packed[:-200])
fail("gzip_truncated.csv", "uint8", 40, "CORRUPT", "gzip", "compression=gzip")
with open("gzip_crc.csv", "wb") as out:
    out.write(packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:])
fail("gzip_crc.csv", "uint8", 40, "CORRUPT", "incorrect data check", "compression=gzip")
with open("gzip_members.csv", "wb") as out:
    out.write(gzip.compress(b"1,2\n", mtime=0) + gzip.compress(b"3,4\n", mtime=0))
fail("gzip_members.csv", "uint8", 2, "CORRUPT", "several gzip members are not read", "compression=gzip")
with open("gzip_bomb.csv", "wb") as out:  # its trailer says less than what it holds
    bomb = gzip.compress(b"1," * 100000 + b"1\n", mtime=0)
    out.write(bomb[:-4] + (100).to_bytes(4, "little"))
fail("gzip_bomb.csv", "uint8", 1, "CORRUPT", "more text than its gzip trailer says", "compression=gzip")

with open("expected.txt", "w") as out:
    out.write("\n".join(lines) + "\n")
