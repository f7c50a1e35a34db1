# SPDX-License-Identifier: Apache-2.0
"""indexed_binary, mmap_indexed_binary, csv, raw and synthetic: generated, trained on with every byte verified, read by numpy, damaged."""
import subprocess
import unittest

from support import EndToEnd

PLAIN = """model:
  name: plain
framework: pytorch
workflow:
  generate_data: True
  train: True
dataset:
  data_folder: {folder}/data
  num_files_train: 3
  num_samples_per_file: 40
  record_dims: [25, 41]
  record_element_type: uint8
reader:
  data_loader: pytorch
  batch_size: 8
  read_threads: 2
  verify: all
train:
  epochs: 2
  computation_time: 0.001
"""

FORMATS = ["indexed_binary", "mmap_indexed_binary", "csv", "raw", "synthetic"]
PAYLOAD = 3 * 40 * 25 * 41


class PlainFormats(EndToEnd):
    def job(self, name, *overrides, **more):
        return self.run_job(self.write(PLAIN), f"++dataset.format={name}", *overrides, **more)

    def train(self, name, *overrides):
        return self.job(name, "++workflow.generate_data=False", *overrides)

    def numpy(self, script):
        done = subprocess.run(["/usr/bin/python3", "-c", script, str(self.folder / "data" / "train")], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def files(self, pattern):
        files = sorted((self.folder / "data" / "train").glob(pattern))
        self.assertEqual(len(files), 3, files)
        return files

    def test_generate_train_and_verify(self):
        for name in FORMATS:
            for order in ("off", "seed"):
                with self.subTest(format=name, order=order):
                    result = self.job(name, f"++reader.file_shuffle={order}", f"++reader.sample_shuffle={order}", f"++dataset.data_folder={self.folder}/{name}-{order}")
                    self.assert_good(result)
                    summary = result.summary()["dlfw"]
                    for epoch in summary["coverage"]:
                        self.assertTrue(epoch["train"]["ok"], epoch)
                        self.assertEqual(epoch["train"]["samples"], 120)
                    expected = 0 if name == "synthetic" else PAYLOAD
                    self.assertEqual(summary["epochs"][0]["bytes_verified"], expected)

    def test_every_type(self):
        for name in FORMATS:
            for dtype in ("int8", "uint16", "int32", "int64", "float16", "float32", "float64", "bool"):
                with self.subTest(format=name, dtype=dtype):
                    self.assert_good(self.job(name, f"++dataset.record_element_type={dtype}", "++dataset.record_dims=[7,5]", "++train.epochs=1",
                                              f"++dataset.data_folder={self.folder}/{name}-{dtype}"))

    def test_numpy_reads_indexed_files(self):
        for name in ("indexed_binary", "mmap_indexed_binary"):
            self.assert_good(self.job(name, "++dataset.record_element_type=int32", command="generate"))
            for path in self.files("*." + name):
                self.assertEqual(path.stat().st_size, 40 * 25 * 41 * 4)
            self.numpy("import glob, sys, numpy as np\n"
                       f"for f in glob.glob(sys.argv[1] + '/*.{name}'):\n"
                       "    off, sz = np.fromfile(f + '.off.idx', '<u8'), np.fromfile(f + '.sz.idx', '<u8')\n"
                       "    data = np.fromfile(f, 'u1')\n"
                       "    assert off.tolist() == [i * 4100 for i in range(40)], off\n"
                       "    assert sz.tolist() == [4100] * 40, sz\n"
                       "    rows = [data[o:o + s].view('<i4').reshape(25, 41) for o, s in zip(off.astype(int), sz.astype(int))]\n"
                       "    assert len(np.unique(np.stack(rows))) > 40000\n")

    def test_numpy_reads_csv(self):
        for dtype, script in (("uint8", "(a >= 0).all() and (a <= 255).all() and len(np.unique(a)) == 256"), ("float32", "np.isfinite(a).all()")):
            self.assert_good(self.job("csv", f"++dataset.record_element_type={dtype}", f"++dataset.data_folder={self.folder}/data", command="generate"))
            self.numpy("import glob, sys, numpy as np\n"
                       "for f in glob.glob(sys.argv[1] + '/*.csv'):\n"
                       "    a = np.loadtxt(f, delimiter=',')\n"
                       f"    assert a.shape == (40, 25 * 41) and {script}\n"
                       "    assert len({tuple(row) for row in a}) == 40\n")
            for path in self.files("*.csv"):
                path.unlink()

    def test_compressed_csv_keeps_its_name(self):
        self.assert_good(self.job("csv", "++dataset.compression=gzip", "++dataset.compression_level=9"))
        self.numpy("import glob, gzip, sys, numpy as np\n"
                   "for f in glob.glob(sys.argv[1] + '/*.csv'):\n"
                   "    assert np.loadtxt(gzip.open(f, 'rt'), delimiter=',').shape == (40, 1025)\n")
        self.assert_fails(self.train("csv"), "no text, but gzip: set dataset.compression: gzip", ".csv'")

    def test_other_compressions_are_refused(self):
        self.assert_fails(self.job("csv", "++dataset.compression=bz2"), "dataset.csv.compression: 'bz2' is none of none, gzip")
        self.assert_fails(self.job("raw", "++dataset.compression=gzip"), "compression")

    def test_numpy_reads_raw(self):
        self.assert_good(self.job("raw", "++dataset.record_element_type=float64", command="generate"))
        self.numpy("import glob, sys, numpy as np\n"
                   "for f in glob.glob(sys.argv[1] + '/*.raw'):\n"
                   "    assert np.fromfile(f, '<f8').reshape(40, 25, 41).shape == (40, 25, 41)\n")
        numbers = bytes(range(256)) * 40
        for path in self.files("*.raw"):
            path.write_bytes(numbers)
        self.assert_good(self.train("raw", "++reader.verify=none", "++dataset.record_dims=[256]"))

    def test_tables_beyond_their_memory(self):
        """Tables that are not loaded are checked entry by entry, ordered and shuffled."""
        limit = "++dataset.indexed_binary.table_memory=0"
        for order in ("off", "seed"):
            self.assert_good(self.job("indexed_binary", limit, f"++reader.sample_shuffle={order}"))
        table = self.files("*.off.idx")[1]
        data = bytearray(table.read_bytes())
        data[8 * 17] ^= 1
        table.write_bytes(data)
        self.assert_fails(self.train("indexed_binary", limit), table.name, "entry 17 is", "(at offset 136)")

    def test_damaged_files_end_in_one_line(self):
        cases = [("indexed_binary", "*.indexed_binary", lambda b: b[:-1], "left in the data"),
                 ("indexed_binary", "*.sz.idx", lambda b: b[:-8], "differ in length: 40 offsets and 39 sizes"),
                 ("indexed_binary", "*.off.idx", None, "which is missing"),
                 ("indexed_binary", "*.indexed_binary", lambda b: b[:5000] + b"\0\1\2\3" + b[5004:], "5000"),
                 ("mmap_indexed_binary", "*.off.idx", lambda b: b[:80] + b[:80] + b[160:], "do not follow each other"),
                 ("csv", "*.csv", lambda b: b[:len(b) // 2], "the last line has no end: truncated"),
                 ("csv", "*.csv", lambda b: b[:b[:-1].rindex(b"\n") + 1], "truncated: holds 39 rows"),
                 ("csv", "*.csv", lambda b: b"x" + b[1:], ".csv':1:1: 'x"),
                 ("raw", "*.raw", lambda b: b[:-1], "not 40 equally long samples"),
                 ("raw", "*.raw", lambda b: b[:-1] + bytes([b[-1] ^ 1]), "content"),
                 ("synthetic", "*.synthetic", lambda b: b[:3], "truncated"),
                 ("synthetic", "*.synthetic", lambda b: b.replace(b" 40 ", b" 39 "), "holds 39 samples")]
        for number, (name, pattern, damage, text) in enumerate(cases):
            with self.subTest(format=name, text=text):
                folder = f"++dataset.data_folder={self.folder}/{number}"
                self.assert_good(self.job(name, folder, command="generate"))
                path = sorted((self.folder / str(number) / "train").glob(pattern))[1]
                if damage:
                    path.write_bytes(damage(path.read_bytes()))
                else:
                    path.unlink()
                self.assert_fails(self.train(name, folder), "img_1_of_3." + name, text)


if __name__ == "__main__":
    unittest.main()
