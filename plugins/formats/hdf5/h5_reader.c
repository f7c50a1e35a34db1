/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: from the first bytes of a file to its units. What was learnt goes to the cache, for the next unit's reader.
 */
#include "h5_reader.h"

#include "common/object_cache.h"
#include "common/span_set.h"
#include "h5_find.h"
#include "h5_library.h"

#include <inttypes.h>
#include <stdlib.h>

#define UNIT_BYTES (UINT64_C(4) << 20)
#define UNIT_SAMPLES_MAX 65536u
/* A small file's layout counts as that much, so that the cache stays short. */
#define CACHE_CHARGE (UINT64_C(128) << 10)

uint64_t h5_unit_choice(uint64_t sample_bytes, uint64_t chunk_rows, uint64_t samples)
{
    uint64_t n = sample_bytes ? UNIT_BYTES / sample_bytes : UNIT_SAMPLES_MAX;

    if (n > UNIT_SAMPLES_MAX)
        n = UNIT_SAMPLES_MAX;
    n = n < chunk_rows ? chunk_rows : n - n % chunk_rows;
    if (!n)
        n = 1;
    return n < samples ? n : samples;
}

bool h5_reader_verifies(const dlfw_reader *r)
{
    return r->object->flags & DLFW_OBJECT_VERIFY;
}

bool h5_reader_is_plain(const dlfw_reader *r)
{
    return r->file->set_count == 1 && r->file->sets[0].layout != H5_CHUNKED;
}

bool h5_reader_compares(const dlfw_reader *r)
{
    return (r->object->flags & DLFW_OBJECT_VERIFY_CONTENT) && !h5_reader_is_plain(r);
}

static bool explores(const dlfw_reader *r)
{
    return r->object->flags & DLFW_OBJECT_EXPLORE;
}

/* What the samples of the file are, now that it is known. */
static dlfw_status set_units(dlfw_reader *r, dlfw_error *err)
{
    const struct h5_file *f = r->file;
    const uint64_t expected = r->object->samples;

    if (!f->set_count) /* nothing to read, only to describe */
        return DLFW_OK;
    r->samples = f->rows;
    r->rows_per_sample = 1;
    if (!f->is_records && expected == 1) {
        r->samples = 1;
        r->rows_per_sample = f->rows;
    }
    if (expected > r->samples)
        return h5_fail(r->object, DLFW_E_CORRUPT, 0, err,
                       "its data sets have %" PRIu64 " rows, the run file says that it holds %" PRIu64 " samples",
                       f->rows, expected);
    if (expected)
        r->samples = expected;
    r->sample_bytes = f->row_bytes * r->rows_per_sample;
    if (DLFW_HAS(r->object, unit_samples))
        r->unit_samples = r->object->unit_samples;
    if (!r->unit_samples)
        r->unit_samples = h5_unit_choice(r->sample_bytes, h5_set_chunk_rows(&f->sets[0]), r->samples);
    r->units = r->samples / r->unit_samples + (r->samples % r->unit_samples != 0);
    return DLFW_OK;
}

dlfw_status hdf5_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err)
{
    (void)err;
    r->fmt = fmt;
    r->object = object;
    r->unit.number = UINT64_MAX;
    r->unit.parts = r->unit.few;
    r->unit.ranges = r->unit.few_ranges;
    r->unit.part_cap = H5_PARTS_FEW;
    r->progress.unit = UINT64_MAX;
    if (!explores(r))
        r->file = object_cache_get(fmt->cache, object->name, object->name_len, object->size);
    return DLFW_OK;
}

void hdf5_reader_close(dlfw_reader *r)
{
    h5_unit_free(&r->unit);
    h5_content_destroy(r->content);
    h5_filter_memory_free(&r->memory);
    free(r->progress.carry);
    free(r->progress.kept);
    if (r->own)
        h5_file_destroy(r->own);
    else
        object_cache_release(r->fmt->cache, r->file);
}

static dlfw_status find(dlfw_reader *r, struct h5_source *s, struct h5_file **ret)
{
    const char *name = r->fmt->options->dataset;
    const struct h5_search search = {.dataset = name && *name ? name : NULL, .explore = explores(r)};
    struct h5_file *file = h5_file_create();
    dlfw_status st;

    if (!file)
        return h5_no_memory(s);
    st = h5_find(s, &search, file);
    if (st == H5_BEYOND) {
        h5_file_destroy(file);
        file = h5_file_create();
        if (!file)
            return h5_no_memory(s);
        if (r->fmt->options->library == HDF5_LIBRARY_NEVER)
            st = h5_fail(s->object, DLFW_E_UNSUPPORTED, 0, s->err, "it has %s, which only the HDF5 library reads",
                         s->beyond);
        else
            st = h5_library_find(s, &search, file);
    }
    if (st != DLFW_OK)
        h5_file_destroy(file);
    else
        *ret = file;
    return st;
}

/* A file that lies in memory as a whole is parsed again sooner than it is found in the cache. */
static dlfw_status keep(dlfw_reader *r, struct h5_file *file, bool has_all, dlfw_error *err)
{
    uint64_t bytes = h5_file_memory(file);

    if (has_all || explores(r)) {
        r->file = r->own = file;
        return DLFW_OK;
    }
    r->file = object_cache_put(r->fmt->cache, r->object->name, r->object->name_len, r->object->size, file,
                               bytes < CACHE_CHARGE ? CACHE_CHARGE : bytes, h5_file_destroy);
    return r->file ? DLFW_OK
                   : dlfw_fail(err, DLFW_E_NO_MEMORY, "'%.*s': out of memory for its metadata",
                               (int)r->object->name_len, r->object->name);
}

static dlfw_status step_metadata(dlfw_reader *r, struct h5_source *s, dlfw_range *want, uint32_t want_cap,
                                 uint32_t *n_want)
{
    struct h5_file *file = NULL;
    dlfw_status st = DLFW_OK;

    if (!r->file) {
        st = find(r, s, &file);
        if (st == DLFW_OK)
            st = keep(r, file, s->n_have == 1 && s->have[0].length == r->object->size, s->err);
        if (st == DLFW_NEED_IO)
            *n_want = h5_source_wanted(s, want, want_cap);
    }
    if (st == DLFW_OK && !r->units)
        st = set_units(r, s->err);
    return st;
}

dlfw_status hdf5_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                      uint32_t want_cap, uint32_t *n_want, dlfw_error *err)
{
    dlfw_status st;

    *n_want = 0;
    if (goal == DLFW_GOAL_METADATA) {
        struct h5_source s = {.object = r->object, .have = have, .n_have = n_have, .err = err};

        st = step_metadata(r, &s, want, want_cap, n_want);
        h5_source_free(&s);
        return st;
    }
    st = h5_unit_load(r, goal, err);
    if (st < 0)
        return st;
    for (uint32_t i = 0; i < r->unit.range_count && *n_want < want_cap; i++)
        *n_want +=
            span_missing(have, n_have, r->unit.ranges[i].offset, r->unit.ranges[i].offset + r->unit.ranges[i].length,
                         want + *n_want, want_cap - *n_want);
    return *n_want ? DLFW_NEED_IO : DLFW_OK;
}

uint64_t hdf5_unit_count(dlfw_reader *r)
{
    return r->units;
}

dlfw_status hdf5_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st = h5_unit_load(r, unit, err);

    if (st < 0)
        return st;
    ret->flags = 0;
    ret->first_sample = unit * r->unit_samples;
    ret->samples = (r->unit.end_row - r->unit.first_row) / r->rows_per_sample;
    ret->stored_bytes = 0;
    for (uint32_t i = 0; i < r->unit.range_count; i++)
        ret->stored_bytes += r->unit.ranges[i].length;
    ret->out_bytes = h5_unit_out_bytes(r);
    return DLFW_OK;
}
