# SPDX-License-Identifier: Apache-2.0
"""dlfw check-rules on run files, on results of real runs, and on such results with one thing changed."""
import datetime
import json
import math
import re
import shutil
import subprocess
import unittest

from support import BUILD, SOURCE, EndToEnd

UNET3D = SOURCE / "examples" / "dlio" / "unet3d_h100.yaml"
LLAMA = SOURCE / "examples" / "dlio" / "llama_8b_zero3.yaml"
FILES = "++workload.dataset.num_files_train=14"
# What makes a run of the stock workload small; CLOSED forbids each of them.
SMALL = {"++workload.dataset.record_length_bytes=146600": "record_length_bytes: 146600628",
         "++workload.dataset.record_length_bytes_stdev=0": "record_length_bytes_stdev: 68341808",
         "++workload.train.computation_time=0.01": "computation_time: 0.323"}


class CheckRules(EndToEnd):
    def check(self, *words, cwd=None):
        done = subprocess.run([str(BUILD / "dlfw"), "check-rules", *map(str, words)], capture_output=True, text=True, cwd=cwd or self.folder, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def judge(self, *words):
        status, out, err = self.check("--json", *words)
        answer = json.loads(out) if out else self.fail(err)
        self.assertEqual(status, 0 if answer["ok"] else 1)
        return answer

    def findings(self, answer, rule, level):
        places = [finding for subject in answer["subjects"] for finding in subject["findings"]] + answer["together"]
        return [f for f in places if f["rule"] == rule and f["level"] == level]

    def run_unet3d(self):
        """A real run, small; its results."""
        (self.folder / "workload").mkdir()
        shutil.copy(UNET3D, self.folder / "workload")
        words = ["--config-dir", self.folder, "workload=unet3d_h100", FILES, *SMALL, f"++workload.dataset.data_folder={self.folder}/data",
                 f"++workload.checkpoint.checkpoint_folder={self.folder}/checkpoints"]
        self.assert_good(self.dlfw("generate", *words))
        self.assert_good(self.dlfw("run", *words, f"++hydra.run.dir={self.results}", "++hydra.output_subdir=dlio_config"))
        return self.results

    def edit(self, path, change):
        path.write_text(change(path.read_text()))

    def edit_summary(self, folder, change):
        summary = json.loads((folder / "summary.json").read_text())
        change(summary)
        (folder / "summary.json").write_text(json.dumps(summary))

    def as_closed(self, folder, files):
        """The results of the small run as those of a full-size one on a host of 16 GiB."""
        stored = folder / "dlio_config"
        for override, line in SMALL.items():
            key, value = override.split("workload.")[1].split("=")
            self.edit(stored / "config.yaml", lambda text: re.sub(rf"\b{key.split('.')[1]}: {re.escape(value)}\b", line, text))
            self.edit(stored / "overrides.yaml", lambda text: "".join(line for line in text.splitlines(True) if override not in line))
        for name in ("config.yaml", "overrides.yaml"):
            self.edit(stored / name, lambda text: re.sub(r"(num_files_train[:=] ?)14\b", rf"\g<1>{files}", text))

        def change(summary):
            summary.update(num_files_train=files, host_memory_GB=[16.0], potential_caching=[0])
            summary["metric"]["train_au_mean_percentage"] = 96.5
        self.edit_summary(folder, change)

    def test_before_a_run(self):
        status, out, _ = self.check("--hosts", 2, "--accelerators", 8, "--memory-per-host", "64GiB", UNET3D)
        self.assertEqual(status, 1)
        self.assertIn("  INVALID  dataset size: dataset.num_files_train is 168; wanted: at least 28000; 5 x 137438953472 bytes", out)
        self.assertIn("(MLPerf Storage v2.0 rules, 7)", out)
        size = ["--hosts=2", "--accelerators=8", "--memory-per-host=64GiB", UNET3D, "++workload.dataset.num_files_train=28000"]
        self.assertEqual(self.judge(*size)["verdict"], "CLOSED")
        self.assertEqual(self.judge(*size, "++workload.dataset.format=hdf5")["verdict"], "OPEN")
        self.assertTrue(self.judge("--division", "open", *size, "++workload.dataset.format=hdf5")["ok"])
        self.assertEqual(self.judge("--version", "3.0", *size)["verdict"], "INVALID")
        (self.folder / "workload").mkdir()
        shutil.copy(UNET3D, self.folder / "workload" / "unet3d_h100.yaml")
        self.assertEqual(self.judge(*size[:3], "--config-dir", self.folder, "workload=unet3d_h100", *size[4:])["verdict"], "CLOSED")

    def test_usage(self):
        cases = [([], "no config file"), (["--version", "4.0", UNET3D], "'4.0'"), (["--division", "ajar", UNET3D], "'ajar'"), (["--hosts", "0", UNET3D], "--hosts"),
                 (["--accelerators", "-1", UNET3D], "--accelerators"), (["--memory-per-host", "much", UNET3D], "--memory-per-host"), (["--ranks", "2", UNET3D], "check-rules"),
                 ([self.folder, "--hosts", "2"], "--hosts"), ([self.folder, UNET3D], "run file"), ([UNET3D, UNET3D], "second"), (["--hosts"], "--hosts"),
                 (["--nonsense", UNET3D], "--nonsense")]
        for words, text in cases:
            with self.subTest(words=words):
                status, out, err = self.check(*words)
                self.assertEqual((status, out), (2, ""), err)
                self.assertIn(text, err)
        status, _, err = self.check(self.folder / "none.yaml")
        self.assertEqual(status, 1)
        self.assertIn("none.yaml", err)
        status, out, _ = self.check(self.folder)
        self.assertEqual(status, 1)
        self.assertIn("INVALID  files of a run: no readable summary.json", out)

    def test_after_a_run(self):
        folder = self.run_unet3d()
        answer = self.judge(folder)
        subject = answer["subjects"][0]
        self.assertEqual((answer["verdict"], subject["model"], subject["accelerator"], subject["accelerators"]), ("INVALID", "unet3d", "h100", 1))
        self.assertEqual({f["found"] for f in self.findings(answer, "overrides", "INVALID")}, set(SMALL))
        memory = round(sum(json.loads((folder / "summary.json").read_text())["host_memory_GB"]) * 2**30)
        self.assertEqual(subject["memory_bytes"], memory)
        size = self.findings(answer, "dataset size", "INVALID")
        self.assertEqual([f["wanted"] for f in size], [f"at least {max(5 * memory // 146600, 500 * 7)}"])
        self.assertTrue(self.findings(answer, "files of a run", "ok"))
        self.assertTrue(self.findings(answer, "complete run", "ok"))
        self.assertTrue(self.findings(answer, "checkpoints of unet3d", "ok"))

        self.as_closed(folder, 3500)
        answer = self.judge(folder)
        self.assertEqual(answer["verdict"], "CLOSED", json.dumps(answer, indent=1))
        self.one_thing_wrong(folder)
        self.six_runs(folder)

    def one_thing_wrong(self, good):
        def set_au(summary):
            summary["metric"]["train_au_mean_percentage"] = 89.99
        cases = {
            "dataset size": lambda f: self.edit_summary(f, lambda s: s.update(host_memory_GB=[512.0])),
            "accelerator utilization": lambda f: self.edit_summary(f, set_au),
            "complete run": lambda f: self.edit_summary(f, lambda s: s["dlfw"]["coverage"][0]["train"].update(ok=False)),
            "overrides": lambda f: self.edit(f / "dlio_config" / "overrides.yaml", lambda t: t + "- ++workload.train.epochs=5\n"),
            "definition": lambda f: self.edit(f / "dlio_config" / "config.yaml", lambda t: t.replace("epochs: 5", "epochs: 4")),
            "files of a run": lambda f: (f / "dlio.log").unlink(),
            "accelerators per host": lambda f: self.edit_summary(f, lambda s: s.update(num_hosts=0)),
        }
        for rule, change in cases.items():
            with self.subTest(rule=rule):
                folder = self.folder / "changed"
                shutil.copytree(good, folder)
                change(folder)
                answer = self.judge(folder)
                self.assertEqual(answer["verdict"], "INVALID")
                self.assertTrue(self.findings(answer, rule, "INVALID"), json.dumps(answer, indent=1))
                shutil.rmtree(folder)

    def six_runs(self, good):
        summary = json.loads((good / "summary.json").read_text())
        start, end = (datetime.datetime.fromisoformat(summary[key]) for key in ("start", "end"))
        folders = []
        for i in range(6):
            folders.append(self.folder / f"run{i}")
            shutil.copytree(good, folders[i])
            begin = start + i * 1.5 * (end - start)
            finish = begin + (end - start)
            self.edit_summary(folders[i], lambda s: s.update(start=begin.isoformat(timespec="microseconds"), end=finish.isoformat(timespec="microseconds")))
        answer = self.judge("--version", "2", *folders)
        self.assertEqual(answer["verdict"], "CLOSED", json.dumps(answer["together"], indent=1))
        self.assertEqual([f["rule"] for f in answer["together"]], ["number of runs", "same system and workload", "seeds", "consecutive runs", "replicability"])
        mean = float(self.findings(answer, "replicability", "ok")[0]["found"].split()[0])
        self.assertTrue(math.isclose(mean, summary["metric"]["train_throughput_mean_samples_per_second"], rel_tol=1e-3))
        self.assertEqual(self.judge(*folders[:4])["verdict"], "INVALID")
        self.edit_summary(folders[3], lambda s: s["metric"].update(train_throughput_mean_samples_per_second=mean * 2))
        self.assertTrue(self.findings(self.judge(*folders), "replicability", "INVALID"))

    def test_checkpoints(self):
        tiny = ["++workload.model.num_layers=2", "++workload.model.transformer.hidden_size=128", "++workload.model.transformer.ffn_hidden_size=256",
                "++workload.model.transformer.vocab_size=512", "++workload.checkpoint.time_between_checkpoints=0",
                f"++workload.checkpoint.checkpoint_folder={self.folder}/checkpoints"]
        self.assert_good(self.run_job(LLAMA, *tiny))
        answer = self.judge(self.results)
        self.assertEqual((answer["verdict"], answer["subjects"][0]["model"], answer["subjects"][0]["kind"]), ("INVALID", "llama3-8b", "checkpointing"))
        self.assertTrue(self.findings(answer, "numbers of checkpoints", "ok"))
        self.assertTrue(self.findings(answer, "complete run", "ok"), json.dumps(answer, indent=1))
        self.assertTrue(self.findings(answer, "checkpoint sequence", "ok"))
        self.assertEqual([f["found"] for f in self.findings(answer, "checkpoint processes", "OPEN")], ["1 processes"])
        self.assertEqual(len(self.findings(answer, "overrides", "INVALID")), 6)  # five sizes, and output.folder


if __name__ == "__main__":
    unittest.main()
