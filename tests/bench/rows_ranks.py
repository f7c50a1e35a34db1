# SPDX-License-Identifier: Apache-2.0
"""Rows of many ranks: barriers against MPI, AU of stock workloads, shards, start-up, ranks against threads, and DLIO itself as a peer."""
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness import dataset, epoch_seconds

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "dlio"
# stock workload, steps that take a few seconds, target
STOCK = (("unet3d_h100", 12, 99.9), ("resnet50_h100", 20, 99.9), ("cosmoflow_h100", 1000, 99.9), ("retinanet_b200", 80, 99.9), ("dlrm_b200", 8000, 99.5),
         ("flux_b200", 4, 99.9))


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
            ratios, ours, theirs = [], [], []
            for _ in range(bench.rounds):
                ours.append(figure(output_of([folder / "bench_barrier", ranks, count]), "ns_per_barrier"))
                theirs.append(figure(output_of([*argv, ranks, folder / f"peer_mpi_barrier_{mpi}", count]), "ns_per_barrier"))
                ratios.append(ours[-1] / theirs[-1])
            bench.report("barrier", f"{ranks} ranks, shm vs MPI_Barrier of {mpi} ({sorted(ours)[len(ours) // 2]:.0f} vs {sorted(theirs)[len(theirs) // 2]:.0f} ns)",
                         ratios, target, at_least=False)


def stock_au(bench):
    for name, steps, target in STOCK[-3:-1] if bench.smoke else STOCK:
        words = [f"++workload.train.total_training_steps={steps}", "++workload.train.epochs=1", f"++workload.dataset.data_folder=null:///{name}",
                 "++workload.workflow.checkpoint=False", "++workload.workflow.generate_data=False"]
        for ranks in (1, 2):
            values = []
            for _ in range(bench.rounds):
                summary = bench.dlfw("run", str(EXAMPLES / f"{name}.yaml"), "--ranks", str(ranks), *words)
                values.append(summary["metric"]["train_au_mean_percentage"])
            bench.report("stock au", f"{name} on null, {steps} steps, {ranks} rank{'s' * (ranks > 1)}", values, target, "%")


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
    """The same samples per step: two ranks of one read thread, or one rank of two. Reading takes about half of the CPUs."""
    files = bench.files(16000)
    config = dataset(bench, "either", files, 102400 - 490, 8, threads=1, epochs=3, compute=0.001)
    bench.dlfw("generate", config)
    ratios = []
    for _ in range(bench.rounds):
        two = epoch_seconds(bench.dlfw("run", config, "--ranks", "2", "++reader.verify=none"))
        one = epoch_seconds(bench.dlfw("run", config, "++reader.read_threads=2", "++reader.batch_size=16", "++reader.verify=none"))
        ratios.append(100 * abs(two / one - 1))
    bench.report("ranks or threads", f"{files} x 100 KiB, 1 ms steps: 2 ranks x 1 thread vs 1 rank x 2 threads", ratios, 3, "% apart", at_least=False)
    shutil.rmtree(bench.dir / "either")


ROWS = {"barrier": barrier, "stock-au": stock_au, "shards": shards, "rank-start": start, "ranks-or-threads": ranks_or_threads}
