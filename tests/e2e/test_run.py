# SPDX-License-Identifier: Apache-2.0
"""The main job: generate, train, evaluate; what it leaves behind."""
import csv
import json
import subprocess
import unittest

from support import BUILD, SMALL, SOURCE, EndToEnd


class Run(EndToEnd):
    def test_generate_and_train(self):
        result = self.run_job(self.write(SMALL))
        self.assert_good(result)
        summary = result.summary()
        self.assertEqual(summary["num_accelerators"], 1)
        self.assertEqual(summary["epochs"], 2)
        self.assertEqual(len(summary["metric"]["train_au_percentage"]), 2)
        self.assertEqual(summary["dlfw"]["status"], "ok")
        for epoch in summary["dlfw"]["coverage"]:
            self.assertTrue(epoch["train"]["ok"], epoch)
            self.assertEqual(epoch["train"]["samples"], 12)

    def test_results_folder(self):
        result = self.run_job(self.write(SMALL), "++hydra.output_subdir=dlio_config")
        self.assert_good(result)
        for name in ("dlio.log", "summary.json", "0_per_epoch_stats.json", "0_output.json", "0_steps.csv", "dlio_config/config.yaml",
                     "dlio_config/overrides.yaml", "dlio_config/hydra.yaml"):
            self.assertTrue((self.results / name).is_file(), name)
        log = (self.results / "dlio.log").read_text()
        for text in ("Running DLIO [Generating data & Training] with 1 process(es)", "Starting data generation", "Generation done",
                     "Max steps per epoch: 3 = 1 * 12 / 4 / 1", "Starting epoch 1: 3 steps expected", "Starting block 1", "Ending block 1 - 3 steps completed in",
                     "Epoch 1 - Block 1 [Training] Accelerator Utilization [AU] (%):", "Ending epoch 2 - 3 steps completed in", "Saved outputs in"):
            self.assertIn(text, log)
        stats = json.loads((self.results / "0_per_epoch_stats.json").read_text())
        self.assertEqual(sorted(stats), ["1", "2"])
        output = json.loads((self.results / "0_output.json").read_text())
        self.assertEqual(len(output["1"]["load"]["block1"]), 3)
        with open(self.results / "0_steps.csv", newline="") as f:
            self.assertEqual(len(list(csv.DictReader(f))), 6)

    def test_stored_configuration_runs_again(self):
        self.assert_good(self.run_job(self.write(SMALL), "++hydra.output_subdir=dlio_config", "++train.epochs=1"))
        again = self.run_job(self.results / "dlio_config" / "config.yaml", f"++output.folder={self.folder}/again", "++workflow.generate_data=False")
        self.assert_good(again)
        summary = json.loads((self.folder / "again" / "summary.json").read_text())
        self.assertEqual(summary["epochs"], 1)

    def test_numpy_reads_every_file(self):
        self.assert_good(self.run_job(self.write(SMALL), "++dataset.num_files_eval=3", "++dataset.record_length_bytes_stdev=1000", command="generate"))
        script = ("import glob, sys, numpy\n"
                  "files = glob.glob(sys.argv[1] + '/data/*/*.npz')\n"
                  "assert len(files) == 15, files\n"
                  "for f in files:\n"
                  "    z = numpy.load(f)\n"
                  "    assert z['x'].dtype == numpy.uint8 and z['x'].ndim == 3 and z['x'].shape[2] == 1, z['x'].shape\n"
                  "    assert z['y'].shape == (1,) and z['y'].dtype == numpy.int64\n")
        done = subprocess.run(["/usr/bin/python3", "-c", script, str(self.folder)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_verify_all_compares_every_byte(self):
        result = self.run_job(self.write(SMALL), "++reader.verify=all")
        self.assert_good(result)
        epoch = result.summary()["dlfw"]["epochs"][0]
        self.assertEqual(epoch["bytes_verified"], 12 * 4096)

    def test_evaluation(self):
        result = self.run_job(SOURCE / "examples" / "run" / "default_small.yaml", f"++dataset.data_folder={self.folder}/data")
        self.assert_good(result)
        summary = result.summary()
        self.assertEqual(len(summary["metric"]["eval_au_percentage"]), 3)
        self.assertEqual(summary["dlfw"]["coverage"][0]["eval"]["samples"], 8)
        self.assertTrue((self.folder / "data" / "train" / "1" / "img_01_of_64.npz").is_file())

    def test_several_samples_per_file(self):
        result = self.run_job(self.write(SMALL), "++dataset.num_samples_per_file=5", "++reader.batch_size=7", "++reader.verify=all")
        self.assert_good(result)
        epoch = result.summary()["dlfw"]
        self.assertEqual(epoch["coverage"][0]["train"]["samples"], 8 * 7)
        self.assertLessEqual(epoch["epochs"][0]["files_opened"], 12)

    def test_npy(self):
        result = self.run_job(self.write(SMALL), "++dataset.format=npy", "++reader.verify=all")
        self.assert_good(result)
        self.assertEqual((self.folder / "data/train/img_00_of_12.npy").stat().st_size, 128 + 4096)

    def test_compressed_npz(self):
        result = self.run_job(self.write(SMALL), "++dataset.compression=zip")
        self.assert_good(result)
        self.assertTrue(result.summary()["dlfw"]["coverage"][0]["train"]["ok"])

    def test_streamed_samples_read_the_same_bytes(self):
        config = self.write(SMALL)
        big = ("++dataset.record_length_bytes=3000000", "++reader.verify=all")
        keep = self.run_job(config, *big)
        self.assert_good(keep)
        kept = keep.summary()["dlfw"]["epochs"][1]
        stream = self.run_job(config, *big, "++reader.samples=stream", "++workflow.generate_data=False")
        self.assert_good(stream)
        streamed = stream.summary()["dlfw"]["epochs"][1]
        for key in ("bytes_asked", "bytes_verified", "files_opened"):
            self.assertEqual(kept[key], streamed[key])

    def test_unordered_delivery_and_no_read_ahead(self):
        config = self.write(SMALL)
        for overrides in (["++reader.delivery=unordered", "++reader.read_threads=4"], ["++reader.read_threads=0"]):
            result = self.run_job(config, *overrides)
            self.assert_good(result)
            self.assertTrue(result.summary()["dlfw"]["coverage"][1]["train"]["ok"])

    def test_null_backend_says_that_data_are_not_real(self):
        result = self.run_job(self.write(SMALL), "++workflow.generate_data=False", "++dataset.data_folder=null:///nothing")
        self.assert_good(result)
        self.assertFalse(result.summary()["dlfw"]["storage"]["real_data"])
        self.assertIn("moves no data", result.out)

    def test_memory_backend(self):
        result = self.run_job(self.write(SMALL), "++dataset.data_folder=memory:///set", "++reader.verify=all")
        self.assert_good(result)
        self.assertTrue(result.summary()["dlfw"]["coverage"][0]["train"]["ok"])

    def test_both_engines_of_the_file_backend(self):
        config = self.write(SMALL)
        for engine in ("uring", "pread"):
            result = self.run_job(config, f"++storage.storage_options.engine={engine}", "++reader.verify=all")
            self.assert_good(result)

    def test_keep_files_false_deletes_the_dataset_only(self):
        other = self.folder / "data" / "train" / "notes.txt"
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        other.write_text("mine")
        self.assert_good(self.run_job(config, "++dataset.keep_files=False"))
        left = sorted(p.name for p in (self.folder / "data").rglob("*") if p.is_file())
        self.assertEqual(left, ["notes.txt"])

    def test_total_training_steps(self):
        result = self.run_job(self.write(SMALL), "++train.total_training_steps=2")
        self.assert_good(result)
        self.assertEqual(result.summary()["dlfw"]["epochs"][0]["steps"], 2)

    def test_metrics_hook_sees_every_step_and_epoch(self):
        config = self.write(SMALL + "hooks:\n  - metrics:\n      output: {folder}/metrics.jsonl\n      style: jsonl\n")
        self.assert_good(self.run_job(config))
        lines = [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(len([line for line in lines if line.get("event") == "step"]), 6)
        self.assertEqual(len([line for line in lines if line.get("event") == "epoch"]), 2)

    def test_wrappers_slow_the_storage(self):
        config = self.write(SMALL + "storage:\n  wrap:\n    - delay:\n        read: 20ms\n")
        result = self.run_job(config, "++reader.read_threads=1", "++reader.queue_depth=1", "++train.computation_time=0")
        self.assert_good(result)
        self.assertGreater(result.summary()["dlfw"]["epochs"][0]["seconds"], 12 * 0.02)

    def test_rarely_failing_storage_is_retried(self):
        config = self.write(SMALL + "storage:\n  wrap:\n    - error:\n        every: 3\n        ops: get\n        retryable: true\n  retry:\n    backoff: 1ms\n")
        result = self.run_job(config)
        self.assert_good(result)
        self.assertGreater(result.summary()["dlfw"]["io"]["retries"], 0)

    def test_config_dir_and_workload_name(self):
        (self.folder / "workload").mkdir()
        self.write(SMALL, "workload/small.yaml")
        result = self.dlfw("run", "--config-dir", self.folder, "workload=small", f"++hydra.run.dir={self.results}", "++hydra.output_subdir=dlio_config",
                           "++workload.train.epochs=1")
        self.assert_good(result)
        overrides = (self.results / "dlio_config" / "overrides.yaml").read_text()
        self.assertIn("workload=small", overrides)
        self.assertIn("++workload.train.epochs=1", overrides)
        self.assertNotIn("hydra", overrides)


class Examples(EndToEnd):
    def test_every_example_runs(self):
        for path in sorted((SOURCE / "examples" / "run").glob("*.yaml")):
            with self.subTest(path.name):
                result = self.dlfw("run", "--strict", path, f"++output.folder={self.results}", "++train.computation_time=0.001", "++train.epochs=1",
                                   "++metric.au=0")
                self.assert_good(result)
                self.assertTrue(result.summary()["dlfw"]["coverage"][0]["train"]["ok"])


class Order(EndToEnd):
    """Shuffles shuffle, and the seed decides."""

    def reads(self, *overrides):
        result = self.run_job(self.write(SMALL), *overrides)
        self.assert_good(result)
        return [e["train"]["hash"] for e in result.summary()["dlfw"]["coverage"]]

    def test_all_samples_in_every_epoch(self):
        hashes = self.reads()
        self.assertEqual(hashes[0], hashes[1])

    def test_dropped_samples_differ_between_epochs(self):
        hashes = self.reads("++reader.batch_size=5")
        self.assertNotEqual(hashes[0], hashes[1])

    def test_seed_decides(self):
        first = self.reads("++reader.batch_size=5")
        self.assertEqual(first, self.reads("++reader.batch_size=5"))
        self.assertNotEqual(first, self.reads("++reader.batch_size=5", "++train.seed=7"))

    def test_sequential_order_is_the_same_every_epoch(self):
        hashes = self.reads("++reader.batch_size=5", "++compat.sequential_order=true")
        self.assertEqual(hashes[0], hashes[1])


class Direct(EndToEnd):
    base = BUILD

    def test_direct_reads(self):
        result = self.run_job(self.write(SMALL), "++reader.odirect=true", "++reader.verify=all", "++dataset.record_length_bytes=1000001")
        self.assert_good(result)
        storage = result.summary()["dlfw"]["storage"]
        self.assertEqual(storage["scheme"], "direct")
        self.assertTrue(storage["direct"])

    def test_generate_and_train_through_direct(self):
        result = self.run_job(self.write(SMALL), f"++dataset.data_folder=direct://{self.folder}/data", "++reader.verify=all")
        self.assert_good(result)
        self.assertEqual((self.folder / "data/train/img_00_of_12.npz").stat().st_size, 490 + 4096 + 8)


class PageCache(EndToEnd):
    base = BUILD

    def run_epochs(self, *overrides):
        result = self.run_job(self.write(SMALL), "++dataset.record_length_bytes=1000001", *overrides)
        self.assert_good(result)
        self.out = result.out
        return result.summary()["dlfw"]["epochs"]

    def test_reads_past_the_cache_have_no_residency(self):
        epochs = self.run_epochs("++reader.odirect=true")
        self.assertEqual([e for e in epochs if "resident_percent" in e], [])

    def test_residency_of_what_was_generated_and_of_what_was_dropped(self):
        resident = [e["resident_percent"] for e in self.run_epochs("++storage.durable=true")]
        self.assertGreater(min(resident), 90)
        self.assertIn("2 of 2 epochs began with more than 20 % of their data in this host's page cache", self.out)
        epochs = self.run_epochs("++reader.drop_cache=true")
        self.assertGreater(epochs[0]["resident_percent"], 90)
        self.assertLess(epochs[1]["resident_percent"], 10)
        self.assertEqual([e["resident_files_looked_at"] for e in epochs], [12, 12])
        self.assertIn("1 of 2 epochs began", self.out)
        told = json.loads(self.dlfw("report", self.results, "--json").out)
        self.assertEqual([e["resident_percent"] for e in told["epochs"]], [e["resident_percent"] for e in epochs])
        self.assertIn("when the first epoch began", told["page_cache"]["known"][0])
        self.assertLess(self.run_epochs("++reader.drop_cache=true")[0]["resident_percent"], 10)
        self.assertNotIn("measured memory", self.out)
        self.assertNotIn("fits into this host's memory", self.out)
        # of what an epoch reads in its order, not of the dataset: 4 of 12 files, the same ones in both epochs
        epochs = self.run_epochs("++train.total_training_steps=1", "++train.seed_change_epoch=false")
        self.assertEqual([e["resident_files_looked_at"] for e in epochs], [4, 4])
        self.assertLess(epochs[0]["resident_percent"], 10)
        self.assertGreater(epochs[1]["resident_percent"], 90)


if __name__ == "__main__":
    unittest.main()
