# SPDX-License-Identifier: Apache-2.0
"""HDF5 files: generated ones as h5py, h5dump and dlfw itself read them, and those of h5py as dlfw reads them."""
import json
import os
import subprocess
import unittest

from support import SOURCE, EndToEnd

PYTHON = os.environ["TEST_READERS"]

HDF5 = """model:
  name: hdf5
framework: pytorch
workflow:
  generate_data: True
  train: True
dataset:
  data_folder: {folder}/data
  format: hdf5
  num_files_train: 3
  num_samples_per_file: 4
  record_length_bytes: 10000
reader:
  data_loader: pytorch
  batch_size: 2
  read_threads: 2
  verify: all
content:
  seed: 7
train:
  epochs: 2
  computation_time: 0.001
"""

# Reads every file with h5py: shape, type and layout as told, all data sets one after the other = the content stream.
CHECK = """
import glob, json, re, sys
import h5py, numpy
folder, want = sys.argv[1], json.loads(sys.argv[2])
code = re.search(r"```python\\n(.*?)```", open(sys.argv[3]).read(), re.S).group(1)
exec(code)

def fnv(text):
    h = 0xcbf29ce484222325
    for c in text.encode():
        h = (h ^ c) * 0x100000001b3 & M64
    return h

files = sorted(glob.glob(folder + "/train/*.hdf5"))
assert len(files) == want["files"], files
for path in files:
    with h5py.File(path, "r") as f:
        k = want.get("sets", 1)
        assert sorted(f) == sorted(["labels"] + [f"records_{i}" for i in range(k)]), sorted(f)
        labels = f["labels"]
        assert labels.dtype == numpy.int64 and not labels[...].any()
        data = b""
        for i in range(k):
            d = f[f"records_{i}"]
            assert list(d.shape) == want["shape"] and d.dtype == want.get("dtype", "uint8"), (d.shape, d.dtype)
            assert labels.shape == d.shape[:1]
            assert (list(d.chunks) if d.chunks else None) == want.get("chunks"), d.chunks
            assert d.compression == want.get("compression"), d.compression
            assert list(d.maxshape) == want.get("maxshape", want["shape"]), d.maxshape
            data += d[...].tobytes()
    assert data == content(want["seed"], fnv("train/" + path.rsplit("/", 1)[1]), 0, len(data)), path
"""

# name: run file keys, what h5py must find
VARIANTS = {
    "contiguous": ([], {"shape": [4, 100, 100]}),
    "float32": (["++dataset.record_element_type=float32", "++dataset.record_length_bytes=2500"], {"shape": [4, 50, 50], "dtype": "float32"}),
    "chunked": (["++dataset.hdf5.chunk_dims=[1,30,100]"], {"shape": [4, 100, 100], "chunks": [1, 30, 100]}),
    "rows": (["++dataset.hdf5.chunk_dims=[3,100,100]"], {"shape": [4, 100, 100], "chunks": [3, 100, 100]}),
    "single": (["++dataset.hdf5.chunk_dims=[4,100,100]"], {"shape": [4, 100, 100], "chunks": [4, 100, 100]}),
    "gzip": (["++dataset.compression=gzip", "++dataset.hdf5.chunk_dims=[2,64,32]"],
             {"shape": [4, 100, 100], "chunks": [2, 64, 32], "compression": "gzip"}),
    "lzf": (["++dataset.compression=lzf", "++dataset.hdf5.chunk_dims=[2,50,50]"],
            {"shape": [4, 100, 100], "chunks": [2, 50, 50], "compression": "lzf"}),
    "max_shape": (["++dataset.hdf5.max_shape=[200,150]", "++dataset.hdf5.chunk_dims=[1,40,40]"],
                  {"shape": [4, 100, 100], "chunks": [1, 40, 40], "maxshape": [4, 200, 150]}),
    "unlimited": (["++dataset.hdf5.max_shape=[unlimited,100]", "++dataset.hdf5.chunk_dims=[1,7,9]", "++dataset.compression=gzip"],
                  {"shape": [4, 100, 100], "chunks": [1, 7, 9], "maxshape": [4, None, 100], "compression": "gzip"}),
    "record_dims": (["++dataset.record_dims=[1,30,20]"], {"shape": [4, 30, 20]}),
    "two sets": (["++dataset.record_dims=[4,30,20]", "++dataset.hdf5.num_dset_per_record=2"], {"shape": [4, 2, 30, 20], "sets": 2}),
    "twelve sets": (["++dataset.record_dims=[12,30,20]", "++dataset.hdf5.num_dset_per_record=12", "++dataset.compression=gzip"],
                    {"shape": [4, 30, 20], "sets": 12, "compression": "gzip", "chunks": [4, 30, 20]}),
}


class Hdf5(EndToEnd):
    def python(self, script, *words):
        done = subprocess.run([PYTHON, "-c", script, *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def h5dump(self, path):
        done = subprocess.run(["h5dump", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_verified(self, *overrides):
        """Samples of 2 epochs, every byte compared."""
        result = self.run_job(self.folder / "run.yaml", *overrides)
        self.assert_good(result)
        dlfw = result.summary()["dlfw"]
        for epoch in dlfw["coverage"]:
            self.assertTrue(epoch["train"]["ok"], epoch)
        return dlfw["epochs"][0]

    def test_variants(self):
        """Each variant: read back by dlfw from both backends in both modes, by h5py, by h5dump."""
        for name, (overrides, want) in VARIANTS.items():
            with self.subTest(name):
                self.write(HDF5.replace("{folder}/data", "{folder}/" + name.replace(" ", "_")))
                sizes = 4 if want.get("dtype") else 1
                total = 3 * want.get("sets", 1) * sizes
                for n in want["shape"]:
                    total *= n
                epoch = self.run_verified(*overrides)
                self.assertEqual(epoch["bytes_verified"], total)
                off = "++workflow.generate_data=False"
                for more in (["++reader.odirect=True"], ["++reader.samples=stream"], ["++reader.sample_shuffle=seed", "++reader.file_shuffle=seed"]):
                    self.assertGreaterEqual(self.run_verified(*overrides, off, *more)["bytes_verified"], total)
                folder = self.folder / name.replace(" ", "_")
                self.python(CHECK, folder, json.dumps({"files": 3, "seed": 7, **want}), SOURCE / "docs" / "content.md")
                if want.get("compression") != "lzf":  # h5py's own filter
                    self.assertIn('DATASET "labels"', self.h5dump(folder / "train" / "img_0_of_3.hdf5"))

    def test_mistakes_in_the_run_file(self):
        self.write(HDF5)
        for overrides, text in (
                (["++dataset.hdf5.chunk_dims=[1,100]"], "has 2 dimensions, the data set has 3"),
                (["++dataset.hdf5.chunk_dims=[1,0,100]"], "a dimension that is no number"),
                (["++dataset.hdf5.chunk_dims=[1,101,100]"], "has at most 100"),
                (["++dataset.hdf5.max_shape=[99,100]"], "is 99, a sample has 100"),
                (["++dataset.hdf5.num_dset_per_record=3"], "does not divide"),
                (["++dataset.compression=bz2"], "bz2")):
            with self.subTest(text):
                result = self.run_job(self.folder / "run.yaml", *overrides, command="generate")
                self.assertNotEqual(result.status, 0)
                self.assertIn(text, result.err)

    def test_foreign_files(self):
        """Files of h5py in several layouts, as the samples of a run."""
        script = ("import h5py, numpy, os, sys\n"
                  "os.makedirs(sys.argv[1] + '/train')\n"
                  "kinds = [dict(), dict(chunks=(1, 16, 64)), dict(chunks=(3, 16, 16), compression='gzip', shuffle=True, fletcher32=True)]\n"
                  "for i in range(6):\n"
                  "    with h5py.File(f'{sys.argv[1]}/train/img_{i}_of_6.hdf5', 'w', libver=('earliest', 'latest')[i // 3]) as f:\n"
                  "        f.create_dataset('records_0', data=numpy.random.randint(0, 255, (4, 64, 64)).astype('float32'), **kinds[i % 3])\n"
                  "        f.create_dataset('labels', data=[0] * 4)\n")
        self.python(script, self.folder / "data")
        config = self.write(HDF5.replace("generate_data: True", "generate_data: False").replace("num_files_train: 3", "num_files_train: 6")
                            .replace("verify: all", "verify: checksums"))
        for more in ([], ["++reader.odirect=True"], ["++reader.samples=stream"]):
            result = self.run_job(config, *more)
            self.assert_good(result)
            self.assertEqual(result.summary()["dlfw"]["coverage"][0]["train"]["samples"], 24)

    def damaged(self, change, *texts):
        path = self.folder / "data" / "train" / "img_1_of_3.hdf5"
        good = path.read_bytes()
        path.write_bytes(change(bytearray(good)))
        result = self.run_job(self.folder / "run.yaml", "++workflow.generate_data=False")
        path.write_bytes(good)
        self.assert_fails(result, "img_1_of_3.hdf5", *texts)

    def flip(self, at):
        def change(data):
            data[at] ^= 4
            return data
        return change

    def test_damage_ends_the_run(self):
        self.write(HDF5)
        self.assert_good(self.run_job(self.folder / "run.yaml", command="generate"))
        self.damaged(lambda d: d[:-1], "truncated")
        self.damaged(lambda d: d[:40], "too few")
        self.damaged(lambda d: d[:0], "")
        self.damaged(self.flip(3), "no signature")
        self.damaged(self.flip(20), "checksum")
        self.damaged(self.flip(80), "checksum mismatch of an object header", "offset 48")
        self.damaged(self.flip(5000), "generated content")

    def test_damage_of_compressed_files(self):
        self.write(HDF5)
        gzip = ("++dataset.compression=gzip", "++dataset.hdf5.chunk_dims=[1,100,50]")
        self.assert_good(self.run_job(self.folder / "run.yaml", *gzip, command="generate"))
        data = (self.folder / "data" / "train" / "img_1_of_3.hdf5").read_bytes()
        root = int.from_bytes(data[36:44], "little")
        self.damaged(self.flip(60), "offset 48")
        self.damaged(self.flip(root + 20), f"checksum mismatch of an object header (at offset {root})")
        self.damaged(self.flip(root - 60), "checksum mismatch of a table of chunks")


if __name__ == "__main__":
    unittest.main()
