/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short ranges of the content stream. The stream is made in blocks, entering one costs what lies before in it
 * (docs/content.md), so samples shorter than a block are cut out of one that is made once.
 */
#ifndef DLFW_TFRECORD_CONTENT_BLOCK_H
#define DLFW_TFRECORD_CONTENT_BLOCK_H

#include "dlfw/host.h"

#define CONTENT_BLOCK ((uint64_t)64 << 10)

struct content_block {
    uint8_t *bytes; /* NULL before the first use */
    uint64_t start; /* of the block in the stream, while bytes is there */
};

/* The content from offset on, *ret_len bytes of it: to the end of its block, or of the stream, which has total bytes.
 * offset < total. NULL: out of memory. */
const uint8_t *content_block_at(struct content_block *b, const dlfw_host *host, uint64_t seed, uint64_t object,
                                uint64_t total, uint64_t offset, uint64_t *ret_len);
/* Whether data hold the content from offset on; *ret_good: how many bytes do. Negative: out of memory. */
dlfw_status content_block_check(struct content_block *b, const dlfw_host *host, uint64_t seed, uint64_t object,
                                uint64_t total, uint64_t offset, const uint8_t *data, uint64_t len, uint64_t *ret_good);
void content_block_free(struct content_block *b);

#endif
