#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes small Parquet files that lie, in hostile/, and hostile.txt, which says how reading them must fail.

Run once by hand; the results are committed, and are inputs of the fuzzer as well. Lines of hostile.txt:
  FILE DECODE STATUS WORD       reading with that option decode fails so ("-": with either), WORD is in the message
  FILE DECODE OK -              it is read
"""
import os
import struct
import zlib

os.chdir(os.path.dirname(os.path.abspath(__file__)))
os.makedirs("hostile", exist_ok=True)
lines = []

# ---- Thrift's compact protocol: a struct is a list of (id, type, value)
I8, I16, I32, I64, BINARY, LIST, MAP, STRUCT = 3, 4, 5, 6, 8, 9, 11, 12


def varint(v):
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7f | 0x80])
        v >>= 7
    return out + bytes([v])


def zigzag(v):
    return varint((v << 1) ^ (v >> 63) if v >= 0 else ((-v) << 1) - 1)


def value(kind, v):
    if isinstance(v, Raw):
        return v.data
    if kind in (I16, I32, I64):
        return zigzag(v)
    if kind == I8:
        return bytes([v])
    if kind == BINARY:
        return varint(len(v)) + v
    if kind == LIST:
        item, items = v
        head = bytes([len(items) << 4 | item]) if len(items) < 15 else bytes([0xf0 | item]) + varint(len(items))
        return head + b"".join(value(item, i) for i in items)
    if kind == STRUCT:
        return record(v)
    raise ValueError(kind)


def record(fields):
    out, last = b"", 0
    for number, kind, v in fields:
        if isinstance(v, bool):
            kind = 1 if v else 2
        delta = number - last
        out += bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + zigzag(number)
        if not isinstance(v, bool):
            out += value(kind, v)
        last = number
    return out + b"\0"


class Raw:
    def __init__(self, data):
        self.data = data


# ---- Parquet
def element(name, type=None, repetition=1, children=None, length=None, converted=None):
    fields = []
    if type is not None:
        fields.append((1, I32, type))
    if length is not None:
        fields.append((2, I32, length))
    fields += [(3, I32, repetition), (4, BINARY, name)]
    if children is not None:
        fields.append((5, I32, children))
    if converted is not None:
        fields.append((6, I32, converted))
    return fields


def schema(*elements):
    return [element(b"schema", None, 0, len(elements))] + list(elements)


def data_page(body, values, encoding=0, stored=None, crc=None, raw=None, stored_size=None):
    stored = body if stored is None else stored
    fields = [(1, I32, 0), (2, I32, len(body) if raw is None else raw), (3, I32, len(stored) if stored_size is None else stored_size)]
    if crc is not None:
        fields.append((4, I32, crc))
    fields.append((5, STRUCT, [(1, I32, values), (2, I32, encoding), (3, I32, 3), (4, I32, 3)]))
    return record(fields) + stored


def dictionary_page(body, values):
    return record([(1, I32, 2), (2, I32, len(body)), (3, I32, len(body)), (7, STRUCT, [(1, I32, values), (2, I32, 0)])]) + body


def page_v2(body, values, rows, def_bytes=0, rep_bytes=0, nulls=0, encoding=0, compressed=False):
    return record([(1, I32, 3), (2, I32, len(body)), (3, I32, len(body)),
                   (8, STRUCT, [(1, I32, values), (2, I32, nulls), (3, I32, rows), (4, I32, encoding), (5, I32, def_bytes), (6, I32, rep_bytes), (7, 1, compressed)])]) + body


def levels(*runs):
    data = b"".join(varint(count << 1) + bytes([v]) for count, v in runs)
    return struct.pack("<I", len(data)) + data


class Chunk:
    def __init__(self, data, values, type=1, codec=0, offset=None, size=None, dictionary=None, extra=()):
        self.__dict__.update(locals())

    def fields(self, at):
        offset = at if self.offset is None else self.offset
        fields = [(1, I32, self.type), (2, LIST, (I32, [0, 3])), (3, LIST, (BINARY, [b"x"])), (4, I32, self.codec), (5, I64, self.values), (6, I64, len(self.data)),
                  (7, I64, len(self.data) if self.size is None else self.size), (9, I64, offset)]
        if self.dictionary is not None:
            fields.append((11, I64, self.dictionary))
        return [(2, I64, 0), (3, STRUCT, fields), *self.extra]


def build(elements, groups, rows=None, extra=(), footer_size=None, tail=b"PAR1", cut=0):
    """groups: lists of (rows, chunks)."""
    out, described = b"PAR1", []
    for count, chunks in groups:
        columns = []
        for c in chunks:
            columns.append(c.fields(len(out)))
            out += c.data
        described.append([(1, LIST, (STRUCT, columns)), (2, I64, sum(len(c.data) for c in chunks)), (3, I64, count)])
    total = sum(count for count, _ in groups) if rows is None else rows
    footer = record([(1, I32, 2), (2, LIST, (STRUCT, elements)), (3, I64, total), (4, LIST, (STRUCT, described)), *extra])
    footer = footer[:len(footer) - cut] if cut else footer
    return out + footer + struct.pack("<I", len(footer) if footer_size is None else footer_size) + tail


def save(name, data, *expected):
    with open(f"hostile/{name}", "wb") as f:
        f.write(data)
    for decode, status, word in expected:
        lines.append(f"{name} {decode} {status} {word}")


INT = schema(element(b"x", 1))
FOUR = struct.pack("<4i", 1, 2, 3, 4)


def page(values=FOUR, n=4, **more):
    return data_page(levels((n, 1)) + values, n, **more)


def one(name, chunk, *expected, rows=4, elements=INT):
    save(name, build(elements, [(rows, [chunk])]), *expected)


def files():
    good = build(INT, [(4, [Chunk(page(), 4)])])
    save("good", good, ("-", "OK", "-"))
    save("short", good[:11], ("-", "CORRUPT", "short"))
    save("no_tail", good[:-1], ("-", "CORRUPT", "PAR1"))
    save("encrypted_footer", good[:-4] + b"PARE", ("-", "UNSUPPORTED", "encrypted"))
    save("footer_beyond", build(INT, [(4, [Chunk(page(), 4)])], footer_size=0xffffffff), ("-", "CORRUPT", "longer"))
    save("footer_empty", build(INT, [(4, [Chunk(page(), 4)])], footer_size=0), ("-", "CORRUPT", "metadata"))
    save("footer_early", build(INT, [(4, [Chunk(page(), 4)])], footer_size=20), ("-", "CORRUPT", "footer"))
    save("footer_cut", build(INT, [(4, [Chunk(page(), 4)])], cut=9), ("-", "CORRUPT", "metadata"))
    save("encrypted", build(INT, [(4, [Chunk(page(), 4)])], extra=[(8, STRUCT, [(1, STRUCT, [])])]), ("-", "UNSUPPORTED", "encrypted"))


def footers():
    crc = zlib.crc32(levels((4, 1)) + FOUR)
    crc = crc - (1 << 32) if crc >= 1 << 31 else crc
    one("crc_good", Chunk(page(crc=crc), 4), ("-", "OK", "-"))
    one("crc_wrong", Chunk(page(crc=crc ^ 1), 4), ("-", "CORRUPT", "CRC"))
    save("rows_wrong", build(INT, [(4, [Chunk(page(), 4)])], rows=5), ("-", "CORRUPT", "add up"))
    save("rows_huge", build(INT, [(1 << 62, [Chunk(page(), 1 << 62)])]), ("-", "CORRUPT", "rows"))
    save("rows_2_to_31", build(INT, [(1 << 31, [Chunk(page(), 1 << 31)])]), ("-", "CORRUPT", "rows"))
    save("groups_many", build(INT, [(0, [Chunk(b"", 0, offset=1 << 40)])] * 40 + [(4, [Chunk(page(), 4)])]), ("-", "OK", "-"))
    one("chunk_beyond", Chunk(page(), 4, size=1 << 40), ("-", "CORRUPT", "beyond"))
    one("chunk_offset", Chunk(page(), 4, offset=1 << 62), ("-", "CORRUPT", "beyond"))
    one("chunk_negative", Chunk(page(), 4, offset=-1), ("-", "CORRUPT", "negative"))
    one("chunk_in_magic", Chunk(page(), 4, offset=0), ("-", "CORRUPT", "beyond"))
    one("chunk_no_bytes", Chunk(page(), 4, size=0), ("-", "CORRUPT", "size"))
    one("chunk_other_type", Chunk(page(), 4, type=2), ("-", "CORRUPT", "type"))
    one("chunk_codec", Chunk(page(), 4, codec=99), ("-", "CORRUPT", "codec"))
    one("chunk_other_file", Chunk(page(), 4, extra=[(1, BINARY, b"/etc/passwd")]), ("-", "UNSUPPORTED", "other files"))
    one("chunk_encrypted", Chunk(page(), 4, extra=[(8, STRUCT, [])]), ("-", "UNSUPPORTED", "encrypted"))
    one("values_wrong", Chunk(page(), 5), ("-", "CORRUPT", "values"))
    two = schema(element(b"x", 1), element(b"y", 1))
    save("chunks_overlap", build(two, [(4, [Chunk(page(), 4), Chunk(page(), 4, offset=4)])]), ("-", "CORRUPT", "one before"))
    save("groups_overlap", build(INT, [(4, [Chunk(page(), 4)]), (4, [Chunk(b"", 4, offset=4, size=len(page()))])]), ("-", "CORRUPT", "one before"))
    save("columns_missing", build(two, [(4, [Chunk(page(), 4)])]), ("-", "CORRUPT", "number of columns"))
    save("columns_many", build(INT, [(4, [Chunk(page(), 4)] * 2)]), ("-", "CORRUPT", "number of columns"))
    one("dictionary_cycle", Chunk(page(), 4, offset=1000, dictionary=4), ("-", "OK", "-"))


def schemas():
    def broken(name, elements, word, status="CORRUPT"):
        save(name, build(elements, [(4, [Chunk(page(), 4)])]), ("-", status, word))

    deep = [element(b"schema", None, 0, 1)] + [element(b"g", None, 1, 1) for _ in range(40)] + [element(b"x", 1)]
    broken("schema_deep", deep, "deep")
    broken("schema_short", [element(b"schema", None, 0, 3), element(b"x", 1)], "fewer")
    broken("schema_long", INT + [element(b"y", 1)], "more elements")
    broken("schema_empty", [element(b"schema", None, 0, 0)], "fewer")
    broken("schema_no_name", [element(b"schema", None, 0, 1), [(1, I32, 1), (3, I32, 1)]], "name")
    broken("schema_type", schema(element(b"x", 99)), "does not know")
    broken("schema_children", [element(b"schema", None, 0, 0x7fffffff), element(b"x", 1)], "fewer")
    broken("schema_fixed_0", schema(element(b"x", 7, length=0)), "length")
    long_names = [element(b"schema", None, 0, 1), element(b"n" * 40000, None, 1, 300)] + [element(b"x", 1) for _ in range(300)]
    broken("schema_long_names", long_names, "too long")
    wide = build(schema(element(b"x", 7, length=0x7fffffff)), [(4, [Chunk(page(), 4, type=7)])])
    save("fixed_wide", wide, ("raw", "OK", "-"), ("columns", "CORRUPT", "hold"))


def thrift():
    def raw_footer(name, footer, word):
        save(name, b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1", ("-", "CORRUPT", word))

    raw_footer("list_count", record([(1, I32, 2), (2, LIST, Raw(b"\xfc" + varint(0x7fffffff)))]), "ends")
    raw_footer("binary_length", record([(6, BINARY, Raw(varint(0xffffffff)))]), "ends")
    raw_footer("varint_endless", b"\x15" + b"\xff" * 30, "no end")
    raw_footer("varint_wide", b"\x15" + b"\x80" * 9 + b"\x7f", "no end")
    raw_footer("skip_deep", b"\x9c" * 1 + b"\x1c" * 500, "nested")
    raw_footer("skip_lists", b"\x99" + b"\x19" * 500, "nested")
    raw_footer("skip_map", bytes([0xdb]) + varint(1 << 63) + b"\x21", "ends")
    raw_footer("field_type", b"\x1f\0", "type")
    raw_footer("garbage", bytes(range(256)), "rows")


def pages():
    one("page_beyond", Chunk(page(stored_size=1000, raw=1000), 4), ("-", "CORRUPT", "beyond"))
    one("page_negative", Chunk(page(stored_size=-1), 4), ("-", "CORRUPT", "negative"))
    one("page_two_sizes", Chunk(page(raw=7), 4), ("-", "CORRUPT", "two sizes"))
    one("page_no_header", Chunk(b"\xff" * 40, 4), ("-", "CORRUPT", "metadata"))
    one("page_header_cut", Chunk(page()[:5], 4), ("-", "CORRUPT", "cut off"))
    one("page_cut", Chunk(page()[:-3], 4), ("-", "CORRUPT", "beyond"))
    one("page_type", Chunk(record([(1, I32, 9), (2, I32, 0), (3, I32, 0)]), 4), ("-", "CORRUPT", "type"))
    one("page_values_more", Chunk(page(n=5), 4), ("-", "CORRUPT", "values"))
    one("page_values_fewer", Chunk(page(n=3), 4), ("-", "CORRUPT", "values"))
    one("page_short_values", Chunk(page(values=b"\1\0\0\0"), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "shorter"))
    one("page_short_levels", Chunk(data_page(struct.pack("<I", 99), 4), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "levels"))
    one("page_level_high", Chunk(data_page(levels((4, 7)) + FOUR, 4), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "levels"))
    one("page_levels_endless", Chunk(data_page(levels((1 << 40, 1)) + FOUR, 4), 4), ("raw", "OK", "-"), ("columns", "OK", "-"))
    one("page_bit_packed_levels", Chunk(record([(1, I32, 0), (2, I32, 20), (3, I32, 20), (5, STRUCT, [(1, I32, 4), (2, I32, 0), (3, I32, 4), (4, I32, 4)])]) + bytes(20), 4),
        ("raw", "OK", "-"), ("columns", "UNSUPPORTED", "RLE"))
    one("index_high", Chunk(dictionary_page(FOUR, 4) + page(values=b"\x03\x03\x2f\x05", encoding=8), 4, dictionary=4),
        ("raw", "OK", "-"), ("columns", "CORRUPT", "dictionary"))
    one("index_width", Chunk(dictionary_page(FOUR, 4) + page(values=b"\x40\x03\x2f\x05", encoding=8), 4, dictionary=4),
        ("raw", "OK", "-"), ("columns", "CORRUPT", "width"))
    one("index_without_dictionary", Chunk(page(values=b"\x02\x08\0", encoding=8), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "dictionary"))
    one("dictionary_twice", Chunk(dictionary_page(FOUR, 4) * 2 + page(), 4), ("-", "CORRUPT", "dictionary"))
    one("dictionary_count", Chunk(dictionary_page(FOUR, 0x7fffffff) + page(), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "entries"))
    one("encoding", Chunk(page(encoding=77), 4), ("raw", "OK", "-"), ("columns", "UNSUPPORTED", "encoding"))
    one("v2_levels", Chunk(page_v2(FOUR, 4, 4, def_bytes=50), 4), ("-", "CORRUPT", "levels"))
    one("v2_nulls", Chunk(page_v2(b"\x08\0" + FOUR, 4, 4, def_bytes=2, nulls=9), 4), ("-", "CORRUPT", "nulls"))
    one("delta_head", Chunk(page(values=varint(1 << 40) + varint(4) + varint(4) + b"\0", encoding=5), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "differences"))
    one("delta_cut", Chunk(page(values=varint(128) + varint(4) + varint(4) + b"\2\2\x40\x40\x40\x40", encoding=5), 4), ("raw", "OK", "-"), ("columns", "CORRUPT", "differences"))
    item = [element(b"schema", None, 0, 1), element(b"l", None, 1, 1, converted=3), element(b"list", None, 2, 1), element(b"element", 1)]
    one("list_starts_inside", Chunk(data_page(levels((4, 1)) + levels((4, 3)) + FOUR, 4), 4), ("raw", "OK", "-"), ("columns", "UNSUPPORTED", "length"), rows=2, elements=item)
    one("list_more_rows", Chunk(data_page(levels((4, 0)) + levels((4, 3)) + FOUR, 4), 4), ("raw", "OK", "-"), ("columns", "UNSUPPORTED", "length"), rows=2, elements=item)
    one("list_huge", Chunk(data_page(levels((4, 0)) + levels((4, 3)) + FOUR, 4), 1 << 60), ("raw", "CORRUPT", "values"), ("columns", "CORRUPT", "hold"), rows=2, elements=item)


def bombs():
    for name, codec, stored in (("snappy", 1, b"\xff\xff\xff\xff\x07" + b"\xfe\1\0" * 8), ("gzip", 2, zlib.compress(bytes(100000))), ("zstd", 6, b"\x28\xb5\x2f\xfd\xa0\xff\xff\xff\x7f" + b"\x02" * 8)):
        one(f"bomb_{name}", Chunk(data_page(b"", 4, stored=stored, raw=0x7fffffff), 4, codec=codec), ("raw", "OK", "-"), ("columns", "CORRUPT", "more than its codec"))
        one(f"bad_{name}", Chunk(data_page(b"", 4, stored=bytes(range(30)), raw=40), 4, codec=codec), ("raw", "OK", "-"), ("columns", "CORRUPT", name))
    one("codec_lzo", Chunk(page(), 4, codec=3), ("raw", "OK", "-"), ("columns", "UNSUPPORTED", "codec"))
    one("nulls_only", Chunk(data_page(levels((1 << 16, 0)), 1 << 16), 1 << 16), ("raw", "OK", "-"), ("columns", "OK", "-"), rows=1 << 16)


files()
footers()
schemas()
thrift()
pages()
bombs()
with open("hostile.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
