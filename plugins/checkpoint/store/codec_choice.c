/* SPDX-License-Identifier: Apache-2.0 */
#include "codec_choice.h"

#include <stdlib.h>

#define SAMPLES 8u
#define SAMPLE_BYTES ((uint64_t)128 << 10)

struct trying {
    struct part_coder *coder;
    uint8_t *raw, *stored;
    uint64_t raw_bytes, bytes[3]; /* by codec */
};

static dlfw_status try_part(struct trying *t, struct shard_part *part, const struct tensor_content *content,
                            dlfw_error *reterr)
{
    uint64_t n = part->bytes < SAMPLE_BYTES ? part->bytes : SAMPLE_BYTES;
    dlfw_status st = DLFW_OK;

    shard_fill(&part->from, content, t->raw, n);
    t->raw_bytes += n;
    for (uint32_t codec = CODEC_ZSTD; codec <= CODEC_FLOAT && st >= 0; codec++) {
        uint64_t stored = 0;

        st = part_encode(t->coder, codec, tensor_type_bytes(part->type), 0, t->raw, n, t->stored, &stored, reterr);
        t->bytes[codec] += stored;
    }
    return st;
}

/* Parts at even distances over the whole shard. */
static dlfw_status try_samples(struct trying *t, const struct model_plan *plan, const struct tensor_content *content,
                               uint64_t part_bytes, dlfw_error *reterr)
{
    uint64_t model = 0, optimizer = 0, at = 0, next = 0;
    struct shard_cursor cursor;
    struct shard_part part;
    dlfw_status st = DLFW_OK;

    model_plan_rank_bytes(plan, &model, &optimizer);
    shard_cursor_init(&cursor, plan);
    while (st >= 0 && shard_next_part(&cursor, part_bytes, &part)) {
        if (at >= next) {
            st = try_part(t, &part, content, reterr);
            next += (model + optimizer) / SAMPLES;
        }
        at += part.bytes;
    }
    return st;
}

dlfw_status codec_choose(const dlfw_host *host, const struct model_plan *plan, const struct tensor_content *content,
                         int32_t level, uint64_t part_bytes, enum codec *ret, dlfw_error *reterr)
{
    uint64_t bound = part_bound(CODEC_FLOAT, SAMPLE_BYTES) + part_bound(CODEC_ZSTD, SAMPLE_BYTES);
    struct trying t = {.raw = malloc(SAMPLE_BYTES), .stored = malloc(bound)};
    dlfw_status st = DLFW_OK;

    *ret = CODEC_NONE;
    if (!t.raw || !t.stored)
        st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate samples");
    if (st >= 0)
        st = part_coder_create(host, level, &t.coder, reterr);
    if (st >= 0)
        st = try_samples(&t, plan, content, part_bytes, reterr);
    if (st >= 0) {
        *ret = t.bytes[CODEC_FLOAT] < t.bytes[CODEC_ZSTD] ? CODEC_FLOAT : CODEC_ZSTD;
        if (t.bytes[*ret] >= t.raw_bytes - t.raw_bytes / 32)
            *ret = CODEC_NONE;
    }
    part_coder_destroy(t.coder);
    free(t.raw);
    free(t.stored);
    return st;
}
