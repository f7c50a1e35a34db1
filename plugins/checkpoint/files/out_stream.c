/* SPDX-License-Identifier: Apache-2.0 */
#include "out_stream.h"

#include <string.h>

#define HOT_BYTES 65536u /* made and summed while it is in the cache; the blocks of the content stream */

dlfw_status out_open(struct out_stream *o, void *services_ctx, const char *uri, uint64_t size, uint32_t flags,
                     dlfw_error *reterr)
{
    return o->services->writer_open(services_ctx, uri, size, flags, &o->writer, reterr);
}

static dlfw_status flush(struct out_stream *o, dlfw_error *reterr)
{
    uint64_t n = o->used;

    o->window = NULL;
    o->window_len = o->used = 0;
    return n ? o->services->writer_advance(o->writer, n, reterr) : DLFW_OK;
}

/* At least one byte of room; between windows is where a stop is noticed. */
static dlfw_status make_room(struct out_stream *o, dlfw_error *reterr)
{
    void *window = NULL;
    dlfw_status st;

    if (o->used < o->window_len)
        return DLFW_OK;
    st = flush(o, reterr);
    if (st >= 0)
        st = file_pool_stopped(o->pool);
    if (st < 0)
        return st;
    if (o->host->cancelled(o->host_ctx))
        return dlfw_fail(reterr, DLFW_E_CANCELLED, "stopped while a checkpoint was written");
    st = o->services->writer_window(o->writer, &window, &o->window_len, reterr);
    o->window = window;
    if (st < 0)
        o->window_len = 0;
    return st;
}

dlfw_status out_put(struct out_stream *o, const void *data, uint64_t len, dlfw_error *reterr)
{
    const uint8_t *p = data;

    while (len) {
        dlfw_status st = make_room(o, reterr);
        uint64_t n = o->window_len - o->used;

        if (st < 0)
            return st;
        n = n < len ? n : len;
        memcpy(o->window + o->used, p, n);
        o->used += n;
        o->offset += n;
        p += n;
        len -= n;
    }
    return DLFW_OK;
}

dlfw_status out_tensor(struct out_stream *o, const struct tensor_content *content, uint64_t object,
                       enum tensor_type type, uint64_t bytes, uint32_t *crc, dlfw_error *reterr)
{
    uint64_t done = 0;

    while (done < bytes) {
        dlfw_status st = make_room(o, reterr);
        uint64_t room = o->window_len - o->used, n = HOT_BYTES - done % HOT_BYTES;

        if (st < 0)
            return st;
        n = n < room ? n : room;
        n = n < bytes - done ? n : bytes - done;
        tensor_content_fill(content, object, type, done, o->window + o->used, n);
        if (crc)
            *crc = o->host->crc32(*crc, o->window + o->used, n);
        o->used += n;
        o->offset += n;
        done += n;
    }
    return DLFW_OK;
}

dlfw_status out_commit(struct out_stream *o, dlfw_error *reterr)
{
    dlfw_status st = flush(o, reterr);
    dlfw_writer *writer = o->writer;

    if (st < 0) {
        out_abort(o);
        return st;
    }
    o->writer = NULL;
    return o->services->writer_commit(writer, reterr);
}

void out_abort(struct out_stream *o)
{
    if (o->writer)
        o->services->writer_abort(o->writer);
    o->writer = NULL;
}
