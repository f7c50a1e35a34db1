# SPDX-License-Identifier: Apache-2.0
"""Kills `dlfw run` with SIGKILL at random moments while it saves, retires and removes checkpoints, round after round in one folder.

After each round: every checkpoint that is listed verifies, `latest` names one of them, checkpoints that were complete before and were not to be
retired are still there, the newest one loads, `dlfw clean` removes what is left and nothing else. One line says what was seen. A failure keeps
the folder and prints the seed.

usage: kill_rounds.py BUILD [--rounds N] [--seconds S] [--seed N]
"""
import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CONFIG = """model:
  name: kill
  model_size_bytes: {blob}
  num_layers: -1
framework: pytorch
workflow:
  generate_data: False
  train: False
  checkpoint: True
checkpoint:
  plugin: checkpoint_store
  checkpoint_folder: {folder}/ck
  num_checkpoints_write: 200
  num_checkpoints_read: 0
  time_between_checkpoints: 0
  part_size: 64KiB
output:
  folder: {folder}/results
"""
WAYS = [
    ["++checkpoint.compress=none"],
    ["++checkpoint.compress=zstd", "++checkpoint.keep_last=2"],
    ["++checkpoint.compress=float", "++checkpoint.keep_last=3", "++checkpoint.strategy=round_robin"],
    ["++checkpoint.compress=none", "++checkpoint.keep_last=1", "++checkpoint.strategy=binary", "++checkpoint.fsync=True"],
    ["++checkpoint.compress=zstd", "++checkpoint.keep_every=7", "++checkpoint.keep_last=1"],
]


class Round:
    def __init__(self, build, folder):
        self.build, self.folder, self.store = build, folder, folder / "ck"
        self.store.mkdir()  # a run may be killed before it makes it, and `dlfw clean` wants a folder
        self.config = folder / "kill.yaml"
        self.config.write_text(CONFIG.format(folder=folder, blob=3_000_000))

    def argv(self, command, *words):
        return [str(self.build / "dlfw"), command, "--plugin-dir", str(self.build / "plugins"), *map(str, words)]

    def dlfw(self, command, *words):
        done = subprocess.run(self.argv(command, *words), capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise AssertionError(f"dlfw {command} {words}: {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout

    def listed(self):
        found = json.loads(self.dlfw("checkpoint", "list", self.store, "--json"))["checkpoints"]
        for c in found:
            if not c["complete"]:
                raise AssertionError(f"half a checkpoint is visible: {c}")
        return found

    def files(self):
        return {str(p.relative_to(self.store)) for p in self.store.rglob("*") if p.is_file()}

    def names_of(self, files):
        return {p for f in files for p in f.replace(".json", "").split("/") if p.startswith("ckpt-")}

    def run_and_kill(self, ways, seconds):
        process = subprocess.Popen(self.argv("run", self.config, *ways), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        error = process.stderr.read().decode()
        if process.wait() not in (0, -signal.SIGKILL):
            raise AssertionError(f"dlfw run: {process.returncode}\n{error}")
        return process.returncode != 0

    def remove_and_kill(self, seconds):
        process = subprocess.Popen(self.argv("checkpoint", "rm", self.store, "--all"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def load(self):
        self.dlfw("run", self.config, "++checkpoint.num_checkpoints_write=0", "++checkpoint.num_checkpoints_read=1", "++checkpoint.load_from=latest",
                  "++checkpoint.verify=all")

    def check_latest(self, found):
        if found and sum(c["latest"] for c in found) != 1:
            raise AssertionError(f"`latest` names none of {[c['name'] for c in found]}")

    def check(self, before, retires, removes):
        """Returns (checkpoints, what was left)."""
        found = self.listed()
        names = [c["name"] for c in found]
        if not retires and not removes and not set(before) <= set(names):
            raise AssertionError(f"lost: {set(before) - set(names)}")
        if before and not names and not removes:
            raise AssertionError(f"nothing is left of {before}")
        if names:
            if before and not removes:  # `latest` comes after the first manifest, and goes before the last one
                self.check_latest(found)
                self.load()
            self.dlfw("checkpoint", "verify", self.store, "--all")
        left = self.files()
        said = json.loads(self.dlfw("clean", "--dry-run", "--json", self.store))
        if self.files() != left:
            raise AssertionError("a dry run changed something")
        done = json.loads(self.dlfw("clean", "--json", self.store))
        after = self.files()
        gone, unknown = left - after, self.names_of(after) - set(names)
        if unknown or any(".dlfw-" in f or f.startswith("intents/") for f in after):
            raise AssertionError(f"left behind: {sorted(unknown)} {sorted(after)}")
        whole = {f for f in gone if f.startswith(("manifests/", "shards/")) and self.names_of([f]) & set(names) and ".dlfw-" not in f}
        if whole or "latest.json" in gone and names:
            raise AssertionError(f"cleaned too much: {sorted(gone)}")
        if bool(gone) != bool(done["count"]) or said["count"] < 1 and gone:
            raise AssertionError(f"gone {sorted(gone)}, said {said}, {done}")
        found = self.listed()
        if [c["name"] for c in found] != names:
            raise AssertionError("cleaning changed the checkpoints")
        self.check_latest(found)
        if names:
            self.load()
        empty = [p for p in (self.store / "shards").glob("**/ckpt-*") if p.is_dir() and p.name not in names]
        if empty:
            raise AssertionError(f"empty folders are left: {empty}")
        return len(names), len(gone)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time, but not before 50 rounds; 0: never")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dlfw-kill-"))
    one = Round(args.build.resolve(), folder)
    begin, kills, left_rounds, left_files, most = time.monotonic(), 0, 0, 0, 0
    number, before = 0, []
    try:
        for number in range(1, args.rounds + 1):
            ways = rng.choice(WAYS)
            removes = len(before) > 3 and rng.random() < 0.5
            kills += one.run_and_kill(ways, rng.uniform(0.01, 0.25))
            if removes:
                one.remove_and_kill(rng.uniform(0.002, 0.02))
            count, left = one.check(before, any("keep" in w for w in ways), removes)
            left_rounds, left_files, most = left_rounds + (left > 0), left_files + left, max(most, count)
            before = [c["name"] for c in one.listed()] if count else []
            if count > 40:
                one.dlfw("checkpoint", "rm", one.store, "--all")
                before = []
            if args.seconds and number >= 50 and time.monotonic() - begin > args.seconds:
                break
    except AssertionError as why:
        print(f"round {number} of seed {args.seed}, folder {folder}: {why}")
        return 1
    shutil.rmtree(folder)
    print(f"{number} rounds, {kills} kills, {left_rounds} rounds left {left_files} files to clean, at most {most} checkpoints, "
          f"{time.monotonic() - begin:.0f} s, seed {args.seed}")
    return 0 if kills >= number // 2 and left_rounds else 1  # a test that never hits anything is none


if __name__ == "__main__":
    sys.exit(main())
