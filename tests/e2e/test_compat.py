# SPDX-License-Identifier: Apache-2.0
"""The switches of the section compat, each with and without; the quirks of DLIO's configuration that somebody may have met; keys of whole runs."""
import json
import os
import unittest

from support import SMALL, EndToEnd

FRAMEWORK = "framework: pytorch\nmodel: {{name: m, type: cnn}}\n"
CHECKPOINTS = FRAMEWORK + """workflow: {{train: False, checkpoint: True}}
checkpoint: {{checkpoint_folder: "{folder}/checkpoints", num_checkpoints_write: 1, num_checkpoints_read: 1, fsync: True}}
"""
MAPPED = FRAMEWORK + """workflow: {{generate_data: True, train: True}}
dataset: {{data_folder: "{folder}/data", format: mmap_indexed_binary, num_files_train: 2, num_samples_per_file: 2000, record_length_bytes: 2048}}
reader: {{data_loader: pytorch, batch_size: 16, sample_shuffle: seed}}
"""
FAKE_IOSTAT = """#!/bin/sh
trap 'echo "{}"; exit 0' INT
: > ready
while :; do sleep 0.02; done
"""


class Switches(EndToEnd):
    def run_with(self, text, *overrides, switch=None):
        """The object dlfw of summary.json; the switch stands in it and in the log, or nothing does."""
        words = [f"++compat.{switch}=True"] if switch else []
        result = self.run_job(self.write(text), *overrides, *words)
        self.assert_good(result)
        report = result.summary()["dlfw"]
        log = (self.results / "dlio.log").read_text()
        self.assertEqual(list(report["compat"]), [switch] if switch else [])
        self.assertEqual(log.count(" compat."), 1 if switch else 0, log)
        if switch:
            self.assertIn(f" compat.{switch} is on: {report['compat'][switch]}", log)
        return report

    def npz_sizes(self):
        return {path.stat().st_size for path in (self.folder / "data/train").glob("*.npz")}

    def test_fsync_no_op(self):
        unsynced = "saves count as done before they are on stable storage"
        self.assertNotIn(unsynced, str(self.run_with(CHECKPOINTS)["advice"]))
        self.assertIn(unsynced, str(self.run_with(CHECKPOINTS, switch="fsync_no_op")["advice"]))
        stored = (self.results / ".hydra/config.yaml").read_text()
        self.assertRegex(stored, r"fsync: ['\"]?[Tt]rue")  # what the user wrote

    def test_model_size_alias(self):
        text = CHECKPOINTS.replace("type: cnn", "type: cnn, model_size: 499153")
        self.assertEqual(self.run_with(text)["checkpoints"]["save"]["bytes"], 10240)
        self.assertEqual(self.run_with(text, switch="model_size_alias")["checkpoints"]["save"]["bytes"], 499153)

    def test_compression_no_op(self):
        text = SMALL.replace("  record_length_bytes: 4096\n", "  record_length_bytes: 4096\n  compression: zip\n")
        self.run_with(text, "++reader.verify=all")
        self.assertNotIn(4594, self.npz_sizes())
        self.run_with(text, "++reader.verify=all", switch="compression_no_op")
        self.assertEqual(self.npz_sizes(), {4594})  # as stored files of 64 x 64 bytes are

    def test_mmap_no_touch(self):
        touched = self.run_with(MAPPED)["epochs"][0]
        self.assertGreaterEqual(touched["bytes_asked"], 4000 * 2025)
        untouched = self.run_with(MAPPED, switch="mmap_no_touch")["epochs"][0]
        self.assertEqual(untouched["steps"], 4000 // 16)
        self.assertEqual(untouched["bytes_sample"], 0)
        self.assertLessEqual(untouched["bytes_asked"], 2 * 2 * 2000 * 8)  # the tables
        result = self.run_job(self.write(MAPPED), "++compat.mmap_no_touch=True", "++reader.verify=all")
        self.assertEqual(result.status, 1)
        self.assertIn("nothing can be verified with compat.mmap_no_touch", result.err)

    def test_legacy_keys(self):
        text = SMALL.replace("record_length_bytes: 4096", "record_length: 4096")
        self.run_with(text)
        self.assertEqual(self.npz_sizes(), {65536 + 498})
        self.run_with(text, switch="legacy_keys")
        self.assertEqual(self.npz_sizes(), {4594})
        again = self.run_job(self.results / ".hydra/config.yaml", "++workflow.generate_data=False", "++reader.verify=all")
        self.assert_good(again)
        self.assertEqual(list(again.summary()["dlfw"]["compat"]), ["legacy_keys"])

    def test_sequential_order(self):
        self.assertFalse(self.run_with(SMALL)["order"]["sequential_order"])
        self.assertTrue(self.run_with(SMALL, switch="sequential_order")["order"]["sequential_order"])

    def test_formula(self):
        result = self.run_job(self.write(SMALL), "++output.metric.formula=dlio2")
        self.assert_good(result)
        self.assertEqual(result.summary()["dlfw"]["formula"], "dlio2")
        self.assertIn("output.metric.formula is dlio2: ", (self.results / "dlio.log").read_text())


class Keys(EndToEnd):
    def test_a_part_of_a_dataset(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, "++workflow.train=False", "++dataset.num_files_train=24"))
        for listing in ("False", "True"):
            result = self.run_job(config, "++workflow.generate_data=False", "++dataset.num_files_generated=24", f"++dataset.skip_listing={listing}",
                                  "++reader.verify=all")
            self.assert_good(result)
            self.assertEqual(result.summary()["dlfw"]["coverage"][0]["train"]["samples"], 12)
        result = self.run_job(config, "++workflow.generate_data=False", "++dataset.skip_listing=True")
        self.assert_fails(result, "dataset.skip_listing", "img_00_of_12.npz")

    def test_iostat(self):
        """A program of that name stands in for it; the run is long enough to start it."""
        (self.folder / "bin").mkdir()
        script = self.folder / "bin/iostat"
        script.write_text(FAKE_IOSTAT)
        script.chmod(0o755)
        config = self.write(SMALL + "profiling: {{iostat_devices: [sda]}}\n")
        words = ["++workflow.profiling=True", "++train.computation_time=0.2"]
        result = self.run_job(config, *words, env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}"})
        self.assert_good(result)
        self.assertEqual(json.loads((self.results / "iostat.json").read_text()), {})
        (self.folder / "empty").mkdir()
        result = self.run_job(config, *words, env={"PATH": f"{self.folder}/empty"})
        self.assert_fails(result, "'iostat' is not installed", "sysstat")


class Quirks(EndToEnd):
    def test_folders_called_as_something_else(self):
        """In DLIO a path with 'valid' in it, or with the name of the format, leads to the wrong folder (its index, its listing)."""
        for folder, form, loader in (("validated", "tfrecord", "tensorflow"), ("npz_data", "npz", "pytorch")):
            with self.subTest(folder):
                text = SMALL.replace("{folder}/data", f"{{folder}}/{folder}").replace("format: npz", f"format: {form}").replace("pytorch", loader)
                self.assert_good(self.run_job(self.write(text), "++reader.verify=all"))
                self.assertEqual(len(list((self.folder / folder / "train").iterdir())), 12)
        self.assertEqual(len(list((self.folder / "validated/index/train").iterdir())), 12)
        self.assertEqual(list((self.folder / "validated").glob("index/valid/*")), [])

    def test_upper_case_names_are_found(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        for path in (self.folder / "data/train").iterdir():
            path.rename(path.with_suffix(".NPZ"))
        self.assert_good(self.run_job(config, "++workflow.generate_data=False"))

    def test_the_log_begins_anew(self):
        config = self.write(SMALL)
        for _ in range(2):
            self.assert_good(self.run_job(config))
        self.assertEqual((self.results / "dlio.log").read_text().count("Running DLIO"), 1)
        self.assertEqual(self.results.stat().st_mode & 0o777, 0o755)

    def test_one_subfolder_is_none(self):
        self.assert_good(self.run_job(self.write(SMALL), "++dataset.num_subfolders_train=1", "++reader.verify=all"))

    def test_compressed_csv_is_read_back(self):
        text = SMALL.replace("format: npz", "format: csv").replace("record_length_bytes: 4096", "record_length_bytes: 4096\n  compression: gzip")
        self.assert_good(self.run_job(self.write(text), "++reader.verify=all"))

    def test_many_samples_per_file_are_not_trimmed(self):
        result = self.run_job(self.write(SMALL), "++dataset.num_samples_per_file=25", "++dataset.num_files_train=3", "++reader.batch_size=4")
        self.assert_good(result)
        self.assertEqual(result.summary()["dlfw"]["epochs"][0]["steps"], 75 // 4)

    def test_a_client_library_is_no_storage(self):
        for library in ("s3dlio", "s3torchconnector", "minio"):
            text = SMALL + f"storage: {{{{storage_type: {library}, storage_root: s3://bucket/data}}}}\n"
            self.assert_fails(self.run_job(self.write(text)), f"storage.storage_type '{library}' is a Python client library, no storage; write local_fs")

    def test_no_step_is_a_failure(self):
        result = self.run_job(self.write(SMALL), "++reader.batch_size=13")
        self.assert_fails(result, "make no full batch of 13")


if __name__ == "__main__":
    unittest.main()
