/* SPDX-License-Identifier: Apache-2.0 */
#include "chunk_walk.h"

#include "common/little_endian.h"
#include "hybrid.h"
#include "parquet_format.h"

#include <string.h>

dlfw_status chunk_walk_next(struct chunk_walk *w, struct page_header *h, const uint8_t **ret, const char **ret_problem)
{
    dlfw_status st;

    if (w->at == w->len)
        return DLFW_END;
    st = page_header_parse(w->data + w->at, w->len - w->at, h, ret_problem);
    if (st == DLFW_NEED_IO)
        *ret_problem = "a page header is cut off";
    if (st != DLFW_OK)
        return DLFW_E_CORRUPT;
    w->at += h->bytes;
    if (h->stored_bytes > w->len - w->at)
        *ret_problem = "a page reaches beyond its column chunk";
    else if (w->codec == PARQUET_UNCOMPRESSED && h->stored_bytes != h->raw_bytes)
        *ret_problem = "a page without compression has two sizes";
    if (*ret_problem)
        return DLFW_E_CORRUPT;
    *ret = w->data + w->at;
    w->at += h->stored_bytes;
    return DLFW_OK;
}

/* Levels of a DATA_PAGE: their length, then they. */
static bool take_levels(const uint8_t **at, const uint8_t *end, const uint8_t **ret, uint64_t *ret_bytes)
{
    if (end - *at < 4)
        return false;
    *ret_bytes = get_le32(*at);
    *ret = *at + 4;
    if (*ret_bytes > (uint64_t)(end - *ret))
        return false;
    *at = *ret + *ret_bytes;
    return true;
}

dlfw_status page_split(const struct parquet_leaf *leaf, const struct page_header *h, const uint8_t *body, uint64_t len,
                       struct page_parts *ret, const char **ret_problem)
{
    const uint8_t *at = body, *end = body + len;

    *ret = (struct page_parts){0};
    *ret_problem = "a page is shorter than its levels";
    if (h->type == PARQUET_DATA_PAGE_V2) {
        if ((uint64_t)h->rep_bytes + h->def_bytes > len)
            return DLFW_E_CORRUPT;
        ret->rep = at;
        ret->rep_bytes = h->rep_bytes;
        ret->def = at + h->rep_bytes;
        ret->def_bytes = h->def_bytes;
        at = ret->def + h->def_bytes;
    } else {
        if ((leaf->max_rep && h->rep_encoding != PARQUET_RLE) || (leaf->max_def && h->def_encoding != PARQUET_RLE)) {
            *ret_problem = "its levels are not encoded as RLE, which is not supported";
            return DLFW_E_UNSUPPORTED;
        }
        if ((leaf->max_rep && !take_levels(&at, end, &ret->rep, &ret->rep_bytes)) ||
            (leaf->max_def && !take_levels(&at, end, &ret->def, &ret->def_bytes)))
            return DLFW_E_CORRUPT;
    }
    ret->values = at;
    ret->values_bytes = (uint64_t)(end - at);
    *ret_problem = NULL;
    return DLFW_OK;
}

bool page_is_full(const struct parquet_leaf *leaf, const struct page_header *h, const struct page_parts *parts)
{
    struct hybrid levels = {.at = parts->def, .width = hybrid_width(leaf->max_def)};
    uint64_t left = leaf->max_def ? h->values : 0;
    struct hybrid_run run;

    levels.end = left ? parts->def + parts->def_bytes : NULL;
    while (left) {
        if (!hybrid_next(&levels, left, &run) || (!run.bits && run.value != leaf->max_def))
            return false;
        for (uint64_t i = 0; run.bits && i < run.count; i++)
            if (hybrid_value(&run, levels.width, i) != leaf->max_def)
                return false;
        left -= run.count;
    }
    return true;
}

/* Advances *in_row over count levels of the value rep; false when a row is not items long. */
static bool advance(uint32_t rep, uint64_t count, uint64_t items, uint64_t *in_row)
{
    if (!rep) { /* each level begins a row, so all but the last row have one item */
        if (*in_row != 0 || (count > 1 && items > 1))
            return false;
        *in_row = items > 1;
        return true;
    }
    if (!*in_row || count > items - *in_row)
        return false;
    *in_row += count;
    if (*in_row == items)
        *in_row = 0;
    return true;
}

bool page_is_regular(const struct parquet_leaf *leaf, const struct page_header *h, const struct page_parts *parts,
                     uint64_t items)
{
    struct hybrid levels = {.at = parts->rep, .width = 1};
    uint64_t left = h->values, in_row = 0;
    struct hybrid_run run;

    if (!leaf->max_rep)
        return true;
    if (leaf->max_rep > 1)
        return false;
    levels.end = parts->rep + parts->rep_bytes;
    while (left) {
        if (!hybrid_next(&levels, left, &run) || (!run.bits && !advance(run.value, run.count, items, &in_row)))
            return false;
        for (uint64_t i = 0; run.bits && i < run.count; i++)
            if (!advance(hybrid_value(&run, 1, i), 1, items, &in_row))
                return false;
        left -= run.count;
    }
    return !in_row;
}
