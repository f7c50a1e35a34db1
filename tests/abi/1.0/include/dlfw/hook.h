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

/*
 * What a hook may ask the host for. uri: any URI the run file could name, "checkpoints/x" below the run's
 * storage root, or absolute. All blocking; [main].
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
} dlfw_hook_services;

/* dlfw_hook_ctx.phase */
enum { DLFW_PHASE_INITIALIZE = 1, DLFW_PHASE_STEP = 2, DLFW_PHASE_EPOCH = 3, DLFW_PHASE_FINALIZE = 4 };

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
} dlfw_hook_ops;

#ifdef __cplusplus
}
#endif
#endif
