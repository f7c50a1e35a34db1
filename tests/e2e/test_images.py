# SPDX-License-Identifier: Apache-2.0
"""jpeg and png: what is generated opens in Pillow, what Pillow wrote is trained on, sizes are what was asked for, damage is one line."""
import json
import os
import subprocess
import unittest

from support import SMALL, EndToEnd

READERS = os.environ["TEST_READERS"]

# prints for each file: mode, size, and a CRC of the pixels
OPEN = """
import json, sys, zlib
import numpy as np
from PIL import Image
out = []
for path in sys.argv[1:]:
    with Image.open(path) as image:
        image.load()
        pixels = np.asarray(image)
        out.append([image.format, image.mode, image.width, image.height, zlib.crc32(pixels.tobytes()), float(pixels.mean()), float(pixels.std())])
print(json.dumps(out))
"""

# writes a dataset of photographs: gradients with noise, RGB, progressive or interlace-free
WRITE = """
import sys
import numpy as np
from PIL import Image
folder, kind, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for i in range(count):
    rng = np.random.default_rng(i)
    y, x = np.mgrid[0:60 + i, 0:80 + i]
    planes = [(x * 3 + i) % 256, (y * 2) % 256, rng.integers(0, 256, x.shape)]
    image = Image.fromarray(np.stack(planes, -1).astype("u1"), "RGB")
    options = {"quality": 90, "progressive": i % 2 == 1} if kind == "jpeg" else {}
    image.save(f"{folder}/img_{i:02d}_of_{count}.{kind}", **options)
"""


class Images(EndToEnd):
    def python(self, script, *words):
        done = subprocess.run([READERS, "-c", script, *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def config(self, kind, **changes):
        text = SMALL.replace("format: npz", f"format: {kind}")
        for key, value in changes.items():
            text = text.replace(key, value)
        return self.write(text)

    def files(self, kind):
        return sorted((self.folder / "data" / "train").rglob(f"*.{kind}"))

    def opened(self, kind):
        return json.loads(self.python(OPEN, *self.files(kind)))

    def damage(self, path, at, value=None):
        data = bytearray(path.read_bytes())
        data[at] = data[at] ^ 1 if value is None else value
        path.write_bytes(data)


class Generated(Images):
    def test_pillow_opens_them(self):
        for kind, size in (("jpeg", 4096), ("png", 51 + 64 * 65 + 17)):
            with self.subTest(kind=kind):
                self.assert_good(self.run_job(self.config(kind), command="generate"))
                files = self.files(kind)
                self.assertEqual(len(files), 12)
                self.assertEqual({f.stat().st_size for f in files}, {size})
                opened = self.opened(kind)
                self.assertEqual({tuple(o[:4]) for o in opened}, {(kind.upper(), "L", 64, 64)})
                self.assertEqual(len({o[4] for o in opened}), 12, "two images are equal")
                for o in opened:
                    self.assertTrue(110 < o[5] < 146 and 50 < o[6] < 90, o)

    def test_exact_png_and_natural_jpeg(self):
        self.assert_good(self.run_job(self.config("png"), "++dataset.png.size=exact", command="generate"))
        self.assertEqual({f.stat().st_size for f in self.files("png")}, {4096})
        self.opened("png")
        self.assert_good(self.run_job(self.config("jpeg"), "++dataset.jpeg.size=natural", "++dataset.jpeg.quality=90", command="generate"))
        sizes = {f.stat().st_size for f in self.files("jpeg")}
        self.assertGreater(len(sizes), 1)
        self.assertEqual({tuple(o[:4]) for o in self.opened("jpeg")}, {("JPEG", "L", 64, 64)})

    def test_quality_without_natural_size(self):
        self.assert_fails(self.run_job(self.config("jpeg"), "++dataset.jpeg.quality=90", command="generate"), "quality", "natural")

    def test_sizes_that_vary(self):
        config = self.config("jpeg", **{"record_length_bytes: 4096": "record_length_bytes: 40000\n  record_length_bytes_stdev: 8000"})
        self.assert_good(self.run_job(config, command="generate"))
        for path, o in zip(self.files("jpeg"), self.opened("jpeg")):
            self.assertEqual(path.stat().st_size, o[2] * o[3])

    def test_several_samples_per_file_are_refused(self):
        for kind in ("jpeg", "png"):
            self.assert_fails(self.run_job(self.config(kind), "++dataset.num_samples_per_file=3", command="generate"), "num_samples_per_file: 1")

    def test_element_type_is_ignored_with_a_warning(self):
        result = self.run_job(self.config("png"), "++dataset.record_element_type=float32", command="generate")
        self.assert_good(result)
        self.assertIn("record_element_type is ignored", result.err)

    def test_too_large_an_image(self):
        self.assert_fails(self.run_job(self.config("jpeg"), "++dataset.record_dims=[70000,8]", command="generate"), "70000", "65500")


class Trained(Images):
    def test_all_ways(self):
        for kind in ("jpeg", "png"):
            for size in ("exact", "natural"):
                for decode in ("pixels", "bytes"):
                    with self.subTest(kind=kind, size=size, decode=decode):
                        config = self.config(kind, **{"epochs: 2": "epochs: 1"})
                        result = self.run_job(config, f"++dataset.{kind}.size={size}", f"++dataset.{kind}.decode={decode}", "++reader.verify=all",
                                              "++content.seed=5")
                        self.assert_good(result)
                        epoch = result.summary()["dlfw"]
                        self.assertIn(str(sum(f.stat().st_size for f in self.files(kind))), json.dumps(epoch))

    def test_retinanet_like(self):
        text = SMALL.replace("format: npz", "format: jpeg").replace("record_length_bytes: 4096", "record_length_bytes: 322957")
        config = self.write(text.replace("num_files_train: 12", "num_files_train: 48").replace("batch_size: 4", "batch_size: 24"))
        self.assert_good(self.run_job(config, "++reader.verify=all", "++storage.storage_options.engine=pread"))
        self.assertEqual({f.stat().st_size for f in self.files("jpeg")}, {568 * 568})

    def test_images_of_another_program(self):
        for kind in ("jpeg", "png"):
            with self.subTest(kind=kind):
                folder = self.folder / "data" / "train"
                folder.mkdir(parents=True, exist_ok=True)
                self.python(WRITE, folder, kind, 12)
                for decode in ("pixels", "bytes"):
                    self.assert_good(self.run_job(self.config(kind), "++workflow.generate_data=False", f"++dataset.{kind}.decode={decode}"))

    def test_other_content_is_noticed(self):
        for kind in ("jpeg", "png"):
            self.assert_good(self.run_job(self.config(kind), command="generate"))
            self.assert_fails(self.run_job(self.config(kind), "++workflow.generate_data=False", "++content.seed=6", "++reader.verify=all"), "content.seed",
                              f".{kind}'")

    def test_damage(self):
        cases = (("jpeg", 0, 0, "begins"), ("jpeg", 2, 0, "marker"), ("jpeg", 2000, 0xff, "'"), ("png", 700, None, "CRC"), ("png", 20, 200, "header"))
        for kind, at, value, word in cases:
            with self.subTest(kind=kind, at=at):
                self.assert_good(self.run_job(self.config(kind), command="generate"))
                victim = self.files(kind)[3]
                good = victim.read_bytes()
                self.damage(victim, at, value)
                self.assert_fails(self.run_job(self.config(kind), "++workflow.generate_data=False"), victim.name, word)
                victim.write_bytes(good)

    def test_truncation(self):
        for kind in ("jpeg", "png"):
            self.assert_good(self.run_job(self.config(kind), command="generate"))
            victim = self.files(kind)[3]
            victim.write_bytes(victim.read_bytes()[:-1])
            self.assert_fails(self.run_job(self.config(kind), "++workflow.generate_data=False"), victim.name)

    def test_max_pixels(self):
        for kind in ("jpeg", "png"):
            self.assert_good(self.run_job(self.config(kind), command="generate"))
            self.assert_fails(self.run_job(self.config(kind), "++workflow.generate_data=False", f"++dataset.{kind}.max_pixels=4095"),
                              f"dataset.{kind}.max_pixels: 4095")


if __name__ == "__main__":
    unittest.main()
