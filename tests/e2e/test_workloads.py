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
SCALED = {
    "default": [],
    "unet3d_v100": UNET3D, "unet3d_a100": UNET3D, "unet3d_h100": UNET3D, "unet3d_b200": UNET3D,
    "resnet50_a100": RESNET50, "resnet50_h100": RESNET50, "resnet50_v100": RESNET50, "resnet50_tf": RESNET50,
    "cosmoflow_v100": ["dataset.num_files_train=8"], "cosmoflow_a100": ["dataset.num_files_train=8"], "cosmoflow_h100": ["dataset.num_files_train=8"],
    "bert_v100": ["dataset.num_files_train=4", "dataset.num_samples_per_file=1000", "train.total_training_steps=40",
                  "checkpoint.steps_between_checkpoints=20", "model.model_size_bytes=4034713"],
    "dlrm": ["dataset.num_samples_per_file=8", "dataset.record_length_bytes=671088"],
    "retinanet_b200": ["dataset.num_files_train=48"], "retinanet_mi355": ["dataset.num_files_train=48"],
    "dlrm_b200": ["dataset.num_files_train=2", "dataset.num_samples_per_file=24576"], "dlrm_mi355": ["dataset.num_files_train=2", "dataset.num_samples_per_file=24576"],
    "flux_b200": ["dataset.num_files_train=2", "dataset.num_samples_per_file=8", "reader.batch_size=4"],
    "flux_mi355": ["dataset.num_files_train=2", "dataset.num_samples_per_file=8", "reader.batch_size=4"],
    "parquet_selective_read_example": ["dataset.num_files_train=4", "dataset.num_samples_per_file=200"],
    "megatron_deepspeed_LLNL": ["dataset.num_samples_per_file=20000", "train.total_training_steps=100", "workflow.checkpoint=False"],
    "llama_7b": LLAMA, "llama_7b_zero3": LLAMA, "llama_8b_zero3": LLAMA,
}
# Checkpoints of a grid that one rank cannot hold: planned for the ranks they are made for.
PLANNED = {"llama_70b": 32, "llama_70b_zero3": 64, "llama_405b": 512, "llama_1t": 1024, "megatron_deepspeed_LLNL": 32}


class Workloads(EndToEnd):
    def overrides(self, name):
        return ["++workload." + text for text in SCALED[name]] + (["++workload.train.epochs=1", "++workload.train.computation_time=0.001"])

    def scaled(self, name):
        config = EXAMPLES / f"{name}.yaml"
        words = self.overrides(name)
        if not name.startswith("llama"):
            self.assert_good(self.run_job(config, *words, command="generate"))
        result = self.run_job(config, *words, "++workload.reader.verify=all", "++workload.evaluation.eval_time=0.001")
        self.assert_good(result)
        summary = result.summary()
        if name.startswith("llama"):
            self.assertEqual([summary["dlfw"]["checkpoints"][kind]["count"] for kind in ("save", "load")], [2, 2])
            return
        epoch = summary["dlfw"]["epochs"][0]
        self.assertGreater(epoch["bytes_verified"], 0)
        self.assertGreater(epoch["steps"], 0)
        if name == "bert_v100":
            self.assertEqual(summary["dlfw"]["checkpoints"]["save"]["count"], 2)

    def test_every_example_is_here(self):
        self.assertEqual(sorted(path.stem for path in EXAMPLES.glob("*.yaml")), sorted(set(SCALED) | set(PLANNED)))

    def test_plans(self):
        for name, ranks in PLANNED.items():
            with self.subTest(name):
                result = self.dlfw("plan", EXAMPLES / f"{name}.yaml", "--ranks", ranks)
                self.assert_good(result)
                self.assertIn("optimizer", result.out)


def add(name):
    setattr(Workloads, f"test_{name}", lambda self: self.scaled(name))


for workload in SCALED:
    add(workload)

if __name__ == "__main__":
    unittest.main()
