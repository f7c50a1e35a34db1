/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is verified of a file while it arrives. CSV carries no checksum, so a plain file is only counted: its lines must
 * be the samples of the run file and the last one must have an end. Generated content is compared value by value, and a
 * file that is explored is parsed, so that a description knows its rows and columns. gzip files have a CRC-32, which is
 * checked with the same pass.
 */
#include "csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE_ITEMS 4096u

struct csv_compare {
    uint64_t bytes; /* of content that is equal so far */
    uint8_t items[COMPARE_ITEMS * 8];
    uint8_t expected[COMPARE_ITEMS * 8];
    struct csv_place places[COMPARE_ITEMS];
};

void csv_compare_free(struct csv_compare *compare)
{
    free(compare);
}

static dlfw_status differ(const struct csv_parse *p, uint64_t index, struct csv_fault *fault)
{
    const struct csv_place *place = &p->places[index];
    const uint64_t item = p->items + index;

    fault->status = DLFW_E_CORRUPT;
    fault->line = p->columns ? item / p->columns + 1 : 1;
    fault->column = place->column;
    fault->offset = place->offset;
    snprintf(fault->text, sizeof fault->text, "value %" PRIu64 " is not what was generated (%s)", item,
             csv_type_name(p->dtype));
    return fault->status;
}

/* The items in out are the content stream from where the last ones ended. */
static dlfw_status compare_items(void *ctx, struct csv_parse *p, struct csv_fault *fault)
{
    dlfw_reader *r = ctx;
    struct csv_compare *c = r->compare;
    const uint32_t item = csv_item_bytes(p->dtype);
    const uint64_t bytes = p->filled * item;

    if (!(r->object->flags & DLFW_OBJECT_VERIFY_CONTENT))
        return DLFW_OK;
    r->fmt->host->content_fill(r->object->content_seed, r->object->content_object, c->bytes, c->expected, bytes);
    csv_number_reduce(p->dtype, c->expected, p->filled);
    if (memcmp(c->expected, c->items, bytes) != 0)
        for (uint64_t i = 0; i < p->filled; i++)
            if (memcmp(c->expected + i * item, c->items + i * item, item) != 0)
                return differ(p, i, fault);
    c->bytes += bytes;
    return DLFW_OK;
}

static bool wants_content(const dlfw_reader *r)
{
    return DLFW_HAS(r->object, content_object) && (r->object->flags & DLFW_OBJECT_VERIFY_CONTENT);
}

static dlfw_status begin(dlfw_reader *r, dlfw_error *err)
{
    r->next = r->newlines = r->reported = 0;
    r->ends_with_newline = false;
    r->is_parsed = wants_content(r) || (r->object->flags & DLFW_OBJECT_EXPLORE);
    if (r->is_parsed) {
        if (!r->compare)
            r->compare = malloc(sizeof *r->compare);
        if (!r->compare)
            return csv_fail(r, DLFW_E_NO_MEMORY, 0, "out of memory to compare content", err);
        r->compare->bytes = 0;
        r->parse = (struct csv_parse){.dtype = r->dtype,
                                      .may_end_open = r->fmt->options->last_newline == CSV_NEWLINE_OPTIONAL,
                                      .out = r->compare->items,
                                      .out_cap = COMPARE_ITEMS,
                                      .places = r->compare->places,
                                      .flush = compare_items,
                                      .ctx = r};
    }
    if (r->is_gzip) {
        dlfw_status st = csv_need_inflate(r, err);

        if (st < 0)
            return st;
        csv_inflate_begin(r->inflate, r->text_bytes);
    }
    return DLFW_OK;
}

/* Eight bytes at a time: one bit per byte that is a newline. */
static uint64_t count_newlines(const uint8_t *text, uint64_t len)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t n = 0, i = 0;

    for (; len - i >= 8; i += 8) {
        uint64_t x;

        memcpy(&x, text + i, sizeof x);
        x ^= UINT64_C(0x0a0a0a0a0a0a0a0a); /* newlines become 0 */
        n += (uint64_t)__builtin_popcountll(~(((x & low) + low) | x | low));
    }
    for (; i < len; i++)
        n += text[i] == '\n';
    return n;
}

struct taking {
    dlfw_reader *r;
    struct csv_fault fault;
};

static dlfw_status take_text(void *ctx, const uint8_t *text, uint64_t len)
{
    struct taking *t = ctx;
    dlfw_reader *r = t->r;

    if (!len)
        return DLFW_OK;
    if (r->is_parsed)
        return csv_parse_feed(&r->parse, text, len, &t->fault);
    r->newlines += count_newlines(text, len);
    r->ends_with_newline = text[len - 1] == '\n';
    return DLFW_OK;
}

static dlfw_status end(struct taking *t, dlfw_error *err)
{
    dlfw_reader *r = t->r;
    const bool may_end_open = r->fmt->options->last_newline == CSV_NEWLINE_OPTIONAL;

    if (r->is_gzip) {
        const char *wrong = csv_inflate_end(r->inflate);

        if (wrong)
            return csv_fail(r, DLFW_E_CORRUPT, r->object->size, wrong, err);
    }
    if (r->is_parsed)
        return csv_parse_end(&r->parse, &t->fault) < 0 ? csv_fail_at(r, &t->fault, err)
                                                       : csv_check_rows(r, r->parse.rows, err);
    if (!r->ends_with_newline && !may_end_open)
        return csv_fail(r, DLFW_E_CORRUPT, r->object->size,
                        "the last line has no end: truncated, or whole; then set csv.last_newline: optional", err);
    return csv_check_rows(r, r->newlines + !r->ends_with_newline, err);
}

static dlfw_status take_piece(struct taking *t, const dlfw_span *piece, dlfw_error *err)
{
    dlfw_reader *r = t->r;
    const char *wrong = NULL;
    dlfw_status st = DLFW_OK;

    if (r->is_gzip)
        wrong = csv_inflate_feed(r->inflate, piece->data, piece->length, take_text, t, &st);
    else
        st = take_text(t, piece->data, piece->length);
    if (wrong)
        return csv_fail(r, DLFW_E_CORRUPT, piece->offset, wrong, err);
    if (st < 0)
        return csv_fail_at(r, &t->fault, err);
    r->next = piece->offset + piece->length;
    return r->next == r->object->size ? end(t, err) : DLFW_OK;
}

dlfw_status csv_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err)
{
    struct taking t = {.r = r};
    dlfw_status st = DLFW_OK;

    (void)unit;
    if (!piece->length)
        return DLFW_OK;
    if (piece->offset == 0) {
        st = r->is_gzip ? DLFW_OK : csv_check_plain(r, *(const uint8_t *)piece->data, err);
        if (st >= 0)
            st = begin(r, err);
    }
    if (st < 0)
        return st;
    if (piece->offset != r->next)
        return csv_fail(r, DLFW_E_INVALID, piece->offset, "a piece that does not follow the one before", err);
    r->next = UINT64_MAX; /* unless all goes well */
    st = take_piece(&t, piece, err);
    if (st < 0 || !wants_content(r))
        return st;
    ret->data = NULL;
    ret->length = r->compare->bytes - r->reported;
    r->reported = r->compare->bytes;
    return DLFW_OK;
}
