# SPDX-License-Identifier: Apache-2.0
"""Rows of many ranks: barriers against MPI, AU of stock workloads, shards, start-up, ranks against threads, and DLIO itself as a peer."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness import dataset, epoch_seconds

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "dlio"
# stock workload, steps that take a few seconds, target
# workload, steps, microseconds of compute, AU
STOCK = (("unet3d_h100", 12, 323000, 99.9), ("resnet50_h100", 20, 224000, 99.9), ("cosmoflow_h100", 1000, 3500, 99.9), ("retinanet_b200", 80, 47550, 99.9),
         ("dlrm_b200", 8000, 375, 99.5), ("flux_b200", 4, 1350000, 99.9))


def output_of(argv):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def figure(text, name):
    return float(re.search(rf"{name}=([-0-9.]+)", text)[1])


def barrier(bench):
    folder = bench.build / "tests" / "bench"
    as_root = ["--allow-run-as-root"] if os.getuid() == 0 else []
    launch = {"openmpi": ["mpirun.openmpi", *as_root, "--oversubscribe", "-n"], "mpich": ["mpirun.mpich", "-n"]}
    for ranks, count, target in ((2, 200000, 0.6), (8, 20000, 1.1)):
        count = count // 100 if bench.smoke else count
        for mpi, argv in launch.items():
            if (ranks, mpi) == (8, "mpich"):  # spins without yielding: up to tens of milliseconds per barrier
                count = 10 if bench.smoke else 100
            ratios, ours, theirs = [], [], []
            for _ in range(bench.rounds):
                ours.append(figure(output_of([folder / "bench_barrier", ranks, count]), "ns_per_barrier"))
                theirs.append(figure(output_of([*argv, ranks, folder / f"peer_mpi_barrier_{mpi}", count]), "ns_per_barrier"))
                ratios.append(ours[-1] / theirs[-1])
            bench.report("barrier", f"{ranks} ranks, shm vs MPI_Barrier of {mpi} ({sorted(ours)[len(ours) // 2]:.0f} vs {sorted(theirs)[len(theirs) // 2]:.0f} ns)",
                         ratios, target, at_least=False)


def stock_au(bench):
    """Beside each run the AU of ranks that have nothing to load: what this machine leaves to anybody."""
    for name, steps, compute, target in [("unet3d_h100", 4, 323000, 99.9)] if bench.smoke else STOCK:
        words = [f"++workload.train.total_training_steps={steps}", "++workload.train.epochs=1", f"++workload.dataset.data_folder=null:///{name}",
                 "++workload.workflow.checkpoint=False", "++workload.workflow.generate_data=False"]
        for ranks in (1, 2):
            values, limits = [], []
            for _ in range(bench.rounds):
                summary = bench.dlfw("run", str(EXAMPLES / f"{name}.yaml"), "--ranks", str(ranks), *words)
                values.append(summary["metric"]["train_au_mean_percentage"])
                limits.append(figure(output_of([bench.build / "tests" / "bench" / "bench_steps", ranks, steps, compute]), "au_percent"))
            bench.report("stock au", f"{name} on null, {steps} steps, {ranks} rank{'s' * (ranks > 1)}", values, target, "%")
            bench.limit("the same ranks with nothing to load", limits, "%")


def shards(bench):
    values, memory = [], []
    for _ in range(bench.rounds):
        text = output_of([bench.build / "tests" / "bench" / "bench_shards", 1700000000, 100000 if bench.smoke else 20000000])
        values.append(figure(text, "ns_per_index"))
        memory.append(figure(text, "memory_kib"))
    bench.report("shards", "1.7e9 samples in 1000 ranks, shuffled: one index", values, 50, "ns", at_least=False)
    bench.report("shards", "memory that the order takes", memory, 64, "KiB", at_least=False)


def first_step_seconds(bench, config, ranks):
    """From the launcher's start to the moment at which all ranks wait for their first batch, by rank 0's log."""
    results = bench.dir / "results"
    begin = datetime.datetime.now()
    bench.dlfw("run", config, "--ranks", str(ranks))
    line = re.search(r"\[OUTPUT\] (\S+) Starting block 1", (results / "dlio.log").read_text())
    loads = [float((results / f"{rank}_steps.csv").read_text().splitlines()[1].split(",")[3]) for rank in range(ranks)]
    return (datetime.datetime.fromisoformat(line[1]) - begin).total_seconds() + max(loads)


def start(bench):
    config = dataset(bench, "start", 64, 4096, 1, threads=1, epochs=1, compute=0.001)
    bench.dlfw("generate", config)
    values = [1000 * first_step_seconds(bench, config, 16) for _ in range(bench.rounds)]
    bench.report("rank start", "16 ranks: launcher's start to the last rank's first batch", values, 500, "ms", at_least=False)
    shutil.rmtree(bench.dir / "start")


def ranks_or_threads(bench):
    """The same samples per step: two ranks of one read thread, or one rank of two. Once with compute that leaves the CPUs
    time to read, once as fast as a storage of 2 ms latency allows."""
    files = bench.files(4800)
    config = dataset(bench, "either", files, 102400 - 490, 8, threads=1, epochs=3)
    bench.dlfw("generate", config)
    for what, words in (("10 ms steps", ["++train.computation_time=0.01"]), ("2 ms latency, no compute", ["++storage.wrap=[{delay:{read:2ms}}]"])):
        ratios = []
        for _ in range(bench.rounds):
            two = epoch_seconds(bench.dlfw("run", config, "--ranks", "2", "++reader.verify=none", *words))
            one = epoch_seconds(bench.dlfw("run", config, "++reader.read_threads=2", "++reader.batch_size=16", "++reader.verify=none", *words))
            ratios.append(100 * abs(two / one - 1))
        bench.report("ranks or threads", f"{files} x 100 KiB, {what}: 2 ranks x 1 thread vs 1 rank x 2", ratios, 3, "% apart", at_least=False)
    shutil.rmtree(bench.dir / "either")


PEER = """model: {{name: peer}}
framework: pytorch
workflow: {{generate_data: {generate}, train: {train}}}
dataset: {{data_folder: "{folder}", format: npz, num_files_train: {files}, record_length: {bytes}, record_length_bytes: {bytes}}}
reader: {{data_loader: pytorch, batch_size: {batch}, read_threads: 2, file_shuffle: seed, sample_shuffle: seed}}
train: {{epochs: 3, computation_time: {compute}}}
"""


class Dlio:
    """The same workload file for dlio_benchmark of PyPI and for ours, each started as its users start it."""

    def __init__(self, bench, name, **values):
        self.bench, self.folder = bench, bench.dir / f"dlio-{name}"
        self.values = {"folder": self.folder / "data", "compute": 0, "batch": 32, **values}
        self.programs = {"ours": bench.build / "dlio_benchmark",
                         "theirs": pathlib.Path(os.environ.get("TEST_PEERS", EXAMPLES.parents[1] / "build" / "peers")) / "bin" / "dlio_benchmark"}

    def run(self, who, **phase):
        """The summary, the program's seconds, and those from its start to the end of its first step."""
        workload = self.folder / "configs" / "workload" / "peer.yaml"
        workload.parent.mkdir(parents=True, exist_ok=True)
        workload.write_text(PEER.format(**{"generate": False, "train": False, **self.values, **phase}))
        out = self.folder / who
        shutil.rmtree(out, ignore_errors=True)
        begin = datetime.datetime.now()
        output_of([self.programs[who], "workload=peer", f"++hydra.run.dir={out}", "--config-dir", self.folder / "configs"])
        seconds = (datetime.datetime.now() - begin).total_seconds()
        log = re.search(r"(\d{4}-\d\d-\d\dT[0-9:.]+)\S* Starting block 1", (out / "dlio.log").read_text())
        steps = json.loads((out / "0_output.json").read_text())["1"]["proc"]["block1"] if phase.get("train") else [0]
        first = (datetime.datetime.fromisoformat(log[1]) - begin).total_seconds() + steps[0] if log else seconds
        return (json.loads((out / "summary.json").read_text()) if phase.get("train") else {}), seconds, first

    def rates(self, key):
        ours, theirs, starts = [], [], []
        for _ in range(self.bench.rounds):
            summary, _, first = self.run("ours", train=True)
            ours.append(summary["metric"][key])
            summary, _, their_first = self.run("theirs", train=True)
            theirs.append(summary["metric"][key])
            starts.append((first, their_first))
        return ours, theirs, starts


def middle(values):
    return sorted(values)[len(values) // 2]


def dlio(bench):
    """Against DLIO itself. Needs scripts/peers."""
    rate = "train_throughput_mean_samples_per_second"
    for size, files, target in ((4096, 4096, 100), (102400, 2048, 10)):
        work = Dlio(bench, str(size), files=max(128, bench.files(files)), bytes=size)
        if size == 102400:
            ratios = []
            for _ in range(bench.rounds):
                shutil.rmtree(work.values["folder"], ignore_errors=True)
                theirs = work.run("theirs", generate=True)[1]
                shutil.rmtree(work.values["folder"])
                ratios.append(theirs / work.run("ours", generate=True)[1])
            bench.report("dlio", f"generation of {work.values['files']} x {size} bytes, whole program", ratios, 20)
        else:
            work.run("ours", generate=True)
        ours, theirs, starts = work.rates(rate)
        bench.report("dlio", f"{work.values['files']} x {size} bytes, no compute ({middle(ours):.0f} vs {middle(theirs):.0f} samples/s)",
                     [a / b for a, b in zip(ours, theirs)], target)
        shutil.rmtree(work.folder)
    bench.report("dlio", f"program start to the end of the first step (DLIO: {middle([b for _, b in starts]):.2f} s)", [1000 * a for a, _ in starts], 500, "ms",
                 at_least=False)
    work = Dlio(bench, "au", files=max(128, bench.files(4096)), bytes=4096, compute=0.01)
    work.run("ours", generate=True)
    ours, theirs, _ = work.rates("train_au_mean_percentage")
    bench.report("dlio", f"AU at 10 ms steps, 32 x 4 KiB (DLIO: {middle(theirs):.1f} %)", ours, 99.9, "%")
    shutil.rmtree(work.folder)


ROWS = {"barrier": barrier, "stock-au": stock_au, "shards": shards, "rank-start": start, "ranks-or-threads": ranks_or_threads, "dlio": dlio}
