/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/draft/checkpoint.h - what can be done with the checkpoints of a folder outside of a run. DRAFT 1: may change
 * without notice; dlfw_plugin.extension(DLFW_CHECKPOINT_TOOLS) of a hook that stores checkpoints returns the table, and no
 * stable struct refers to it.
 *
 * All calls are blocking [main]; the plugin's load() has been called. One call at a time per folder is not enough to be
 * safe against a run: a checkpoint that a run retires while it is read here fails with NOT_FOUND or CORRUPT.
 */
#ifndef DLFW_DRAFT_CHECKPOINT_H
#define DLFW_DRAFT_CHECKPOINT_H

#include "dlfw/hook.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DLFW_CHECKPOINT_TOOLS "org.dlfw.checkpoint-tools/draft-1"

/* A folder of checkpoints and the way to it. */
typedef struct dlfw_checkpoint_place {
    uint32_t struct_size;
    uint32_t threads;       /* 0: two */
    uint64_t memory_budget; /* bytes; 0: 256 MiB */
    const dlfw_hook_services *services; /* streams, sources, list, remove, remove_root; nothing that needs a run */
    void *services_ctx;
    const char *uri; /* of the folder, as services takes it */
} dlfw_checkpoint_place;

/* dlfw_checkpoint_select.flags; none and no name, no step: the one that `latest` names */
enum {
    DLFW_CHECKPOINT_SELECT_STEP = 1u << 0, /* the newest of .step */
    DLFW_CHECKPOINT_SELECT_ALL = 1u << 1,
    DLFW_CHECKPOINT_DRY_RUN = 1u << 2 /* remove: say what would go */
};

/* Which checkpoints. Nothing that fits is NOT_FOUND. */
typedef struct dlfw_checkpoint_select {
    uint32_t struct_size;
    uint32_t flags;   /* DLFW_CHECKPOINT_SELECT_*, DLFW_CHECKPOINT_DRY_RUN */
    uint64_t step;
    const char *name; /* "ckpt-250-20260101-120000"; NULL: by flags */
} dlfw_checkpoint_select;

/* dlfw_checkpoint_info.flags */
enum {
    DLFW_CHECKPOINT_IS_LATEST = 1u << 0,
    DLFW_CHECKPOINT_INCOMPLETE = 1u << 1 /* its manifest says so, or cannot be understood: .problem */
};

/* One checkpoint. Texts and the struct are valid during the call; a text that is not known is NULL. */
typedef struct dlfw_checkpoint_info {
    uint32_t struct_size;
    uint32_t flags;
    const char *name;
    const char *framework;
    const char *wall_time; /* "2026-01-01T12:00:00Z" */
    const char *codec;     /* "none", "zstd", "float" */
    const char *problem;
    uint64_t step;
    uint64_t raw_bytes;    /* of all shards; UINT64_MAX: not known */
    uint64_t stored_bytes;
    uint32_t epoch;
    uint32_t world_size;
    uint32_t shards;
    uint32_t parts; /* with a checksum of their own */
} dlfw_checkpoint_info;

/* What was done to a checkpoint (verify, restore, remove) or to an object (restore, clean). */
typedef struct dlfw_checkpoint_report {
    uint32_t struct_size;
    uint32_t done;        /* clean, remove: 1 when it is gone, 0 when it would be (dry run) */
    dlfw_status status;   /* verify: of the checkpoint; else DLFW_OK */
    uint32_t checksums;   /* verify, restore: compared with what was written */
    const char *name;     /* of the checkpoint, or of the object below the folder */
    const char *text;     /* verify: what is wrong; clean: why it is a leftover; else NULL */
    uint64_t raw_bytes;
    uint64_t stored_bytes; /* read or removed; UINT64_MAX: not known */
} dlfw_checkpoint_report;

/* dlfw_checkpoint_tools.clean */
typedef struct dlfw_checkpoint_clean {
    uint32_t struct_size;
    uint32_t flags; /* DLFW_CHECKPOINT_DRY_RUN */
    /* A save whose process runs on this machine is never touched, one whose process is gone from it is cleaned at once. What
     * other machines (or programs without an intent object) began is cleaned when nothing of it is younger than this. 0: at
     * once, which is right only when nobody else writes here. */
    uint64_t min_age_ns;
} dlfw_checkpoint_clean;

typedef struct dlfw_checkpoint_tools {
    uint32_t struct_size;
    uint32_t reserved0;
    /* Ascending by step and time. each() returns 0 to go on, else to stop. A folder without checkpoints: no call. */
    dlfw_status (*list)(const dlfw_checkpoint_place *place, int32_t (*each)(void *ctx, const dlfw_checkpoint_info *info), void *ctx,
                        dlfw_error *reterr);
    /* Reads everything and compares every checksum. Every selected checkpoint is reported; the first failure is returned. */
    dlfw_status (*verify)(const dlfw_checkpoint_place *place, const dlfw_checkpoint_select *select,
                          void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx, dlfw_error *reterr);
    /* Writes the raw shards of one checkpoint as 'rank-N.bin' below to_uri, each when it is verified whole. */
    dlfw_status (*restore)(const dlfw_checkpoint_place *place, const dlfw_checkpoint_select *select, const char *to_uri,
                           void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx, dlfw_error *reterr);
    /* `latest` names another one, or nothing, before what it names goes. */
    dlfw_status (*remove)(const dlfw_checkpoint_place *place, const dlfw_checkpoint_select *select,
                          void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx, dlfw_error *reterr);
    /* Removes what saves and removals that were killed have left: shards without a manifest, markers without a checkpoint,
     * intents. Mends a `latest` that names nothing, and finishes a save that was killed between its manifest and `latest`.
     * Touches nothing whose name is not one of the layout. Temporary objects are the backend's: let it remove them before. */
    dlfw_status (*clean)(const dlfw_checkpoint_place *place, const dlfw_checkpoint_clean *args,
                         void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx, dlfw_error *reterr);
} dlfw_checkpoint_tools;

#ifdef __cplusplus
}
#endif
#endif
