/* SPDX-License-Identifier: Apache-2.0 */
/* Shards with a table of parts: pieces are put together to parts, workers decode them, in order they are handed on. */
#include <inttypes.h>
#include <string.h>

#include "crc_join.h"
#include "part_ring.h"
#include "shard_reading.h"

/* What a worker needs beside the bytes. */
struct coded_user {
    struct part_entry entry;
    struct shard_cursor cursor; /* of the part's first byte, when contents are compared */
};

static dlfw_status decode_part(void *ctx, struct part_coder *coder, struct part_slot *slot, dlfw_error *reterr)
{
    const struct reading *r = ctx;
    const dlfw_host *host = r->args->store->host;
    struct coded_user *user = slot->user;
    uint64_t same = slot->raw_bytes;
    dlfw_status st;

    slot->stored_crc = r->args->compare_checksums ? host->crc32c(0, slot->stored, slot->stored_bytes) : 0;
    st = part_decode(coder, r->shard->codec, slot->stored, slot->stored_bytes, slot->raw, slot->raw_bytes, reterr);
    if (st < 0)
        return st;
    if (r->args->compare_checksums && host->crc32c(0, slot->raw, slot->raw_bytes) != user->entry.crc)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "the part that begins here has another checksum");
    if (r->args->plan)
        same = shard_check(&user->cursor, r->args->content, slot->raw, slot->raw_bytes);
    if (same < slot->raw_bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "byte %" PRIu64 " of the part that begins here is not what was saved",
                         same);
    return DLFW_OK;
}

dlfw_status coded_begin(struct reading *r, dlfw_error *reterr)
{
    struct part_ring_args args = {.host = r->args->store->host,
                                  .work = decode_part,
                                  .ctx = r,
                                  .threads = r->args->threads,
                                  .user_bytes = sizeof(struct coded_user),
                                  .level = 1};

    for (uint32_t i = 0; i < r->shard->part_count; i++) {
        const struct part_entry *part = &r->shard->parts[i];

        args.raw_bytes = part->raw_bytes > args.raw_bytes ? part->raw_bytes : args.raw_bytes;
        args.stored_bytes = part->stored_bytes > args.stored_bytes ? part->stored_bytes : args.stored_bytes;
    }
    args.slots = part_ring_slots(r->args->memory_budget, args.threads, args.raw_bytes, args.stored_bytes);
    if (!args.slots)
        return dlfw_fail(reterr, DLFW_E_CONFIG,
                         "a part of '%s' needs %" PRIu64 " bytes; the memory budget has %" PRIu64, r->shard->key,
                         args.raw_bytes + args.stored_bytes, r->args->memory_budget);
    return part_ring_create(&args, &r->ring, reterr);
}

/* The oldest part on its way comes home. *ret_any: false when there was none. */
static dlfw_status retire(struct reading *r, bool *ret_any, dlfw_error *reterr)
{
    char why[256] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    struct part_slot *slot = NULL;
    dlfw_status st = part_ring_take(r->ring, &slot, &inner);

    *ret_any = slot != NULL;
    if (st < 0)
        return reading_fail(r, st, r->stored_bytes, why, reterr);
    if (!slot)
        return DLFW_OK;
    if (r->args->compare_checksums) {
        r->crc = crc32c_join(r->crc, slot->stored_crc, slot->stored_bytes);
        r->checksums++;
    }
    r->stored_bytes += slot->stored_bytes;
    r->raw_bytes += slot->raw_bytes;
    return r->args->writer
               ? r->args->store->services->writer_append(r->args->writer, slot->raw, slot->raw_bytes, reterr)
               : DLFW_OK;
}

static dlfw_status take_slot(struct reading *r, dlfw_error *reterr)
{
    bool any;
    dlfw_status st = DLFW_OK;

    while (st >= 0 && !(r->slot = part_ring_next(r->ring)))
        st = retire(r, &any, reterr);
    r->slot_fill = 0;
    return st;
}

static void send(struct reading *r)
{
    const struct part_entry *part = &r->shard->parts[r->sent++];
    struct coded_user *user = r->slot->user;

    user->entry = *part;
    user->cursor = r->cursor;
    if (r->args->plan)
        shard_skip(&r->cursor, part->raw_bytes);
    r->slot->raw_bytes = part->raw_bytes;
    r->slot->stored_bytes = part->stored_bytes;
    part_ring_send(r->ring);
    r->slot = NULL;
}

dlfw_status coded_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct reading *r = reading;
    const uint8_t *from = data;

    while (len) {
        uint64_t n;
        dlfw_status st = r->slot ? DLFW_OK : take_slot(r, reterr);

        if (st < 0)
            return st;
        n = r->shard->parts[r->sent].stored_bytes - r->slot_fill;
        n = n < len ? n : len;
        memcpy(r->slot->stored + r->slot_fill, from, n);
        r->slot_fill += n;
        from += n;
        len -= n;
        if (r->slot_fill == r->shard->parts[r->sent].stored_bytes)
            send(r);
    }
    return DLFW_OK;
}

dlfw_status coded_end(struct reading *r, dlfw_error *reterr)
{
    bool any = true;
    dlfw_status st = DLFW_OK;

    while (st >= 0 && any)
        st = retire(r, &any, reterr);
    return st;
}

void coded_free(struct reading *r)
{
    part_ring_destroy(r->ring);
    r->ring = NULL;
}
