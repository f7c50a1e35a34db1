/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throughput over time from the steps of all ranks. A step has durations only; when its block began is in the rank's
 * {rank}_per_epoch_stats.json. The axis begins, for every rank, where its first epoch begins: all ranks enter that
 * together, so that clocks of several hosts that differ do no harm. Invariant: memory does not grow with steps or
 * ranks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/result_read.h"
#include "view/local_time.h"
#include "view/run_view.h"
#include "view/steps_file.h"

struct rank_steps {
    struct run_view *view;
    json_t *stats;   /* NULL: blocks follow one another without a gap */
    double origin_s; /* of the rank's first epoch, by its clock */
    double now_s;    /* on the axis: where the last step ended */
    uint64_t epoch, block;
    bool begun;
};

static double time_of(const json_t *o, const char *key)
{
    const char *text = result_text(o, key, NULL);

    return text ? local_time_seconds(text) : VIEW_UNKNOWN;
}

/* The first epoch in the file's order. */
static double origin_of(json_t *stats)
{
    const char *key;
    json_t *epoch;

    json_object_foreach(stats, key, epoch) return time_of(epoch, "start");
    return VIEW_UNKNOWN;
}

/* Where a block begins; time never goes back, also when the clock does. */
static void enter_block(struct rank_steps *r, const struct step_row *row)
{
    char epoch[24], block[32];
    double start;

    r->begun = true;
    r->epoch = row->epoch;
    r->block = row->block;
    snprintf(epoch, sizeof epoch, "%lu", row->epoch);
    snprintf(block, sizeof block, row->block ? "block%lu" : "eval", row->block);
    start = time_of(json_object_get(json_object_get(r->stats, epoch), block), "start") - r->origin_s;
    if (is_known(start) && start > r->now_s)
        r->now_s = start;
}

static void take_step(void *ctx, const struct step_row *row)
{
    struct rank_steps *r = ctx;
    struct timeline *t = &r->view->timeline;
    double samples = row->block ? r->view->batch_size : r->view->batch_size_eval;
    double loaded, end;

    if (!r->begun || row->epoch != r->epoch || row->block != r->block)
        enter_block(r, row);
    loaded = r->now_s + row->load_s;
    end = loaded + row->compute_s + row->barrier_s;
    timeline_add(t, row->block ? TIMELINE_TRAIN : TIMELINE_EVAL, r->now_s, end, is_known(samples) ? samples : 1);
    timeline_add(t, TIMELINE_WAIT, r->now_s, loaded, row->load_s);
    timeline_add(t, TIMELINE_BUSY, r->now_s, end, end - r->now_s);
    r->now_s = end;
}

static void add_mark(struct run_view *v, enum mark_kind kind, double start_s, double end_s, const char *label)
{
    if (!is_known(start_s))
        return;
    if (v->mark_count == VIEW_MARKS_MAX) {
        v->marks_left_out++;
        return;
    }
    v->marks[v->mark_count++] = (struct view_mark){kind, start_s, is_known(end_s) && end_s > start_s ? end_s : start_s,
                                                   arena_strndup(&v->arena, label, strlen(label))};
}

static void add_marks(struct run_view *v, json_t *stats, double origin_s)
{
    const char *number, *key;
    json_t *epoch, *part;

    v->marks = arena_alloc(&v->arena, VIEW_MARKS_MAX * sizeof *v->marks);
    json_object_foreach(stats, number, epoch)
    {
        add_mark(v, MARK_EPOCH, time_of(epoch, "start") - origin_s, VIEW_UNKNOWN, number);
        json_object_foreach(epoch, key, part)
        {
            bool save = strncmp(key, "save_ckpt", 9) == 0, load = strncmp(key, "load_ckpt", 9) == 0;

            if (save || load || strcmp(key, "eval") == 0)
                add_mark(v,
                         save   ? MARK_SAVE
                         : load ? MARK_LOAD
                                : MARK_EVAL,
                         time_of(part, "start") - origin_s, time_of(part, "end") - origin_s, number);
        }
    }
}

static dlfw_status read_rank(struct run_view *v, uint64_t rank, dlfw_error *err)
{
    char *stats_name = xformat("%lu_per_epoch_stats.json", rank), *path = xformat("%s/%lu_steps.csv", v->folder, rank);
    struct rank_steps r = {.view = v};
    json_t *stats = NULL;
    dlfw_status st = DLFW_OK;

    if (result_folder_find(&v->files, stats_name))
        st = view_json_read(v->folder, stats_name, &stats, err);
    if (st >= 0) {
        r.stats = stats;
        r.origin_s = origin_of(stats);
        if (stats && rank == 0)
            add_marks(v, stats, r.origin_s);
        st = steps_file_read(path, take_step, &r, err);
    }
    json_decref(stats);
    free(path);
    free(stats_name);
    return st;
}

dlfw_status view_read_timeline(struct run_view *v, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; st >= 0 && i < v->files.step_rank_count; i++)
        st = read_rank(v, v->files.step_ranks[i], err);
    if (!v->files.step_rank_count)
        view_miss(v, "there is no {rank}_steps.csv: throughput over time is not shown");
    else if (is_known(v->ranks) && v->ranks != v->files.step_rank_count)
        view_miss(v, "{rank}_steps.csv is there for %u of %.0f ranks: throughput over time is that of these ranks",
                  v->files.step_rank_count, v->ranks);
    if (v->files.step_rank_count && !is_known(v->batch_size))
        view_miss(v, "the batch size is not known: throughput over time is in steps");
    return st;
}
