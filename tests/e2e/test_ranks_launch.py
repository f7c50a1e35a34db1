# SPDX-License-Identifier: Apache-2.0
"""`dlfw run --ranks N`: what a user sees when a rank, the launcher or the whole run is stopped in any phase, and that what ranks print stays whole."""
import json
import os
import pathlib
import re
import signal
import time
import unittest

from support import SANITIZED, SMALL, EndToEnd

RANKS = 3
IN_TIME = 6 if SANITIZED else 4  # seconds, for the others to end; under 2 where nothing else runs (tests/ranks/kill_ranks.py)
LONG = SMALL.replace("train: True", "train: True\n  evaluation: True").replace("num_files_train: 12", "num_files_train: 240\n  num_files_eval: 240") \
    .replace("computation_time: 0.001", "computation_time: {step}\nevaluation:\n  eval_time: {step}") \
    + "storage:\n  wrap:\n    - delay:\n        write: {write}\n"
PHASES = {  # what is slow, and what shows that the run has come there
    "generating": ({"write": "50ms", "step": "0.001"}, None),
    "training": ({"write": "0.01ms", "step": "0.05"}, "Starting block 1"),
    "evaluating": ({"write": "0.01ms", "step": "0.02"}, "Starting eval"),
}


class Launched(EndToEnd):
    def begin(self, phase, *words):
        """The launcher, once the run is in this phase, and its ranks: process ids in rank order."""
        slow, shown = PHASES[phase]
        text = LONG
        for key, value in slow.items():
            text = text.replace("{" + key + "}", value)
        training = ("++train.epochs=1", "++reader.batch_size=16") if phase == "evaluating" else ()
        process = self.start("run", "--ranks", RANKS, self.write(text), f"++output.folder={self.results}", *training, *words)
        self.addCleanup(self.end, process)
        if shown:
            self.wait_for(lambda: (self.results / "dlio.log").exists() and shown in (self.results / "dlio.log").read_text(), 60)
            time.sleep(0.1)
        else:
            self.wait_for(lambda: len(list((self.folder / "data/train").glob("*.npz"))) >= 6, 60)
        self.ranks = self.ranks_of(process)
        self.assertEqual(sorted(self.ranks), list(range(RANKS)))
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.communicate()

    def ranks_of(self, process):
        ranks = {}
        for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            words = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            if "--rank" not in words:  # not yet the program
                continue
            ranks[int(words[words.index("--rank") + 1])] = int(child)
            self.run_id = words[words.index("--run-id") + 1]
        return ranks

    def alive(self):
        found = []
        for pid in self.ranks.values():
            try:
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state not in "ZX":  # else it has ended and waits for its new parent
                found.append(pid)
        return found

    def assert_gone(self):
        self.assertEqual(self.alive(), [])
        self.assertEqual([path.name for path in pathlib.Path("/dev/shm").glob(f"dlfw-*{self.run_id}*")], [])

    def assert_whole(self, err):
        for line in err.splitlines():
            self.assertRegex(line, r"^((rank [12]: )?dlfw: |\[(OUTPUT|METRIC|ERROR|WARNING|INFO)\] )")

    def kill_one(self, phase, number=1):
        self.kill(self.begin(phase), number, "died")

    def kill(self, process, number, how):
        killed = time.monotonic()
        os.kill(self.ranks[number], signal.SIGKILL)
        _, err = process.communicate(timeout=30)
        self.assertLess(time.monotonic() - killed, IN_TIME, err)
        self.assertEqual(process.returncode, 128 + signal.SIGKILL, err)
        errors = [line for line in err.splitlines() if "dlfw: error:" in line]
        self.assertEqual(len(errors), 1, err)
        self.assertRegex(errors[0], rf"^(rank [0-9]: )?dlfw: error: rank {number} \(process {self.ranks[number]}\) {how}$")
        self.assert_whole(err)
        self.assert_gone()

    def test_a_rank_is_killed_before_it_has_joined(self):
        process = self.start("run", "--ranks", RANKS, self.write(SMALL), f"++output.folder={self.results}")
        self.addCleanup(self.end, process)

        def has_begun():
            self.ranks = self.ranks_of(process)
            return 1 in self.ranks

        self.wait_for(has_begun)
        self.kill(process, 1, r"(died|was ended by signal 9 \(Killed\))")

    def test_a_rank_is_killed_while_generating(self):
        self.kill_one("generating")

    def test_a_rank_is_killed_while_training(self):
        self.kill_one("training")

    def test_a_rank_is_killed_while_evaluating(self):
        self.kill_one("evaluating")

    def test_rank_0_is_killed(self):
        self.kill_one("training", 0)

    def interrupt(self, phase, number):
        process = self.begin(phase)
        status, out, err = self.stop(process, number)
        self.assertEqual(status, 130, err)
        self.assertEqual([line for line in err.splitlines() if "error" in line], [], err)
        self.assertEqual(json.loads((self.results / "summary.json").read_text())["dlfw"]["status"], "interrupted")
        self.assert_whole(err)
        self.assert_gone()

    def test_interrupted_while_generating(self):
        self.interrupt("generating", signal.SIGINT)

    def test_interrupted_while_training(self):
        self.interrupt("training", signal.SIGINT)

    def test_terminated_while_training(self):
        self.interrupt("training", signal.SIGTERM)

    def test_the_launcher_is_killed(self):
        process = self.begin("training")
        process.kill()
        process.communicate(timeout=IN_TIME)
        self.wait_for(lambda: not self.alive(), IN_TIME)
        self.assert_gone()

    def test_lines_of_ranks_stay_whole(self):
        config = self.write(SMALL)
        result = self.run_job(config, "--ranks", RANKS, env={"DLFW_LOG_LEVEL": "debug"})
        self.assert_good(result)
        self.assert_whole(result.err)
        self.assertFalse(re.search(r"^rank ", result.out, re.M), result.out)  # the result is rank 0's to print

    def test_what_all_ranks_find_is_said_once(self):
        config = self.write(SMALL.replace("format: npz", "format: npx"))
        result = self.run_job(config, "--ranks", RANKS)
        self.assertEqual(result.status, 1, result.err)
        self.assertEqual(len([line for line in result.err.splitlines() if "dlfw: error:" in line]), 1, result.err)


if __name__ == "__main__":
    unittest.main()
