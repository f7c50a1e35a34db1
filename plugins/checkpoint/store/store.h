/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint folder: small objects read and written whole, names below it, what there is to find in it. */
#ifndef DLFW_CHECKPOINT_STORE_STORE_H
#define DLFW_CHECKPOINT_STORE_STORE_H

#include "dlfw/backend.h"
#include "dlfw/hook.h"
#include "layout.h"
#include "manifest.h"

#define STORE_URI_MAX 2048u
#define SMALL_BYTES_MAX ((uint64_t)64 << 10) /* of latest.json, markers and intents */

struct store {
    const dlfw_host *host;
    void *host_ctx; /* NULL outside of a run */
    const dlfw_hook_services *services;
    void *services_ctx;
    uint32_t flags;             /* of every object written: 0 or DLFW_REQ_DURABLE */
    char folder[STORE_URI_MAX]; /* without a slash at its end */
};

/* services and ctx may be set later. */
dlfw_status store_init(struct store *s, const dlfw_host *host, void *host_ctx, const char *folder, dlfw_error *reterr);
dlfw_status store_uri(const struct store *s, const char *key, char buf[STORE_URI_MAX], dlfw_error *reterr);

/* *ret: malloc'ed, a NUL behind *ret_len bytes. More than max bytes: CORRUPT. */
dlfw_status store_get(const struct store *s, const char *key, uint64_t max, char **ret, uint64_t *ret_len,
                      dlfw_error *reterr);
/* Replaces the object in one step. flags: DLFW_REQ_EXCLUSIVE; DLFW_REQ_DURABLE comes from the store. */
dlfw_status store_put(const struct store *s, const char *key, const void *data, uint64_t len, uint32_t flags,
                      dlfw_error *reterr);
/* What is not there is removed. */
dlfw_status store_remove(const struct store *s, const char *key, dlfw_error *reterr);
/* A folder that has become empty; anything else stays, and no word about it. */
void store_remove_folder(const struct store *s, const char *key);
dlfw_status store_exists(const struct store *s, const char *key, bool *ret, dlfw_error *reterr);
/* A folder that is not there has nothing in it. */
dlfw_status store_list(const struct store *s, const char *key, bool recursive,
                       int32_t (*each)(void *ctx, const dlfw_listed *item), void *ctx, dlfw_error *reterr);

dlfw_status store_read_manifest(const struct store *s, const char *name, struct manifest *ret, dlfw_error *reterr);
/* *ret_any: false when nothing is called latest. */
dlfw_status store_read_latest(const struct store *s, struct checkpoint_id *ret, bool *ret_any, dlfw_error *reterr);
/* latest.json, then the marker. */
dlfw_status store_write_latest(const struct store *s, const struct checkpoint_id *id, dlfw_error *reterr);

/* The checkpoints that have a manifest, older ones first. */
struct catalog {
    struct checkpoint_id *ids;
    uint32_t count, cap;
    bool is_full; /* while it is read: memory has run out */
};

dlfw_status catalog_read(const struct store *s, struct catalog *ret, dlfw_error *reterr);
void catalog_free(struct catalog *c); /* zeroed is fine */
const struct checkpoint_id *catalog_find(const struct catalog *c, const char *name);

#endif
