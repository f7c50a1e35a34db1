/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_source.h"

#include "common/span_set.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Metadata comes in clusters: a miss asks for a little more. */
#define AHEAD 4096u
/* Spans that hosts keep for the metadata of an object. */
#define SPANS_MAX 192u
/* Two misses that are nearer than this are one request. */
#define NEAR 4096u

struct h5_scrap {
    struct h5_scrap *next;
    uint8_t data[];
};

void h5_source_free(struct h5_source *s)
{
    while (s->scraps) {
        struct h5_scrap *scrap = s->scraps;

        s->scraps = scrap->next;
        free(scrap);
    }
    free(s->wants);
    s->wants = NULL;
    s->want_count = s->want_cap = 0;
}

dlfw_status h5_fail(const dlfw_object *object, dlfw_status status, uint64_t offset, dlfw_error *err, const char *format,
                    ...)
{
    char text[320];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return dlfw_fail(err, status, "'%.*s': %s (at offset %" PRIu64 ")", (int)object->name_len, object->name, text,
                     offset);
}

dlfw_status h5_corrupt(struct h5_source *s, uint64_t offset, const char *what)
{
    return h5_fail(s->object, DLFW_E_CORRUPT, offset, s->err, "%s", what);
}

dlfw_status h5_beyond(struct h5_source *s, const char *what)
{
    s->beyond = what;
    return H5_BEYOND;
}

dlfw_status h5_no_memory(struct h5_source *s)
{
    return dlfw_fail(s->err, DLFW_E_NO_MEMORY, "'%.*s': out of memory for its metadata", (int)s->object->name_len,
                     s->object->name);
}

dlfw_status h5_want(struct h5_source *s, uint64_t offset, uint64_t length)
{
    if (s->want_count == s->want_cap) {
        uint32_t cap = s->want_cap ? s->want_cap * 2 : 16;
        dlfw_range *grown = realloc(s->wants, cap * sizeof *grown);

        if (!grown)
            return h5_no_memory(s);
        s->wants = grown;
        s->want_cap = cap;
    }
    if (length > s->object->size - offset)
        length = s->object->size - offset;
    s->wants[s->want_count++] = (dlfw_range){.offset = offset, .length = length};
    return DLFW_NEED_IO;
}

static dlfw_status copy_scrap(struct h5_source *s, uint64_t offset, uint64_t length, const uint8_t **ret)
{
    struct h5_scrap *scrap = malloc(sizeof *scrap + length);

    if (!scrap)
        return h5_no_memory(s);
    scrap->next = s->scraps;
    s->scraps = scrap;
    span_copy(s->have, s->n_have, offset, scrap->data, length);
    *ret = scrap->data;
    return DLFW_OK;
}

dlfw_status h5_bytes(struct h5_source *s, uint64_t offset, uint64_t length, const uint8_t **ret)
{
    dlfw_range missing;

    if (offset > s->object->size || length > s->object->size - offset)
        return h5_fail(s->object, DLFW_E_CORRUPT, offset, s->err,
                       "its metadata reach beyond the file, which has %" PRIu64 " bytes", s->object->size);
    *ret = span_find(s->have, s->n_have, offset, length);
    if (*ret)
        return DLFW_OK;
    if (span_missing(s->have, s->n_have, offset, offset + length, &missing, 1))
        return h5_want(s, offset, length > AHEAD ? length : AHEAD);
    return copy_scrap(s, offset, length, ret);
}

dlfw_status h5_offset_of(struct h5_source *s, uint64_t address, uint64_t place, uint64_t *ret)
{
    if (address > s->object->size || s->base > s->object->size - address)
        return h5_fail(s->object, DLFW_E_CORRUPT, place, s->err,
                       "it names address %" PRIu64 " of a file of %" PRIu64 " bytes", address, s->object->size);
    *ret = s->base + address;
    return DLFW_OK;
}

dlfw_status h5_at(struct h5_source *s, uint64_t address, uint64_t length, const uint8_t **ret, uint64_t *ret_offset)
{
    dlfw_status st = h5_offset_of(s, address, address, ret_offset);

    return st < 0 ? st : h5_bytes(s, *ret_offset, length, ret);
}

static int by_offset(const void *a, const void *b)
{
    const dlfw_range *left = a, *right = b;

    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static uint32_t merge_near(dlfw_range *ranges, uint32_t count, uint64_t gap)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        dlfw_range *last = n ? &ranges[n - 1] : NULL;
        uint64_t end = ranges[i].offset + ranges[i].length;

        if (!last || ranges[i].offset > last->offset + last->length + gap)
            ranges[n++] = ranges[i];
        else if (end > last->offset + last->length)
            last->length = end - last->offset;
    }
    return n;
}

uint32_t h5_merge_ranges(dlfw_range *ranges, uint32_t count, uint64_t gap, uint32_t cap)
{
    if (count > 1)
        qsort(ranges, count, sizeof *ranges, by_offset);
    count = merge_near(ranges, count, gap);
    for (gap = gap ? gap : NEAR; count > cap; gap *= 2)
        count = merge_near(ranges, count, gap);
    return count;
}

/* The range without what spans hold at its ends; what they hold inside is read again, so that ranges stay few. */
static dlfw_range trim(const struct h5_source *s, dlfw_range r)
{
    uint64_t end = r.offset + r.length;
    dlfw_range first;

    if (!span_missing(s->have, s->n_have, r.offset, end, &first, 1))
        return (dlfw_range){0};
    for (uint32_t i = s->n_have; i-- > 0;)
        if (s->have[i].offset < end && s->have[i].offset + s->have[i].length >= end)
            end = s->have[i].offset;
    return (dlfw_range){.offset = first.offset, .length = end - first.offset};
}

uint32_t h5_source_wanted(struct h5_source *s, dlfw_range *want, uint32_t cap)
{
    const uint32_t left = s->n_have < SPANS_MAX ? (SPANS_MAX - s->n_have) / 2 : 0;
    uint32_t count, n = 0;

    if (cap > left)
        cap = left ? left : 1;
    count = h5_merge_ranges(s->wants, s->want_count, NEAR, cap);
    for (uint32_t i = 0; i < count; i++) {
        want[n] = trim(s, s->wants[i]);
        n += want[n].length != 0;
    }
    return n;
}
