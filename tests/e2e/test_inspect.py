# SPDX-License-Identifier: Apache-2.0
"""dlfw inspect: files of every kind, written by us and by others, whole and damaged, as text and as JSON."""
import json
import os
import subprocess
import unittest

from support import BUILD, SMALL, EndToEnd

READERS = os.environ["TEST_READERS"]

WRITE = """
import numpy as np
from PIL import Image
np.savez("arrays.npz", x=np.arange(12, dtype="<f4").reshape(3, 4), names=np.array(["a", "b"]))
np.savez_compressed("packed.npz", x=np.asfortranarray(np.zeros((5, 6), ">i2")))
np.save("one.npy", np.zeros((2, 3, 4), "u1"))
image = Image.fromarray(np.arange(30 * 40 * 3, dtype="u4").astype("u1").reshape(30, 40, 3), "RGB")
image.save("photo.jpeg", progressive=True, comment=b"hello")
image.save("photo.png")
image.quantize(8).save("palette.png", bits=4)
"""


class Inspect(EndToEnd):
    def setUp(self):
        super().setUp()
        done = subprocess.run([READERS, "-c", WRITE], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def json(self, *words, status=0):
        result = self.dlfw("inspect", "--json", *words)
        self.assertEqual(result.status, status, result.err)
        return json.loads(result.out)

    def parts(self, name, **more):
        document = self.json(name, **more)
        return document["contents"]["parts"]

    def damage(self, name, at):
        path = self.folder / name
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    def test_other_peoples_extensions(self):
        for name, other in (("photo.jpeg", "photo.JPG"), ("photo.jpeg", "photo.jpe")):
            (self.folder / other).write_bytes((self.folder / name).read_bytes())
            self.assertEqual(self.json(other)["format"], "jpeg")

    def test_numpy_archive(self):
        x, names = self.parts("arrays.npz")
        self.assertEqual((x["kind"], x["name"]), ("array", "x.npy"))
        facts = x["facts"]
        self.assertEqual((facts["dtype"], facts["shape"], facts["order"], facts["method"]), ("<f4", "(3, 4)", "C", "stored"))
        self.assertEqual(facts["array bytes"], 48)
        self.assertRegex(facts["crc"], "^[0-9a-f]{8}$")
        self.assertIn("not read", names["facts"])
        packed, = self.parts("packed.npz")
        self.assertEqual((packed["facts"]["method"], packed["facts"]["order"], packed["facts"]["dtype"]), ("deflated", "Fortran", ">i2"))

    def test_numpy_array(self):
        array, = self.parts("one.npy")
        self.assertEqual(array["facts"], {"dtype": "|u1", "shape": "(2, 3, 4)", "order": "C", "array bytes": 24})

    def test_images(self):
        jpeg, = self.parts("photo.jpeg")
        facts = jpeg["facts"]
        self.assertEqual((facts["width"], facts["height"], facts["channels"], facts["coding"], facts["comment bytes"]), (40, 30, 3, "progressive", 5))
        self.assertGreater(facts["scans"], 3)
        png, = self.parts("photo.png")
        facts = png["facts"]
        self.assertEqual((facts["width"], facts["height"], facts["bit depth"], facts["color"], facts["interlace"]), (40, 30, 8, "RGB", "none"))
        palette, = self.parts("palette.png")
        self.assertEqual((palette["facts"]["color"], palette["facts"]["bit depth"]), ("palette", 4))

    def test_image_larger_than_is_decoded(self):
        data = (self.folder / "photo.jpeg").read_bytes()
        at = data.index(b"\xff\xc2") + 5
        (self.folder / "huge.jpeg").write_bytes(data[:at] + b"\xff\xdc\xff\xdc" + data[at + 4:])
        facts = self.parts("huge.jpeg")[0]["facts"]
        self.assertEqual((facts["width"], facts["height"]), (65500, 65500))

    def test_text(self):
        result = self.dlfw("inspect", "photo.png", "arrays.npz")
        self.assert_good(result)
        lines = result.out.splitlines()
        size = (self.folder / "photo.png").stat().st_size
        self.assertEqual(lines[:3], [f"photo.png: png, {size} bytes, 1 unit", "  image png", "    width: 40"])
        self.assertEqual(lines.count("  checks: ok"), 2)
        self.assertIn("  array x.npy", lines)

    def test_document(self):
        document = self.json("photo.png")
        self.assertEqual(list(document), ["uri", "format", "bytes", "units", "contents", "checks", "problem"])
        self.assertEqual((document["uri"], document["format"], document["units"], document["checks"], document["problem"]),
                         ("photo.png", "png", 1, "ok", None))
        self.assertEqual(document["bytes"], (self.folder / "photo.png").stat().st_size)

    def test_one_document_each(self):
        result = self.dlfw("inspect", "--json", "photo.png", "one.npy", self.folder / "photo.jpeg", f"file://{self.folder}/photo.jpeg")
        self.assert_good(result)
        decoder, text, seen = json.JSONDecoder(), result.out, []
        while text.strip():
            document, end = decoder.raw_decode(text.lstrip())
            seen.append(document["format"])
            text = text.lstrip()[end:]
        self.assertEqual(seen, ["png", "npy", "jpeg", "jpeg"])

    def test_units(self):
        document = self.json("arrays.npz", "--units", 1)
        self.assertEqual(document["units"], 2)
        unit, = document["unit_list"]
        self.assertEqual((unit["first_sample"], unit["samples"]), (0, 1))
        self.assertIn("  unit 0\n", self.dlfw("inspect", "--units", 5, "photo.png").out)

    def test_damage(self):
        for name in ("photo.png", "arrays.npz"):
            with self.subTest(name=name):
                self.damage(name, 200 if name.endswith("npz") else 100)
                result = self.dlfw("inspect", name)
                self.assert_fails(result, name, "CRC", "offset")
                self.assertRegex(result.out, "checks: .*CRC")
                document = self.json(name, status=1)
                self.assertEqual(document["checks"], "damaged")
                self.assertIn("CRC", document["problem"])
                self.assertEqual(self.json(name, "--no-verify")["checks"], "not checked")

    def test_damage_in_an_array_that_no_training_reads(self):
        data = (self.folder / "arrays.npz").read_bytes()
        self.damage("arrays.npz", data.index(b"PK\1\2") - 1)
        self.assert_fails(self.dlfw("inspect", "arrays.npz"), "names.npy", "CRC")

    def test_truncation(self):
        for name in ("photo.jpeg", "photo.png", "arrays.npz", "one.npy"):
            path = self.folder / name
            path.write_bytes(path.read_bytes()[:-1])
            self.assert_fails(self.dlfw("inspect", name), name)

    def test_one_damaged_of_several(self):
        self.damage("photo.png", 100)
        result = self.dlfw("inspect", "photo.png", "one.npy", "nothing.npy")
        self.assertEqual(result.status, 1)
        self.assertEqual(result.out.count("checks: ok"), 1)
        self.assertEqual(len(result.err.splitlines()), 2, result.err)

    def test_format_by_name(self):
        (self.folder / "photo.png").rename(self.folder / "photo")
        self.assert_fails(self.dlfw("inspect", "photo"), "--format", "jpeg", "png", "npz")
        self.assertEqual(self.json("photo", "--format", "png")["format"], "png")
        self.assert_fails(self.dlfw("inspect", "photo", "--format", "pgn"), "pgn")
        self.assert_fails(self.dlfw("inspect", "photo", "--format", "jpeg"), "JPEG")

    def test_mistakes(self):
        for words in ([], ["--units"], ["--units", "many", "x"], ["--fast", "x"]):
            self.assertEqual(self.dlfw("inspect", *words).status, 2, words)
        self.assert_fails(self.dlfw("inspect", "nothing.npz"), "nothing.npz")
        self.assert_fails(self.dlfw("inspect", self.folder.as_posix() + "/"), "format")

    def test_generated_files_of_every_format(self):
        listed = subprocess.run([BUILD / "dlfw", "plugins", "list", "--json", "--plugin-dir", BUILD / "plugins"], capture_output=True, text=True)
        formats = [p["name"] for p in json.loads(listed.stdout)["plugins"] if p["kind"] == "format"]
        self.assertLessEqual({"npz", "npy", "jpeg", "png"}, set(formats))
        for kind in formats:
            with self.subTest(kind=kind):
                config = self.write(SMALL.replace("format: npz", f"format: {kind}").replace("{folder}/data", "{folder}/" + kind))
                self.assert_good(self.run_job(config, command="generate"))
                files = sorted(f for f in (self.folder / kind / "train").iterdir() if f.suffix == f".{kind}")
                self.assertEqual(len(files), 12)
                result = self.dlfw("inspect", *files)
                self.assert_good(result)
                self.assertEqual(result.out.count("checks: ok"), 12)

    def test_names_are_shown_as_one_line(self):
        (self.folder / "one.npy").rename(self.folder / "new\nline.npy")
        result = self.dlfw("inspect", "new\nline.npy")
        self.assert_good(result)
        self.assertTrue(result.out.startswith("new\\nline.npy: npy"), result.out)


if __name__ == "__main__":
    unittest.main()
