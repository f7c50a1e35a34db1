# SPDX-License-Identifier: Apache-2.0
"""What people get wrong, and what storage does to them: one clear line, a non-zero exit, nothing lost or left behind."""
import json
import os
import pathlib
import resource
import signal
import unittest

from support import SMALL, EndToEnd

HUGE = ("++dataset.num_files_train=64", "++dataset.record_length_bytes=4000000")


class Mistakes(EndToEnd):
    def test_unknown_key(self):
        config = self.write(SMALL.replace("batch_size: 4", "batch_siez: 4"))
        result = self.run_job(config)
        self.assert_good(result)
        self.assertRegex(result.err, r"run.yaml:14:3: .*batch_siez.*did you mean 'batch_size'")
        strict = self.dlfw("run", "--strict", config)
        self.assertEqual(strict.status, 1)

    def test_missing_config(self):
        self.assert_fails(self.run_job(self.folder / "absent.yaml"), "absent.yaml")

    def test_bad_type_names_the_place(self):
        self.assert_fails(self.run_job(self.write(SMALL.replace("epochs: 2", "epochs: two"))), "run.yaml:19:11")

    def test_unknown_format(self):
        self.assert_fails(self.run_job(self.write(SMALL), "++dataset.format=npx"), "npx")

    def test_unknown_scheme(self):
        self.assert_fails(self.run_job(self.write(SMALL), "++dataset.data_folder=s4://bucket/x"), "s4")

    def test_no_dataset(self):
        self.assert_fails(self.run_job(self.write(SMALL), "++workflow.generate_data=False"), "Not enough training dataset is found",
                          "++workload.workflow.generate_data=True")

    def test_too_few_files(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        self.assert_fails(self.run_job(config, "++dataset.num_files_train=13", "++workflow.generate_data=False"), "12 of 13")

    def test_more_files_than_asked_for(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        result = self.run_job(config, "++dataset.num_files_train=8", "++workflow.generate_data=False")
        self.assert_good(result)
        self.assertEqual(result.summary()["dlfw"]["coverage"][0]["train"]["samples"], 8)
        self.assertIn("is more than requested (8)", result.err)

    def test_no_full_batch(self):
        self.assert_fails(self.run_job(self.write(SMALL), "++reader.batch_size=13"), "batch")

    def test_too_many_training_steps(self):
        self.assert_fails(self.run_job(self.write(SMALL), "++train.total_training_steps=4"), "total_training_steps")

    def test_budget_too_small_for_a_batch(self):
        self.assert_fails(self.run_job(self.write(SMALL), "++dataset.record_length_bytes=1000000", "++reader.memory_budget=2MiB"), "memory budget",
                          "reader.memory_budget")

    def test_strict_au(self):
        config = self.write(SMALL + "storage:\n  wrap:\n    - delay:\n        read: 30ms\n")
        result = self.dlfw("run", "--strict-au", config, "++reader.read_threads=1", "++reader.queue_depth=1", "++reader.prefetch_size=1")
        self.assert_fails(result, "below metric.au")

    def test_direct_on_tmpfs(self):
        if not pathlib.Path("/dev/shm").is_dir():
            self.fail("/dev/shm is needed")
        folder = pathlib.Path("/dev/shm") / self.folder.name
        folder.mkdir()
        self.addCleanup(lambda: os.system(f"rm -rf {folder}"))
        self.assert_fails(self.run_job(self.write(SMALL), f"++dataset.data_folder=direct://{folder}"), "direct I/O")


class Damage(EndToEnd):
    def setUp(self):
        super().setUp()
        self.config = self.write(SMALL)
        self.assert_good(self.run_job(self.config, command="generate"))
        self.file = self.folder / "data/train/img_05_of_12.npz"

    def train(self, *overrides):
        return self.run_job(self.config, "++workflow.generate_data=False", *overrides)

    def flip(self, offset):
        data = bytearray(self.file.read_bytes())
        data[offset] ^= 1
        self.file.write_bytes(data)

    def test_flipped_byte(self):
        self.flip(1000)
        self.assert_fails(self.train(), "img_05_of_12.npz", "CRC")

    def test_verify_none_looks_at_no_checksum(self):
        self.flip(1000)
        self.assert_good(self.train("++reader.verify=none"))

    def test_wrong_content_with_a_right_crc(self):
        other = self.folder / "data/train/img_06_of_12.npz"
        self.file.write_bytes(other.read_bytes())
        self.assert_good(self.train())
        self.assert_fails(self.train("++reader.verify=all"), "img_05_of_12.npz", "content")

    def test_truncated_file(self):
        os.truncate(self.file, 3000)
        self.assert_fails(self.train(), "img_05_of_12.npz")

    def test_empty_file(self):
        os.truncate(self.file, 0)
        self.assert_fails(self.train(), "img_05_of_12.npz")

    def test_no_permission(self):
        if os.geteuid() == 0:
            os.chown(self.folder, 65534, 65534)
            for path in self.folder.rglob("*"):
                os.chown(path, 65534, 65534)
        self.file.chmod(0)

        def as_nobody():
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)

        self.assert_fails(self.run_job(self.config, "++workflow.generate_data=False", preexec_fn=as_nobody), "img_05_of_12.npz", "ermission denied")

    def test_failed_run_leaves_valid_results(self):
        self.flip(1000)
        result = self.train()
        self.assertEqual(result.status, 1)
        self.assertNotEqual(result.summary()["dlfw"]["status"], "ok")


class Generation(EndToEnd):
    def files(self):
        return sorted((self.folder / "data/train").glob("*"))

    def test_disk_full(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000000, 2000000))

        result = self.run_job(self.write(SMALL), "++dataset.record_length_bytes=4000000", command="generate", preexec_fn=limit)
        self.assert_fails(result, "img_")
        self.assertEqual(self.files(), [])

    def test_killed_and_resumed(self):
        config = self.write(SMALL)
        process = self.start("generate", config, *HUGE)
        self.wait_for(lambda: len([f for f in self.files() if f.suffix == ".npz" and not f.name.startswith(".")]) >= 3)
        process.kill()
        process.communicate()
        complete = [f for f in self.files() if not f.name.startswith(".")]
        self.assertLess(len(complete), 64)
        sizes = {f.stat().st_size for f in complete}
        self.assertEqual(sizes, {490 + 2000 * 2000 + 8})
        result = self.run_job(config, *HUGE, command="generate")
        self.assert_good(result)
        generation = result.summary()["dlfw"]["generation"]
        self.assertGreaterEqual(generation["skipped"], len(complete))
        self.assertEqual(generation["skipped"] + generation["files"], 64)
        self.assert_good(self.run_job(config, *HUGE, "++workflow.generate_data=False", "++reader.verify=all"))

    def test_another_seed_is_not_resumed(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        result = self.run_job(config, "++content.seed=9", command="generate")
        self.assertEqual(result.summary()["dlfw"]["generation"]["skipped"], 0)
        self.assert_good(self.run_job(config, "++content.seed=9", "++reader.verify=all"))

    def test_files_of_unknown_origin_are_not_kept(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        (self.folder / "data" / "dlfw-dataset.yaml").unlink()
        result = self.run_job(config, command="generate")
        self.assert_good(result)
        self.assertEqual(result.summary()["dlfw"]["generation"]["skipped"], 0)

    def test_description_that_cannot_be_read(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        description = self.folder / "data" / "dlfw-dataset.yaml"
        description.unlink()
        description.mkdir()
        self.assert_fails(self.run_job(config, command="generate"), "dlfw-dataset.yaml")

    def test_force(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        result = self.dlfw("generate", "--force", config, f"++output.folder={self.results}")
        self.assertEqual(result.summary()["dlfw"]["generation"]["files"], 12)


class CtrlC(EndToEnd):
    def begin(self, *overrides):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        process = self.start("run", config, f"++output.folder={self.results}", "++workflow.generate_data=False", "++train.computation_time=0.05",
                             "++train.epochs=50", *overrides)
        self.wait_for(lambda: (self.results / "dlio.log").exists() and "Starting block 1" in (self.results / "dlio.log").read_text())
        return process

    def test_once_reports_what_is_valid(self):
        status, _, err = self.stop(self.begin())
        self.assertEqual(status, 130, err)
        summary = json.loads((self.results / "summary.json").read_text())
        self.assertNotEqual(summary["dlfw"]["status"], "ok")

    def test_once_in_a_long_step(self):
        status, _, err = self.stop(self.begin("++train.computation_time=100"))
        self.assertEqual(status, 130, err)

    def test_terminated(self):
        status, _, err = self.stop(self.begin(), signal.SIGTERM)
        self.assertEqual(status, 130, err)

    def test_while_generating(self):
        process = self.start("generate", self.write(SMALL), f"++output.folder={self.results}", *HUGE)
        self.wait_for(lambda: len(list((self.folder / "data/train").glob("*.npz"))) >= 2)
        status, _, err = self.stop(process)
        self.assertEqual(status, 130, err)
        left = [f.name for f in (self.folder / "data/train").iterdir() if f.name.startswith(".")]
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
