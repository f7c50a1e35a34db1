# SPDX-License-Identifier: Apache-2.0
"""dlfw sweep, from a storage whose answer is arithmetic to Ctrl-C in the middle."""
import json
import os
import re
import shlex
import time
import unittest
import xml.etree.ElementTree

from paced_store import PacedStore
from support import BUILD, EndToEnd

BATCH, STEPS, COMPUTE, SAMPLE = 1, 30, 0.05, 65536
FILES = 8 * BATCH * STEPS  # a whole epoch for eight accelerators

STORED = f"""model:
  name: paced
framework: pytorch
workflow:
  generate_data: False
  train: True
dataset:
  data_folder: {{folder}}/data
  format: npz
  num_files_train: {FILES}
  record_length_bytes: {SAMPLE}
reader:
  data_loader: pytorch
  batch_size: {BATCH}
  read_threads: 1
train:
  epochs: 1
  computation_time: {COMPUTE}
metric:
  au: 0.75
"""

NULL = """model:
  name: nothing
framework: pytorch
workflow:
  train: True
dataset:
  data_folder: "null:///steps"
  format: npz
  num_files_train: 400
  record_length_bytes: 4096
reader:
  data_loader: pytorch
  batch_size: 1
  read_threads: 1
train:
  epochs: 1
  computation_time: 0.005
metric:
  au: 0.5
"""


class Sweep(EndToEnd):
    def setUp(self):
        super().setUp()
        self.env = None

    def sweep(self, config, accelerators, *words):
        return self.dlfw("sweep", "--accelerators", accelerators, config, f"++output.folder={self.results}", *words, env=self.env)

    def json(self):
        return json.loads((self.results / "sweep.json").read_text())

    def tried(self, result):
        """Numbers in the order in which they were run, from the lines on stderr."""
        return [int(m[1]) for m in re.finditer(r"^(\d+) accelerators?: AU", result.err, re.M)]


class Answers(Sweep):
    def feeding(self, accelerators):
        """A storage for that many accelerators, with the dataset in it, and the run file that reads from it."""
        self.assert_good(self.dlfw("generate", "--quiet", self.write(STORED, "generate.yaml")))
        size = next((self.folder / "data" / "train").iterdir()).stat().st_size
        store = PacedStore(self.folder / "data", accelerators * BATCH * size / COMPUTE).__enter__()
        self.addCleanup(store.__exit__)
        self.env = store.env
        config = self.write(STORED, "paced_h100.yaml")
        return store, config, [f"++dataset.data_folder={store.uri}", f"++storage.storage_options.endpoint_url={store.endpoint}",
                               "++storage.storage_options.secret_access_key=hunter2", "++storage.storage_options.access_key_id=nobody"]

    def test_what_a_shared_storage_feeds(self):
        """Two need 44 % of what it has; eight get 56 % of what they need, and a little that was read before the first step."""
        store, config, overrides = self.feeding(4.5)
        for attempt in range(3):  # on a host that is busy with other things the store itself is late
            result = self.sweep(config, "1,2,8", "--steps", STEPS, *overrides, *["--force"][:attempt])
            if result.status == 0 and self.json()["answer"]["accelerators"] == 2:
                break
        self.assert_good(result)
        last = result.out.splitlines()[-1]
        self.assertRegex(last, r"^this storage feeds 2 paced_h100 accelerators at AU >= 75 % \(2 got \d+\.\d+ %; 8 got \d+\.\d+ %, limited by storage\)$")
        self.assertEqual(self.tried(result), [1, 2, 8])
        document = self.json()
        points = {p["accelerators"]: p for p in document["points"]}
        self.assertEqual(list(points), [1, 2, 8])
        self.assertEqual(document["status"], "ok")
        self.assertEqual(document["answer"]["accelerators"], 2)
        self.assertEqual(document["answer"]["next_limited_by"], "storage")
        self.assertEqual(points[8]["limited_by"], "storage")
        # never more than the storage has; less on a machine that is busy with other things
        self.assertLess(points[8]["au_percent"], 100 * 4.5 / 8 + 10)
        self.assertGreater(points[8]["au_percent"], 100 * 4.5 / 8 - 25)
        self.assertLess(points[8]["bytes_per_second"], 1.15 * store.rate)
        self.assertGreater(points[8]["bytes_per_second"], 0.6 * store.rate)
        self.check_plots(result)
        self.assertIn("++storage.storage_options.secret_access_key=***", document["overrides"])
        for path in filter(os.path.isfile, self.results.rglob("*")):
            self.assertNotIn(b"hunter2", path.read_bytes(), path)
        self.check_resuming(store, config, overrides)

    def check_plots(self, result):
        svg = xml.etree.ElementTree.parse(self.results / "sweep.svg").getroot()
        names = [e.tag.split("}")[1] for e in svg.iter()]
        self.assertEqual(svg.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertEqual(names.count("circle"), 4)  # two points that passed, in both panels
        self.assertNotIn("script", names)
        self.assertNotIn("href", (self.results / "sweep.svg").read_text())
        self.assertIn("●", result.out)
        self.assertIn("○", result.out)
        table = [line for line in result.out.splitlines() if not line.startswith(("this storage", "note:", "  note:"))]
        self.assertLessEqual(max(map(len, table)), 80, result.out)

    def check_resuming(self, store, config, overrides):
        """What is there is not run again, also when another AU is asked for; --force runs it again."""
        before = store.requests
        again = self.sweep(config, "1,2,8", "--steps", STEPS, "--ascii", *overrides)
        self.assert_good(again)
        self.assertTrue(again.out.isascii())
        self.assertEqual(again.err.count("(from an earlier sweep)"), 3)
        lower = self.sweep(config, "1,2,8", "--steps", STEPS, "--au", "0.2", "--json", *overrides)
        self.assert_good(lower)
        self.assertEqual(json.loads(lower.out)["answer"]["accelerators"], 8)
        self.assertTrue(json.loads(lower.out)["answer"]["at_least"])
        self.assertEqual(store.requests, before)
        self.assert_fails(self.sweep(config, "1", *overrides), "holds a sweep of another configuration")
        self.assert_good(self.sweep(config, "1", "--steps", 5, "--force", *overrides))
        self.assertEqual(store.requests, before + 5 * BATCH)

    def test_none(self):
        """One read at a time, each as long as four steps."""
        result = self.sweep(self.write(NULL, "slow.yaml"), "1..4", "--steps", 20, "--quiet", "++reader.queue_depth=1",
                            "++storage.wrap=[{delay: {read: 20ms}}]")
        self.assertEqual(result.status, 1)
        self.assertEqual(result.err, "")
        self.assertRegex(result.out.splitlines()[-1], r"^this \w+ feeds no slow accelerator at AU >= 50 % \(1 got \d+\.\d %, limited by")
        self.assertEqual(self.json()["status"], "none")
        self.assertEqual([p["accelerators"] for p in self.json()["points"]], [1])

    def test_all_and_repeat(self):
        result = self.sweep(self.write(NULL), "1,2", "--all", "--repeat", 3, "--steps", 20, "++train.epochs=7", "--epochs", 1)
        self.assert_good(result)
        self.assertEqual(self.tried(result), [1, 2, 2, 2])
        self.assertRegex(result.out.splitlines()[-1], r"^this storage feeds at least 2 run accelerators .*more were not tried\)$")
        self.assertIn("moves no data", result.out)
        self.assertIn("2: 3 runs", result.out)
        document = self.json()
        self.assertEqual([run["folder"].rsplit("/", 1)[1] for run in document["points"][1]["runs"]], ["2", "2.2", "2.3"])
        self.assertEqual(document["points"][1]["au_percent"], sorted(run["au_percent"] for run in document["points"][1]["runs"])[1])
        self.assertEqual(document["points"][0]["epochs"], 1)
        self.assertEqual(json.loads((self.results / "2" / "summary.json").read_text())["num_accelerators"], 2)

    def test_dataset_is_generated_once(self):
        config = self.write(STORED.replace("generate_data: False", "generate_data: True").replace(f"num_files_train: {FILES}", "num_files_train: 40"))
        overrides = ["++train.computation_time=0.001", "--au", "0.01", "--quiet"]
        self.assert_good(self.sweep(config, "1,2", *overrides))
        self.assertIn("Starting data generation", (self.results / "generate" / "run.log").read_text())
        for number in "12":
            self.assertNotIn("Starting data generation", (self.results / number / "run.log").read_text())
        (self.results / "generate" / "run.log").unlink()
        self.assert_good(self.sweep(config, "1,2", *overrides))
        self.assertFalse((self.results / "generate" / "run.log").exists())


class Ends(Sweep):
    def test_failed_run(self):
        """The run says what is wrong, and the sweep says it too."""
        result = self.sweep(self.write(STORED), "1..4")
        self.assert_fails(result, "the run with 1 accelerator failed:", "Not enough training dataset is found", str(self.results / "1" / "run.log"))
        self.assertEqual(result.out, "")
        self.assertEqual(self.json()["status"], "failed")
        self.assertIn("Not enough training dataset", self.json()["failure"])
        self.assertEqual(self.json()["points"], [])

    def test_interrupted_and_taken_up_again(self):
        config = self.write(NULL)
        words = [config, f"++output.folder={self.results}", "++train.computation_time=0.02", "--steps", 100]
        process = self.start("sweep", "--accelerators", "1..2", *words)
        self.wait_for(lambda: (self.results / "2" / "run.log").exists())
        time.sleep(0.3)
        status, out, err = self.stop(process)
        self.assertEqual(status, 130, err)
        self.assertEqual(self.json()["status"], "interrupted")
        self.assertEqual([p["accelerators"] for p in self.json()["points"]], [1])
        self.assertIn("not finished; so far: this storage feeds at least 1 run accelerator", out)
        self.assertEqual(self.leftovers(), [])
        first = os.stat(self.results / "1" / "summary.json").st_mtime_ns
        self.assert_good(self.dlfw("sweep", "--accelerators", "1..2", *words))
        self.assertEqual(self.json()["status"], "ok")
        self.assertEqual(os.stat(self.results / "1" / "summary.json").st_mtime_ns, first)

    def leftovers(self):
        """Processes with the test's folder in their command line."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if str(self.folder).encode() in file.read():
                        found.append(name)
            except OSError:
                pass
        return found


class CommandLine(Sweep):
    def test_plan_runs_nothing(self):
        config = self.write(NULL)
        result = self.sweep(config, "1..64", "--plan", "--repeat", 3)
        self.assert_good(result)
        self.assertFalse(self.results.exists())
        each = re.search(r"^  each +(.*)$", result.out, re.M)[1]
        self.assertEqual(shlex.split(each)[:4], ["dlfw", "run", "--ranks", "N"])
        self.assertEqual(shlex.split(each)[-1], f"++output.folder='{self.results}/N'")
        self.assertRegex(result.out, r"runs +3 to \d+, depending on the answer")
        self.assertRegex(result.out, r"with 14 or more accelerators an epoch has fewer than 30 steps")

    def test_mistakes(self):
        config = self.write(NULL)
        for words, text in (([], "--accelerators says"), (["--accelerators", "0..4"], "are no numbers of accelerators"), (["--accelerators"], "no numbers"),
                            (["--accelerators", "1", "--au", "90"], "--au takes a share"), (["--accelerators", "1", "--repeat", "0"], "--repeat takes"),
                            (["--accelerators", "1", "--steps", "-1"], "--epochs and --steps take"), (["--accelerators", "1", "--ranks", "2"], "by itself"),
                            (["--accelerators", "1", "--strict-au"], "--au"), (["--accelerators", "1", "--nothing"], "is not an option")):
            with self.subTest(words=words):
                result = self.dlfw("sweep", config, *words)
                self.assert_fails(result, text, status=2)
                self.assertIn("usage: dlfw sweep", result.err)

    def test_what_cannot_be_swept(self):
        for override, text in (("++workflow.train=False", "workflow.train is off"), ("++train.computation_time=0", "never compute"),
                               ("++dataset.num_files_train=3", "sweep at most 3, or have at least 4 samples")):
            with self.subTest(override=override):
                self.assert_fails(self.sweep(self.write(NULL), "1..4", override), text)
                self.assertFalse(self.results.exists())


if __name__ == "__main__":
    unittest.main()
