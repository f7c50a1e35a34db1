/* SPDX-License-Identifier: Apache-2.0 */
/* A shard read back: decoded by threads while more of it arrives, every checksum compared, its bytes compared with the
 * content they were made from or handed on in order. */
#ifndef DLFW_CHECKPOINT_STORE_SHARD_READ_H
#define DLFW_CHECKPOINT_STORE_SHARD_READ_H

#include "shard_parts.h"
#include "store.h"

struct shard_read_args {
    const struct store *store;
    const struct manifest_shard *shard;
    uint32_t threads;
    uint64_t memory_budget;
    bool compare_checksums;
    /* NULL, or compare the bytes with this */
    const struct model_plan *plan;
    const struct tensor_content *content;
    /* NULL, or gets the raw bytes in order; they are good when shard_read() says so, not before */
    dlfw_writer *writer;
};

struct shard_was_read {
    uint64_t raw_bytes;
    uint32_t checksums; /* that were compared */
};

/* CORRUPT names object and byte. [any] */
dlfw_status shard_read(const struct shard_read_args *args, struct shard_was_read *ret, dlfw_error *reterr);

#endif
