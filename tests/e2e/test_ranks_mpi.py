# SPDX-License-Identifier: Apache-2.0
"""Runs with several ranks under the launchers of Open MPI and MPICH, on one host and on two of uneven size."""
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

from support import BUILD, SANITIZED, SOURCE, EndToEnd

sys.path.insert(0, str(SOURCE / "tests" / "ranks"))
import mpi_launch  # noqa: E402

RANKS = 3
CONFIG = """model:
  name: small
framework: pytorch
workflow:
  generate_data: True
  train: True
dataset:
  data_folder: {folder}/data
  format: npz
  num_files_train: 25
  num_samples_per_file: 2
  record_length_bytes: 4096
reader:
  data_loader: pytorch
  batch_size: 4
  read_threads: 2
  file_shuffle: seed
  sample_shuffle: seed
  verify: all
train:
  epochs: 2
  computation_time: 0.002
"""


def descendants(pid):
    found = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(child)]
    return found


class Mpi:
    """The tests of one MPI; its libraries keep memory to the end, which is no leak of ours."""
    mpi = None
    environment = {**os.environ, **({"ASAN_OPTIONS": "detect_leaks=0"} if SANITIZED else {})}

    def words(self, *overrides):
        return self.argv("run", self.write(CONFIG), f"++output.folder={self.results}", *overrides)

    def under(self, launcher, *overrides):
        return subprocess.run([*launcher, *self.words(*overrides)], capture_output=True, text=True, cwd=self.folder, timeout=60, env=self.environment)

    def here(self, *overrides):
        return self.under(mpi_launch.command(self.mpi, RANKS), *overrides)

    def assert_whole(self, done):
        """The run is good, and its ranks have shared the work: 24 of 25 files, 4 steps of 4 samples on each rank."""
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads((self.results / "summary.json").read_text())
        self.assertEqual(summary["num_accelerators"], RANKS)
        dlfw = summary["dlfw"]
        self.assertEqual(dlfw["status"], "ok")
        self.assertEqual((dlfw["ranks"]["count"], dlfw["ranks"]["coordinator"]), (RANKS, self.mpi))
        self.assertEqual([r["rank"] for r in dlfw["ranks"]["per_rank"]], list(range(RANKS)))
        for epoch in dlfw["coverage"]:
            self.assertTrue(epoch["train"]["ok"], epoch)
            self.assertEqual(epoch["train"]["samples"], 48)
        for rank in range(RANKS):
            with open(self.results / f"{rank}_steps.csv", newline="") as f:
                self.assertEqual(len(list(csv.DictReader(f))), 2 * 4)
        self.assertEqual(len(list((self.folder / "data" / "train").glob("*.npz"))), 25)
        return summary

    def test_ranks_of_one_host(self):
        summary = self.assert_whole(self.here())
        self.assertEqual(summary["num_hosts"], 1)

    def test_hosts_of_uneven_size(self):
        hosts = [sys.executable, str(SOURCE / "tests" / "ranks" / "mpi_hosts.py"), self.mpi, "node1=2,node2=1"]
        summary = self.assert_whole(self.under(hosts))
        self.assertEqual(summary["num_hosts"], 2)
        ranks = summary["dlfw"]["ranks"]
        self.assertEqual(ranks["hosts"], ["node1", "node2"])
        self.assertEqual([r["host"] for r in ranks["per_rank"]], ["node1", "node1", "node2"])

    def test_what_fails_on_one_rank_fails_the_run(self):
        self.assert_whole(self.here())
        broken = self.folder / "data" / "train" / "img_07_of_25.npz"
        os.truncate(broken, 1000)
        done = self.here("++workflow.generate_data=False")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(broken.name, done.stderr)

    def test_a_killed_rank_ends_the_run(self):
        run = subprocess.Popen([*mpi_launch.command(self.mpi, RANKS), *self.words("++train.computation_time=0.5")], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, cwd=self.folder, env=self.environment)
        self.addCleanup(run.kill)
        log = self.results / "dlio.log"
        self.wait_for(lambda: log.exists() and "Starting block 1" in log.read_text())
        ranks = [pid for pid in descendants(run.pid) if pathlib.Path(f"/proc/{pid}/comm").read_text() == "dlfw\n"]
        self.assertEqual(len(ranks), RANKS)
        begin = time.monotonic()
        os.kill(ranks[1], signal.SIGKILL)
        run.communicate(timeout=30)
        self.assertNotEqual(run.returncode, 0)
        self.wait_for(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in ranks), seconds=8)
        self.assertLess(time.monotonic() - begin, 8)


class OpenMpi(Mpi, EndToEnd):
    mpi = "openmpi"


class Mpich(Mpi, EndToEnd):
    mpi = "mpich"


class Plugins(unittest.TestCase):
    def test_both_were_built(self):
        for mpi in ("openmpi", "mpich"):
            self.assertTrue((BUILD / "plugins" / f"dlfw-coordinator-{mpi}.so").exists(), f"{mpi}: scripts/packages test says what the tests need")


if __name__ == "__main__":
    unittest.main()
