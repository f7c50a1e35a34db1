/* SPDX-License-Identifier: Apache-2.0 */
/* Inside shard_read: the three ways a shard is taken in, each a sink of pieces that arrive in order. */
#ifndef DLFW_CHECKPOINT_STORE_SHARD_READING_H
#define DLFW_CHECKPOINT_STORE_SHARD_READING_H

#include "shard_read.h"

typedef dlfw_status reading_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr);

struct reading {
    reading_piece *piece; /* which of the three */
    const struct shard_read_args *args;
    const struct manifest_shard *shard;
    struct shard_cursor cursor; /* of the content, with args->plan */
    uint64_t raw_bytes;         /* handed on */
    uint64_t stored_bytes;      /* of parts that are done */
    uint32_t crc;               /* of those */
    uint32_t checksums;
    /* plain bytes: the part that is arriving */
    uint32_t part;
    uint64_t part_bytes;
    uint32_t part_crc;
    /* coded parts */
    struct part_ring *ring;
    struct part_slot *slot; /* being filled */
    uint64_t slot_fill;
    uint32_t sent;
    /* a whole object of Zstandard frames */
    struct ZSTD_DCtx_s *stream;
    uint8_t *out;
    uint64_t out_bytes;
    bool frame_open;
};

/* A failure in the shard, at a byte of the stored object. */
dlfw_status reading_fail(const struct reading *r, dlfw_status st, uint64_t at, const char *what, dlfw_error *reterr);
/* Raw bytes in order: compared with the content if asked, and handed on. */
dlfw_status reading_hand_on(struct reading *r, const void *raw, uint64_t len, dlfw_error *reterr);

/* begin before the first piece, end after the last, free always. */
dlfw_status plain_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr);
dlfw_status plain_end(struct reading *r, dlfw_error *reterr);

dlfw_status coded_begin(struct reading *r, dlfw_error *reterr);
dlfw_status coded_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr);
dlfw_status coded_end(struct reading *r, dlfw_error *reterr);
void coded_free(struct reading *r);

dlfw_status whole_begin(struct reading *r, dlfw_error *reterr);
dlfw_status whole_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr);
dlfw_status whole_end(struct reading *r, dlfw_error *reterr);
void whole_free(struct reading *r);

#endif
