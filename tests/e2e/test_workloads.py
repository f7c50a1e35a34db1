# SPDX-License-Identifier: Apache-2.0
"""The stock workloads of examples/dlio, with nothing but sizes overridden: generate, train, checkpoint, all content verified."""
import pathlib
import unittest

from support import EndToEnd

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "dlio"
LLAMA = ["model.num_layers=2", "model.transformer.vocab_size=512", "model.transformer.hidden_size=128", "model.transformer.ffn_hidden_size=256",
         "model.transformer.num_attention_heads=8", "model.transformer.num_kv_heads=2", "checkpoint.time_between_checkpoints=0",
         "checkpoint.num_checkpoints_write=2", "checkpoint.num_checkpoints_read=2"]
UNET3D = ["dataset.num_files_train=14", "dataset.record_length_bytes=146600", "dataset.record_length_bytes_stdev=68341"]
RESNET50 = ["dataset.num_files_train=2", "dataset.num_samples_per_file=200", "reader.batch_size=100"]
COSMOFLOW = ["dataset.num_files_train=8"]
RETINANET = ["dataset.num_files_train=48"]
DLRM = ["dataset.num_files_train=2", "dataset.num_samples_per_file=24576"]
SMALL_DLRM = ["dataset.num_files_train=256", "reader.batch_size=64"]
FLUX = ["dataset.num_files_train=2", "dataset.num_samples_per_file=8", "reader.batch_size=4"]
ENDPOINTS = ["storage.storage_type=local_fs", "storage.storage_root={folder}/a", "storage.endpoint_uris=[{folder}/a,{folder}/b]",
             "dataset.num_files_train=16"]
SCALED = {
    "default": [],
    "unet3d_v100": UNET3D, "unet3d_a100": UNET3D, "unet3d_h100": UNET3D, "unet3d_b200": UNET3D,
    "resnet50_a100": RESNET50, "resnet50_h100": RESNET50, "resnet50_v100": RESNET50, "resnet50_tf": RESNET50,
    "cosmoflow_v100": COSMOFLOW, "cosmoflow_a100": COSMOFLOW, "cosmoflow_h100": COSMOFLOW,
    "bert_v100": ["dataset.num_files_train=4", "dataset.num_samples_per_file=1000", "train.total_training_steps=40",
                  "checkpoint.steps_between_checkpoints=20", "model.model_size_bytes=4034713"],
    "dlrm": ["dataset.num_samples_per_file=8", "dataset.record_length_bytes=671088"],
    "retinanet_b200": RETINANET, "retinanet_mi355": RETINANET, "retinanet_h100": RETINANET, "retinanet_a100": RETINANET,
    "dlrm_b200": DLRM, "dlrm_mi355": DLRM,
    "dlrm_h100": SMALL_DLRM, "dlrm_a100": SMALL_DLRM, "dlrm_parquet_h100": SMALL_DLRM, "dlrm_parquet_a100": SMALL_DLRM,
    "flux_b200": FLUX, "flux_mi355": FLUX, "flux_h100": ["dataset.num_files_train=16"], "flux_a100": ["dataset.num_files_train=16"],
    "parquet_selective_read_example": ["dataset.num_files_train=4", "dataset.num_samples_per_file=200"],
    "megatron_deepspeed_LLNL": ["dataset.num_samples_per_file=20000", "train.total_training_steps=100", "workflow.checkpoint=False"],
    "multi_endpoint_roundrobin": ENDPOINTS, "multi_endpoint_mpi": ENDPOINTS,
    "plugin_default": ["compat.legacy_keys=True"], "pt_custom_checkpoint": ["compat.legacy_keys=True"],
    "llama_7b": LLAMA, "llama_7b_zero3": LLAMA, "llama_8b_zero3": LLAMA, "llama3_8b": LLAMA,
}
# Generation alone, and a file that trains on what it made.
DATAGEN = {"unet3d": ("unet3d_h100", UNET3D), "resnet50": ("resnet50_h100", RESNET50), "cosmoflow": ("cosmoflow_h100", COSMOFLOW),
           "retinanet": ("retinanet_b200", RETINANET), "dlrm": ("dlrm_b200", DLRM), "flux": ("flux_b200", FLUX)}
# Checkpoints of a grid that one rank cannot hold: planned for the ranks they are made for.
PLANNED = {"llama_70b": 32, "llama_70b_zero3": 64, "llama_405b": 512, "llama_1t": 1024, "llama3_70b": 64, "llama3_405b": 512, "llama3_1t": 1024,
           "megatron_deepspeed_LLNL": 32}
# Run against a server in test_s3_workloads.py.
ON_S3 = ("unet3d_v100_s3", "unet3d_a100_s3", "unet3d_h100_s3")
QUICK = ["train.epochs=1", "train.computation_time=0.001", "reader.verify=all", "evaluation.eval_time=0.001"]


class Workloads(EndToEnd):
    def words(self, texts):
        return ["++workload." + text.format(folder=self.folder) for text in texts]

    def scaled(self, name):
        config = EXAMPLES / f"{name}.yaml"
        words = self.words(SCALED[name])
        if SCALED[name] is ENDPOINTS:  # two names of one place stand for two servers
            (self.folder / "a").mkdir()
            (self.folder / "b").symlink_to(self.folder / "a")
        if not name.startswith("llama"):
            self.assert_good(self.run_job(config, *words, *self.words(["train.epochs=1"]), command="generate"))
        result = self.run_job(config, *words, *self.words(QUICK))
        self.assert_good(result)
        summary = result.summary()
        if name.startswith("llama"):
            self.assertEqual([summary["dlfw"]["checkpoints"][kind]["count"] for kind in ("save", "load")], [2, 2])
            return
        self.assert_epoch(summary)
        if name in ("bert_v100", "pt_custom_checkpoint"):
            self.assertEqual(summary["dlfw"]["checkpoints"]["save"]["count"], 2 if name == "bert_v100" else 1)
        if name == "plugin_default":  # 64 x 64 bytes and the two members of an NPZ file
            self.assertEqual({path.stat().st_size for path in self.folder.glob("data/plugin_default/*/*/*.npz")}, {4594})

    def assert_epoch(self, summary):
        epoch = summary["dlfw"]["epochs"][0]
        self.assertGreater(epoch["bytes_verified"], 0)
        self.assertGreater(epoch["steps"], 0)

    def generated(self, name):
        user, texts = DATAGEN[name]
        words = self.words(texts)
        made = self.run_job(EXAMPLES / f"{name}_datagen.yaml", *words)
        self.assert_good(made)
        self.assertIn("Generation done", (self.results / "dlio.log").read_text())
        used = self.run_job(EXAMPLES / f"{user}.yaml", *words, *self.words(QUICK))
        self.assert_good(used)
        self.assert_epoch(used.summary())

    def test_every_example_is_here(self):
        names = set(SCALED) | set(PLANNED) | set(ON_S3) | {f"{name}_datagen" for name in DATAGEN}
        self.assertEqual(sorted(path.stem for path in EXAMPLES.glob("*.yaml")), sorted(names))

    def test_every_example_is_valid(self):
        env = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}
        for path in sorted(EXAMPLES.glob("*.yaml")):
            with self.subTest(path.stem):
                result = self.dlfw("validate", path, env=env)
                self.assertEqual(result.status, 0, result.out)
                self.assertNotIn("is not a known key", result.out)
                self.assertNotIn("no effect yet", result.out)

    def test_plans(self):
        for name, ranks in PLANNED.items():
            with self.subTest(name):
                result = self.dlfw("plan", EXAMPLES / f"{name}.yaml", "--ranks", ranks)
                self.assert_good(result)
                self.assertIn("optimizer", result.out)


def add(name, run):
    setattr(Workloads, f"test_{name}", lambda self: run(self, name.removesuffix("_datagen")))


for workload in SCALED:
    add(workload, Workloads.scaled)
for workload in DATAGEN:
    add(f"{workload}_datagen", Workloads.generated)

if __name__ == "__main__":
    unittest.main()
