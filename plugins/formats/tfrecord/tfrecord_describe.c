/* SPDX-License-Identifier: Apache-2.0 */
/* What people want to know of a file, and its indexes written anew from what was read. */
#include "tfrecord_reader.h"

#include "example.h"
#include "record_index.h"

#include <inttypes.h>
#include <string.h>

static void describe_feature(struct example_walk *w, const struct example_entry *entry, const dlfw_describe *out)
{
    static const char *const kinds[] = {"none", "bytes", "float", "int64"};
    char name[FEATURE_NAME_MAX + 1];
    uint64_t len = entry->name_len < FEATURE_NAME_MAX ? entry->name_len : FEATURE_NAME_MAX;
    struct example_values v;

    memcpy(name, entry->name, len);
    name[len] = '\0';
    out->begin(out->ctx, "feature", name);
    if (example_values(w, entry, &v) == EXAMPLE_OK) {
        out->text(out->ctx, "kind", kinds[v.kind]);
        out->number(out->ctx, "values", v.count);
        if (v.kind == FEATURE_BYTES && v.count)
            out->number(out->ctx, "bytes", v.first_len);
    } else {
        out->text(out->ctx, "kind", "not readable");
    }
    out->end(out->ctx);
}

/* The features of the first record, in the order of the file. */
static void describe_first(const dlfw_reader *r, const dlfw_describe *out)
{
    const struct record_facts *f = &r->facts;
    struct example_walk w;
    struct example_entry entry;
    enum example_status st;

    out->begin(out->ctx, "record", "0");
    out->number(out->ctx, "bytes", f->first_total);
    example_begin(&w, f->first, f->first_len, f->first_total);
    while ((st = example_next(&w, &entry)) == EXAMPLE_OK)
        describe_feature(&w, &entry, out);
    if (st == EXAMPLE_SHORT)
        out->text(out->ctx, "features", "further ones lie beyond its first 8 MiB");
    else if (st == EXAMPLE_BAD)
        out->text(out->ctx, "features", "none: it is not a tf.train.Example");
    out->end(out->ctx);
}

dlfw_status tfrecord_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    const bool read = r->where == WHERE_STREAM && r->table;

    (void)err;
    if (r->where == WHERE_UNIFORM)
        out->text(out->ctx, "layout", "records of equal length");
    else if (r->table)
        out->text(out->ctx, "layout", r->table_is_index ? "from its index" : "scanned");
    else
        out->text(out->ctx, "layout", r->object->size ? "not scanned yet" : "empty");
    if (r->table || r->where == WHERE_UNIFORM)
        out->number(out->ctx, "records", r->table ? r->table->count : r->records);
    if (!read)
        return DLFW_OK;
    out->number(out->ctx, "payload bytes", r->facts.payload);
    if (r->table->count) {
        out->number(out->ctx, "smallest record", r->facts.smallest);
        out->number(out->ctx, "largest record", r->facts.largest);
    }
    out->text(out->ctx, "checksum", r->verify ? "crc-32c of lengths and data" : "crc-32c, not verified");
    if (r->facts.first)
        describe_first(r, out);
    return DLFW_OK;
}

dlfw_status tfrecord_write_side(dlfw_reader *r, uint32_t side, const dlfw_sink *sink, dlfw_error *err)
{
    struct index_out o = {.sink = sink};
    uint64_t records = r->table ? r->table->count : r->records, start = 0;
    dlfw_status st = DLFW_OK;

    if (side >= r->fmt->side_count)
        return dlfw_fail(err, DLFW_E_INVALID, "side object %" PRIu32 " does not exist: there are %" PRIu32, side,
                         r->fmt->side_count);
    if (!r->table && r->where != WHERE_UNIFORM && r->object->size)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': its index can be written after its records were read",
                         (int)r->object->name_len, r->object->name);
    o.binary = r->fmt->side_is_binary[side];
    for (uint64_t i = 0; i < records && st >= 0; i++) {
        uint64_t framed = r->table ? r->table->ends[i] - start : r->framed_bytes;

        st = index_out_add(&o, start, framed, err);
        start += framed;
    }
    return st < 0 ? st : index_out_flush(&o, err);
}
