# SPDX-License-Identifier: Apache-2.0
"""Rows of the other formats: HDF5 against libhdf5 and h5py, TFRecord and Parquet against plain reads of the same bytes, checksums."""
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

from harness import GIB, MIB, bytes_per_second, epoch_seconds

RUN = """model: {{name: bench}}
framework: tensorflow
workflow: {{train: True}}
dataset:
  data_folder: "{folder}"
  format: {format}
  num_files_train: {files}
  num_samples_per_file: {samples}
  record_length_bytes: {bytes}
{options}reader:
  data_loader: tensorflow
  batch_size: {batch}
  read_threads: 1
  prefetch_size: 2
  samples: stream
train: {{epochs: 3, computation_time: 0}}
metric: {{au: 0.0}}
"""


def run_file(bench, name, format, files, samples, size, batch, options=""):
    return bench.config(name, RUN.format(folder=bench.dir / name, format=format, files=files, samples=samples, bytes=size, batch=batch, options=options))


def data_files(bench, name, suffix):
    return sorted(str(p) for p in (bench.dir / name / "train").glob(f"*.{suffix}"))


def peer_program(bench, name, *args, stdin=None):
    """Runs a peer that prints bytes and seconds; bytes per second."""
    argv = [str(bench.build / "tests" / "bench" / name), *args]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{argv[0]}: exit {done.returncode}\n{done.stderr}")
    count, seconds = re.findall(r"[\d.]+", done.stdout)[:2]
    return float(count) / float(seconds)


def python_peer(bench, name, text, *args, python="/usr/bin/python3"):
    script = bench.dir / f"{name}.py"
    script.write_text(text)
    done = subprocess.run([python, str(script), *args], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{script}: exit {done.returncode}\n{done.stderr}")
    return float(done.stdout)


def compare(bench, name, what, ours, theirs, target):
    """ours, theirs: functions that measure once, in bytes (or samples) per second."""
    ratios, a, b = [], [], []
    for _ in range(bench.rounds):
        a.append(ours())
        b.append(theirs())
        ratios.append(a[-1] / b[-1])
    bench.report(name, f"{what} ({statistics.median(a) / GIB:.2f} vs {statistics.median(b) / GIB:.2f} GiB/s)", ratios, target)


H5PY = """import sys, time, h5py
files = sys.argv[1:]
start = time.perf_counter()
total = 0
for f in files:
    with h5py.File(f, 'r') as h:
        total += h['records_0'][...].nbytes
print(total / (time.perf_counter() - start))
"""


def hdf5(bench):
    side = 4096
    for name, files, size, options, target in (
            ("contiguous", bench.files(200), 16 * MIB, "", 1.2),
            ("chunked", bench.files(200), 16 * MIB, f"  hdf5: {{chunk_dims: [1, 256, {side}]}}\n", 2),
            ("small", bench.files(4000), 128 << 10, "", 5)):
        config = run_file(bench, f"hdf5-{name}", "hdf5", files, 1, size, 4, options)
        bench.dlfw("generate", config)
        paths = data_files(bench, f"hdf5-{name}", "hdf5")
        ours = lambda: bytes_per_second(bench.dlfw("run", config))  # noqa: E731
        compare(bench, "hdf5", f"{files} x {size >> 10} KiB {name}, one thread, vs H5Dread", ours, lambda: peer_program(bench, "peer_hdf5", *paths), target)
        if name == "small":
            compare(bench, "hdf5", f"{files} x {size >> 10} KiB {name}, one thread, vs h5py", ours, lambda: python_peer(bench, "h5py_peer", H5PY, *paths), 15)
        shutil.rmtree(bench.dir / f"hdf5-{name}")


TFRECORD_READER = """import struct, sys, time
start = time.perf_counter()
total = 0
for path in sys.argv[1:]:
    with open(path, 'rb', buffering=1 << 20) as f:
        while True:
            head = f.read(12)
            if not head:
                break
            length, _ = struct.unpack('<QI', head)
            total += len(f.read(length)) + 16
            f.read(4)
print(total / (time.perf_counter() - start))
"""


def tfrecord(bench):
    for size, per_file, files, batch in ((114660, 1251, bench.files(20) // 32 or 1 if bench.smoke else 20, 400), (1024, 100000, 2 if bench.smoke else 20, 1000)):
        if bench.smoke:
            per_file //= 20
            batch = 50
        name = f"tfrecord-{size}"
        config = run_file(bench, name, "tfrecord", files, per_file, size, batch)
        bench.dlfw("generate", config)
        paths = data_files(bench, name, "tfrecord")
        ranges = "".join(f"{p} 0 0\n" for p in paths)
        ours = lambda: bytes_per_second(bench.dlfw("run", config))  # noqa: E731
        compare(bench, "tfrecord", f"{size} B records, both CRCs, one thread, vs a plain read", ours, lambda: peer_program(bench, "peer_read", "1", stdin=ranges), 0.6)
        if size == 1024:
            compare(bench, "tfrecord", f"{size} B records, both CRCs, one thread, vs a Python reader without CRC", ours,
                    lambda: python_peer(bench, "tfrecord_peer", TFRECORD_READER, *paths), 4)
        shutil.rmtree(bench.dir / name)


def tfrecord_generation(bench):
    files, per_file = (2, 200) if bench.smoke else (16, 1251)
    config = run_file(bench, "tfrecord-make", "tfrecord", files, per_file, 114660, 400)
    values = []
    for _ in range(bench.rounds):
        shutil.rmtree(bench.dir / "tfrecord-make", ignore_errors=True)
        made = bench.dlfw("generate", config, prefix=("taskset", "-c", "0"))["dlfw"]["generation"]
        values.append(made["bytes"] / made["seconds"] / GIB)
    bench.report("tfrecord", "generation incl. CRC and index, one CPU, page cache", values, 1, "GiB/s")
    shutil.rmtree(bench.dir / "tfrecord-make")


def parquet_ranges(paths, wanted, bench):
    """The selected column chunks and the footers, as peer_read wants them; adjacent chunks joined."""
    script = bench.dir / "ranges.py"
    script.write_text("""import os, sys, pyarrow.parquet as pq
wanted = set(sys.argv[1].split(',')) if sys.argv[1] else None
for path in sys.argv[2:]:
    meta = pq.read_metadata(path)
    for g in range(meta.num_row_groups):
        group, runs = meta.row_group(g), []
        for c in range(group.num_columns):
            chunk = group.column(c)
            if wanted and chunk.path_in_schema.split('.')[0] not in wanted:
                continue
            begin = chunk.dictionary_page_offset or chunk.data_page_offset
            if runs and runs[-1][1] == begin:
                runs[-1][1] += chunk.total_compressed_size
            else:
                runs.append([begin, begin + chunk.total_compressed_size])
        for begin, end in runs:
            print(path, begin, end - begin)
""")
    done = subprocess.run([bench.readers, str(script), ",".join(wanted), *paths], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


DLRM_TYPES = ("hhddshsbhbsSdsbhsSShDdddhSshhsdSdshhdbbbhShSdbdddS" "sbbSssbsHSdhdbshbSHshShsSDhbsdbbsshbhbSbSSHSDdSHbh"
              "hdhsdhhsdsddbhhbBDsbhhbbbhbbsbhsdhhdhSddhSbbdsdSdd" "bbbdDSsbShShShdhdhsBdhbdbbbbhhBdddhdBbhSdbdsdSsddh")
NAMES = {"h": "float16", "s": "float32", "d": "float64", "b": "int8"}


def dlrm_columns():
    """The 200 columns of dlrm_b200: 761 bytes a row, 40 columns read (a capital letter)."""
    return "".join(f"      - {{name: feature_{i:03d}, dtype: {NAMES[c.lower()]}, read: {'true' if c.isupper() else 'false'}}}\n" for i, c in enumerate(DLRM_TYPES))


FLUX = """      - {name: t5_encodings, dtype: float32, size: 524328}
      - {name: clip_encodings, dtype: float32, size: 409}
      - {name: mean, dtype: float32, size: 8232}
      - {name: logvar, dtype: float32, size: 8232}
      - {name: timestamp, dtype: float32, size: 7}
"""


def parquet(bench):
    read = [f"feature_{i:03d}" for i, c in enumerate(DLRM_TYPES) if c.isupper()]
    for name, columns, wanted, files, rows, group, size, batch in (
            ("flux", FLUX, [], 2, 8 if bench.smoke else 96, 48, 2164832, 4),
            ("dlrm", dlrm_columns(), read, 1 if bench.smoke else 4, 6144 * (4 if bench.smoke else 64), 6144, 761, 16384)):
        options = f"  parquet:\n    row_group_size: {group}\n    columns:\n{columns}"
        config = run_file(bench, f"parquet-{name}", "parquet", files, rows, size, batch, options)
        bench.dlfw("generate", config)
        paths = data_files(bench, f"parquet-{name}", "parquet")
        ranges = parquet_ranges(paths, wanted, bench)
        for verify in ("checksums", "none"):
            compare(bench, "parquet", f"{name}-like row groups, raw, verify: {verify}, one thread, vs a plain read of the same ranges",
                    lambda: bytes_per_second(bench.dlfw("run", config, f"++reader.verify={verify}")),  # noqa: B023
                    lambda: peer_program(bench, "peer_read", "3", stdin=ranges), 0.85)  # noqa: B023
        chunks = sum(int(line.split()[2]) for line in ranges.splitlines())
        asked = bench.dlfw("run", config)["dlfw"]["epochs"][0]["bytes_asked"]
        footers = sum(footer_bytes(p) for p in paths)
        bench.report("parquet", f"{name}-like: bytes read over bytes of the selected chunks and footers", [asked / (chunks + footers)], 1.0 + 1e-9, at_least=False)
        shutil.rmtree(bench.dir / f"parquet-{name}")


def footer_bytes(path):
    with open(path, "rb") as f:
        f.seek(-8, 2)
        return int.from_bytes(f.read(4), "little") + 8


def checksums(bench):
    done = subprocess.run([str(bench.build / "tests" / "bench" / "bench_content")], capture_output=True, text=True, check=True)
    rate = {}
    for kind, path, value in re.findall(r"^(crc32c?)\s+(\S+)\s+([\d.]+)", done.stdout, re.M):
        rate.setdefault(kind, {})[path] = float(value)
    for kind, peers in (("crc32c", ("isa-l",)), ("crc32", ("isa-l", "libdeflate"))):
        own = max(v for p, v in rate[kind].items() if p not in ("isa-l", "libdeflate", "zlib"))
        bench.report("checksums", f"{kind}, hot 256 KiB, one core", [own], 20, "GiB/s")
        for peer in peers:
            bench.report("checksums", f"{kind} vs {peer} ({rate[kind][peer]:.1f} GiB/s)", [own / rate[kind][peer]], 1)


ROWS = {"hdf5": hdf5, "tfrecord": tfrecord, "tfrecord-make": tfrecord_generation, "parquet": parquet, "checksums": checksums}
