/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_CAP 1024u /* 32 numbers or filters fit */

static const char *const layouts[] = {"contiguous", "compact", "chunked", "virtual"};
static const char *const indexes[] = {
    "none", "single chunk", "implicit", "fixed array", "extensible array", "version 2 B-tree", "version 1 B-tree"};

static void put_shape(const dlfw_describe *out, const char *key, const uint64_t *dims, uint32_t rank)
{
    char text[TEXT_CAP] = "(";
    size_t len = 1;

    for (uint32_t i = 0; i < rank; i++)
        if (dims[i] == UINT64_MAX)
            len += (size_t)snprintf(text + len, sizeof text - len, "%sunlimited", i ? ", " : "");
        else
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%" PRIu64, i ? ", " : "", dims[i]);
    snprintf(text + len, sizeof text - len, rank == 1 ? ",)" : ")");
    out->text(out->ctx, key, text);
}

static void put_filters(const dlfw_describe *out, const struct h5_set *set)
{
    char text[TEXT_CAP] = "";
    size_t len = 0;

    for (uint32_t i = 0; i < set->filter_count; i++) {
        const struct h5_filter *f = &set->filters[i];
        const char *comma = i ? ", " : "";

        if (f->id == H5_FILTER_DEFLATE)
            len += (size_t)snprintf(text + len, sizeof text - len, "%sdeflate (level %" PRIu32 ")", comma, f->value);
        else if (f->id == H5_FILTER_SHUFFLE)
            len += (size_t)snprintf(text + len, sizeof text - len, "%sshuffle", comma);
        else if (f->id == H5_FILTER_FLETCHER)
            len += (size_t)snprintf(text + len, sizeof text - len, "%sfletcher32", comma);
        else if (f->id == H5_FILTER_LZF)
            len += (size_t)snprintf(text + len, sizeof text - len, "%slzf", comma);
        else
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%" PRIu32, comma, f->id);
    }
    out->text(out->ctx, "filters", text);
}

static void put_chunks(const dlfw_describe *out, const struct h5_set *set, bool has_table)
{
    uint64_t stored = 0;

    put_shape(out, "chunk shape", set->chunk_dims, set->rank);
    out->text(out->ctx, "chunk index", indexes[set->index]);
    out->number(out->ctx, "chunks", set->chunk_count);
    if (!has_table)
        return;
    for (uint64_t i = 0; i < set->chunks_written; i++)
        stored += set->chunks[i].bytes;
    out->number(out->ctx, "chunks written", set->chunks_written);
    out->number(out->ctx, "stored bytes", stored);
    if (set->chunks_written)
        out->number(out->ctx, "offset", set->chunks[0].offset);
}

static void put_set(const dlfw_describe *out, const struct h5_set *set, bool has_samples)
{
    out->begin(out->ctx, "dataset", set->name);
    put_shape(out, "shape", set->dims, set->rank);
    if (memcmp(set->dims, set->max_dims, set->rank * sizeof *set->dims) != 0)
        put_shape(out, "max shape", set->max_dims, set->rank);
    out->text(out->ctx, "dtype", h5_type_name(&set->type));
    out->number(out->ctx, "bytes", set->bytes);
    out->text(out->ctx, "layout", layouts[set->layout]);
    if (set->layout == H5_CHUNKED)
        put_chunks(out, set, has_samples);
    else if (set->layout != H5_VIRTUAL && set->offset != UINT64_MAX)
        out->number(out->ctx, "offset", set->offset);
    if (set->filter_count)
        put_filters(out, set);
    if (has_samples)
        out->text(out->ctx, "samples", "yes");
    out->end(out->ctx);
}

static bool holds_samples(const struct h5_file *f, const char *name)
{
    for (uint32_t i = 0; i < f->set_count; i++)
        if (strcmp(f->sets[i].name, name) == 0)
            return true;
    return false;
}

dlfw_status hdf5_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err)
{
    const struct h5_file *f = r->file;

    if (!f)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s': described before its metadata were read",
                         (int)r->object->name_len, r->object->name);
    out->number(out->ctx, "superblock version", f->superblock);
    out->text(out->ctx, "metadata read by", f->by_library ? "libhdf5" : "dlfw");
    if (f->set_count) {
        out->number(out->ctx, "rows", f->rows);
        out->number(out->ctx, "row bytes", f->row_bytes);
    }
    for (uint32_t i = 0; i < f->set_count; i++)
        put_set(out, &f->sets[i], true);
    for (uint32_t i = 0; i < f->seen_count; i++)
        if (!holds_samples(f, f->seen[i].name))
            put_set(out, &f->seen[i], false);
    return DLFW_OK;
}
