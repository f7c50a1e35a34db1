# SPDX-License-Identifier: Apache-2.0
"""mpi_plugin.py BUILD MPI [unittest arguments]: the coordinator plugin of one MPI under its real launcher; mpi_toy plays the scenes."""
import pathlib
import re
import subprocess
import sys
import time
import unittest

import mpi_launch

HERE = pathlib.Path(__file__).resolve().parent
NO_SPACE = "rank 1: cannot write 'x': No space left on device"
SECONDS = 40


class Played:
    """What a scene printed, by rank."""

    def __init__(self, done, seconds):
        self.status, self.seconds, self.text = done.returncode, seconds, done.stdout + done.stderr
        self.done = {int(rank) for rank in re.findall(r"^(\d+) done$", done.stdout, re.M)}
        self.ended = {int(rank): (status, int(ms), text)
                      for rank, status, ms, text in re.findall(r"^(\d+) ended (\w+) (\d+) (.*)$", done.stdout, re.M)}
        self.sent = {host: int(count) for host, count in re.findall(r"(\w+)=(\d+)", "".join(re.findall(r"^sent (.*)$", done.stderr, re.M)))}


class Scene(unittest.TestCase):
    build, mpi = None, None

    def toy(self, scene, *words):
        plugin = self.build / "plugins" / f"dlfw-coordinator-{self.mpi}.so"
        if not plugin.exists():
            self.fail(f"{plugin.name} was not built; scripts/packages test says which MPIs the tests need")
        return [str(self.build / "tests" / "ranks" / "mpi_toy"), str(plugin), scene, *map(str, words)]

    def play(self, command):
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        return Played(done, time.monotonic() - begin)

    def on_one_host(self, scene, *words, ranks=4):
        return self.play(mpi_launch.command(self.mpi, ranks, *self.toy(scene, *words)))

    def on_hosts(self, hosts, scene):
        return self.play([sys.executable, str(HERE / "mpi_hosts.py"), self.mpi, hosts, *self.toy(scene)])

    def assert_all_done(self, played, ranks):
        self.assertEqual(played.status, 0, played.text)
        self.assertEqual(played.done, set(range(ranks)), played.text)

    def assert_ended(self, played, rank, status, text, within_ms=None):
        self.assertIn(rank, played.ended, played.text)
        found, ms, message = played.ended[rank]
        self.assertEqual(found, status, played.text)
        self.assertRegex(message, text)
        if within_ms:
            self.assertLess(ms, within_ms, played.text)


class Good(Scene):
    def test_every_operation_gives_what_a_model_says(self):
        for ranks in (2, 3, 4):
            with self.subTest(ranks=ranks):
                self.assert_all_done(self.on_one_host("model", ranks=ranks), ranks)

    def test_one_rank(self):
        self.assert_all_done(self.on_one_host("model", ranks=1), 1)

    def test_nobody_leaves_a_barrier_before_the_last_has_come(self):
        self.assert_all_done(self.on_one_host("order"), 4)

    def test_ranks_may_leave_long_before_others(self):
        played = self.on_one_host("leave_late")
        self.assert_all_done(played, 4)
        self.assertNotIn("left", played.text)

    def test_the_place_is_the_expected_one(self):
        played = self.on_one_host("place", 0, 1, ranks=1)
        self.assert_all_done(played, 1)


class Refused(Scene):
    def test_without_a_launcher(self):
        played = self.play(self.toy("place"))
        self.assertEqual(played.status, 3, played.text)
        self.assertIn(f"coordinator '{self.mpi}': no launcher started this process; use mpirun of", played.text)

    def test_another_world_than_expected(self):
        played = self.on_one_host("place", 0, 3, ranks=2)
        self.assertNotEqual(played.status, 0, played.text)
        self.assertRegex(played.text, r"cannot join: this should be rank 0 of 3, but for coordinator '\w+' it is rank [01] of 2")

    def test_a_second_run_in_one_process(self):
        played = self.on_one_host("again", ranks=2)
        self.assertEqual(played.status, 0, played.text)
        self.assertEqual(len(re.findall(r"joins again: UNSUPPORTED .* MPI allows that once", played.text)), 2, played.text)


class Ended(Scene):
    """Whatever happens to one rank, every other one learns of it or is ended."""

    def test_deadline(self):
        played = self.on_one_host("deadline")
        self.assertNotEqual(played.status, 0, played.text)
        statuses = [played.ended[rank][0] for rank in (1, 2, 3)]
        self.assertIn("TIMEOUT", statuses)
        for rank in (1, 2, 3):  # whoever was told by a quicker one says so
            self.assert_ended(played, rank, played.ended[rank][0], "the other ranks did not come in time", within_ms=1500)
        self.assert_ended(played, 0, "UNAVAILABLE", "has left: the other ranks did not come in time")

    def test_cancelled(self):
        played = self.on_one_host("cancel")
        self.assertNotEqual(played.status, 0, played.text)
        self.assert_ended(played, 1, "CANCELLED", "cancelled while waiting for the other ranks", within_ms=1500)
        for rank in (0, 2, 3):
            self.assert_ended(played, rank, "UNAVAILABLE", r"^rank 1 \(process \d+ on .*\) has left: cancelled while waiting", within_ms=1500)

    def test_abort_reaches_all(self):
        for scene in ("abort_in_main", "abort_in_thread"):
            with self.subTest(scene):
                played = self.on_one_host(scene)
                self.assertNotEqual(played.status, 0, played.text)
                late = "cannot join: " + NO_SPACE  # whose join was not over when rank 1's was
                told = len(re.findall(re.escape(late), played.text)) + sum(text == NO_SPACE for _, _, text in played.ended.values())
                self.assertEqual(told, 4, played.text)
                self.assertNotIn("another reason", played.text)

    def test_a_rank_that_does_not_listen_is_ended(self):
        played = self.on_one_host("abort_unheard")
        self.assertNotEqual(played.status, 0, played.text)
        self.assertLess(played.seconds, 10)
        self.assertNotIn("30 seconds later", played.text)
        self.assertIn(NO_SPACE, played.text)

    def test_a_rank_that_leaves_early(self):
        played = self.on_one_host("leave_early")
        self.assertNotEqual(played.status, 0, played.text)
        for rank in (0, 1, 2):
            self.assert_ended(played, rank, "UNAVAILABLE", r"^rank 3 \(process \d+ on .*\) has left$", within_ms=3000)
        self.assertNotIn(3, played.done)  # its own part was fine, the run was not

    def test_a_killed_rank_ends_the_run(self):
        played = self.on_one_host("killed")
        self.assertNotEqual(played.status, 0, played.text)
        self.assertLess(played.seconds, 8)  # start and end of the launcher included
        self.assertEqual(played.done, set(), played.text)


class Hosts(Scene):
    """Hosts are network namespaces with names of their own."""

    def test_uneven_ranks(self):
        played = self.on_hosts("node1=2,node2=1", "place")
        self.assert_all_done(played, 3)
        self.assertEqual(sorted(re.findall(r"^(\d) of 3 on (\w+)$", played.text, re.M)), [("0", "node1"), ("1", "node1"), ("2", "node2")])

    def test_every_operation_crosses_the_network(self):
        played = self.on_hosts("node1=1,node2=2,node3=1", "model")
        self.assert_all_done(played, 4)
        for host in ("node1", "node2", "node3"):
            self.assertGreater(played.sent[host], 1_000_000 if self.mpi == "openmpi" else 1_000, played.text)

    def test_abort_crosses_the_network(self):
        played = self.on_hosts("node1=1,node2=2", "abort_in_thread")
        self.assertNotEqual(played.status, 0, played.text)
        for rank in (0, 1, 2):
            self.assert_ended(played, rank, "UNAVAILABLE", re.escape(NO_SPACE))

    def test_a_killed_rank_ends_all_hosts(self):
        played = self.on_hosts("node1=1,node2=2", "killed")
        self.assertNotEqual(played.status, 0, played.text)
        self.assertLess(played.seconds, 8)


if __name__ == "__main__":
    Scene.build, Scene.mpi = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
