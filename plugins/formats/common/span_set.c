/* SPDX-License-Identifier: Apache-2.0 */
#include "common/span_set.h"

#include <string.h>

bool span_copy(const dlfw_span *have, uint32_t n_have, uint64_t offset, void *dst, uint64_t len)
{
    uint8_t *out = dst;

    for (uint32_t i = 0; i < n_have && len; i++) {
        uint64_t skip, n;

        if (offset < have[i].offset)
            return false;
        skip = offset - have[i].offset;
        if (skip >= have[i].length)
            continue;
        n = have[i].length - skip;
        if (n > len)
            n = len;
        memcpy(out, (const uint8_t *)have[i].data + skip, n);
        out += n;
        offset += n;
        len -= n;
    }
    return len == 0;
}

const uint8_t *span_find(const dlfw_span *have, uint32_t n_have, uint64_t offset, uint64_t len)
{
    for (uint32_t i = 0; i < n_have; i++) {
        uint64_t skip = offset - have[i].offset;

        if (offset >= have[i].offset && skip <= have[i].length && have[i].length - skip >= len)
            return (const uint8_t *)have[i].data + skip;
    }
    return NULL;
}

uint32_t span_missing(const dlfw_span *have, uint32_t n_have, uint64_t begin, uint64_t end, dlfw_range *want,
                      uint32_t cap)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_have && begin < end && n < cap; i++) {
        uint64_t span_end = have[i].offset + have[i].length;

        if (have[i].offset > begin) {
            uint64_t stop = have[i].offset < end ? have[i].offset : end;

            want[n++] = (dlfw_range){.offset = begin, .length = stop - begin};
        }
        if (span_end > begin)
            begin = span_end;
    }
    if (begin < end && n < cap)
        want[n++] = (dlfw_range){.offset = begin, .length = end - begin};
    return n;
}
