/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records found by their headers. Long records cost one small read each, short ones are read through. A host keeps all
 * that was read for the metadata, in a limited number of places, so a scan that would need too many of them, or too
 * many bytes, is not begun: the object is then one unit, whose bytes tell where the records are; where the host needs
 * smaller units, an index is the way.
 */
#include "tfrecord_reader.h"

#include "common/span_set.h"

#include <inttypes.h>

#define READ_BYTES ((uint64_t)64 << 10)
#define BYTES_MAX ((uint64_t)64 << 20) /* of an object of short records */
#define ROUNDS_MAX 200u                /* of reading */

/* Spans in ascending order, asked for ascending offsets. */
struct cursor {
    const dlfw_span *have;
    uint32_t n_have;
};

/* The header at offset, in place or put together in buf; NULL: not there yet. */
static const uint8_t *header_at(struct cursor *c, uint64_t offset, uint8_t buf[FRAME_HEADER])
{
    while (c->n_have && c->have->offset + c->have->length <= offset) {
        c->have++;
        c->n_have--;
    }
    if (!c->n_have || c->have->offset > offset)
        return NULL;
    if (c->have->offset + c->have->length - offset >= FRAME_HEADER)
        return (const uint8_t *)c->have->data + (offset - c->have->offset);
    return span_copy(c->have, c->n_have, offset, buf, FRAME_HEADER) ? buf : NULL;
}

/* Goes on from the end of the table as far as the bytes allow. */
static dlfw_status walk_headers(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_error *err)
{
    struct record_table *t = r->building;
    struct cursor c = {have, n_have};

    for (uint64_t start = record_table_start(t, t->count); start < r->object->size;) {
        uint8_t buf[FRAME_HEADER];
        const uint8_t *header;
        uint64_t length = 0;
        dlfw_status st = record_room(r, t->count, start, err);

        if (st < 0)
            return st;
        header = header_at(&c, start, buf);
        if (!header)
            return DLFW_NEED_IO;
        st = record_header(r, t->count, start, header, &length, err);
        if (st < 0)
            return st;
        start += length + FRAME_BYTES;
        if (record_table_add(t, start) < 0)
            return record_fail(r, DLFW_E_NO_MEMORY, t->count, start, err, "out of memory for the table of records");
    }
    return DLFW_OK;
}

/* Too much to be read as metadata. */
static dlfw_status give_up(dlfw_reader *r, dlfw_error *err)
{
    if (!layout_may_stream(r))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "'%.*s': its records are not equally long, and finding each would cost as much as reading "
                         "them all; set tfrecord.layout: indexed (`dlfw index` writes the index), or scan",
                         (int)r->object->name_len, r->object->name);
    record_table_free(r->building);
    r->building = NULL;
    layout_stream(r);
    return DLFW_OK;
}

/* How much to read at the end of the table; 0: give up. */
static uint64_t next_read(const dlfw_reader *r, uint64_t start)
{
    const uint64_t left = r->object->size - start;
    const uint64_t average = r->building->count ? start / r->building->count : 0;
    uint64_t bytes;

    if (!r->scan_rounds)
        return READ_BYTES;
    if (r->scan_rounds >= ROUNDS_MAX)
        return 0;
    if (average >= READ_BYTES)
        return r->scan_rounds + left / average < ROUNDS_MAX ? FRAME_HEADER : 0;
    if (layout_may_stream(r) || r->object->size > BYTES_MAX)
        return 0;
    bytes = left / (ROUNDS_MAX - r->scan_rounds);
    return bytes > READ_BYTES ? bytes : READ_BYTES;
}

dlfw_status scan_step(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want, uint32_t want_cap,
                      uint32_t *n_want, dlfw_error *err)
{
    uint64_t start, bytes;
    dlfw_status st = DLFW_OK;

    if (!r->building)
        st = layout_build(r, err);
    if (st >= 0)
        st = walk_headers(r, have, n_have, err);
    if (st == DLFW_OK) /* a host that holds the whole object finds them again as quickly */
        return layout_built(r, r->scan_rounds > 0, err);
    if (st < 0)
        return st;
    start = record_table_start(r->building, r->building->count);
    bytes = next_read(r, start);
    if (!bytes)
        return give_up(r, err);
    bytes = bytes < r->object->size - start ? bytes : r->object->size - start;
    *n_want = span_missing(have, n_have, start, start + bytes, want, want_cap);
    r->scan_rounds++;
    return DLFW_NEED_IO;
}
