# SPDX-License-Identifier: Apache-2.0
"""TFRecord files: generated ones as TensorFlow and dlfw itself read them, with their indexes, and TensorFlow's as dlfw reads them."""
import os
import shutil
import struct
import subprocess
import unittest

from support import SOURCE, EndToEnd

PYTHON = os.environ["TEST_READERS"]

TFRECORD = """model:
  name: resnet50
framework: tensorflow
workflow:
  generate_data: True
  train: True
dataset:
  data_folder: {folder}/data
  format: tfrecord
  num_files_train: 3
  num_samples_per_file: 20
  record_length_bytes: 2500.07
reader:
  data_loader: tensorflow
  batch_size: 4
  read_threads: 2
  sample_shuffle: seed
  verify: all
content:
  seed: 7
train:
  epochs: 2
  computation_time: 0.001
"""

# Every file through tf.data: both features, and all images of a file one after the other = its content stream.
CHECK = """
import os, re, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
folder, feature, samples, sample_bytes = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
exec(re.search(r"```python\\n(.*?)```", open(sys.argv[1]).read(), re.S).group(1))

def fnv(text):
    h = 0xcbf29ce484222325
    for c in text.encode():
        h = (h ^ c) * 0x100000001b3 & M64
    return h

shape = {feature: tf.io.FixedLenFeature([], tf.string), "size": tf.io.FixedLenFeature([], tf.int64)}
names = sorted(os.listdir(folder + "/train"))
for name in names:
    data = b""
    for batch in tf.data.TFRecordDataset(folder + "/train/" + name).batch(7):
        parsed = tf.io.parse_example(batch, shape)
        images = parsed[feature].numpy()
        assert (parsed["size"].numpy() == [len(i) for i in images]).all()
        data += b"".join(images)
    assert len(data) == samples * sample_bytes, (name, len(data))
    assert data == content(7, fnv("train/" + name), 0, len(data)), name
print(len(names))
"""

# Files of TensorFlow's writer: argv: file, then one seed and length per record.
WRITE = """
import os, random, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
def feature(**kinds):
    return tf.train.Feature(**kinds)
lengths = [int(n) for n in sys.argv[2:]]
with tf.io.TFRecordWriter(sys.argv[1]) as writer:
    for n in lengths:
        writer.write(tf.train.Example(features=tf.train.Features(feature={
            "image/encoded": feature(bytes_list=tf.train.BytesList(value=[random.Random(n).randbytes(n)])),
            "image/class/label": feature(int64_list=tf.train.Int64List(value=[n, -1])),
            "box": feature(float_list=tf.train.FloatList(value=[0.5] * (n % 3))),
            "text": feature(bytes_list=tf.train.BytesList(value=[b"a", b"bc"]))})).SerializeToString())
"""


def records_of(path):
    """(offset, framed length) of each record, by the framing alone."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        length = struct.unpack_from("<Q", data, at)[0] + 16
        found.append((at, length))
        at += length
    return found


class TfRecord(EndToEnd):
    def python(self, code, *words):
        done = subprocess.run([PYTHON, "-c", code, *map(str, words)], capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def files(self, folder="train"):
        return sorted((self.folder / "data" / folder).glob("*.tfrecord"))

    def tensorflow_reads(self, files, samples, sample_bytes, feature="image"):
        out = self.python(CHECK, SOURCE / "docs" / "content.md", self.folder / "data", feature, samples, sample_bytes)
        self.assertEqual(int(out), files)

    def test_generated_files(self):
        result = self.run_job(self.write(TFRECORD), "++dataset.num_files_eval=2")
        self.assert_good(result)
        self.assertIn("every sample exactly once per epoch", result.out)
        self.tensorflow_reads(3, 20, 2500)
        for folder in ("train", "valid"):
            for path in self.files(folder):
                index = self.folder / "data" / "index" / folder / (path.name + ".idx")
                rows = [tuple(map(int, line.split(" "))) for line in index.read_text().splitlines()]
                self.assertEqual(rows, records_of(path))
        self.assertEqual(len(self.files("valid")), 2)

    def test_large_records_and_other_options(self):
        """Records larger than a piece and a window; another feature; the binary index beside the files."""
        options = ("++dataset.tfrecord.feature=pixels/raw", "++dataset.tfrecord.index=binary", "++dataset.tfrecord.binary_suffix=.index")
        config = self.write(TFRECORD)
        result = self.run_job(config, *options, "++dataset.num_files_train=1", "++dataset.num_samples_per_file=2", "++reader.batch_size=1",
                              "++dataset.record_length_bytes=1_300_000", "++reader.transfer_size=262144")
        self.assert_good(result)
        (path,) = self.files()
        index = path.with_name(path.name + ".index").read_bytes()
        self.assertEqual([struct.unpack_from("<QQ", index, at) for at in range(0, len(index), 16)], records_of(path))
        self.assertFalse((self.folder / "data" / "index").exists())
        os.remove(path.with_name(path.name + ".index"))
        self.tensorflow_reads(1, 2, 1140 * 1140, "pixels/raw")

    def test_every_layout(self):
        config = self.write(TFRECORD)
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        for layout in ("auto", "uniform", "scan", "indexed"):
            for shuffle in ("off", "seed"):
                with self.subTest(layout=layout, shuffle=shuffle):
                    shutil.rmtree(self.results, ignore_errors=True)
                    result = self.run_job(config, "++workflow.generate_data=False", f"++dataset.tfrecord.layout={layout}",
                                          f"++reader.sample_shuffle={shuffle}")
                    self.assert_good(result)
                    self.assertIn("every sample exactly once per epoch", result.out)

    def test_raw_payload(self):
        self.assert_good(self.run_job(self.write(TFRECORD), "++dataset.tfrecord.payload=raw"))
        self.assertEqual(records_of(self.files()[0])[:2], [(0, 2516), (2516, 2516)])

    def test_no_index(self):
        config = self.write(TFRECORD)
        self.assert_good(self.run_job(config, "++dataset.tfrecord.index=none"))
        self.assertFalse((self.folder / "data" / "index").exists())
        self.assert_fails(self.run_job(config, "++workflow.generate_data=False", "++dataset.tfrecord.layout=indexed"),
                          "img_", "has no index", "`dlfw index`")
        self.assert_fails(self.run_job(config, "++dataset.tfrecord.index=none", "++dataset.tfrecord.layout=indexed"), "index")

    def test_changed_byte(self):
        config = self.write(TFRECORD)
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        path = self.files()[1]
        data = bytearray(path.read_bytes())
        offset, length = records_of(path)[13]
        data[offset + 1000] ^= 4
        path.write_bytes(data)
        for layout in ("auto", "scan", "indexed"):
            result = self.run_job(config, "++workflow.generate_data=False", "++reader.verify=checksums", f"++dataset.tfrecord.layout={layout}")
            self.assert_fails(result, path.name, "record 13", "checksum of its data", f"at offset {offset}")
        self.assert_fails(self.run_job(config, "++workflow.generate_data=False"), path.name, "record 13", f"at offset {offset + 1000}")
        path.write_bytes(data[:-100])
        self.assert_fails(self.run_job(config, "++workflow.generate_data=False"), path.name)

    def test_other_content(self):
        """Right checksums, other samples than the run file says."""
        config = self.write(TFRECORD)
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        self.assert_fails(self.run_job(config, "++workflow.generate_data=False", "++content.seed=8"), "record ", "generated content")

    def test_tensorflow_files(self):
        """Features of all kinds, records of different lengths."""
        train = self.folder / "data" / "train"
        train.mkdir(parents=True)
        for i in range(3):
            self.python(WRITE, train / f"img_{i}_of_3.tfrecord", *[1000 + 37 * i + 11 * k for k in range(20)])
        config = self.write(TFRECORD)
        options = ("++workflow.generate_data=False", "++reader.verify=checksums", "++dataset.tfrecord.feature=image/encoded")
        self.assert_fails(self.run_job(config, *options[:2]), "no feature 'image'", "tfrecord.feature")
        self.assert_good(self.run_job(config, *options))
        self.assert_good(self.run_job(config, *options, "++dataset.tfrecord.layout=scan"))
        self.assert_good(self.dlfw("index", "--output", self.folder / "data" / "index" / "train", *sorted(train.iterdir())))
        result = self.run_job(config, *options, "++dataset.tfrecord.layout=indexed")
        self.assert_good(result)
        self.assertIn("every sample exactly once per epoch", result.out)

    def test_direct(self):
        """Alignment: indexed single records through O_DIRECT."""
        config = self.write(TFRECORD)
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        result = self.run_job(config, "++workflow.generate_data=False", "++reader.odirect=True", "++dataset.tfrecord.layout=indexed")
        self.assert_good(result)
        self.assertIn("every sample exactly once per epoch", result.out)


TfRecord.base = os.environ["TEST_BUILD"]  # O_DIRECT needs a real file system; /tmp may be memory

if __name__ == "__main__":
    unittest.main()
