/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file holds, for people: read once more from its footer, all columns of it, as reading keeps only what it
 * needs. Chunks of a column are added up over the row groups.
 */
#include "reader.h"

#include "parquet_format.h"
#include "schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_SHOWN 64u

/* A leaf and its chunks. */
struct column_facts {
    char *path;
    struct parquet_leaf leaf;
    struct schema_element element; /* its name points into the footer */
    uint64_t stored, raw, values, nulls;
    uint32_t codecs, encodings; /* bit n: number n */
    bool has_nulls;             /* every chunk says how many */
};

struct facts {
    struct thrift t;
    struct column_facts *columns;
    uint32_t column_count, column_cap;
    int32_t version;
    const uint8_t *created_by;
    uint32_t created_by_len;
    bool is_out_of_memory;
};

static void add_column(struct facts *f, const struct schema_walk *w, const struct schema_element *e,
                       const struct parquet_leaf *leaf)
{
    struct column_facts *c;

    if (f->column_count == f->column_cap) {
        uint32_t cap = f->column_cap * 2 + 16;
        struct column_facts *more = realloc(f->columns, cap * sizeof *more);

        if (!more) {
            f->is_out_of_memory = true;
            return;
        }
        f->columns = more;
        f->column_cap = cap;
    }
    c = &f->columns[f->column_count];
    *c = (struct column_facts){.leaf = *leaf, .element = *e, .has_nulls = true};
    c->path = malloc((size_t)schema_path(w, e, NULL) + 1);
    if (!c->path) {
        f->is_out_of_memory = true;
        return;
    }
    schema_path(w, e, c->path);
    f->column_count++;
}

static void read_schema(struct facts *f, const struct thrift_field *field)
{
    uint32_t count = thrift_list(&f->t, field, THRIFT_STRUCT);
    struct schema_walk w = {0};

    for (uint32_t i = 0; i < count && !f->t.problem && !f->is_out_of_memory; i++) {
        struct schema_element e;
        struct parquet_leaf leaf;

        if (schema_next(&f->t, &w, &e, &leaf))
            add_column(f, &w, &e, &leaf);
    }
}

static void read_statistics(struct thrift *t, struct column_facts *c, bool *has_nulls)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        if (f.id == 3) {
            c->nulls += (uint64_t)thrift_i64(t, &f);
            *has_nulls = true;
        } else {
            thrift_skip(t, &f);
        }
    }
}

static uint32_t bit_of(int32_t number)
{
    return number >= 0 && number < 31 ? 1u << number : 1u << 31;
}

static void read_metadata(struct thrift *t, struct column_facts *c)
{
    struct thrift_field f = {0};
    bool has_nulls = false;

    while (thrift_field(t, &f)) {
        switch (f.id) {
        case 2:
            for (uint32_t n = thrift_list(t, &f, THRIFT_I32); n && !t->problem; n--)
                c->encodings |= bit_of(thrift_item_i32(t));
            break;
        case 4:
            c->codecs |= bit_of(thrift_i32(t, &f));
            break;
        case 5:
            c->values += (uint64_t)thrift_i64(t, &f);
            break;
        case 6:
            c->raw += (uint64_t)thrift_i64(t, &f);
            break;
        case 7:
            c->stored += (uint64_t)thrift_i64(t, &f);
            break;
        case 12:
            thrift_struct(t, &f);
            read_statistics(t, c, &has_nulls);
            break;
        default:
            thrift_skip(t, &f);
        }
    }
    c->has_nulls &= has_nulls;
}

static void read_chunk(struct thrift *t, struct column_facts *c)
{
    struct thrift_field f = {0};

    while (thrift_field(t, &f)) {
        if (f.id == 3 && f.type == THRIFT_STRUCT)
            read_metadata(t, c);
        else
            thrift_skip(t, &f);
    }
}

static void read_group(struct facts *f)
{
    struct thrift_field field = {0};

    while (thrift_field(&f->t, &field)) {
        uint32_t count;

        if (field.id != 1) {
            thrift_skip(&f->t, &field);
            continue;
        }
        count = thrift_list(&f->t, &field, THRIFT_STRUCT);
        for (uint32_t i = 0; i < count && i < f->column_count && !f->t.problem; i++)
            read_chunk(&f->t, &f->columns[i]);
    }
}

static void read_facts(struct facts *f)
{
    struct thrift_field field = {0};

    while (thrift_field(&f->t, &field) && !f->is_out_of_memory) {
        if (field.id == 1) {
            f->version = thrift_i32(&f->t, &field);
        } else if (field.id == 2) {
            read_schema(f, &field);
        } else if (field.id == 4) {
            for (uint32_t n = thrift_list(&f->t, &field, THRIFT_STRUCT); n && !f->t.problem; n--)
                read_group(f);
        } else if (field.id == 6) {
            f->created_by = thrift_binary(&f->t, &field, &f->created_by_len);
        } else {
            thrift_skip(&f->t, &field);
        }
    }
}

/* "SNAPPY" or "PLAIN, RLE": the names of the bits that are set. */
static void name_bits(uint32_t bits, const char *(*name)(uint32_t), char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    for (uint32_t i = 0; i < 32 && len < cap; i++)
        if (bits >> i & 1) {
            int n = snprintf(buf + len, cap - len, "%s%s", len ? ", " : "", name(i));

            len += n > 0 ? (size_t)n : 0;
        }
}

static void logical_name(const struct schema_element *e, char *buf, size_t cap)
{
    static const char *const names[] = {
        [1] = "STRING", [2] = "MAP",   [3] = "LIST",      [4] = "ENUM",     [5] = "DECIMAL",
        [6] = "DATE",   [7] = "TIME",  [8] = "TIMESTAMP", [10] = "INTEGER", [11] = "UNKNOWN",
        [12] = "JSON",  [13] = "BSON", [14] = "UUID",     [15] = "FLOAT16"};
    const char *name = e->logical < sizeof names / sizeof names[0] ? names[e->logical] : NULL;

    if (e->logical == PARQUET_LOGICAL_INTEGER)
        snprintf(buf, cap, "%sINT%" PRIu32, e->is_signed ? "" : "U", e->bits);
    else
        snprintf(buf, cap, "%s", name ? name : "");
}

static void tell_column(const struct column_facts *c, const dlfw_describe *out)
{
    char text[256];

    out->begin(out->ctx, "column", c->path);
    out->text(out->ctx, "type", parquet_type_name(c->leaf.type));
    if (c->leaf.type == PARQUET_FIXED_LEN_BYTE_ARRAY)
        out->number(out->ctx, "type_length", c->element.type_length);
    logical_name(&c->element, text, sizeof text);
    if (*text)
        out->text(out->ctx, "logical", text);
    out->text(out->ctx, "repetition", c->leaf.max_rep ? "list" : (c->leaf.max_def ? "optional" : "required"));
    name_bits(c->codecs, parquet_codec_name, text, sizeof text);
    out->text(out->ctx, "codec", text);
    name_bits(c->encodings, parquet_encoding_name, text, sizeof text);
    out->text(out->ctx, "encodings", text);
    out->number(out->ctx, "values", c->values);
    if (c->has_nulls && c->values)
        out->number(out->ctx, "nulls", c->nulls);
    out->number(out->ctx, "stored_bytes", c->stored);
    out->number(out->ctx, "raw_bytes", c->raw);
    out->end(out->ctx);
}

static void tell_groups(const dlfw_reader *r, const dlfw_describe *out)
{
    for (uint32_t g = 0; g < r->file->group_count && g < GROUPS_SHOWN; g++) {
        char name[16];
        dlfw_range runs[RUNS_MAX];
        uint64_t gaps, bytes = 0;
        uint32_t n = parquet_runs(r->file, g, runs, &gaps);

        for (uint32_t i = 0; i < n; i++)
            bytes += runs[i].length;
        snprintf(name, sizeof name, "%" PRIu32, g);
        out->begin(out->ctx, "row_group", name);
        out->number(out->ctx, "rows", r->file->groups[g].rows);
        out->number(out->ctx, "offset", runs[0].offset);
        out->number(out->ctx, "bytes", bytes);
        out->end(out->ctx);
    }
    if (r->file->group_count > GROUPS_SHOWN)
        out->number(out->ctx, "row_groups_not_listed", r->file->group_count - GROUPS_SHOWN);
}

static dlfw_status tell_footer(const dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    struct facts f = {0};
    char text[256];
    dlfw_status st = DLFW_OK;

    thrift_open(&f.t, r->footer, r->footer_len);
    read_facts(&f);
    if (f.is_out_of_memory) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory to describe it", (int)r->object->name_len,
                       r->object->name);
    } else {
        snprintf(text, sizeof text, "%.*s", (int)(f.created_by_len < 255 ? f.created_by_len : 255),
                 f.created_by ? (const char *)f.created_by : "");
        out->number(out->ctx, "version", (uint64_t)(f.version > 0 ? f.version : 0));
        out->text(out->ctx, "created_by", text);
        out->number(out->ctx, "footer_bytes", r->footer_len);
        out->number(out->ctx, "columns", f.column_count);
        for (uint32_t i = 0; i < f.column_count; i++)
            tell_column(&f.columns[i], out);
    }
    for (uint32_t i = 0; i < f.column_count; i++)
        free(f.columns[i].path);
    free(f.columns);
    return st;
}

dlfw_status parquet_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (!r->file)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s' was to be described before the metadata",
                         (int)r->object->name_len, r->object->name);
    out->number(out->ctx, "rows", r->file->rows);
    out->number(out->ctx, "row_groups", r->file->group_count);
    if (r->footer)
        st = tell_footer(r, out, err);
    if (st < 0)
        return st;
    tell_groups(r, out);
    if (r->pages) {
        out->number(out->ctx, "pages_read", r->pages);
        out->number(out->ctx, "page_checksums_verified", r->pages_with_crc);
    }
    return DLFW_OK;
}
