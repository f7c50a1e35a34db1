#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the JPEG files of this folder with Pillow, and expected.txt, which says what a reader must find in them.

Run once by hand with a Python that has Pillow and NumPy; the results are committed. Lines of expected.txt:
  ok FILE WIDTH HEIGHT CHANNELS CRC32 CODING COLOR    CRC-32 of the pixels as Pillow decodes them (CMYK turned to RGB)
  fail FILE STATUS WORD                               decoding fails so, WORD is in the message
"""
import io
import os
import zlib

import numpy as np
from PIL import Image, ImageCms

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = []


def picture(mode, width, height):
    """Smooth and sharp parts, so that coefficients of all kinds appear."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(5).integers(0, 256, (height, width))
    planes = [x * 5 % 256, y * 3 % 256, np.where((x // 8 + y // 8) % 2, noise, 90), (x + y) % 256]
    if mode == "L":
        return Image.fromarray(planes[2].astype("u1"), "L")
    return Image.fromarray(np.stack(planes[:len(mode)], -1).astype("u1"), mode)


def save(name, image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return put(name, out.getvalue())


def put(name, data, coding="baseline", color=None):
    with open(name, "wb") as f:
        f.write(data)
    image = Image.open(io.BytesIO(data))
    mode = image.mode
    pixels = np.asarray(image if mode == "L" else image.convert("RGB"))
    if "progression" in image.info or "progressive" in image.info:
        coding = "progressive"
    color = color or {"L": "gray", "RGB": "YCbCr", "CMYK": "CMYK"}[mode]
    lines.append(f"ok {name} {image.width} {image.height} {1 if mode == 'L' else 3} {zlib.crc32(pixels.tobytes()):08x} {coding} {color}")
    return data


def refuse(name, data, status, word):
    with open(name, "wb") as f:
        f.write(data)
    lines.append(f"fail {name} {status} {word}")


gray, rgb = picture("L", 61, 47), picture("RGB", 61, 47)
plain = save("gray.jpeg", gray)
save("one_pixel.jpeg", picture("L", 1, 1))
save("row.jpeg", picture("L", 200, 1))
save("rgb420.jpeg", rgb)
save("rgb422.jpeg", rgb, subsampling="4:2:2")
save("rgb444.jpeg", rgb, subsampling="4:4:4")
save("optimized.jpeg", rgb, optimize=True)
progressive = save("progressive.jpeg", rgb, progressive=True)
save("progressive_gray.jpeg", gray, progressive=True)
save("quality1.jpeg", rgb, quality=1)
save("quality100.jpeg", rgb, quality=100)
restart = save("restart.jpeg", gray, restart_marker_blocks=5)
save("restart_rows.jpeg", rgb, restart_marker_rows=1)
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
exif = Image.Exif()
exif[0x010e] = "a picture"
save("metadata.jpeg", gray, icc_profile=profile, exif=exif, comment=b"made for a test")
save("long_header.jpeg", gray, comment=b"x" * 60000)
put("trailing.jpeg", plain + b"bytes that another program left here")
out = io.BytesIO()
rgb.save(out, "JPEG", keep_rgb=True)
put("adobe_rgb.jpeg", out.getvalue(), color="RGB")
save("cmyk.jpeg", picture("CMYK", 33, 20))

refuse("truncated.jpeg", plain[:-40], "CORRUPT", "truncated")
# the structure is whole, the data of the scan are not
refuse("cut_scan.jpeg", plain[:len(plain) // 2] + b"\xff\xd9", "CORRUPT", "premature")
refuse("cut_progressive.jpeg", progressive[:-60] + b"\xff\xd9", "CORRUPT", "libjpeg")
at = restart.index(b"\xff\xd1")
refuse("lost_restart.jpeg", restart[:at] + restart[at + 2:], "CORRUPT", "restart")
at = plain.index(b"\xff\xc0")
refuse("lossless.jpeg", plain[:at + 1] + b"\xc3" + plain[at + 2:], "UNSUPPORTED", "SOF")
refuse("twelve_bits.jpeg", plain[:at + 4] + b"\x0c" + plain[at + 5:], "UNSUPPORTED", "precision")
refuse("no_rows.jpeg", plain[:at + 5] + b"\0\0" + plain[at + 7:], "UNSUPPORTED", "rows")
refuse("bomb.jpeg", plain[:at + 5] + b"\xff\xdc\xff\xdc" + plain[at + 9:], "UNSUPPORTED", "max_pixels")
refuse("bomb_below_limit.jpeg", plain[:at + 5] + b"\x20\x00\x20\x00" + plain[at + 9:], "CORRUPT", "too few")
refuse("no_image.jpeg", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "CORRUPT", "begins")

with open("expected.txt", "w") as f:
    f.write("\n".join(lines) + "\n")
