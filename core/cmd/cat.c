/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw cat`: objects to standard output. Ranges are read ahead into a ring of buffers and written in their order, so
 * memory is the ring's whatever the object's size. Nothing is written of a range that the object does not have.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cmd/storage_output.h"
#include "host/crc.h"
#include "host/option_parse.h"
#include "plugin/host_table.h"

#define LOCAL_CHUNK ((uint64_t)1 << 20)
#define LOCAL_DEPTH 4u
#define REMOTE_CHUNK ((uint64_t)8 << 20)
#define REMOTE_DEPTH 8u
#define DEPTH_MAX 64u
#define LOOK_NS 200000000u

/* What of each object is wanted. */
struct range {
    bool from_end; /* the last `first` bytes */
    uint64_t first;
    uint64_t length; /* UINT64_MAX: to the end */
};

struct slot {
    struct io_op op;
    uint8_t *memory;
    bool done;
};

/* One object on its way. */
struct source {
    struct io_queue *queue;
    const char *key;
    void *handle;
    uint64_t size;
    bool is_summed; /* all of it is read, and the storage keeps its CRC-32C */
    uint32_t told, crc;
    uint64_t next, end; /* what is still to be asked for */
    uint64_t chunk, cap;
    uint32_t depth;
    uint64_t asked, written; /* ranges; a range's slot is its number modulo depth */
    struct slot slots[DEPTH_MAX];
};

struct cat {
    struct tool tool;
    struct range range;
    struct output out;
};

static dlfw_status open_object(struct source *s, struct storage *storage, dlfw_error *err)
{
    struct io_op op = {.op = DLFW_OP_OPEN, .key = s->key, .key_len = (uint32_t)strlen(s->key)};
    struct io_object_info info = {0};
    dlfw_status st;

    if (storage_op_mask(storage) & DLFW_OP_BIT(DLFW_OP_OPEN)) {
        st = io_call(s->queue, &op, err);
        s->handle = op.handle;
        s->size = op.object_size;
    } else {
        st = io_info(s->queue, s->key, &info, err);
        s->size = info.size;
        s->is_summed = info.has_crc32c;
        s->told = info.crc32c;
        io_object_info_free(&info);
    }
    if (st < 0)
        return st;
    if (s->size == UINT64_MAX)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "the storage does not tell the size of '%s'", s->key);
    return DLFW_OK;
}

static dlfw_status close_object(struct source *s, dlfw_error *err)
{
    struct io_op op = {.op = DLFW_OP_CLOSE, .key = s->key, .key_len = (uint32_t)strlen(s->key), .handle = s->handle};

    return s->handle ? io_call(s->queue, &op, err) : DLFW_OK;
}

static dlfw_status settle_range(struct source *s, const struct range *r, dlfw_error *err)
{
    uint64_t first = r->first;

    if (r->from_end)
        first = r->first < s->size ? s->size - r->first : 0;
    if (first > s->size || (r->length != UINT64_MAX && r->length > s->size - first))
        return dlfw_fail(err, DLFW_E_INVALID, "the range reaches beyond the end; the object has %" PRIu64 " bytes",
                         s->size);
    s->next = first;
    s->end = r->length == UINT64_MAX ? s->size : first + r->length;
    s->is_summed = s->is_summed && s->next == 0 && s->end == s->size;
    return DLFW_OK;
}

static dlfw_status make_ring(struct source *s, struct storage *storage, dlfw_error *err)
{
    uint64_t align, ranges = (s->end - s->next + s->chunk - 1) / s->chunk;
    dlfw_limits limits;
    dlfw_status st = storage_limits(storage, s->key, strlen(s->key), &limits, err);

    if (st < 0)
        return st;
    s->depth = ranges < s->depth ? (uint32_t)ranges : s->depth;
    align = limits.mem_align > 4096 ? limits.mem_align : 4096;
    s->cap = io_read_cap(&limits, limits.read_offset_align - 1, s->chunk);
    s->cap = (s->cap + align - 1) / align * align;
    for (uint32_t i = 0; i < s->depth; i++) {
        s->slots[i].memory = aligned_alloc(align, s->cap);
        if (!s->slots[i].memory)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for reading ahead; --jobs 1 needs the least");
    }
    return DLFW_OK;
}

static void ask_ahead(struct source *s)
{
    while (s->next < s->end && s->asked - s->written < s->depth) {
        struct slot *slot = &s->slots[s->asked++ % s->depth];
        uint64_t length = s->end - s->next < s->chunk ? s->end - s->next : s->chunk;

        slot->done = false;
        /* whole objects are checked by backends that can, and tried again */
        slot->op = (struct io_op){.op = DLFW_OP_GET,
                                  .flags = !s->handle && length == s->size ? DLFW_REQ_WHOLE : 0,
                                  .key = s->key,
                                  .key_len = (uint32_t)strlen(s->key),
                                  .handle = s->handle,
                                  .buf = slot->memory,
                                  .buf_cap = s->cap,
                                  .offset = s->next,
                                  .length = length,
                                  .user = slot};
        s->next += length;
        io_queue_submit(s->queue, &slot->op);
    }
}

static dlfw_status check_range(const struct source *s, const struct io_op *op, dlfw_error *err)
{
    if (op->status < 0) {
        error_copy(err, &op->err.e);
        return op->status;
    }
    if (op->bytes == op->length && (op->object_size == UINT64_MAX || op->object_size == s->size))
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_IO,
                     "the object has changed: there were %" PRIu64 " of %" PRIu64 " bytes at %" PRIu64
                     " of what had %" PRIu64 " bytes before",
                     op->bytes, op->length, op->offset, s->size);
}

static dlfw_status copy_out(struct cat *cat, struct source *s, dlfw_error *err)
{
    struct io_op *done[DEPTH_MAX];
    dlfw_status st = DLFW_OK;

    ask_ahead(s);
    while (s->written < s->asked && st >= 0) {
        struct slot *slot = &s->slots[s->written % s->depth];

        while (!slot->done) {
            uint32_t n = io_queue_reap(s->queue, done, DEPTH_MAX, 1, LOOK_NS);

            for (uint32_t i = 0; i < n; i++)
                ((struct slot *)done[i]->user)->done = true;
            if (atomic_load(&host_cancel_level))
                io_queue_cancel(s->queue);
        }
        st = check_range(s, &slot->op, err);
        if (st >= 0 && s->is_summed)
            s->crc = crc32c_update(s->crc, slot->op.data, slot->op.bytes);
        if (st >= 0 && !output_write_bytes(&cat->out, slot->op.data, slot->op.bytes))
            break;
        s->written++;
        if (st >= 0 && !atomic_load(&host_cancel_level))
            ask_ahead(s);
    }
    io_queue_cancel(s->queue);
    while (io_queue_inflight(s->queue))
        io_queue_reap(s->queue, done, DEPTH_MAX, 1, UINT64_MAX);
    return st;
}

/* Ranges carry no checksum of their own; the object's is compared once all of it has gone by. */
static dlfw_status check_sum(const struct source *s, dlfw_error *err)
{
    if (!s->is_summed || s->next < s->end || s->written < s->asked || s->crc == s->told)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "what was written has CRC-32C %08x, the storage says %08x: it was damaged on its way or in store",
                     s->crc, s->told);
}

static dlfw_status cat_object(struct cat *cat, struct storage *storage, const char *key, dlfw_error *err)
{
    bool remote = (storage_caps(storage) & DLFW_BACKEND_STREAMS) != 0;
    struct source *s = xcalloc(1, sizeof *s);
    uint32_t jobs = cat->tool.jobs < DEPTH_MAX ? cat->tool.jobs : DEPTH_MAX;
    dlfw_status st, closed;

    s->key = key;
    s->chunk = remote ? REMOTE_CHUNK : LOCAL_CHUNK;
    s->depth = jobs ? jobs : remote ? REMOTE_DEPTH : LOCAL_DEPTH;
    st = io_queue_create(storage, s->depth, &s->queue, err);
    if (st >= 0) {
        uint32_t depth = io_queue_depth(s->queue);

        s->depth = depth < s->depth ? depth : s->depth;
        st = open_object(s, storage, err);
    }
    if (st >= 0)
        st = settle_range(s, &cat->range, err);
    if (st >= 0)
        st = make_ring(s, storage, err);
    if (st >= 0)
        st = copy_out(cat, s, err);
    if (st >= 0)
        st = check_sum(s, err);
    if (s->queue) {
        closed = close_object(s, st < 0 ? NULL : err);
        st = st < 0 ? st : closed;
    }
    io_queue_destroy(s->queue);
    for (uint32_t i = 0; i < DEPTH_MAX; i++)
        free(s->slots[i].memory);
    free(s);
    return st;
}

static dlfw_status cat_uri(struct cat *cat, const char *uri, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    dlfw_status st = location_object(uri, &loc, err);

    if (st >= 0)
        st = tool_open(&cat->tool, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0)
        st = cat_object(cat, storage, loc.key, err);
    if (st < 0)
        error_prefix(err, "'%s'", uri);
    storage_close(storage);
    location_free(&loc);
    return st;
}

static int cat_all(struct cat *cat, char **uris, int count)
{
    int status = tool_start(&cat->tool);

    if (status != EXIT_OK)
        return status;
    output_begin(&cat->out);
    for (int i = 0; i < count && status != EXIT_INTERRUPTED && !cat->out.gone && !cat->out.failed; i++) {
        struct error_slot err;
        dlfw_status st;

        error_slot_init(&err);
        st = cat_uri(cat, uris[i], &err.e);
        if (st < 0)
            status = tool_exit(st, &err);
    }
    return output_end(&cat->out, status);
}

static bool parse_bytes(const char *text, size_t len, uint64_t *ret)
{
    char *copy = xstrndup(text, len);
    bool good = len && text_size(copy, ret, NULL) >= 0;

    free(copy);
    return good;
}

/* "A-B" with B in it, "A-" to the end, "-N" the last N bytes, "A:+N" N bytes. */
static bool parse_range(const char *text, struct range *ret)
{
    const char *colon = strstr(text, ":+"), *dash = strchr(text, '-');
    uint64_t last;

    *ret = (struct range){.length = UINT64_MAX};
    if (colon)
        return parse_bytes(text, (size_t)(colon - text), &ret->first) &&
               parse_bytes(colon + 2, strlen(colon + 2), &ret->length) && ret->length <= UINT64_MAX - 1 - ret->first;
    if (!dash)
        return false;
    if (dash == text) {
        ret->from_end = true;
        return parse_bytes(dash + 1, strlen(dash + 1), &ret->first);
    }
    if (!parse_bytes(text, (size_t)(dash - text), &ret->first))
        return false;
    if (!dash[1])
        return true;
    if (!parse_bytes(dash + 1, strlen(dash + 1), &last) || last < ret->first || last == UINT64_MAX)
        return false;
    ret->length = last - ret->first + 1;
    return true;
}

static const struct option long_options[] = {
    TOOL_LONG_OPTIONS_OF_STORAGE, TOOL_LONG_OPTION_JOBS, {"range", required_argument, NULL, 'R'}, {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct cat *cat)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":o:j:", long_options, NULL)) != -1) {
        if (c != 'R')
            status = tool_option(&cat->tool, c, argv);
        else if (!parse_range(optarg, &cat->range))
            return cmd_usage_error(&cmd_cat, "'%s' is no range; they are written A-B, A-, -N or A:+N", optarg);
    }
    if (status == EXIT_OK && argc == optind)
        status = cmd_usage_error(&cmd_cat, "no URI is given");
    return status;
}

static int run(int argc, char **argv)
{
    struct cat *cat = xcalloc(1, sizeof *cat);
    int status;

    cat->tool.command = &cmd_cat;
    cat->range.length = UINT64_MAX;
    status = parse(argc, argv, cat);
    if (status == EXIT_OK)
        status = cat_all(cat, argv + optind, argc - optind);
    tool_end(&cat->tool);
    free(cat);
    return status;
}

const struct command cmd_cat = {
    .name = "cat",
    .summary = "write objects to standard output",
    .usage = "usage: dlfw cat [--range RANGE] URI...\n"
             "\n"
             "Writes objects, or the same range of each, to standard output one after the other.\n"
             "\n"
             "  --range A-B              bytes A to B, both of them included; A- is to the end, -N the last N\n"
             "  --range A:+N             N bytes from A on; all numbers may have units, as in "
             "1MiB:+64KiB\n" TOOL_USAGE_OF_STORAGE TOOL_USAGE_JOBS,
    .run = run,
};
