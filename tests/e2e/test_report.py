# SPDX-License-Identifier: Apache-2.0
"""dlfw report: what people, programs and Prometheus see of runs that really happened, of other programs' results, and of broken ones."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import support

sys.path.insert(0, str(support.SOURCE / "tests" / "view"))
import check_page  # noqa: E402

RUN = """model: {{name: small}}
framework: pytorch
workflow: {{generate_data: True, train: True, checkpoint: True, evaluation: True}}
dataset: {{data_folder: {folder}/data, format: npz, num_files_train: 96, num_files_eval: 16, record_length_bytes: 4096}}
reader: {{data_loader: pytorch, batch_size: 4, batch_size_eval: 2, read_threads: 2}}
train: {{epochs: 3, computation_time: 0.003}}
evaluation: {{eval_time: 0.002}}
checkpoint: {{checkpoint_folder: {folder}/ck, steps_between_checkpoints: 4}}
metric: {{au: 0.5}}
"""

# Prometheus' own parser of the text format: [[family, type, [[sample, labels, value], ...]], ...]
PARSE = """import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = text_string_to_metric_families(open(sys.argv[1]).read())
print(json.dumps([[f.name, f.type, f.documentation, [[s.name, s.labels, s.value] for s in f.samples]] for f in families]))
"""


class Report(support.EndToEnd):
    """Two runs are enough for all: A has two ranks, B one and another configuration."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(support.tempfile.mkdtemp(prefix="dlfw-e2e-report-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        config = cls.shared / "run.yaml"
        config.write_text(RUN.format(folder=cls.shared))
        cls.a, cls.b = cls.shared / "a", cls.shared / "b"
        for folder, words in ((cls.a, ["--ranks", "2", config]), (cls.b, [config, "++train.computation_time=0.012", "++reader.drop_cache=true"])):
            done = subprocess.run([str(support.BUILD / "dlfw"), "run", "--plugin-dir", str(support.BUILD / "plugins"), "--quiet", *map(str, words),
                                   f"++output.folder={folder}"], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr

    def report(self, *words, status=0):
        result = self.dlfw("report", *words)
        self.assertEqual(result.status, status, result.err)
        return result

    def made(self, summary, name="made", **files):
        """A results folder written by hand."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "summary.json").write_text(summary if isinstance(summary, str) else json.dumps(summary))
        for file, text in files.items():
            (folder / file).write_text(text)
        return folder

    def summary_of(self, folder):
        return json.loads((folder / "summary.json").read_text())

    def test_text(self):
        out = self.report(self.a).out
        summary = self.summary_of(self.a)
        self.assertIn("small on file://", out)
        self.assertIn("2 ranks on 1 host", out)
        self.assertIn(f"{summary['metric']['train_au_mean_percentage']:.2f} %", out)
        self.assertIn(f"{summary['dlfw']['au']['strict_percent']:.2f} %", out)
        for word in ("strict AU", "samples/s", "over time", "saves", "batch wait", "request", "decode", "compute error", "barrier", "over ranks", "limited by",
                     "AU was lost to", "page cache", "went through the page cache", "note: "):
            self.assertIn(word, out)
        self.assertNotIn("missing: ", out)
        self.assertEqual(len([line for line in out.splitlines() if line.split()[:1] in (["1"], ["2"], ["3"])]), 3, "one row per epoch")
        self.assertLess(max(map(len, out.splitlines())), 260)

    def test_json(self):
        summary = self.summary_of(self.a)
        told = json.loads(self.report(self.a, "--json").out)
        self.assertEqual(told["figures"]["au_percent"], summary["metric"]["train_au_mean_percentage"])
        self.assertEqual(told["latency_ns"]["batch_wait"]["p99"], summary["dlfw"]["latency_ns"]["batch_wait"]["p99"])
        self.assertEqual(told["over_ranks"]["au_percent"]["count"], 2)
        self.assertEqual(told["configuration"]["reader.batch_size"], "4")
        self.assertEqual(told["missing"], [])
        # what the bins hold is what was trained: 3 epochs of 12 steps of 4 samples on 2 ranks
        over_time = told["over_time"]
        end = max(i for i, rate in enumerate(over_time["eval"]) if rate > 0)
        delivered = sum(rate * over_time["bin_seconds"] for rate in over_time["train"])
        self.assertAlmostEqual(delivered, 3 * 12 * 4 * 2, delta=0.01)
        evaluated = sum(rate * over_time["bin_seconds"] for rate in over_time["eval"][:end])
        self.assertAlmostEqual(evaluated, 3 * 16, delta=2)  # the last bin is shorter

    def test_page_in_a_browser(self):
        page = self.folder / "page.html"
        done = self.report(self.a, "--html", page, "--compare", self.b)
        self.assertEqual(done.out, "")
        self.assertLess(page.stat().st_size, 500_000)
        problems, told = check_page.check(page)
        self.assertEqual(problems, [])
        self.assertEqual(told["headings"], ["small", "Comparison", "What limited AU", "Throughput over time", "AU per epoch", "Latency of the stages",
                                            "Spread over the ranks", "Page cache residency", "Checkpoints", "Configuration", "Host", "Figures and files"])
        charts = [chart["name"].split(":")[0] for chart in told["charts"]]
        for chart in ("Throughput over time", "Share of the time that ranks waited for batches", "AU per epoch", "Latency of the stages", "Spread over the ranks",
                      "Where AU was lost", "Where the time of the measured window went", "Data in the page cache when epochs began", "Memory and data of a host"):
            self.assertIn(chart, charts)

    def test_page_of_hostile_results(self):
        evil = "</title><script>alert(1)</script><img src='http://example.org/x' onerror=alert(1)>"
        summary = self.summary_of(self.a)
        summary["dlfw"]["advice"] = [evil]
        summary["dlfw"]["ranks"]["per_rank"][0]["host"] = evil
        summary["dlfw"].update(status="failed", failure={"status": "IO", "text": evil})
        summary["hostname"] = summary["start"] = evil
        folder = self.made(summary)
        (folder / "evil<b>.txt").touch()
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "overrides.yaml").write_text("[]")
        (folder / ".hydra" / "config.yaml").write_text(json.dumps({"workload": {"model": {"name": evil}, evil: evil, "storage": {
            "secret_access_key": "hidden", "uri": "s3://user:hidden@host/b"}}}))
        page = self.folder / "page.html"
        self.report(folder, "--html", page)
        text = page.read_text()
        self.assertNotIn("<script", text)
        self.assertNotIn("<img", text)
        self.assertNotIn("evil<b>", text)
        self.assertNotIn("hidden", text.split("<body>")[1])
        self.assertIn("&lt;script&gt;", text)
        self.assertNotIn("hidden", self.report(folder, "--json").out)
        self.assertNotIn("\x1b", self.report(folder).out)

    def test_many_steps_need_no_memory_and_make_no_large_page(self):
        ranks, steps = 16, 4000 if support.SANITIZED else 40000
        rows = "epoch,block,step,load_s,compute_s,barrier_s\n" + "".join(f"1,1,{i},0.001000000,0.01{i % 10}000000,0.000001000\n" for i in range(1, steps + 1))
        summary = self.summary_of(self.a)
        summary["num_accelerators"] = 256
        summary["dlfw"]["ranks"]["per_rank"] = [{**summary["dlfw"]["ranks"]["per_rank"][0], "rank": r} for r in range(256)]
        used = []
        for name, count in (("few", 1), ("many", ranks)):
            folder = self.made(summary, name, **{f"{r}_steps.csv": rows for r in range(count)})
            page = self.folder / f"{name}.html"
            process = subprocess.Popen(self.argv("report", folder, "--html", page), stderr=subprocess.PIPE, text=True)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0, process.stderr.read())
            process.stderr.close()
            self.assertLess(page.stat().st_size, 500_000)
            used.append(usage.ru_maxrss)
        self.assertLess(used[1], used[0] + 2048, f"KiB for 1 and {ranks} files of {len(rows)} bytes: {used}")

    def steady(self, folder, rate):
        """The same run with rates that do not depend on how busy this machine was."""
        copy = self.folder / f"{folder.name}-steady"
        shutil.copytree(folder, copy)
        summary = self.summary_of(folder)
        for number, epoch in enumerate(summary["dlfw"]["epochs"]):
            epoch["samples_per_second"] = rate + number
        (copy / "summary.json").write_text(json.dumps(summary))
        return copy

    def test_comparison(self):
        a, b = self.steady(self.a, 400), self.steady(self.b, 100)
        out = self.report(a, "--compare", b).out
        self.assertIn("the difference is larger than the spread of the epochs", out)
        self.assertIn("Welch's t-test", out)
        self.assertIn("train.computation_time: 0.003 -> 0.012", out)
        self.assertIn("reader.drop_cache: (not set) -> true", out)
        self.assertIn("2 keys of the configurations differ", out)
        told = json.loads(self.report(a, "--compare", b, "--json").out)["comparison"]
        rate = next(row for row in told["figures"] if row["figure"] == "samples_per_second")
        self.assertEqual(rate["difference"], "larger")
        self.assertAlmostEqual(rate["ratio"], rate["b"] / rate["a"])
        resident = next(row for row in told["figures"] if row["figure"] == "resident_first_epoch_percent")
        self.assertEqual([resident["a"], resident["b"]],
                         [json.loads((folder / "summary.json").read_text())["dlfw"]["epochs"][0]["resident_percent"] for folder in (a, b)])
        self.assertEqual({row["key"] for row in told["configuration_differences"]}, {"train.computation_time", "reader.drop_cache"})
        same = json.loads(self.report(self.a, "--compare", self.a, "--json").out)["comparison"]
        self.assertEqual({row.get("difference", "within") for row in same["figures"]}, {"within"})
        self.assertEqual(same["configuration_differences"], [])

    def test_prometheus(self):
        file = self.folder / "dlfw.prom"
        file.write_text("an older one")
        self.assertEqual(self.report(self.a, "--prometheus", file).out, "")
        self.assertEqual([p.name for p in self.folder.glob("*prom*")], ["dlfw.prom"], "nothing temporary is left")
        done = subprocess.run([os.environ["TEST_READERS"], "-c", PARSE, str(file)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        families = {name: (kind, text, samples) for name, kind, text, samples in json.loads(done.stdout)}
        summary = self.summary_of(self.a)
        self.assertTrue(all(text and kind in ("gauge", "summary") for kind, text, _ in families.values()))
        value = lambda name: families[name][2][0][2]
        self.assertAlmostEqual(value("dlfw_au_ratio"), summary["metric"]["train_au_mean_percentage"] / 100)
        self.assertAlmostEqual(value("dlfw_run_seconds"), summary["dlfw"]["seconds"])
        self.assertEqual(value("dlfw_read_bytes"), summary["dlfw"]["io"]["bytes_delivered"])
        kind, _, samples = families["dlfw_latency_seconds"]
        self.assertEqual(kind, "summary")
        self.assertAlmostEqual(value("dlfw_last_epoch_resident_ratio"), summary["dlfw"]["epochs"][-1]["resident_percent"] / 100)
        waits = {labels.get("quantile", name.rsplit("_", 1)[1]): v for name, labels, v in samples if labels["stage"] == "batch_wait"}
        latency = summary["dlfw"]["latency_ns"]["batch_wait"]
        self.assertAlmostEqual(waits["0.99"], latency["p99"] / 1e9)
        self.assertEqual(waits["count"], latency["count"])
        self.assertAlmostEqual(waits["sum"], latency["count"] * latency["mean"] / 1e9)
        self.assertEqual({labels["rank"] for _, labels, _ in families["dlfw_rank_au_ratio"][2]}, {"0", "1"})
        self.assertEqual({labels["model"] for _, _, s in families.values() for _, labels, _ in s}, {"small"})
        self.assertAlmostEqual(sum(v for _, _, v in families["dlfw_window_ratio"][2]), 1, places=6)

    def test_results_of_dlio(self):
        summary = {key: value for key, value in self.summary_of(self.a).items() if key != "dlfw"}
        summary["metric"]["save_checkpoint_io_mean_GB_per_second"] = float("nan")  # as Python writes it
        folder = self.made(summary)
        out = self.report(folder).out
        self.assertIn("missing: summary.json has no object 'dlfw'", out)
        self.assertIn(f"{summary['metric']['train_au_mean_percentage']:.2f} %", out)
        self.assertNotIn("nan", out.lower().replace("missing: ", ""))
        self.assertIn("was not measured; what is known:", out)
        page, prom = self.folder / "page.html", self.folder / "x.prom"
        self.report(folder, "--html", page, "--prometheus", prom)
        self.assertIn("AU per epoch", page.read_text())
        self.assertNotIn("Latency of the stages", page.read_text())
        self.assertIn("dlfw_au_ratio", prom.read_text())

    def test_broken_results_are_one_error(self):
        good = json.dumps(self.summary_of(self.a))
        for name, folder, says in (("empty", self.folder / "empty", "has no summary.json"), ("none", self.folder / "none", "none"),
                                   ("cut", self.made(good[:-20], "cut"), "is not JSON"),
                                   ("steps", self.made(good, "steps", **{"0_steps.csv": "epoch,block\n"}), "0_steps.csv"),
                                   ("stats", self.made(good, "stats", **{"0_steps.csv": "epoch,block,step,load_s,compute_s,barrier_s\n", "0_per_epoch_stats.json": "["}),
                                    "0_per_epoch_stats.json")):
            if name == "empty":
                folder.mkdir()
            with self.subTest(name):
                self.assert_fails(self.dlfw("report", folder), says)
                self.assert_fails(self.dlfw("report", self.a, "--compare", folder), says)

    def test_files_that_cannot_be_written(self):
        for path in (self.folder / "none" / "x.html", self.folder):
            self.assert_fails(self.dlfw("report", self.a, "--html", path), str(path))
            self.assert_fails(self.dlfw("report", self.a, "--prometheus", path), str(path))
        self.assert_fails(self.dlfw("report", self.a, "--html", f"{self.folder}/"), "no name of a file")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_command_line(self):
        for words in ((), (self.a, self.b), ("--html",), ("--nothing", self.a), ("--json=1", self.a)):
            with self.subTest(words):
                self.assertEqual(self.dlfw("report", *words).status, 2)

    def test_a_backend_without_data_and_checkpoints_alone(self):
        config = self.write(RUN)
        self.assert_good(self.run_job(config, "++dataset.data_folder=null:///x", "++workflow.generate_data=false", "++workflow.checkpoint=false", "++train.epochs=1"))
        out = self.report(self.results).out
        self.assertIn("the storage moves no data, so no cache matters", out)
        alone = self.folder / "alone"
        self.assert_good(self.dlfw("run", config, f"++output.folder={alone}", "++workflow.train=false", "++workflow.evaluation=false", "++workflow.generate_data=false",
                                   "++checkpoint.num_checkpoints_write=2"))
        out = self.report(alone).out
        self.assertIn("saves           2", out)
        self.assertNotIn("training waited", out)
        self.assertNotIn("page cache  ", out)


if __name__ == "__main__":
    unittest.main()
