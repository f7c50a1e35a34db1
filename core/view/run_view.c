/* SPDX-License-Identifier: Apache-2.0 */
#include "view/run_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/result_read.h"

double view_number(const json_t *root, const char *const *path)
{
    for (; root && *path; path++)
        root = json_object_get(root, *path);
    return json_is_number(root) ? json_number_value(root) : VIEW_UNKNOWN;
}

void view_miss(struct run_view *v, const char *format, ...)
{
    char line[480];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (v->missing_count == v->missing_cap) {
        uint32_t cap = v->missing_cap ? v->missing_cap * 2 : 16;
        const char **lines = arena_alloc(&v->arena, cap * sizeof *lines);

        if (v->missing_count)
            memcpy(lines, v->missing, v->missing_count * sizeof *lines);
        v->missing = lines;
        v->missing_cap = cap;
    }
    v->missing[v->missing_count++] = arena_strndup(&v->arena, line, strlen(line));
}

static dlfw_status read_config(struct run_view *v, dlfw_error *err)
{
    dlfw_status st;
    char *path;

    if (!v->files.config_folder) {
        view_miss(v, "no stored configuration (a folder with config.yaml and overrides.yaml): the model's name and the "
                     "keys of the run are not known");
        return DLFW_OK;
    }
    path = xformat("%s/%s/config.yaml", v->folder, v->files.config_folder);
    st = stored_keys_read(&v->arena, path, &v->config, err);
    free(path);
    return st;
}

/* What stands at the top of a report. */
static void read_head(struct run_view *v)
{
    const char *status = result_text(v->dlfw, "status", NULL), *uri = result_text(v->dlfw, "storage", "uri", NULL);
    bool stored = v->files.config_folder != NULL;

    v->model = stored_key_find(&v->config, "model.name");
    v->storage_uri = uri ? without_uri_password(&v->arena, uri) : NULL;
    v->ranks = result_number(v->summary, VIEW_UNKNOWN, "num_accelerators", NULL);
    v->hosts = result_number(v->summary, VIEW_UNKNOWN, "num_hosts", NULL);
    v->ok = !status || strcmp(status, "ok") == 0;
    v->threshold_percent = result_number(v->dlfw, VIEW_UNKNOWN, "au", "threshold_percent", NULL);
    if (!is_known(v->threshold_percent))
        v->threshold_percent = 100.0 * stored_key_number(&v->config, "metric.au", VIEW_UNKNOWN);
    /* DLIO's defaults stand for keys that a stored configuration leaves out */
    v->batch_size = stored_key_number(&v->config, "reader.batch_size", stored ? 1 : VIEW_UNKNOWN);
    v->batch_size_eval = stored_key_number(&v->config, "reader.batch_size_eval", stored ? 1 : VIEW_UNKNOWN);
    if (!v->dlfw)
        view_miss(v,
                  "summary.json has no object 'dlfw' (another program wrote it): no strict AU, stages, shares of time, "
                  "bytes that moved, ranks or advice");
}

static dlfw_status read_summary(struct run_view *v, dlfw_error *err)
{
    dlfw_status st = view_json_read(v->folder, "summary.json", &v->summary, err);

    if (st == DLFW_E_NOT_FOUND)
        return dlfw_fail(err, st, "'%s' has no summary.json: it holds no results, or its run has not ended", v->folder);
    if (st < 0)
        return st;
    v->dlfw = json_object_get(v->summary, "dlfw");
    if (!json_is_object(v->dlfw))
        v->dlfw = NULL;
    v->coverage = json_object_get(v->dlfw, "coverage");
    return DLFW_OK;
}

dlfw_status run_view_open(const char *folder, struct run_view *ret, dlfw_error *err)
{
    struct run_view *v = ret;
    dlfw_status st;

    *v = (struct run_view){.folder = folder};
    st = result_folder_scan(&v->arena, folder, &v->files, err);
    if (st < 0)
        goto out;
    st = read_summary(v, err);
    if (st < 0)
        goto out;
    st = read_config(v, err);
    if (st < 0)
        goto out;
    read_head(v);
    view_read_epochs(v);
    view_read_stages(v);
    view_read_shares(v);
    view_read_ranks(v);
    view_read_checkpoints(v);
    st = view_read_memory(v, err);
    if (st < 0)
        goto out;
    st = view_read_timeline(v, err);
out:
    if (st < 0)
        run_view_free(v);
    return st;
}

void run_view_free(struct run_view *v)
{
    json_decref(v->summary);
    arena_free(&v->arena);
    *v = (struct run_view){0};
}
