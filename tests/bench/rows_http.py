# SPDX-License-Identifier: Apache-2.0
"""Rows of the HTTP engine: client CPU and requests per second against libcurl on the same minimal server, whose sockets use cubic."""
import os
import pathlib
import statistics
import subprocess
import sys

from harness import GIB, MIB

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from servers.certificates import Certificates  # noqa: E402


def figures(line):
    """"requests N bytes B wall W cpu C" as numbers."""
    words = line.split()
    return {words[i]: float(words[i + 1]) for i in range(0, len(words), 2)}


def run_program(argv, env=None):
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr}")
    return figures(done.stdout.splitlines()[-1])


class StaticServer:
    def __init__(self, bench, *options):
        argv = [str(bench.build / "tests" / "bench" / "static_server"), "--threads", "1", "--congestion", "cubic", *options]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def load(bench, program, url, size, *options):
    seconds = "0.2" if bench.smoke else "1.5"
    argv = [str(bench.build / "tests" / "bench" / program), "--size", str(size), "--seconds", seconds, *options, url]
    return run_program(argv)


def cpu_per_gib(row):
    return row["cpu"] / (row["bytes"] / GIB)


def rate(row):
    return row["requests"] / row["wall"]


def pairs(bench, url, size, ours, theirs, figure):
    """figure() of ours and of libcurl's, round by round."""
    left, right = [], []
    for _ in range(bench.rounds):
        left.append(figure(load(bench, "http_load", url, size, *ours)))
        right.append(figure(load(bench, "peer_curl", url, size, *theirs)))
    return left, right


def http_cpu(bench):
    buffer = ["--buffer", "262144"]
    certificates = Certificates()
    try:
        with StaticServer(bench) as plain, StaticServer(bench, "--cert", certificates.path("server.pem"), "--key", certificates.path("server.key")) as tls:
            ca = ["--ca", certificates.ca]
            for name, url, extra, target in (("plain", f"http://127.0.0.1:{plain.port}", [], 0.11), ("TLS", f"https://127.0.0.1:{tls.port}", ca, 0.80)):
                for size in (MIB, 16 * MIB):
                    common = ["--threads", "1", "--connections", "1", *extra]
                    ours, theirs = pairs(bench, url, size, common, [*common, *buffer], cpu_per_gib)
                    what = f"GET {size // MIB} MiB, {name}: client CPU"
                    bench.report("http-cpu", what, ours, target, "CPU-s/GiB", at_least=False)
                    ratios = [a / b for a, b in zip(ours, theirs)]
                    bench.report("http-cpu", f"{what} vs libcurl easy, 256 KiB buffer ({statistics.median(theirs):.3f})", ratios, 0.85, at_least=False)
    finally:
        certificates.remove()


def http_rate(bench):
    with StaticServer(bench) as server:
        url = f"http://127.0.0.1:{server.port}"
        for kib, target in ((4, 85000), (64, 45000)):
            common = ["--threads", "2", "--connections", "2"]
            ours, theirs = pairs(bench, url, kib * 1024, common, ["--threads", "2", "--connections", "2", "--buffer", "262144"], rate)
            bench.report("http-rate", f"GET {kib} KiB, 2 threads, 2 connections each", ours, target, "requests/s")
            ratios = [a / b for a, b in zip(ours, theirs)]
            bench.report("http-rate", f"GET {kib} KiB vs libcurl easy ({statistics.median(theirs):.0f} requests/s)", ratios, 1.5)


def http_put(bench):
    with StaticServer(bench) as server:
        url = f"http://127.0.0.1:{server.port}"
        common = ["--threads", "1", "--connections", "1", "--method", "PUT", "--congestion", "cubic"]
        ours, theirs = pairs(bench, url, 64 * MIB, common, common, lambda row: row["bytes"] / row["wall"] / GIB)
        ratios = [a / b for a, b in zip(ours, theirs)]
        what = f"PUT 64 MiB vs libcurl default ({statistics.median(ours):.2f} vs {statistics.median(theirs):.2f} GiB/s)"
        bench.report("http-put", what, ratios, 1.8)


ROWS = {"http-cpu": http_cpu, "http-rate": http_rate, "http-put": http_put}
