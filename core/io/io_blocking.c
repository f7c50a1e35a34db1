/* SPDX-License-Identifier: Apache-2.0 */
/* One operation at a time, for set-up, listings and reports: submit, wait, look at the result. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/storage_parts.h"
#include "io/io_queue_parts.h"

#define PAGE_BYTES 65536u
#define READ_ALL_FIRST 65536u
#define BLOCK 4096u /* of memory that suits every backend seen so far; mem_align may ask for more */

dlfw_status io_call(struct io_queue *q, struct io_op *op, dlfw_error *err)
{
    struct io_op *done = NULL;

    DLFW_BUG_IF(io_queue_inflight(q) != 0);
    io_queue_submit(q, op);
    while (!io_queue_reap(q, &done, 1, 1, UINT64_MAX))
        ;
    DLFW_BUG_IF(done != op);
    if (op->status < 0)
        error_copy(err, &op->err.e);
    return op->status;
}

static struct io_op op_on(uint16_t op, const char *key)
{
    return (struct io_op){.op = op, .key = key, .key_len = (uint32_t)strlen(key)};
}

dlfw_status io_stat(struct io_queue *q, const char *key, uint64_t *ret_size, dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_STAT, key);
    dlfw_status st = io_call(q, &op, err);

    if (st >= 0)
        *ret_size = op.object_size;
    return st;
}

dlfw_status io_delete(struct io_queue *q, const char *key, dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_DELETE, key);

    return io_call(q, &op, err);
}

dlfw_status io_make_root(struct io_queue *q, const char *key, dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_MAKE_ROOT, key);

    /* A backend without the operation has nothing that would have to exist before its objects. */
    if (!(storage_op_mask(q->st) & DLFW_OP_BIT(DLFW_OP_MAKE_ROOT)))
        return DLFW_OK;
    return io_call(q, &op, err);
}

dlfw_status io_remove_root(struct io_queue *q, const char *key, dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_REMOVE_ROOT, key);

    if (!(storage_op_mask(q->st) & DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT)))
        return DLFW_OK;
    return io_call(q, &op, err);
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) / align * align;
}

/* Memory that any request of q may use, with room for a NUL behind bytes; free() it. */
static uint8_t *aligned_memory(const dlfw_limits *limits, uint64_t bytes, uint64_t *ret_cap)
{
    uint64_t align = limits->mem_align > BLOCK ? limits->mem_align : BLOCK;
    uint64_t unit = limits->read_length_align > align ? limits->read_length_align : align;
    uint64_t cap = round_up(bytes ? bytes : 1, unit);
    uint8_t *memory = aligned_alloc(align, round_up(cap + 1, align));

    *ret_cap = cap;
    return memory;
}

/* One try with room for bytes. BUFFER_TOO_SMALL: *ret_size says how much is needed. */
static dlfw_status read_all_try(struct io_queue *q, struct io_op *op, const dlfw_limits *limits, uint64_t bytes,
                                dlfw_error *err)
{
    uint64_t cap;

    op->buf = aligned_memory(limits, bytes, &cap);
    if (!op->buf)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot read '%s': no memory for %" PRIu64 " bytes", op->key, bytes);
    op->buf_cap = op->length = cap;
    return io_call(q, op, err);
}

dlfw_status io_read_all(struct io_queue *q, const char *key, uint64_t max_bytes, char **ret, uint64_t *ret_len,
                        dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_GET, key);
    uint64_t room = max_bytes < READ_ALL_FIRST ? max_bytes : READ_ALL_FIRST;
    dlfw_limits limits;
    dlfw_status st;

    op.flags = DLFW_REQ_WHOLE;
    st = storage_limits(q->st, key, op.key_len, &limits, err);
    if (st < 0)
        goto out;
    st = read_all_try(q, &op, &limits, room, err);
    while (st == DLFW_E_BUFFER_TOO_SMALL && op.object_size != UINT64_MAX && op.object_size <= max_bytes &&
           op.object_size > room) {
        room = op.object_size;
        free(op.buf);
        st = read_all_try(q, &op, &limits, room, err);
    }
    if (st == DLFW_E_BUFFER_TOO_SMALL || (st >= 0 && op.bytes > max_bytes))
        st = dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%s' is larger than the %" PRIu64 " bytes that are wanted of it",
                       key, max_bytes);
    if (st < 0)
        goto out;

    if (op.data != op.buf)
        memmove(op.buf, op.data, op.bytes);
    ((char *)op.buf)[op.bytes] = '\0';
    *ret = op.buf;
    *ret_len = op.bytes;
    op.buf = NULL;
out:
    free(op.buf);
    return st;
}

dlfw_status io_put(struct io_queue *q, const char *key, const void *data, uint64_t len, uint16_t flags, dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_PUT, key);
    uint8_t *copy = NULL;
    dlfw_limits limits;
    dlfw_status st = storage_limits(q->st, key, op.key_len, &limits, err);

    if (st < 0)
        return st;
    op.flags = flags;
    op.length = op.buf_cap = len;
    op.buf = (void *)(uintptr_t)data;
    /* Where alignment matters the backend gets memory that it may also pad behind the end. */
    if (limits.mem_align > 1 || limits.write_length_align > 1) {
        limits.read_length_align = limits.write_length_align;
        copy = aligned_memory(&limits, len, &op.buf_cap);
        if (!copy)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot write '%s': no memory for %" PRIu64 " bytes", key, len);
        memcpy(copy, data, len);
        memset(copy + len, 0, op.buf_cap - len);
        op.buf = copy;
    }
    st = io_call(q, &op, err);
    free(copy);
    return st;
}

/* Hands the names of one page to each. *ret_stop: each has had enough. */
static dlfw_status walk_page(const struct io_op *page, const char *prefix, io_list_entry *each, void *ctx,
                             bool *ret_stop, dlfw_error *err)
{
    const dlfw_list_entry *entries = page->buf;
    uint64_t count = page->bytes / sizeof *entries;

    if (page->bytes > page->buf_cap || page->bytes % sizeof *entries)
        return dlfw_fail(err, DLFW_E_INTERNAL, "the backend gave a malformed page when listing '%s'", prefix);
    for (uint64_t i = 0; i < count && !*ret_stop; i++) {
        struct io_listed entry = {.name = (const char *)page->buf + entries[i].name_off,
                                  .name_len = entries[i].name_len,
                                  .size = entries[i].size,
                                  .mtime_ns = entries[i].mtime_ns};

        if ((uint64_t)entries[i].name_off + entries[i].name_len > page->buf_cap)
            return dlfw_fail(err, DLFW_E_INTERNAL, "the backend gave a name outside its page when listing '%s'",
                             prefix);
        *ret_stop = !each(ctx, &entry);
    }
    return DLFW_OK;
}

/* The listing ends before the backend's last page. */
static dlfw_status close_cursor(struct io_queue *q, const char *prefix, void *cursor, dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_CLOSE, prefix);

    op.handle = cursor;
    return io_call(q, &op, err);
}

dlfw_status io_list_entries(struct io_queue *q, const char *prefix, bool recursive, io_list_entry *each, void *ctx,
                            dlfw_error *err)
{
    struct io_op op = op_on(DLFW_OP_LIST, prefix);
    bool more = true, stop = false;
    dlfw_status st = DLFW_OK;

    op.flags = recursive ? DLFW_REQ_RECURSIVE : 0;
    op.buf = xmalloc(PAGE_BYTES);
    op.buf_cap = op.length = PAGE_BYTES;
    while (more && !stop && st >= 0) {
        st = io_call(q, &op, err);
        more = (op.comp_flags & DLFW_COMP_MORE) != 0;
        if (st >= 0)
            st = walk_page(&op, prefix, each, ctx, &stop, err);
    }
    if (more && op.handle && st < 0)
        (void)close_cursor(q, prefix, op.handle, NULL); /* the listing's own error is what the caller needs */
    else if (more && op.handle)
        st = close_cursor(q, prefix, op.handle, err);
    free(op.buf);
    return st;
}

struct names_only {
    io_list_each *each;
    void *ctx;
};

static bool name_of_entry(void *ctx, const struct io_listed *entry)
{
    const struct names_only *n = ctx;

    return n->each(n->ctx, entry->name, entry->name_len, entry->size);
}

dlfw_status io_list(struct io_queue *q, const char *prefix, bool recursive, io_list_each *each, void *ctx,
                    dlfw_error *err)
{
    struct names_only n = {each, ctx};

    return io_list_entries(q, prefix, recursive, name_of_entry, &n, err);
}
