/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep/work.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/uri.h"
#include "loader/sample_order.h"
#include "report/units.h"

#define STEPS_FEW 30
#define START_SECONDS 0.3 /* of a run, before its first step; more than it takes on an idle machine */

static double mean_seconds(const struct time_distribution *d)
{
    switch (d->kind) {
    case TIME_UNIFORM:
        return (d->a + d->b) / 2;
    case TIME_GAMMA:
        return d->a * d->b;
    case TIME_NONE:
        return 0;
    default:
        return fabs(d->a);
    }
}

/* "configs/unet3d_h100.yaml" is unet3d_h100. */
static char *name_of(const struct run_config *cfg)
{
    const char *path = cfg->workload_name ? cfg->workload_name : cfg->config_path, *base, *dot;

    if (!path)
        return xstrdup("simulated");
    base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    dot = strrchr(base, '.');
    return dot && dot > base ? xstrndup(base, (size_t)(dot - base)) : xstrdup(base);
}

/* These change no figure, so a sweep may be taken up again with others. */
static bool is_part_of_identity(const char *key)
{
    static const char *const others[] = {"output.folder", "metric.au", "workflow.generate_data", "workflow.checkpoint"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(key, others[i]) == 0)
            return false;
    return strncmp(key, "hydra.", 6) != 0;
}

/* FNV-1a over every key's effective value and the program's version. */
static void identity_of(const struct run_config *cfg, char ret[17])
{
    uint64_t hash = 0xcbf29ce484222325ull;
    struct str text = STR_EMPTY, values = STR_EMPTY;
    json_t *all, *entry;
    const char *key;

    run_config_show(cfg, true, &text);
    all = json_loads(text.data, 0, NULL);
    DLFW_BUG_IF(!all);
    str_add(&values, DLFW_VERSION);
    json_object_foreach(all, key, entry)
    {
        char *value;

        if (!is_part_of_identity(key))
            continue;
        value = json_dumps(json_object_get(entry, "value"), JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
        str_add_format(&values, "\n%s=%s", key, value ? value : "");
        free(value);
    }
    for (size_t i = 0; i < values.len; i++)
        hash = (hash ^ (unsigned char)values.data[i]) * 0x100000001b3ull;
    snprintf(ret, 17, "%016lx", hash);
    json_decref(all);
    str_free(&values);
    str_free(&text);
}

/* The storage's scheme, as a run will find it. */
static char *scheme_of(const struct run_config *cfg)
{
    char *joined = uri_join(cfg->storage.storage_root, cfg->dataset.data_folder), *scheme;
    const char *type = cfg->storage.storage_type;
    struct uri uri = {0};

    if (!uri_has_scheme(joined))
        scheme = xstrdup(strcmp(type, "local_fs") == 0 || strcmp(type, "parallel_fs") == 0 ? "file" : type);
    else if (uri_parse(joined, &uri, NULL) >= 0)
        scheme = xstrdup(uri.scheme);
    else
        scheme = xstrdup(""); /* the first run says what is wrong with it */
    uri_free(&uri);
    free(joined);
    return scheme;
}

dlfw_status sweep_work_find(const struct run_config *cfg, struct sweep_work *ret, dlfw_error *err)
{
    struct sweep_work w = {.samples = cfg->dataset.num_files_train * cfg->dataset.num_samples_per_file,
                           .batch = cfg->reader.batch_size,
                           .epochs = cfg->train.epochs,
                           .compute_seconds = mean_seconds(&cfg->train.computation_time),
                           .threshold = 100.0 * cfg->metric.au,
                           .generates = cfg->workflow.generate_data,
                           .takes_checkpoints = cfg->workflow.checkpoint};
    char *scheme = scheme_of(cfg);
    dlfw_status st = DLFW_OK;

    if (cfg->train.total_training_steps > 0)
        w.step_cap = (uint64_t)cfg->train.total_training_steps;
    w.dataset_bytes = (double)w.samples * cfg->dataset.record_length_bytes;
    w.is_cacheable = strcmp(scheme, "file") == 0 && !cfg->reader.odirect && !cfg->reader.drop_cache;
    if (!cfg->workflow.train)
        st = dlfw_fail(err, DLFW_E_CONFIG, "workflow.train is off, so there is no AU to sweep for");
    else if (w.compute_seconds <= 0)
        st = dlfw_fail(err, DLFW_E_CONFIG,
                       "train.computation_time is 0: accelerators that never compute have no AU; set it");
    else if (strcmp(scheme, "memory") == 0)
        st = dlfw_fail(err, DLFW_E_CONFIG,
                       "the dataset is in 'memory', which each process has for itself; sweep over a storage that "
                       "they share");
    free(scheme);
    if (st < 0)
        return st;
    w.name = name_of(cfg);
    identity_of(cfg, w.identity);
    *ret = w;
    return DLFW_OK;
}

void sweep_work_free(struct sweep_work *w)
{
    free(w->name);
    *w = (struct sweep_work){0};
}

uint64_t sweep_steps(const struct sweep_work *w, uint32_t accelerators)
{
    uint64_t steps = shard_of(w->samples, w->batch, 0, accelerators).steps;

    return w->step_cap && w->step_cap < steps ? w->step_cap : steps;
}

double sweep_run_seconds(const struct sweep_work *w, uint32_t accelerators)
{
    return START_SECONDS + (double)(w->epochs * sweep_steps(w, accelerators)) * w->compute_seconds;
}

static dlfw_status check_steps(const struct sweep_work *w, const struct sweep_range *range, struct sweep_notes *notes,
                               dlfw_error *err)
{
    uint32_t most = range->values[range->count - 1], few = 0;

    if (!sweep_steps(w, most))
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "%lu samples make no full batch of %lu on each of %u accelerators: sweep at most %lu, or have "
                         "at least %lu samples (dataset.num_files_train)",
                         w->samples, w->batch, most, w->samples / w->batch, w->batch * most);
    for (uint32_t i = 0; i < range->count && !few; i++)
        if (sweep_steps(w, range->values[i]) < STEPS_FEW)
            few = range->values[i];
    if (few)
        sweep_note(
            notes,
            "with %u or more accelerators an epoch has fewer than %d steps (%lu with %u, %lu with %u): the AU of "
            "so few steps is coarse; %s",
            few, STEPS_FEW, sweep_steps(w, few), few, sweep_steps(w, most), most,
            w->step_cap && w->step_cap < STEPS_FEW ? "raise --steps" : "more files make it finer");
    if (w->step_cap && sweep_steps(w, most) < w->step_cap)
        sweep_note(notes, "the dataset has no %lu steps for every number of accelerators: %u get %lu", w->step_cap,
                   most, sweep_steps(w, most));
    return DLFW_OK;
}

dlfw_status sweep_work_check(const struct sweep_work *w, const struct sweep_range *range, double memory_bytes,
                             struct sweep_notes *notes, dlfw_error *err)
{
    dlfw_status st = check_steps(w, range, notes, err);

    if (st < 0)
        return st;
    if (w->is_cacheable && memory_bytes > w->dataset_bytes)
        sweep_note(notes,
                   "the dataset (%s) fits into this host's memory (%s), so this may measure memory and not the "
                   "storage; use more files, ++reader.odirect=True or ++reader.drop_cache=True",
                   unit_bytes(w->dataset_bytes).text, unit_bytes(memory_bytes).text);
    if (w->takes_checkpoints)
        sweep_note(notes, "a sweep takes no checkpoints (++workflow.checkpoint=False in every run)");
    return DLFW_OK;
}
