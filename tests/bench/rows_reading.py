# SPDX-License-Identifier: Apache-2.0
"""Rows of the main job: AU, reading npz files, generation, start-up."""
import pathlib
import re
import shutil
import subprocess
import sys

from harness import MIB, against_fio, bytes_per_second, dataset, epoch_seconds


def au(bench):
    for ms, target in ((3.5, 99.9), (0.375, 99.5)):
        config = dataset(bench, "au", 1400, 2828486, 7, threads=1, epochs=1, compute=ms / 1000, folder="null:///au")
        values = [bench.dlfw("run", config)["metric"]["train_au_mean_percentage"] for _ in range(bench.rounds)]
        bench.report("au", f"null backend, 200 steps of {ms} ms, one rank", values, target, "%")


def fio_folder(bench, name, files, size, jobs):
    folder = bench.dir / f"fio-{name}"
    folder.mkdir()
    options = [f"--directory={folder}", f"--nrfiles={files // jobs}", f"--filesize={size}", f"--numjobs={jobs}", "--openfiles=1",
               "--file_service_type=sequential", "--fadvise_hint=0", "--iomem_align=4096"]
    bench.fio(*options, "--rw=write", "--bs=1m" if size >= MIB else f"--bs={size}", "--ioengine=psync")
    return options


def small_files(bench):
    files = bench.files(20000)
    config = dataset(bench, "small", files, 102400 - 490, 16)
    bench.dlfw("generate", config)
    peer = fio_folder(bench, "small", files, 102400, 2)
    options = [*peer, "--rw=read", "--bs=102400", "--ioengine=psync", "--invalidate=0"]
    for samples in ("keep", "stream"):
        against_fio(bench, "small files", f"{files} x 100 KiB, page cache, 2 threads, no CRC, samples: {samples}, vs fio psync", config, options, 1.0,
                    ("++reader.verify=none", f"++reader.samples={samples}"))
    shutil.rmtree(bench.dir / "fio-small")
    np_load(bench, "small", 102400, None)
    shutil.rmtree(bench.dir / "small")


def large_files(bench):
    files = bench.files(200)
    config = dataset(bench, "large", files, 16 * MIB, 4, prefetch=2)
    bench.dlfw("generate", config)
    peer = fio_folder(bench, "large", files, 16 * MIB, 2)
    options = [*peer, "--rw=read", "--bs=256k", "--ioengine=psync", "--invalidate=0"]
    for verify, target in (("none", 0.85), ("checksums", 0.5)):
        for samples in ("keep", "stream"):
            against_fio(bench, "large files", f"{files} x 16 MiB, page cache, verify: {verify}, samples: {samples}, vs fio 256k", config, options, target,
                        (f"++reader.verify={verify}", f"++reader.samples={samples}"))
    shutil.rmtree(bench.dir / "fio-large")
    np_load(bench, "large", 16 * MIB, 4)
    shutil.rmtree(bench.dir / "large")


def tiny_files(bench):
    files = bench.files(8192)
    config = dataset(bench, "tiny", files, 4096, 32)
    bench.dlfw("generate", config)
    values = []
    for _ in range(bench.rounds):
        values.append(files // 32 * 32 / epoch_seconds(bench.dlfw("run", config)))
    bench.report("tiny files", f"{files} x 4 KiB npz, whole loop, CRC on", values, 100000, "samples/s")
    shutil.rmtree(bench.dir / "tiny")


NP_LOAD = """import glob, sys, time, numpy
files = sorted(glob.glob(sys.argv[1] + '/train/*.npz'))
start = time.perf_counter()
total = 0
for f in files:
    with numpy.load(f) as z:
        total += z['x'].nbytes
print(total / (time.perf_counter() - start))
"""


def np_load(bench, name, size, target):
    """One thread of ours against one thread of numpy, both with CRC."""
    script = bench.dir / "np_load.py"
    script.write_text(NP_LOAD)
    folder = bench.dir / name
    config = dataset(bench, f"{name}-np", len(list((folder / "train").iterdir())), size, 4, threads=1, folder=folder)
    files_read = f"++dataset.record_length_bytes={size}" if size >= MIB else f"++dataset.record_length_bytes={size - 490}"
    ratios = []
    for _ in range(bench.rounds):
        ours = bytes_per_second(bench.dlfw("run", config, files_read, "++reader.samples=stream"))
        done = subprocess.run(["/usr/bin/python3", str(script), str(folder)], capture_output=True, text=True, check=True)
        ratios.append(ours / float(done.stdout))
    bench.report("np.load", f"{name}: {size >> 10} KiB files, one thread each, CRC on, vs numpy.load", ratios, target or 12)


def np_small(bench):
    """The size that the target names."""
    files = bench.files(4000)
    config = dataset(bench, "kib128", files, 131072 - 490, 32)
    bench.dlfw("generate", config)
    np_load(bench, "kib128", 131072, 12)
    shutil.rmtree(bench.dir / "kib128")


def huge_pages(count):
    path = pathlib.Path("/proc/sys/vm/nr_hugepages")
    before = path.read_text()
    try:
        path.write_text(f"{count}\n")
    except OSError:
        return None
    return lambda: path.write_text(before)


def direct(bench):
    size = 64 * MIB if bench.smoke else 1024 * MIB
    config = dataset(bench, "direct", 1, size, 1, threads=1)
    bench.dlfw("generate", config, "++storage.durable=true")
    peer = bench.dir / "fio-direct"
    restore = huge_pages(64)
    memory = "--iomem=mmaphuge" if restore else "--iomem=mmap"
    options = [f"--filename={peer}", f"--size={size}", "--direct=1", "--ioengine=io_uring", "--iodepth=16", "--bs=1m", memory]
    bench.fio(*options, "--rw=write")
    try:
        against_fio(bench, "direct", f"one {size >> 20} MiB file, 1 MiB requests, depth 16, vs fio io_uring {memory[2:]}", config, [*options, "--rw=read"], 0.9,
                    ("++reader.odirect=true", "++reader.verify=none", "++reader.samples=stream", "++reader.transfer_size=1048576", "++reader.queue_depth=16"))
    finally:
        if restore:
            restore()
    peer.unlink()
    shutil.rmtree(bench.dir / "direct")


def generate(bench):
    files = bench.files(100)
    config = dataset(bench, "generate", files, 16 * MIB, 4)
    folder = bench.dir / "fio-generate"
    ratios = []
    for _ in range(bench.rounds):
        shutil.rmtree(bench.dir / "generate", ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        summary = bench.dlfw("generate", config)
        ours = summary["dlfw"]["generation"]["bytes"] / summary["dlfw"]["generation"]["seconds"]
        folder.mkdir()
        peer = bench.fio(f"--directory={folder}", f"--nrfiles={files // 2}", f"--filesize={16 * MIB}", "--numjobs=2", "--openfiles=1",
                         "--file_service_type=sequential", "--rw=write", "--bs=256k", "--ioengine=psync", "--iomem_align=4096", "--fallocate=none",
                         "--create_on_open=1")
        ratios.append(ours / peer["write"]["bw_bytes"])
    bench.report("generation", f"{files} npz of 16 MiB to the page cache, vs fio writing a ready buffer", ratios, 0.7)
    shutil.rmtree(folder)
    shutil.rmtree(bench.dir / "generate")


def content(bench):
    done = subprocess.run([str(bench.build / "tests" / "bench" / "bench_content")], capture_output=True, text=True, check=True)
    fill = [float(v) for v in re.findall(r"^content_fill\s+avx2\s+([\d.]+)", done.stdout, re.M)]
    if not fill:
        sys.exit(f"bench_content printed no avx2 row:\n{done.stdout}")
    bench.report("generator", "content_fill alone, AVX2, hot, one core", fill, 20, "GiB/s")


def start_up(bench):
    config = dataset(bench, "start", 64, 4 * MIB, 4, epochs=1)
    bench.dlfw("generate", config)
    values, extra = [], []
    for _ in range(max(3, bench.rounds)):
        summary = bench.dlfw("run", config, f"++reader.memory_budget={64 * MIB}")
        values.append(summary["dlfw"]["startup_ms"])
        memory = summary["dlfw"]["memory"]
        extra.append((memory["peak_bytes"] - memory["budget_bytes"]) / MIB)
    bench.report("start-up", "program start to the first request", values, 50, "ms", at_least=False)
    bench.report("memory", "peak minus budget", extra, 64, "MiB", at_least=False)
    shutil.rmtree(bench.dir / "start")


ROWS = {"au": au, "small": small_files, "large": large_files, "tiny": tiny_files, "np": np_small, "direct": direct, "generate": generate,
        "content": content, "start": start_up}
