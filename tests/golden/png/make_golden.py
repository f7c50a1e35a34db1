#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the PNG files of this folder, most with Pillow, and expected.txt, which says what a reader must find in them.

Pillow writes neither interlaced images nor 16-bit RGB; those are put together here and read by Pillow. Run once by hand
with a Python that has Pillow and NumPy; the results are committed. Lines of expected.txt:
  ok FILE WIDTH HEIGHT CHANNELS CRC32 DEPTH INTERLACE    CRC-32 of the pixels as Pillow decodes them: gray or RGB, the upper 8 bits, no alpha
  fail FILE STATUS WORD                                  reading fails so, WORD is in the message
"""
import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = []
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def values(height, width, channels, dtype):
    top = np.iinfo(dtype).max
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(5).integers(0, top + 1, (height, width, channels))
    planes = np.stack([(x * (k + 3) + y * 5) * (top // 255) % (top + 1) for k in range(channels)], -1)
    return np.where(((x // 4 + y // 4) % 2)[..., None], noise, planes).astype(dtype)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_rows(array):
    big = array.astype(">u2") if array.dtype.itemsize == 2 else array
    return b"".join(b"\0" + row.tobytes() for row in big)


def by_hand(array, color, interlace=0, split=0):
    height, width = array.shape[:2]
    depth = array.dtype.itemsize * 8
    if interlace:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        raw = b"".join(raw_rows(array[y::dy, x::dx]) for y, x, dy, dx in passes if array[y::dy, x::dx].size)
    else:
        raw = raw_rows(array)
    data = zlib.compress(raw)
    parts = [data[i:i + split] for i in range(0, len(data), split)] if split else [data]
    return (SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)) + b"".join(chunk(b"IDAT", p) for p in parts) +
            chunk(b"IEND", b""))


def put(name, data):
    with open(name, "wb") as f:
        f.write(data)
    image = Image.open(io.BytesIO(data))
    depth, color, interlace = data[24], data[25], data[28]
    if color == 0 and depth == 16:
        pixels = (np.asarray(image).astype(np.uint32) >> 8).astype("u1")
    elif color in (0, 4):
        pixels = np.asarray(image.convert("LA"))[..., 0] if color == 4 else np.asarray(image.convert("L"))
    else:
        pixels = np.asarray(image.convert("RGBA"))[..., :3]
    channels = 1 if pixels.ndim == 2 else 3
    lines.append(f"ok {name} {image.width} {image.height} {channels} {zlib.crc32(pixels.tobytes()):08x} {depth} {['none', 'adam7'][interlace]}")
    return data


def save(name, image, **options):
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return put(name, out.getvalue())


def refuse(name, data, status, word):
    with open(name, "wb") as f:
        f.write(data)
    lines.append(f"fail {name} {status} {word}")


def again(data, at, kind, change):
    """The chunk of that kind with changed data and a right CRC."""
    length = struct.unpack(">I", data[at:at + 4])[0]
    return data[:at] + chunk(kind, change(data[at + 8:at + 8 + length])) + data[at + 12 + length:]


gray = Image.fromarray(values(47, 61, 1, "u1")[..., 0], "L")
rgb = Image.fromarray(values(47, 61, 3, "u1"), "RGB")
plain = save("gray.png", gray)
save("one_pixel.png", gray.crop((0, 0, 1, 1)))
save("bit.png", gray.convert("1"))
save("rgb.png", rgb)
save("rgba.png", Image.fromarray(values(47, 61, 4, "u1"), "RGBA"))
save("gray_alpha.png", Image.fromarray(values(47, 61, 2, "u1"), "LA"))
save("gray16.png", Image.fromarray(values(47, 61, 1, "u2")[..., 0]))
palette = rgb.quantize(200)
save("palette.png", palette)
save("palette16.png", rgb.quantize(16), bits=4)
save("palette2.png", rgb.quantize(2), bits=1)
save("palette_transparent.png", palette, transparency=3)
save("level0.png", gray, compress_level=0)
save("level9.png", rgb, optimize=True)
text = PngImagePlugin.PngInfo()
text.add_text("Comment", "made for a test")
text.add_text("Long", "many words " * 100, zip=True)
text.add_itxt("Title", "picture", "en", "Bild")
save("text.png", gray, pnginfo=text, dpi=(300, 300))
save("profile.png", rgb, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
put("rgb16.png", by_hand(values(21, 17, 3, "u2"), 2))
put("rgba16.png", by_hand(values(21, 17, 4, "u2"), 6))
put("gray_alpha16.png", by_hand(values(21, 17, 2, "u2"), 4))
put("interlaced.png", by_hand(values(21, 17, 1, "u1")[..., 0], 0, 1))
put("interlaced_rgb.png", by_hand(values(33, 40, 3, "u1"), 2, 1))
put("interlaced_tiny.png", by_hand(values(1, 2, 3, "u1"), 2, 1))
put("many_chunks.png", by_hand(values(21, 17, 3, "u1"), 2, 0, 7))
put("trailing.png", plain + b"bytes that another program left here")

first = plain.index(b"IDAT") - 4
refuse("truncated.png", plain[:-40], "CORRUPT", "truncated")
flipped = bytearray(plain)
flipped[first + 100] ^= 4
refuse("flipped.png", bytes(flipped), "CORRUPT", "CRC")
refuse("short_data.png", again(plain, first, b"IDAT", lambda d: d[:len(d) // 2]), "CORRUPT", "libspng")
refuse("bad_data.png", again(plain, first, b"IDAT", lambda d: b"\x78\x01" + b"\xff" * 50), "CORRUPT", "libspng")
refuse("no_data.png", plain[:first] + chunk(b"IEND", b""), "CORRUPT", "without image data")
refuse("no_palette.png", by_hand(values(9, 9, 1, "u1")[..., 0], 3), "CORRUPT", "palette")
refuse("critical.png", plain[:first] + chunk(b"CrIT", b"?") + plain[first:], "UNSUPPORTED", "critical")
refuse("bomb.png", again(plain, 8, b"IHDR", lambda d: struct.pack(">II", 60000, 60000) + d[8:]), "UNSUPPORTED", "max_pixels")
refuse("bomb_below_limit.png", again(plain, 8, b"IHDR", lambda d: struct.pack(">II", 11000, 11000) + d[8:]), "CORRUPT", "too few")
refuse("depth.png", again(plain, 8, b"IHDR", lambda d: d[:8] + b"\5" + d[9:]), "CORRUPT", "bit depth")
refuse("no_image.png", b"\xff\xd8\xff\xe0" + b"\0" * 100, "CORRUPT", "begins")

with open("expected.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
