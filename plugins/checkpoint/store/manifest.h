/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a checkpoint: format 1 of the s3dlio store, with fields of our own (codec, raw size, parts) that
 * other readers pass over. What is read comes from outside: every field is checked, sizes add up, ranks come once.
 */
#ifndef DLFW_CHECKPOINT_STORE_MANIFEST_H
#define DLFW_CHECKPOINT_STORE_MANIFEST_H

#include "layout.h"

#define MANIFEST_BYTES_MAX ((uint64_t)512 << 20)

/* A part of a shard. */
struct part_entry {
    uint32_t raw_bytes;
    uint32_t stored_bytes;
    uint32_t crc; /* CRC-32C of the raw bytes */
};

struct manifest_shard {
    uint32_t rank;
    char key[STORE_KEY_MAX];
    uint64_t size; /* stored */
    bool has_crc;
    uint32_t crc; /* CRC-32C of the stored bytes */
    enum codec codec;
    uint64_t raw_bytes;       /* UINT64_MAX: not known */
    struct part_entry *parts; /* owned; NULL: it is one whole object */
    uint32_t part_count;
};

struct manifest {
    uint64_t step;
    uint32_t epoch;
    uint32_t world_size;
    bool complete;
    char *framework; /* owned texts, never NULL after a read */
    char *wall_time;
    char *user_meta;               /* JSON; NULL: null */
    struct manifest_shard *shards; /* by rank; owned */
    uint32_t shard_count;
};

void manifest_free(struct manifest *m); /* zeroed is fine */
/* *ret: malloc'ed, *ret_len bytes and a NUL. */
dlfw_status manifest_print(const struct manifest *m, char **ret, uint64_t *ret_len, dlfw_error *reterr);
/* CORRUPT names what is wrong. */
dlfw_status manifest_parse(const char *text, uint64_t len, struct manifest *ret, dlfw_error *reterr);
/* NULL: no shard of that rank. */
const struct manifest_shard *manifest_shard_of(const struct manifest *m, uint32_t rank);

/* latest.json and the markers. */
dlfw_status latest_print(const struct checkpoint_id *id, char **ret, uint64_t *ret_len, dlfw_error *reterr);
dlfw_status latest_parse(const char *text, uint64_t len, struct checkpoint_id *ret, dlfw_error *reterr);

#endif
