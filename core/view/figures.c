/* SPDX-License-Identifier: Apache-2.0 */
#include "view/figures.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "report/units.h"
#include "view/cache_facts.h"

#define GIB 1073741824.0

const struct run_figure run_figures[] = {
    {"au_percent",
     "AU",
     FIGURE_PERCENT,
     {"metric", "train_au_mean_percentage"},
     0,
     "au_ratio",
     "Accelerator utilization as DLIO defines it, mean over epochs and ranks."},
    {"strict_au_percent",
     "strict AU",
     FIGURE_PERCENT,
     {"dlfw", "au", "strict_percent"},
     0,
     "strict_au_ratio",
     "Asked-for compute as a share of the time of the slowest rank."},
    {"samples_per_second",
     "samples/s",
     FIGURE_RATE,
     {"metric", "train_throughput_mean_samples_per_second"},
     0,
     "samples_per_second",
     "Training samples per second, sum over ranks, mean over epochs."},
    {"read_bytes_per_second",
     "read",
     FIGURE_BYTES_RATE,
     {"dlfw", "io", "train_bytes_per_second"},
     0,
     "read_bytes_per_second",
     "Bytes delivered to training per second of block time."},
    {"eval_au_percent",
     "eval AU",
     FIGURE_PERCENT,
     {"metric", "eval_au_mean_percentage"},
     0,
     "eval_au_ratio",
     "Accelerator utilization of the evaluation."},
    {"eval_samples_per_second",
     "eval samples/s",
     FIGURE_RATE,
     {"metric", "eval_throughput_mean_samples_per_second"},
     0,
     "eval_samples_per_second",
     "Evaluation samples per second."},
    {"batch_wait_p50_ns", "batch wait p50", FIGURE_NS, {"dlfw", "latency_ns", "batch_wait", "p50"}, 0, NULL, NULL},
    {"batch_wait_p99_ns", "batch wait p99", FIGURE_NS, {"dlfw", "latency_ns", "batch_wait", "p99"}, 0, NULL, NULL},
    {"request_p50_ns", "request p50", FIGURE_NS, {"dlfw", "latency_ns", "read", "p50"}, 0, NULL, NULL},
    {"request_p99_ns", "request p99", FIGURE_NS, {"dlfw", "latency_ns", "read", "p99"}, 0, NULL, NULL},
    {"decode_p99_ns", "decode p99", FIGURE_NS, {"dlfw", "latency_ns", "decode", "p99"}, 0, NULL, NULL},
    {"compute_error_p99_ns",
     "compute error p99",
     FIGURE_NS,
     {"dlfw", "latency_ns", "compute_error", "p99"},
     0,
     NULL,
     NULL},
    {"barrier_p99_ns", "barrier p99", FIGURE_NS, {"dlfw", "latency_ns", "barrier", "p99"}, 0, NULL, NULL},
    {"generation_bytes",
     "generated",
     FIGURE_BYTES,
     {"dlfw", "generation", "bytes"},
     0,
     "generation_bytes",
     "Bytes of the dataset that was generated."},
    {"generation_bytes_per_second",
     "generation",
     FIGURE_BYTES_RATE,
     {"dlfw", "generation", "GiB_per_s"},
     GIB,
     "generation_bytes_per_second",
     "Bytes generated per second."},
    {"save_seconds",
     "save, mean",
     FIGURE_SECONDS,
     {"metric", "save_checkpoint_duration_mean_seconds"},
     0,
     "checkpoint_save_seconds",
     "Mean duration of saving a checkpoint."},
    {"save_bytes_per_second",
     "save rate",
     FIGURE_BYTES_RATE,
     {"metric", "save_checkpoint_io_mean_GB_per_second"},
     GIB,
     "checkpoint_save_bytes_per_second",
     "Mean rate of saving a checkpoint, all ranks."},
    {"load_seconds",
     "load, mean",
     FIGURE_SECONDS,
     {"metric", "load_checkpoint_duration_mean_seconds"},
     0,
     "checkpoint_load_seconds",
     "Mean duration of loading a checkpoint."},
    {"load_bytes_per_second",
     "load rate",
     FIGURE_BYTES_RATE,
     {"metric", "load_checkpoint_io_mean_GB_per_second"},
     GIB,
     "checkpoint_load_bytes_per_second",
     "Mean rate of loading a checkpoint, all ranks."},
    {"checkpoint_bytes",
     "checkpoint size",
     FIGURE_BYTES,
     {"metric", "checkpoint_size_GB"},
     GIB,
     "checkpoint_bytes",
     "Bytes of one checkpoint, all ranks."},
    {"bytes_delivered",
     "bytes read",
     FIGURE_BYTES,
     {"dlfw", "io", "bytes_delivered"},
     0,
     "read_bytes",
     "Bytes that the storage engine delivered in the whole run."},
    {"bytes_fetched",
     "bytes fetched",
     FIGURE_BYTES,
     {"dlfw", "io", "bytes_fetched"},
     0,
     "fetched_bytes",
     "Bytes that the backend moved for them, alignment included."},
    {"bytes_written",
     "bytes written",
     FIGURE_BYTES,
     {"dlfw", "io", "bytes_written"},
     0,
     "written_bytes",
     "Bytes written in the whole run."},
    {"retries", "retries", FIGURE_COUNT, {"dlfw", "io", "retries"}, 0, "retries", "Requests that were tried again."},
    {"throttled",
     "throttled",
     FIGURE_COUNT,
     {"dlfw", "io", "throttled"},
     0,
     "throttled",
     "Answers that asked to slow down."},
    {"errors", "errors", FIGURE_COUNT, {"dlfw", "io", "errors"}, 0, "errors", "Requests that failed for good."},
    {"peak_memory_bytes",
     "peak memory",
     FIGURE_BYTES,
     {"dlfw", "memory", "peak_bytes"},
     0,
     "peak_memory_bytes",
     "Peak resident memory of the process of rank 0."},
    {"resident_first_epoch_percent",
     "resident first",
     FIGURE_PERCENT,
     {NULL},
     0,
     "first_epoch_resident_ratio",
     "Share of the data in the page cache when the first epoch began."},
    {"resident_last_epoch_percent",
     "resident last",
     FIGURE_PERCENT,
     {NULL},
     0,
     "last_epoch_resident_ratio",
     "Share of the data in the page cache when the last epoch began."},
    {"startup_seconds",
     "startup",
     FIGURE_SECONDS,
     {"dlfw", "startup_ms"},
     1e-3,
     "startup_seconds",
     "Program start to the first storage request."},
    {"run_seconds", "whole run", FIGURE_SECONDS, {"dlfw", "seconds"}, 0, "run_seconds", "Duration of the whole run."},
};
const uint32_t run_figure_count = sizeof run_figures / sizeof *run_figures;

const struct rank_measure rank_measures[RANK_MEASURES] = {
    {"au_percent", "AU", FIGURE_PERCENT, "au_ratio", "Accelerator utilization of a rank."},
    {"strict_au_percent", "strict AU", FIGURE_PERCENT, "strict_au_ratio", "Strict accelerator utilization of a rank."},
    {"samples_per_second", "samples/s", FIGURE_RATE, "samples_per_second", "Training samples per second of a rank."},
    {"batch_wait_percent", "batch wait", FIGURE_PERCENT, "batch_wait_ratio", "Share of its time waiting for batches."},
    {"batch_wait_p99_ns", "batch wait p99", FIGURE_NS, "batch_wait_p99_seconds", "99th percentile of batch waits."},
    {"request_p99_ns", "request p99", FIGURE_NS, "request_p99_seconds", "99th percentile of storage requests."},
    {"barrier_percent", "barrier", FIGURE_PERCENT, "barrier_ratio", "Share of its time in barriers."},
    {"compute_percent", "compute", FIGURE_PERCENT, "compute_ratio", "Share of its time computing."},
    {"compute_overshoot_percent", "overshoot", FIGURE_PERCENT, "compute_overshoot_ratio",
     "Share of its time by which compute took longer than asked."},
    {"hooks_percent", "hooks", FIGURE_PERCENT, "hooks_ratio", "Share of its time in hooks."},
    {"other_percent", "other", FIGURE_PERCENT, "other_ratio", "Share of its time in none of the others."},
    {"samples", "samples", FIGURE_COUNT, "samples", "Samples delivered to training."},
    {"bytes_read", "bytes read", FIGURE_BYTES, "read_bytes", "Bytes read."},
    {"errors", "errors", FIGURE_COUNT, "errors", "Requests that failed for good."},
    {"retries", "retries", FIGURE_COUNT, "retries", "Requests that were tried again."},
    {"peak_memory_bytes", "peak memory", FIGURE_BYTES, "peak_memory_bytes", "Peak resident memory."},
};

double run_figure_value(const struct run_view *v, const struct run_figure *f)
{
    struct cache_facts cache;

    if (!f->path[0]) {
        cache_facts_of(v, &cache);
        return strcmp(f->key, "resident_first_epoch_percent") == 0 ? cache.first_resident : cache.last_resident;
    }
    return view_number(v->summary, f->path) * (f->scale > 0 ? f->scale : 1.0);
}

const struct run_figure *run_figure_find(const char *key)
{
    uint32_t i = 0;

    while (i < run_figure_count && strcmp(run_figures[i].key, key) != 0)
        i++;
    DLFW_BUG_IF(i == run_figure_count);
    return &run_figures[i];
}

static const char *sign_of(double value)
{
    return value < 0 ? "-" : "";
}

struct figure_text figure_text(enum figure_unit unit, double value)
{
    double size = fabs(value);
    struct figure_text t = {"-"};

    if (!is_known(value))
        return t;
    if (size >= 1e15 && unit != FIGURE_BYTES && unit != FIGURE_BYTES_RATE)
        snprintf(t.text, sizeof t.text, "%.3g", value);
    else if (unit == FIGURE_PERCENT)
        snprintf(t.text, sizeof t.text, "%.2f %%", value);
    else if (unit == FIGURE_RATE)
        snprintf(t.text, sizeof t.text, size < 1e5 ? "%.2f /s" : "%.0f /s", value);
    else if (unit == FIGURE_COUNT)
        snprintf(t.text, sizeof t.text, "%.0f", value);
    else if (unit == FIGURE_BYTES)
        snprintf(t.text, sizeof t.text, "%s%s", sign_of(value), unit_bytes(size).text);
    else if (unit == FIGURE_BYTES_RATE)
        snprintf(t.text, sizeof t.text, "%s%s/s", sign_of(value), unit_bytes(size).text);
    else
        snprintf(t.text, sizeof t.text, "%s%s", sign_of(value),
                 unit_duration(unit == FIGURE_NS ? size : size * 1e9).text);
    return t;
}

double figure_base(enum figure_unit unit, double value)
{
    return unit == FIGURE_PERCENT ? value / 100.0 : unit == FIGURE_NS ? value / 1e9 : value;
}

bool figure_is_news(enum figure_unit unit, double value)
{
    return is_known(value) && (value > 0 || value < 0 || unit == FIGURE_PERCENT || unit == FIGURE_RATE);
}
