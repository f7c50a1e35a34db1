/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges are read ahead in parallel and written in their order: part n waits in place n modulo the number of places. A
 * reader who has gone ends it without an error, as with any program in a pipe.
 */
#include "cmd/get_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/buffer_pool.h"
#include "io/uri.h"
#include "plugin/host_table.h"

#define PLACES_MAX 16u
#define LOCAL_PART ((uint64_t)256 << 10)
#define REMOTE_PART ((uint64_t)8 << 20)
#define SIGNAL_NS 100000000u /* Ctrl-C is looked for this often */

struct place_in_line {
    struct io_op op;
    struct buffer buf;
    bool is_done;
};

struct stream {
    struct storage *storage;
    struct io_queue *queue;
    struct buffer_pool *pool;
    struct location loc;
    struct place_in_line places[PLACES_MAX];
    uint32_t count; /* of places */
    uint64_t part, begin, end, size;
    bool is_gone; /* the reader has */
};

static dlfw_status write_out(struct stream *s, const uint8_t *data, uint64_t len, dlfw_error *err)
{
    while (len && !s->is_gone) {
        ssize_t n = write(STDOUT_FILENO, data, len);

        if (n >= 0) {
            data += n;
            len -= (uint64_t)n;
        } else if (errno == EPIPE) {
            s->is_gone = true;
        } else if (errno != EINTR || atomic_load(&host_cancel_level)) {
            return dlfw_fail_errno(err, errno, "cannot write to standard output");
        }
    }
    return DLFW_OK;
}

static void send(struct stream *s, uint64_t number)
{
    struct place_in_line *p = &s->places[number % s->count];
    uint64_t at = s->begin + number * s->part, left = s->end - at;

    p->is_done = false;
    p->op = (struct io_op){.op = DLFW_OP_GET,
                           .key = s->loc.key,
                           .key_len = (uint32_t)strlen(s->loc.key),
                           .buf = p->buf.data,
                           .buf_cap = p->buf.cap,
                           .offset = at,
                           .length = left < s->part ? left : s->part,
                           .user = p};
    DLFW_BUG_IF(!io_queue_submit(s->queue, &p->op));
}

/* Waits until part number is there. */
static dlfw_status await(struct stream *s, uint64_t number, dlfw_error *err)
{
    struct place_in_line *p = &s->places[number % s->count];
    struct io_op *done[PLACES_MAX];

    while (!p->is_done) {
        uint32_t n = io_queue_reap(s->queue, done, PLACES_MAX, 1, SIGNAL_NS);

        for (uint32_t i = 0; i < n; i++)
            ((struct place_in_line *)done[i]->user)->is_done = true;
        if (atomic_load(&host_cancel_level))
            return dlfw_fail(err, DLFW_E_CANCELLED, "stopped by the user");
    }
    if (p->op.status < 0) {
        error_copy(err, &p->op.err.e);
        return p->op.status;
    }
    if (p->op.bytes != p->op.length || (p->op.object_size != UINT64_MAX && p->op.object_size != s->size))
        return dlfw_fail(err, DLFW_E_BUSY, "'%s' changed its size while it was read: %" PRIu64 " bytes before",
                         s->loc.uri, s->size);
    return DLFW_OK;
}

static dlfw_status copy_out(struct stream *s, dlfw_error *err)
{
    uint64_t parts = (s->end - s->begin + s->part - 1) / s->part, sent = 0;
    dlfw_status st = DLFW_OK;

    for (uint64_t number = 0; number < parts && st >= 0 && !s->is_gone; number++) {
        for (; sent < parts && sent < number + s->count; sent++)
            send(s, sent);
        st = await(s, number, err);
        if (st >= 0)
            st = write_out(s, s->places[number % s->count].op.data, s->places[number % s->count].op.bytes, err);
    }
    return st;
}

static dlfw_status find_range(struct stream *s, const struct copy_operands *o, dlfw_error *err)
{
    dlfw_status st = io_stat(s->queue, s->loc.key, &s->size, err);

    if (st < 0)
        return st;
    if (s->size == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "the storage of '%s' does not tell its size", s->loc.uri);
    if (o->offset > s->size)
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' has %" PRIu64 " bytes; there is nothing at %" PRIu64, s->loc.uri,
                         s->size, o->offset);
    s->begin = o->offset;
    s->end = o->length < s->size - s->begin ? s->begin + o->length : s->size;
    return DLFW_OK;
}

/* Buffers for the places: fewer where the object or the memory is small. */
static dlfw_status make_places(struct stream *s, const struct copy_request *r, dlfw_error *err)
{
    uint64_t memory = r->memory ? r->memory : COPY_MEMORY, cap;
    dlfw_limits limits;
    dlfw_status st = storage_limits(s->storage, s->loc.key, strlen(s->loc.key), &limits, err);

    if (st < 0)
        return st;
    s->part = storage_caps(s->storage) & DLFW_BACKEND_STREAMS ? REMOTE_PART : LOCAL_PART;
    if (limits.preferred_io > s->part)
        s->part = limits.preferred_io;
    if (limits.max_io && s->part > limits.max_io)
        s->part = limits.max_io;
    st = pool_create(NULL, memory, &s->pool, err);
    for (; st >= 0 && s->count < PLACES_MAX && s->count < io_queue_depth(s->queue); s->count++) {
        if (s->count && s->count * s->part >= s->end - s->begin)
            break;
        /* one more block on each side than the part has, for reads that are widened */
        cap = s->part + 2 * (uint64_t)limits.read_length_align + limits.mem_align;
        st = pool_take(s->pool, cap, false, &s->places[s->count].buf, err);
        if (st == DLFW_E_NO_MEMORY && s->count)
            return DLFW_OK;
    }
    return st;
}

static dlfw_status run(struct stream *s, struct copy_request *r, const struct copy_operands *o, dlfw_error *err)
{
    dlfw_status st = location_object(o->sources[0], &s->loc, err);

    if (st >= 0)
        st = tool_open(&r->tool, TOOL_SIDE_ONLY, &s->loc, &s->storage, err);
    if (st >= 0)
        st = io_queue_create(s->storage, PLACES_MAX, &s->queue, err);
    if (st >= 0)
        st = find_range(s, o, err);
    if (st >= 0)
        st = make_places(s, r, err);
    if (st >= 0)
        st = copy_out(s, err);
    io_queue_destroy(s->queue);
    for (uint32_t i = 0; i < PLACES_MAX && s->pool; i++)
        pool_give(s->pool, &s->places[i].buf);
    pool_destroy(s->pool);
    storage_close(s->storage);
    if (st < 0)
        error_prefix(err, "cannot read '%s'", o->sources[0]);
    location_free(&s->loc);
    return st;
}

int get_stream(struct copy_request *r, const struct copy_operands *o)
{
    struct stream *s = xcalloc(1, sizeof *s);
    struct error_slot err;
    int status = tool_start(&r->tool);

    error_slot_init(&err);
    r->tool.plain_sides = !uri_has_scheme(o->sources[0]);
    if (status == EXIT_OK)
        status = tool_exit(run(s, r, o, &err.e), &err);
    free(s);
    return status;
}
