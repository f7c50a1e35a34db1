# SPDX-License-Identifier: Apache-2.0
"""Rows of the object stores and the storage tools: the program against other clients on the same server, S3 against files, and names of a local file system."""
import contextlib
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

from harness import GIB, MIB
from rows_http import cpu_per_gib, run_program

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from servers.program import HOME, Server, program  # noqa: E402
from servers.seaweedfs import SeaweedFS  # noqa: E402

NGINX = """worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 10000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; location /ready {{ return 204; }} location /slow/ {{ alias {root}/bucket/; limit_rate 60m; }} }}
}}
"""
KEYS = {"AWS_ACCESS_KEY_ID": "static", "AWS_SECRET_ACCESS_KEY": "static", "AWS_REGION": "us-east-1"}


class StaticFiles(Server):
    """nginx over files in memory: a server that costs little and takes any signature."""
    name = "static"
    scheme = "s3"

    def prepare(self):
        self.root = pathlib.Path("/dev/shm") / self.folder.name
        (self.root / "bucket").mkdir(parents=True, exist_ok=True)
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, root=self.root, port=self.port))

    def argv(self):
        return ["/usr/sbin/nginx", "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]

    def is_ready(self):
        return self.answers("/ready") == 204

    def stop(self):
        if self.process is not None:
            self.process.terminate()  # the master ends its worker
            self.process.wait()
            self.process = None
        shutil.rmtree(self.root, ignore_errors=True)
        super().stop()

    @property
    def env(self):
        return {**KEYS, "AWS_ENDPOINT_URL": self.endpoint}


def keylist(bench, count, prefix):
    """Files with the names of objects: below the bucket for us, whole URIs for others."""
    keys = bench.dir / "keys"
    keys.write_text("".join(f"{prefix}{i}\n" for i in range(count)))
    uris = bench.dir / "uris"
    uris.write_text("".join(f"s3://bucket/{prefix}{i}\n" for i in range(count)))
    return keys, uris


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(argv, env, total):
    """Wall and CPU of a whole program that moves total bytes."""
    before, start = children_cpu(), time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **env})
    wall = time.monotonic() - start
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return {"bytes": total, "wall": wall, "cpu": children_cpu() - before}


def tool(bench, *words):
    return [str(bench.build / "dlfw"), *words[:1], "--plugin-dir", str(bench.build / "plugins"), "--quiet", *words[1:]]


def write_random(path, size):
    """Piece by piece: what this process once held would count as the peak of its children."""
    piece = os.urandom(MIB)
    with open(path, "wb") as out:
        for _ in range(size // MIB):
            out.write(piece)


def make_bucket(bench, server):
    timed([str(bench.build / "dlfw"), "mb", "--plugin-dir", str(bench.build / "plugins"), "s3://bucket"], server.env, 0)


def ours_get(bench, server, keys, total, jobs):
    return timed(tool(bench, "get", "--discard", "--keylist", str(keys), "--jobs", str(jobs), "s3://bucket"), server.env, total)


def s5cmd_get(server, uris, total, jobs):
    commands = uris.with_suffix(".s5cmd")
    commands.write_text("".join(f"cat {uri}\n" for uri in uris.read_text().split()))
    argv = [program("bin/s5cmd"), "--endpoint-url", server.endpoint, "--numworkers", str(jobs), "run", str(commands)]
    return timed(argv, server.env, total)


def python_peer(client, operation, server, uris, jobs, *size):
    argv = [str(HOME / "bin" / "python"), str(pathlib.Path(__file__).with_name("peer_objects.py")), client, operation, server.endpoint, str(uris), str(jobs), *size]
    return run_program(argv, server.env)


def peers_get(server, uris, total, jobs):
    return {"s3dlio": python_peer("s3dlio", "get", server, uris, jobs), "boto3": python_peer("boto3", "get", server, uris, jobs),
            "s5cmd": s5cmd_get(server, uris, total, jobs)}


def object_cpu(bench):
    with StaticFiles() as server:
        for size, count, what in ((16 * MIB, 4 if bench.smoke else 64, "16 MiB"), (100 * 1024, 40 if bench.smoke else 4000, "100 KiB")):
            for i in range(count):
                (server.root / "bucket" / f"o{i}").write_bytes(os.urandom(size))
            keys, uris = keylist(bench, count, "o")
            ours, ratios = [], {"s3dlio": [], "boto3": [], "s5cmd": []}
            for _ in range(bench.rounds):
                ours.append(cpu_per_gib(ours_get(bench, server, keys, size * count, 4)))
                for name, row in peers_get(server, uris, size * count, 4).items():
                    ratios[name].append(ours[-1] / cpu_per_gib(row))
            for name, values in ratios.items():
                bench.report("object-cpu", f"GET {what} from nginx: client CPU ({statistics.median(ours):.2f} CPU-s/GiB) vs {name}", values, 0.2, at_least=False)


def throughput(row):
    return row["bytes"] / row["wall"] / MIB


def against_peers(bench, what, rounds):
    """rounds: per round (ours, {peer: row})."""
    best = [throughput(own) / max(throughput(row) for row in others.values()) for own, others in rounds]
    figures = f"{statistics.median([throughput(own) for own, _ in rounds]):.0f} MiB/s"
    bench.report("s3-server", f"{what}, SeaweedFS, vs the best of {', '.join(rounds[0][1])} ({figures})", best, 1.2)
    cpu = [cpu_per_gib(own) / cpu_per_gib(others["s3dlio"]) for own, others in rounds]
    bench.report("s3-server", f"{what}, SeaweedFS, client CPU vs s3dlio", cpu, 0.25, at_least=False)


def s3_server(bench):
    with SeaweedFS() as server:
        make_bucket(bench, server)
        for size, count, what in ((8 * MIB, 32, "8 MiB"), (MIB, 128, "1 MiB"), (64 * 1024, 1000, "64 KiB")):
            count = 4 if bench.smoke else count
            keys, uris = keylist(bench, count, f"{what.replace(' ', '')}-")
            total = size * count
            puts, gets = [], []
            for _ in range(bench.rounds):
                argv = tool(bench, "put", "--size", str(size), "--count", str(count), "--name-template", f"{what.replace(' ', '')}-{{}}", "--jobs", "4", "s3://bucket/")
                own = timed(argv, server.env, total)
                puts.append((own, {name: python_peer(name, "put", server, uris, 4, str(size)) for name in ("s3dlio", "boto3")}))
                gets.append((ours_get(bench, server, keys, total, 4), peers_get(server, uris, total, 4)))
            if size == 8 * MIB:
                against_peers(bench, f"PUT {what}", puts)
            against_peers(bench, f"GET {what}", gets)


UNET = """model: {{name: unet3d}}
framework: pytorch
workflow: {{train: True}}
dataset:
  data_folder: "{folder}"
  format: npz
  num_files_train: {files}
  num_samples_per_file: 1
  record_length_bytes: 14660062
reader: {{data_loader: pytorch, batch_size: 4, read_threads: 4, file_shuffle: seed, sample_shuffle: seed}}
train: {{epochs: 2, computation_time: 0.323}}
metric: {{au: 0.0}}
"""


def unet3d(bench):
    """A tenth of the sample size, compute as in the stock file: what AU loses by S3 instead of files."""
    files = 8 if bench.smoke else 48
    with SeaweedFS() as server:
        make_bucket(bench, server)
        os.environ.update(server.env)
        differences, all_au = [], []
        try:
            configs = [bench.config(name, UNET.format(folder=folder, files=files)) for name, folder in (("unet-file", bench.dir / "unet"), ("unet-s3", "s3://bucket/unet"))]
            for config in configs:
                bench.dlfw("generate", config)
            for _ in range(bench.rounds):
                au = [bench.dlfw("run", config)["metric"]["train_au_mean_percentage"] for config in configs]
                all_au.append(au)
                differences.append(abs(au[0] - au[1]))
        finally:
            for name in server.env:
                del os.environ[name]
    file_au, s3_au = (statistics.median(column) for column in zip(*all_au))
    bench.report("unet3d-s3", f"unet3d, samples of 14 MiB: AU from files {file_au:.2f} %, from S3 {s3_au:.2f} %, difference", differences, 1, "points", at_least=False)


@contextlib.contextmanager
def names(count):
    """count empty files in memory, a thousand in each folder: what is measured is the program and the kernel, not a disk."""
    folder = pathlib.Path("/dev/shm") / f"dlfw-names-{os.getpid()}"
    try:
        for group in range(count // 1000):
            place = folder / f"{group:04}"
            place.mkdir(parents=True)
            for i in range(1000):
                os.mknod(f"{place}/object_{i:06}.npz")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def listing(bench):
    count = 10_000 if bench.smoke else 1_000_000
    rates = []
    with names(count) as folder:
        for _ in range(bench.rounds):
            row = timed(tool(bench, "ls", "-r", "--count", str(folder)), {}, 0)
            rates.append(count / row["wall"] / 1e6)
    bench.report("listing", f"ls -r --count of {count} local names", rates, 1, "M/s")


def removal(bench):
    count = 10_000 if bench.smoke else 100_000
    ratios, limit = [], []
    for _ in range(bench.rounds):
        seconds = []
        for words in ("", "find {} -delete", "ls -d {}/* | xargs -P 2 -n 10 rm -r"):
            with names(count) as folder:
                argv = ["sh", "-c", words.format(folder)] if words else tool(bench, "rm", "-r", str(folder))
                seconds.append(timed(argv, {}, 0)["wall"])
        ratios.append(seconds[1] / seconds[0])
        limit.append(seconds[2] / seconds[0])
    bench.report("removal", f"rm -r of {count} local files vs find -delete", ratios, 3)
    bench.report("removal", f"rm -r of {count} local files vs two rm -r at once, the file system's limit", limit, 0.9)


def multipart_memory(bench):
    """Peak memory of one large upload: parts in flight and a constant."""
    size, part, jobs = (64 * MIB if bench.smoke else 1024 * MIB), 16 * MIB, 4
    peaks = []
    with SeaweedFS() as server:
        make_bucket(bench, server)
        source = bench.dir / "large"
        write_random(source, size)
        for _ in range(bench.rounds):
            argv = tool(bench, "cp", "--memory", str(part * jobs), "--jobs", str(jobs), str(source), "s3://bucket/large")
            child = subprocess.Popen(argv, env={**os.environ, **server.env})
            _, status, usage = os.wait4(child.pid, 0)
            if status:
                sys.exit(f"{' '.join(argv)}: status {status}")
            peaks.append(usage.ru_maxrss / 1024 - part * jobs / MIB)
        source.unlink()
    bench.report("multipart", f"upload of {size // MIB} MiB: peak memory beyond {jobs} parts of {part // MIB} MiB", peaks, 32, "MiB", at_least=False)


def split(bench):
    """Large objects from a server that gives each connection 60 MiB/s: one stream each against as many as are worth it."""
    count, size = (1, 64 * MIB) if bench.smoke else (8, 128 * MIB)
    ratios, rates = [], []
    with StaticFiles() as server:
        for i in range(count):
            write_random(server.root / "bucket" / f"o{i}", size)
        keys, _ = keylist(bench, count, "o")
        for _ in range(bench.rounds):
            rows = [timed(tool(bench, "get", "--discard", "--keylist", str(keys), "--jobs", "1", "-o", f"split={mode}", "s3://slow"), server.env, count * size)
                    for mode in ("auto", "off")]
            rates.append([throughput(row) for row in rows])
            ratios.append(rates[-1][0] / rates[-1][1])
    auto, off = (statistics.median(column) for column in zip(*rates))
    bench.report("split", f"GET 128 MiB at 60 MiB/s per connection, one object at a time: split vs not ({auto:.0f} vs {off:.0f} MiB/s)", ratios, 3)


ROWS = {"split": split, "object-cpu": object_cpu, "s3-server": s3_server, "multipart": multipart_memory, "unet3d-s3": unet3d, "listing": listing, "removal": removal}
