/* SPDX-License-Identifier: Apache-2.0 */
#include "content_block.h"

#include <stdlib.h>
#include <string.h>

const uint8_t *content_block_at(struct content_block *b, const dlfw_host *host, uint64_t seed, uint64_t object,
                                uint64_t total, uint64_t offset, uint64_t *ret_len)
{
    const uint64_t inside = offset % CONTENT_BLOCK, start = offset - inside;
    const uint64_t len = total - start < CONTENT_BLOCK ? total - start : CONTENT_BLOCK;

    if (!b->bytes || b->start != start) {
        if (!b->bytes)
            b->bytes = malloc(CONTENT_BLOCK);
        if (!b->bytes)
            return NULL;
        host->content_fill(seed, object, start, b->bytes, len);
        b->start = start;
    }
    *ret_len = len - inside;
    return b->bytes + inside;
}

dlfw_status content_block_check(struct content_block *b, const dlfw_host *host, uint64_t seed, uint64_t object,
                                uint64_t total, uint64_t offset, const uint8_t *data, uint64_t len, uint64_t *ret_good)
{
    uint64_t done = 0;

    while (done < len) {
        const uint64_t at = offset + done, left = len - done;
        uint64_t n = left, good;

        if (at % CONTENT_BLOCK == 0 && left >= CONTENT_BLOCK) {
            n = left - left % CONTENT_BLOCK;
            good = host->content_check(seed, object, at, data + done, n);
        } else {
            const uint8_t *expected = content_block_at(b, host, seed, object, total, at, &n);

            if (!expected)
                return DLFW_E_NO_MEMORY;
            n = n < left ? n : left;
            good = n;
            if (memcmp(expected, data + done, n) != 0)
                for (good = 0; expected[good] == data[done + good];)
                    good++;
        }
        done += good;
        if (good < n)
            break;
    }
    *ret_good = done;
    return DLFW_OK;
}

void content_block_free(struct content_block *b)
{
    free(b->bytes);
    b->bytes = NULL;
}
