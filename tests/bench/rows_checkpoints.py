# SPDX-License-Identifier: Apache-2.0
"""Rows of checkpoints: direct write and restore against fio, compression against libzstd, PyTorch's files against PyTorch."""
import os
import shutil
import statistics
import subprocess
import sys

from harness import GIB, MIB

RUN = """model:
  name: bench
  type: transformer
  model_size_bytes: 0
  num_layers: {layers}
  model_datatype: fp32
  optimizer_datatype: fp32
  parallelism: {{tensor: 1, pipeline: 1, zero_stage: 1}}
  transformer: {{vocab_size: 32000, hidden_size: {hidden}, ffn_hidden_size: {ffn}, num_attention_heads: 16, num_kv_heads: 16}}
framework: pytorch
workflow: {{generate_data: False, train: False, checkpoint: True}}
checkpoint:
  plugin: {plugin}
  checkpoint_folder: "{folder}"
  num_checkpoints_write: {writes}
  num_checkpoints_read: {reads}
  time_between_checkpoints: 0
{options}"""


def checkpoint_config(bench, name, plugin, folder, options="", writes=2, reads=2):
    layers, hidden, ffn = (1, 256, 512) if bench.smoke else (4, 1024, 4096)
    text = RUN.format(layers=layers, hidden=hidden, ffn=ffn, plugin=plugin, folder=folder, writes=writes, reads=reads, options=options)
    return bench.config(name, text)


def rates(summary, kind):
    """GiB/s of each save or load."""
    return [c["GiB_per_s"] for c in summary["dlfw"]["checkpoints"][kind + "s"]]


def direct(bench):
    """The engine's sequential write and read of large shards against fio with the same request size and depth."""
    folder = bench.dir / "ck-direct"
    config = checkpoint_config(bench, "ck-direct", "checkpoint_store", f"direct://{folder}", "  compress: none\n  fsync: True\n", writes=1, reads=1)
    peer = bench.dir / "fio-ck"
    size = 64 * MIB if bench.smoke else 1024 * MIB
    options = [f"--filename={peer}", f"--size={size}", "--direct=1", "--ioengine=io_uring", "--iodepth=8", "--bs=1m"]
    writes, reads, ours, theirs = [], [], [], []
    for _ in range(bench.rounds):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        summary = bench.dlfw("run", config)
        written = bench.fio(*options, "--rw=write", "--end_fsync=1")["write"]["bw_bytes"] / GIB
        read = bench.fio(*options, "--rw=read")["read"]["bw_bytes"] / GIB
        ours.append((rates(summary, "save")[0], rates(summary, "load")[0]))
        theirs.append((written, read))
        writes.append(ours[-1][0] / written)
        reads.append(ours[-1][1] / read)
    figures = [statistics.median(v) for v in (*zip(*ours), *zip(*theirs))]
    bench.report("checkpoint", f"write, direct, no compression, vs fio direct 1 MiB depth 8 ({figures[0]:.2f} vs {figures[2]:.2f} GiB/s)", writes, 1.3)
    bench.report("checkpoint", f"restore, direct, verified, vs fio direct read ({figures[1]:.2f} vs {figures[3]:.2f} GiB/s)", reads, 0.9)
    shutil.rmtree(folder)
    peer.unlink()


def compression(bench):
    """bench_codec: the store's codecs and libzstd on the same float32 data, interleaved; prints one figure per line."""
    argv = [str(bench.build / "tests" / "bench" / "bench_codec"), "8" if bench.smoke else "256", "1" if bench.smoke else "5"]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{argv[0]}: exit {done.returncode}\n{done.stderr}")
    ratio = {name: [float(v) for v in values.split()] for name, values in (line.split(":") for line in done.stdout.splitlines())}
    bench.report("compression", "zstd level 1, two threads, vs ZSTD nbWorkers=2", ratio["threads"], 1.7)
    bench.report("compression", "float mode, compress, vs zstd -1, one thread each", ratio["float compress"], 2.5)
    bench.report("compression", "float mode, decompress, vs zstd -1, one thread each", ratio["float decompress"], 3)


TORCH = """import sys, time, torch
path, gib = sys.argv[1], float(sys.argv[2])
state = {str(i): torch.rand(int(gib * 2**30 / 4 / 4)) for i in range(4)}
start = time.perf_counter()
torch.save(state, path)
saved = time.perf_counter() - start
del state
start = time.perf_counter()
state = torch.load(path)
loaded = time.perf_counter() - start
print(sum(t.numel() * 4 for t in state.values()) / saved, sum(t.numel() * 4 for t in state.values()) / loaded)
"""


def torch(bench):
    gib = 0.05 if bench.smoke else 4
    folder = bench.dir / "ck-torch"
    script = bench.dir / "torch_peer.py"
    script.write_text(TORCH)
    blob = int(gib * GIB)
    text = RUN.format(layers=-1, hidden=64, ffn=64, plugin="checkpoint_files", folder=folder, writes=1, reads=1, options="")
    config = bench.config("ck-torch", text.replace("type: transformer", "type: cnn").replace("model_size_bytes: 0", f"model_size_bytes: {blob}"))
    saves, loads = [], []
    for _ in range(bench.rounds if bench.smoke else min(bench.rounds, 3)):
        shutil.rmtree(folder, ignore_errors=True)
        os.sync()  # neither side pays for what the other left to be written
        summary = bench.dlfw("run", config)
        shutil.rmtree(folder, ignore_errors=True)
        os.sync()
        done = subprocess.run(["/usr/bin/python3", str(script), str(bench.dir / "torch.pt"), str(gib)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        saved, loaded = (float(v) / GIB for v in done.stdout.split())
        (bench.dir / "torch.pt").unlink()
        saves.append(max(rates(summary, "save")) / saved)
        loads.append(max(rates(summary, "load")) / loaded)
    bench.report("torch", f"save of {gib} GiB to the page cache, vs torch.save", saves, 3)
    bench.report("torch", f"load of {gib} GiB from the page cache, vs torch.load", loads, 3)


ROWS = {"checkpoint": direct, "compression": compression, "torch": torch}
