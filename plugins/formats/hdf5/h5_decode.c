/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of a unit to its samples: views of rows where they lie, or rows put together in out. */
#include "h5_reader.h"

#include "common/span_set.h"
#include "h5_library.h"
#include "h5_source.h"

#include <inttypes.h>
#include <string.h>

static dlfw_status lacks_bytes(const dlfw_reader *r, uint64_t offset, dlfw_error *err)
{
    return h5_fail(r->object, DLFW_E_INVALID, offset, err, "decode without all bytes of the unit");
}

/* Bytes from offset on in the span that holds the first len of them. */
static uint64_t rest_of_span(const dlfw_span *have, uint32_t n_have, uint64_t offset, uint64_t len)
{
    for (uint32_t i = 0; i < n_have; i++) {
        uint64_t skip = offset - have[i].offset;

        if (offset >= have[i].offset && skip <= have[i].length && have[i].length - skip >= len)
            return have[i].length - skip;
    }
    return len;
}

static dlfw_status view_rows(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_view *views, dlfw_error *err)
{
    const uint32_t item = r->file->sets[0].type.bytes;
    dlfw_span span = {0}; /* where the last sample was found */

    for (uint64_t row = r->unit.first_row; row < r->unit.end_row; row += r->rows_per_sample) {
        const uint64_t offset = h5_unit_row_offset(r, row);

        if (offset < span.offset || offset - span.offset > span.length ||
            span.length - (offset - span.offset) < r->sample_bytes) {
            span.data = span_find(have, n_have, offset, r->sample_bytes);
            if (!span.data)
                return lacks_bytes(r, offset, err);
            span.offset = offset;
            span.length = rest_of_span(have, n_have, offset, r->sample_bytes);
        }
        *views++ = (dlfw_view){.data = (const uint8_t *)span.data + (offset - span.offset),
                               .bytes = r->sample_bytes,
                               .item_stride = item,
                               .item_size = item};
    }
    return DLFW_OK;
}

/* What was never written reads as the fill value. */
static void fill(const dlfw_reader *r, uint8_t *out, uint64_t bytes)
{
    for (uint32_t k = 0; k < r->file->set_count; k++) {
        const struct h5_set *set = &r->file->sets[k];
        static const uint8_t zeros[H5_ITEM_MAX];
        uint64_t begin = 0;

        for (uint32_t i = 0; i < k; i++)
            begin += r->file->sets[i].row_bytes;
        for (uint64_t row = begin; row < bytes; row += r->file->row_bytes) {
            if (memcmp(set->fill, zeros, set->type.bytes) == 0) {
                memset(out + row, 0, set->row_bytes);
                continue;
            }
            for (uint64_t i = 0; i < set->row_bytes; i += set->type.bytes)
                memcpy(out + row + i, set->fill, set->type.bytes);
        }
    }
}

static dlfw_status put_parts(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, uint8_t *out, dlfw_error *err)
{
    for (uint64_t i = 0; i < r->unit.part_count; i++) {
        const struct h5_part *part = &r->unit.parts[i];
        const struct h5_set *set = &r->file->sets[part->set];
        const uint8_t *data = span_find(have, n_have, part->offset, part->bytes);
        dlfw_status st = DLFW_OK;

        if (!data)
            return lacks_bytes(r, part->offset, err);
        if (set->library_decodes)
            continue;
        if (part->chunk && set->filter_count)
            st = h5_unit_undo(r, part, data, out, &data, err);
        if (st < 0)
            return st;
        h5_unit_place(r, part, data, out);
    }
    return DLFW_OK;
}

static dlfw_status put_rows(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, uint8_t *out,
                            dlfw_view *views, dlfw_error *err)
{
    const uint64_t rows = r->unit.end_row - r->unit.first_row, bytes = rows * r->file->row_bytes;
    const struct h5_progress *g = &r->progress;
    dlfw_status st = DLFW_OK;

    if (!out)
        return h5_fail(r->object, DLFW_E_INVALID, 0, err, "no memory was given to decode to");
    if (g->keeps && g->is_whole && g->unit == unit && !r->unit.misses) {
        memcpy(out, g->kept, bytes);
    } else {
        if (r->unit.misses)
            fill(r, out, bytes);
        st = put_parts(r, have, n_have, out, err);
        for (uint32_t i = 0; i < r->file->set_count && st >= 0; i++)
            if (r->file->sets[i].library_decodes)
                st = h5_library_decode(r, i, have, n_have, out, err);
    }
    for (uint64_t i = 0; i < rows / r->rows_per_sample && st >= 0; i++)
        views[i] = (dlfw_view){.data = out + i * r->sample_bytes,
                               .bytes = r->sample_bytes,
                               .item_stride = r->file->sets[0].type.bytes,
                               .item_size = r->file->sets[0].type.bytes};
    return st;
}

dlfw_status hdf5_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                        dlfw_view *views, uint32_t view_cap, dlfw_error *err)
{
    uint64_t samples;
    dlfw_status st = h5_unit_load(r, unit, err);

    if (st < 0)
        return st;
    samples = (r->unit.end_row - r->unit.first_row) / r->rows_per_sample;
    if (view_cap < samples)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "'%.*s': %" PRIu64 " samples and room for %" PRIu32 " views",
                         (int)r->object->name_len, r->object->name, samples, view_cap);
    return h5_unit_out_bytes(r) ? put_rows(r, unit, have, n_have, out, views, err)
                                : view_rows(r, have, n_have, views, err);
}
