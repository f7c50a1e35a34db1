/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A results directory as it is shown to people: what its files say, typed. Every value is optional, since directories
 * come from other versions and from DLIO: a number that is not there is VIEW_UNKNOWN, a text NULL, a list empty; what a
 * reader would look for is named in `missing`. Nothing here is estimated.
 */
#ifndef DLFW_CORE_VIEW_RUN_VIEW_H
#define DLFW_CORE_VIEW_RUN_VIEW_H

#include <jansson.h>
#include <math.h>
#include <stdbool.h>

#include "base/str.h"
#include "dlfw/base.h"
#include "view/result_folder.h"
#include "view/stored_keys.h"
#include "view/timeline.h"

#define VIEW_UNKNOWN ((double)NAN)

static inline bool is_known(double value)
{
    return isfinite(value);
}

struct view_epoch {
    uint64_t epoch;
    bool in_means;
    double seconds, steps, expected_steps;
    double au_percent, strict_au_percent, samples_per_second;
    double bytes;      /* asked of the storage */
    double page_cache; /* bytes in the page cache of rank 0's host when it began */
    /* of what that host was to read, by the files that were looked at */
    double resident_percent, resident_files;
};

/* A stage of `latency_ns`; all but count in nanoseconds. */
struct view_stage {
    const char *key, *label;
    double count, mean, p50, p90, p99, p999, max;
};

/* A part of a whole of 100 percent. */
struct view_share {
    const char *key, *label;
    double percent;
};
#define VIEW_SHARES_MAX 6

struct view_shares {
    struct view_share items[VIEW_SHARES_MAX];
    uint32_t count; /* 0: the directory does not say */
};

/* What is known of each rank; the table rank_measures says which these are. */
enum { RANK_MEASURES = 16 };

struct view_rank {
    uint64_t rank;
    const char *host;
    double values[RANK_MEASURES];
};

struct view_checkpoint {
    bool is_load, finished;
    double epoch, step, seconds, bytes, stall_ns;
    const char *name;
};

/* A checkpoint or an evaluation on the time axis of `timeline`. */
enum mark_kind { MARK_EPOCH, MARK_SAVE, MARK_LOAD, MARK_EVAL };

struct view_mark {
    enum mark_kind kind;
    double start_s, end_s;
    const char *label;
};
#define VIEW_MARKS_MAX 400

struct run_view {
    struct arena arena;
    const char *folder;
    json_t *summary;
    const json_t *dlfw;     /* in summary; NULL: written by another program */
    const json_t *coverage; /* a list, or NULL */
    const char *model;
    const char *storage_uri; /* without a password, as all text here */
    double ranks, hosts;
    double threshold_percent;
    bool ok; /* the run ended well; true when the directory does not say */

    struct view_epoch *epochs;
    uint32_t epoch_count;
    struct view_stage *stages; /* those that happened */
    uint32_t stage_count;
    struct view_shares window; /* where the time of the measured window went */
    struct view_shares lost;   /* 100 percent = strict AU + what it was lost to */
    struct view_rank *rank_list;
    uint32_t rank_count;
    struct view_checkpoint *checkpoints;
    uint32_t checkpoint_count;

    struct result_folder files;
    struct stored_keys config;
    struct timeline timeline;
    double batch_size, batch_size_eval; /* for steps to be samples */
    double bytes_per_sample;            /* mean of what was asked */
    struct view_mark *marks;
    uint32_t mark_count, marks_left_out;

    const char **missing;
    uint32_t missing_count, missing_cap;
};

/* A directory without summary.json, and files that are not what their names say, are errors. */
dlfw_status run_view_open(const char *folder, struct run_view *ret, dlfw_error *err);
void run_view_free(struct run_view *v); /* safe on a zeroed one */

/* A number of the summary below keys, in the unit it has there. */
double view_number(const json_t *root, const char *const *path);
void view_miss(struct run_view *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The parts of run_view_open, each from what is there already. */
void view_read_epochs(struct run_view *v);
void view_read_stages(struct run_view *v);
void view_read_shares(struct run_view *v);
void view_read_ranks(struct run_view *v);
void view_read_checkpoints(struct run_view *v);
dlfw_status view_read_memory(struct run_view *v, dlfw_error *err);
dlfw_status view_read_timeline(struct run_view *v, dlfw_error *err);

/* <folder>/<name> as JSON; like Python it takes NaN and Infinity, which become null. */
dlfw_status view_json_read(const char *folder, const char *name, json_t **ret, dlfw_error *err);

#endif
