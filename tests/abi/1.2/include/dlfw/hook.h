/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/hook.h - lifecycle hooks: called at initialize / after_step / after_epoch / finalize of a run.
 *
 * initialize runs in the order of the run file; finalize in reverse order, always for those whose initialize
 * succeeded, also after an error or Ctrl-C (ctx->last_status says so). The time of hooks is measured and reported on
 * its own. Calls are blocking and come from the main thread of the rank.
 */
#ifndef DLFW_HOOK_H
#define DLFW_HOOK_H

#include "dlfw/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlfw_hook dlfw_hook;     /* the plugin's; one per instance */
typedef struct dlfw_writer dlfw_writer; /* the host's stream writer */
typedef struct dlfw_source dlfw_source; /* the host's random-access reader of one object */

/* One step of a checkpoint, for the host's log and report (dlfw_hook_services.checkpoint). Since 1.1 */
typedef struct dlfw_checkpoint_event {
    uint32_t struct_size;
    uint32_t what;            /* DLFW_CHECKPOINT_* */
    uint32_t epoch;
    uint32_t number;          /* of the checkpoint in its epoch, from 1; MODEL: zero */
    uint64_t step;            /* after which it is taken */
    uint64_t bytes;           /* payload, all ranks: MODEL, *_END. Without container and compression */
    uint64_t rank_bytes;      /* payload of this rank: MODEL, *_END */
    uint64_t stored_bytes;    /* that this rank moved to or from the storage: *_END */
    uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC; the checkpoint is durable and visible at end_ns: *_END */
    uint64_t model_ns, optimizer_ns; /* parts of it: *_END */
    uint64_t stall_ns;        /* that training waited for it: *_END; end - begin when it is not in the background */
    uint64_t parameters;      /* of the model: MODEL */
    uint64_t model_bytes, optimizer_bytes; /* all ranks: MODEL */
    uint32_t subset_ranks, subset_of; /* ranks that write, of ranks the model is planned for: MODEL; 0: all */
    const char *name;         /* of the checkpoint: "global_epoch1_step250" */
} dlfw_checkpoint_event;

enum {
    DLFW_CHECKPOINT_MODEL = 1,      /* once, in initialize: what a checkpoint will hold */
    DLFW_CHECKPOINT_SAVE_BEGIN = 2,
    DLFW_CHECKPOINT_SAVE_END = 3,
    DLFW_CHECKPOINT_LOAD_BEGIN = 4,
    DLFW_CHECKPOINT_LOAD_END = 5,
    DLFW_CHECKPOINT_WRITES_BEGIN = 6, /* phases of a run that only checkpoints */
    DLFW_CHECKPOINT_WRITES_END = 7,
    DLFW_CHECKPOINT_READS_BEGIN = 8,
    DLFW_CHECKPOINT_READS_END = 9
};

/* An object or group that list() found; valid during the call. Since 1.1 */
typedef struct dlfw_listed {
    uint32_t struct_size;
    uint32_t name_len;
    const char *name; /* below the listed URI, not NUL-terminated; ends in '/' for a group */
    uint64_t size;    /* UINT64_MAX: not known */
    uint64_t mtime_ns; /* since 1970; 0: not known */
} dlfw_listed;

/*
 * What a hook may ask the host for. uri: any URI the run file could name, "checkpoints/x" below the run's
 * storage root, or absolute. All blocking. Streams, sources, list, remove and make_root: [any], one thread at a time per writer
 * or source. Barrier, broadcast, gather, put and checkpoint: [main].
 */
typedef struct dlfw_hook_services {
    uint32_t struct_size;
    uint32_t reserved0;
    /* A new object; nothing is visible before commit. size_hint: bytes expected or 0. flags: DLFW_REQ_DURABLE,
     * DLFW_REQ_EXCLUSIVE of dlfw/backend.h. Append copies; memory = parts in flight. commit and abort end the writer. */
    dlfw_status (*writer_open)(void *ctx, const char *uri, uint64_t size_hint, uint32_t flags, dlfw_writer **ret, dlfw_error *reterr);
    dlfw_status (*writer_append)(dlfw_writer *w, const void *data, uint64_t len, dlfw_error *reterr);
    dlfw_status (*writer_commit)(dlfw_writer *w, dlfw_error *reterr);
    void (*writer_abort)(dlfw_writer *w);
    dlfw_status (*source_open)(void *ctx, const char *uri, dlfw_source **ret, uint64_t *ret_size, dlfw_error *reterr);
    /* *ret_bytes < len only at the end of the object */
    dlfw_status (*source_read)(dlfw_source *s, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes, dlfw_error *reterr);
    void (*source_close)(dlfw_source *s);
    dlfw_status (*remove)(void *ctx, const char *uri, dlfw_error *reterr);
    /* over all ranks of the run */
    dlfw_status (*barrier)(void *ctx, dlfw_error *reterr);
    /* A figure for the report, below the hook's name. */
    void (*put)(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value);

    /* since 1.1 */
    /* Memory for the next bytes of the object (*ret_len >= 1, often a whole part), so that they are made in place;
     * writer_advance(n) appends its first n bytes. */
    dlfw_status (*writer_window)(dlfw_writer *w, void **ret, uint64_t *ret_len, dlfw_error *reterr);
    dlfw_status (*writer_advance)(dlfw_writer *w, uint64_t n, dlfw_error *reterr);
    /* Reads [offset, offset + length) with many requests in flight and hands it over piece by piece, ascending, without gaps;
     * memory = pieces in flight. A negative status of piece() ends the scan with it. A short object is DLFW_E_CORRUPT. */
    dlfw_status (*source_scan)(dlfw_source *s, uint64_t offset, uint64_t length,
                               dlfw_status (*piece)(void *piece_ctx, const void *data, uint64_t len, dlfw_error *reterr),
                               void *piece_ctx, dlfw_error *reterr);
    /* Everything below a folder or prefix, in no order. each() returns 0 to go on, else to stop. NOT_FOUND: no such folder. */
    dlfw_status (*list)(void *ctx, const char *uri, uint32_t recursive, int32_t (*each)(void *each_ctx, const dlfw_listed *item),
                        void *each_ctx, dlfw_error *reterr);
    /* A folder where the storage has folders; nothing elsewhere. */
    dlfw_status (*make_root)(void *ctx, const char *uri, dlfw_error *reterr);
    dlfw_status (*broadcast)(void *ctx, uint32_t root, void *buf, uint64_t len, dlfw_error *reterr);
    /* mine: len bytes of each rank; all: world_size * len bytes in rank order */
    dlfw_status (*gather)(void *ctx, const void *mine, void *all, uint64_t len, dlfw_error *reterr);
    void (*checkpoint)(void *ctx, const dlfw_checkpoint_event *event);
    /* Removes a folder that is empty, where the storage has folders; anything else in it is DLFW_E_BUSY. */
    dlfw_status (*remove_root)(void *ctx, const char *uri, dlfw_error *reterr);
} dlfw_hook_services;

/* Where plan() says what a rank would write. Valid during the call. Since 1.1 */
typedef struct dlfw_plan_sink {
    uint32_t struct_size;
    uint32_t reserved0;
    void *ctx;
    /* A file of the checkpoint: its name below the checkpoint's folder, its payload and its exact size (UINT64_MAX: not known
     * before, as with compression). */
    void (*file)(void *ctx, const char *name, uint64_t payload_bytes, uint64_t file_bytes);
    /* A figure of the whole checkpoint: "parameters" "", "model" "bytes", "optimizer" "bytes", "memory" "bytes". */
    void (*figure)(void *ctx, const char *name, const char *unit, uint64_t value);
} dlfw_plan_sink;

/* dlfw_hook_ctx.phase */
enum {
    DLFW_PHASE_INITIALIZE = 1,
    DLFW_PHASE_STEP = 2,
    DLFW_PHASE_EPOCH = 3,
    DLFW_PHASE_FINALIZE = 4,
    DLFW_PHASE_WORKLOAD = 5 /* since 1.1 */
};

/* Valid during the call. Counters are of this rank. */
typedef struct dlfw_hook_ctx {
    uint32_t struct_size;
    uint32_t phase;       /* DLFW_PHASE_* */
    uint32_t epoch;       /* from 1; 0 in initialize */
    uint32_t rank;
    uint32_t world_size;
    dlfw_status last_status; /* finalize: 0 after a good run, else why it ended */
    uint64_t step;        /* in the epoch, from 1; in after_epoch: steps done */
    uint64_t global_step; /* since the start of the run */
    uint64_t now_ns;      /* CLOCK_MONOTONIC */
    uint64_t samples;     /* delivered so far */
    uint64_t bytes;       /* of those samples' objects, as read */
    uint64_t load_ns;     /* after_step: waiting for this step's batch */
    uint64_t compute_ns;  /* after_step: emulated compute of this step */
    const dlfw_hook_services *services;
    void *services_ctx;
} dlfw_hook_ctx;

typedef struct dlfw_hook_ops {
    uint32_t struct_size;
    uint32_t thread_class; /* PER_QUEUE */
    uint64_t caps;         /* zero */
    dlfw_status (*create)(const dlfw_create_args *args, dlfw_hook **ret, dlfw_error *reterr); /* [main] */
    void (*destroy)(dlfw_hook *hook);                                                         /* [main] */
    /* Each may be NULL. Return DLFW_OK, DLFW_STOP (the training ends cleanly) or an error. [main] */
    dlfw_status (*initialize)(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
    dlfw_status (*after_step)(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
    dlfw_status (*after_epoch)(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
    dlfw_status (*finalize)(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
    /* Returns 1 when the coming after_step or after_epoch call (ctx as it will get it) does work that must not count as
     * training (a checkpoint): the host then closes the measured block before the call. NULL: never. [main] */
    int32_t (*ends_block)(dlfw_hook *hook, const dlfw_hook_ctx *ctx);

    /* Since 1.1; each may be NULL. */
    /* The run's work when nothing is trained (workflow.train false): a checkpoint hook writes and reads its
     * checkpoints. Between initialize and finalize. [main] */
    dlfw_status (*workload)(dlfw_hook *hook, const dlfw_hook_ctx *ctx, dlfw_error *reterr);
    /* What one rank of world_size would write per checkpoint, without touching any storage. initialize was not called. [main] */
    dlfw_status (*plan)(dlfw_hook *hook, uint32_t rank, uint32_t world_size, const dlfw_plan_sink *out, dlfw_error *reterr);
} dlfw_hook_ops;

#ifdef __cplusplus
}
#endif
#endif
