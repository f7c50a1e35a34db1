/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "crc_join.h"
#include "shard_reading.h"

dlfw_status reading_fail(const struct reading *r, dlfw_status st, uint64_t at, const char *what, dlfw_error *reterr)
{
    return dlfw_fail(reterr, st, "'%s/%s' at byte %" PRIu64 ": %s", r->args->store->folder, r->shard->key, at, what);
}

dlfw_status reading_hand_on(struct reading *r, const void *raw, uint64_t len, dlfw_error *reterr)
{
    const struct shard_read_args *a = r->args;
    uint64_t same = a->plan ? shard_check(&r->cursor, a->content, raw, len) : len;

    if (same < len)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s/%s': byte %" PRIu64 " of the tensors is not what was saved there",
                         a->store->folder, r->shard->key, r->raw_bytes + same);
    r->raw_bytes += len;
    return a->writer ? a->store->services->writer_append(a->writer, raw, len, reterr) : DLFW_OK;
}

/* The end of a part of plain bytes. */
static dlfw_status plain_part_end(struct reading *r, dlfw_error *reterr)
{
    const struct part_entry *part = &r->shard->parts[r->part];

    if (r->args->compare_checksums) {
        if (r->part_crc != part->crc)
            return reading_fail(r, DLFW_E_CORRUPT, r->stored_bytes, "the part that begins here has another checksum",
                                reterr);
        r->crc = crc32c_join(r->crc, r->part_crc, r->part_bytes);
        r->checksums++;
    }
    r->stored_bytes += r->part_bytes;
    r->part_bytes = 0;
    r->part_crc = 0;
    r->part++;
    return DLFW_OK;
}

dlfw_status plain_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct reading *r = reading;
    const uint8_t *from = data;
    dlfw_status st = DLFW_OK;

    while (len && st >= 0) {
        uint64_t n = r->shard->parts ? r->shard->parts[r->part].raw_bytes - r->part_bytes : len;

        n = n < len ? n : len;
        if (r->args->compare_checksums)
            r->part_crc = r->args->store->host->crc32c(r->part_crc, from, n);
        r->part_bytes += n;
        st = reading_hand_on(r, from, n, reterr);
        if (st >= 0 && r->shard->parts && r->part_bytes == r->shard->parts[r->part].raw_bytes)
            st = plain_part_end(r, reterr);
        from += n;
        len -= n;
    }
    return st;
}

dlfw_status plain_end(struct reading *r, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;

    while (st >= 0 && r->part < r->shard->part_count) /* what is left is empty: sizes add up */
        st = plain_part_end(r, reterr);
    if (!r->shard->parts)
        r->crc = r->part_crc;
    return st;
}

/* After the last piece: the checksum and the size of the whole. */
static dlfw_status check_whole(struct reading *r, dlfw_error *reterr)
{
    if (r->shard->raw_bytes != UINT64_MAX && r->raw_bytes != r->shard->raw_bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s/%s' holds %" PRIu64 " bytes, its manifest says %" PRIu64,
                         r->args->store->folder, r->shard->key, r->raw_bytes, r->shard->raw_bytes);
    if (r->args->plan && !r->cursor.at_end)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s/%s' holds %" PRIu64 " bytes, fewer than the model has",
                         r->args->store->folder, r->shard->key, r->raw_bytes);
    if (!r->args->compare_checksums || !r->shard->has_crc)
        return DLFW_OK;
    r->checksums++;
    return r->crc == r->shard->crc ? DLFW_OK
                                   : reading_fail(r, DLFW_E_CORRUPT, 0, "the shard has another checksum", reterr);
}

static dlfw_status take_piece(void *reading, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct reading *r = reading;
    const struct store *store = r->args->store;

    if (store->host->cancelled(store->host_ctx))
        return dlfw_fail(reterr, DLFW_E_CANCELLED, "stopped while '%s' was read", r->shard->key);
    return r->piece(r, data, len, reterr);
}

static dlfw_status scan(struct reading *r, dlfw_source *source, dlfw_error *reterr)
{
    const dlfw_hook_services *services = r->args->store->services;
    dlfw_status (*end)(struct reading * r, dlfw_error * reterr) = plain_end;
    dlfw_status st = DLFW_OK;

    r->piece = plain_piece;
    if (r->shard->codec != CODEC_NONE && r->shard->parts) {
        r->piece = coded_piece;
        end = coded_end;
        st = coded_begin(r, reterr);
    } else if (r->shard->codec == CODEC_ZSTD) {
        r->piece = whole_piece;
        end = whole_end;
        st = whole_begin(r, reterr);
    } else if (r->shard->codec == CODEC_FLOAT) {
        return reading_fail(r, DLFW_E_CORRUPT, 0, "its manifest has no table of parts", reterr);
    }
    if (st >= 0 && r->shard->size)
        st = services->source_scan(source, 0, r->shard->size, take_piece, r, reterr);
    return st < 0 ? st : end(r, reterr);
}

dlfw_status shard_read(const struct shard_read_args *args, struct shard_was_read *ret, dlfw_error *reterr)
{
    const struct store *store = args->store;
    struct reading r = {.args = args, .shard = args->shard};
    dlfw_source *source = NULL;
    char uri[STORE_URI_MAX];
    uint64_t size = 0;
    dlfw_status st = store_uri(store, args->shard->key, uri, reterr);

    *ret = (struct shard_was_read){0};
    if (args->plan)
        shard_cursor_init(&r.cursor, args->plan);
    if (st >= 0)
        st = store->services->source_open(store->services_ctx, uri, &source, &size, reterr);
    if (st < 0)
        return st;
    if (size != args->shard->size)
        st = dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s' has %" PRIu64 " bytes, its manifest says %" PRIu64, uri, size,
                       args->shard->size);
    if (st >= 0)
        st = scan(&r, source, reterr);
    coded_free(&r);
    whole_free(&r);
    store->services->source_close(source);
    if (st >= 0)
        st = check_whole(&r, reterr);
    *ret = (struct shard_was_read){.raw_bytes = r.raw_bytes, .checksums = r.checksums};
    return st;
}
