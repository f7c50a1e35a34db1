# SPDX-License-Identifier: Apache-2.0
"""Parquet end to end: what is generated is what pyarrow sees, byte by byte; what pyarrow writes is read; only selected columns are."""
import json
import os
import random
import subprocess
import unittest

from support import SOURCE, EndToEnd

READERS = os.environ["TEST_READERS"]

BASE = """model:
  name: parquet
framework: pytorch
workflow:
  generate_data: True
  train: True
dataset:
  data_folder: {{folder}}/data
  format: parquet
  num_files_train: {files}
  num_samples_per_file: {samples}
  record_length_bytes: 2500
  parquet:
    row_group_size: {group}
{columns}
reader:
  data_loader: pytorch
  batch_size: {batch}
  read_threads: 2
  file_shuffle: seed
  sample_shuffle: seed
train:
  epochs: 2
  computation_time: 0.0001
"""

# DLRM's 200 columns: h float16, s float32, d float64, b int8; a capital is read
DLRM = ("hhddshsbhbsSdsbhsSShDdddhSshhsdSdshhdbbbhShSdbdddS" "sbbSssbsHSdhdbshbSHshShsSDhbsdbbsshbhbSbSSHSDdSHbh"
        "hdhsdhhsdsddbhhbBDsbhhbbbhbbsbhsdhhdhSddhSbbdsdSdd" "bbbdDSsbShShShdhdhsBdhbdbbbbhhBdddhdBbhSdbdsdSsddh")
DLRM_TYPES = {"h": ("float16", 2), "s": ("float32", 4), "d": ("float64", 8), "b": ("int8", 1)}

EVERY = [("u8", "uint8", 1), ("i8", "int8", 1), ("u16", "uint16", 1), ("i16", "int16", 1), ("u32", "uint32", 1), ("i32", "int32", 1), ("u64", "uint64", 1),
         ("i64", "int64", 1), ("f16", "float16", 1), ("f32", "float32", 1), ("f64", "float64", 1), ("flag", "bool", 1), ("text", "string", 1), ("blob", "binary", 37),
         ("lu8", "uint8", 70), ("li8", "int8", 3), ("li16", "int16", 33), ("lf16", "float16", 4), ("lf32", "float32", 5), ("lf64", "float64", 2), ("list", "list", 1)]

# What pyarrow sees against the content stream, whose definition is the program in docs/content.md.
COMPARE = r"""
import json, re, sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
names = {}
exec(re.search(r"```python\n(.*?)```", open(sys.argv[1]).read(), re.S).group(1), names)
columns, seed, group = json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def key_hash(key):
    h = 0xcbf29ce484222325
    for c in key.encode():
        h = (h ^ c) * 0x100000001b3 % 2**64
    return h

def payload(dtype, size):
    return {"string": 4, "binary": size, "bool": 1, "list": 4 * size}.get(dtype) or np.dtype(dtype).itemsize * size

def expected(dtype, size, data, rows):
    if dtype == "string":
        return [f"s_{v & 0x7fffffff:010d}" for v in np.frombuffer(data, "<u4")]
    if dtype == "binary":
        return [data[i * size:][:size] for i in range(rows)]
    if dtype == "bool":
        return [bool(v & 1) for v in data]
    return data

def found(dtype, array):
    if dtype in ("string", "binary", "bool"):
        return array.to_pylist()
    if pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
    assert array.null_count == 0
    return array.to_numpy(zero_copy_only=False).tobytes()

for path in sys.argv[5:]:
    file = pq.ParquetFile(path, page_checksum_verification=True)
    total = sum(payload(d, s) for _, d, s in columns) * file.metadata.num_rows
    stream = names["content"](seed, key_hash("train/" + path.rsplit("/", 1)[1]), 0, total)
    assert file.metadata.num_row_groups == -(-file.metadata.num_rows // group)
    at = 0
    for g in range(file.metadata.num_row_groups):
        table = file.read_row_group(g)
        for name, dtype, size in columns:
            array, n = table[name].combine_chunks(), payload(dtype, size) * table.num_rows
            data = stream[at:at + n]
            at += n
            is_list = pa.types.is_fixed_size_list(array.type)
            assert is_list == (dtype not in ("string", "binary") and (size > 1 or dtype == "list" or name == "data")), array.type
            assert not is_list or array.type.list_size == size
            value = {"list": "float32"}.get(dtype, dtype)
            seen = array.type.value_type if is_list else array.type
            assert str(seen) == {"float16": "halffloat", "float32": "float", "float64": "double"}.get(value, value), seen
            assert found(dtype, array) == expected(dtype, size, data, table.num_rows), (path, g, name)
    assert at == total
print("equal")
"""

# Bytes of the selected chunks of all files, and of their footers with the length field and the magic.
CHUNKS = r"""
import sys
import pyarrow.parquet as pq
chunks = footers = 0
wanted = set(sys.argv[1].split(","))
for path in sys.argv[2:]:
    m = pq.read_metadata(path)
    footers += m.serialized_size + 8
    for g in range(m.num_row_groups):
        for c in range(m.num_columns):
            column = m.row_group(g).column(c)
            if column.path_in_schema.split(".")[0] in wanted:
                chunks += column.total_compressed_size
print(chunks, footers)
"""


def columns_text(columns):
    """columns: (name, dtype, size) or (name, dtype, size, read)"""
    lines = ["    columns:"]
    for name, dtype, size, *read in columns:
        lines.append(f"      - {{{{name: {name}, dtype: {dtype}, size: {size}{', read: ' + str(read[0]).lower() if read else ''}}}}}")
    return "\n".join(lines)


class Parquet(EndToEnd):
    def config(self, columns=(), files=2, samples=250, group=100, batch=7, name="run.yaml"):
        return self.write(BASE.format(files=files, samples=samples, group=group, batch=batch, columns=columns_text(columns) if columns else ""), name)

    def files(self):
        found = sorted((self.folder / "data" / "train").glob("*.parquet"))
        self.assertTrue(found)
        return found

    def reader(self, script, *words):
        done = subprocess.run([READERS, "-c", script, *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def compare(self, columns, group, seed=0):
        out = self.reader(COMPARE, SOURCE / "docs" / "content.md", json.dumps(columns), seed, group, *self.files())
        self.assertEqual(out, "equal\n")

    def chunk_bytes(self, wanted):
        chunks, footers = self.reader(CHUNKS, ",".join(wanted), *self.files()).split()
        return int(chunks), int(footers)

    def covered(self, result):
        self.assert_good(result)
        for epoch in result.summary()["dlfw"]["coverage"]:
            self.assertTrue(epoch["train"]["ok"], epoch)


class Generated(Parquet):
    def test_pyarrow_sees_the_content_of_every_type(self):
        config = self.config(EVERY, samples=60, group=25)
        for codec in ("none", "snappy", "gzip", "zstd"):
            with self.subTest(codec):
                self.covered(self.run_job(config, f"++dataset.compression={codec}", "++content.seed=3", "++reader.verify=all", f"++dataset.data_folder={self.folder}/{codec}"))
                (self.folder / "data").unlink(missing_ok=True)
                (self.folder / "data").symlink_to(self.folder / codec)
                self.compare(EVERY, 25, seed=3)

    def test_levels_of_the_codecs(self):
        columns = [("x", "float32", 100), ("s", "string", 1)]
        for codec, level in (("gzip", 1), ("gzip", 9), ("zstd", 1), ("zstd", 19)):
            with self.subTest(codec=codec, level=level):
                self.covered(self.run_job(self.config(columns), f"++dataset.compression={codec}", f"++dataset.compression_level={level}", "++reader.verify=all",
                                          command="run"))
                self.compare(columns, 100)

    def test_without_columns_a_row_is_the_sample(self):
        result = self.run_job(self.config(samples=30, group=10), "++reader.verify=all")
        self.covered(result)
        self.assertEqual(result.summary()["dlfw"]["epochs"][0]["bytes_verified"], 2 * 30 * 2500)
        self.compare([("data", "uint8", 2500)], 10)

    def test_element_types_without_columns(self):
        self.covered(self.run_job(self.config(samples=10), "++dataset.record_element_type=float32", "++dataset.record_dims=[5,6]", "++reader.verify=all"))
        self.compare([("data", "uint8", 120)], 100)

    def test_file_size_is_known(self):
        result = self.run_job(self.config(EVERY), command="generate")
        self.assert_good(result)
        again = self.run_job(self.config(EVERY), command="generate")
        self.assert_good(again)
        self.assertEqual(again.summary()["dlfw"]["generation"]["skipped"], 2)


class Projection(Parquet):
    def test_only_the_selected_chunks_and_the_footer_are_read(self):
        columns = [("label", "float32", 1), ("primary", "float32", 128), ("auxiliary", "float32", 256, False), ("metadata", "float32", 64, False), ("dense", "float32", 512)]
        config = self.config(columns, files=3, samples=400, group=100, batch=8)
        for selection, wanted in (([], ("label", "primary", "dense")), (["++dataset.parquet.select=[auxiliary]"], ("auxiliary",)),
                                  (["++dataset.parquet.decode=columns"], ("label", "primary", "dense"))):
            with self.subTest(selection):
                result = self.run_job(config, *selection, "++reader.verify=all")
                self.covered(result)
                chunks, footers = self.chunk_bytes(wanted)
                epochs = result.summary()["dlfw"]["epochs"]
                self.assertEqual([e["bytes_sample"] for e in epochs], [chunks, chunks])
                self.assertLessEqual(epochs[0]["bytes_asked"], chunks + 2 * footers)  # two threads may meet at a file that is new to both
                self.assertEqual(epochs[1]["bytes_asked"], chunks)

    def test_one_thread_reads_each_footer_once(self):
        columns = [("a", "float32", 128), ("b", "float32", 256, False)]
        result = self.run_job(self.config(columns, files=3, samples=400, group=100), "++reader.read_threads=1", "++reader.queue_depth=1")
        self.covered(result)
        chunks, footers = self.chunk_bytes(("a",))
        epochs = result.summary()["dlfw"]["epochs"]
        self.assertEqual([e["bytes_asked"] for e in epochs], [chunks + footers, chunks])

    def test_dlrm(self):
        columns = [(f"feature_{i:03}", DLRM_TYPES[c.lower()][0], 1, c.isupper()) for i, c in enumerate(DLRM)]
        self.assertEqual(sum(DLRM_TYPES[c.lower()][1] for c in DLRM), 761)
        for decode in ("raw", "columns"):
            with self.subTest(decode):
                result = self.run_job(self.config(columns, samples=4000, group=1000, batch=512), "++reader.verify=all", f"++dataset.parquet.decode={decode}")
                self.covered(result)
                chunks, _ = self.chunk_bytes([c[0] for c in columns if c[3]])
                epoch = result.summary()["dlfw"]["epochs"][1]
                self.assertEqual(epoch["bytes_asked"], chunks)
                self.assertEqual(epoch["bytes_verified"], 2 * 4000 * 160)

    def test_flux(self):
        columns = [("t5_encodings", "float32", 32770), ("clip_encodings", "float32", 25), ("mean", "float32", 514), ("logvar", "float32", 514), ("timestamp", "float32", 7)]
        result = self.run_job(self.config(columns, samples=20, group=1024, batch=3), "++reader.verify=all")
        self.covered(result)
        row = 4 * sum(c[2] for c in columns)
        epoch = result.summary()["dlfw"]["epochs"][0]
        self.assertEqual(epoch["bytes_verified"], 2 * 20 * row)
        self.assertLess(epoch["bytes_asked"], 2 * 20 * row * 1.001)
        self.compare(columns, 1024)


class Reading(Parquet):
    def test_files_of_pyarrow(self):
        folder = self.folder / "data" / "train"
        folder.mkdir(parents=True)
        script = ("import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq\n"
                  "for i in range(3):\n"
                  "    r = np.random.default_rng(i)\n"
                  "    t = pa.table({'a': pa.array(r.integers(0, 9, 300), mask=r.random(300) < .1), 'b': r.random(300, np.float32),\n"
                  "                  'c': pa.FixedSizeListArray.from_arrays(pa.array(r.random(6000)), 20), 's': [str(v) for v in range(300)]})\n"
                  "    pq.write_table(t, f'{sys.argv[1]}/img_{i}_of_3.parquet', row_group_size=64, compression=sys.argv[2], data_page_version=sys.argv[3])\n")
        for codec in ("snappy", "gzip", "zstd", "none"):
            for version in ("1.0", "2.0"):
                with self.subTest(codec=codec, version=version):
                    self.reader(script, folder, codec, version)
                    for decode in (["++dataset.parquet.decode=columns", "++dataset.parquet.select=[a,b,c]"], []):
                        result = self.run_job(self.config(files=3, samples=300, group=64), "++workflow.generate_data=False", *decode)
                        self.covered(result)
                        self.assertEqual(result.summary()["dlfw"]["coverage"][0]["train"]["samples"], 900 // 7 * 7)

    def test_row_groups_of_another_size(self):
        columns = [("x", "float32", 200), ("y", "int8", 1)]
        self.assert_good(self.run_job(self.config(columns, samples=1000, group=100), command="generate"))
        for group in (30, 100, 333, 5000):
            with self.subTest(group):
                result = self.run_job(self.config(columns, samples=1000, group=group), "++workflow.generate_data=False", "++reader.verify=all",
                                      "++dataset.parquet.decode=columns")
                self.covered(result)
                self.assertEqual("row_group_size" in result.err + result.out, group == 30)

    def test_units_are_shuffled_and_files_may_stay_whole(self):
        columns = [("x", "float32", 300)]
        config = self.config(columns, samples=1000, group=100)
        for mode in ("row_group", "file"):
            self.covered(self.run_job(config, f"++dataset.parquet.read_mode={mode}", "++reader.verify=all"))

    def test_streamed(self):
        result = self.run_job(self.config([("x", "float32", 3000), ("y", "float64", 1, False)], samples=200), "++reader.samples=stream", "++reader.verify=all")
        self.covered(result)
        self.assertEqual(result.summary()["dlfw"]["epochs"][0]["bytes_verified"], 2 * 200 * 12000)


class Damage(Parquet):
    COLUMNS = [("a", "float32", 1000), ("b", "float32", 3)]

    def damaged(self, change, *texts):
        self.assert_good(self.run_job(self.config(self.COLUMNS), command="generate"))
        path = self.files()[1]
        data = bytearray(path.read_bytes())
        path.write_bytes(change(data))
        result = self.run_job(self.config(self.COLUMNS), "++workflow.generate_data=False")
        self.assert_fails(result, path.name, *texts)
        path.unlink()

    def test_damaged_pages_are_found(self):
        def flip(at):
            def change(data):
                data[at(data)] ^= 0x40
                return data
            return change
        for where in (500, 200000, 420000):
            self.damaged(flip(lambda data, n=where: n), "row group", "column 'a", "CRC mismatch", "offset")
        self.damaged(flip(lambda data: len(data) - 3), "PAR1")
        self.damaged(flip(lambda data: len(data) - 7), "offset")

    def test_cut_off(self):
        self.damaged(lambda data: data[:len(data) // 2], "PAR1")
        self.damaged(lambda data: data[:10], "short")

    def test_random_damage_never_crashes(self):
        self.assert_good(self.run_job(self.config(EVERY, samples=50), command="generate"))
        path, r = self.files()[0], random.Random(4)
        good = path.read_bytes()
        for _ in range(25):
            data = bytearray(good)
            for _ in range(3):
                data[r.randrange(len(data) - 8000, len(data))] = r.randrange(256)
            path.write_bytes(data)
            result = self.run_job(self.config(EVERY, samples=50), "++workflow.generate_data=False", "++train.epochs=1")
            self.assertIn(result.status, (0, 1), result.err)

    def test_content_of_another_seed(self):
        self.assert_good(self.run_job(self.config(self.COLUMNS), command="generate"))
        result = self.run_job(self.config(self.COLUMNS), "++workflow.generate_data=False", "++reader.verify=all", "++content.seed=77")
        self.assert_fails(result, "generated content", "row group", "offset")


class Refused(Parquet):
    def test_options(self):
        good = [("a", "float32", 4)]
        cases = (
            (good, ["++dataset.parquet.partition_by=a"], ["partition_by", "not supported"]),
            (good, ["++dataset.parquet.select=[nothere]"], ["select"]),
            (good, ["++dataset.compression=lzf"], ["compression", "snappy"]),
            (good, ["++dataset.compression=gzip", "++dataset.compression_level=12"], ["compression_level"]),
            (good, ["++dataset.parquet.decode=some"], ["decode", "columns"]),
            ([("a", "int7", 1)], [], ["run.yaml:", "dtype"]),
            ([("a", "string", 9)], [], ["run.yaml:", "size"]),
            ([("a", "int8", 1, False)], [], ["read: false"]),
        )
        for columns, overrides, texts in cases:
            with self.subTest(overrides or columns):
                result = self.run_job(self.config(columns), *overrides)
                self.assertNotEqual(result.status, 0, result.out)
                for text in texts:
                    self.assertIn(text, result.err)

    def test_unknown_key_of_a_column(self):
        path = self.config([("a", "float32", 4)])
        path.write_text(path.read_text().replace("size: 4", "sise: 4"))
        self.assert_fails(self.run_job(path), "run.yaml:", "unknown key", "'a'")

    def test_byte_arrays_cannot_be_rows(self):
        result = self.run_job(self.config([("s", "string", 1), ("x", "float32", 1)]), "++dataset.parquet.decode=columns")
        self.assert_fails(result, "column 's'", "fixed width", "decode: raw")
        self.covered(self.run_job(self.config([("s", "string", 1), ("x", "float32", 1)]), "++dataset.parquet.decode=columns", "++dataset.parquet.select=[x]"))


if __name__ == "__main__":
    unittest.main()
