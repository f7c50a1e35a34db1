#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the files of this folder and expected.txt: tf_* by TensorFlow, the others by a plain writer that does what TensorFlow's does not.

Rows of expected.txt: ok FILE OPTIONS SAMPLES BYTES CRC32 (of all samples), or error FILE OPTIONS SAMPLES STATUS WORD.
OPTIONS are name=value pairs with commas, or -. Run it with a Python that has TensorFlow; the files do not depend on its version.
"""
import os
import pathlib
import random
import struct
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TABLE = []
rows = []


def crc32c(data):
    if not TABLE:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
            TABLE.append(n)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data):
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def bytes_feature(*values):
    return field(1, b"".join(field(1, v) for v in values))


def entry(name, feature):
    return field(1, field(1, name) + field(2, feature))


def example(*entries):
    return field(1, b"".join(entries))


def noise(n, seed):
    return random.Random(seed).randbytes(n)


def ok(name, samples, options="-"):
    data = b"".join(samples)
    rows.append(f"ok {name} {options} {len(samples)} {len(data)} {zlib.crc32(data):08x}")


def error(name, samples, status, word, options="-"):
    rows.append(f"error {name} {options} {samples} {status} {word}")


def plain(name, *payloads, tail=b""):
    (HERE / name).write_bytes(b"".join(record(p) for p in payloads) + tail)


def tf_feature(value):
    if isinstance(value[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    if isinstance(value[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def by_tensorflow(name, dicts, options=None):
    with tf.io.TFRecordWriter(str(HERE / name), options) as writer:
        for d in dicts:
            features = tf.train.Features(feature={k: tf_feature(v) for k, v in d.items()})
            writer.write(tf.train.Example(features=features).SerializeToString(deterministic=True))


def tensorflow_files():
    images = [noise(n, n) for n in (100, 1, 5000, 0, 777)]
    dicts = [{"image": [image], "size": [len(image)]} for image in images]
    by_tensorflow("tf_variable.tfrecord", dicts)
    ok("tf_variable.tfrecord", images)
    ok("tf_variable.tfrecord", images, "layout=scan")

    images = [noise(600, n) for n in range(4)]
    by_tensorflow("tf_uniform.tfrecord", [{"image": [image], "size": [600]} for image in images])
    ok("tf_uniform.tfrecord", images)
    ok("tf_uniform.tfrecord", images, "layout=uniform")

    dicts = [{"a/first": [b"x"], "image": [noise(300 + n * n, n)], "image/text": [b"not this", b"nor this"], "label": [n, -n, 1 << 40],
              "weights": [0.5, float(n)], "z": [noise(64, n)]} for n in range(3)]
    by_tensorflow("tf_many.tfrecord", dicts)
    ok("tf_many.tfrecord", [d["image"][0] for d in dicts])
    ok("tf_many.tfrecord", [d["z"][0] for d in dicts], "feature=z")
    error("tf_many.tfrecord", 3, "UNSUPPORTED", "2 values", "feature=image/text")
    error("tf_many.tfrecord", 3, "UNSUPPORTED", "int64 numbers", "feature=label")
    error("tf_many.tfrecord", 3, "UNSUPPORTED", "floats", "feature=weights")
    error("tf_many.tfrecord", 3, "UNSUPPORTED", "no feature 'none'", "feature=none")
    error("tf_many.tfrecord", 4, "CORRUPT", "ends after record 3")

    for kind, text in (("GZIP", "gzip"), ("ZLIB", "zlib")):
        by_tensorflow(f"tf_{text}.tfrecord", [{"image": [b"abc"]}], tf.io.TFRecordOptions(compression_type=kind))
        error(f"tf_{text}.tfrecord", 1, "UNSUPPORTED", text)


def plain_files():
    a, b = noise(200, 1), noise(201, 2)
    unknown = varint(9 << 3) + varint(1 << 63) + varint(10 << 3 | 1) + b"8 bytes." + varint(11 << 3 | 5) + b"four" + field(1000, b"text")
    packed, single = field(3, field(1, varint(5) + varint(300))), field(3, varint(1 << 3) + varint(7))
    floats = field(2, varint(1 << 3 | 5) + struct.pack("<f", 1.5))

    plain("unknown_fields.tfrecord", *(unknown + example(unknown, entry(b"image", unknown + bytes_feature(v) + unknown), unknown) + unknown for v in (a, b)))
    ok("unknown_fields.tfrecord", [a, b])
    plain("value_first.tfrecord", *(field(1, field(1, field(2, bytes_feature(v)) + field(1, b"image"))) for v in (a, b)))
    ok("value_first.tfrecord", [a, b])
    plain("order.tfrecord", example(entry(b"size", packed), entry(b"f", floats), entry(b"n", single), entry(b"", b""), entry(b"image", bytes_feature(a))))
    ok("order.tfrecord", [a])
    plain("last_counts.tfrecord", example(entry(b"image", bytes_feature(b)), entry(b"image", packed), entry(b"image", bytes_feature(a))))
    ok("last_counts.tfrecord", [a])
    plain("two_features.tfrecord", example(entry(b"x", packed)) + example(entry(b"image", bytes_feature(a))) + example())
    ok("two_features.tfrecord", [a])
    plain("raw.tfrecord", a, b, b"z\xff")
    ok("raw.tfrecord", [a, b, b"z\xff"], "payload=raw")
    error("raw.tfrecord", 3, "CORRUPT", "no tf.train.Example")
    plain("no_value.tfrecord", example(entry(b"image", field(1, b""))))
    error("no_value.tfrecord", 1, "UNSUPPORTED", "0 values")
    plain("empty_example.tfrecord", b"")
    error("empty_example.tfrecord", 1, "UNSUPPORTED", "no feature")
    plain("group.tfrecord", varint(1 << 3 | 3) + varint(1 << 3 | 4))
    error("group.tfrecord", 1, "CORRUPT", "wire type")
    plain("tail.tfrecord", example(entry(b"image", bytes_feature(a))), tail=b"garbage")
    error("tail.tfrecord", 1, "CORRUPT", "7 bytes are left", "layout=scan")
    (HERE / "empty.tfrecord").write_bytes(b"")
    error("empty.tfrecord", 1, "CORRUPT", "ends after record 0")


tensorflow_files()
plain_files()
(HERE / "expected.txt").write_text("\n".join(rows) + "\n")
