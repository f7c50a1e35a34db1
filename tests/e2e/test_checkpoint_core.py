# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as the host sees them: phases, reports, plans, and what killed runs leave. DLIO's files stand for any checkpoint hook."""
import json
import os
import pathlib
import signal
import time
import unittest

from support import SMALL, EndToEnd

MODEL = """model:
  name: tiny
  type: transformer
  num_layers: 4
  parallelism: {{tensor: 1, pipeline: 1, zero_stage: 3}}
  transformer: {{vocab_size: 1000, hidden_size: 64, ffn_hidden_size: 128, num_attention_heads: 8, num_kv_heads: 8}}
framework: pytorch
"""

ONLY = MODEL + """workflow: {{train: False, checkpoint: True}}
checkpoint:
  checkpoint_folder: {folder}/ckpt
  num_checkpoints_write: 3
  num_checkpoints_read: 2
  time_between_checkpoints: 0.01
"""

TRAIN = SMALL.replace("model:\n  name: small\nframework: pytorch\n", MODEL).replace("  train: True", "  train: True\n  checkpoint: True").replace(
    "epochs: 2", "epochs: 2\ncheckpoint:\n  checkpoint_folder: {folder}/ckpt\n").replace("\n  computation_time: 0.001", "").replace(
    "checkpoint:\n  checkpoint_folder", "  computation_time: 0.01\ncheckpoint:\n  checkpoint_folder").replace("num_files_train: 12", "num_files_train: 28")

BIG = """model:
  name: llama3-405b
  type: transformer
  num_layers: 126
  model_datatype: fp16
  optimizer_datatype: fp32
  parallelism: {{tensor: 8, pipeline: 32, zero_stage: 1}}
  transformer: {{vocab_size: 128256, hidden_size: 16384, ffn_hidden_size: 53248, num_attention_heads: 128, num_kv_heads: 8}}
framework: pytorch
workflow: {{train: False, checkpoint: True}}
checkpoint: {{checkpoint_folder: {folder}/ckpt, num_checkpoints_write: 1}}
"""


class Phases(EndToEnd):
    def load(self, name):
        return json.loads((self.results / name).read_text())

    def test_only_checkpoints(self):
        result = self.run_job(self.write(ONLY))
        self.assert_good(result)
        summary = result.summary()
        self.assertEqual(summary["epochs"], 0)
        metric = summary["metric"]
        self.assertEqual(sorted(metric), sorted([f"{kind}_checkpoint_{what}" for kind in ("save", "load") for what in (
            "io_mean_GB_per_second", "io_stdev_GB_per_second", "duration_mean_seconds", "duration_stdev_seconds")] + ["checkpoint_size_GB"]))
        self.assertAlmostEqual(metric["checkpoint_size_GB"] * 2**30, 4097664)
        stats = self.load("0_per_epoch_stats.json")["1"]
        self.assertEqual(list(stats), ["start", "save_ckpt1", "save_ckpt2", "save_ckpt3", "load_ckpt1", "load_ckpt2"])
        checkpoints = summary["dlfw"]["checkpoints"]
        self.assertEqual([len(checkpoints["saves"]), len(checkpoints["loads"])], [3, 2])
        stored = sum(path.stat().st_size for path in (self.folder / "ckpt").glob("*1/*"))
        self.assertEqual(checkpoints["saves"][0]["stored_bytes"], stored)
        for line in ("Running DLIO [Checkpointing] with 1 process(es)", "Checkpointing write finished", "Checkpointing read finished",
                     "Starting loading checkpoint 2 after total step 2 for epoch 1", "[METRIC] Checkpoint load I/O Throughput (GB/second): "):
            self.assertIn(line, result.err)

    def test_blocks_end_at_checkpoints(self):
        """Saves take ten times as long as steps, and no block and no AU knows of it."""
        config = self.write(TRAIN)
        self.assert_good(self.run_job(config, command="generate"))
        result = self.run_job(config, "++checkpoint.steps_between_checkpoints=3", "++workflow.generate_data=False",
                              "++storage.wrap=[{delay: {write: 100ms}}]")
        self.assert_good(result)
        for epoch in ("1", "2"):
            stats = self.load("0_per_epoch_stats.json")[epoch]
            self.assertEqual(list(stats), ["start", "block1", "save_ckpt1", "block2", "save_ckpt2", "block3", "end", "duration"])
            self.assertGreater(stats["save_ckpt1"]["duration"], 0.1)
            self.assertLess(float(stats["block1"]["duration"]), 0.1)
            output = self.load("0_output.json")[epoch]
            self.assertEqual([len(output["load"][f"block{b}"]) for b in (1, 2, 3)], [3, 3, 1])
            self.assertGreater(output["au"]["block1"], 80)
            self.assertGreater(output["au"]["block2"], 80)
            self.assertEqual(output["au"]["block3"], 0)  # its one step is left out by output.metric.exclude_start_steps
            weighted = sum(output["au"][f"block{b}"] * n for b, n in ((1, 3), (2, 3), (3, 1))) / 7
            self.assertAlmostEqual(result.summary()["metric"]["train_au_percentage"][int(epoch) - 1], weighted, places=6)
        self.assertEqual(sorted(path.name for path in (self.folder / "ckpt").iterdir()),
                         ["global_epoch1_step3", "global_epoch1_step6", "global_epoch2_step3", "global_epoch2_step6"])
        self.assertEqual([(c["epoch"], c["number"], c["step"]) for c in result.summary()["dlfw"]["checkpoints"]["saves"]],
                         [(1, 1, 3), (1, 2, 6), (2, 1, 3), (2, 2, 6)])
        self.assertIn("steps inside the window", result.out)

    def test_a_checkpoint_after_the_epoch_is_part_of_it(self):
        result = self.run_job(self.write(TRAIN), "++train.epochs=1", "++storage.wrap=[{delay: {write: 30ms}}]")
        self.assert_good(result)
        stats = self.load("0_per_epoch_stats.json")["1"]
        self.assertEqual(list(stats), ["start", "block1", "save_ckpt1", "end", "duration"])
        self.assertGreaterEqual(stats["end"], stats["save_ckpt1"]["end"])
        self.assertLess(float(stats["block1"]["duration"]), float(stats["duration"]))
        log = (self.results / "dlio.log").read_text()
        self.assertLess(log.index("Finished saving checkpoint 1 for epoch 1"), log.index("Ending epoch 1"))
        self.assertLess(log.index("Ending block 1"), log.index("Starting saving checkpoint 1"))

    def test_generation_comes_first(self):
        config = self.write(TRAIN)
        result = self.run_job(config, "++workflow.train=False", "++checkpoint.num_checkpoints_write=1")
        self.assert_good(result)
        self.assertEqual(len(list((self.folder / "data/train").iterdir())), 28)
        self.assertEqual(result.summary()["dlfw"]["checkpoints"]["save"]["count"], 1)
        self.assertIn("Running DLIO [Generating data & Checkpointing]", result.err)

    def test_a_failing_commit_ends_the_run(self):
        result = self.run_job(self.write(ONLY), "++storage.wrap=[{error: {ops: [put, commit], every: 2, status: no_space}}]")
        self.assertEqual(result.status, 1)
        self.assertIn("checkpoint_files", [line for line in result.err.splitlines() if line.startswith("dlfw: error:")][0])
        self.assertEqual(result.summary()["dlfw"]["status"], "failed")
        self.assertEqual([path for path in (self.folder / "ckpt").rglob(".*") if path.is_file()], [])

    def test_relative_folder_is_below_the_working_directory(self):
        config = self.write(ONLY.replace("{folder}/ckpt", "./here/ckpt/"))
        self.assert_good(self.run_job(config, "++storage.storage_root=elsewhere"))
        self.assertEqual(len(list((self.folder / "here/ckpt").iterdir())), 3)
        self.assertFalse((self.folder / "elsewhere").exists())


class Mistakes(EndToEnd):
    def problems(self, text, *overrides):
        result = self.dlfw("validate", "--json", self.write(text), *overrides)
        return {p["message"]: p["severity"] for p in json.loads(result.out)["problems"]}

    def test_good(self):
        self.assertEqual(self.problems(ONLY), {})

    def test_typo(self):
        self.assertEqual(self.problems(ONLY.replace("num_checkpoints_write", "num_checkpoints_wirte").replace("_read: 2", "_read: 0")),
                         {"checkpoint.num_checkpoints_wirte is not a known key; did you mean 'num_checkpoints_write'?": "warning"})

    def test_type(self):
        self.assertEqual(list(self.problems(ONLY, "++checkpoint.fsync=perhaps").values()), ["error"])

    def test_unknown_plugin(self):
        found = self.problems(ONLY, "++checkpoint.plugin=checkpoint_filse")
        self.assertEqual(list(found.values()), ["error"])
        self.assertIn("did you mean 'checkpoint_files'?", list(found)[0])

    def test_ignored_by_dlio_too(self):
        found = self.problems(ONLY, "++checkpoint.type=all_ranks", "++checkpoint.checkpoint_mechanism_classname=a.B")
        self.assertEqual(set(found.values()), {"warning"})
        self.assertEqual(len(found), 2)

    def test_ranks_that_do_not_go(self):
        self.assert_fails(self.run_job(self.write(ONLY), "++model.parallelism.zero_stage=0", "++model.parallelism.tensor=2"), "checkpoint_files")


class Plans(EndToEnd):
    def plan(self, config, *words):
        result = self.dlfw("plan", "--json", config, *words)
        self.assert_good(result)
        return json.loads(result.out)

    def test_what_is_planned_is_written(self):
        config = self.write(TRAIN)
        plan = self.plan(config, "++dataset.record_length_bytes_stdev=1000", "++dataset.num_files_eval=3")
        self.assertEqual(sorted(os.listdir(self.folder)), ["run.yaml"])
        self.assert_good(self.run_job(config, "++dataset.record_length_bytes_stdev=1000", "++dataset.num_files_eval=3", "++train.epochs=1"))
        for split, folder in (("train", "train"), ("eval", "valid")):
            files = list((self.folder / "data" / folder).iterdir())
            self.assertEqual(plan["dataset"][split], {"files": len(files), "samples": len(files), "bytes": sum(f.stat().st_size for f in files), "exact": True})
        self.assertEqual(plan["ranks"][0]["steps_per_epoch"], 7)
        files = [f for f in (self.folder / "ckpt").rglob("*") if f.is_file()]
        total = plan["ranks"][0]["checkpoint"]["total"]
        self.assertEqual([total["files"], total["file_bytes"]], [len(files), sum(f.stat().st_size for f in files)])
        self.assertEqual(total["payload_bytes"], 4097664)

    def test_files_are_listed(self):
        config = self.write(ONLY)
        plan = self.plan(config, "--files")
        self.assert_good(self.run_job(config))
        written = {f.name: f.stat().st_size for f in (self.folder / "ckpt/global_epoch1_step1").iterdir()}
        self.assertEqual({os.path.basename(f["name"]): f["file_bytes"] for f in plan["ranks"][0]["checkpoint"]["files"]}, written)

    def test_published_sizes_and_speed(self):
        config = self.write(BIG)
        begin = time.monotonic()
        plan = self.plan(config, "--ranks", "512,4096")
        self.assertLess(time.monotonic() - begin, 5)  # under a second where nothing else runs
        small = plan["ranks"][0]["checkpoint"]
        self.assertEqual(small["figures"]["parameters"], 405853388800)
        self.assertEqual(small["first"]["payload_bytes"], 3713269760 + 9513171840)
        self.assertEqual(small["last"]["payload_bytes"], 9513171840)
        self.assertAlmostEqual(small["total"]["payload_bytes"] / 2**30, 5292.2487, places=3)
        self.assertEqual(plan["ranks"][1]["checkpoint"]["writing_ranks"], 4096)

    def test_ranks_that_do_not_go(self):
        result = self.dlfw("plan", self.write(BIG), "--ranks=512,100")
        self.assertEqual(result.status, 1)
        self.assertIn("each checkpoint of 512 ranks", result.out)
        self.assertIn("not possible:", result.out)

    def test_only_data(self):
        result = self.dlfw("plan", self.write(SMALL), "--ranks", "1,2,5")
        self.assert_good(result)
        self.assertRegex(result.out, r"(?m)^ +1 +3 +0$")
        self.assertRegex(result.out, r"(?m)^ +2 +1 +4$")
        self.assertRegex(result.out, r"no full batch")
        self.assertNotIn("checkpoint", result.out)

    def test_command_line(self):
        for words in (["--ranks"], ["--ranks", "0"], ["--ranks=1,x"], ["--ranks", "99999999"], ["--quiet"]):
            result = self.dlfw("plan", self.write(SMALL), *words)
            self.assertEqual(result.status, 2, words)


class Leftovers(EndToEnd):
    HUGE = ("++dataset.num_files_train=4000", "++dataset.record_length_bytes=4000000")

    def temporaries(self, folder="data"):
        return sorted(path for path in (self.folder / folder).rglob(".*dlfw-*"))

    def killed_run(self, config, folder="data"):
        """Kills a run while it has temporary files; returns them."""
        for _ in range(20):
            process = self.start("generate", config, "--force", f"++output.folder={self.results}", *self.HUGE)
            try:
                self.wait_for(lambda: self.temporaries(folder))
            finally:
                process.kill()
                process.communicate()
            left = self.temporaries(folder)
            if left:
                return left
        self.fail("no run was killed while it wrote")

    def clean(self, *words):
        result = self.dlfw("clean", "--json", *words)
        self.assert_good(result)
        return json.loads(result.out)

    def test_a_killed_generation(self):
        config = self.write(SMALL)
        left = self.killed_run(config)
        whole = {path: path.stat().st_size for path in (self.folder / "data/train").glob("img_*")}
        dry = self.clean("--dry-run", config)
        self.assertEqual(sorted(self.folder / "data" / one["name"] for one in dry["leftovers"]), left)
        self.assertEqual(self.temporaries(), left)
        done = self.clean(config)
        self.assertEqual([done["count"], done["bytes"]], [dry["count"], dry["bytes"]])
        self.assertEqual(self.temporaries(), [])
        self.assertEqual({path: path.stat().st_size for path in (self.folder / "data/train").glob("img_*")}, whole)
        self.assertEqual(self.clean(config)["count"], 0)

    def stopped_writer(self, process, dead):
        """Stops a run while it has temporary files of its own: it lives, with files half written. Returns them."""
        for _ in range(100):
            self.wait_for(lambda: set(self.temporaries()) - set(dead))
            process.send_signal(signal.SIGSTOP)
            self.wait_for(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                                      for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir()))
            mine = set(self.temporaries()) - set(dead)
            # A file without bytes may not be locked yet: such a one may be taken away, and its writer makes another.
            if mine and all(path.stat().st_size for path in mine):
                return mine
            process.send_signal(signal.SIGCONT)
        self.fail("the run was never stopped while it wrote")

    def test_a_living_writer_keeps_its_files(self):
        config = self.write(SMALL)
        dead = self.killed_run(config)
        process = self.start("generate", config, f"++output.folder={self.results}", "--force", *self.HUGE)
        try:
            mine = self.stopped_writer(process, dead)
            done = self.clean(self.folder / "data")
            self.assertEqual(sorted(self.folder / "data" / one["name"] for one in done["leftovers"]), dead)
            self.assertEqual(set(self.temporaries()), mine)
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.communicate()
        left = self.temporaries()
        self.assertEqual(self.clean(f"file://{self.folder}/data")["count"], len(left))
        self.assertEqual(self.temporaries(), [])

    def test_a_killed_checkpoint(self):
        config = self.write(ONLY)
        process = self.start("run", config, f"++output.folder={self.results}", "++checkpoint.num_checkpoints_write=1000", "++checkpoint.time_between_checkpoints=0",
                             "++model.transformer.vocab_size=200000")
        try:
            self.wait_for(lambda: (self.folder / "ckpt").exists() and self.temporaries("ckpt"))
        finally:
            process.kill()
            process.communicate()
        left = self.temporaries("ckpt")
        done = self.clean(config)
        self.assertGreaterEqual(done["count"], len(left))
        self.assertEqual(self.temporaries("ckpt"), [])

    def test_text(self):
        (self.folder / "data").mkdir()
        (self.folder / "data/.x.dlfw-1-1").write_text("12345")
        result = self.dlfw("clean", "--dry-run", "data")
        self.assert_good(result)
        self.assertEqual(result.out.splitlines(), ["would remove         5 B  data/.x.dlfw-1-1", "1 leftover, 5 B would be removed"])
        result = self.dlfw("clean", "data")
        self.assertEqual(result.out.splitlines()[-1], "1 leftover, 5 B removed")
        self.assertEqual(self.dlfw("clean", "data").out, "nothing to clean\n")

    def test_nothing_there(self):
        self.assertEqual(self.clean(self.write(ONLY))["count"], 0)  # folders of a run file come with the run
        self.assert_fails(self.dlfw("clean", f"file://{self.folder}/none"), "none")
        self.assertEqual(self.clean("memory://x")["count"], 0)

    def test_command_line(self):
        (self.folder / "data").mkdir()
        for words in ([], ["--quiet", self.write(SMALL)], ["data", "data"], ["data", "++train.epochs=2"]):
            self.assertEqual(self.dlfw("clean", *words).status, 2, words)


if __name__ == "__main__":
    unittest.main()
