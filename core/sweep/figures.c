/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: a run that did not do what was asked gives no figures, so that no point rests on half a run. */
#include "sweep/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/result_read.h"

static void take_losses(const json_t *summary, struct sweep_figures *f)
{
    const json_t *au = json_object_get(json_object_get(summary, "dlfw"), "au");
    const char *limited = result_text(au, "limited_by", NULL);

    snprintf(f->limited_by, sizeof f->limited_by, "%s", limited ? limited : "unknown");
    f->strict_au = result_number(au, NAN, "strict_percent", NULL);
    f->lost_storage = result_number(au, NAN, "lost", "storage_percent", NULL);
    f->lost_barrier = result_number(au, NAN, "lost", "barrier_percent", NULL);
    f->lost_overshoot = result_number(au, NAN, "lost", "overshoot_percent", NULL);
    f->lost_client = result_number(au, NAN, "lost", "client_percent", NULL);
    f->window_steps = (uint64_t)result_number(au, 0, "window_steps", NULL);
}

static void take_epochs(const json_t *summary, struct sweep_figures *f)
{
    const json_t *epochs = json_object_get(json_object_get(summary, "dlfw"), "epochs");

    f->epochs = json_array_size(epochs);
    f->first_au = f->epochs > 1 ? result_number(json_array_get(epochs, 0), NAN, "au_percent", NULL) : NAN;
}

/* Reads of a local file system go through the page cache, which another sweep's point or epoch may have filled. */
static void take_storage(const json_t *summary, struct sweep_figures *f)
{
    const json_t *storage = json_object_get(json_object_get(summary, "dlfw"), "storage");
    const json_t *caching = json_object_get(summary, "potential_caching");
    const char *scheme = result_text(storage, "scheme", NULL);
    bool fits = false;

    for (size_t i = 0; i < json_array_size(caching); i++)
        fits = fits || json_is_true(json_array_get(caching, i)) || json_integer_value(json_array_get(caching, i)) != 0;
    f->no_data = json_is_false(json_object_get(storage, "real_data"));
    f->may_be_cached =
        fits && scheme && strcmp(scheme, "file") == 0 && !json_is_true(json_object_get(storage, "direct"));
}

static void take_io(const json_t *summary, struct sweep_figures *f)
{
    const json_t *io = json_object_get(json_object_get(summary, "dlfw"), "io");

    f->samples_per_second = result_number(summary, NAN, "metric", "train_throughput_mean_samples_per_second", NULL);
    f->bytes_per_second = result_number(io, NAN, "train_bytes_per_second", NULL);
    f->errors = (uint64_t)result_number(io, 0, "errors", NULL);
    f->retries = (uint64_t)result_number(io, 0, "retries", NULL);
    f->wait_p99_ns = result_number(summary, NAN, "dlfw", "latency_ns", "batch_wait", "p99", NULL);
    f->slowest_au = result_number(summary, NAN, "dlfw", "ranks", "au_percent", "min", NULL);
}

dlfw_status sweep_figures_take(const json_t *summary, uint32_t accelerators, struct sweep_figures *ret, dlfw_error *err)
{
    struct sweep_figures f = {.accelerators = accelerators,
                              .cpu_machine = ret->cpu_machine,
                              .cpu_run = ret->cpu_run,
                              .seconds = ret->seconds};
    const char *status = result_text(summary, "dlfw", "status", NULL);
    double ranks = result_number(summary, 0, "num_accelerators", NULL);

    if (!status || strcmp(status, "ok") != 0)
        return dlfw_fail(err, DLFW_E_CORRUPT, "its results say '%s', not that it ended well",
                         status ? status : "nothing");
    if (fabs(ranks - accelerators) > 0.5)
        return dlfw_fail(err, DLFW_E_CORRUPT, "its results are of %.0f accelerators, not of %u", ranks, accelerators);
    f.au = result_number(summary, NAN, "metric", "train_au_mean_percentage", NULL);
    if (!isfinite(f.au))
        return dlfw_fail(err, DLFW_E_CORRUPT, "its results hold no AU: no epoch of training was finished");
    take_losses(summary, &f);
    take_epochs(summary, &f);
    take_storage(summary, &f);
    take_io(summary, &f);
    *ret = f;
    return DLFW_OK;
}

dlfw_status sweep_figures_read(const char *folder, uint32_t accelerators, struct sweep_figures *ret, dlfw_error *err)
{
    json_t *summary = NULL;
    dlfw_status st = result_read_json(folder, "summary.json", &summary, err);

    if (st >= 0)
        st = sweep_figures_take(summary, accelerators, ret, err);
    json_decref(summary);
    return st;
}
