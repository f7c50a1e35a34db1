# SPDX-License-Identifier: Apache-2.0
"""What every row of the benchmark table uses: running dlfw, fio and other peers, data sets, and the printed line."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

MIB = 1 << 20
GIB = 1 << 30


class Bench:
    def __init__(self, args):
        self.build = pathlib.Path(args.build).resolve()
        self.dir = pathlib.Path(args.dir or self.build / "bench").resolve()
        self.rounds = 1 if args.smoke else args.rounds
        self.smoke = args.smoke
        # a Python with pyarrow, h5py and others (scripts/readers)
        self.readers = os.environ.get("TEST_READERS", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "readers" / "bin" / "python"))
        self.results = []
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)

    def files(self, count):
        return max(32, count // 100) if self.smoke else count

    def config(self, name, text):
        path = self.dir / f"{name}.yaml"
        path.write_text(text)
        return str(path)

    def dlfw(self, command, config, *overrides, prefix=()):
        out = self.dir / "results"
        shutil.rmtree(out, ignore_errors=True)
        argv = [*prefix, str(self.build / "dlfw"), command, "--quiet", "--plugin-dir", str(self.build / "plugins"), config, f"++output.folder={out}", *overrides]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr}")
        return json.loads((out / "summary.json").read_text())

    def fio(self, *options):
        argv = ["fio", "--name=peer", "--output-format=json", "--thread", "--group_reporting", *options]
        done = subprocess.run(argv, capture_output=True, text=True, cwd=self.dir)
        if done.returncode:
            sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]

    def report(self, name, what, values, target, unit="x", at_least=True):
        median = statistics.median(values)
        good = median >= target if at_least else median <= target
        verdict = "" if self.smoke else ("reached" if good else "MISSED")
        sign = ">=" if at_least else "<="
        print(f"{name:<22} {what:<66} {median:>11.4g} {unit:<10} [{min(values):.4g} .. {max(values):.4g}]  target {sign} {target:g}  {verdict}", flush=True)
        self.results.append((name, median, target, good))

    def limit(self, what, values, unit):
        """What the machine leaves to anybody, measured in the same run; beside the row above."""
        print(f"{'  limit:':<22} {what:<66} {statistics.median(values):>11.4g} {unit:<10} [{min(values):.4g} .. {max(values):.4g}]", flush=True)


DATASET = """model: {{name: bench}}
framework: pytorch
workflow: {{train: True}}
dataset:
  data_folder: "{folder}"
  format: npz
  num_files_train: {files}
  record_length_bytes: {bytes}
reader:
  data_loader: pytorch
  batch_size: {batch}
  read_threads: {threads}
  prefetch_size: {prefetch}
train: {{epochs: {epochs}, computation_time: {compute}}}
metric: {{au: 0.0}}
"""


def dataset(bench, name, files, size, batch, threads=2, prefetch=4, epochs=3, compute=0, folder=None):
    """A run file. The last epoch is what counts: by then the sample memory is there, as fio's buffers are."""
    return bench.config(name, DATASET.format(folder=folder or bench.dir / name, files=files, bytes=size, batch=batch, threads=threads, prefetch=prefetch,
                                             epochs=epochs, compute=compute))


def epoch_seconds(summary):
    return summary["dlfw"]["epochs"][-1]["seconds"]


def bytes_per_second(summary):
    epoch = summary["dlfw"]["epochs"][-1]
    return epoch["bytes_asked"] / epoch["seconds"]


def fio_rate(job):
    return job["read"]["bw_bytes"]


def against_fio(bench, name, what, config, fio_options, target, overrides=()):
    ratios, ours, theirs = [], [], []
    for _ in range(bench.rounds):
        ours.append(bytes_per_second(bench.dlfw("run", config, *overrides)))
        theirs.append(fio_rate(bench.fio(*fio_options)))
        ratios.append(ours[-1] / theirs[-1])
    what += f" ({statistics.median(ours) / 2**30:.2f} vs {statistics.median(theirs) / 2**30:.2f} GiB/s)"
    bench.report(name, what, ratios, target)
