# SPDX-License-Identifier: Apache-2.0
"""Work over several ranks: who reads, writes and saves what, what the report says of all of them, and how all of them end."""
import hashlib
import json
import pathlib
import random
import shutil
import unittest

from support import SMALL, EndToEnd

QUICK = ("++train.computation_time=0", "++train.epochs=1")
MODEL = ["++workload.model.type=transformer", "++workload.model.num_layers=2", "++workload.model.transformer.vocab_size=512",
         "++workload.model.transformer.hidden_size=64", "++workload.model.transformer.ffn_hidden_size=128",
         "++workload.model.transformer.num_attention_heads=4", "++workload.model.transformer.num_kv_heads=2",
         "++workload.checkpoint.time_between_checkpoints=0", "++workload.checkpoint.num_checkpoints_write=2",
         "++workload.checkpoint.num_checkpoints_read=2"]


def digests(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.npz")}


class Ranks(EndToEnd):
    def run_ranks(self, ranks, config, *overrides, **more):
        return self.run_job(config, "--ranks", ranks, "--quiet", *overrides, **more)

    def assert_covered(self, result, ranks, steps, batch=4):
        """Every rank ran the same steps, and all together delivered what they should."""
        summary = result.summary()
        self.assertEqual(summary["num_accelerators"], ranks)
        self.assertEqual(len(summary["dlfw"]["ranks"]["per_rank"]), ranks)
        for epoch, coverage in zip(summary["dlfw"]["epochs"], summary["dlfw"]["coverage"]):
            self.assertEqual(epoch["steps"], steps)
            self.assertEqual(coverage["train"]["samples"], steps * batch * ranks)
            self.assertTrue(coverage["train"]["ok"])
        for rank in range(ranks):
            lines = (self.results / f"{rank}_steps.csv").read_text().splitlines()
            self.assertEqual(len([line for line in lines if ",eval," not in line]), 1 + steps * len(summary["dlfw"]["epochs"]))
        return summary

    def test_uneven_datasets_neither_hang_nor_double(self):
        config = self.write(SMALL)
        for files, batch, steps in ((13, 4, 1), (24, 4, 2), (25, 4, 2), (145, 16, 3)):
            with self.subTest(files=files, batch=batch):
                shutil.rmtree(self.folder / "data", ignore_errors=True)
                result = self.run_ranks(3, config, *QUICK, f"++dataset.num_files_train={files}", f"++reader.batch_size={batch}")
                self.assert_good(result)
                summary = self.assert_covered(result, 3, steps, batch)
                self.assertEqual(summary["dlfw"]["coverage"][0]["train"]["hash_checked"], files == steps * batch * 3)

    def test_random_works(self):
        numbers = random.Random(6)
        config = self.write(SMALL)
        for _ in range(5):
            ranks, batch = numbers.randint(2, 5), numbers.randint(1, 5)
            files, per_file = numbers.randint(6, 30), numbers.randint(1, 6)
            steps = files * per_file // (batch * ranks)
            with self.subTest(ranks=ranks, batch=batch, files=files, per_file=per_file):
                shutil.rmtree(self.folder / "data", ignore_errors=True)
                result = self.run_ranks(ranks, config, *QUICK, f"++dataset.num_files_train={files}", f"++reader.batch_size={batch}",
                                        f"++dataset.num_samples_per_file={per_file}", "++reader.verify=all")
                if steps == 0:
                    self.assertEqual(result.status, 1)
                    self.assertIn("make no full batch", result.err)
                else:
                    self.assert_good(result)
                    self.assert_covered(result, ranks, steps, batch)

    def test_files_do_not_depend_on_the_number_of_ranks(self):
        config = self.write(SMALL)
        wide = ("++dataset.record_length_bytes_stdev=1000", "++dataset.num_files_eval=5", "++dataset.num_subfolders_train=3")
        self.assert_good(self.run_job(config, *wide, command="generate"))
        alone = digests(self.folder / "data")
        shutil.rmtree(self.folder / "data")
        result = self.run_job(config, "--ranks", 3, *wide, command="generate")
        self.assert_good(result)
        self.assertEqual(digests(self.folder / "data"), alone)
        self.assertEqual(len(alone), 17)
        self.assertEqual(result.summary()["dlfw"]["generation"]["files"], 17)
        again = self.run_job(config, "--ranks", 2, *wide, command="generate")
        self.assertEqual(again.summary()["dlfw"]["generation"]["files"], 0)

    def test_evaluation_and_listing_by_one_rank(self):
        config = self.write(SMALL)
        result = self.run_ranks(2, config, "++workflow.evaluation=True", "++dataset.num_files_eval=4", "++train.epochs=2")
        self.assert_good(result)
        summary = self.assert_covered(result, 2, 1)
        self.assertTrue(all(epoch["eval"]["ok"] and epoch["eval"]["samples"] == 4 for epoch in summary["dlfw"]["coverage"]))
        for skip in (0, 5):
            result = self.run_ranks(2, config, *QUICK, "++workflow.generate_data=False", "++dataset.skip_listing=True",
                                    f"++dataset.listing_validation_interval={skip}")
            self.assert_good(result)
            self.assert_covered(result, 2, 1)

    def test_other_names_reach_every_rank(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        for number, path in enumerate(sorted((self.folder / "data" / "train").iterdir())):
            path.rename(path.with_name(f"volume-{number:03d}.npz"))
        result = self.run_ranks(3, config, *QUICK, "++workflow.generate_data=False")
        self.assert_good(result)
        self.assert_covered(result, 3, 1)

    def test_rank_results_of_a_larger_run_go_away(self):
        config = self.write(SMALL)
        self.assert_good(self.run_ranks(3, config, *QUICK))
        self.assert_good(self.run_ranks(2, config, *QUICK))
        self.assertEqual(sorted(path.name for path in self.results.glob("*_output.json")), ["0_output.json", "1_output.json"])

    def test_figures_add_up(self):
        result = self.run_ranks(3, self.write(SMALL), "++train.computation_time=0.005", "++dataset.num_files_train=36")
        self.assert_good(result)
        summary = result.summary()
        ours, ranks = summary["dlfw"], summary["dlfw"]["ranks"]["per_rank"]
        self.assertAlmostEqual(ours["au"]["strict_percent"] + sum(ours["au"]["lost"].values()), 100, places=6)
        self.assertEqual(sum(rank["bytes_read"] for rank in ranks), ours["io"]["bytes_delivered"])
        self.assertEqual(ours["io"]["bytes_asked"], sum(epoch["bytes_asked"] for epoch in ours["epochs"]))
        self.assertGreaterEqual(ours["io"]["bytes_asked"], 2 * 36 * 4096)
        self.assertEqual(ours["io"]["bytes_verified"], sum(epoch["bytes_verified"] for epoch in ours["epochs"]))
        said = {figure["name"]: figure["value"] for figure in ours["figures"] if figure["owner"] == "storage"}
        self.assertEqual(said["bytes_read"], ours["io"]["bytes_fetched"])
        self.assertEqual(ours["latency_ns"]["batch_wait"]["count"], 3 * 3 * 2)
        self.assertAlmostEqual(sum(rank["au_percent"] for rank in ranks) / 3, summary["metric"]["train_au_mean_percentage"], places=6)
        self.assertAlmostEqual(sum(rank["samples_per_second"] for rank in ranks), summary["metric"]["train_throughput_mean_samples_per_second"], places=3)
        self.assertEqual((summary["num_hosts"], len(summary["host_cpu_count"]), len(summary["host_memory_GB"])), (1, 1, 1))
        for rank in range(3):
            output = json.loads((self.results / f"{rank}_output.json").read_text())
            self.assertEqual(sorted(output["1"]["load"]), ["block1"])

    def checkpoints(self, plugin, ranks, *overrides):
        folder = self.folder / "ck"
        config = pathlib.Path(__file__).resolve().parents[2] / "examples" / "dlio" / "llama_7b.yaml"
        result = self.run_ranks(ranks, config, *MODEL, f"++workload.checkpoint.checkpoint_folder={folder}", f"++workload.checkpoint.plugin={plugin}", *overrides)
        self.assert_good(result)
        summary = result.summary()
        saves = summary["dlfw"]["checkpoints"]["saves"]
        self.assertEqual(len(saves), 2)
        self.assertGreaterEqual(saves[0]["seconds_max_over_ranks"], saves[0]["seconds_min_over_ranks"])
        self.assertEqual(summary["num_accelerators"], ranks)
        return summary, folder

    def test_checkpoint_files_of_every_rank(self):
        _, folder = self.checkpoints("checkpoint_files", 4, "++workload.model.parallelism.tensor=2")
        names = [path.name for path in folder.rglob("*.pt")]
        for rank in range(4):
            self.assertTrue(any(f"optim" in name for name in names), names)
        self.assertGreaterEqual(len(names), 4)

    def test_checkpoint_store_of_every_rank(self):
        summary, folder = self.checkpoints("checkpoint_store", 2)
        listed = self.dlfw("checkpoint", "list", folder)
        self.assert_good(listed)
        self.assertGreater(summary["dlfw"]["checkpoints"]["model"]["bytes"], summary["dlfw"]["checkpoints"]["model"]["rank_bytes"])

    def test_training_with_checkpoints(self):
        result = self.run_ranks(2, self.write(SMALL), "++dataset.num_files_train=32", "++workflow.checkpoint=True", f"++checkpoint.checkpoint_folder={self.folder}/ck",
                                "++checkpoint.steps_between_checkpoints=2")
        self.assert_good(result)
        self.assertEqual(result.summary()["dlfw"]["checkpoints"]["save"]["count"], 4)

    def test_a_rank_that_fails_alone_ends_all(self):
        config = self.write(SMALL)
        self.assert_good(self.run_job(config, command="generate"))
        victim = sorted((self.folder / "data" / "train").iterdir())[7]
        data = bytearray(victim.read_bytes())
        data[2000] ^= 1
        victim.write_bytes(data)
        result = self.run_ranks(3, config, "++workflow.generate_data=False", "++reader.file_shuffle=off", "++reader.sample_shuffle=off", "++train.epochs=3")
        self.assertEqual(result.status, 1, result.err)
        self.assertIn(victim.name, result.err)
        self.assertIn("rank 1: ", result.summary()["dlfw"]["failure"]["text"])
        self.assertEqual(result.summary()["dlfw"]["status"], "failed")

    def test_mistakes_are_told_once(self):
        config = self.write(SMALL.replace("batch_size: 4", "batch_siez: 4"))
        result = self.run_ranks(3, config, *QUICK)
        self.assert_good(result)
        self.assertEqual(result.err.count("batch_siez"), 1, result.err)
        for words, text in ((("--ranks", "0"), "--ranks"), (("--ranks", "2", "--rank", "0"), "--world-size"), (("--rank", "1"), "--world-size"),
                            (("--world-size", "2", "--rank", "2"), "rank"), (("--coordinator", "nothing", "--world-size", "2", "--rank", "0"), "nothing")):
            with self.subTest(words):
                result = self.run_job(config, *words)
                self.assertIn(result.status, (1, 2))
                self.assertIn(text, result.err)

    def test_ranks_joined_by_hand(self):
        config = self.write(SMALL)
        words = [config, f"++output.folder={self.results}", "--quiet", "--world-size", 2, "--run-id", f"hand-{self.folder.name}"]
        ranks = [self.start("run", *words, "--rank", rank) for rank in range(2)]
        for process in ranks:
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads((self.results / "summary.json").read_text())["num_accelerators"], 2)


if __name__ == "__main__":
    unittest.main()
