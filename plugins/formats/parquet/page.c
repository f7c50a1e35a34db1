/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "parquet_format.h"
#include "thrift_read.h"

#include <string.h>

static uint32_t natural(struct thrift *t, const struct thrift_field *f)
{
    int32_t v = thrift_i32(t, f);

    if (v >= 0)
        return (uint32_t)v;
    thrift_bad(t, "a page header holds a negative size or count");
    return 0;
}

static void parse_data_page(struct thrift *t, struct page_header *h)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        if (f.id == 1)
            h->values = natural(t, &f);
        else if (f.id == 2)
            h->encoding = natural(t, &f);
        else if (f.id == 3)
            h->def_encoding = natural(t, &f);
        else if (f.id == 4)
            h->rep_encoding = natural(t, &f);
        else
            thrift_skip(t, &f);
    }
}

static void parse_dictionary_page(struct thrift *t, struct page_header *h)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        if (f.id == 1)
            h->values = natural(t, &f);
        else if (f.id == 2)
            h->encoding = natural(t, &f);
        else
            thrift_skip(t, &f);
    }
}

static void parse_data_page_v2(struct thrift *t, struct page_header *h)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        if (f.id == 1)
            h->values = natural(t, &f);
        else if (f.id == 2)
            h->nulls = natural(t, &f);
        else if (f.id == 3)
            h->rows = natural(t, &f);
        else if (f.id == 4)
            h->encoding = natural(t, &f);
        else if (f.id == 5)
            h->def_bytes = natural(t, &f);
        else if (f.id == 6)
            h->rep_bytes = natural(t, &f);
        else if (f.id == 7)
            h->is_compressed = thrift_bool(t, &f);
        else
            thrift_skip(t, &f);
    }
}

static void parse_field(struct thrift *t, const struct thrift_field *f, struct page_header *h, uint32_t *seen)
{
    *seen |= f->id >= 1 && f->id <= 8 ? 1u << f->id : 0;
    switch (f->id) {
    case 1:
        h->type = natural(t, f);
        break;
    case 2:
        h->raw_bytes = natural(t, f);
        break;
    case 3:
        h->stored_bytes = natural(t, f);
        break;
    case 4:
        h->crc = (uint32_t)thrift_i32(t, f);
        h->has_crc = true;
        break;
    case 5:
        thrift_struct(t, f);
        parse_data_page(t, h);
        break;
    case 7:
        thrift_struct(t, f);
        parse_dictionary_page(t, h);
        break;
    case 8:
        thrift_struct(t, f);
        parse_data_page_v2(t, h);
        break;
    default:
        thrift_skip(t, f);
    }
}

/* What belongs together is there. */
static const char *check(const struct page_header *h, uint32_t seen)
{
    static const uint8_t part[] = {
        [PARQUET_DATA_PAGE] = 5, [PARQUET_INDEX_PAGE] = 0, [PARQUET_DICTIONARY_PAGE] = 7, [PARQUET_DATA_PAGE_V2] = 8};

    if ((seen & 0x0e) != 0x0e)
        return "a page header lacks its type or sizes";
    if (h->type >= sizeof part)
        return "a page is of no known type";
    if (part[h->type] && !(seen & 1u << part[h->type]))
        return "a page header lacks the part of its type";
    if ((uint64_t)h->def_bytes + h->rep_bytes > h->stored_bytes || (uint64_t)h->def_bytes + h->rep_bytes > h->raw_bytes)
        return "a page is shorter than its levels";
    if (h->nulls > h->values || h->rows > h->values)
        return "a page has more nulls or rows than values";
    return NULL;
}

dlfw_status page_header_parse(const uint8_t *data, uint64_t len, struct page_header *ret, const char **ret_problem)
{
    struct thrift t;
    struct thrift_field f = {0};
    uint32_t seen = 0;

    memset(ret, 0, sizeof *ret);
    ret->is_compressed = true;
    thrift_open(&t, data, len < PAGE_HEADER_LIMIT ? len : PAGE_HEADER_LIMIT);
    while (thrift_field(&t, &f))
        parse_field(&t, &f, ret, &seen);
    if (t.is_short && len < PAGE_HEADER_LIMIT)
        return DLFW_NEED_IO;
    *ret_problem = t.is_short ? "a page header is longer than 1 MiB" : t.problem;
    if (!*ret_problem)
        *ret_problem = check(ret, seen);
    ret->bytes = (uint32_t)(t.at - data);
    return *ret_problem ? DLFW_E_CORRUPT : DLFW_OK;
}

uint32_t page_header_write(uint8_t buf[PAGE_HEADER_CAP], const struct page_header *h)
{
    struct thrift_out o;

    thrift_out_begin(&o, NULL, false, NULL);
    thrift_put_i32(&o, 1, (int32_t)h->type);
    thrift_put_i32(&o, 2, (int32_t)h->raw_bytes);
    thrift_put_i32(&o, 3, (int32_t)h->stored_bytes);
    thrift_put_i32_wide(&o, 4, (int32_t)h->crc);
    thrift_put_struct(&o, h->type == PARQUET_DATA_PAGE ? 5 : 7);
    thrift_put_i32(&o, 1, (int32_t)h->values);
    thrift_put_i32(&o, 2, (int32_t)h->encoding);
    if (h->type == PARQUET_DATA_PAGE) {
        thrift_put_i32(&o, 3, PARQUET_RLE);
        thrift_put_i32(&o, 4, PARQUET_RLE);
    }
    thrift_put_stop(&o);
    thrift_put_stop(&o);
    memcpy(buf, o.buffer, o.used);
    return o.used;
}
