/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an object front to back, its indexes in the same pass. Records are built in the sink's own memory, one after
 * the other; a window may end anywhere in a record. Content is checksummed in pieces small enough to be still in the
 * cache, right after it was generated.
 */
#include "content_block.h"
#include "record_frame.h"
#include "record_index.h"
#include "record_plan.h"

#include "common/little_endian.h"

#include <string.h>

#define ADVANCE_BYTES ((uint64_t)1 << 20) /* the sink hears of the bytes that often at least */

struct writing {
    const dlfw_host *host;
    const dlfw_encode_spec *spec;
    const dlfw_sink *sink;
    struct record_plan plan;
    uint8_t *window; /* where the next byte goes */
    uint64_t left;   /* bytes of the window */
    uint64_t used;   /* bytes before `window` that the sink has not been told of */
    struct content_block content;
    struct index_out index[2];
    uint32_t index_count;
};

static dlfw_status tell_sink(struct writing *w, dlfw_error *err)
{
    uint64_t n = w->used;

    w->used = 0;
    w->left = 0;
    return n ? w->sink->advance(w->sink->ctx, n, err) : DLFW_OK;
}

/* At least one byte of window. */
static dlfw_status need_window(struct writing *w, dlfw_error *err)
{
    void *window = NULL;
    dlfw_status st;

    if (w->left)
        return DLFW_OK;
    st = tell_sink(w, err);
    if (st >= 0)
        st = w->sink->window(w->sink->ctx, &window, &w->left, err);
    if (st < 0) {
        w->left = 0;
        return st;
    }
    w->window = window;
    if (w->left > ADVANCE_BYTES)
        w->left = ADVANCE_BYTES;
    return DLFW_OK;
}

static void took(struct writing *w, uint64_t n)
{
    w->window += n;
    w->left -= n;
    w->used += n;
}

static dlfw_status put(struct writing *w, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    while (len) {
        dlfw_status st = need_window(w, err);
        uint64_t n;

        if (st < 0)
            return st;
        n = len < w->left ? len : w->left;
        memcpy(w->window, data, n);
        took(w, n);
        data += n;
        len -= n;
    }
    return DLFW_OK;
}

/* Content from `at` on into the window, at most len bytes and not beyond a block: *ret_len of them. */
static dlfw_status fill_window(struct writing *w, uint64_t at, uint64_t len, uint64_t *ret_len, dlfw_error *err)
{
    const uint64_t total = w->spec->samples * w->plan.sample_bytes;
    const uint8_t *content;
    uint64_t n = 0;

    len = len < w->left ? len : w->left;
    if (at % CONTENT_BLOCK == 0 && len >= CONTENT_BLOCK) {
        w->host->content_fill(w->spec->seed, w->spec->object, at, w->window, CONTENT_BLOCK);
        *ret_len = CONTENT_BLOCK;
        return DLFW_OK;
    }
    content = content_block_at(&w->content, w->host, w->spec->seed, w->spec->object, total, at, &n);
    if (!content)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory to generate records");
    *ret_len = n < len ? n : len;
    memcpy(w->window, content, *ret_len);
    return DLFW_OK;
}

/* The bytes of sample number `sample`. */
static dlfw_status put_sample(struct writing *w, uint64_t sample, uint32_t *crc, dlfw_error *err)
{
    uint64_t at = sample * w->plan.sample_bytes, end = at + w->plan.sample_bytes;

    while (at < end) {
        uint64_t n = 0;
        dlfw_status st = need_window(w, err);

        if (st >= 0)
            st = fill_window(w, at, end - at, &n, err);
        if (st < 0)
            return st;
        *crc = w->host->crc32c(*crc, w->window, n);
        took(w, n);
        at += n;
    }
    return DLFW_OK;
}

static dlfw_status put_record(struct writing *w, uint64_t record, uint32_t lead_crc, dlfw_error *err)
{
    const struct record_plan *plan = &w->plan;
    uint8_t end[PLAN_TAIL_CAP + FRAME_FOOTER];
    uint32_t crc = lead_crc;
    dlfw_status st;

    st = put(w, plan->lead, plan->lead_len, err);
    if (st >= 0)
        st = put_sample(w, record, &crc, err);
    if (st < 0)
        return st;
    crc = w->host->crc32c(crc, plan->tail, plan->tail_len);
    memcpy(end, plan->tail, plan->tail_len);
    put_le32(end + plan->tail_len, crc_mask(crc));
    st = put(w, end, plan->tail_len + FRAME_FOOTER, err);
    for (uint32_t i = 0; i < w->index_count && st >= 0; i++)
        st = index_out_add(&w->index[i], record * plan->framed_bytes, plan->framed_bytes, err);
    return st;
}

static void begin_indexes(const dlfw_format *fmt, struct writing *w)
{
    const dlfw_sink *sink = w->sink;
    uint32_t count = DLFW_HAS(sink, side_count) && sink->sides ? sink->side_count : 0;

    for (uint32_t i = 0; i < fmt->side_count && i < count; i++)
        if (sink->sides[i])
            w->index[w->index_count++] = (struct index_out){.sink = sink->sides[i], .binary = fmt->side_is_binary[i]};
}

dlfw_status tfrecord_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err)
{
    struct record_plan plan;
    dlfw_status st = record_plan(fmt, spec, &plan, err);

    if (st >= 0)
        *ret = plan.file_bytes;
    return st;
}

dlfw_status tfrecord_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err)
{
    struct writing w = {.host = fmt->host, .spec = spec, .sink = sink};
    uint32_t lead_crc;
    dlfw_status st = record_plan(fmt, spec, &w.plan, err);

    if (st < 0)
        return st;
    begin_indexes(fmt, &w);
    lead_crc = w.host->crc32c(0, w.plan.lead + FRAME_HEADER, w.plan.lead_len - FRAME_HEADER);
    for (uint64_t i = 0; i < spec->samples && st >= 0; i++)
        st = put_record(&w, i, lead_crc, err);
    if (st >= 0)
        st = tell_sink(&w, err);
    for (uint32_t i = 0; i < w.index_count && st >= 0; i++)
        st = index_out_flush(&w.index[i], err);
    content_block_free(&w.content);
    return st;
}
