/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of objects without asking twice: what every finished operation says of them is kept, and callers that can live
 * with an answer of a moment ago are served from there. Also many questions at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "io/io_queue_parts.h"
#include "io/storage_parts.h"

#define KEY_MAX 4096u

static void learn_page(struct size_cache *c, const struct io_op *op)
{
    const dlfw_list_entry *entries = op->buf;
    uint64_t count = op->bytes / sizeof *entries, now = clock_now_ns();

    if (op->bytes > op->buf_cap)
        return; /* the caller refuses the page */
    for (uint64_t i = 0; i < count; i++) {
        if (entries[i].size != UINT64_MAX && (uint64_t)entries[i].name_off + entries[i].name_len <= op->buf_cap)
            size_cache_put(c, (const char *)op->buf + entries[i].name_off, entries[i].name_len, entries[i].size, now);
    }
}

void queue_learn_size(struct io_queue *q, const struct io_op *op)
{
    struct size_cache *c = q->st->sizes;
    uint64_t size = op->object_size;

    switch (op->op) {
    case DLFW_OP_LIST:
        if (op->status >= 0)
            learn_page(c, op);
        return;
    case DLFW_OP_STAT:
    case DLFW_OP_OPEN:
    case DLFW_OP_GET:
        if (op->status < 0 && op->status != DLFW_E_BUFFER_TOO_SMALL && op->status != DLFW_E_NOT_FOUND)
            return;
        break;
    case DLFW_OP_PUT:
        size = op->length;
        break;
    case DLFW_OP_WRITE_COMMIT:
        size = op->arg;
        break;
    case DLFW_OP_COPY:
        break;
    case DLFW_OP_DELETE:
        size = UINT64_MAX;
        break;
    default:
        return;
    }
    if (!op->key_len)
        return;
    if (size == UINT64_MAX && (op->op == DLFW_OP_GET || op->op == DLFW_OP_OPEN) && op->status >= 0)
        return;
    if (size == UINT64_MAX || (op->status < 0 && op->status != DLFW_E_BUFFER_TOO_SMALL))
        size_cache_drop(c, op->key, op->key_len);
    else
        size_cache_put(c, op->key, op->key_len, size, clock_now_ns());
}

bool storage_known_size(struct storage *st, const char *key, size_t key_len, uint64_t *ret)
{
    return st->sizes && size_cache_get(st->sizes, key, key_len, clock_now_ns(), ret);
}

dlfw_status io_size(struct io_queue *q, const char *key, uint64_t *ret_size, dlfw_error *err)
{
    return storage_known_size(q->st, key, strlen(key), ret_size) ? DLFW_OK : io_stat(q, key, ret_size, err);
}

struct question {
    struct io_op op;
    uint64_t index;
    char key[KEY_MAX];
};

/* The next object that has to be asked for; false: none is left. */
static bool ask_next(struct io_queue *q, struct question *x, const struct io_many *many, uint64_t *next)
{
    while (*next < many->count) {
        uint64_t index = (*next)++, size;
        uint32_t len = many->key(many->ctx, index, x->key, sizeof x->key);

        if (!len)
            continue;
        if (storage_known_size(q->st, x->key, len, &size)) {
            many->got(many->ctx, index, DLFW_OK, size);
            continue;
        }
        x->index = index;
        x->op = (struct io_op){.op = DLFW_OP_STAT, .key = x->key, .key_len = len, .user = x};
        DLFW_BUG_IF(!io_queue_submit(q, &x->op));
        return true;
    }
    return false;
}

void io_size_many(struct io_queue *q, const struct io_many *many)
{
    uint32_t depth = io_queue_depth(q);
    struct question *questions = xcalloc(depth, sizeof *questions);
    struct io_op *done[IO_REAP_BATCH];
    uint64_t next = 0;

    DLFW_BUG_IF(io_queue_inflight(q) != 0);
    for (uint32_t i = 0; i < depth && ask_next(q, &questions[i], many, &next); i++)
        ;
    while (io_queue_inflight(q)) {
        uint32_t n = io_queue_reap(q, done, IO_REAP_BATCH, 1, UINT64_MAX);

        for (uint32_t i = 0; i < n; i++) {
            struct question *x = done[i]->user;

            many->got(many->ctx, x->index, done[i]->status, done[i]->object_size);
            ask_next(q, x, many, &next);
        }
    }
    free(questions);
}
