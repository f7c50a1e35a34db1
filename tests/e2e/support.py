# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a folder per test, the program, its results. Run with TEST_BUILD set to the build folder."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ["TEST_BUILD"]).resolve()
SANITIZED = re.search(r"^DLFW_SANITIZE:\w+=\w", (BUILD / "CMakeCache.txt").read_text(), re.M) is not None
SOURCE = pathlib.Path(__file__).resolve().parents[2]

SMALL = """model:
  name: small
framework: pytorch
workflow:
  generate_data: True
  train: True
dataset:
  data_folder: {folder}/data
  format: npz
  num_files_train: 12
  record_length_bytes: 4096
reader:
  data_loader: pytorch
  batch_size: 4
  read_threads: 2
  file_shuffle: seed
  sample_shuffle: seed
train:
  epochs: 2
  computation_time: 0.001
"""


class Result:
    def __init__(self, done, folder):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.folder = folder

    def summary(self):
        return json.loads((self.folder / "summary.json").read_text())


class EndToEnd(unittest.TestCase):
    base = None  # where the test's folder is made; None: the system's

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dlfw-e2e-", dir=self.base))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.results = self.folder / "results"

    def write(self, text, name="run.yaml"):
        path = self.folder / name
        path.write_text(text.format(folder=self.folder))
        return path

    def argv(self, command, *words):
        plugins = [] if command in ("config", "plugins", "report") else ["--plugin-dir", str(BUILD / "plugins")]
        check = ["--check"] if command in ("run", "generate") else []
        return [str(BUILD / "dlfw"), command, *plugins, *check, *map(str, words)]

    def dlfw(self, command, *words, env=None, cwd=None, timeout=120, preexec_fn=None):
        done = subprocess.run(self.argv(command, *words), capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=cwd or self.folder,
                              timeout=timeout, preexec_fn=preexec_fn)
        return Result(done, self.results)

    def run_job(self, config, *overrides, command="run", **more):
        return self.dlfw(command, config, f"++output.folder={self.results}", *overrides, **more)

    def assert_good(self, result):
        self.assertEqual(result.status, 0, result.err)

    def assert_fails(self, result, *texts, status=1):
        """Fails with one error line that holds all texts."""
        self.assertEqual(result.status, status, result.err)
        lines = [line for line in result.err.splitlines() if line.startswith("dlfw: error:")]
        self.assertEqual(len(lines), 1, result.err)
        for text in texts:
            self.assertIn(text, lines[0])

    def start(self, command, *words):
        return subprocess.Popen(self.argv(command, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def wait_for(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "waited too long")
            time.sleep(0.005)

    def stop(self, process, number=signal.SIGINT, times=1):
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.05)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err
