# SPDX-License-Identifier: Apache-2.0
"""dlio_benchmark in DLIO's place: the command lines that MLPerf Storage 2.0 builds, word for word, then what its report generator reads of the
runs; Hydra's flags and composition as users of DLIO know them. Only the workload files are scaled down, by a copy of the folder."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import yaml

from mlpstorage import checker
from support import BUILD, SOURCE, EndToEnd, Result

CONFIGS = pathlib.Path(__file__).resolve().parent / "mlpstorage"
# Smaller by this much, so that the 3500 files that the rules want for one accelerator are few megabytes.
SCALED = {"record_length_bytes: 146600628": "record_length_bytes: 1466", "record_length_bytes_stdev: 68341808": "record_length_bytes_stdev: 683",
          "record_length_bytes_resize: 2097152": "record_length_bytes_resize: 1024", "computation_time: 0.323": "computation_time: 0.001", "epochs: 5": "epochs: 2",
          "num_layers: 32": "num_layers: 2", "vocab_size: 128256": "vocab_size: 512", "hidden_size: 4096": "hidden_size: 128",
          "ffn_hidden_size: 14336": "ffn_hidden_size: 256", "time_between_checkpoints: 5": "time_between_checkpoints: 0",
          "checkpoint_after_epoch: 5": "checkpoint_after_epoch: 2"}
BATCH = 7

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"
NUMBER = r"\d+\.\d+"
METRIC = rf"{NUMBER} \({NUMBER}\)"
RULE = r"\[METRIC\] ={58}"
TRAIN_LOG = rf"""\[OUTPUT\] {TIME} Running DLIO \[Training & Checkpointing\] with RANKS process\(es\)
\[OUTPUT\] {TIME} Total number of parameters in the model: 0; Model size: 0\.\d{{6}} GB; Optimizer state size: 0\.000000 GB; Total checkpoint size: 0\.\d{{6}} GB
\[OUTPUT\] {TIME} Max steps per epoch: STEPS = 1 \* FILES / 7 / RANKS \(samples per file \* num files / batch size / comm size\)
\[OUTPUT\] {TIME} Starting epoch 1: STEPS steps expected
\[OUTPUT\] {TIME} Starting block 1
\[OUTPUT\] {TIME} Ending block 1 - STEPS steps completed in \d+\.\d\d s
\[OUTPUT\] {TIME} Epoch 1 - Block 1 \[Training\] Accelerator Utilization \[AU\] \(%\): \d+\.\d{{4}}
\[OUTPUT\] {TIME} Epoch 1 - Block 1 \[Training\] Throughput \(samples/second\): \d+\.\d{{4}}
\[OUTPUT\] {TIME} Epoch 1 - Block 1 \[Training\] Computation time per step \(second\): \d+\.\d{{4}}\+/-\d+\.\d{{4}} \(set value: {{'mean': 0\.001}}\)
\[OUTPUT\] {TIME} Ending epoch 1 - STEPS steps completed in \d+\.\d\d s
\[OUTPUT\] {TIME} Starting epoch 2: STEPS steps expected
(.*\n)*?\[OUTPUT\] {TIME} Starting saving checkpoint 1 after total step STEPS for epoch 2
\[OUTPUT\] {TIME} Saved model checkpoint in \d+\.\d{{4}} seconds
\[OUTPUT\] {TIME} Finished saving checkpoint 1 for epoch 2 in \d+\.\d{{4}} s; Throughput: \d+\.\d{{4}} GB/s
\[OUTPUT\] {TIME} Ending epoch 2 - STEPS steps completed in \d+\.\d\d s
\[WARNING\] {TIME} The amount of dataset is smaller than the host memory; data might be cached after the first epoch\. .*
\[OUTPUT\] {TIME} Saved outputs in /.*
\[OUTPUT\] {TIME} Averaged metric over all steps/epochs
{RULE}
\[METRIC\] Number of Simulated Accelerators: RANKS
\[METRIC\] Training Accelerator Utilization \[AU\] \(%\): {METRIC}
\[METRIC\] Training Throughput \(samples/second\): {METRIC}
\[METRIC\] Training I/O Throughput \(MB/second\): {METRIC}
\[METRIC\] train_au_meet_expectation: (success|fail)
\[METRIC\] Checkpoint save duration \(seconds\): {METRIC}
\[METRIC\] Checkpoint save I/O Throughput \(GB/second\): {METRIC}
{RULE}
\[OUTPUT\] {TIME} outputs saved in RANKID_output\.json
"""
CHECKPOINT_LOG = rf"""\[OUTPUT\] {TIME} Running DLIO \[Checkpointing\] with RANKS process\(es\)
\[OUTPUT\] {TIME} Total number of parameters in the model: \d+; Model size: {NUMBER} GB; Optimizer state size: {NUMBER} GB; Total checkpoint size: {NUMBER} GB \(subset\)
\[OUTPUT\] {TIME} Performing subset checkpointing: RANKS of WHOLE
\[OUTPUT\] {TIME} Checkpointing write started
\[OUTPUT\] {TIME} Starting saving checkpoint 1 after total step \d+ for epoch 1
\[OUTPUT\] {TIME} Saved model checkpoint in \d+\.\d{{4}} seconds
\[OUTPUT\] {TIME} Saved optimizer checkpoint in \d+\.\d{{4}} seconds
\[OUTPUT\] {TIME} Finished saving checkpoint 1 for epoch 1 in \d+\.\d{{4}} s; Throughput: \d+\.\d{{4}} GB/s
(.*\n)*?\[OUTPUT\] {TIME} Checkpointing read started
\[OUTPUT\] {TIME} Starting loading checkpoint 1 after total step \d+ for epoch 1
\[OUTPUT\] {TIME} Loaded model checkpoint in \d+\.\d{{4}} seconds
(.*\n)*?{RULE}
\[METRIC\] Number of Simulated Accelerators: RANKS
\[METRIC\] Checkpoint save duration \(seconds\): {METRIC}
\[METRIC\] Checkpoint save I/O Throughput \(GB/second\): {METRIC}
\[METRIC\] Checkpoint load duration \(seconds\): {METRIC}
\[METRIC\] Checkpoint load I/O Throughput \(GB/second\): {METRIC}
{RULE}
"""
FACTS = {"host_memory_GB": checker.NUMBER, "host_cpu_count": int, "host_processor_name": str, "potential_caching": int,
         "host_cpuinfo": {str: str}, "host_meminfo": {str: str}, "hostname": str}


class Dropin(EndToEnd):
    def setUp(self):
        super().setUp()
        self.configs = self.folder / "configs" / "dlio"
        shutil.copytree(CONFIGS, self.configs, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        for path in self.configs.glob("workload/*.yaml"):
            text = path.read_text()
            for full, small in SCALED.items():
                text = text.replace(f" {full}\n", f" {small}\n")
            path.write_text(text)

    def engine(self, *words, ranks=1, env=None):
        # what Open MPI keeps to its end is no leak of ours; the ranks without a launcher are checked
        environment = {"ASAN_OPTIONS": "detect_leaks=0"} if ranks > 1 else {}
        launcher = ["mpirun", "-n", str(ranks), "-host", f"localhost:{ranks}", "--oversubscribe", "--allow-run-as-root"] if ranks > 1 else []
        done = subprocess.run([*launcher, str(BUILD / "dlio_benchmark"), *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              env={**os.environ, **environment, **(env or {})}, timeout=120)
        return Result(done, self.results)

    def benchmark(self, kind, command, workload, *parameters, ranks=1):
        """What `mlpstorage KIND COMMAND` starts, and the files that it leaves beside the engine's: the run's folder."""
        run = self.results / kind / "unet3d" / command / f"20260131_12000{ranks}" if kind == "training" else self.results / kind / "llama3-8b" / f"20260131_12000{ranks}"
        run.mkdir(parents=True)
        result = self.engine(f"workload={workload}", f"++hydra.run.dir={run}", "++hydra.output_subdir=dlio_config",
                             *(f"++workload.{parameter}" for parameter in parameters), f"--config-dir={self.configs}", ranks=ranks)
        self.assert_good(result)
        (run / f"{kind}_{command}.stdout.log").write_text(result.out)
        (run / f"{kind}_{command}.stderr.log").write_text(result.err)
        (run / f"{kind}_20260131_120000_metadata.json").write_text(json.dumps({"num_processes": ranks}))
        return run

    def only_run(self, folder):
        runs = [run for run in checker.find_runs(self.results) if run.folder == folder]
        self.assertEqual(len(runs), 1)
        return runs[0]

    def check_files(self, run, ranks):
        names = {path.name for path in run.iterdir()}
        for name in ["summary.json", "dlio.log", "dlio_config", *(f"{rank}_{file}" for rank in range(ranks) for file in ("output.json", "per_epoch_stats.json"))]:
            self.assertIn(name, names)
        self.assertEqual({path.name for path in (run / "dlio_config").iterdir()}, {"config.yaml", "overrides.yaml", "hydra.yaml"})

    def check_summary(self, run, ranks):
        self.assertEqual(run.mistyped(), [])
        self.assertEqual((run.summary["num_accelerators"], run.summary["num_hosts"]), (ranks, 1))
        for key in ("start", "end"):
            self.assertRegex(run.summary[key], f"^{TIME}$")
        self.assertLess(run.summary["start"], run.summary["end"])
        text = (run.folder / "summary.json").read_text()
        self.assertTrue(text.startswith('{\n    "start": '), text[:40])

    def check_log(self, run, template, **values):
        for name, value in values.items():
            template = template.replace(name, str(value))
        log = (run / "dlio.log").read_text()
        lines = template.splitlines(keepends=True)
        at = 0
        for line in lines:  # one by one, so that the first that differs is named
            found = re.compile(line).search(log, at) if line.startswith("(.*") else re.compile(line).match(log, at)
            self.assertIsNotNone(found, f"{line}\nbut the log goes on: {log[at:at + 300]}")
            at = found.end()
        self.assertIn(log[:200], next(run.glob("*.stderr.log")).read_text())  # and the console has it

    def check_training_files(self, run, ranks, epochs, step_count):
        for rank in range(ranks):
            stats = checker.strict_json(run / f"{rank}_per_epoch_stats.json")
            output = checker.strict_json(run / f"{rank}_output.json")
            self.assertEqual(list(stats), [str(epoch + 1) for epoch in range(epochs)])
            self.assertEqual(checker.mistyped(output, FACTS), [])
            for epoch, times in stats.items():
                self.assertEqual(checker.mistyped(times, {"start": str, "end": str, "duration": str, "block1": {"start": str, "end": str, "duration": str}}), [])
                self.assertRegex(times["block1"]["duration"], r"^\d+\.\d\d$")
                steps = {"block1": [checker.NUMBER]}
                self.assertEqual(checker.mistyped(output[epoch], {"load": steps, "proc": steps, "compute": steps, "end": str, "host_meminfo": {str: str},
                                                                  "throughput": {"block1": checker.NUMBER}, "au": {"block1": checker.NUMBER}}), [])
                self.assertEqual({len(output[epoch][key]["block1"]) for key in ("load", "proc", "compute")}, {step_count})
            saved = stats[str(epochs)]["save_ckpt1"]
            self.assertEqual(checker.mistyped(saved, {"start": str, "end": str, "duration": checker.NUMBER, "throughput": checker.NUMBER}), [])

    def training(self, ranks, steps):
        """datagen and run; steps per epoch and accelerator: the rules ask for 500."""
        files = steps * BATCH * ranks
        data = self.folder / "data" / "unet3d"
        for name in ("train", "valid", "test"):  # the driver makes them
            (data / name).mkdir(parents=True)
        dataset = [f"dataset.num_files_train={files}", f"dataset.data_folder={data}"]
        datagen = self.benchmark("training", "datagen", "unet3d_datagen", *dataset, ranks=ranks)
        self.assertEqual(len(list((data / "train").glob("*.npz"))), files)
        self.assertTrue((data / "train" / f"img_{0:0{len(str(files))}d}_of_{files}.npz").exists())
        self.check_files(datagen, ranks)
        generated = self.only_run(datagen)
        self.check_summary(generated, ranks)
        self.assertEqual((generated.kind, generated.command, generated.summary["metric"], generated.summary["epochs"]), ("training", "datagen", {}, 0))
        generation = generated.summary["dlfw"]["generation"]
        self.assertEqual((generation["done"], generation["files"]), (True, files))
        self.assertGreater(generation["bytes"], files * 400)
        log = (datagen / "dlio.log").read_text()
        for text in ("Running DLIO [Generating data] with", "Starting data generation", "Generation done"):
            self.assertRegex(log, rf"\[OUTPUT\] {TIME} {re.escape(text)}")

        run = self.benchmark("training", "run", "unet3d_h100", *dataset, ranks=ranks)
        self.check_files(run, ranks)
        trained = self.only_run(run)
        self.check_summary(trained, ranks)
        self.assertEqual((trained.kind, trained.command, trained.model), ("training", "run_benchmark", "unet3d"))
        self.assertEqual((trained.summary["epochs"], trained.summary["num_files_train"], len(trained.summary["metric"]["train_au_percentage"])), (2, files, 2))
        self.assertEqual(trained.summary["metric"]["checkpoint_size_GB"], 10240 / 2**30)
        self.assertEqual(trained.overrides, ["workload=unet3d_h100", *(f"++workload.{text}" for text in dataset)])
        self.assertEqual(trained.hydra["hydra"]["overrides"], {"hydra": [f"++hydra.run.dir={run}", "++hydra.output_subdir=dlio_config"], "task": trained.overrides})
        self.assertEqual((trained.hydra["hydra"]["run"]["dir"], trained.hydra["hydra"]["runtime"]["output_dir"]), (str(run), str(run)))
        self.check_log(run, TRAIN_LOG, RANKS=ranks, STEPS=steps, FILES=files)
        self.check_training_files(run, ranks, 2, steps)
        return trained

    def test_training(self):
        trained = self.training(1, 500)
        # enough steps; enough data only if the client's memory were small
        self.assertEqual(trained.verdict(memory_gib=0.0001), checker.CLOSED, trained.findings(memory_gib=0.0001))
        self.assertRegex(str(trained.findings()), r"^\[\('INVALID', '\d+ files are required'\)\]$")

    def test_training_with_mpirun(self):
        trained = self.training(2, 20)
        self.assertEqual(trained.findings(memory_gib=0.0001), [(checker.INVALID, "7000 files are required")])

    def checkpointing(self, ranks, data):
        folder = self.folder / "checkpoints" / "llama3-8b"
        run = self.benchmark("checkpointing", "run", "llama3_8b", "checkpoint.mode=subset", f"model.parallelism.data={data}", f"checkpoint.checkpoint_folder={folder}",
                             "checkpoint.num_checkpoints_read=3", "checkpoint.num_checkpoints_write=3", ranks=ranks)
        self.check_files(run, ranks)
        done = self.only_run(run)
        self.check_summary(done, ranks)
        self.assertEqual((done.kind, done.command, done.model, done.summary["epochs"]), ("checkpointing", "run", "llama_8b", 0))
        self.check_log(run, CHECKPOINT_LOG, RANKS=ranks, WHOLE=data)
        self.assertEqual(sorted(path.name for path in folder.iterdir()), [f"global_epoch1_step{step}" for step in (1, 2, 3)])
        self.assertEqual(sorted(path.name for path in (folder / "global_epoch1_step1").iterdir()),
                         sorted(f"zero_pp_rank_{rank}_mp_rank_0_{kind}_states.pt" for rank in range(ranks) for kind in ("model", "optim")))
        for rank in range(ranks):
            stats = checker.strict_json(run / f"{rank}_per_epoch_stats.json")
            entry = {"start": str, "end": str, "duration": checker.NUMBER, "throughput": checker.NUMBER}
            self.assertEqual(checker.mistyped(stats, {"1": {"start": str, **{f"{kind}_ckpt{i}": entry for kind in ("save", "load") for i in (1, 2, 3)}}}), [])
            self.assertNotIn("duration", stats["1"])

    def test_checkpointing(self):
        self.checkpointing(1, 1)

    def test_checkpointing_with_mpirun(self):
        self.checkpointing(2, 8)

    def test_overrides_and_the_rules(self):
        """What the checker finds in the stored overrides of other command lines."""
        for parameters, verdict in [([], "CLOSED"), (["reader.read_threads=2", "reader.prefetch_size=4"], "CLOSED"), (["dataset.format=npy"], "OPEN"),
                                    (["reader.batch_size=4"], "INVALID"), (["workflow.checkpoint=False"], "INVALID")]:
            with self.subTest(parameters):
                shutil.rmtree(self.results, ignore_errors=True)
                data = [f"dataset.data_folder={self.folder}/small", "dataset.num_files_train=14"]
                fmt = [text for text in parameters if "format" in text]
                self.benchmark("training", "datagen", "unet3d_datagen", *data, *fmt)
                run = self.only_run(self.benchmark("training", "run", "unet3d_h100", *data, *parameters))
                run.required_files = lambda memory_gib: 14
                self.assertEqual(run.verdict(), verdict)

    def test_stock_workload(self):
        """As DLIO's first example: no folder of configurations, results below hydra_log."""
        result = self.engine("workload=unet3d_h100", "++workload.workflow.generate_data=True", "++workload.dataset.num_files_train=14",
                             "++workload.dataset.record_length_bytes=1466", "++workload.dataset.record_length_bytes_stdev=683", "++workload.train.computation_time=0.001",
                             "++workload.train.epochs=1")
        self.assert_good(result)
        run, = (self.folder / "hydra_log" / "unet3d").iterdir()
        self.assertRegex(run.name, r"^\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d$")
        self.assertEqual(checker.read_yaml(run / ".hydra" / "overrides.yaml")[0], "workload=unet3d_h100")
        self.assertEqual(json.loads((run / "summary.json").read_text())["metric"]["train_au_meet_expectation"] in ("success", "fail"), True)
        # the stored configuration is a configuration
        again = self.engine("--config-path", run / ".hydra", "--config-name", "config", f"++hydra.run.dir={self.folder}/again", "++workload.workflow.generate_data=False")
        self.assert_good(again)
        self.assertEqual(json.loads((self.folder / "again" / "summary.json").read_text())["num_files_train"], 14)

    def test_primary_configuration(self):
        overrides = ["workload=unet3d_datagen", "++workload.dataset.num_files_train=2"]
        self.assert_good(self.engine("-cd", self.configs, "-cn", "config", *overrides))
        run, = (self.folder / "results" / "unet3d").iterdir()
        self.assertTrue((run / ".hydra" / "config.yaml").exists())
        self.assert_fails(self.engine("-cd", self.configs, "-cn", "config"), "leaves the workload open", "workload=NAME")

    def test_printing(self):
        words = [f"--config-dir={self.configs}", "workload=unet3d_h100", "++workload.dataset.num_files_train=3", "++hydra.run.dir=nowhere"]
        result = self.engine(*words, "--cfg", "job")
        self.assert_good(result)
        printed = yaml.safe_load(result.out)
        self.assertEqual(list(printed), ["workload"])
        self.assertEqual((printed["workload"]["dataset"]["num_files_train"], printed["workload"]["reader"]["batch_size"]), (3, 7))
        result = self.engine(*words, "--cfg=job", "-p", "workload.train")
        self.assertEqual(result.out, "# @package workload.train\nepochs: 2\ncomputation_time: 0.001\n")
        result = self.engine(*words, "--cfg", "all", "--resolve")
        self.assertEqual(list(yaml.safe_load(result.out)), ["workload", "hydra"])
        result = self.engine(*words, "-c", "hydra")
        self.assertEqual(yaml.safe_load(result.out)["hydra"]["run"], {"dir": "nowhere"})
        self.assert_fails(self.engine(*words, "--cfg", "job", "--package", "reader"), "workload.reader")
        for what, text in [("searchpath", f"command-line {self.configs}"), ("defaults", "workload/unet3d_h100"), ("defaults-tree", "workload: unet3d_h100"),
                           ("plugins", "dlfw-format-npz.so"), ("config", "batch_size: 7"), ("all", "num_files_train: 3")]:
            result = self.engine(*words, "--info", what)
            self.assert_good(result)
            self.assertIn(text, result.out)
        self.assertIn("  unet3d_h100\n", self.engine("--help").out)
        self.assertIn("--config-dir DIR", self.engine("--hydra-help").out)
        self.assertRegex(self.engine("--version").out, r"^dlio_benchmark of dlfw \d+\.\d+\.\d+ ")
        self.assertFalse((self.folder / "nowhere").exists())

    def test_mistakes(self):
        self.assert_fails(self.engine("workload=unet3d_h10"), "there is no 'unet3d_h10.yaml'", "did you mean 'unet3d_h100'?")
        self.assert_fails(self.engine("--multirun", "workload.train.epochs=1,2"), "dlio_benchmark once for each value", status=2)
        self.assert_fails(self.engine("--nosuch"), "'--nosuch' is not an option", status=2)
        self.assert_fails(self.engine("junk"), "override 1 ('junk')", "key=value")
        self.assert_fails(self.engine("workload.train.epochs=1,2"), "a comma outside brackets is a sweep")
        small = ["workload=unet3d_datagen", f"--config-dir={self.configs}", "++workload.dataset.num_files_train=7", "++hydra.run.dir=out"]
        self.assert_good(self.engine(*small))
        train = ["workload=unet3d_h100", *small[1:]]
        self.assert_fails(self.engine(*train, "++workload.dataset.num_files_train=8"), "Not enough training dataset is found", "++workload.workflow.generate_data=True")
        self.assert_fails(self.engine(*train, "++workload.train.total_training_steps=20"), "total_training_steps")

    def test_environment(self):
        words = ["workload=unet3d_h100", f"--config-dir={self.configs}", "++workload.dataset.num_files_train=14", "++workload.workflow.generate_data=True",
                 "++workload.train.epochs=1"]
        result = self.engine(*words, env={"DLIO_LOG_LEVEL": "info", "DLIO_OUTPUT_FOLDER": str(self.folder / "there"), "DLIO_UNKNOWN": "x"})
        self.assert_good(result)
        log = (self.folder / "there" / "dlio.log").read_text()
        for step in (1, 2):
            self.assertRegex(log, rf"\[INFO\] {TIME} Rank 0 step {step}: loaded 7 samples in {NUMBER} s\n\[INFO\] {TIME} Rank 0 step {step} processed 7 samples in {NUMBER} s\)\n")
        self.assertRegex(log, rf"\[INFO\] {TIME} Total amount of data each host will consume is \S+ GB; each host has \[{NUMBER}\] GB memory\n")

    def test_installed(self):
        """The program below a prefix finds the workloads that are installed with it."""
        (self.folder / "bin").mkdir()
        shutil.copy2(BUILD / "dlio_benchmark", self.folder / "bin")
        (self.folder / "share" / "dlfw").mkdir(parents=True)
        (self.folder / "share" / "dlfw" / "workload").symlink_to(SOURCE / "examples" / "dlio")
        done = subprocess.run([self.folder / "bin" / "dlio_benchmark", "workload=resnet50_h100", "--cfg", "job", "-p", "workload.model.name"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "# @package workload.model.name\nresnet50\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
