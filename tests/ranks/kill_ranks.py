#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills one rank of a run with SIGKILL, round after round, at random moments: while the ranks join, while they work (also when they wait for
storage, where only their watch looks at the others), and as they end.

After each round: the other ranks have ended in time, with a status that is not 0 and one line on stderr that names the rank that was killed, or
that says that it did not join; nothing of the run is left in /dev/shm; and the next round uses the same run id at once. Several runs with ids of
their own go side by side.

usage: kill_ranks.py TOY [--rounds N] [--side-by-side N] [--seed N] [--limit SECONDS]      (ROUNDS in the environment: the default of --rounds)
"""
import argparse
import collections
import os
import pathlib
import random
import re
import selectors
import signal
import subprocess
import sys
import threading
import time

JOIN_MS = 1500  # who has not come by then never does
SHM = pathlib.Path("/dev/shm")


class Rank:
    def __init__(self, number, argv):
        self.number, self.out, self.err, self.ended = number, "", "", None
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def read(self, name):
        data = os.read(getattr(self.process, "stdout" if name == "out" else "stderr").fileno(), 65536).decode()
        setattr(self, name, getattr(self, name) + data)
        return data


class Group:
    """The ranks of one run."""

    def __init__(self, toy, run_id, order, words):
        self.ranks, self.run_id, self.selector, world_size = [], run_id, selectors.DefaultSelector(), len(order)
        for number in order:
            rank = Rank(number, [toy, "--world-size", str(world_size), "--rank", str(number), "--run-id", run_id, *map(str, words)])
            self.ranks.append(rank)
            self.selector.register(rank.process.stdout, selectors.EVENT_READ, (rank, "out"))
            self.selector.register(rank.process.stderr, selectors.EVENT_READ, (rank, "err"))

    def wait(self, condition, seconds):
        """Until the condition holds; whether it did in time. Both streams of a rank end with it."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self.selector.select(left):
                rank, name = key.data
                if not rank.read(name):
                    self.selector.unregister(key.fileobj)
                    if name == "err":
                        rank.process.wait()
                        rank.ended = time.monotonic()
        return True

    def all_ended(self):
        return all(rank.ended for rank in self.ranks)

    def all_joined(self):
        return all("joined" in rank.out for rank in self.ranks)

    def close(self):
        for rank in self.ranks:
            if rank.process.poll() is None:
                rank.process.kill()
                rank.process.wait()
            rank.process.stdout.close()
            rank.process.stderr.close()
        self.selector.close()

    def text(self):
        return "".join(f"\n  rank {r.number} (process {r.process.pid}): {r.process.poll()} {r.out!r} {r.err!r}" for r in self.ranks)


class Rounds:
    def __init__(self, args):
        self.args, self.lock, self.left, self.failures = args, threading.Lock(), args.rounds, []
        self.counts, self.slowest = collections.Counter(), 0.0

    def check_survivor(self, victim, rank, joined, killed_at):
        if rank.ended - killed_at > self.args.limit:
            raise AssertionError(f"rank {rank.number} ended {rank.ended - killed_at:.2f} s after the kill")
        if "done" in rank.out and rank.process.returncode == 0 and not rank.err:
            return "ended well"  # the meetings were over
        names = re.fullmatch(rf"dlfw: error: rank {victim.number} \(process {victim.process.pid}\) died\n", rank.err)
        # A rank that comes when the others have noticed and gone finds nobody: to it none of them has joined.
        absent = re.fullmatch(r"dlfw: error: ranks?([ 0-9,]+) of \d+ did not join in time\n", rank.err)
        absent = absent and str(victim.number) in re.findall(r"\d+", absent[1])
        if rank.process.returncode != 1 or not (names or (absent and not joined)):
            raise AssertionError(f"rank {rank.number}: status {rank.process.returncode}, {rank.err!r}")
        return "named it" if names else "said that it did not join"

    def kill(self, group, victim, phase, rng):
        """Sleeps until the moment has come; whether the rank still lived."""
        if phase == "join":
            time.sleep(rng.choice([0, rng.uniform(0, 0.002), rng.uniform(0, 0.01)]))
        elif phase == "work":
            if not group.wait(group.all_joined, JOIN_MS / 1000 + 1):
                raise AssertionError("the ranks did not all join")
            group.wait(lambda: False, rng.uniform(0, 0.4))
        else:
            group.wait(lambda: any("done" in r.out for r in group.ranks), 10)
            time.sleep(rng.choice([0, rng.uniform(0, 0.001)]))
        lived = victim.process.poll() is None
        victim.process.send_signal(signal.SIGKILL)
        return lived

    def round(self, run_id, rng):
        phase = rng.choices(["join", "work", "end"], [30, 55, 15])[0]
        work = ["--steps", rng.randrange(1, 12)] if phase == "end" else ["--steps", 1000000, "--waits", rng.choice([0, 20, 60])]
        count = rng.randint(2, 6)
        order = rng.sample(range(count), count)
        group = Group(self.args.toy, run_id, order, ["--join-ms", JOIN_MS, "--seed", rng.randrange(1 << 30), *work])
        victim = group.ranks[-1] if phase == "join" and rng.random() < 0.6 else rng.choice(group.ranks)
        try:
            lived = self.kill(group, victim, phase, rng)
            killed_at = time.monotonic()
            if not group.wait(group.all_ended, 15):
                raise AssertionError("ranks are left")
            outcomes = {self.check_survivor(victim, r, "joined" in victim.out, killed_at) for r in group.ranks if r is not victim}
            left = [p.name for p in SHM.glob(f"dlfw-*{run_id}*")]
            if left:
                raise AssertionError(f"left behind: {left}")
        except AssertionError as why:
            raise AssertionError(f"killed rank {victim.number} of {len(group.ranks)}, run {run_id}, phase {phase}: {why}{group.text()}") from None
        finally:
            group.close()
        with self.lock:
            self.counts[f"killed in phase {phase}" if lived else "too late"] += 1
            self.counts.update(outcomes)
            self.slowest = max([self.slowest] + [r.ended - killed_at for r in group.ranks])

    def undisturbed(self, run_id):
        group = Group(self.args.toy, run_id, range(4), ["--join-ms", 10000, "--steps", 50])
        good = group.wait(group.all_ended, 30) and all(r.process.returncode == 0 and not r.err for r in group.ranks)
        group.close()
        if not good:
            raise AssertionError(f"run {run_id} does not work any more{group.text()}")

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0 and not self.failures

    def slot(self, number):
        run_id, rng = f"kill-{os.getpid()}-{number}", random.Random(self.args.seed * 1000 + number)
        try:
            while self.take():
                self.round(run_id, rng)
            self.undisturbed(run_id)
        except Exception as why:  # whatever it is, the test has failed
            self.failures.append(f"{type(why).__name__}: {why}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toy")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", 200)))
    parser.add_argument("--side-by-side", type=int, default=6)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--limit", type=float, default=2.0, help="how long the others may take")
    args = parser.parse_args()
    rounds, begin = Rounds(args), time.monotonic()
    threads = [threading.Thread(target=rounds.slot, args=(n,)) for n in range(args.side_by_side)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for why in rounds.failures:
        print(f"seed {args.seed}: {why}")
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(rounds.counts.items()))
    print(f"{args.rounds} rounds in {time.monotonic() - begin:.0f} s, slowest end {rounds.slowest:.2f} s after the kill, seed {args.seed}; {counts}")
    return 1 if rounds.failures else 0


if __name__ == "__main__":
    sys.exit(main())
