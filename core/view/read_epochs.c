/* SPDX-License-Identifier: Apache-2.0 */
/* The epochs of a run: dlfw's own list, else DLIO's lists of figures per epoch. */
#include <stdlib.h>
#include <string.h>

#include "report/result_read.h"
#include "view/run_view.h"

#define MEMORY_FILE_MAX (64u << 20) /* every step is in it: a report must not need gigabytes for a few numbers */
#define KIB 1024.0

static const struct view_epoch unknown_epoch = {.in_means = true,
                                                .seconds = VIEW_UNKNOWN,
                                                .steps = VIEW_UNKNOWN,
                                                .expected_steps = VIEW_UNKNOWN,
                                                .au_percent = VIEW_UNKNOWN,
                                                .strict_au_percent = VIEW_UNKNOWN,
                                                .samples_per_second = VIEW_UNKNOWN,
                                                .bytes = VIEW_UNKNOWN,
                                                .page_cache = VIEW_UNKNOWN,
                                                .resident_percent = VIEW_UNKNOWN,
                                                .resident_files = VIEW_UNKNOWN};

static void read_own(struct run_view *v, const json_t *list)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item)
    {
        struct view_epoch *e = &v->epochs[i];

        *e = unknown_epoch;
        e->epoch = (uint64_t)json_integer_value(json_object_get(item, "epoch"));
        e->in_means = !json_is_false(json_object_get(item, "in_means"));
        e->seconds = result_number(item, VIEW_UNKNOWN, "seconds", NULL);
        e->steps = result_number(item, VIEW_UNKNOWN, "steps", NULL);
        e->expected_steps = result_number(item, VIEW_UNKNOWN, "expected_steps", NULL);
        e->au_percent = result_number(item, VIEW_UNKNOWN, "au_percent", NULL);
        e->strict_au_percent = result_number(item, VIEW_UNKNOWN, "strict_au_percent", NULL);
        e->samples_per_second = result_number(item, VIEW_UNKNOWN, "samples_per_second", NULL);
        e->bytes = result_number(item, VIEW_UNKNOWN, "bytes_asked", NULL);
        e->resident_percent = result_number(item, VIEW_UNKNOWN, "resident_percent", NULL);
        e->resident_files = result_number(item, VIEW_UNKNOWN, "resident_files_looked_at", NULL);
    }
}

static double item_number(const json_t *list, size_t i)
{
    const json_t *item = json_array_get(list, i);

    return json_is_number(item) ? json_number_value(item) : VIEW_UNKNOWN;
}

static void read_metric(struct run_view *v, const json_t *au, const json_t *rate)
{
    for (uint32_t i = 0; i < v->epoch_count; i++) {
        v->epochs[i] = unknown_epoch;
        v->epochs[i].epoch = i + 1;
        v->epochs[i].au_percent = item_number(au, i);
        v->epochs[i].samples_per_second = item_number(rate, i);
    }
}

/* Samples of an object of `coverage`, training and evaluation. */
static double covered_samples(const struct run_view *v)
{
    double sum = 0;
    const json_t *item;
    size_t i;

    json_array_foreach(v->coverage, i, item)
    {
        sum += result_number(item, 0, "train", "samples", NULL);
        sum += result_number(item, 0, "eval", "samples", NULL);
    }
    return sum;
}

void view_read_epochs(struct run_view *v)
{
    const json_t *own = json_object_get(v->dlfw, "epochs"), *metric = json_object_get(v->summary, "metric");
    const json_t *au = json_object_get(metric, "train_au_percentage");
    const json_t *rate = json_object_get(metric, "train_throughput_samples_per_second");
    size_t count = json_array_size(own);
    double samples = covered_samples(v), bytes = 0;

    if (!count)
        count = json_array_size(au) > json_array_size(rate) ? json_array_size(au) : json_array_size(rate);
    v->epoch_count = (uint32_t)count;
    v->epochs = arena_alloc(&v->arena, (count + 1) * sizeof *v->epochs);
    if (json_array_size(own))
        read_own(v, own);
    else
        read_metric(v, au, rate);
    for (size_t i = 0; i < count; i++)
        bytes += is_known(v->epochs[i].bytes) ? v->epochs[i].bytes : 0;
    v->bytes_per_sample = samples > 0 && bytes > 0 ? bytes / samples : VIEW_UNKNOWN;
}

/* "Cached" of /proc/meminfo, "12345 kB", as bytes. */
static double page_cache_of(const json_t *epoch)
{
    const char *text = result_text(epoch, "host_meminfo", "Cached", NULL);
    char *end = NULL;
    double kib = text ? strtod(text, &end) : VIEW_UNKNOWN;

    return text && end != text && kib >= 0 && isfinite(kib) ? kib * KIB : VIEW_UNKNOWN;
}

dlfw_status view_read_memory(struct run_view *v, dlfw_error *err)
{
    const struct result_entry *file = result_folder_find(&v->files, "0_output.json");
    json_t *root = NULL;
    dlfw_status st;

    if (!file || !v->epoch_count)
        return DLFW_OK;
    if (file->bytes > MEMORY_FILE_MAX) {
        view_miss(v, "0_output.json is larger than 64 MiB and was not read: the page cache per epoch is not shown");
        return DLFW_OK;
    }
    st = view_json_read(v->folder, "0_output.json", &root, err);
    for (uint32_t i = 0; st >= 0 && i < v->epoch_count; i++) {
        char *key = xformat("%lu", v->epochs[i].epoch);

        v->epochs[i].page_cache = page_cache_of(json_object_get(root, key));
        free(key);
    }
    json_decref(root);
    return st;
}
