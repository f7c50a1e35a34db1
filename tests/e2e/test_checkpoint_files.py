# SPDX-License-Identifier: Apache-2.0
"""Checkpoints in DLIO's files: what PyTorch reads, training and checkpoint-only runs, failures and kills."""
import json
import os
import random
import re
import resource
import signal
import subprocess
import time
import unittest
import zipfile

from support import SOURCE, EndToEnd

TORCH = "/usr/bin/python3"  # the one with torch and numpy

LLAMA = """model:
  name: llama_scaled
  type: transformer
  num_layers: 2
  model_datatype: fp16
  optimizer_datatype: fp32
  parallelism: {{pipeline: 1, tensor: 1, zero_stage: 3}}
  transformer: {{vocab_size: 50, hidden_size: 16, ffn_hidden_size: 24, num_attention_heads: 4, num_kv_heads: 2}}
framework: pytorch
workflow: {{generate_data: False, train: False, checkpoint: True}}
checkpoint:
  checkpoint_folder: {folder}/ck
  num_checkpoints_write: 2
  num_checkpoints_read: 2
  fsync: True
"""

TRAIN = """model:
  name: bert_scaled
  model_size_bytes: 70001
framework: pytorch
workflow: {{generate_data: True, train: True, checkpoint: True}}
dataset: {{data_folder: "{folder}/data", format: npz, num_files_train: 12, record_length_bytes: 1024}}
reader: {{data_loader: pytorch, batch_size: 2, read_threads: 1}}
train: {{epochs: 2, computation_time: 0.001}}
checkpoint:
  checkpoint_folder: {folder}/ck
  steps_between_checkpoints: 2
"""

# Loads the files named on the command line and prints what is in them; values as the sum of their bytes and the first ones.
DUMP = """
import inspect, json, sys, zlib
import torch
def flat(prefix, value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(prefix + [key], item)
    else:
        raw = bytes(value.contiguous().view(torch.uint8).numpy()) if value.dtype != torch.bool else b""
        yield {"key": prefix, "dtype": str(value.dtype), "shape": list(value.shape), "crc": zlib.crc32(raw), "ptr": value.data_ptr(),
               "low": float(value.double().min()), "high": float(value.double().max())}
modes = [False, True] if "weights_only" in inspect.signature(torch.load).parameters else [None]
for path in sys.argv[1:]:
    results = []
    for mode in modes:
        state = torch.load(path) if mode is None else torch.load(path, weights_only=mode)
        results.append(list(flat([], state)))
    strip = lambda rows: [{k: v for k, v in row.items() if k != "ptr"} for row in rows]
    assert all(strip(rows) == strip(results[0]) for rows in results), path
    print(json.dumps(results[0]))
"""

# The values as the manual page defines them, from the content stream of docs/content.md; prints the CRC-32 of each tensor.
EXPECT = """
import json, re, sys, zlib
import numpy
text = open(sys.argv[1]).read()
scope = {}
exec(re.search(r"```python\\n(.*?)```", text, re.S).group(1), scope)
WIDTH = {"torch.float16": 2, "torch.bfloat16": 2, "torch.float32": 4, "torch.float64": 8, "torch.int8": 1, "torch.uint8": 1}
def fnv(text):
    h = 0xcbf29ce484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001b3 % 2**64
    return h
for name, group, key, dtype, count in json.load(sys.stdin):
    raw = scope["content"](1, fnv(f"{name}/{group}/{key}/"), 0, count * WIDTH[dtype])
    if dtype == "torch.float16":
        raw = ((numpy.frombuffer(raw, "<u2") >> 5) / 2048).astype("<f2").tobytes()
    elif dtype == "torch.bfloat16":
        raw = (((numpy.frombuffer(raw, "<u2") >> 8) / 256).astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    elif dtype == "torch.float32":
        raw = ((numpy.frombuffer(raw, "<u4") >> 8) / 2**24).astype("<f4").tobytes()
    elif dtype == "torch.float64":
        raw = ((numpy.frombuffer(raw, "<u8") >> numpy.uint64(12)) / 2**52).astype("<f8").tobytes()
    print(zlib.crc32(raw))
"""


class CheckpointFiles(EndToEnd):
    def torch_dump(self, *paths):
        done = subprocess.run([TORCH, "-W", "ignore", "-c", DUMP, *map(str, paths)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def expected_crcs(self, name, rows):
        wanted = [[name, "/".join(row["key"][:-1]), row["key"][-1], row["dtype"], row["shape"][0]] for row in rows]
        done = subprocess.run([TORCH, "-c", EXPECT, str(SOURCE / "docs/content.md")], input=json.dumps(wanted), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [int(line) for line in done.stdout.split()]

    def checkpoints(self):
        root = self.folder / "ck"
        return {d.name: sorted(f.name for f in d.iterdir()) for d in sorted(root.iterdir())} if root.exists() else {}

    def run_llama(self, *overrides, **more):
        return self.run_job(self.write(LLAMA), *overrides, **more)

    def assert_values(self, path, rows):
        self.assertEqual([row["crc"] for row in rows], self.expected_crcs(path.name.rsplit(".", 1)[0], rows))

    def test_torch_reads_names_shapes_types_and_values(self):
        self.assert_good(self.run_llama("++checkpoint.verify=all"))
        self.assertEqual(self.checkpoints(), {f"global_epoch1_step{i}": ["zero_pp_rank_0_mp_rank_0_model_states.pt", "zero_pp_rank_0_mp_rank_0_optim_states.pt"]
                                              for i in (1, 2)})
        paths = sorted((self.folder / "ck/global_epoch1_step2").iterdir())
        model, optimizer = self.torch_dump(*paths)
        layer = [16, 16 * (16 + 2 * 8), 256, 16, 2 * 16 * 24, 16 * 24]
        wanted = [(["0", "0"], 800), *((["%d" % i, "%d" % k], layer[k]) for i in (1, 2) for k in range(6)), (["3", "0"], 800), (["4", "0"], 16)]
        self.assertEqual([(row["key"], row["shape"][0]) for row in model], wanted)
        self.assertEqual({row["dtype"] for row in model}, {"torch.float16"})
        parameters = sum(count for _, count in wanted)
        self.assertEqual([(row["key"], row["shape"]) for row in optimizer], [([str(i)], [80 if i % 2 else parameters]) for i in range(6)])
        self.assertEqual({row["dtype"] for row in optimizer}, {"torch.float32"})
        self.assert_values(paths[0], model)
        self.assert_values(paths[1], optimizer)

    def test_every_element_type(self):
        for model, optimizer in (("bf16", "fp64"), ("int8", "uint8"), ("fp32", "fp16")):
            self.assert_good(self.run_llama(f"++model.model_datatype={model}", f"++model.optimizer_datatype={optimizer}", "++checkpoint.verify=all",
                                            f"++checkpoint.checkpoint_folder={self.folder}/{model}"))
            for path in sorted((self.folder / model / "global_epoch1_step1").iterdir()):
                rows, = self.torch_dump(path)
                self.assert_values(path, rows)

    def test_ones(self):
        self.assert_good(self.run_llama("++checkpoint.randomize_tensor=false", "++checkpoint.verify=all"))
        for rows in self.torch_dump(*(self.folder / "ck/global_epoch1_step1").iterdir()):
            self.assertEqual({(row["low"], row["high"]) for row in rows}, {(1.0, 1.0)})

    def test_explicit_layers_share_storage(self):
        self.assert_good(self.run_llama("++model.type=megatron", "++model.layer_parameters=[40,7]", "++model.optimization_groups=[30,5]",
                                        "++model.model_size_bytes=999", "++model.parallelism.zero_stage=1"))
        folder = self.folder / "ck/global_epoch1_step1"
        self.assertEqual(self.checkpoints()[folder.name], ["model_0_model_states.pt", "model_states-0.pt", "zero_pp_rank_0_mp_rank_0_optim_states.pt"])
        layers, blob, optimizer = self.torch_dump(*sorted(folder.iterdir()))
        self.assertEqual([(row["key"], row["shape"]) for row in layers], [([i, k], [n]) for i in ("1", "2") for k, n in (("0", 40), ("1", 7))])
        self.assertEqual(layers[0]["ptr"], layers[2]["ptr"])
        self.assertEqual([(row["key"], row["dtype"], row["shape"]) for row in blob], [(["a"], "torch.int8", [999])])
        self.assertEqual([(row["key"], row["shape"]) for row in optimizer],
                         [(["0", "a"], [30]), (["0", "b"], [30]), (["1", "a"], [5]), (["1", "b"], [5]), (["combined"], [35])])

    def test_zip_tools_agree(self):
        self.assert_good(self.run_llama())
        for path in (self.folder / "ck/global_epoch1_step1").iterdir():
            with zipfile.ZipFile(path) as archive:
                self.assertIsNone(archive.testzip())
                self.assertEqual(archive.read("archive/version"), b"3\n")

    def test_raw_is_the_same_tensors_without_container(self):
        self.assert_good(self.run_llama())
        self.assert_good(self.run_llama("++checkpoint.container=raw", "++checkpoint.verify=all", f"++checkpoint.checkpoint_folder={self.folder}/raw"))
        for path in (self.folder / "ck/global_epoch1_step1").iterdir():
            with zipfile.ZipFile(path) as archive:
                tensors = sum(name.startswith("archive/data/") for name in archive.namelist())
                wanted = b"".join(archive.read(f"archive/data/{i}") for i in range(tensors))
            self.assertEqual((self.folder / "raw/global_epoch1_step1" / path.name).read_bytes(), wanted)

    def test_files_that_torch_has_written_are_loaded(self):
        self.assert_good(self.run_llama())
        for path in (self.folder / "ck").rglob("*.pt"):
            code = "import sys, torch; torch.save(torch.load(sys.argv[1]), sys.argv[2])"
            subprocess.run([TORCH, "-W", "ignore", "-c", code, str(path), str(path) + "2"], check=True, timeout=60)
            os.replace(str(path) + "2", path)
        self.assert_good(self.run_llama("++checkpoint.num_checkpoints_write=0", "++checkpoint.verify=all"))

    def test_pipeline_stage_of_a_larger_grid(self):
        self.assert_good(self.run_llama("++checkpoint.mode=subset", "++model.parallelism.data=2", "++model.parallelism.pipeline=2", "++model.parallelism.tensor=2",
                                        "++model.parallelism.zero_stage=1", "++checkpoint.verify=all"))
        self.assertEqual(self.checkpoints()["global_epoch1_step1"],
                         ["layer_0-model_0_model_states.pt", "layer_1-model_0_model_states.pt", "zero_pp_rank_0_mp_rank_0_optim_states.pt"])

    def test_ranks_that_do_not_fit(self):
        result = self.run_llama("++model.parallelism.tensor=8", "++model.parallelism.zero_stage=1")
        self.assert_fails(result, "1 ranks are no multiple of", "checkpoint.mode: subset")
        self.assertEqual(self.checkpoints(), {})

    def test_training_by_steps(self):
        self.assert_good(self.run_job(self.write(TRAIN), "++checkpoint.verify=all"))
        self.assertEqual(self.checkpoints(), {f"global_epoch{e}_step{s}": ["model_states-0.pt"] for e in (1, 2) for s in (2, 4, 6)})
        rows, = self.torch_dump(self.folder / "ck/global_epoch2_step6/model_states-0.pt")
        self.assertEqual([(row["key"], row["dtype"], row["shape"]) for row in rows], [(["a"], "torch.int8", [70001])])

    def test_training_by_epochs_names_the_step_after(self):
        self.assert_good(self.run_job(self.write(TRAIN), "++checkpoint.steps_between_checkpoints=-1", "++checkpoint.checkpoint_after_epoch=2",
                                      "++framework=tensorflow", "++reader.data_loader=tensorflow", "++dataset.format=npz"))
        self.assertEqual(self.checkpoints(), {"global_epoch2_step7": ["model_states-0.pb"]})

    def test_keep_last(self):
        self.assert_good(self.run_job(self.write(TRAIN), "++checkpoint.keep_last=2"))
        self.assertEqual(list(self.checkpoints()), ["global_epoch2_step4", "global_epoch2_step6"])

    def test_damage_is_found(self):
        self.assert_good(self.run_llama())
        path = self.folder / "ck/global_epoch1_step2/zero_pp_rank_0_mp_rank_0_optim_states.pt"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        result = self.run_llama("++checkpoint.num_checkpoints_write=0")
        self.assert_fails(result, path.name, "CRC-32")

    def test_no_permission(self):
        """The folder cannot be written: one error, nothing begun. Run as somebody who is not root."""
        (self.folder / "ck").mkdir(mode=0o555)
        os.chmod(self.folder, 0o777)
        if os.geteuid() == 0:
            self.results = self.folder / "results"
            self.results.mkdir()
            os.chmod(self.results, 0o777)
        result = self.run_llama(preexec_fn=(lambda: os.setuid(65534)) if os.geteuid() == 0 else None)
        self.assert_fails(result, "ck")
        self.assertEqual(self.checkpoints(), {})

    def test_failing_storage_takes_the_whole_checkpoint_back(self):
        """One file's name is taken by a folder, so its commit fails after others may have succeeded."""
        blocked = self.folder / "ck/global_epoch1_step2/zero_pp_rank_0_mp_rank_0_optim_states.pt"
        (blocked / "inside").mkdir(parents=True)
        result = self.run_llama("++checkpoint.threads=1")
        self.assertNotEqual(result.status, 0)
        self.assertEqual(len(re.findall(r"^dlfw: error:", result.err, re.M)), 1, result.err)
        found = self.checkpoints()
        self.assertEqual(len(found["global_epoch1_step1"]), 2)
        self.assertEqual(found["global_epoch1_step2"], [blocked.name])

    def test_failing_part(self):
        """No file may grow beyond 32 KiB: the model's files are complete when a part of the optimizer's is refused."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (32768, 32768))

        result = self.run_llama("++checkpoint.threads=1", preexec_fn=limit)
        self.assert_fails(result, "optim_states.pt")
        self.assertIn("files of it that were complete have been removed", result.err)
        self.assertEqual(self.checkpoints(), {})
        self.assertEqual([path for path in self.folder.rglob("*") if "states" in path.name], [])

    def test_kill(self):
        """Whatever has a final name after kill -9 is whole."""
        config = self.write(LLAMA)
        size = ["++model.transformer.hidden_size=128", "++model.num_layers=12", "++checkpoint.num_checkpoints_write=400", "++checkpoint.num_checkpoints_read=0",
                "++checkpoint.fsync=false", f"++output.folder={self.results}"]
        plain = random.Random(4)
        files = 0
        for _ in range(20):
            process = self.start("run", config, *size)
            self.wait_for(lambda: (self.folder / "ck").exists() and any((self.folder / "ck").rglob("*.pt")))
            time.sleep(plain.random() * 0.05)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
            for path in (self.folder / "ck").rglob("*_states.pt"):
                with zipfile.ZipFile(path) as archive:
                    self.assertIsNone(archive.testzip(), path)
                files += 1
            subprocess.run(["rm", "-rf", str(self.folder / "ck"), str(self.results)], check=True)
        self.assertGreaterEqual(files, 20)  # one at least in each round

    def test_interrupt_while_waiting(self):
        process = self.start("run", self.write(LLAMA), "++checkpoint.time_between_checkpoints=60", f"++output.folder={self.results}")
        time.sleep(0.5)
        began = time.monotonic()
        status, _, err = self.stop(process)
        self.assertLess(time.monotonic() - began, 5)
        self.assertNotEqual(status, 0, err)
        self.assertEqual(self.checkpoints(), {})


if __name__ == "__main__":
    unittest.main()
