# SPDX-License-Identifier: Apache-2.0
"""What MLPerf Storage 2.0's report generator reads of a run and what it makes of it, written anew from its rules: which folders are runs, what
kind they are, how many files the rules want, which overrides are legal, the verdict."""
import json
import math
import pathlib

import yaml

CLOSED, OPEN, INVALID = "CLOSED", "OPEN", "INVALID"
CLOSED_KEYS = {"dataset.num_files_train", "dataset.num_subfolders_train", "dataset.data_folder", "reader.read_threads", "reader.computation_threads",
               "reader.transfer_size", "reader.odirect", "reader.prefetch_size", "checkpoint.checkpoint_folder", "storage.storage_type",
               "storage.storage_root"}
OPEN_KEYS = {"framework", "dataset.format", "dataset.num_samples_per_file", "reader.data_loader"}

NUMBER = (int, float)
SUMMARY = {"start": str, "end": str, "num_accelerators": int, "num_hosts": int, "hostname": str, "metric": dict, "num_files_train": int,
           "num_files_eval": int, "num_samples_per_file": int, "host_cpu_count": [int], "host_processor_name": str, "potential_caching": [int],
           "host_cpuinfo": {str: str}, "host_meminfo": {str: str}, "host_memory_GB": [NUMBER], "data_size_per_host_GB": NUMBER, "epochs": int}


def phase(name):
    return {f"{name}_au_percentage": [NUMBER], f"{name}_au_mean_percentage": NUMBER, f"{name}_au_meet_expectation": str,
            f"{name}_au_stdev_percentage": NUMBER, f"{name}_throughput_samples_per_second": [NUMBER],
            f"{name}_throughput_mean_samples_per_second": NUMBER, f"{name}_throughput_stdev_samples_per_second": NUMBER,
            f"{name}_io_mean_MB_per_second": NUMBER, f"{name}_io_stdev_MB_per_second": NUMBER}


def transfers(name):
    return {f"{name}_checkpoint_{key}": NUMBER for key in ("io_mean_GB_per_second", "io_stdev_GB_per_second", "duration_mean_seconds",
                                                           "duration_stdev_seconds")}


def mistyped(value, expected, name="summary"):
    """The names of what is absent or has another type."""
    if isinstance(expected, dict) and str in expected:
        return [] if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()) else [name]
    if isinstance(expected, dict):
        return [text for key, inner in expected.items()
                for text in ([f"{name}.{key}"] if key not in value else mistyped(value[key], inner, f"{name}.{key}"))]
    if isinstance(expected, list):
        return [] if isinstance(value, list) and value and not any(mistyped(v, expected[0]) for v in value) else [name]
    return [] if isinstance(value, expected) and not isinstance(value, bool) else [name]


def strict_json(path):
    def refuse(text):
        raise ValueError(f"{path}: {text} is not JSON")

    return json.loads(pathlib.Path(path).read_text(), parse_constant=refuse)


def read_yaml(path):
    return yaml.load(pathlib.Path(path).read_text(), Loader=yaml.Loader)


class Run:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.summary = strict_json(self.folder / "summary.json")
        self.config = read_yaml(self.folder / "dlio_config" / "config.yaml")
        self.hydra = read_yaml(self.folder / "dlio_config" / "hydra.yaml")
        self.overrides = read_yaml(self.folder / "dlio_config" / "overrides.yaml")
        self.workload = self.config["workload"]
        workflow = self.workload["workflow"]
        self.model = self.workload["model"]["name"]
        if workflow.get("generate_data") or workflow.get("train"):
            self.kind = "training"
            self.command = "datagen" if workflow.get("generate_data") else "run_benchmark"
        elif workflow.get("checkpoint"):
            self.kind, self.command = "checkpointing", "run"
        else:
            raise ValueError(f"{folder} is no kind of run")
        self.parameters = {}
        for text in self.overrides:
            key, value = text.split("=")  # two parts, or this raises
            if key.startswith("++workload."):
                self.parameters[key.removeprefix("++workload.")] = value

    def required_files(self, memory_gib=None):
        dataset, reader = self.workload["dataset"], self.workload["reader"]
        memory = (sum(self.summary["host_memory_GB"]) if memory_gib is None else memory_gib) * 2**30
        per_file = dataset["num_samples_per_file"]
        by_memory = math.floor(5 * memory / (per_file * dataset["record_length_bytes"]))
        by_steps = math.floor(500 * self.summary["num_accelerators"] * reader["batch_size"] / per_file)
        return max(by_memory, by_steps)

    def findings(self, memory_gib=None):
        """(verdict, reason) of everything that is not CLOSED."""
        found = []
        for key in self.parameters:
            if key.startswith("workflow.") or key in CLOSED_KEYS:
                continue
            found.append((OPEN if key in OPEN_KEYS else INVALID, f"override of {key}"))
        if "reader.odirect" in self.parameters and self.model != "unet3d":
            found.append((INVALID, "reader.odirect is for unet3d"))
        if self.kind == "training" and self.command == "run_benchmark":
            required = self.required_files(memory_gib)
            if self.workload["dataset"]["num_files_train"] < required:
                found.append((INVALID, f"{required} files are required"))
            if self.model == "unet3d" and not self.workload["workflow"].get("checkpoint"):
                found.append((INVALID, "unet3d takes checkpoints"))
        return found

    def verdict(self, memory_gib=None):
        verdicts = {verdict for verdict, _ in self.findings(memory_gib)}
        return INVALID if INVALID in verdicts else OPEN if OPEN in verdicts else CLOSED

    def mistyped(self):
        expected = dict(SUMMARY)
        metric = {}
        workflow = self.workload["workflow"]
        if workflow.get("checkpoint") and self.kind == "checkpointing":
            metric |= transfers("save") | transfers("load") | {"checkpoint_size_GB": NUMBER}
        if workflow.get("train"):
            metric |= phase("train")
        if workflow.get("evaluation"):
            metric |= phase("eval")
        expected["metric"] = metric
        return mistyped(self.summary, expected)


def find_runs(results):
    """Folders with exactly one *_metadata.json and a summary.json."""
    return [Run(path.parent) for path in sorted(pathlib.Path(results).rglob("summary.json"))
            if len(list(path.parent.glob("*_metadata.json"))) == 1]
