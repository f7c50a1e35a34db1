# SPDX-License-Identifier: Apache-2.0
"""Stored checkpoints as others see them: read by zstd and by this file's own decoder, written by hand and loaded; the commands."""
import json
import os
import resource
import signal
import struct
import subprocess
import unittest

from support import SANITIZED, SMALL, EndToEnd

MODEL = """model:
  name: store
  model_size_bytes: 0
  num_layers: 2
  model_datatype: fp16
  optimizer_datatype: fp32
  transformer:
    vocab_size: 100
    hidden_size: 32
    ffn_hidden_size: 64
    num_attention_heads: 8
    num_kv_heads: 8
"""
CHECKPOINTS = """checkpoint:
  plugin: checkpoint_store
  checkpoint_folder: {folder}/ck
  num_checkpoints_write: 2
  num_checkpoints_read: 2
  time_between_checkpoints: 0
  part_size: 64KiB
  verify: all
"""
ALONE = MODEL + "framework: pytorch\nworkflow:\n  generate_data: False\n  train: False\n  checkpoint: True\n" + CHECKPOINTS
TRAINING = SMALL.replace("model:\n  name: small\n", MODEL).replace("  train: True\n", "  train: True\n  checkpoint: True\n") + CHECKPOINTS

CRC_TABLE = []
for value in range(256):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    CRC_TABLE.append(value)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def zstd(data, *options):
    done = subprocess.run(["zstd", "-q", "-c", *options], input=data, capture_output=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


def float_frame(frame):
    """One frame of a .dlf shard, as docs/checkpoint-store.md describes it: the raw bytes."""
    magic, width, coded, zero, raw_bytes, payload_bytes, raw_crc, zeros, header_crc = struct.unpack("<4sBBHIII8sI", frame[:32])
    payload = frame[32:]
    assert magic == b"DLF\x01" and zero == 0 and not any(zeros) and header_crc == crc32c(frame[:28])
    assert len(payload) == payload_bytes and width in (1, 2, 4, 8)
    if coded == 0:
        raw = payload
    else:
        count, planes, at = raw_bytes // width, {}, 0
        for p in range(width):
            if not coded >> p & 1:
                planes[p] = payload[at : at + count]
                at += count
        for p in range(width):
            if coded >> p & 1:
                (size,) = struct.unpack_from("<I", payload, at)
                planes[p] = zstd(payload[at + 4 : at + 4 + size], "-d")
                at += 4 + size
        numbers = bytearray()
        for i in range(count):
            v = sum(planes[p][i] << 8 * p for p in range(width))
            numbers += ((v >> 1 | v << 8 * width - 1) & (1 << 8 * width) - 1).to_bytes(width, "little") if width > 1 else bytes([v])
        raw = bytes(numbers) + payload[at:]
    assert len(raw) == raw_bytes and crc32c(raw) == raw_crc
    return raw


def parts_of(shard):
    """(raw size, stored size, CRC-32C) of each part of a manifest's shard."""
    table = shard["parts"]
    raw = [size for count, size in table["raw_size"] for _ in range(count)]
    crcs = [int(table["crc32c"][i : i + 8], 16) for i in range(0, len(table["crc32c"]), 8)]
    stored = [int(table["stored_size"][i : i + 8], 16) for i in range(0, len(table["crc32c"]), 8)] if "stored_size" in table else raw
    assert len(raw) == len(crcs) == len(stored)
    return list(zip(raw, stored, crcs))


class Layout(EndToEnd):
    def save(self, *overrides):
        self.assert_good(self.run_job(self.write(ALONE), *overrides))
        return self.latest()

    def latest(self):
        self.store = self.folder / "ck"
        latest = json.loads((self.store / "latest.json").read_text())
        self.assertEqual(set(latest), {"manifest_key", "global_step", "ts"})
        manifest = json.loads((self.store / latest["manifest_key"]).read_text())
        self.name = os.path.basename(latest["manifest_key"])[: -len(".json")]
        self.assertEqual(self.name, f"ckpt-{latest['global_step']}-{latest['ts']}")
        self.assertEqual(json.loads((self.store / "latest" / f"{self.name}.json").read_text()), latest)
        return manifest

    def check_parts(self, shard, decode):
        """Every checksum of the shard, with a CRC of our own; returns its raw bytes."""
        data = (self.store / shard["key"]).read_bytes()
        self.assertEqual(len(data), shard["size"])
        self.assertEqual(shard["checksum"], f"crc32c:{crc32c(data):08x}")
        raw, at = b"", 0
        for raw_size, stored_size, crc in parts_of(shard):
            part = decode(data[at : at + stored_size])
            self.assertEqual((len(part), crc32c(part)), (raw_size, crc))
            raw += part
            at += stored_size
        self.assertEqual(len(raw), shard["raw_size"])
        return raw

    def test_manifest_is_the_documented_one(self):
        manifest = self.save("++checkpoint.user_meta={run: first}")
        self.assertEqual({k: manifest[k] for k in ("format_version", "framework", "global_step", "epoch", "world_size", "status", "user_meta")},
                         {"format_version": 1, "framework": "pytorch", "global_step": 2, "epoch": 1, "world_size": 1, "status": "complete",
                          "user_meta": {"run": "first"}})
        self.assertRegex(manifest["wall_time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        (shard,) = manifest["shards"]
        self.assertEqual((shard["rank"], shard["etag"], shard["key"]), (0, None, f"shards/{self.name}/rank-0.bin"))
        self.check_parts(shard, bytes)

    def test_every_codec_holds_the_same_bytes(self):
        plain = self.check_parts(self.save()["shards"][0], bytes)
        (shard,) = self.save("++checkpoint.compress=zstd")["shards"]
        self.assertEqual(self.check_parts(shard, lambda part: zstd(part, "-d")), plain)
        self.assertEqual(zstd((self.store / shard["key"]).read_bytes(), "-d"), plain)  # the whole shard, by any zstd
        self.assertLess(shard["size"], len(plain))
        (shard,) = self.save("++checkpoint.compress=float")["shards"]
        self.assertTrue(shard["key"].endswith(".dlf"))
        self.assertEqual(self.check_parts(shard, float_frame), plain)

    def test_incompressible_bytes_are_stored(self):
        config = self.write(ALONE.replace("model_datatype: fp16", "model_datatype: int8").replace("optimizer_datatype: fp32", "optimizer_datatype: int8"))
        self.assert_good(self.run_job(config, "++checkpoint.compress=zstd"))
        (shard,) = self.latest()["shards"]
        self.assertLess(shard["size"], shard["raw_size"] * 1.001)
        self.assertEqual(len(zstd((self.store / shard["key"]).read_bytes(), "-d")), shard["raw_size"])

    def test_strategies(self):
        self.assertEqual(self.save("++checkpoint.strategy=round_robin")["shards"][0]["key"], f"shards/rr/00/{self.name}/rank-0.bin")
        self.assertEqual(self.save("++checkpoint.strategy=binary")["shards"][0]["key"], f"shards/bin/0000/{self.name}/rank-0.bin")

    def test_direct_io(self):
        folder = self.folder / "ck"
        self.assert_good(self.run_job(self.write(ALONE), f"++checkpoint.checkpoint_folder=direct://{folder}", "++checkpoint.fsync=True"))
        self.check_parts(self.latest()["shards"][0], bytes)

    def test_folder_of_others_loads(self):
        plain = self.check_parts(self.save()["shards"][0], bytes)
        for suffix, data in (("", plain), (".zst", zstd(plain, "-3")), (".zst", zstd(plain[:100000]) + zstd(plain[100000:], "-19"))):
            folder = self.folder / f"theirs{len(data)}"
            name = "ckpt-7-20250102-030405"
            key = f"shards/bin/0000/{name}/rank-0.bin{suffix}"
            for path in (f"shards/bin/0000/{name}", "manifests", "latest"):
                (folder / path).mkdir(parents=True)
            (folder / key).write_bytes(data)
            manifest = {"format_version": 1, "framework": "jax", "global_step": 7, "epoch": 1, "wall_time": "2025-01-02T03:04:05.123456+00:00",
                        "world_size": 1, "shards": [{"rank": 0, "key": key, "size": len(data), "etag": '"x"', "checksum": None}],
                        "status": "complete", "user_meta": None}
            (folder / f"manifests/{name}.json").write_text(json.dumps(manifest))
            latest = json.dumps({"manifest_key": f"manifests/{name}.json", "global_step": 7, "ts": "20250102-030405"})
            (folder / "latest.json").write_text(latest)
            (folder / f"latest/{name}.json").write_text(latest)
            load = [f"++checkpoint.checkpoint_folder={folder}", "++checkpoint.num_checkpoints_write=0", "++checkpoint.num_checkpoints_read=1",
                    "++checkpoint.load_from=latest"]
            self.assert_good(self.run_job(self.write(ALONE), *load))
            self.assert_good(self.dlfw("checkpoint", "verify", folder))
            (folder / key).write_bytes(data[:-1])
            self.assert_fails(self.run_job(self.write(ALONE), *load), key)


class Commands(EndToEnd):
    def setUp(self):
        super().setUp()
        self.store = self.folder / "ck"
        self.assert_good(self.run_job(self.write(ALONE), "++checkpoint.num_checkpoints_write=3", "++checkpoint.compress=zstd"))

    def listed(self):
        result = self.dlfw("checkpoint", "list", self.store, "--json")
        self.assert_good(result)
        return json.loads(result.out)["checkpoints"]

    def shard(self, step):
        (path,) = self.store.glob(f"shards/ckpt-{step}-*/rank-0.bin.zst")
        return path

    def test_list(self):
        found = self.listed()
        self.assertEqual([c["global_step"] for c in found], [1, 2, 3])
        self.assertEqual([c["latest"] for c in found], [False, False, True])
        self.assertEqual({c["codec"] for c in found}, {"zstd"})
        text = self.dlfw("checkpoint", "list", self.store).out
        self.assertIn(found[2]["name"], text)
        self.assertIn("latest", text)

    def test_verify(self):
        self.assert_good(self.dlfw("checkpoint", "verify", self.store, "--all"))
        data = bytearray(self.shard(2).read_bytes())
        data[len(data) // 2] ^= 1
        self.shard(2).write_bytes(data)
        result = self.dlfw("checkpoint", "verify", self.store, "--all", "--json")
        self.assertEqual(result.status, 1)
        self.assertEqual([c["ok"] for c in json.loads(result.out)["checkpoints"]], [True, False, True])
        self.assert_good(self.dlfw("checkpoint", "verify", self.store))
        self.assertEqual(self.dlfw("checkpoint", "verify", self.store, "--step", "2").status, 1)

    def test_restore(self):
        out = self.folder / "out"
        self.assert_good(self.dlfw("checkpoint", "restore", self.store, "--step", "1", "--to", out))
        self.assertEqual((out / "rank-0.bin").read_bytes(), zstd(self.shard(1).read_bytes(), "-d"))
        self.shard(3).write_bytes(self.shard(3).read_bytes()[:-5] + b"12345")
        self.assert_fails(self.dlfw("checkpoint", "restore", self.store, "--to", self.folder / "bad"), "ckpt-3-")
        self.assertEqual([p for p in (self.folder / "bad").rglob("*") if p.is_file()], [])

    def test_rm(self):
        last = self.listed()[2]["name"]
        self.assert_good(self.dlfw("checkpoint", "rm", self.store, last, "--dry-run"))
        self.assertEqual(len(self.listed()), 3)
        self.assert_good(self.dlfw("checkpoint", "rm", self.store, last))
        self.assertEqual([(c["global_step"], c["latest"]) for c in self.listed()], [(1, False), (2, True)])
        self.assertFalse((self.store / "shards" / last).exists())
        self.assert_good(self.dlfw("checkpoint", "verify", self.store))
        self.assert_good(self.dlfw("checkpoint", "rm", self.store, "--all"))
        self.assertEqual([p for p in self.store.rglob("*") if p.is_file()], [])
        self.assert_fails(self.dlfw("checkpoint", "verify", self.store), "no latest checkpoint")

    def test_mistakes(self):
        self.assertEqual(self.dlfw("checkpoint", "rm", self.store).status, 2)
        self.assertEqual(self.dlfw("checkpoint", "restore", self.store).status, 2)
        self.assert_fails(self.dlfw("checkpoint", "verify", self.store, "--step", "9"), "step 9")
        self.assert_fails(self.dlfw("checkpoint", "list", self.store, "--hook", "metrics"), "'metrics'", "no tools")

    def test_retention(self):
        self.assert_good(self.run_job(self.write(ALONE), "++checkpoint.keep_last=2", "++checkpoint.num_checkpoints_read=0"))
        self.assertEqual([c["global_step"] for c in self.listed()], [1, 2])
        self.assertEqual(len(list(self.store.glob("shards/*"))), 2)


class Training(EndToEnd):
    def test_background(self):
        result = self.run_job(self.write(TRAINING), "++checkpoint.background=True", "++checkpoint.steps_between_checkpoints=2",
                              "++checkpoint.compress=float")
        self.assert_good(result)
        report = result.summary()["dlfw"]["checkpoints"]
        self.assertEqual(len(report["saves"]), 2)  # 3 steps in each of 2 epochs
        self.assertTrue(all(0 < c["stall_ns"] <= c["seconds"] * 1e9 for c in report["saves"]))
        self.assertLess(report["save"]["stored_bytes"], report["save"]["bytes"])
        listed = json.loads(self.dlfw("checkpoint", "list", self.folder / "ck", "--json").out)["checkpoints"]
        self.assertEqual([c["global_step"] for c in listed], [2, 5])
        self.assert_good(self.dlfw("checkpoint", "verify", self.folder / "ck", "--all"))


class Failures(EndToEnd):
    """Storage that fails in the middle: the run says so, what was complete stays and loads, nothing else is there."""

    SIZE = "++model.model_size_bytes=2000000"

    def setUp(self):
        super().setUp()
        self.store = self.folder / "ck"
        self.config = self.write(ALONE)

    def save(self, *overrides, **more):
        return self.run_job(self.config, "++checkpoint.num_checkpoints_read=0", self.SIZE, *overrides, **more)

    def assert_whole(self, count):
        found = json.loads(self.dlfw("checkpoint", "list", self.store, "--json").out)["checkpoints"]
        self.assertTrue(all(c["complete"] for c in found), found)
        names = {c["name"] for c in found}
        self.assertGreaterEqual(len(names), count)
        self.assertEqual(sum(c["latest"] for c in found), 1 if names else 0)
        files = {p for p in self.store.rglob("*") if p.is_file()}
        for path in files:
            self.assertTrue(path.name == "latest.json" or any(name in str(path) for name in names), path)
        if names:
            self.assert_good(self.dlfw("checkpoint", "verify", self.store, "--all"))
            self.assert_good(self.run_job(self.config, self.SIZE, "++checkpoint.num_checkpoints_write=0", "++checkpoint.num_checkpoints_read=1",
                                          "++checkpoint.load_from=latest"))
        self.assertIn("nothing to clean", self.dlfw("clean", self.store).out)

    def test_failing_operations(self):
        self.assert_good(self.save("++checkpoint.num_checkpoints_write=1"))
        for ops, every in (("part", 3), ("part", 11), ("begin", 1), ("begin", 2), ("commit", 1), ("put", 2), ("put", 3), ("put", 4), ("put", 5), ("put", 6), ("put", 7)):
            for compress in ("none", "zstd"):
                with self.subTest(ops=ops, every=every, compress=compress):
                    wrap = f"++storage.wrap=[{{error: {{ops: [{ops}], every: {every}, status: no_space}}}}]"
                    result = self.save("++checkpoint.num_checkpoints_write=3", f"++checkpoint.compress={compress}", wrap)
                    self.assertEqual(result.status, 1, result.err)
                    self.assert_whole(1)

    def test_full_disk(self):
        self.assert_good(self.save("++checkpoint.num_checkpoints_write=1"))
        for limit in (1000, 65536, 1000000, 2300000):

            def full(limit=limit):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

            result = self.save(preexec_fn=full)
            self.assertEqual(result.status, 1, result.err)
            self.assertIn("rank-0.bin", result.err)
            self.assert_whole(1)

    def test_folder_that_cannot_be_written(self):
        (self.store).write_text("a file where the folder should be")
        self.assert_fails(self.save(), "ck")

    def test_stopped(self):
        process = self.start("run", self.config, f"++output.folder={self.results}", "++model.model_size_bytes=4000000000", "++checkpoint.compress=zstd")
        self.wait_for(lambda: list(self.store.glob("shards/*/.rank*")))
        status, _, err = self.stop(process)
        self.assertEqual(status, 130, err)
        self.assert_whole(0)


class Memory(EndToEnd):
    def test_memory_is_that_of_parts_in_flight(self):
        """8 GiB of ones, which compress to nothing, by a program that cannot have more than 1 GiB of addresses (a sanitizer needs more)."""
        text = ALONE.replace("model_size_bytes: 0", "model_size_bytes: 8589934592").replace("part_size: 64KiB", "part_size: 1MiB")
        limit = resource.RLIM_INFINITY if SANITIZED else 1 << 30
        result = self.run_job(self.write(text), "++checkpoint.randomize_tensor=False", "++checkpoint.compress=zstd", "++checkpoint.memory_budget=64MiB",
                              "++checkpoint.num_checkpoints_write=1", "++checkpoint.num_checkpoints_read=0",
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assert_good(result)
        self.assertLess(result.summary()["dlfw"]["memory"]["peak_bytes"], (512 if SANITIZED else 128) << 20)
        listed = json.loads(self.dlfw("checkpoint", "list", self.folder / "ck", "--json").out)["checkpoints"]
        self.assertGreater(listed[0]["raw_bytes"], 8 << 30)


if __name__ == "__main__":
    unittest.main()
