# SPDX-License-Identifier: Apache-2.0
"""dlfw index: indexes of files of any origin, written and checked, and what is wrong with either."""
import json
import os
import struct
import subprocess
import unittest

from support import SOURCE, EndToEnd

GOLDEN = SOURCE / "tests" / "golden" / "tfrecord"


def records_of(path):
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        length = struct.unpack_from("<Q", data, at)[0] + 16
        found.append((at, length))
        at += length
    return found


class Index(EndToEnd):
    def setUp(self):
        super().setUp()
        self.paths = []
        for name in ("tf_variable", "tf_many", "raw"):
            path = self.folder / "files" / f"{name}.tfrecord"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes((GOLDEN / path.name).read_bytes())
            self.paths.append(path)

    def test_text(self):
        result = self.dlfw("index", *self.paths)
        self.assert_good(result)
        for path in self.paths:
            index = path.with_name(path.name + ".idx")
            self.assertEqual(index.read_text(), "".join(f"{offset} {length}\n" for offset, length in records_of(path)))
            self.assertRegex(result.out, rf"{path.name}: {len(records_of(path))} records in {path.stat().st_size} bytes: .*{path.name}.idx written")
        self.assert_good(self.dlfw("index", "--check", *self.paths))

    def test_binary_elsewhere(self):
        """Relative names, a folder that is not there yet, another suffix."""
        words = ("--kind", "binary", "--output", "new/folder", "--suffix", ".bin")
        self.assert_good(self.dlfw("index", *words, *[path.relative_to(self.folder) for path in self.paths]))
        for path in self.paths:
            data = (self.folder / "new" / "folder" / (path.name + ".bin")).read_bytes()
            self.assertEqual([struct.unpack_from("<QQ", data, at) for at in range(0, len(data), 16)], records_of(path))
        self.assert_good(self.dlfw("index", "--check", *words, *self.paths))
        self.assertEqual(sorted(p.name for p in self.paths[0].parent.iterdir()), sorted(p.name for p in self.paths))

    def test_uri(self):
        path = self.paths[0]
        self.assert_good(self.dlfw("index", f"file://{path}"))
        self.assertTrue(path.with_name(path.name + ".idx").exists())

    def test_json(self):
        self.paths[1].write_bytes(b"no records at all, only some text")
        result = self.dlfw("index", "--json", *self.paths)
        self.assertEqual(result.status, 1)
        rows = json.loads(result.out)
        self.assertEqual([row["good"] for row in rows], [True, False, True])
        self.assertEqual(rows[0]["records"], 5)
        self.assertEqual(rows[0]["bytes"], self.paths[0].stat().st_size)
        self.assertEqual(rows[0]["problem"], None)
        self.assertIn("offset 0", rows[1]["problem"])
        self.assertFalse(self.paths[1].with_name(self.paths[1].name + ".idx").exists())

    def test_differences(self):
        """The first entry that is wrong, missing or too much is named."""
        path = self.paths[0]
        index = path.with_name(path.name + ".idx")
        self.assert_good(self.dlfw("index", path))
        lines = index.read_text().splitlines(keepends=True)
        offset, length = records_of(path)[2]
        for text, words in (("".join(lines[:2] + ["1 2\n"] + lines[3:]), ("entry 2", "'1 2'", f"'{offset} {length}'")),
                            ("".join(lines[:2]), ("ends after entry 2", f"'{offset} {length}'")),
                            ("".join(lines + lines[:1]), ("more than the file's 5 records",)),
                            ("", ("ends after entry 0",)),
                            ("x" * 1000, ("entry 0",))):
            index.write_text(text)
            self.assert_fails(self.dlfw("index", "--check", path), str(path), *words)
            self.assertEqual(index.read_text(), text)
        index.unlink()
        self.assert_fails(self.dlfw("index", "--check", path), index.name)

    def test_binary_differences(self):
        path = self.paths[0]
        index = path.with_name(path.name + ".idx")
        self.assert_good(self.dlfw("index", "--kind", "binary", path))
        data = bytearray(index.read_bytes())
        data[20] ^= 1
        index.write_bytes(data)
        self.assert_fails(self.dlfw("index", "--check", "--kind", "binary", path), "entry 1")
        index.write_bytes(data[:20])
        self.assert_fails(self.dlfw("index", "--check", "--kind", "binary", path), "entry 1")

    def test_damaged_file(self):
        """Both checksums are verified; the index that was there stays."""
        path = self.paths[0]
        index = path.with_name(path.name + ".idx")
        self.assert_good(self.dlfw("index", path))
        before, good = index.read_text(), path.read_bytes()
        offset, _ = records_of(path)[2]
        for at, word in ((offset + 100, "checksum of its data"), (offset + 1, "checksum of its length")):
            data = bytearray(good)
            data[at] ^= 1
            path.write_bytes(data)
            self.assert_fails(self.dlfw("index", path), path.name, "record 2", word, f"offset {offset}")
        path.write_bytes(good[:-1])
        self.assert_fails(self.dlfw("index", path), "record 4")
        self.assertEqual(index.read_text(), before)
        self.assertEqual(sorted(p.name for p in index.parent.iterdir() if p.name.startswith(path.name)), [path.name, index.name])

    def test_empty_file(self):
        path = self.paths[0]
        path.write_bytes(b"")
        self.assert_good(self.dlfw("index", path))
        self.assertEqual(path.with_name(path.name + ".idx").read_bytes(), b"")
        self.assert_good(self.dlfw("index", "--check", path))

    def test_large_file(self):
        """Many records through several pieces and buffers, against a reader that only knows the framing."""
        config = self.write("model: {{name: x}}\nframework: tensorflow\nworkflow: {{generate_data: True, train: False}}\ndataset:\n"
                            "  data_folder: {folder}/data\n  format: tfrecord\n  num_files_train: 1\n  num_samples_per_file: 20000\n"
                            "  record_length_bytes: 400\nreader: {{data_loader: tensorflow}}\n")
        self.assert_good(self.run_job(config))
        path = self.folder / "data" / "train" / "img_0_of_1.tfrecord"
        self.assertEqual(len(records_of(path)), 20000)
        self.assert_good(self.dlfw("index", "--check", "--output", self.folder / "data" / "index" / "train", path))
        self.assert_good(self.dlfw("index", path))
        made = (self.folder / "data" / "index" / "train" / (path.name + ".idx")).read_bytes()
        self.assertEqual(path.with_name(path.name + ".idx").read_bytes(), made)

    def test_mistakes(self):
        self.assert_fails(self.dlfw("index"), "no file", status=2)
        self.assert_fails(self.dlfw("index", "--kind", "text", self.paths[0]), "'text'", "dali and binary", status=2)
        self.assert_fails(self.dlfw("index", "--suffix", "a/b", self.paths[0]), "'a/b'", status=2)
        self.assert_fails(self.dlfw("index", "--nothing", self.paths[0]), "--nothing", status=2)
        self.assert_fails(self.dlfw("index", self.folder / "absent"), "absent")
        self.assert_fails(self.dlfw("index", str(self.folder / "files") + "/"), "files")
        self.assert_fails(self.dlfw("index", "s4://bucket/x"), "s4")

    def test_completion(self):
        words = subprocess.run(self.argv("complete", "index", "--k")[:1] + ["complete", "index", "--k"], capture_output=True, text=True)
        self.assertEqual(words.stdout, "--kind\n")
        words = subprocess.run(self.argv("complete")[:1] + ["complete", "index", "--kind", ""], capture_output=True, text=True)
        self.assertEqual(words.stdout, "dali\nbinary\n")
        words = subprocess.run(self.argv("complete")[:1] + ["complete", "index", "file", ""], capture_output=True, text=True)
        self.assertEqual(words.stdout, "")


Index.base = os.environ["TEST_BUILD"]

if __name__ == "__main__":
    unittest.main()
